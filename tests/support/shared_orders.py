"""What several runs sent for the same orders, told apart by their tokens in the OMS's record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

_NOT_SHOWN: Mapping[str, float] = {}
# The record has the moment of a request's arrival, and a busy machine acts on it later.
_LEEWAY = 1.0


def cancels_of_those_who_knew(
    requests: Iterable[dict[str, Any]],
    not_acted_on: Collection[str] = (),
    shown_after: Mapping[str, float] = _NOT_SHOWN,
) -> list[dict[str, Any]]:
    """Return the cancels that a run sent after it had been told that the order is canceled.

    :param requests: the OMS's record, oldest first.
    :param not_acted_on: the faults after which a cancel has had no effect.
    :param shown_after: faults after which it shows late, and after how many seconds.
    """
    found = []
    shown_from: dict[int, datetime] = {}
    knowing: dict[int, set[str]] = defaultdict(set)
    for request in requests:
        order_id, fault = request["order_id"], request["fault"]
        if order_id is None:
            continue
        run, moment = dict(request["headers"])["authorization"], _moment(request)
        is_cancel = request["method"] != "GET"
        if is_cancel:
            if run in knowing[order_id]:
                found.append(request)
            if fault not in not_acted_on:
                delay = shown_after.get(fault, 0.0) + _LEEWAY
                shown_from.setdefault(order_id, moment + timedelta(seconds=delay))
        is_shown = order_id in shown_from and moment >= shown_from[order_id]
        # The response to a cancel that was acted on at once shows that itself.
        says_so = is_shown or is_cancel
        if says_so and fault is None and request["status"] == 200:
            knowing[order_id].add(run)
    return found


def _moment(request: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(request["time"])
