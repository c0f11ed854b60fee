"""Ask a person before a large set is canceled, and keep the answer for the next attempt.

``cancellation/bulk/question.py`` writes the question; ``cancellation/bulk/approval.py`` decides
which orders an answer covers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import kind_of, validate_number
from airflow_provider_oms.arguments import NOT_GIVEN
from airflow_provider_oms.cancellation.bulk.approval import (
    OPTIONS,
    REJECT,
    SetChangedError,
    Shown,
    answer_of,
)
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.outcome_counts import counted
from airflow_provider_oms.cancellation.bulk.question import question_about
from airflow_provider_oms.cancellation.bulk.report import Kept, Summary
from airflow_provider_oms.exceptions import (
    OmsApprovalError,
    OmsApprovalTimeoutError,
    OmsInvalidInputError,
    bulk_cancellation_error,
)
from airflow_provider_oms.version_compat import (
    ask_a_person,
    nobody_can_answer,
    pause_for_answer,
    task_state_store,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_oms.api.config import TenantSettings
    from airflow_provider_oms.storage import ResultsFile

__all__ = [
    "Answer",
    "Approver",
    "approver_of",
]

# The operator's method that goes on after an answer.
_METHOD_NAME = "execute_complete"
_KEY = "oms_approval"
# Under half of the 64 KiB that Airflow's task_state_store takes for a value.
_LARGEST_PAGE = 30_000
_NOTHING = "Nothing was sent."
_AGAIN = f"{_NOTHING} Clear the task to ask again, or trigger another run."
_LONGEST_TIMEOUT = timedelta(days=366)
_TIMEOUT_RULE = "a timedelta, or a number of seconds, above 0 and up to a year"


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what Airflow hands over when a task goes on after a question.

    :param event: the answer, or why there is none.
    :param shown: the record of the question.
    """

    event: Any
    shown: Any

    def refuse_unless_yes(self, log: Any) -> None:
        """Let the task end here, unless a person has approved.

        :param log: the task's log; it names the person.
        :raises AirflowSkipException: when the answer is no.
        :raises OmsApprovalTimeoutError: when there is none.
        :raises OmsApprovalError: when it cannot be read.
        """
        event = self.event if isinstance(self.event, Mapping) else {}
        if event.get("error_type") == "timeout":
            raise OmsApprovalTimeoutError(
                f"No one answered within approval_timeout, which counts as a rejection. {_AGAIN}"
            )
        choice = answer_of(event)
        if choice is None or "error" in event:
            raise OmsApprovalError(
                f"The answer cannot be read, which counts as a rejection. {_AGAIN}"
            )
        by = event.get("responded_by_user") or {}
        who = f"{by.get('name')} (id {by.get('id')}) at {event.get('responded_at')}"
        if choice == REJECT:
            raise AirflowSkipException(f"Rejected by {who}. {_NOTHING}")
        log.info("Approved by %s", who)


@dataclass(frozen=True, slots=True)
class Approver:
    """Ask a person about a set, once it is read.

    :param log: the task's log.
    :param context: the task's context.
    :param orders: the set.
    :param settings: of the tenant.
    :param timeout: how long to wait for an answer.
    """

    log: Any
    context: Context
    orders: OrderSet
    settings: TenantSettings
    timeout: timedelta

    @property
    def tenant(self) -> str:
        """Return where the orders are, in a phrase."""
        if self.settings.site_id is None:
            return self.settings.describe()
        return f"{self.settings.describe()}, site {self.settings.site_id}"

    @property
    def _bound_to(self) -> str:
        """Return what else than the set an answer is about: another tenant, or another code."""
        return json.dumps([self.tenant, self.settings.reason_codes])

    def approved_before(self) -> Shown | None:
        """Return the approval that an earlier attempt of the task got; ``None`` for nothing."""
        record = self._record()
        if record is None:
            return None
        try:
            shown = Shown.from_record(record, self.orders.asked, self._bound_to)
        except SetChangedError as change:
            self.log.info("The earlier approval no longer holds: %s", change)
            return None
        self.log.info("Approved before, and not asked again: %s", counted(len(shown.approvals)))
        return shown

    def approved_by(self, answer: Answer) -> Shown:
        """Return the approval that a person's yes gives, and keep it for the next attempt.

        :param answer: the answer.
        :raises OmsApprovalError: when it is about another set.
        """
        try:
            shown = Shown.from_record(answer.shown, self.orders.asked, self._bound_to)
        except SetChangedError as change:
            raise OmsApprovalError(f"{change}. {_AGAIN}") from None
        facts = (counted(len(shown.approvals)), shown.digest)
        self.log.info("The approval is about %s, digest %s", *facts)
        self._keep(shown)
        return shown

    def ask(
        self,
        run: BulkRun,
        reported: tuple[Summary, Kept] | None,
        results: ResultsFile | None,
        was_told_to_end: bool,
    ) -> Shown:
        """Ask about a set that was read; the task goes on when there is an answer.

        :param run: the dry run.
        :param reported: its summary, and where the list of orders was kept.
        :param results: where the list was to be written, if anywhere.
        :param was_told_to_end: whether the task was told to end during the read.
        :return: the read set, where none of its orders is to be canceled, so no approval is needed.
        :raises OmsBulkCancellationError: when the set could not be read or shown as a whole.
        :raises OmsApprovalError: when Airflow shows another question.
        :raises BaseException: to let the task rest.
        """
        unread = sum(end.may_be_retried for end in run.ends.values())
        stopped = run.stopped or ("the task was told to end" if was_told_to_end else "")
        if unread or stopped or reported is None:
            why = f" ({stopped})" if stopped else ""
            raise bulk_cancellation_error(
                f"{unread} of {len(self.orders)} orders could not be read{why}, so no approval was "
                f"asked for. {_NOTHING}",
                can_retry=not run.is_shut_out,
            )
        shown = Shown.of(
            run.ends, self.orders.asked, self._bound_to, self.settings.not_cancelable_states
        )
        if not shown.approvals:
            self.log.info("No order of the set is to be canceled, so no approval is needed")
            return shown
        _, kept = reported
        places = ["the XCom value results of this task"] if kept.rows else []
        places += [kept.results_path] if kept.results_path else []
        question = question_about(
            shown,
            self.orders.asked,
            run.ends,
            tenant=self.tenant,
            places=" and in ".join(places),
        )
        if not (question.names_all or kept.has_every_order):
            raise bulk_cancellation_error(
                f"The question cannot name all orders, and no place was left that does. {_NOTHING} "
                f"Set results_path, so that a person can see all of them.",
                can_retry=results is not None,
            )
        self._withdraw()
        subject, body = ask_a_person(
            self.context, subject=question.subject, body=question.body, options=OPTIONS
        )
        if (subject, body) != (question.subject, question.body):
            raise OmsApprovalError(
                "Airflow still shows the question of an earlier attempt, and the question has "
                f"changed since. {_NOTHING} Trigger another run, which asks it."
            )
        facts = (counted(len(shown.approvals)), self.timeout, shown.digest)
        self.log.info("Waiting for a person to approve %s, for %s, digest %s", *facts)
        kept_meanwhile = {"shown": shown.record()}
        raise pause_for_answer(
            self.context,
            options=OPTIONS,
            timeout=self.timeout,
            method_name=_METHOD_NAME,
            kwargs=kept_meanwhile,
        )

    def settle(self) -> None:
        """Let the next attempt ask again, because this one has carried out the approval."""
        try:
            self._forget()
        except Exception:
            self.log.exception("The approval is still on record")

    def _withdraw(self) -> None:
        """Let no earlier approval stand beside a new question."""
        try:
            self._forget()
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise bulk_cancellation_error(
                f"The earlier approval cannot be withdrawn ({why}). {_NOTHING}", can_retry=True
            ) from error

    @property
    def _max_tries(self) -> Any:
        return getattr(self.context["ti"], "max_tries", None)

    def _record(self) -> Any:
        store = task_state_store(self.context)
        head = None if store is None else store.get(_KEY)
        if store is None or not isinstance(head, dict) or not head.get("pages"):
            return None
        # A clear adds tries, and a retry does not. A task that was cleared asks again.
        if head.get("max_tries") != self._max_tries:
            return None
        pages = [store.get(f"{_KEY}_{number}") for number in range(head["pages"])]
        try:
            return json.loads("".join(pages))
        except (TypeError, ValueError):
            return {}

    def _keep(self, shown: Shown) -> None:
        store = task_state_store(self.context)
        if store is None:
            return
        text = json.dumps(shown.record())
        pages = [text[at : at + _LARGEST_PAGE] for at in range(0, len(text), _LARGEST_PAGE)]
        try:
            for number, page in enumerate(pages):
                store.set(f"{_KEY}_{number}", page)
            # Last: without it, no page counts.
            store.set(_KEY, {"pages": len(pages), "max_tries": self._max_tries})
        except Exception:
            self.log.exception("The approval is not on record; another attempt will ask again")

    def _forget(self) -> None:
        store = task_state_store(self.context)
        if store is not None and store.get(_KEY) is not None:
            store.set(_KEY, {"pages": 0})


def approver_of(
    approve_above: Any,
    approval_timeout: Any,
    orders: OrderSet,
    answer: Answer | None,
    *,
    log: Any,
    context: Context,
    settings: TenantSettings,
    dry_run: bool,
) -> Approver | None:
    """Return the approver of a set; ``None`` where no approval is needed.

    :param approve_above: as given, or ``NOT_GIVEN``.
    :param approval_timeout: as given.
    :param orders: the set.
    :param answer: an earlier answer, which stands whatever the present set.
    :param log: the task's log.
    :param context: the task's context.
    :param settings: of the tenant.
    :param dry_run: whether nothing is to be canceled.
    :raises OmsInputError: when an argument is not valid.
    :raises OmsInvalidInputError: when no one can answer.
    """
    timeout = _timeout_of(approval_timeout)
    is_large = False
    if approve_above is not NOT_GIVEN:
        is_large = len(orders) > validate_number("approve_above", approve_above)
    if dry_run or not (is_large or answer):
        return None
    if why := nobody_can_answer():
        raise OmsInvalidInputError(
            f"The set has more orders than approve_above ({len(orders)}), so a person must approve "
            f"the cancellation. {why}. {_NOTHING}"
        )
    return Approver(log, context, orders, settings, timeout)


def _timeout_of(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        timeout = value
    else:
        try:
            timeout = timedelta(seconds=-1 if isinstance(value, bool) else float(value))
        except (TypeError, ValueError, OverflowError):
            timeout = timedelta(0)
    if not timedelta(0) < timeout <= _LONGEST_TIMEOUT:
        raise OmsInputError("approval_timeout", _TIMEOUT_RULE, kind_of(value))
    return timeout
