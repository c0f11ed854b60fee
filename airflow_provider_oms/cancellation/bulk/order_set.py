"""A set of orders to cancel, checked as a whole before anything is sent.

The rules for single fields live in ``api/validation.py``; which values are a set, and what counts
as an entry of it, in ``entries.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_oms.api.dialects import rules_of
from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import (
    CancelRequest,
    OrderId,
    validate_flag,
    validate_number,
)
from airflow_provider_oms.cancellation.approval import Approval
from airflow_provider_oms.cancellation.bulk.entries import ENTRY_KEYS, entries_of_value
from airflow_provider_oms.cancellation.bulk.part_entries import (
    PartEntries,
    WantedParts,
    names_parts,
    parts_in,
)
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError, Problems, Unusable

if TYPE_CHECKING:
    from airflow_provider_oms.api.part_calls import PartDialect

__all__ = [
    "ChecksRequests",
    "OmsOrderSetError",
    "OrderSet",
    "Reasons",
    "plan_orders",
    "split_orders",
]

_NOT_SHOWN = Approval(was_shown=False)
_ENTRY_RULE = f"an order id, or a dict with {', '.join(ENTRY_KEYS)}"
_NO_PARTS = (
    "the entry has none of items, shipment and line, and part_options is given; name the parts, "
    "or, to cancel the whole order, give its bare id"
)


class ChecksRequests(Protocol):
    """Name the checks of a tenant's dialect."""

    def order_id(self, value: Any, order_key: Any) -> OrderId:
        """Return what names an order in its one form.

        :param value: the order.
        :param order_key: what names it.
        :raises OmsInputError: when it is no such name.
        """

    def cancel_request(
        self, order_id: Any, reason: Any, explanation: Any, order_key: Any
    ) -> CancelRequest:
        """Return the checked cancellation.

        :param order_id: the order.
        :param reason: why.
        :param explanation: an additional text.
        :param order_key: the kind of the order's name.
        :raises OmsInputError: for the first value that breaks its rule.
        """

    def parts(self) -> PartDialect:
        """Return the tenant's dialect for parts of an order."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Hold the default reasons of entries without one, and the dialect that checks all of them.

    :param dialect: checks an entry's request.
    :param disposition_reason: as the caller gave it; ``None`` when every entry has its own.
    :param disposition_other_reason: as the caller gave it.
    :param order_key: what names the orders of entries that do not say.
    """

    dialect: ChecksRequests
    disposition_reason: Any = None
    disposition_other_reason: Any = None
    order_key: Any = None

    def name_of(self, order_id: Any, order_key: Any) -> OrderId:
        """Return what names an order in its one form.

        :param order_id: as an entry has it.
        :param order_key: what names it; ``None`` and empty for that of entries that do not say.
        :raises OmsInputError: when it is no such name.
        """
        return self.dialect.order_id(
            order_id, self.order_key if order_key in (None, "") else order_key
        )

    def request_of(self, entry: Any) -> CancelRequest:
        """Return the checked cancellation that one entry asks for.

        :param entry: an id, a string of digits, or a dict with :data:`ENTRY_KEYS`.
        :raises OmsInputError: for the first field that breaks its rule.
        """
        fields = entry if isinstance(entry, Mapping) else {"order_id": entry}
        reason, explanation, order_key = self._of(fields)
        return self.dialect.cancel_request(fields.get("order_id"), reason, explanation, order_key)

    def parts_of(self, fields: Mapping[str, Any]) -> WantedParts:
        """Return the checked lines or shipments that one entry asks for.

        :param fields: a dict with :data:`ENTRY_KEYS`.
        :raises OmsInputError: for the first field that breaks its rule.
        """
        reason, explanation, order_key = self._of(fields)
        order_id = self.dialect.order_id(fields.get("order_id"), order_key)
        return parts_in(fields, order_id, self.dialect.parts(), reason, explanation)

    def _of(self, fields: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """Return reason, explanation and ``order_key`` of an entry."""
        if unknown := sorted(str(key) for key in fields if key not in ENTRY_KEYS):
            # An ignored column such as "verdict" could mean "do not cancel".
            rule = f"{_ENTRY_RULE}, and nothing else"
            raise OmsInputError("the entry", rule, f"the unknown key {unknown[0][:40]!r}")
        reason, explanation = self.disposition_reason, self.disposition_other_reason
        if fields.get("disposition_reason") not in (None, ""):
            # An explanation belongs to the reason it was given with.
            same = fields["disposition_reason"] == reason
            reason, explanation = fields["disposition_reason"], explanation if same else None
        if fields.get("disposition_other_reason") not in (None, ""):
            explanation = fields["disposition_other_reason"]
        order_key = fields.get("order_key")
        return reason, explanation, self.order_key if order_key in (None, "") else order_key


@dataclass(frozen=True, slots=True)
class OrderSet:
    """Hold the orders to cancel, each once, in the order they were given.

    :param requests: one cancellation for each order that is to be canceled as a whole, by its id.
    :param parts: the parts to cancel of each other order, by its id.
    :param duplicates: entries that named an order, or a part of one, again.
    :param in_doubt: orders for which an earlier run may have sent a cancel.
    :param approvals: a person's approvals, by order; ``None`` where none was asked for. An
        order that is not in it is not canceled.
    """

    requests: Mapping[OrderId, CancelRequest]
    duplicates: int = 0
    in_doubt: frozenset[OrderId] = field(default=frozenset())
    approvals: Mapping[OrderId, Approval] | None = None
    parts: Mapping[OrderId, WantedParts] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many orders there are."""
        return len(self.requests) + len(self.parts)

    @property
    def asked(self) -> dict[OrderId, CancelRequest]:
        """Return the request for each order, for people to read: parts of it, or all."""
        return {**self.requests, **{id_: one.as_request() for id_, one in self.parts.items()}}

    @property
    def reasons(self) -> Iterator[CancelRequest]:
        """Return each order with each reason that is given for it."""
        yield from self.requests.values()
        for id_, parts in self.parts.items():
            for one in parts.wanted:
                yield CancelRequest(id_, one.reason.code, one.reason.explanation)

    @property
    def journal_ids(self) -> list[OrderId]:
        """Return what tells this set from another one in the journal."""
        return [*self.requests, *(one.key for one in self.parts.values())]

    def approval_of(self, order_id: OrderId) -> Approval | None:
        """Return the approval of an order; ``None`` where none was asked for.

        :param order_id: the order.
        """
        if self.approvals is None:
            return None
        return self.approvals.get(order_id, _NOT_SHOWN)


def plan_orders(
    entries: Iterable[tuple[str, Any]],
    reasons: Reasons,
    *,
    max_orders: int,
    expects_parts: bool = False,
) -> OrderSet:
    """Check a whole set of entries, and return the orders they name.

    Reading ends where the set is known to be refused: at one order too many, or at a hundred
    entries that cannot be used.

    :param entries: each entry with its position, such as ``"entry 3"``.
    :param reasons: the reasons of entries that name none.
    :param max_orders: how many different orders there may be at most.
    :param expects_parts: whether an entry may stand for its whole order only as a bare id: where
        parts are expected, an object without them has probably lost them.
    :return: the orders, each once.
    :raises OmsOrderSetError: naming the entries that cannot be used, or a set that is too large.
    """
    requests: dict[OrderId, CancelRequest] = {}
    parts = PartEntries()
    in_doubt: set[OrderId] = set()
    problems = Problems()
    count = of_parts = 0
    for position, entry in _with_parts(entries) if expects_parts else entries:
        count += 1
        if isinstance(entry, Unusable):
            problems.add(f"{position}: {entry.problem}", count=count)
            continue
        try:
            if names_parts(entry):
                wanted = reasons.parts_of(entry)
                order_id, problem = wanted.order_id, parts.add(wanted)
                of_parts += 1
            else:
                request = reasons.request_of(entry)
                order_id, problem = request.order_id, ""
                if requests.setdefault(order_id, request) != request:
                    problem = f"order {order_id} is there with another reason"
            if order_id in requests and order_id in parts:
                problem = f"order {order_id} is there as a whole and in part; decide on one"
            if _is_in_doubt(entry):
                in_doubt.add(order_id)
        except OmsInputError as error:
            problem = f"{position}: {error.field} must be {error.rule}; got {error.kind}"
            problems.add(problem, count=count)
            continue
        if problem:
            problems.add(f"{position}: {problem}", count=count)
        if len(requests) + len(parts) > max_orders:
            raise OmsOrderSetError(
                f"The set has more orders than the {max_orders} that max_orders allows; check what "
                f"asked for so many, and raise max_orders if it is right",
                problems.found,
            )
    problems.refuse_if_any(count=count)
    return OrderSet(
        requests,
        count - of_parts - len(requests) + parts.duplicates,
        frozenset(in_doubt),
        parts=parts.gathered(),
    )


def _with_parts(entries: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for position, entry in entries:
        is_without = isinstance(entry, Mapping) and not names_parts(entry)
        yield position, Unusable(_NO_PARTS) if is_without else entry


def _is_in_doubt(entry: Any) -> bool:
    value = entry.get("in_doubt") if isinstance(entry, Mapping) else False
    return value not in (None, "") and validate_flag("in_doubt", value)


def split_orders(
    orders: Any,
    *,
    chunk_size: int = 1000,
    max_orders: int = 1000,
    disposition_reason: str | None = None,
    disposition_other_reason: str | None = None,
    extra_reasons: Iterable[str] = (),
    api: str = "translated",
    order_key: str | None = None,
) -> list[list[Any]]:
    """Split a set of orders into chunks, for one mapped task each.

    The set is checked as a whole, so that ``max_orders`` holds over all chunks and no order is in
    two of them; give the same reasons as to the tasks.

    :param orders: ids, strings of digits, or dicts, as for the bulk operator.
    :param chunk_size: orders in a chunk, at most.
    :param max_orders: how many different orders there may be at most, in all chunks together.
    :param disposition_reason: the reason of entries that name none.
    :param disposition_other_reason: the explanation of entries that name none.
    :param extra_reasons: more reasons that the connection's ``disposition_reasons`` admits.
    :param api: the connection's ``api``.
    :param order_key: the kind of the ids, as for the operator.
    :return: the entries as they were given, each order once but for its parts, in lists of
        ``chunk_size`` orders.
    :raises OmsInputError: when a number is less than 1 or is none, or ``orders`` is no set.
    :raises OmsOrderSetError: when the set cannot be used as a whole.
    """
    chunk_size = validate_number("chunk_size", chunk_size, least=1)
    max_orders = validate_number("max_orders", max_orders, least=1)
    dialect = rules_of(api, extra_reasons=extra_reasons)
    reasons = Reasons(dialect, disposition_reason, disposition_other_reason, order_key)
    given: list[Any] = []

    def kept() -> Iterator[tuple[str, Any]]:
        for position, entry in entries_of_value(orders):
            given.append(entry)
            yield position, entry

    plan_orders(kept(), reasons, max_orders=max_orders)
    # Of an order that is there twice the first entry stands for it, or a later one in doubt. All
    # entries that name parts of one order go into one chunk.
    chosen: dict[OrderId, list[Any]] = {}
    for entry in given:
        if names_parts(entry):
            chosen.setdefault(reasons.parts_of(entry).order_id, []).append(entry)
            continue
        order_id = reasons.request_of(entry).order_id
        if order_id not in chosen or _is_in_doubt(entry):
            chosen[order_id] = [entry]
    each_once = list(chosen.values())
    return [
        [entry for entries in each_once[at : at + chunk_size] for entry in entries]
        for at in range(0, len(each_once), chunk_size)
    ]
