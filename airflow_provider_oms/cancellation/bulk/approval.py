"""The question to a person about a set, the orders that the answer covers, and changes since.

It is pure. How Airflow asks, and keeps the answer, is the business of ``approval.py`` at the top.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.approval import Approval
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.packing import pack, unpack
from airflow_provider_oms.cancellation.bulk.part_entries import PartsRequest
from airflow_provider_oms.cancellation.outcomes import Outcome

__all__ = ["APPROVE", "OPTIONS", "REJECT", "SetChangedError", "Shown", "answer_of"]

APPROVE, REJECT = "Approve", "Reject"
OPTIONS = (APPROVE, REJECT)
_VERSION = 1
_IDS_NAMED = 10
_DAMAGE = (AttributeError, KeyError, TypeError, ValueError, zlib.error)

Requests: TypeAlias = Mapping[OrderId, CancelRequest]


class SetChangedError(Exception):
    """Report that a set is not the one that was shown, and the difference."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Hold the view of a set that a person was shown, or is to be shown.

    :param approvals: the orders to be canceled, each with its state.
    :param others: the orders of the set that are not to be canceled, as text.
    :param asked: a digest of all requests of the set, and of the tenant.
    """

    approvals: Mapping[OrderId, Approval]
    others: frozenset[str]
    asked: str

    @classmethod
    def of(
        cls,
        ends: Mapping[OrderId, OrderEnd],
        requests: Requests,
        tenant: str,
        not_cancelable_states: Iterable[str] = (),
    ) -> Shown:
        """Return the view of a set that was read.

        :param ends: how the dry run of each order ended.
        :param requests: the request for each order.
        :param tenant: where the orders are.
        :param not_cancelable_states: states from which the tenant is known to refuse a
            cancellation.
        """
        refused = {state.upper() for state in not_cancelable_states}
        approvals = {
            order_id: Approval(
                end.result.order_state,
                end.result.order_status,
                looked_up_id=end.result.looked_up_id,
            )
            for order_id, end in ends.items()
            if end.result.outcome is Outcome.WOULD_CANCEL
            and refused.isdisjoint(
                state.upper()
                for state in (end.result.order_state, end.result.order_status)
                if state
            )
        }
        others = frozenset(str(order_id) for order_id in requests if order_id not in approvals)
        return cls(approvals, others, _digest_of_requests(requests, tenant))

    @property
    def digest(self) -> str:
        """Return a short text that is another one if any order, state or reason is another one."""
        seen = {
            str(order_id): [
                approval.order_state,
                approval.order_status,
                approval.looked_up_id and str(approval.looked_up_id),
            ]
            for order_id, approval in self.approvals.items()
        }
        return _digest([self.asked, sorted(seen.items()), sorted(self.others)])

    def record(self) -> dict[str, Any]:
        """Return it as a small JSON value, which outlives the process."""
        by_state: dict[str, list[str]] = {}
        looked_up = {}
        for order_id, seen in self.approvals.items():
            key = json.dumps([seen.order_state, seen.order_status])
            by_state.setdefault(key, []).append(str(order_id))
            if seen.looked_up_id is not None:
                looked_up[str(order_id)] = seen.looked_up_id
        return {
            "version": _VERSION,
            "shown": {key: pack(texts) for key, texts in by_state.items()},
            "looked_up": looked_up,
            "others": pack(self.others) if self.others else "",
            "asked": self.asked,
            "digest": self.digest,
        }

    @classmethod
    def from_record(cls, record: Any, requests: Requests, tenant: str) -> Shown:
        """Return the shown view, if the set is still the same.

        :param record: the value that :meth:`record` returned.
        :param requests: the present request for each order.
        :param tenant: where the orders are now.
        :raises SetChangedError: when the set is another one, or the record is damaged.
        """
        by_text = {str(order_id): order_id for order_id in requests}
        try:
            others = frozenset(unpack(record["others"]) if record["others"] else ())
            looked_up = dict(record["looked_up"])
            seen = {
                text: _approval_of(json.loads(key), looked_up.pop(text, None))
                for key, packed in dict(record["shown"]).items()
                for text in unpack(packed)
            }
            if looked_up:
                raise ValueError("another order")
            _refuse_other_orders(others | seen.keys(), by_text)
            approvals = {by_text[text]: approval for text, approval in seen.items()}
            shown = cls(approvals, others, record["asked"])
            if record["version"] != _VERSION or shown.digest != record["digest"]:
                raise ValueError("another digest")
        except _DAMAGE:
            raise SetChangedError("The question that was shown is no longer on record") from None
        if shown.asked != _digest_of_requests(requests, tenant):
            raise SetChangedError("The tenant, or the reason of an order, is another one now")
        return shown


def _approval_of(states: list[str | None], looked_up_id: OrderId | None) -> Approval:
    state, status = states
    return Approval(state, status, looked_up_id=looked_up_id)


def _refuse_other_orders(shown: Iterable[str], now: Mapping[str, OrderId]) -> None:
    before = set(shown)
    added = [text for text in now if text not in before]
    gone = sorted(before - now.keys())
    parts = [f"New in it: {_named(added)}"] if added else []
    parts += [f"Not in it any more: {_named(gone)}"] if gone else []
    if parts:
        raise SetChangedError(f"The set is not the one that was shown. {'. '.join(parts)}")


def _named(texts: list[str]) -> str:
    more = f", … ({len(texts)} in all)" if len(texts) > _IDS_NAMED else ""
    return f"{', '.join(texts[:_IDS_NAMED])}{more}"


def _digest_of_requests(requests: Requests, tenant: str) -> str:
    asked = {
        str(order_id): [
            request.disposition_reason,
            request.disposition_other_reason,
            *([request.digest] if isinstance(request, PartsRequest) else []),
        ]
        for order_id, request in requests.items()
    }
    return _digest([tenant, sorted(asked.items())])


def _digest(parts: list[Any]) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def answer_of(event: Any) -> str | None:
    """Return which option a person chose; ``None`` where that cannot be told.

    :param event: what Airflow hands over when a task goes on after a question.
    """
    chosen = event.get("chosen_options") if isinstance(event, Mapping) else None
    match chosen:
        case [str() as option] if option in OPTIONS:
            return option
    return None
