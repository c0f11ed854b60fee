"""The tools of a run over a set, once its arguments are checked: a plan, a journal, a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.values import OrderId, validate_path
from airflow_provider_oms.approval import Approver
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.journal import Journal, JournalError
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.outcome_counts import counted
from airflow_provider_oms.cancellation.bulk.rows import Rows
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.notes import LeavesNotes
from airflow_provider_oms.cancellation.runner import Runtime
from airflow_provider_oms.exceptions import OmsBulkCancellationError, invalid_input_is_final
from airflow_provider_oms.journal_files import journal_store
from airflow_provider_oms.storage import ResultsFile, before_anything_is_sent
from airflow_provider_oms.version_compat import NO_TASK_STATE_STORE

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_oms.api.config import TenantSettings
    from airflow_provider_oms.cancellation.bulk.part_units import PartUnits
    from airflow_provider_oms.cancellation.parts.run import PartsTask

__all__ = ["Plan", "log_beginning", "open_journal", "results_file"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold the checked input of a run."""

    client: OmsClient
    orders: OrderSet
    policy: Policy
    limits: Limits
    tolerated_failures: int
    attempt: int
    journal: Journal
    results: ResultsFile | None
    note: str | None
    rows: Rows
    approver: Approver | None
    started_at: float
    parts: Mapping[OrderId, PartsTask] = field(default_factory=dict)

    def for_reading(self) -> Plan:
        """Return the plan of a dry run, for the question to a person."""
        return replace(
            self,
            policy=replace(self.policy, dry_run=True),
            attempt=1,
            journal=Journal(None, now=time.time()),
            note=None,
        )

    def units_of_parts(
        self, log: Any, run: BulkRun, is_stopping: Callable[[], bool]
    ) -> PartUnits | None:
        """Return the part of the run that cancels parts of orders; ``None`` where there are none.

        :param log: the task's log.
        :param run: the run over the whole orders.
        :param is_stopping: returns whether the task was told to end.
        """
        if not self.parts:
            return None
        from airflow_provider_oms.api.part_calls import Parts  # noqa: PLC0415 - most tasks need none of it
        from airflow_provider_oms.cancellation.bulk.part_units import PartUnits, paced  # noqa: PLC0415 - most tasks need none of it

        around = Runtime.until(is_stopping)
        return PartUnits(
            Parts(self.client, paced(run.limiter, around)),
            self.orders,
            self.parts,
            # Each of its reads is a proof by itself, as for a single order.
            replace(self.policy, early_reads=None),
            self.journal,
            tenant=_tenant_of(self.client.settings),
            host=run,
            attempt=self.attempt,
            stop_after_failures=self.limits.stop_after_failures,
            log=log,
            around=around,
        )

    def leave_late_notes(
        self, calls: LeavesNotes, run: BulkRun, is_stopping: Callable[[], bool]
    ) -> None:
        """Leave the notes that the OMS turned away, unless the run has stopped.

        :param calls: the calls of the other runs.
        :param run: the finished run.
        :param is_stopping: returns whether the task was told to end.
        """
        at_most = self.policy.deadline if run.stopped is None else 0.0
        rate = self.limits.requests_per_second
        around = Runtime.until(is_stopping)
        calls.leave_late_notes(at_most, around, pause=1 / rate if rate else 0.0)


def _tenant_of(settings: TenantSettings) -> str:
    return f"{settings.describe()}, site {settings.site_id}"


def log_beginning(
    log: Any, orders: OrderSet, rows: Rows, settings: TenantSettings, limits: Limits, how: str
) -> None:
    """Log what a task is about to do.

    :param log: the task's log.
    :param orders: the set.
    :param rows: what was read of its file.
    :param settings: of the tenant.
    :param limits: the bounds of the run.
    :param how: whether it is for real, in a few words.
    """
    facts = (counted(len(orders)), settings.describe(), limits.max_workers, how)
    log.info("Canceling %s at %s, %d at a time: %s", *facts)
    if orders.parts:
        log.info("Only parts of %d of them, one order after the other", len(orders.parts))
    for fact in rows.facts:
        log.info("Of orders_path: %s", fact)
    if orders.duplicates:
        named = counted(orders.duplicates, "entry", "entries")
        log.info("%s named an order again", named)


def open_journal(
    log: Any, context: Context, settings: TenantSettings, orders: OrderSet, journal_path: Any
) -> Journal:
    """Return the journal of a task.

    :param log: the task's log.
    :param context: the task's context.
    :param settings: of the tenant that the journal is about.
    :param orders: the set that it is about.
    :param journal_path: where it is kept; empty for Airflow's own store.
    :raises OmsInvalidInputError: when ``journal_path`` cannot keep it; then nothing was sent.
    :raises OmsBulkCancellationError: when the record is not given or taken; then nothing was sent.
    """
    ti: Any = context["ti"]
    try:
        store = journal_store(context, journal_path, log)
        if store is None:
            log.info("%s", NO_TASK_STATE_STORE)
        return Journal(
            store,
            now=time.time(),
            attempt=ti.try_number,
            tenant=_tenant_of(settings),
            order_ids=orders.journal_ids,
        )
    except JournalError as error:
        raise OmsBulkCancellationError(
            f"The journal in {journal_path or 'task_state_store'} cannot be opened ({error}). "
            f"Nothing was sent."
        ) from None


def results_file(results_path: Any, orders_path: Any, map_index: int) -> ResultsFile | None:
    """Return the file for the results of a task, tried before anything is sent.

    :param results_path: as given.
    :param orders_path: as given; the results must not replace the orders.
    :param map_index: of a mapped task; goes into the file's name.
    :return: the file; ``None`` if none is wanted.
    :raises OmsInvalidInputError: when the path cannot be the results'.
    :raises OmsBulkCancellationError: when the file cannot be written.
    """
    if not results_path:
        return None
    with before_anything_is_sent(), invalid_input_is_final():
        file = ResultsFile(validate_path("results_path", results_path), map_index)
        file.prepare(str(orders_path) if orders_path else None)
    return file
