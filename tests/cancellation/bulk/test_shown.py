"""The scope of an answer: exactly the orders, states and reasons that were shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from finished_runs import finished, result
from hypothesis import assume, given
from hypothesis import strategies as st
from shown_orders import (
    FIRST,
    ORDER_ID,
    READ,
    STATE,
    TENANT,
    Read,
    ends_of,
    requests_of,
    texts_differ,
)

from airflow_provider_oms.cancellation.approval import Approval
from airflow_provider_oms.cancellation.bulk.approval import (
    OPTIONS,
    SetChangedError,
    Shown,
    answer_of,
)
from airflow_provider_oms.cancellation.outcomes import Outcome


@given(READ)
def test_only_open_orders_are_shown_each_with_its_state(read: Read) -> None:
    shown = Shown.of(ends_of(read), requests_of(read), TENANT)
    assert shown.approvals == {
        order_id: Approval(state, status)
        for order_id, (outcome, state, status) in read.items()
        if outcome is Outcome.WOULD_CANCEL
    }
    assert {str(order_id) for order_id in read} == shown.others | set(map(str, shown.approvals))


def test_an_order_in_a_state_that_the_tenant_refuses_is_not_shown() -> None:
    run = finished(
        *(
            result(number, Outcome.WOULD_CANCEL, order_state=state, order_status=status)
            for number, (state, status) in enumerate(
                [("SHIPPED", "READY"), ("READY", "shipped"), ("READY", "READY"), (None, None)], 1
            )
        )
    )
    shown = Shown.of(run.ends, requests_of(run.ends), TENANT, ["Shipped"])
    assert list(shown.approvals) == [3, 4]
    assert shown.others == {"1", "2"}


def test_the_id_of_an_order_that_was_shown_by_another_name_belongs_to_it() -> None:
    def shown_as(looked_up_id: str) -> Shown:
        end = result(1, Outcome.WOULD_CANCEL, order_state="READY", looked_up_id=looked_up_id)
        run = finished(end)
        return Shown.of(run.ends, requests_of(run.ends), TENANT)

    one = shown_as("a1")
    assert one.approvals[1].looked_up_id == "a1"
    assert one.digest != shown_as("b2").digest
    record = json.loads(json.dumps(one.record()))
    assert Shown.from_record(record, requests_of([1]), TENANT) == one
    record["looked_up"]["1"] = "b2"
    with pytest.raises(SetChangedError):
        Shown.from_record(record, requests_of([1]), TENANT)


@given(READ)
def test_a_record_brings_back_what_was_shown(read: Read) -> None:
    assume(texts_differ(read))
    requests = requests_of(read)
    shown = Shown.of(ends_of(read), requests, TENANT)
    record = json.loads(json.dumps(shown.record()))
    again = Shown.from_record(record, requests, TENANT)
    assert again == shown
    assert again.digest == shown.digest == record["digest"]


@given(READ, st.data())
def test_any_other_set_is_refused(read: Read, data: st.DataObject) -> None:
    assume(texts_differ(read) and read)
    record = Shown.of(ends_of(read), requests_of(read), TENANT).record()
    other = data.draw(st.sets(ORDER_ID | st.sampled_from(list(read)), max_size=30))
    assume({str(order_id) for order_id in other} != {str(order_id) for order_id in read})
    with pytest.raises(SetChangedError, match="The set is not the one that was shown"):
        Shown.from_record(record, requests_of(other), TENANT)


def test_what_is_new_and_what_is_gone_is_named() -> None:
    read: Read = dict.fromkeys(range(FIRST, FIRST + 12), (Outcome.WOULD_CANCEL, "READY", "READY"))
    record = Shown.of(ends_of(read), requests_of(read), TENANT).record()
    with pytest.raises(SetChangedError) as change:
        Shown.from_record(record, requests_of([FIRST, 7]), TENANT)
    gone = ", ".join(str(FIRST + number) for number in range(1, 11))
    assert str(change.value) == (
        f"The set is not the one that was shown. New in it: 7. Not in it any more: {gone}, … "
        f"(11 in all)"
    )


@pytest.mark.parametrize(("reason", "tenant"), [("fraud", TENANT), ("other", "another tenant")])
def test_another_reason_or_tenant_is_refused(reason: str, tenant: str) -> None:
    read: Read = {FIRST: (Outcome.WOULD_CANCEL, "READY", "READY")}
    record = Shown.of(ends_of(read), requests_of(read), TENANT).record()
    with pytest.raises(SetChangedError, match="The tenant, or the reason of an order"):
        Shown.from_record(record, requests_of(read, reason), tenant)


@given(READ, st.data())
def test_a_record_that_says_something_else_counts_as_lost(read: Read, data: st.DataObject) -> None:
    assume(texts_differ(read) and read)
    requests = requests_of(read)
    record: Any = Shown.of(ends_of(read), requests, TENANT).record()
    other: Any = Shown.of(ends_of({}), requests, TENANT).record()
    key = data.draw(st.sampled_from(sorted(record)))
    wrong = data.draw(st.sampled_from([None, 7, "n", [], {"x": "y"}, {"[1]": "n"}, other[key]]))
    # An empty text and nothing at all both mean that there are no others.
    assume(bool(wrong) or bool(record[key]))
    assume(wrong != record[key])
    with pytest.raises(SetChangedError):
        Shown.from_record({**record, key: wrong}, requests, TENANT)


@pytest.mark.parametrize("record", [None, {}, [], "", 5])
def test_no_record_counts_as_lost(record: Any) -> None:
    with pytest.raises(SetChangedError, match="no longer on record"):
        Shown.from_record(record, requests_of([FIRST]), TENANT)


@given(READ, st.data())
def test_the_digest_tells_any_state_apart(read: Read, data: st.DataObject) -> None:
    open_ones = [
        order_id for order_id, (outcome, *_) in read.items() if outcome is Outcome.WOULD_CANCEL
    ]
    assume(open_ones)
    order_id = data.draw(st.sampled_from(open_ones))
    state = data.draw(STATE)
    outcome, before, status = read[order_id]
    assume(state != before)
    requests = requests_of(read)
    changed: Read = {**read, order_id: (outcome, state, status)}
    one, other = (Shown.of(ends_of(each), requests, TENANT) for each in (read, changed))
    assert one.digest != other.digest


@given(
    st.one_of(
        st.none(),
        st.integers(),
        st.text(),
        st.lists(st.text()),
        st.fixed_dictionaries(
            {
                "chosen_options": st.one_of(
                    st.none(),
                    st.text(),
                    st.lists(st.sampled_from([*OPTIONS, "approve", 1]), max_size=3),
                )
            }
        ),
    )
)
def test_only_one_option_alone_is_an_answer(event: Any) -> None:
    chosen = event.get("chosen_options") if isinstance(event, dict) else None
    if chosen in (["Approve"], ["Reject"]):
        assert answer_of(event) == chosen[0]
    else:
        assert answer_of(event) is None
