"""The cluster test's judgment of a chunk: its results, its summary and its state agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.runs import Chunk

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
