"""The judgment of demo and cluster test: everything that is not as it ought to be is named."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from demo.__main__ import of_second_cancels, table
from demo.compare import CANCELED, REFUSED, Seen, disagreements, totals
from demo.data import CONTRACT_ORDER, demo_orders

FLAGGED = Seen("7", CANCELED, "READY", "CANCELED", (True,), ("canceled",))
AFTER_DOUBT = Seen("8", CANCELED, "READY", "CANCELED", (False, True), ("canceled",))
FOUND_CANCELED = Seen("9", CANCELED, "Cancelled", "Cancelled", (True,), ("already_canceled",))
SHIPPED = Seen("10", REFUSED, "SHIPPED", "SHIPPED", (False,), ("not_cancelable",))
BYSTANDER = Seen("11", (), "READY", "READY", (), ())
ALL = [FLAGGED, AFTER_DOUBT, FOUND_CANCELED, replace(FOUND_CANCELED, posts=()), SHIPPED, BYSTANDER]


def test_what_is_as_it_ought_to_be_is_no_disagreement() -> None:
    assert disagreements(ALL, {}) == []


@pytest.mark.parametrize(
    ("lie", "named"),
    [
        (replace(FLAGGED, after="READY"), "ought to be canceled and is READY"),
        (replace(FLAGGED, after="READY"), "reported canceled, and the OMS says READY"),
        (replace(FLAGGED, after="Accepted"), "ought to be canceled and is Accepted"),
        (replace(FLAGGED, posts=(True, True)), "1 cancels followed one that had canceled it"),
        (replace(FLAGGED, posts=(True, False, False)), "2 cancels followed"),
        (replace(FLAGGED, posts=()), "it is canceled, and no cancel had that effect"),
        (replace(FLAGGED, posts=(False,)), "no cancel had that effect"),
        (replace(FLAGGED, reported=()), "reported once and is reported 0 times"),
        (replace(FLAGGED, reported=("canceled", "canceled")), "is reported 2 times"),
        (replace(FLAGGED, reported=("unknown",)), "reported unknown, and the OMS says CANCELED"),
        (replace(FLAGGED, reported=("not_cancelable",)), "reported not_cancelable"),
        (replace(FLAGGED, reported=("not_attempted",)), "reported not_attempted"),
        (replace(FOUND_CANCELED, posts=(False, False)), "1 cancels followed"),
        (replace(SHIPPED, reported=("canceled",)), "reported canceled, and the OMS says SHIPPED"),
        (replace(SHIPPED, after="CANCELED"), "ought to stay SHIPPED and is CANCELED"),
        (replace(SHIPPED, reported=("unknown",)), "reported unknown"),
        (replace(BYSTANDER, after="CANCELED"), "ought to stay READY and is CANCELED"),
        (replace(BYSTANDER, posts=(True,)), "left alone, and the OMS received 1 cancels"),
        (replace(BYSTANDER, reported=("not_found",)), "reported not_found"),
    ],
)
def test_each_lie_is_named_with_its_order(lie: Seen, named: str) -> None:
    found = disagreements([*ALL, lie], {})
    assert found
    assert all(line.startswith(f"order {lie.name}: ") for line in found)
    assert any(named in line for line in found)


def test_a_cancel_for_an_order_outside_the_set_is_a_disagreement() -> None:
    (line,) = disagreements(ALL, {99: 2})
    assert line == "order 99: it is not in the set, and the OMS received 2 cancels for it"


def seen_of_the_demo() -> list[Seen]:
    return [
        Seen(
            order.name,
            CANCELED if order.to_cancel else (),
            order.state,
            "CANCELED" if order.to_cancel else order.state,
            (True,) * order.to_cancel,
            ("canceled",) * order.to_cancel,
        )
        for order in demo_orders()
    ]


def test_the_table_shows_each_flagged_and_each_changed_order_and_fits_on_a_screen() -> None:
    orders, seen = demo_orders(), seen_of_the_demo()
    seen[-1] = replace(seen[-1], after="SHIPPED!")
    lines = table(orders, seen).splitlines()
    assert len(lines) < 40
    assert max(map(len, lines)) <= 110
    shown = {line.split()[0] for line in lines[2:]}
    assert {order.name for order in orders if order.to_cancel} | {orders[-1].name} <= shown
    stories = {order.story for order in orders if not order.to_cancel}
    assert sum(" orders " in line for line in lines[2:]) == len(stories)


def test_the_totals_count_what_there_is() -> None:
    found = totals([FLAGGED, replace(FLAGGED, posts=(True, True)), FOUND_CANCELED, BYSTANDER])
    assert dict(found) == {
        "orders": 4,
        "canceled before the run": 1,
        "canceled in the run": 2,
        "left as they were": 2,
        "orders without a cancel": 1,
        "orders with more than one cancel": 1,
        "cancels that the OMS received": 4,
        "cancels after one that had canceled": 1,
        "reported already_canceled": 1,
        "reported canceled": 2,
    }


def test_an_order_whose_second_cancel_was_answered_with_success_is_explained() -> None:
    again = replace(FOUND_CANCELED, reported=("canceled",))
    assert of_second_cancels([FLAGGED, again, BYSTANDER]).startswith("\n9 was canceled before")
    assert of_second_cancels([FLAGGED, FOUND_CANCELED, BYSTANDER]) == ""


def test_a_native_tenants_orders_are_the_same_under_the_shops_own_numbers() -> None:
    translated, native = demo_orders(), demo_orders(native=True)
    assert [one.name for one in native] == [f"SHOP-{one.name}" for one in translated]
    assert [one.state for one in native] == [one.state for one in translated]
    loaded = [one.as_loaded()["native"]["externalId"] for one in native]
    assert loaded == [one.name for one in native]


def test_the_demos_orders_are_all_different_and_the_contracts_example_is_to_be_canceled() -> None:
    orders = demo_orders()
    assert max(Counter(order.order_id for order in orders).values()) == 1
    assert [order.to_cancel for order in orders if order.order_id == CONTRACT_ORDER] == [True]
    # Written down apart from the DAG: exactly the orders whose last verdict is "rejected".
    for order in orders:
        latest = order.story.split()[-1].split("+") if order.story else []
        assert order.to_cancel == (set(latest) == {"rejected"}), order
