"""The page reads the real journal, whatever the orders are called."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from journal_store import Store
from journal_writer import Writer, canceled, ended, found_in
from node import in_node, needs_node

from airflow_provider_oms.cancellation.bulk.packing import pack
from airflow_provider_oms.cancellation.outcomes import Outcome

pytestmark = needs_node

DECODE = """
const pages = await Promise.all(given.map(journal.decodePage));
return pages.flat().flatMap(([outcome, ids]) =>
  ids.map((id) => [id, outcome, journal.isInDoubt(outcome)]));
"""
HEXADECIMAL = [f"{number:032x}" for number in (0, 1, 255, 16**31)]
NAMED = ["number:1042", "external_id:SHOP-1", "external_id:Größe/7 ?", "x" * 200]


def pages_of(store: Store) -> list[Any]:
    return [store[f"oms_journal_{number}"] for number in range(store["oms_journal"]["pages"])]


@pytest.mark.parametrize(
    "order_ids",
    [
        [1],
        [5, 7, 6, 10**18, 9_007_199_254_740_993],
        list(range(4_000_001, 4_010_001)),
        HEXADECIMAL,
        NAMED,
        [7, *HEXADECIMAL, *NAMED],
    ],
    ids=["one", "large numbers", "ten thousand", "hexadecimal", "named", "mixed"],
)
def test_it_finds_each_order_with_its_outcome(order_ids: list[Any]) -> None:
    store = Store()
    writer = Writer(store, order_ids=order_ids)
    kinds = [None, *(outcome for outcome in Outcome if outcome is not Outcome.NOT_ATTEMPTED)]
    for at in range(0, len(order_ids), 1000):
        part = order_ids[at : at + 1000]
        given = [(order_id, kinds[n % len(kinds)]) for n, order_id in enumerate(part, start=at)]
        writer.write(part)
        writer.write([], [ended(order_id, kind) for order_id, kind in given if kind is not None])
    expected = {
        str(order_id): (
            recorded.outcome.value if recorded.outcome else "no_outcome",
            recorded.is_in_doubt,
        )
        for order_id, recorded in found_in(store, order_ids=order_ids).items()
    }
    assert len(expected) == len(order_ids)
    read = in_node(DECODE, pages_of(store))
    assert {order_id: (outcome, doubt) for order_id, outcome, doubt in read} == expected


def test_a_later_attempts_pages_replace_what_earlier_ones_say() -> None:
    store = Store()
    Writer(store).write([1, 2])
    Writer(store, attempt=2).write([], [canceled(2)])
    part = {"mapIndex": -1, "isOver": True, "results": [], "page": None}
    code = """
    const pages = await Promise.all(given.pages.map(journal.decodePage));
    return rows.rowsOf({ ...given.part, pages }).map((row) => [row.id, row.outcome, row.inDoubt]);
    """
    read = in_node(code, {"pages": pages_of(store), "part": part})
    assert read == [["1", "no_outcome", True], ["2", "canceled", False]]


def test_any_bytes_come_back() -> None:
    texts = [bytes(89 * at * at % 256 for at in range(length)) for length in range(60)]
    encoded = [base64.b85encode(text).decode() for text in texts]
    read = in_node("return given.map((text) => [...journal.base85(text)]);", encoded)
    assert [bytes(one) for one in read] == texts


@pytest.mark.parametrize("damaged", ["", "n", "x0", "n\u00e9", "n~~~~~", pack(["1"])[:-3], "t0"])
def test_what_is_damaged_is_no_page(damaged: str) -> None:
    code = "return journal.decodePage({ '?1.0': given }).then(() => 'read', () => 'damaged');"
    assert in_node(code, damaged) == "damaged"
