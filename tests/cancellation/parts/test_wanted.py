"""A caller's requests and their forms, and those refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_oms.api.dialects import rules_of
from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.parts import Reason
from airflow_provider_oms.cancellation.parts.wanted import MOST_ITEMS, Wanted, wanted_items

TRANSLATED, NATIVE = rules_of("translated").parts(), rules_of("native").parts()


def items(value: Any, api: Any = NATIVE, reason: Any = "no_inventory") -> list[Wanted]:
    return [*wanted_items(value, api, reason)]


@pytest.mark.parametrize(
    "value",
    [
        [9000000001],
        ["9000000001"],
        '["9000000001"]',
        [{"line": 9000000001}],
        '[{"line": 9000000001, "reason": null}]',
    ],
)
def test_a_line_can_be_given_in_several_forms(value: Any) -> None:
    (one,) = items(value, TRANSLATED)
    assert (one.name, one.quantity, one.keep, one.reason.code) == (
        *(9000000001, None, None),
        "no_inventory",
    )


def test_an_item_can_have_quantities_and_a_reason_of_its_own() -> None:
    value = [
        {"line": 1, "quantity": "2", "reason": "Damaged", "other_reason": "Box 7"},
        {"line": "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9", "keep_quantity": 0},
    ]
    first, second = items(value)
    assert (first.quantity, first.reason.code, first.reason.explanation) == (2, "Damaged", "Box 7")
    assert (second.name, second.keep) == ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", 0)
    assert second.reason.code == "no_inventory"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, Reason("no_inventory", None)),
        ({"reason": "Damaged"}, Reason("Damaged", None)),
        ({"other_reason": "Box 7"}, Reason("no_inventory", "Box 7")),
    ],
)
def test_what_an_item_does_not_say_of_its_reason_is_that_of_all(
    given: dict[str, Any], reason: Reason
) -> None:
    assert items([{"line": 1, **given}])[0].reason == reason


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "",
        "[",
        '[{"line": 1, "quantity": 1, "quantity": 3}]',
        '[{"line": 2, "line": 1}]',
        "1",
        1,
        {"line": 1},
        [1, 1],
        [1, {"line": "1"}],
        [{}],
        [{"quantity": 1}],
        [{"line": 1, "amount": 1}],
        [{"line": 1, "quantity": 1, "keep_quantity": 1}],
        # The value of a template that renders to nothing.
        [{"line": 1, "quantity": None}],
        [{"line": 1, "quantity": ""}],
        [{"line": 1, "keep_quantity": "None"}],
        [{"line": 1, "quantity": 0}],
        [{"line": 1, "quantity": True}],
        [{"line": 1, "quantity": 1.5}],
        [{"line": True}],
        [{"line": 2**31}],
        ["0a1b"],
        [None],
        [[1]],
        [*range(1, MOST_ITEMS + 2)],
    ],
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(OmsInputError, match="Nothing was sent"):
        items(value)


@pytest.mark.parametrize("reason", ["created_by_mistake", None, "fraud"])
def test_a_translated_line_has_reasons_of_its_own(reason: Any) -> None:
    with pytest.raises(OmsInputError, match="disposition_reason must be one of can_not_find_item"):
        items([1], TRANSLATED, reason)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            [1, {"line": 2, "quantity": "many"}],
            "quantity of item 2 of items must be a whole number",
        ),
        ([2, 1, 1, 1], "item 3 of items must be a line that is named once"),
        ([1, {}], "item 2 of items must be .* one without line"),
        ([1, {"line": 2, "why": 1}], "item 2 of items must be .* 1 other keys"),
    ],
)
def test_a_wrong_item_is_named_by_its_place(value: Any, said: str) -> None:
    with pytest.raises(OmsInputError, match=said):
        items(value)
