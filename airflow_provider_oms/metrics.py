"""Emit the metrics and the spans of finished work, for a set of orders and for a single one alike.

Metrics go to the client that Airflow's ``[metrics]`` configures, spans to the tracer that its
``[traces]`` configures. Neither holds a shopper's data. ``docs/metrics.md`` lists them.
"""

from __future__ import annotations

import importlib
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from airflow.providers.common.compat.sdk import Stats

from airflow_provider_oms import __version__
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.rate_limiter import Throttling
from airflow_provider_oms.cancellation.bulk.report import Report
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

__all__ = ["MeasuredRun", "emit"]

# Of a run in which every order fails, a trace must stay readable, and a socket must take it.
_MOST_ORDERS = 1000


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """Hold a task's work, as metrics and spans report it.

    :param tenant: the tenant's number.
    :param ends: how each order ended.
    :param duration: seconds that it took.
    :param dry_run: whether nothing was to be posted.
    :param accepted: outcomes that the caller accepts of orders that are not canceled.
    :param is_stopped: whether it stopped before its end.
    :param throttling: the effect of the tenant's limits; ``None`` where that is not known.
    """

    tenant: str
    ends: Collection[OrderEnd]
    duration: float
    dry_run: bool = False
    accepted: frozenset[Outcome] = frozenset()
    is_stopped: bool = False
    throttling: Throttling | None = None

    @classmethod
    def of_set(cls, report: Report) -> Self:
        """Return the run of a set.

        :param report: its report.
        """
        run = report.run
        return cls(
            report.tenant,
            run.ends.values(),
            report.duration,
            dry_run=report.dry_run,
            accepted=run.tally.accepted,
            is_stopped=run.stopped is not None,
            throttling=run.throttling,
        )

    @classmethod
    def of_order(
        cls,
        result: CancellationResult,
        *,
        tenant: str,
        attempt: int,
        duration: float,
        accepted: frozenset[Outcome],
    ) -> Self:
        """Return the run of a task that cancels one order, which ends now.

        :param result: how the order ended.
        :param tenant: the tenant's number.
        :param attempt: number of the task's attempt.
        :param duration: seconds that it took.
        :param accepted: outcomes that do not fail the task.
        """
        now = time.time()
        end = OrderEnd(result, attempt, result.posts, now - duration, now)
        return cls(tenant, (end,), duration, accepted=accepted)

    @property
    def counts(self) -> Counter[Outcome]:
        """Return how many orders ended how."""
        return Counter(end.result.outcome for end in self.ends)

    def deviating(self) -> list[OrderEnd]:
        """Return the ends of the first 1,000 orders that are not canceled, the unknown ones first.

        An order that a dry run would cancel does not deviate.
        """
        ends = (end for end in self.ends if not end.result.outcome.is_success)
        sequence = sorted(ends, key=lambda end: end.result.outcome is not Outcome.UNKNOWN)
        return list(islice(sequence, _MOST_ORDERS))

    def is_failure(self, outcome: Outcome) -> bool:
        """Return whether an order that ends so has failed.

        :param outcome: the outcome.
        """
        return not outcome.is_success and outcome not in self.accepted


def emit(log: Any, context: Context, run: MeasuredRun) -> None:
    """Emit the metrics and spans; a failure to do so is logged and does not raise.

    :param log: the task's log.
    :param context: the task's context.
    :param run: the task's work.
    """
    # The task's own result or error must not be replaced by one about metrics.
    try:
        ti: Any = context["ti"]
        _count(run, {"dag_id": ti.dag_id, "task_id": ti.task_id})
        _trace(run, {"airflow.dag_id": ti.dag_id, "airflow.task_id": ti.task_id})
    except Exception:
        log.exception("The metrics or spans could not be emitted")


def _count(run: MeasuredRun, task: dict[str, str]) -> None:
    tags = {**task, "tenant": run.tenant, "dry_run": str(run.dry_run).lower()}
    counts = run.counts
    for outcome, count in counts.items():
        Stats.incr(f"oms.orders.{outcome}", count, tags={**tags, "outcome": outcome.value})
    if not run.dry_run:
        # Where the tags are dropped, a dry run would say that the last real one left none in doubt.
        Stats.gauge("oms.orders.in_doubt", counts[Outcome.UNKNOWN], tags=tags)
    Stats.timing("oms.run.duration", 1000 * run.duration, tags=tags)
    for end in run.deviating():
        if end.started_at is not None and end.finished_at is not None:
            took = 1000 * (end.finished_at - end.started_at)
            outcome_tag = {"outcome": end.result.outcome.value}
            Stats.timing("oms.order.duration", took, tags={**tags, **outcome_tag})
    if (limits := run.throttling) is None:
        return
    Stats.incr("oms.requests.turned_away", limits.turned_away, tags=tags)
    Stats.timing("oms.requests.paused", 1000 * limits.paused_seconds, tags=tags)
    if limits.learned is not None and limits.learned.requests_per_second is not None:
        Stats.gauge("oms.requests.per_second", limits.learned.requests_per_second, tags=tags)


def _trace(run: MeasuredRun, task: dict[str, str]) -> None:
    try:
        trace = importlib.import_module("opentelemetry.trace")
    except ImportError:
        return
    ended_at = time.time()
    tracer = trace.get_tracer("airflow_provider_oms", __version__)
    span = tracer.start_span(
        "oms.run",
        start_time=_nanoseconds(ended_at - run.duration),
        attributes={**task, **_attributes_of_run(run)},
    )
    # A tracer that is off, and a trace that is not sampled, record nothing.
    if span.is_recording():
        within = trace.set_span_in_context(span)
        for end in run.deviating():
            order = tracer.start_span(
                "oms.order",
                context=within,
                start_time=_nanoseconds(end.started_at or ended_at),
                attributes=dict(_attributes_of_order(end)),
            )
            if run.is_failure(end.result.outcome):
                order.set_status(trace.StatusCode.ERROR, end.result.outcome.value)
            order.end(_nanoseconds(end.finished_at or ended_at))
        if run.is_stopped or any(map(run.is_failure, run.counts)):
            span.set_status(trace.StatusCode.ERROR)
    span.end(_nanoseconds(ended_at))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def _attributes_of_run(run: MeasuredRun) -> dict[str, Any]:
    counts = run.counts
    attributes: dict[str, Any] = {
        "oms.tenant": run.tenant,
        "oms.dry_run": run.dry_run,
        "oms.is_stopped": run.is_stopped,
        "oms.orders": counts.total(),
        **{f"oms.orders.{outcome}": count for outcome, count in counts.items()},
    }
    if run.throttling is not None:
        attributes["oms.requests.turned_away"] = run.throttling.turned_away
        attributes["oms.requests.paused_seconds"] = run.throttling.paused_seconds
    return attributes


def _attributes_of_order(end: OrderEnd) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each fact that is known, and never the OMS's own words."""
    result: CancellationResult = end.result
    facts = {
        "oms.order_id": str(result.order_id),
        "oms.looked_up_id": None if result.looked_up_id is None else str(result.looked_up_id),
        "oms.outcome": result.outcome.value,
        "oms.order_state": result.order_state,
        "oms.order_status": result.order_status,
        "oms.code": result.oms_code,
        "oms.correlation_id": result.correlation_id,
        "oms.posts": end.posts,
        "oms.attempt": end.attempt,
        "http.response.status_code": result.http_status,
    }
    return ((name, value) for name, value in facts.items() if value is not None)
