"""The measurements of finished work: metrics with their tags, and spans, bounded in number."""

from __future__ import annotations

import importlib
from collections import Counter
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import Stats
from measured import KINDS, TASK, Metric, context_of, record_metrics, record_spans
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from airflow_provider_oms.cancellation.bulk.adaptive_limit import Learned
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.rate_limiter import Throttling
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.metrics import MeasuredRun, emit

TAGS = {**TASK, "tenant": "10001", "dry_run": "false"}
BEGAN_AT = 1_700_000_000.0
CORRELATION_ID = "0123456789abcdef0123456789abcdef"
SHOPPER = "Wilhelmina"


def end_of(order_id: int, outcome: Outcome, **facts: Any) -> OrderEnd:
    result = CancellationResult(order_id, outcome, reason=f"The OMS says {SHOPPER}", **facts)
    return OrderEnd(result, 1, 1, BEGAN_AT, BEGAN_AT + 0.25)


def ends_of(*outcomes: Outcome) -> list[OrderEnd]:
    return [end_of(number, outcome) for number, outcome in enumerate(outcomes, 1)]


def run_of(*outcomes: Outcome, **facts: Any) -> MeasuredRun:
    return MeasuredRun("10001", ends_of(*outcomes), 2.5, **facts)


def emit_all(run: MeasuredRun) -> MagicMock:
    log = MagicMock()
    emit(log, context_of(), run)
    return log


class TestMetrics:
    @pytest.fixture
    def metrics(self, monkeypatch: pytest.MonkeyPatch) -> list[Metric]:
        return record_metrics(monkeypatch)

    def test_orders_are_counted_by_outcome_in_the_name_and_in_a_tag(
        self, metrics: list[Metric]
    ) -> None:
        emit_all(run_of(*Outcome, Outcome.CANCELED))
        counted = {metric.name: metric for metric in metrics if metric.kind == "incr"}
        assert counted == {
            f"oms.orders.{outcome}": Metric(
                "incr",
                f"oms.orders.{outcome}",
                2 if outcome is Outcome.CANCELED else 1,
                {**TAGS, "outcome": outcome.value},
            )
            for outcome in Outcome
        }
        assert {type(metric.tags["outcome"]) for metric in counted.values()} == {str}

    def test_a_gauge_says_how_many_are_in_doubt_also_when_none_is(
        self, metrics: list[Metric]
    ) -> None:
        emit_all(run_of(Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED))
        emit_all(run_of(Outcome.CANCELED))
        gauges = [metric for metric in metrics if metric.kind == "gauge"]
        assert gauges == [Metric("gauge", "oms.orders.in_doubt", number, TAGS) for number in (2, 0)]

    def test_a_dry_run_is_tagged_and_leaves_that_gauge_alone(self, metrics: list[Metric]) -> None:
        emit_all(run_of(Outcome.WOULD_CANCEL, dry_run=True))
        assert {metric.tags["dry_run"] for metric in metrics} == {"true"}
        assert [metric.name for metric in metrics] == [
            "oms.orders.would_cancel",
            "oms.run.duration",
        ]

    def test_durations_are_of_the_run_and_of_each_order_that_deviates(
        self, metrics: list[Metric]
    ) -> None:
        emit_all(run_of(Outcome.CANCELED, Outcome.ALREADY_CANCELED, Outcome.NOT_CANCELABLE))
        assert [metric for metric in metrics if metric.kind == "timing"] == [
            Metric("timing", "oms.run.duration", 2500, TAGS),
            Metric(
                "timing", "oms.order.duration", 250, {**TAGS, "outcome": Outcome.NOT_CANCELABLE}
            ),
        ]

    def test_an_order_that_was_not_begun_has_none(self, metrics: list[Metric]) -> None:
        end = OrderEnd(CancellationResult(1, Outcome.NOT_ATTEMPTED))
        emit_all(MeasuredRun("10001", [end], 2.5))
        assert "oms.order.duration" not in {metric.name for metric in metrics}

    def test_what_the_tenants_limits_did_is_told_where_it_is_known(
        self, metrics: list[Metric]
    ) -> None:
        emit_all(run_of(throttling=Throttling(Learned(17.5, None), 7, 3.0)))
        emit_all(run_of(throttling=Throttling()))
        emit_all(run_of())
        assert [metric for metric in metrics if metric.name.startswith("oms.requests.")] == [
            Metric("incr", "oms.requests.turned_away", 7, TAGS),
            Metric("timing", "oms.requests.paused", 3000, TAGS),
            Metric("gauge", "oms.requests.per_second", 17.5, TAGS),
            Metric("incr", "oms.requests.turned_away", 0, TAGS),
            Metric("timing", "oms.requests.paused", 0, TAGS),
        ]

    def test_of_many_orders_that_deviate_a_thousand_have_a_duration(
        self, metrics: list[Metric]
    ) -> None:
        emit_all(run_of(*[Outcome.NOT_FOUND] * 5000, Outcome.UNKNOWN))
        took = [metric for metric in metrics if metric.name == "oms.order.duration"]
        assert Counter(metric.tags["outcome"] for metric in took) == {
            Outcome.UNKNOWN: 1,
            Outcome.NOT_FOUND: 999,
        }

    def test_a_client_that_raises_is_logged_and_fails_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def incr(*_: Any, **__: Any) -> None:
            raise OSError("the socket is gone")

        monkeypatch.setattr(Stats, "incr", incr)
        log = emit_all(run_of(Outcome.CANCELED))
        log.exception.assert_called_once_with("The metrics or spans could not be emitted")


class TestAirflowsOwnClients:
    """What reaches a backend, by way of the classes that Airflow puts between."""

    def client(self, monkeypatch: pytest.MonkeyPatch, kind: str, name: str, *args: Any) -> None:
        places = ("airflow.sdk._shared.observability.metrics", "airflow.metrics")
        for place in places:
            try:
                module = importlib.import_module(f"{place}.{kind}_logger")
            except ModuleNotFoundError as error:
                if error.name == "statsd":
                    pytest.skip("This Airflow's client for statsd needs the package statsd")
                continue
            client = getattr(module, name)(*args)
            for each in KINDS:
                monkeypatch.setattr(Stats, each, getattr(client, each))
            return
        pytest.fail(f"This Airflow has no {name} in any of {places}")

    def test_opentelemetry_gets_names_and_tags(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reader = InMemoryMetricReader()
        self.client(monkeypatch, "otel", "SafeOtelLogger", MeterProvider([reader]))
        log = emit_all(run_of(*[Outcome.CANCELED] * 3, Outcome.UNKNOWN, throttling=Throttling()))
        log.exception.assert_not_called()
        data: Any = reader.get_metrics_data()
        points = {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
        assert set(points) == {
            "airflow.oms.orders.canceled",
            "airflow.oms.orders.unknown",
            "airflow.oms.orders.in_doubt",
            "airflow.oms.run.duration",
            "airflow.oms.order.duration",
            "airflow.oms.requests.turned_away",
            "airflow.oms.requests.paused",
        }
        (canceled,) = points["airflow.oms.orders.canceled"]
        assert canceled.value == 3
        assert dict(canceled.attributes) == {**TAGS, "outcome": "canceled"}
        assert points["airflow.oms.orders.in_doubt"][0].value == 1

    @pytest.mark.parametrize("has_tags", [False, True])
    def test_statsd_gets_the_names_and_where_it_is_configured_so_the_tags(
        self, monkeypatch: pytest.MonkeyPatch, has_tags: bool
    ) -> None:
        sent = MagicMock()
        self.client(monkeypatch, "statsd", "SafeStatsdLogger", sent)
        client: Any = getattr(Stats.incr, "__self__")  # noqa: B009 - known at run time only
        # As `[metrics] statsd_influxdb_enabled` sets them.
        client.influxdb_tags_enabled = client.statsd_influxdb_enabled = has_tags
        log = emit_all(run_of(Outcome.CANCELED))
        log.exception.assert_not_called()
        tags = ",dag_id=nightly,task_id=cancel,tenant=10001,dry_run=false" if has_tags else ""
        outcome = ",outcome=canceled" if has_tags else ""
        assert [call.args[:2] for call in sent.mock_calls] == [
            (f"oms.orders.canceled{tags}{outcome}", 1),
            (f"oms.orders.in_doubt{tags}", 0),
            (f"oms.run.duration{tags}", 2500),
        ]


class TestSpans:
    @pytest.fixture
    def exporter(self, monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
        return record_spans(monkeypatch)

    def spans(self, exporter: InMemorySpanExporter, run: MeasuredRun) -> list[ReadableSpan]:
        """Return the spans of the orders, then that of the run."""
        emit_all(run).exception.assert_not_called()
        return list(exporter.get_finished_spans())

    def test_a_run_has_one_within_airflows_own(self, exporter: InMemorySpanExporter) -> None:
        run = run_of(*[Outcome.CANCELED] * 3, throttling=Throttling(turned_away=7))
        with trace.get_tracer("airflow").start_as_current_span("worker.cancel") as airflows:
            (span,) = self.spans(exporter, run)
        assert span.name == "oms.run"
        assert span.parent == airflows.get_span_context()
        assert dict(span.attributes or {}) == {
            "airflow.dag_id": "nightly",
            "airflow.task_id": "cancel",
            "oms.tenant": "10001",
            "oms.dry_run": False,
            "oms.is_stopped": False,
            "oms.orders": 3,
            "oms.orders.canceled": 3,
            "oms.requests.turned_away": 7,
            "oms.requests.paused_seconds": 0.0,
        }
        assert span.end_time is not None
        assert span.start_time is not None
        assert round((span.end_time - span.start_time) / 1e9, 3) == 2.5
        assert not span.status.is_ok or span.status.status_code is trace.StatusCode.UNSET

    def test_an_order_that_deviates_has_one_within_that_of_the_run(
        self, exporter: InMemorySpanExporter
    ) -> None:
        facts = {
            "order_state": "SHIPPED",
            "order_status": "SHIPPED",
            "http_status": 409,
            "oms_code": "5002",
            "correlation_id": CORRELATION_ID,
        }
        ends = [end_of(1, Outcome.CANCELED), end_of(2, Outcome.NOT_CANCELABLE, **facts)]
        order, run = self.spans(exporter, MeasuredRun("10001", ends, 2.5))
        assert order.name == "oms.order"
        assert order.parent == run.context
        assert dict(order.attributes or {}) == {
            "oms.order_id": "2",
            "oms.outcome": "not_cancelable",
            "oms.order_state": "SHIPPED",
            "oms.order_status": "SHIPPED",
            "oms.code": "5002",
            "oms.correlation_id": CORRELATION_ID,
            "oms.posts": 1,
            "oms.attempt": 1,
            "http.response.status_code": 409,
        }
        assert order.start_time == int(BEGAN_AT * 1e9)
        assert order.end_time == int((BEGAN_AT + 0.25) * 1e9)
        assert order.status.status_code is trace.StatusCode.ERROR
        assert run.status.status_code is trace.StatusCode.ERROR

    def test_an_accepted_outcome_is_no_error(self, exporter: InMemorySpanExporter) -> None:
        run = run_of(Outcome.NOT_CANCELABLE, accepted=frozenset({Outcome.NOT_CANCELABLE}))
        statuses = {span.status.status_code for span in self.spans(exporter, run)}
        assert statuses == {trace.StatusCode.UNSET}

    def test_a_run_that_stopped_is_one(self, exporter: InMemorySpanExporter) -> None:
        (span,) = self.spans(exporter, run_of(Outcome.CANCELED, is_stopped=True))
        assert span.status.status_code is trace.StatusCode.ERROR

    def test_they_hold_nothing_that_the_oms_said_in_words(
        self, exporter: InMemorySpanExporter
    ) -> None:
        spans = self.spans(exporter, run_of(*Outcome))
        assert [span.name for span in spans if SHOPPER in span.to_json()] == []

    def test_a_thousand_orders_have_one_those_in_doubt_first(
        self, exporter: InMemorySpanExporter
    ) -> None:
        *orders, run = self.spans(exporter, run_of(*[Outcome.NOT_FOUND] * 5000, Outcome.UNKNOWN))
        assert len(orders) == 1000
        assert orders[0].attributes is not None
        assert orders[0].attributes["oms.outcome"] == "unknown"
        assert run.attributes is not None
        assert run.attributes["oms.orders.not_found"] == 5000

    def test_a_trace_that_is_not_sampled_costs_no_spans_of_orders(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record_spans(monkeypatch, ALWAYS_OFF)
        started = MagicMock(wraps=trace.get_tracer("t").start_span)
        monkeypatch.setattr("opentelemetry.sdk.trace.Tracer.start_span", started)
        emit_all(run_of(Outcome.NOT_FOUND)).exception.assert_not_called()
        assert [call.args[0] for call in started.mock_calls] == ["oms.run"]

    def test_without_opentelemetry_there_is_none_and_no_complaint(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        metrics = record_metrics(monkeypatch)
        found = importlib.import_module

        def missing(name: str, *rest: Any) -> Any:
            if name.startswith("opentelemetry"):
                raise ModuleNotFoundError(name)
            return found(name, *rest)

        monkeypatch.setattr(importlib, "import_module", missing)
        emit_all(run_of(Outcome.CANCELED)).exception.assert_not_called()
        assert len(metrics) == 3
