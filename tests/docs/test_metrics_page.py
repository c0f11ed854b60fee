"""The page of metrics and the dashboard: each name in them is emitted, and the reverse."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import conf
from measured import Metric, context_of, record_metrics, record_spans
from pages import blocks, rows, text_of

from airflow_provider_oms.cancellation.bulk.adaptive_limit import Learned
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.rate_limiter import Throttling
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.metrics import MeasuredRun, emit

PAGE = text_of("docs/metrics.md")
DASHBOARD: dict[str, Any] = json.loads(text_of("docs/grafana-dashboard.json"))
KINDS = {"counter": "incr", "gauge": "gauge", "timer": "timing"}
# What statsd_exporter makes of them.
SUFFIXES = {"incr": ("",), "gauge": ("",), "timing": ("", "_sum", "_count")}
# The tasks that cancel parts of an order emit no metrics.
OUTCOMES = [outcome for outcome in Outcome if outcome is not Outcome.PARTIALLY_CANCELED]


def everything() -> MeasuredRun:
    """Return a run in which whatever can happen has happened."""
    ends = [
        OrderEnd(
            CancellationResult(
                number,
                outcome,
                None,
                "READY",
                "READY",
                "0123456789abcdef",
                http_status=409,
                oms_code="5003",
                looked_up_id="137a94b6402be0000137196800002711",
            ),
            1,
            1,
            1.0,
            2.0,
        )
        for number, outcome in enumerate(OUTCOMES, 1)
    ]
    return MeasuredRun("10001", ends, 2.0, throttling=Throttling(Learned(5.0, 2), 1, 1.0))


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[Metric]:
    metrics = record_metrics(monkeypatch)
    emit(None, context_of(), everything())
    return metrics


def names_in(cell: str) -> Iterator[str]:
    """Yield the names that a cell has as code, one for each outcome where it has a place for it."""
    for name in re.findall(r"`([^`]+)`", cell):
        if "<outcome>" in name:
            yield from (name.replace("<outcome>", outcome) for outcome in OUTCOMES)
        else:
            yield name


def test_the_table_lists_each_metric_with_its_kind_and_none_that_is_not_emitted(
    emitted: list[Metric],
) -> None:
    listed = {
        (name, KINDS[kind], by_outcome == "yes")
        for cell, kind, by_outcome, _ in rows(PAGE, "| metric | kind | by outcome | value |")
        for name in names_in(cell)
    }
    assert listed == {(each.name, each.kind, "outcome" in each.tags) for each in emitted}


def test_the_table_of_tags_lists_all_of_them(emitted: list[Metric]) -> None:
    listed = {
        (name, where == "all")
        for cell, where, _ in rows(PAGE, "| tag | on | value |")
        for name in names_in(cell)
    }
    tags = {tag for metric in emitted for tag in metric.tags}
    assert listed == {(tag, all(tag in metric.tags for metric in emitted)) for tag in tags}


def test_the_table_of_spans_lists_each_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = record_spans(monkeypatch)
    emit(None, context_of(), everything())
    listed = {
        (name, span.strip("`"))
        for cell, span, _ in rows(PAGE, "| attribute | of | value |")
        for name in names_in(cell)
    }
    assert listed == {
        (name, span.name)
        for span in exporter.get_finished_spans()
        for name in dict(span.attributes or {})
    }


def test_the_settings_shown_are_airflows() -> None:
    ((_, shown),) = blocks(PAGE, "ini")
    settings = configparser.ConfigParser()
    settings.read_string(shown)
    options = {(section, option) for section in settings.sections() for option in settings[section]}
    assert len(options) == 4
    assert [option for option in options if not conf.has_option(*option)] == []


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def metrics_in(query: str) -> Iterator[str]:
    """Yield the names of the metrics that a query asks for."""
    for name, among in re.findall(r"(airflow_oms_\w+)(?:\(([\w|]+)\)\")?", query):
        yield from (f"{name}{each}" for each in among.split("|"))


def labels_in(query: str) -> set[str]:
    by = ",".join(re.findall(r"by \(([\w, ]+)\)", query)).replace(" ", "").split(",")
    asked = re.findall(r"label_values\(\w+, (\w+)\)", query)
    return {*re.findall(r"(\w+)=~", query), *by, *asked} - {"", "__name__"}


@pytest.mark.parametrize("query", queries())
def test_the_dashboard_asks_for_what_is_emitted_with_these_tags(
    query: str, emitted: list[Metric]
) -> None:
    tags = {
        f"airflow_{metric.name.replace('.', '_')}{suffix}": set(metric.tags)
        for metric in emitted
        for suffix in SUFFIXES[metric.kind]
    }
    names = list(metrics_in(query))
    assert names
    assert [name for name in names if name not in tags] == []
    assert [name for name in names if not labels_in(query) <= tags[name]] == []


def test_the_dashboard_shows_every_metric(emitted: list[Metric]) -> None:
    asked = {name for query in queries() for name in metrics_in(query)}
    names = {f"airflow_{metric.name.replace('.', '_')}" for metric in emitted}
    assert [name for name in names if not any(each.startswith(name) for each in asked)] == []


def test_the_dashboard_uses_variables_that_it_has_and_panels_that_do_not_overlap() -> None:
    known = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(?!__)(\w+)", json.dumps(DASHBOARD)))
    assert used == known
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        here = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & here
        cells |= here
    assert {x for x, _ in cells} == set(range(24))
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
