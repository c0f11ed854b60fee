"""The cluster test's judgment of a chunk: its results, its summary and its state agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.incident import totals
from cluster.runs import Chunk
from demo.compare import CANCELED, REFUSED, Seen

GOOD = Chunk("success", {"canceled": 2}, [(1, "canceled"), (2, "canceled")])
BAD = Chunk(
    "failed", {"not_cancelable": 1, "canceled": 1}, [(3, "canceled"), (4, "not_cancelable")]
)


@pytest.mark.parametrize("chunk", [GOOD, BAD])
def test_a_chunk_whose_results_summary_and_state_agree_is_no_disagreement(chunk: Chunk) -> None:
    assert chunk.disagreements() == []


@pytest.mark.parametrize(
    ("lie", "named"),
    [
        (replace(GOOD, results=GOOD.results[1:]), "its file says {'canceled': 1}, its summary"),
        (replace(GOOD, results=[], summary={}), "with {} it ought to be failed, and is success"),
        (replace(GOOD, summary={"canceled": 1, "unknown": 1}), "its summary {'canceled': 1, 'unkn"),
        (replace(GOOD, state="failed"), "ought to be success, and is failed"),
        (replace(GOOD, state="running"), "and is running"),
        (replace(BAD, state="success"), "ought to be failed, and is success"),
    ],
)
def test_each_lie_of_a_chunk_is_named(lie: Chunk, named: str) -> None:
    (line,) = lie.disagreements()
    assert named in line


def test_the_totals_count_what_there_is() -> None:
    canceled = Seen("7", CANCELED, "READY", "CANCELED", (True,), ("canceled",))
    twice = replace(canceled, posts=(True, True))
    found = replace(canceled, posts=(False, True), reported=("already_canceled",))
    shipped = Seen("10", REFUSED, "SHIPPED", "SHIPPED", (False,), ("not_cancelable",))
    assert dict(totals([canceled, twice, found, shipped])) == {
        "orders": 4,
        "reported `canceled`": 2,
        "reported `already_canceled`": 1,
        "reported `not_cancelable`": 1,
        "canceled, as the OMS has it": 3,
        "in the results of exactly one chunk": 4,
        "cancels that the OMS received": 6,
        "orders with more than one": 2,
        "cancels after one that had canceled": 1,
    }
