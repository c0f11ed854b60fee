"""The shop's number of an order: exactly one id, or a refusal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.verdicts.adapters import Fields
from airflow_provider_oms.verdicts.numbers import OrderNumbers
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError, Verdict

NUMBER = "D58470FCF0"


def refusal_of(numbers: OrderNumbers, number: Any = NUMBER) -> OmsVerdictError:
    with pytest.raises(OmsVerdictError) as refusal:
        numbers.order_id(number)
    return refusal.value


SOURCES: list[Callable[[Any], Any]] = [
    lambda found: {NUMBER: found},
    lambda found: [(NUMBER, found), ("other", 5)],
    lambda found: iter([[NUMBER, found]]),
    lambda found: {NUMBER: found}.get,
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("found", [1010101, "1010101"])
def test_a_number_leads_to_its_order(source: Callable[[Any], Any], found: Any) -> None:
    read = OrderNumbers(source(found)).wrap(Fields())
    payload = {"order_id": NUMBER, "verdict": "rejected", "case_id": "F-17"}
    assert read(payload) == Verdict(1010101, Decision.CANCEL, "F-17")


@pytest.mark.parametrize(
    ("order", "field", "named"),
    [
        # An inbox holds the order of a refused payload: it has to be the id that it knows.
        (NUMBER, "verdict", 1010101),
        ("D0", "verdict", "D0"),
        (None, "order_id", None),
    ],
)
def test_a_refused_payload_names_its_order_by_the_id(order: Any, field: str, named: Any) -> None:
    read = OrderNumbers({NUMBER: 1010101}).wrap(Fields())
    with pytest.raises(OmsVerdictError) as refusal:
        read({"order_id": order, "verdict": "maybe"})
    assert (refusal.value.field, refusal.value.order) == (field, named)
    assert refusal.value.order_id == named


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "found", [0, -1, True, 1.0, float("nan"), "", " 7", "007", "D5", [], {}, [(1,)], 2**63]
)
def test_an_id_that_is_none_is_refused(source: Callable[[Any], Any], found: Any) -> None:
    error = refusal_of(OrderNumbers(source(found)))
    assert str(error).startswith(f"Order {NUMBER}: ")


@pytest.mark.parametrize("source", SOURCES)
def test_a_number_without_an_order_is_refused(source: Callable[[Any], Any]) -> None:
    numbers = OrderNumbers(source(1010101))
    error = refusal_of(numbers, "D0")
    assert str(error).startswith("Order D0: ")
    assert error.kind == "a number with none"
    assert refusal_of(OrderNumbers(source(None))).kind == "a number with none"


def test_a_number_with_two_orders_is_refused_and_no_other() -> None:
    numbers = OrderNumbers([(NUMBER, 5), ("other", 7), (NUMBER, 6), ("twice", 8), ("twice", "8")])
    assert refusal_of(numbers).kind == "a number with 2"
    assert numbers.order_id("other") == 7
    assert numbers.order_id("twice") == 8
    assert refusal_of(OrderNumbers(lambda _: [5, 6])).kind == "a number with 2"
    assert OrderNumbers(lambda _: [5, 5]).order_id(NUMBER) == 5


def test_digits_are_one_number_as_text_and_as_integer_but_not_with_a_zero() -> None:
    numbers = OrderNumbers([(123, 5), ("0123", 6)])
    assert [numbers.order_id(each) for each in (123, "123", "0123")] == [5, 5, 6]
    assert refusal_of(OrderNumbers({123: 5, "123": 6}), 123).kind == "a number with 2"


@pytest.mark.parametrize("number", [None, True, 1.5, "", " D1", "D1\n", "null", []])
def test_what_is_no_number_is_not_looked_up(number: Any) -> None:
    assert refusal_of(OrderNumbers(lambda _: 5), number).field == "the order's number"


@pytest.mark.parametrize(
    "row", [(), ("D1",), ("D1", 5, 6), {"number": "D1", "id": 5}, "D1", b"D1", None, 7]
)
def test_a_row_of_other_columns_is_refused_with_its_place(row: Any) -> None:
    with pytest.raises(OmsInputError) as refusal:
        OrderNumbers([("D0", 4), row])
    assert refusal.value.field == "row 2 of the order numbers"


@pytest.mark.parametrize("number", [1.5, True, "", "D1  ", "null"])
def test_a_row_whose_number_is_none_is_refused_with_its_place(number: Any) -> None:
    with pytest.raises(OmsInputError) as refusal:
        OrderNumbers([(number, 5)])
    assert refusal.value.field == "the number in row 1 of the order numbers"


def test_a_row_without_a_number_or_without_an_id_yet_stops_no_other() -> None:
    numbers = OrderNumbers([(None, 4), ("D1", None), (NUMBER, 5), (NUMBER, None)])
    assert numbers.order_id(NUMBER) == 5
    assert refusal_of(numbers, "D1").kind == "a number with none"


@pytest.mark.parametrize("source", [None, 7, "D1", b"D1"])
def test_what_holds_no_numbers_is_refused(source: Any) -> None:
    with pytest.raises(OmsInputError, match="order numbers must be a dict"):
        OrderNumbers(source)


def test_the_rows_of_a_database_are_taken_as_they_come() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        rows = database.execute("SELECT 'D58470FCF0', 1010101 UNION SELECT '0123', 6").fetchall()
    assert OrderNumbers(rows).order_id(NUMBER) == 1010101


def test_what_a_callable_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        OrderNumbers(lambda _: 1 // 0).order_id(NUMBER)


_NUMBERS = st.sampled_from(["A", "B", "1", 1, "01", None])
_IDS = st.sampled_from([1, 2, "2", None, 0, 1.0, "x"])


@given(st.lists(st.tuples(_NUMBERS, _IDS), max_size=6), st.sampled_from(["A", "B", "1", 1, "01"]))
def test_no_number_leads_to_another_numbers_order(rows: list[Any], number: Any) -> None:
    mine = [found for each, found in rows if each is not None and str(each) == str(number)]
    valid = {int(found) for found in mine if found in (1, 2, "2") and type(found) is not float}
    try:
        order_id = OrderNumbers(rows).order_id(number)
    except OmsVerdictError:
        invalid = [found for found in mine if found in (0, "x") or type(found) is float]
        assert invalid or len(valid) != 1
    else:
        assert {order_id} == valid
