"""The lines of a results file: one JSON object for each order of a set, and nothing of a shopper.

Where the file lies, and how it is replaced as a whole, is the business of ``storage.py``.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome

if TYPE_CHECKING:
    from airflow_provider_oms.cancellation.parts.results import PartResult

__all__ = ["details_of", "from_record", "line_of", "read_ends", "with_details"]

# The fields of a line, in their sequence.
_FIELDS = (
    "order_id",
    "looked_up_id",
    "outcome",
    "confirmed_by",
    "order_state",
    "order_status",
    "disposition_reason",
    "attempts",
    "posts",
    "http_status",
    "oms_code",
    "correlation_id",
    "started_at",
    "finished_at",
)


def line_of(end: OrderEnd, disposition_reason: str) -> str:
    """Return the line of one order.

    :param end: how it ended.
    :param disposition_reason: why it was to be canceled.
    :return: a JSON object in one line, with its line break.
    """
    row = {**details_of(end), "disposition_reason": disposition_reason}
    line = {name: row[name] for name in _FIELDS}
    if end.parts is not None:
        line["parts"] = [part.as_row() for part in end.parts]
    return json.dumps(line) + "\n"


def details_of(end: OrderEnd) -> dict[str, Any]:
    """Return the known facts of one order's end.

    :param end: how it ended.
    :return: plain JSON values by their names in a results file.
    """
    result = end.result
    return {
        "order_id": result.order_id,
        "looked_up_id": result.looked_up_id,
        "outcome": result.outcome.value,
        "confirmed_by": result.confirmed_by.value if result.confirmed_by else None,
        "order_state": result.order_state,
        "order_status": result.order_status,
        "attempts": end.attempt,
        "posts": end.posts,
        "http_status": result.http_status,
        "oms_code": result.oms_code,
        "correlation_id": result.correlation_id,
        "started_at": _moment(end.started_at),
        "finished_at": _moment(end.finished_at),
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def read_ends(
    lines: Iterable[str], order_ids: Container[OrderId], *, since: float
) -> dict[OrderId, OrderEnd]:
    """Read how orders ended from a results file that an earlier attempt wrote.

    :param lines: the file's lines; lines of other programs are skipped.
    :param order_ids: the orders wanted.
    :param since: when the first attempt began, in seconds since the epoch; an older line comes
        from another run.
    :return: their ends.
    """
    found: dict[OrderId, OrderEnd] = {}
    for line in lines:
        try:
            row = json.loads(line)
            if row["order_id"] in order_ids:
                end = _end_of(row)
                if end.started_at is not None and end.started_at >= since:
                    found[end.result.order_id] = end
        except (KeyError, TypeError, ValueError):
            continue
    return found


def from_record(ends: Mapping[OrderId, OrderEnd]) -> set[OrderId]:
    """Return the orders of which only the journal's outcome is known, and no attempt's details.

    :param ends: how each order ended.
    """
    return {order_id for order_id, end in ends.items() if end.attempt is None}


def with_details(
    ends: Mapping[OrderId, OrderEnd], earlier: Mapping[OrderId, OrderEnd]
) -> dict[OrderId, OrderEnd]:
    """Add the details of an older results file to outcomes from the journal.

    The file can be older than the journal, so it adds details and never changes an outcome.

    :param ends: how each order ended.
    :param earlier: the details of the older file.
    :return: how each order ended, in the same sequence.
    """
    known = from_record(ends)
    return {
        order_id: earlier[order_id]
        if order_id in known
        and order_id in earlier
        and earlier[order_id].result.outcome is end.result.outcome
        else end
        for order_id, end in ends.items()
    }


def _end_of(row: dict[str, Any]) -> OrderEnd:
    confirmed_by = row["confirmed_by"]
    result = CancellationResult(
        row["order_id"],
        Outcome(row["outcome"]),
        ConfirmedBy(confirmed_by) if confirmed_by else None,
        row["order_state"],
        row["order_status"],
        row["correlation_id"],
        http_status=row["http_status"],
        oms_code=row["oms_code"],
        # An earlier version of this package did not write it.
        looked_up_id=row.get("looked_up_id"),
    )
    started_at, finished_at = _seconds(row["started_at"]), _seconds(row["finished_at"])
    parts = _parts_in(row["parts"]) if "parts" in row else None
    return OrderEnd(result, row["attempts"], row["posts"], started_at, finished_at, parts)


def _parts_in(rows: Any) -> tuple[PartResult, ...]:
    from airflow_provider_oms.cancellation.parts.results import PartResult  # noqa: PLC0415 - most tasks need none of it

    return tuple(map(PartResult.of_row, rows))


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()
