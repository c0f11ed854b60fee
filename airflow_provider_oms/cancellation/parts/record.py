"""A task's record of the parts of its order, so that its next attempt repeats none of them.

Three values. The first says which cancellation this is, and is there before anything is read. The
second is the plan, and is there before the first cancel leaves. Both are written once, so that a
write which arrives late replaces nothing by anything else. The third says which parts have ended,
and until when a cancel may leave. Where a part of that is lost, a part of the order is read once
more.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.parts.plan import Part, Plan
from airflow_provider_oms.cancellation.parts.results import PartResult, lines_of
from airflow_provider_oms.cancellation.parts.wanted import Wanted
from airflow_provider_oms.cancellation.store import JournalError, Store, store_failures

__all__ = ["Begun", "PartsRecord", "begin", "planned_order"]

_logger = logging.getLogger(__name__)

_HEAD, _PLAN, _PROGRESS = "oms_parts", "oms_parts_plan", "oms_parts_progress"
_VERSION = 1
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Begun:
    """Hold the record of an earlier attempt.

    :param plan: its plan; ``None`` where it made none, so that it sent nothing.
    :param ended: the parts that it brought to an end in which nothing is left to be done.
    :param posted_by: when its last cancel can have left at the latest, in seconds since the epoch.
    :param may_have_sent: whether it may have sent a cancel.
    """

    plan: Plan | None = None
    ended: Mapping[str, PartResult] = field(default_factory=dict)
    posted_by: float = 0.0
    may_have_sent: bool = False


class PartsRecord:
    """Keep the record of one task.

    :param store: where it is kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # Which cancellation it is about: a plan whose head was lost may be about another one.
        self._of = ""
        self._ended: dict[str, PartResult] = {}
        self._posted_by = 0.0

    def keep_plan(self, plan: Plan) -> None:
        """Record the plan.

        :param plan: the plan.
        :raises JournalError: when the store has not taken it; then nothing may be sent.
        """
        record = {
            "of": self._of,
            "order": plan.order_id,
            "parts": [part.record for part in plan.parts],
            "reached": list(plan.reached),
        }
        with store_failures():
            self._store.set(_PLAN, record)
        # This record proves that nothing was sent; a missing record would not.
        self._write()

    def keep_intent(self, posted_by: float) -> None:
        """Record that a cancel may leave from now on.

        :param posted_by: when it can have left at the latest, in seconds since the epoch.
        :raises JournalError: when the store has not taken it; then it may not be sent.
        """
        self._posted_by = max(self._posted_by, posted_by)
        self._write()

    def keep_end(self, part: Part, result: PartResult) -> None:
        """Record how a part has ended, if nothing is left to be done about it.

        :param part: the part.
        :param result: how it has ended.
        """
        if result.outcome not in (Outcome.CANCELED, Outcome.ALREADY_CANCELED):
            return
        self._ended[part.key] = result
        try:
            self._write()
        except JournalError as error:
            # The next attempt reads the part once more.
            _logger.warning("The end of a part could not be recorded: %s", error)

    def _write(self) -> None:
        ended = {
            key: [result.outcome.value, result.confirmed_by and result.confirmed_by.value]
            for key, result in self._ended.items()
        }
        with store_failures():
            self._store.set(_PROGRESS, {"posted_by": self._posted_by, "ended": ended})

    def _read(self, head: Any, is_first: bool) -> Begun | None:
        """Return the record; ``None`` where it is damaged or incomplete."""
        with store_failures():
            plan, progress = self._store.get(_PLAN), self._store.get(_PROGRESS)
        if head is None and plan is None and progress is None:
            return Begun() if is_first else None
        try:
            if head["version"] != _VERSION:
                return None
            if plan is None and (progress is not None or not head["whole"]):
                return None
            return self._begun(plan, progress)
        except _DAMAGE:
            return None

    def _begun(self, plan: Any, progress: Any) -> Begun:
        if plan is None:
            return Begun()
        if plan["of"] != self._of:
            raise ValueError
        parts = tuple(map(Part.of_record, plan["parts"]))
        ended: dict[str, PartResult] = {}
        for part in parts:
            end = (progress or {"ended": {}})["ended"].get(part.key)
            if end is not None:
                by = ConfirmedBy(end[1]) if end[1] else None
                ended[part.key] = PartResult(Outcome(end[0]), lines_of(part), part.shipment, by)
        self._ended = dict(ended)
        self._posted_by = float((progress or {"posted_by": 0.0})["posted_by"])
        made = Plan(plan["order"], parts, tuple(plan["reached"]))
        may_have_sent = progress is None or self._posted_by > 0
        return Begun(made, ended, self._posted_by, may_have_sent)

    def open(
        self, tenant: str, order_id: OrderId, wanted: Sequence[Wanted], *, is_first: bool
    ) -> Begun | None:
        """Return what earlier attempts have recorded, and record that this one has begun.

        :param tenant: where the order is.
        :param order_id: the order, as the caller has named it.
        :param wanted: the lines, or the shipment.
        :param is_first: whether no attempt was before this one.
        :return: the record; ``None`` where something may be missing.
        :raises JournalError: when the store fails.
        :raises OmsInputError: when the record is about something else.
        """
        self._of = of_this = _digest(tenant, order_id, wanted)
        with store_failures():
            head = self._store.get(_HEAD)
        if isinstance(head, dict) and head.get("of", of_this) != of_this:
            rule = "those that an earlier attempt of this task began to cancel, on the same tenant"
            raise OmsInputError("the order and its items", rule, "others")
        begun = self._read(head, is_first)
        if head is None:
            with store_failures():
                # An attempt without a record may have been before a later one, for all that knows.
                head = {"version": _VERSION, "of": of_this, "whole": is_first}
                self._store.set(_HEAD, head)
        return begun


def begin(
    store: Store | None,
    tenant: str,
    order_id: OrderId,
    wanted: Sequence[Wanted],
    *,
    is_first: bool,
) -> tuple[PartsRecord | None, Begun | None]:
    """Open the record of a task.

    :param store: where it is kept; ``None`` keeps nothing.
    :param tenant: where the order is.
    :param order_id: the order, as the caller has named it.
    :param wanted: the lines, or the shipment.
    :param is_first: whether no attempt was before this one.
    :return: the record, and what earlier attempts have left on it; ``None`` for the second where
        an earlier attempt may have sent something that is not on record.
    :raises JournalError: when the store fails.
    :raises OmsInputError: when the record is about something else.
    """
    if store is None:
        return None, Begun() if is_first else None
    record = PartsRecord(store)
    return record, record.open(tenant, order_id, wanted, is_first=is_first)


def planned_order(store: Store) -> OrderId | None:
    """Return the id of the order of which an earlier attempt may have canceled parts.

    :param store: where the record is kept.
    :return: the id; ``None`` where no plan is on record.
    :raises JournalError: when the store fails.
    """
    with store_failures():
        plan = store.get(_PLAN)
    try:
        return Part.of_record(plan["parts"][0]).order_id
    except (*_DAMAGE, IndexError):
        return None


def _digest(tenant: str, order_id: OrderId, wanted: Sequence[Wanted]) -> str:
    text = json.dumps([tenant, order_id, [one.record for one in wanted]])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
