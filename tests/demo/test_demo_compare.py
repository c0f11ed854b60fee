"""The demo's judgment: everything that is not as it ought to be is found and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from demo.compare import Seen, disagreements, is_canceled, notes, table, totals
from demo.data import CONTRACT_ORDER, DemoOrder, demo_orders
from demo.dialects import NATIVE

FLAGGED = Seen(DemoOrder(7, "READY", "rejected", True), "READY", "CANCELED", 1, "canceled")
BYSTANDER = Seen(DemoOrder(8, "READY", "review", False), "READY", "READY", 0, None)


def test_what_is_as_it_ought_to_be_is_no_disagreement() -> None:
    found_canceled = replace(FLAGGED, before="CANCELED", posts=0, reported="already_canceled")
    assert disagreements([FLAGGED, BYSTANDER, found_canceled], {}) == []


@pytest.mark.parametrize(
    ("seen", "named"),
    [
        (replace(FLAGGED, after="READY"), "its state is READY"),
        (replace(FLAGGED, after="READY"), "reported canceled, and the emulator says READY"),
        (replace(FLAGGED, after="Accepted"), "its state is Accepted"),
        (replace(FLAGGED, posts=2), "saw 2 cancels"),
        (replace(FLAGGED, posts=0), "saw 0 cancels"),
        (replace(FLAGGED, reported=None), "reported nothing"),
        (replace(FLAGGED, reported="unknown"), "reported unknown"),
        (replace(BYSTANDER, after="CANCELED"), "was not flagged, and went from READY to CANCELED"),
        (replace(BYSTANDER, posts=1), "was not flagged, and the emulator saw 1"),
        (replace(BYSTANDER, reported="not_found"), "was not flagged, and the DAG reported"),
    ],
)
def test_each_disagreement_is_named_with_its_order(seen: Seen, named: str) -> None:
    found = disagreements([FLAGGED, seen, BYSTANDER], {})
    assert any(
        line.startswith(f"order {seen.order.order_id}: ") and named in line for line in found
    )


def test_a_post_for_an_order_nobody_knows_is_one() -> None:
    (line,) = disagreements([FLAGGED], {99: 1})
    assert line.startswith("order 99: it is unknown")


def test_the_table_shows_each_flagged_and_each_changed_order() -> None:
    changed = replace(BYSTANDER, order=replace(BYSTANDER.order, order_id=9), after="SHIPPED")
    lines = table([FLAGGED, BYSTANDER, changed]).splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [
        ["7", "rejected"],
        ["9", "review"],
        ["1", "orders"],
    ]


def test_the_demos_own_table_fits_on_a_screen() -> None:
    seen = [
        Seen(order, order.state, "CANCELED" if order.to_cancel else order.state, 0, None)
        for order in demo_orders()
    ]
    lines = table(seen).splitlines()
    assert len(lines) < 40
    assert max(map(len, lines)) <= 110
    stories = {one.order.verdicts for one in seen if not one.order.to_cancel}
    assert sum("orders" in line for line in lines[2:]) == len(stories)


def test_the_totals_count_what_the_table_shows() -> None:
    before = replace(FLAGGED, before="CANCELED", posts=0, reported="already_canceled")
    text = totals([FLAGGED, replace(FLAGGED, posts=2), before, BYSTANDER])
    assert {line[:26].strip(): int(line[26:]) for line in text.splitlines()} == {
        "orders": 4,
        "canceled in this run": 2,
        "canceled before it": 1,
        "left as they were": 2,
        "nothing sent for": 2,
        "cancels seen": 3,
        "orders with more than one": 1,
        "reported canceled": 2,
        "reported already_canceled": 1,
    }


def test_a_native_tenants_orders_are_the_same_under_the_shops_own_numbers() -> None:
    translated, native = demo_orders(), demo_orders(NATIVE)
    assert [one.name for one in native] == [f"SHOP-{one.name}" for one in translated]
    assert [one.to_cancel for one in native] == [one.to_cancel for one in translated]
    assert {one.as_loaded()["native"]["externalId"] for one in native} == {
        one.name for one in native
    }
    was_canceled = [[is_canceled(one.state) for one in orders] for orders in (translated, native)]
    assert was_canceled[0] == was_canceled[1]


def test_the_demos_orders_are_all_different_and_the_contracts_example_is_to_be_canceled() -> None:
    orders = demo_orders()
    assert max(Counter(order.order_id for order in orders).values()) == 1
    assert [order.to_cancel for order in orders if order.order_id == CONTRACT_ORDER] == [True]
    # Written down apart from the DAG: exactly the orders whose last verdict is "rejected".
    for order in orders:
        latest = order.story.split()[-1].split("+") if order.story else []
        assert order.to_cancel == (set(latest) == {"rejected"}), order


def test_what_may_puzzle_about_a_row_is_explained_under_the_table() -> None:
    twice = replace(FLAGGED, before="CANCELED")
    by_a_read = replace(twice, posts=0, reported="already_canceled")
    other_case = replace(BYSTANDER, order=replace(BYSTANDER.order, story="Rejected"))
    assert notes([FLAGGED, BYSTANDER]) == ""
    assert notes([twice]) == (
        "Order 7 was canceled before, and one more cancel changes nothing: the OMS answers it with "
        "the canceled order."
    )
    assert notes([by_a_read]) == ""
    assert notes([replace(twice, reported="already_canceled")]) == (
        "Order 7 was canceled before, and one more cancel changes nothing: the OMS refuses it, "
        "and a read shows why."
    )
    assert notes([other_case]) == (
        'Order 8 has the verdict "Rejected", which is not "rejected": letter case counts, and an '
        "order is left alone unless its verdict says exactly that it is to be canceled."
    )
    assert notes([twice, other_case]).count("\n") == 1


def test_the_demos_own_orders_have_both_of_these() -> None:
    seen = [
        Seen(order, order.state, "CANCELED" if order.to_cancel else order.state, 1, None)
        for order in demo_orders()
    ]
    assert notes(seen).startswith("Order 3000024 was canceled before,")
    assert "\nOrders 3000141 and 3000142 have" in notes(seen)
