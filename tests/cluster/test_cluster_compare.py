"""The cluster test's judgment: every lie that a chunk could tell is found and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from cluster.compare import Seen, chunk_disagreements, disagreements, totals

CANCELED = Seen(7, "READY", "CANCELED", (True,), ((0, "canceled"),))
AFTER_DOUBT = Seen(8, "READY", "CANCELED", (False, True), ((0, "canceled"),))
FOUND_CANCELED = Seen(9, "READY", "CANCELED", (True,), ((1, "already_canceled"),))
REFUSED = Seen(10, "SHIPPED", "SHIPPED", (False,), ((1, "not_cancelable"),))
ALL = [CANCELED, AFTER_DOUBT, FOUND_CANCELED, REFUSED]


def test_what_is_true_is_no_disagreement() -> None:
    assert disagreements(ALL, {}) == []


@pytest.mark.parametrize(
    ("lie", "named"),
    [
        (replace(CANCELED, after="READY"), "ought to be CANCELED and is READY"),
        (replace(CANCELED, after="READY"), "reported canceled, and the OMS says READY"),
        (replace(CANCELED, posts=(True, True)), "1 cancels followed one that had canceled it"),
        (replace(CANCELED, posts=(True, False, False)), "2 cancels followed"),
        (replace(CANCELED, posts=()), "it is canceled, and no cancel had that effect"),
        (replace(CANCELED, posts=(False,)), "no cancel had that effect"),
        (replace(CANCELED, reported=()), "one chunk and is in none"),
        (replace(CANCELED, reported=((0, "canceled"), (1, "canceled"))), "and is in [0, 1]"),
        (replace(CANCELED, reported=((0, "canceled"), (0, "canceled"))), "and is in [0, 0]"),
        (replace(CANCELED, reported=((0, "unknown"),)), "reported unknown, and the OMS says"),
        (replace(CANCELED, reported=((0, "not_cancelable"),)), "reported not_cancelable"),
        (replace(CANCELED, reported=((0, "not_attempted"),)), "reported not_attempted"),
        (replace(REFUSED, reported=((1, "canceled"),)), "reported canceled, and the OMS says SHIP"),
        (replace(REFUSED, after="CANCELED"), "ought to be SHIPPED and is CANCELED"),
        (replace(REFUSED, reported=((1, "unknown"),)), "reported unknown"),
    ],
)
def test_each_lie_is_named_with_its_order(lie: Seen, named: str) -> None:
    found = disagreements([*ALL, lie], {})
    assert found
    assert all(line.startswith(f"order {lie.order_id}: ") for line in found)
    assert any(named in line for line in found)


def test_a_cancel_for_an_order_outside_the_set_is_a_disagreement() -> None:
    (line,) = disagreements(ALL, {99: 2})
    assert line == "order 99: it is not in the set, and the OMS received 2 cancels for it"


FILES = {0: Counter(canceled=2), 1: Counter(already_canceled=1, not_cancelable=1)}
SUMMARIES = {0: {"canceled": 2}, 1: {"not_cancelable": 1, "already_canceled": 1}}
STATES = {0: "success", 1: "failed"}


def test_chunks_whose_results_summary_and_state_agree_are_no_disagreement() -> None:
    assert chunk_disagreements(FILES, SUMMARIES, STATES) == []


@pytest.mark.parametrize(
    ("files", "summaries", "states", "named"),
    [
        ({0: Counter(canceled=1)}, {}, {}, "its file says {'canceled': 1}, its summary"),
        ({0: Counter()}, {0: {}}, {}, "with {} it ought to have ended failed"),
        ({}, {0: {"canceled": 1, "unknown": 1}}, {}, "its summary {'canceled': 1, 'unknown': 1}"),
        ({}, {}, {0: "failed"}, "ought to have ended success, and Airflow says failed"),
        ({}, {}, {0: "running"}, "and Airflow says running"),
    ],
)
def test_each_lie_of_a_chunk_is_named(
    files: dict[int, Counter[str]],
    summaries: dict[int, dict[str, int]],
    states: dict[int, str],
    named: str,
) -> None:
    found = chunk_disagreements(FILES | files, SUMMARIES | summaries, STATES | states)
    assert found
    assert all(line.startswith("chunk 0: ") for line in found)
    assert any(named in line for line in found)


def test_a_chunk_that_refused_orders_and_claims_success_is_a_disagreement() -> None:
    (line,) = chunk_disagreements(FILES, SUMMARIES, {0: "success", 1: "success"})
    assert line.startswith("chunk 1: ")


def test_a_chunk_that_nobody_knows_of_any_more_is_a_disagreement() -> None:
    found = chunk_disagreements(FILES, SUMMARIES, {1: "failed"})
    assert found == [
        "chunk 0: with {'canceled': 2} it ought to have ended success, and Airflow says None"
    ]


def test_the_totals_count_what_there_is() -> None:
    twice = replace(CANCELED, posts=(True, True))
    assert dict(totals([*ALL, twice])) == {
        "orders": "5",
        "reported `canceled`": "3",
        "reported `already_canceled`": "1",
        "reported `not_cancelable`": "1",
        "canceled, as the OMS has it": "4",
        "in the results of exactly one chunk": "5",
        "cancels that the OMS received": "7",
        "orders with more than one": "2",
        "cancels after one that had canceled": "1",
    }
