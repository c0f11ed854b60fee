"""A set of orders is checked as a whole: one bad entry, or one order too many, refuses all."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.cancellation.bulk.order_set import (
    OmsOrderSetError,
    OrderSet,
    Reasons,
    plan_orders,
    split_orders,
)
from airflow_provider_oms.cancellation.bulk.refusals import Unusable

MISTAKE, OTHER = "created_by_mistake", "other"


def planned(*entries: Any, most: int = 10, **reasons: Any) -> OrderSet:
    given = Reasons(**{"dialect": Translated(), "disposition_reason": MISTAKE, **reasons})
    numbered = [(f"entry {number}", entry) for number, entry in enumerate(entries, 1)]
    return plan_orders(numbered, given, max_orders=most)


def refusal(*entries: Any, **more: Any) -> OmsOrderSetError:
    with pytest.raises(OmsOrderSetError) as error:
        planned(*entries, **more)
    assert str(error.value).endswith("Nothing was sent.")
    return error.value


class TestReasons:
    def test_an_entry_without_one_has_the_sets(self) -> None:
        orders = planned(7, "8", {"order_id": 9, "disposition_reason": ""})
        assert {request.disposition_reason for request in orders.requests.values()} == {MISTAKE}

    def test_an_entry_with_one_keeps_its_own_and_not_the_sets_explanation(self) -> None:
        reasons: Any = {"disposition_reason": OTHER, "disposition_other_reason": "Fraud"}
        orders = planned(7, {"order_id": 8, "disposition_reason": MISTAKE}, **reasons)
        assert orders.requests[7].disposition_other_reason == "Fraud"
        assert orders.requests[8].disposition_other_reason is None

    def test_an_entrys_explanation_goes_with_the_sets_reason(self) -> None:
        entry = {"order_id": 7, "disposition_other_reason": "Fraud, case 17"}
        orders = planned(entry, disposition_reason=OTHER, disposition_other_reason="Fraud")
        assert orders.requests[7].disposition_other_reason == "Fraud, case 17"

    def test_a_tenants_own_reason_is_admitted(self) -> None:
        orders = planned(7, disposition_reason="duplicate", dialect=Translated(["duplicate"]))
        assert orders.requests[7].disposition_reason == "duplicate"


class TestTheWholeSet:
    def test_the_orders_keep_their_sequence_and_each_is_there_once(self) -> None:
        orders = planned(9, 7, "9", {"order_id": 9}, 8)
        assert list(orders.requests) == [9, 7, 8]
        assert (len(orders), orders.duplicates) == (3, 2)

    def test_every_bad_entry_is_named_with_its_position(self) -> None:
        error = refusal(7, 0, "8 ", None, {"order_id": 9, "disposition_reason": "fraud"})
        assert len(error.problems) == 4
        for position in ("entry 2: order_id", "entry 3: order_id", "entry 4", "entry 5"):
            assert position in str(error)

    def test_many_bad_entries_are_all_kept_and_twenty_are_said(self) -> None:
        error = refusal(*[0] * 30)
        assert len(error.problems) == 30
        assert "entry 20" in str(error)
        assert "entry 21" not in str(error)
        assert "and 10 more" in str(error)

    def test_a_key_that_nobody_looks_at_may_mean_not_to_cancel(self) -> None:
        error = refusal({"order_id": 7, "verdict": "accepted"})
        assert "unknown key 'verdict'" in str(error)

    def test_one_order_with_two_reasons_is_refused(self) -> None:
        error = refusal(7, {"order_id": 7, "disposition_reason": "customer_changed_mind"})
        assert "order 7 is there with another reason" in str(error)

    def test_the_cap_counts_orders_and_not_entries(self) -> None:
        assert len(planned(7, 7, 7, 8, most=2)) == 2
        assert "has more orders than the 2 that max_orders allows" in str(refusal(7, 8, 9, most=2))

    def test_a_set_beyond_the_cap_is_read_no_further_and_says_what_else_is_wrong(self) -> None:
        source = iter([("entry 1", 7), ("entry 2", 0), ("entry 3", 8), ("entry 4", 9)])
        with pytest.raises(OmsOrderSetError, match=r"max_orders allows.*entry 2: order_id must"):
            plan_orders(source, Reasons(Translated(), MISTAKE), max_orders=1)
        assert next(source) == ("entry 4", 9)

    @pytest.mark.parametrize("bad", [0, Unusable("a row of several columns")])
    def test_a_source_that_is_wrong_throughout_is_read_no_further(self, bad: Any) -> None:
        source = itertools.chain([("entry 1", 7)], (("entry 2", bad) for _ in itertools.count()))
        with pytest.raises(OmsOrderSetError) as error:
            plan_orders(source, Reasons(Translated(), MISTAKE), max_orders=10)
        assert len(error.value.problems) == 100
        assert "100 of the first 101 entries cannot be used" in str(error.value)

    def test_a_hundred_problems_are_too_many_and_less_than_that_are_all_named(self) -> None:
        error = refusal(*[0] * 99, 7)
        assert len(error.problems) == 99
        assert "99 of 100 entries cannot be used: " in str(error)


class TestDoubt:
    @pytest.mark.parametrize("word", [True, "true", "TRUE", " True "])
    def test_an_entry_says_that_an_earlier_run_may_have_sent_it(self, word: Any) -> None:
        assert planned(8, {"order_id": 7, "in_doubt": word}).in_doubt == {7}

    @pytest.mark.parametrize("word", [False, "false", "", None])
    def test_or_that_none_has(self, word: Any) -> None:
        assert planned({"order_id": 7, "in_doubt": word}).in_doubt == frozenset()

    @pytest.mark.parametrize("word", ["yes", 1, "1", "maybe"])
    def test_what_is_unclear_is_refused(self, word: Any) -> None:
        assert "in_doubt must be true or false" in str(refusal({"order_id": 7, "in_doubt": word}))

    def test_one_of_two_entries_is_enough(self) -> None:
        assert planned({"order_id": 7, "in_doubt": True}, 7).in_doubt == {7}


class TestChunks:
    def test_each_order_is_in_one_chunk_as_it_was_given(self) -> None:
        entries = [7, "8", {"order_id": 9}, 7, 10]
        chunks = split_orders(entries, chunk_size=2, disposition_reason=MISTAKE)
        assert chunks == [[7, "8"], [{"order_id": 9}, 10]]

    def test_what_a_query_of_one_column_leaves_becomes_ids(self) -> None:
        assert split_orders([[7], (8,)], disposition_reason=MISTAKE) == [[7, 8]]

    def test_an_iterator_is_read_once(self) -> None:
        assert split_orders(iter([7, 8, 7]), disposition_reason=MISTAKE) == [[7, 8]]

    def test_a_doubt_is_not_lost_with_the_entry_that_it_was_in(self) -> None:
        doubtful = {"order_id": 7, "in_doubt": True}
        assert split_orders([7, doubtful, 7], disposition_reason=MISTAKE) == [[doubtful]]

    def test_the_cap_holds_over_all_chunks(self) -> None:
        with pytest.raises(OmsOrderSetError, match="more orders than the 3 that max"):
            split_orders([1, 2, 3, 4], chunk_size=2, max_orders=3, disposition_reason=MISTAKE)

    def test_a_chunk_and_all_of_them_hold_a_thousand_unless_it_is_said(self) -> None:
        orders = [*range(1, 1002)]
        chunks = split_orders(orders, max_orders=1001, disposition_reason=MISTAKE)
        assert chunks == [orders[:1000], [1001]]
        assert split_orders(orders[:1000], disposition_reason=MISTAKE) == [orders[:1000]]
        with pytest.raises(OmsOrderSetError, match="more orders than the 1000 that max"):
            split_orders(orders, disposition_reason=MISTAKE)

    def test_one_bad_entry_refuses_all_chunks(self) -> None:
        with pytest.raises(OmsOrderSetError, match="entry 4: order_id"):
            split_orders([1, 2, 3, "x"], chunk_size=2, disposition_reason=MISTAKE)

    def test_no_orders_are_no_chunks(self) -> None:
        assert split_orders([], disposition_reason=MISTAKE) == []

    def test_a_chunk_holds_at_least_one(self) -> None:
        with pytest.raises(OmsInputError, match="chunk_size must be a whole number from 1"):
            split_orders([1], chunk_size=0, disposition_reason=MISTAKE)

    @pytest.mark.parametrize("argument", ["chunk_size", "max_orders"])
    def test_numbers_may_be_digits_as_a_template_renders_them(self, argument: str) -> None:
        numbers: dict[str, Any] = {"chunk_size": 2, "max_orders": 3, argument: "3"}
        chunks = split_orders([1, 2, 3], **numbers, disposition_reason=MISTAKE)
        assert [order for chunk in chunks for order in chunk] == [1, 2, 3]

    @pytest.mark.parametrize("argument", ["chunk_size", "max_orders"])
    @pytest.mark.parametrize("value", [None, "many", 2.5, True])
    def test_what_is_no_number_is_refused_by_its_name(self, argument: str, value: Any) -> None:
        numbers: dict[str, Any] = {argument: value}
        with pytest.raises(OmsInputError, match=f"{argument} must be a whole number"):
            split_orders([1], **numbers, disposition_reason=MISTAKE)


@pytest.mark.parametrize(
    ("problems", "told"),
    [
        (0, ""),
        (1, ": p1"),
        (20, ": " + "; ".join(f"p{number}" for number in range(1, 21))),
        (22, ": " + "; ".join(f"p{number}" for number in range(1, 21)) + "; and 2 more"),
    ],
)
def test_a_refusal_names_twenty_problems_and_counts_the_others(problems: int, told: str) -> None:
    error = OmsOrderSetError("It is wrong", [f"p{number}" for number in range(1, problems + 1)])
    assert str(error) == f"It is wrong{told}. Nothing was sent."
    assert len(error.problems) == problems
