"""The table's view of orders of which only parts were to be canceled."""

from __future__ import annotations

from typing import Any

from node import in_node, needs_node

pytestmark = needs_node

PARTS = [
    {"shipment": 11, "lines": [{"line": 1, "quantity": 2}], "outcome": "canceled"},
    {"shipment": None, "lines": [{"line": 3, "quantity": None}], "outcome": "canceled"},
    {"shipment": 12, "lines": [], "outcome": "not_found"},
]


def rows_of(*recorded: tuple[str, str], results: Any = ()) -> list[dict[str, Any]]:
    part = {
        "mapIndex": -1,
        "isOver": True,
        "pages": [[[outcome, [name]] for outcome, name in recorded]],
        "results": list(results),
        "page": None,
    }
    read: list[dict[str, Any]] = in_node("return rows.rowsOf(given);", part)
    return read


def test_results_and_journal_are_one_row() -> None:
    one, whole = rows_of(
        ("partially_canceled", "8/parts:0123abcd"),
        ("canceled", "7"),
        results=[{"order_id": 8, "outcome": "partially_canceled", "parts": PARTS}],
    )
    assert (whole["id"], "parts" in whole) == ("7", False)
    assert (one["id"], one["outcome"]) == ("8", "partially_canceled")
    said = in_node("return fields.partsOf(given);", one)
    assert said == "shipment 11, 2 of line 1: canceled; line 3: canceled; shipment 12: not found"


def test_what_only_the_journal_knows_is_no_whole_order() -> None:
    (one,) = rows_of(("canceled", "SHOP/8/parts:0123abcd"))
    assert (one["id"], one["parts"]) == ("SHOP/8", [])
