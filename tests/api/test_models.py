"""The fields that an order is read from: two states, each a short word, and no others."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order, is_canceled_state
from airflow_provider_oms.api.translated import Translated

LONGEST = "S" * 64
# States as an OMS could write them, and the values read.
READABLE = [
    ("READY", "READY"),
    (" shipped\t", None),
    (" SHIPPED ", "SHIPPED"),
    ("S", "S"),
    (LONGEST, LONGEST),
]
# Values that are there and cannot be read, and values that count as missing.
UNREADABLE = ["S" * 65, " ", "TWO\nLINES", "\x00", 0, 7, False, True, [], {}, ["READY"], 1.5]
ABSENT = [None, ""]


def order(**fields: Any) -> Order | None:
    document = {"orderID": 7, **fields}
    return Translated().parse(document, http_status=201, correlation_id="c-1")


@pytest.mark.parametrize("state", ["CANCELED", "CANCELLED", "canceled", "Cancelled"])
def test_both_spellings_mean_canceled_in_any_letter_case(state: str) -> None:
    assert is_canceled_state(state)


@pytest.mark.parametrize(
    ("fields", "evidence"),
    [
        ({"orderState": "READY"}, Evidence.OPEN),
        ({"orderState": "SHIPPED", "orderStatus": "READY"}, Evidence.OPEN),
        ({"orderState": "CANCELED"}, Evidence.CANCELED),
        ({"orderState": "READY", "orderStatus": "Cancelled"}, Evidence.CANCELED),
    ],
)
def test_only_a_state_proves_that_an_order_is_canceled(
    fields: dict[str, str], evidence: Evidence
) -> None:
    shown = order(**fields)
    assert shown is not None
    assert shown.evidence is evidence


@pytest.mark.parametrize("state", [None, "", "READY", "CANCEL", "CANCELEDX", "NOT CANCELED"])
def test_nothing_else_does(state: str | None) -> None:
    assert not is_canceled_state(state)


@pytest.mark.parametrize(
    ("state", "status", "is_canceled"),
    [
        ("CANCELED", "CANCELED", True),
        ("CANCELED", "READY", True),
        ("READY", "Cancelled", True),
        ("CANCELED", None, True),
        (None, "CANCELED", True),
        ("READY", "SHIPPED", False),
        (None, "READY", False),
    ],
)
def test_either_of_the_two_says_so(
    state: str | None, status: str | None, *, is_canceled: bool
) -> None:
    found = order(orderState=state, orderStatus=status)
    assert found is not None
    assert (found.order_state, found.order_status) == (state, status)
    assert found.is_canceled is is_canceled


@pytest.mark.parametrize("field", ["orderState", "orderStatus"])
@pytest.mark.parametrize("absent", ABSENT)
def test_one_of_them_is_enough(field: str, absent: Any) -> None:
    other = {"orderState": "orderStatus", "orderStatus": "orderState"}[field]
    found = order(**{field: "READY", other: absent})
    assert found is not None
    assert {found.order_state, found.order_status} == {"READY", None}
    assert not found.is_unclear


@pytest.mark.parametrize("field", ["orderState", "orderStatus"])
@pytest.mark.parametrize(("given_state", "read"), READABLE)
def test_a_state_is_a_short_printable_word_without_what_is_around_it(
    field: str, given_state: str, read: str | None
) -> None:
    other = {"orderState": "orderStatus", "orderStatus": "orderState"}[field]
    found = order(**{field: given_state, other: "NEW"})
    assert found is not None
    assert {found.order_state, found.order_status} == {read, "NEW"}
    assert found.is_unclear is (read is None)


@pytest.mark.parametrize("field", ["orderState", "orderStatus"])
@pytest.mark.parametrize("value", UNREADABLE, ids=repr)
def test_what_cannot_be_read_is_said_to_be_there(field: str, value: Any) -> None:
    other = {"orderState": "orderStatus", "orderStatus": "orderState"}[field]
    found = order(**{field: value, other: "READY"})
    assert found is not None
    assert {found.order_state, found.order_status} == {"READY", None}
    assert found.is_unclear


@pytest.mark.parametrize("state", [*UNREADABLE, *ABSENT], ids=repr)
@pytest.mark.parametrize("status", ABSENT)
def test_a_document_without_any_state_is_no_order(state: Any, status: Any) -> None:
    assert order(orderState=state, orderStatus=status) is None


@pytest.mark.parametrize("order_id", [None, "", 0, -1, True, 1.5, "x", [7]])
def test_a_document_without_an_id_is_no_order(order_id: Any) -> None:
    assert order(orderID=order_id, orderState="READY") is None


@given(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.integers()), st.floats()
    )
)
def test_anything_but_an_object_is_no_order(document: object) -> None:
    assert Translated().parse(document, http_status=200, correlation_id=None) is None


def test_the_rest_is_kept_out_of_sight_and_cannot_be_changed() -> None:
    found = order(orderState="READY", email="w.leak@example.com")
    assert found is not None
    assert (found.order_id, found.http_status, found.correlation_id) == (7, 201, "c-1")
    assert isinstance(found.raw, MappingProxyType)
    assert found.raw["email"] == "w.leak@example.com"
    assert "leak" not in repr(found)
    # Two answers about one order are the same order, whatever else they say.
    assert found == order(orderState="READY", email="another@example.com")
    assert found != order(orderState="SHIPPED", email="w.leak@example.com")


def test_an_order_is_clear_and_fresh_unless_it_is_said_not_to_be() -> None:
    plain = Order(7, "READY", None, {})
    assert (plain.is_unclear, plain.age, plain.http_status) == (False, 0.0, 200)
