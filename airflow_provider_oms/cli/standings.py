"""How the orders of a task stand, by its results and its journal in Airflow.

The journal is the newer of the two while a task runs or waits for its next attempt: Airflow clears
a task's XComs when an attempt begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.part_entries import order_in
from airflow_provider_oms.cancellation.outcomes import Outcome

__all__ = ["KeptValues", "Standing", "TaskRecord", "counts_of", "record_of_one", "record_of_set"]

_ELSEWHERE = "the results are kept elsewhere by a custom XCom backend, which the API does not read"
_LOST = "a part of the journal is lost or kept elsewhere, so orders may be missing here"


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold how one order stands.

    :param order_id: the order, as text.
    :param outcome: how it ended; ``unknown`` while its cancel is under way.
    :param is_in_doubt: whether a cancel may have been acted on without a proof of it.
    :param order_state: its last known state.
    :param order_status: its last known status.
    :param looked_up_id: its id, where another name of it was looked up.
    :param posted_by: seconds since the epoch at which a cancel can have left at the latest; known
        for whole orders in doubt.
    :param is_of_parts: whether only parts of the order were to be canceled.
    """

    order_id: str
    outcome: Outcome
    is_in_doubt: bool = False
    order_state: str | None = None
    order_status: str | None = None
    looked_up_id: str | None = None
    posted_by: float | None = None
    is_of_parts: bool = False

    def is_about(self, names: Container[str]) -> bool:
        """Return whether it is about an order.

        :param names: the names of that order.
        """
        return self.order_id in names or self.looked_up_id in names


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """Hold a task's record of its orders.

    :param standings: how each order stands, in the sequence of the set where that is known.
    :param accepted: outcomes that the task's ``accepted_outcomes`` accepted.
    :param lacking: what Airflow does not show, in a few words; empty if it shows everything.
    """

    standings: list[Standing] = field(default_factory=list)
    accepted: frozenset[str] = frozenset()
    lacking: str = ""

    def needs_attention(self, standing: Standing) -> bool:
        """Return whether an order is in doubt, or ended otherwise than it should.

        :param standing: one of the record's.
        """
        is_fine = standing.outcome.is_success or standing.outcome in self.accepted
        return standing.is_in_doubt or not is_fine

    def urgent_first(self) -> list[Standing]:
        """Return the standings: orders in doubt, other ones that need attention, all others."""
        return sorted(
            self.standings, key=lambda one: (not one.is_in_doubt, not self.needs_attention(one))
        )


class KeptValues(dict[str, Any]):
    """Hold values of a task's store as they were read, for the journal to look at."""

    def set(self, key: str, value: Any) -> None:
        """Refuse to keep a value: nothing is written.

        :param key: its name.
        :param value: the value.
        :raises TypeError: always.
        """
        raise TypeError(key, value)


def record_of_set(summary: Any, results: Any, values: Mapping[str, Any] | None) -> TaskRecord:
    """Return the record of a task for a set of orders.

    :param summary: its XCom value ``return_value``.
    :param results: its XCom value ``results``.
    :param values: the values that it keeps between its attempts; ``None`` where Airflow has no
        such store.
    """
    journal = _journal_in(values)
    standings = {one.order_id: one for one in _of_journal(journal)}
    listed = list(_of_results(results))
    for one in listed:
        known = standings.pop(one.order_id, None)
        # Put at the end, so that the sequence is that of the results.
        standings[one.order_id] = one if known is None else _brought_together(one, known)
    told = summary if isinstance(summary, Mapping) else {}
    accepted = told.get("accepted")
    lacking = ""
    if journal is not None and not journal.is_whole:
        lacking = _LOST
    elif results is not None and not isinstance(results, list):
        lacking = _ELSEWHERE
    elif not standings and told.get("orders"):
        lacking = (
            f"{told['orders']} orders, and no list of them is in Airflow: more than 1,000 orders "
            f"are in the journal (Airflow 3.3 and later) and in results_path only"
        )
    return TaskRecord(
        list(standings.values()),
        frozenset(accepted if isinstance(accepted, Mapping) else ()),
        lacking,
    )


def record_of_one(result: Any) -> TaskRecord:
    """Return the record of a task for one order.

    :param result: its XCom value ``return_value``.
    """
    if result is not None and not isinstance(result, Mapping):
        return TaskRecord(lacking=_ELSEWHERE)
    return TaskRecord(list(_of_results([result])))


def counts_of(records: Iterable[TaskRecord]) -> Counter[tuple[str, bool]]:
    """Count orders by outcome, and by whether they are in doubt.

    :param records: the records.
    """
    return Counter(
        (one.outcome.value, one.is_in_doubt) for record in records for one in record.standings
    )


def _journal_in(values: Mapping[str, Any] | None) -> Journal | None:
    return Journal.opened_to_look_at(KeptValues(values)) if values else None


def _of_journal(journal: Journal | None) -> Iterator[Standing]:
    if journal is None:
        return
    for key, recorded in journal.earlier.items():
        order_id = order_in(str(key))
        is_of_parts = order_id != str(key)
        # Of parts, this journal has only the first of them.
        has_bound = recorded.is_in_doubt and not is_of_parts
        yield Standing(
            order_id,
            recorded.outcome or Outcome.UNKNOWN,
            recorded.is_in_doubt,
            posted_by=recorded.posted_by if has_bound else None,
            is_of_parts=is_of_parts,
        )


def _of_results(results: Any) -> Iterator[Standing]:
    for row in results if isinstance(results, list) else ():
        try:
            outcome, looked_up = Outcome(row["outcome"]), row["looked_up_id"]
            yield Standing(
                str(row["order_id"]),
                outcome,
                outcome in (Outcome.UNKNOWN, Outcome.NOT_CANCELED),
                row["order_state"],
                row["order_status"],
                None if looked_up is None else str(looked_up),
                is_of_parts="parts" in row,
            )
        except (KeyError, TypeError, ValueError):
            # Another program's value under the same name.
            continue


def _brought_together(result: Standing, recorded: Standing) -> Standing:
    return Standing(
        result.order_id,
        result.outcome,
        recorded.is_in_doubt,
        result.order_state,
        result.order_status,
        result.looked_up_id,
        recorded.posted_by,
        result.is_of_parts,
    )
