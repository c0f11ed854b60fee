"""The bulk operator: a set of orders out of task parameters, a run through it, and its report.

It holds no logic: the set is checked, canceled and counted in ``cancellation/``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_oms.api.values import validate_flag, validate_number
from airflow_provider_oms.approval import Answer, Approver, approver_of
from airflow_provider_oms.arguments import (
    NOT_GIVEN,
    KeepsDefaultArguments,
    NotGiven,
    outcomes_argument,
    refuse_unless_one_can_ask,
)
from airflow_provider_oms.bulk_arguments import (
    names_given,
    part_tasks,
    read_set,
    rows_of,
    states_of,
)
from airflow_provider_oms.bulk_plan import Plan, log_beginning, open_journal, results_file
from airflow_provider_oms.bulk_work import work_through
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.limits import Limits, check_workers
from airflow_provider_oms.cancellation.bulk.order_set import OmsOrderSetError, Reasons
from airflow_provider_oms.cancellation.bulk.report import Summary
from airflow_provider_oms.cancellation.bulk.verdict import failure_of, not_owned
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.cancellation.termination import listen_for_termination
from airflow_provider_oms.exceptions import (
    OmsInvalidInputError,
    bulk_cancellation_error,
    invalid_input_is_final,
)
from airflow_provider_oms.hooks.oms import OmsHook
from airflow_provider_oms.links.oms import OmsOrdersLink
from airflow_provider_oms.reporting import log_lines
from airflow_provider_oms.storage import before_anything_is_sent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_oms.arguments import Templated

__all__ = ["OmsBulkCancelOrdersOperator"]

_NO_ATTEMPT = (
    "The attempt number of this task is unknown, so every order is read, with time to settle, "
    "before a cancel is sent"
)


def _or_none(value: Any) -> Any:
    return None if value is NOT_GIVEN else value


class OmsBulkCancelOrdersOperator(KeepsDefaultArguments, BaseOperator):
    """Cancel a whole set of orders on Kibo's OMS in one task; this cannot be undone.

    The set is checked as a whole before anything is sent. Each order is canceled as protected as by
    ``OmsCancelOrderOperator``, many at a time. The task fails when more than ``tolerated_failures``
    orders ended neither canceled nor as ``accepted_outcomes`` admits. The record of each order
    lets the next attempt go on where this one ended, even after a ``kill -9`` (Airflow 3.3 and
    later; before, with ``journal_path``).

    In XCom, also when the task fails: ``return_value``, a summary with the counts by outcome and
    by state and the first ids of each failure, and, for up to 1,000 orders, ``results``, a dict for
    each with ``order_id``, ``looked_up_id``, ``outcome``, ``order_state`` and ``order_status``.

    :param orders: what to cancel: ids, strings of digits, or dicts with ``order_id`` and, if
        wanted, ``disposition_reason``, ``disposition_other_reason``, ``order_key`` and ``in_doubt``
        (whether an earlier run may have sent a cancel); a list, a JSON array, or another task's
        output (templated). Dicts with ``items``, ``shipment``, or ``line`` and ``quantity`` or
        ``keep_quantity``, are about parts of an order.
    :param orders_path: the same as a file, JSON Lines (``.jsonl``, ``.ndjson``) or CSV with a
        header line (``.csv``, ``.tsv``), each also packed (``.gz``), or a workbook (``.xlsx``), in
        any storage that ``ObjectStoragePath`` reaches; a pattern with ``*`` for several files as
        one set. Give this or ``orders`` (templated).
    :param order_id_column: the column of ``orders_path`` that holds the ids, as of an export; other
        columns then say nothing. Left out, it is ``order_id``, and an unknown column is refused
        (templated).
    :param where: by column of ``orders_path``, the values that mean ``cancel`` and those to
        ``ignore``; a row with any other value refuses the set. Left out, every row asks for a
        cancel (templated).
    :param delimiter: what separates the fields of a CSV file; left out, it is found out, and said
        in the log (templated).
    :param disposition_reason: why, for orders without a separate reason (templated).
    :param disposition_other_reason: the explanation that goes with the reason ``other``
        (templated).
    :param order_key: the kind of the ids on a native tenant, where an entry does not name it:
        ``id``, the order's ``number``, or the ``external_id`` that it has in the shop's own
        system; ``None`` for the id (templated).
    :param part_options: how parts of orders are canceled: a dict with ``send_notifications`` and,
        if wanted, ``rectify_order``, ``cancel_child_items``, ``block_assignment``,
        ``allow_whole_order`` and ``allow_order_edit``, each as for ``OmsCancelOrderItemsOperator``;
        left out, a set that names parts is refused (templated).
    :param note: left on each order once it is canceled, at most 250 characters, on a native tenant
        only; that it cannot be left fails nothing. It counts against ``requests_per_second``
        (templated).
    :param oms_conn_id: id of the Airflow connection of type ``oms`` (templated).
    :param max_orders: a larger set is refused as a whole (templated).
    :param tolerated_failures: how many orders may end otherwise than canceled, in a run that does
        not stop early (templated).
    :param accepted_outcomes: ``not_cancelable``, ``not_found``, or a list of them: orders that end
        so count neither as failed nor for ``stop_after_failures``. Where the OMS knows none of ten
        orders or more, ``not_found`` counts. ``None`` or empty for none (templated).
    :param stop_after_failures: failed orders after which no cancel is begun; left out, the whole
        set is worked through (templated).
    :param max_workers: requests under way at a time, from 1 to 128 (templated).
    :param requests_per_second: requests that may leave in a second; left out, any number
        (templated).
    :param only_if_states: read each order first and cancel it only when ``orderState`` and
        ``orderStatus`` are all among these; a list, a JSON array or a comma-separated string; left
        out, any state will do (templated).
    :param approve_above: with more orders than that, read all of them, and ask a person: exactly
        those shown are canceled, each only while its state is the one shown. Airflow 3.1 and later;
        left out, no approval is asked for (templated).
    :param approval_timeout: how long to wait for the answer, in seconds or as a ``timedelta``; none
        by then means no (templated).
    :param dry_run: read each order instead of canceling it, and report the expected outcomes
        (templated).
    :param results_path: where to write one JSON line for each order; a mapped task's index goes
        into the name. Any URI that ``ObjectStoragePath`` takes (templated).
    :param journal_path: the folder for the journal on Airflow before 3.3: in S3, Google Cloud
        Storage, Azure Blob Storage, or one that all workers share. Left out, the journal is in
        Airflow 3.3's own store, and before 3.3 there is none (templated).
    """

    template_fields: Sequence[str] = (
        "orders",
        "orders_path",
        "order_id_column",
        "where",
        "delimiter",
        "disposition_reason",
        "disposition_other_reason",
        "order_key",
        "part_options",
        "note",
        "oms_conn_id",
        "max_orders",
        "tolerated_failures",
        "accepted_outcomes",
        "stop_after_failures",
        "max_workers",
        "requests_per_second",
        "only_if_states",
        "approve_above",
        "approval_timeout",
        "is_dry_run",
        "results_path",
        "journal_path",
    )
    template_fields_renderers = {  # noqa: RUF012 - as Airflow declares it
        "orders": "json",
        "accepted_outcomes": "json",
        "only_if_states": "json",
        "part_options": "json",
        "where": "json",
    }
    operator_extra_links = (OmsOrdersLink(),)
    ui_color = "#f6d5d5"

    def __init__(  # noqa: PLR0913 - each is a separate setting
        self,
        *,
        orders: Any = None,
        orders_path: str | Templated | None = None,
        order_id_column: str | Templated | None = None,
        where: Mapping[str, Any] | str | Templated | NotGiven = NOT_GIVEN,
        delimiter: str | Templated | None = None,
        disposition_reason: str | Templated | None = None,
        disposition_other_reason: str | Templated | None = None,
        order_key: str | Templated | None = None,
        part_options: Mapping[str, Any] | str | Templated | None = None,
        note: str | Templated | None = None,
        oms_conn_id: str = OmsHook.default_conn_name,
        max_orders: int | str = 1000,
        tolerated_failures: int | str = 0,
        accepted_outcomes: Sequence[str] | str | Templated | None = None,
        stop_after_failures: int | str | NotGiven = NOT_GIVEN,
        max_workers: int | str = 4,
        requests_per_second: float | str | NotGiven = NOT_GIVEN,
        only_if_states: Sequence[str] | str | Templated | NotGiven = NOT_GIVEN,
        approve_above: int | str | Templated | NotGiven = NOT_GIVEN,
        approval_timeout: timedelta | float | str = timedelta(hours=24),
        dry_run: bool | str | Templated = False,
        results_path: str | Templated | None = None,
        journal_path: str | Templated | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.orders = orders
        # They are rendered when the task runs, and checked then.
        self.orders_path: Any = orders_path
        self.order_id_column: Any = order_id_column
        self.delimiter: Any = delimiter
        self.disposition_reason: Any = disposition_reason
        self.disposition_other_reason: Any = disposition_other_reason
        self.order_key: Any = order_key
        self.part_options: Any = part_options
        self.note: Any = note
        self.oms_conn_id = oms_conn_id
        self.max_orders = max_orders
        self.tolerated_failures = tolerated_failures
        self.accepted_outcomes: Any = outcomes_argument("accepted_outcomes", accepted_outcomes)
        self.max_workers = max_workers
        conditions = {
            "stop_after_failures": stop_after_failures,
            "requests_per_second": requests_per_second,
            "only_if_states": only_if_states,
            "approve_above": approve_above,
            "where": where,
        }
        sources = {"orders": orders, "orders_path": orders_path, "part_options": part_options}
        self._given = names_given(conditions, sources)
        self.stop_after_failures = _or_none(stop_after_failures)
        self.requests_per_second = _or_none(requests_per_second)
        self.only_if_states = _or_none(only_if_states)
        self.where = _or_none(where)
        refuse_unless_one_can_ask(self._given)
        self.approve_above = _or_none(approve_above)
        self.approval_timeout: Any = approval_timeout
        # BaseOperator has a method of the argument's name.
        self.is_dry_run: Any = dry_run
        self.results_path: Any = results_path
        self.journal_path: Any = journal_path
        self._is_killed = False

    def on_kill(self) -> None:
        """Let the run begin no cancel any more; :meth:`execute` ends by itself within seconds."""
        self._is_killed = True

    def execute(self, context: Context) -> Summary:
        """Cancel the orders.

        :param context: the task's context.
        :return: the summary.
        :raises OmsInvalidInputError: when the set, an argument or the connection is not valid; then
            nothing was sent.
        :raises OmsBulkCancellationError: when too many orders did not end canceled; it is an
            ``OmsBulkCancellationRefusedError``, which Airflow does not retry, when no retry can
            help.
        """
        return self._execute(context, None)

    def execute_complete(self, context: Context, event: Any = None, shown: Any = None) -> Summary:
        """Go on when a person has answered, or not in time.

        :param context: the task's context.
        :param event: the answer, from Airflow.
        :param shown: the record of the question.
        :return: the summary.
        :raises AirflowSkipException: when the answer is no; nothing was sent.
        :raises OmsApprovalError: when there is none, or it is about another set; nothing was sent.
        """
        answer = Answer(event, shown)
        answer.refuse_unless_yes(self.log)
        return self._execute(context, answer)

    def _execute(self, context: Context, answer: Answer | None) -> Summary:
        # Before the set is read, which can take a while.
        termination = listen_for_termination()
        if self.do_xcom_push:
            OmsOrdersLink().offer(context, self.log)

        def is_stopping() -> bool:
            return self._is_killed or termination.is_requested

        plan = self._plan(context, answer)
        if plan.approver is not None:
            plan = self._approved(context, plan, plan.approver, answer, is_stopping)
        run, reported = work_through(self, context, plan, is_stopping)
        was_told_to_end = is_stopping()
        if reported is None:
            lost = not_owned(plan.journal.failure)
            raise bulk_cancellation_error(lost.message, can_retry=lost.can_retry)
        summary, kept = reported
        failure = failure_of(
            run,
            kept,
            tolerated_failures=plan.tolerated_failures,
            results_wanted_at=None if plan.results is None else str(plan.results),
            was_told_to_end=was_told_to_end,
        )
        if plan.approver is not None and not (failure and failure.can_retry):
            plan.approver.settle()
        if failure is not None:
            raise bulk_cancellation_error(failure.message, can_retry=failure.can_retry)
        return summary

    def _approved(
        self,
        context: Context,
        plan: Plan,
        approver: Approver,
        answer: Answer | None,
        is_stopping: Callable[[], bool],
    ) -> Plan:
        """Return the plan for the approved orders, or ask; the task is suspended until then."""
        shown = approver.approved_by(answer) if answer else approver.approved_before()
        if shown is None:
            run, reported = work_through(self, context, plan.for_reading(), is_stopping)
            shown = approver.ask(run, reported, plan.results, is_stopping())
        return replace(plan, orders=replace(plan.orders, approvals=shown.approvals))

    def _plan(self, context: Context, answer: Answer | None) -> Plan:
        started_at = time.monotonic()
        hook = OmsHook(self.oms_conn_id)
        ti: Any = context["ti"]
        try:
            with before_anything_is_sent(), invalid_input_is_final():
                hook.pool_size = check_workers(self.max_workers)
                dialect = hook.get_conn().dialect
                note = dialect.note(self.note)
                limits = Limits.checked(
                    max_workers=self.max_workers,
                    requests_per_second=self.requests_per_second,
                    stop_after_failures=self.stop_after_failures,
                    accepted_outcomes=self.accepted_outcomes,
                    given=self._given,
                    orders_per_search=dialect.most_per_search,
                )
                tolerated = validate_number("tolerated_failures", self.tolerated_failures)
                dry_run = validate_flag("dry_run", self.is_dry_run)
                states = states_of(self.only_if_states, self._given)
                policy = policy_for(
                    hook.settings, only_if_states=states, dry_run=dry_run, is_one_of_many=True
                )
                reasons = Reasons(
                    dialect, self.disposition_reason, self.disposition_other_reason, self.order_key
                )
                rows = rows_of(
                    self.order_id_column, self.where, self.delimiter, self._given, reasons
                )
                orders = read_set(
                    self.orders, self.orders_path, rows, reasons, self.max_orders, self._given
                )
                parts = part_tasks(orders, self.part_options, dialect, limits.accepts)
                approver = approver_of(
                    self.approve_above if "approve_above" in self._given else NOT_GIVEN,
                    self.approval_timeout,
                    orders,
                    answer,
                    log=self.log,
                    context=context,
                    settings=hook.settings,
                    dry_run=dry_run,
                )
            with invalid_input_is_final():
                hook.check_reasons(orders.reasons)
            named = [*orders.requests, *parts]
            beside = hook.get_conn().look_ups_per_cancel(named) + (note is not None)
        except OmsOrderSetError as error:
            log_lines(self.log, "Invalid orders", iter(error.problems))
            raise OmsInvalidInputError(error.message) from None
        how = "a dry run, nothing is canceled" if dry_run else "for real"
        how = "as a person approves it" if approver else how
        log_beginning(self.log, orders, rows, hook.settings, limits, how)
        if not (ti.try_number or dry_run):
            self.log.warning("%s", _NO_ATTEMPT)
        is_kept = bool(orders) and not dry_run
        results = results_file(self.results_path, self.orders_path, ti.map_index)
        # Last, because it takes the task over from an older attempt that still runs.
        journal = (
            open_journal(self.log, context, hook.settings, orders, self.journal_path)
            if is_kept
            else None
        )
        attempt = 1 if dry_run else ti.try_number
        return Plan(
            hook.get_conn(),
            orders,
            policy,
            limits.shared_by(1 + beside),
            tolerated,
            attempt,
            journal or Journal(None, now=time.time()),
            results,
            note,
            rows,
            approver,
            started_at,
            parts,
        )
