"""Go through the set of a bulk operator once, for real or as a dry run, and report the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_oms.bulk_plan import Plan
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.orders_page import (
    PAGE_KEY,
    OrdersPage,
    page_at_end,
    page_at_start,
)
from airflow_provider_oms.cancellation.bulk.report import Kept, Report, Summary
from airflow_provider_oms.cancellation.bulk.verdict import not_owned
from airflow_provider_oms.cancellation.notes import LeavesNotes
from airflow_provider_oms.links.oms import OmsOrdersLink
from airflow_provider_oms.reporting import publish
from airflow_provider_oms.storage import OmsFileError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

__all__ = ["work_through"]


def work_through(
    task: Any, context: Context, plan: Plan, is_stopping: Callable[[], bool]
) -> tuple[BulkRun, tuple[Summary, Kept] | None]:
    """Go through a set, and report how each order ended, also when something breaks in.

    :param task: the operator.
    :param context: the task's context.
    :param plan: the plan of the run.
    :param is_stopping: returns whether the task was told to end.
    :return: the run; and its summary with where the outcomes were stored, or ``None`` when another
        attempt has taken over.
    """
    with plan.client as client:
        page = _announce(task, context, plan)
        client.expect([*plan.orders.requests, *plan.orders.parts])
        calls = LeavesNotes(client, plan.note)
        run = BulkRun(
            calls,
            plan.orders,
            plan.policy,
            plan.journal,
            plan.limits,
            leeway=client.settings.connect_timeout,
            attempt=plan.attempt,
            log=task.log,
            is_stopping=is_stopping,
        )
        units = plan.units_of_parts(task.log, run, is_stopping)
        try:
            run.run()
            plan.leave_late_notes(calls, run, is_stopping)
            if units is not None:
                run.wait_for_journal()
                units.run()
        finally:
            if units is not None:
                units.close()
            reported = _report(task, context, plan, run, page)
    return run, reported


def _announce(task: Any, context: Context, plan: Plan) -> OrdersPage:
    """Tell the *Orders* page how many orders there are, so that it can follow the run."""
    settings = plan.client.settings
    page = page_at_start(
        len(plan.orders),
        dry_run=plan.policy.dry_run,
        tenant=settings.describe(),
        admin_url=settings.admin_url,
    )
    if task.do_xcom_push:
        try:
            context["ti"].xcom_push(key=PAGE_KEY, value=page)
        except Exception as error:  # noqa: BLE001 - Airflow's, of whatever kind
            task.log.warning(
                "The Orders page cannot follow this run, which changes nothing else: %s", error
            )
    return page


def _report(
    task: Any, context: Context, plan: Plan, run: BulkRun, page: OrdersPage
) -> tuple[Summary, Kept] | None:
    report = Report(
        run,
        len(plan.orders),
        plan.orders.duplicates,
        dry_run=plan.policy.dry_run,
        attempt=plan.attempt,
        duration=time.monotonic() - plan.started_at,
        not_cancelable_states=plan.client.settings.not_cancelable_states,
        rows_by_value=plan.rows.counts,
        tenant=plan.client.settings.tenant_id,
    )
    if not plan.journal.confirm_ownership():
        task.log.error("%s", not_owned(plan.journal.failure).message)
        publish(task.log, context, report, None, push=False)
        return None
    results_path = None
    try:
        results_path = _write_results(task, plan, run)
    finally:
        beside = {}
        if task.do_xcom_push:
            known = report.not_cancelable_states
            beside[PAGE_KEY] = page_at_end(page, run, not_cancelable_states=known)
        # A timeout while a large file is written must not take the summary along.
        reported = publish(
            task.log,
            context,
            report,
            results_path,
            push=task.do_xcom_push,
            outlets=task.outlets,
            beside=beside,
        )
    if task.do_xcom_push:
        is_well = all(outcome.is_success for outcome in run.tally.counts)
        OmsOrdersLink().tell(task.log, len(plan.orders), reported[1], is_well=is_well)
    return reported


def _write_results(task: Any, plan: Plan, run: BulkRun) -> str | None:
    if plan.results is None:
        return None
    try:
        plan.results.write_ends(run.ends, plan.orders.asked, begun_at=plan.journal.begun_at)
    except OmsFileError as error:
        task.log.error("The results were not kept: %s", error)  # noqa: TRY400 - the traceback adds nothing
        return None
    return str(plan.results)
