"""Publish the report of a set of orders: log lines, XCom values, metrics, asset events.

The report itself is built in ``cancellation/bulk/report.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset

from airflow_provider_oms.cancellation.bulk.report import Kept, Report, Summary
from airflow_provider_oms.metrics import MeasuredRun, emit

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

__all__ = ["log_lines", "publish"]

_FAILED = "Orders that did not end as they should"
_ACCEPTED = "Orders that are not canceled, which accepted_outcomes allows"


def publish(
    log: Any,
    context: Context,
    report: Report,
    results_path: str | None,
    *,
    push: bool,
    outlets: Sequence[Any] = (),
    beside: Mapping[str, Any] | None = None,
) -> tuple[Summary, Kept]:
    """Log the report and push it; a part that cannot be published is logged and does not raise.

    :param log: the task's log.
    :param context: the task's context.
    :param report: the report.
    :param results_path: the file of results; ``None`` if none was written.
    :param push: whether to push to XCom.
    :param outlets: the task's outlets.
    :param beside: further values for XCom, by their keys.
    :return: the summary, and where the outcomes were stored.
    """
    summary = report.summary(results_path)
    # Before the push, which may fail or take long.
    log_lines(log, _FAILED, report.first_failed_lines())
    for line in report.lines():
        log.info("%s", line)
    if warning := report.warning():
        log.warning("%s", warning)
    pushed: set[str] = set()
    try:
        if push:
            values = {"return_value": summary, "results": report.rows(), **(beside or {})}
            _push(log, context, values, pushed)
    finally:
        kept = Kept("return_value" in pushed, "results" in pushed, results_path)
        log_lines(log, f"{_FAILED}, continued", report.further_failed_lines(kept))
        log_lines(log, _ACCEPTED, report.accepted_lines(kept), are_errors=False)
    emit(log, context, MeasuredRun.of_set(report))
    with _failure_is_logged(log):
        for outlet in outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra = dict(summary["outcomes"])
    return summary, kept


def log_lines(log: Any, title: str, lines: Iterator[str], *, are_errors: bool = True) -> None:
    """Log lines under a title; the web UI folds those that are no errors.

    :param log: the task's log.
    :param title: the title.
    :param lines: the lines; if there are none, nothing is logged.
    :param are_errors: whether they are logged as errors.
    """
    first = next(lines, None)
    if first is None:
        return
    say = log.error if are_errors else log.info
    # A person who looks for what went wrong must not have to open a group for it.
    say("%s%s", "" if are_errors else "::group::", title)
    say("%s", first)
    for line in lines:
        say("%s", line)
    if not are_errors:
        log.info("::endgroup::")


def _push(log: Any, context: Context, values: dict[str, Any], pushed: set[str]) -> None:
    """Push the values in turn, and add to ``pushed`` the key of each that XCom has accepted."""
    with _failure_is_logged(log):
        for key, value in values.items():
            if value is not None:
                context["ti"].xcom_push(key=key, value=value)
                pushed.add(key)


@contextmanager
def _failure_is_logged(log: Any) -> Iterator[None]:
    # The task's own result or error must not be replaced by one about reporting.
    try:
        yield
    except Exception:
        log.exception("The report could not be kept as a whole")
