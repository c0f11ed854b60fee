"""Whether a tenant is read in batches, and the evidence about an order in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.batch_reads import (
    FEWEST_PER_BATCH,
    BatchReads,
    Proof,
    WhyNot,
)
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsNoResponseError,
    OmsNotFoundError,
    OmsSearchError,
    OmsServerError,
    OmsThrottledError,
    OmsUnexpectedResponseError,
)
from airflow_provider_oms.api.models import Order

MISSING = OmsSearchError("no search", http_status=404)
FAILURES: tuple[OmsError, ...] = (
    OmsServerError("failed", http_status=500),
    OmsNoResponseError("nothing came"),
    OmsThrottledError("limited", http_status=429, retry_after=60),
    OmsUnexpectedResponseError("a page", http_status=200),
)


def order(order_id: int, state: str = "READY", **more: Any) -> Order:
    return Order(order_id, state, None, {}, **more)


def answer(*orders: Order) -> dict[Any, Order]:
    return {one.order_id: one for one in orders}


def reads_after(
    *answers: Mapping[Any, Order] | OmsError, asked: Iterable[int] = (1,)
) -> BatchReads:
    reads = BatchReads()
    for one in answers:
        reads.on_batch(asked, one)
    return reads


class TestWhatAnOrderProves:
    def test_only_canceled_is_believed(self) -> None:
        proofs = BatchReads().on_batch(
            (1, 2, 3, 4),
            answer(
                order(1, "CANCELED"), order(2, "SHIPPED"), order(3, "CANCELED", is_unclear=True)
            ),
        )
        assert proofs == {
            1: Proof.CANCELED,
            2: Proof.TO_CONFIRM,
            3: Proof.TO_CONFIRM,
            4: Proof.TO_READ,
        }

    @pytest.mark.parametrize("error", [MISSING, *FAILURES])
    def test_a_batch_that_failed_proves_nothing(self, error: OmsError) -> None:
        assert BatchReads().on_batch((1, 2), error) == {1: Proof.TO_READ, 2: Proof.TO_READ}

    def test_a_batch_that_answers_after_the_end_of_batches_proves_nothing(self) -> None:
        reads = reads_after(MISSING)
        assert reads.on_batch((1,), answer(order(1, "CANCELED"))) == {1: Proof.TO_READ}


class TestWhetherToAsk:
    def test_a_handful_is_the_fewest(self) -> None:
        reads = BatchReads()
        assert not reads.is_for(FEWEST_PER_BATCH - 1)
        assert reads.is_for(FEWEST_PER_BATCH)

    def test_not_while_a_failed_batch_may_be_the_fault_of_the_whole_tenant(self) -> None:
        reads = reads_after(FAILURES[0])
        assert not reads.is_for(100)
        assert reads.why_not is None
        reads.on_single(1, order(1))
        assert reads.is_for(100)

    def test_an_order_that_get_order_does_not_know_shows_that_it_responds(self) -> None:
        reads = reads_after(FAILURES[0])
        reads.on_single(1, OmsNotFoundError("no such order", http_status=404))
        assert reads.is_for(100)

    def test_a_single_read_that_failed_too_says_nothing_about_the_search(self) -> None:
        reads = reads_after(FAILURES[0])
        reads.on_single(1, FAILURES[0])
        assert not reads.is_for(100)

    def test_a_batch_under_way_that_succeeds_lets_it_go_on(self) -> None:
        assert reads_after(FAILURES[0], answer(order(1))).is_for(100)


class TestWhenBatchesEnd:
    def test_at_once_where_the_tenant_has_no_such_search(self) -> None:
        assert reads_after(MISSING).why_not is WhyNot.NO_SEARCH

    @pytest.mark.parametrize("error", FAILURES)
    def test_when_three_in_a_row_fail_while_get_order_answers(self, error: OmsError) -> None:
        reads = BatchReads()
        for failed in range(3):
            assert reads.why_not is None, failed
            reads.on_batch((1,), error)
            reads.on_batch((2,), error)
            reads.on_single(1, order(1))
            reads.on_single(2, order(2))
        assert reads.why_not is WhyNot.FAILS

    def test_one_that_succeeds_ends_the_row(self) -> None:
        reads = BatchReads()
        for _ in range(20):
            for _ in range(2):
                reads.on_batch((1,), FAILURES[0])
                reads.on_single(1, order(1))
            reads.on_batch((1,), answer(order(1)))
        assert reads.why_not is None

    def test_never_because_the_whole_tenant_fails(self) -> None:
        reads = BatchReads()
        for error in FAILURES * 10:
            reads.on_batch((1,), error)
            reads.on_single(1, error)
        assert reads.why_not is None

    def test_at_once_when_get_order_shows_open_what_was_said_to_be_canceled(self) -> None:
        reads = reads_after(answer(order(1, "CANCELED")))
        reads.on_single(2, order(2))
        assert reads.why_not is None
        reads.on_single(1, order(1))
        assert reads.why_not is WhyNot.CONTRADICTS

    def test_a_read_that_fails_in_between_hides_no_contradiction(self) -> None:
        reads = reads_after(answer(order(1, "CANCELED")))
        reads.on_single(1, FAILURES[0])
        reads.on_single(1, order(1))
        assert reads.why_not is WhyNot.CONTRADICTS

    def test_a_cancel_that_get_order_has_confirmed_is_none_of_the_search(self) -> None:
        reads = reads_after(answer(order(1, "CANCELED")))
        reads.on_single(1, order(1, "CANCELED"))
        reads.on_single(1, order(1))
        assert reads.why_not is None

    def test_what_a_later_batch_said_of_it_counts(self) -> None:
        reads = reads_after(answer(order(1, "CANCELED")), answer(order(1)))
        reads.on_single(1, order(1))
        assert reads.why_not is None

    def test_when_most_orders_are_left_out_again_and_again(self) -> None:
        reads = BatchReads()
        for order_id in range(0, 38, 2):
            reads.on_batch((order_id, order_id + 1), answer(order(order_id)))
            reads.on_single(order_id + 1, order(order_id + 1))
        assert reads.why_not is None
        for order_id in (100, 101):
            reads.on_batch((order_id,), {})
            reads.on_single(order_id, order(order_id))
        assert reads.why_not is WhyNot.LEAVES_OUT

    def test_not_when_what_it_leaves_out_does_not_exist(self) -> None:
        reads = BatchReads()
        for order_id in range(100):
            reads.on_batch((order_id,), {})
            reads.on_single(order_id, OmsNotFoundError("no such order", http_status=404))
        assert reads.why_not is None
        assert reads.requests_saved == -100

    def test_one_read_of_an_order_counts_once(self) -> None:
        reads = reads_after({})
        for _ in range(100):
            reads.on_single(1, order(1))
        assert reads.why_not is None

    def test_when_get_order_shows_more_changes_than_the_search(self) -> None:
        reads = BatchReads()
        for order_id in range(20):
            assert reads.why_not is None
            reads.on_batch((order_id,), answer(order(order_id)))
            reads.on_single(order_id, order(order_id, "SHIPPED"))
        assert reads.why_not is WhyNot.LAGS

    def test_not_when_a_lag_only_delays_some_of_them(self) -> None:
        reads = BatchReads()
        for order_id in range(0, 2000, 2):
            asked = (order_id, order_id + 1)
            reads.on_batch(asked, answer(*map(order, asked)))
            reads.on_single(order_id, order(order_id, "CANCELED"))
            # The order that the search shows the next time, or shows as canceled the first time.
            reads.on_batch((order_id + 1,), answer(order(order_id + 1, "SHIPPED")))
            reads.on_batch((-order_id - 1,), answer(order(-order_id - 1, "CANCELED")))
        assert reads.why_not is None

    def test_a_search_that_breaks_after_a_long_time_is_noticed_as_well(self) -> None:
        reads = BatchReads()
        for order_id in range(1, 100_000):
            reads.on_batch((order_id,), answer(order(order_id, "CANCELED")))
        for order_id in range(1, 1500):
            reads.on_batch((-order_id,), answer(order(-order_id)))
            reads.on_single(-order_id, order(-order_id, "CANCELED"))
        assert reads.why_not is WhyNot.LAGS

    def test_so_is_one_that_was_hardly_good_enough_before(self) -> None:
        reads = BatchReads()
        for order_id in range(20_000):
            is_late = order_id % 9 < 4
            reads.on_batch((order_id,), answer(order(order_id, "READY" if is_late else "CANCELED")))
            reads.on_single(order_id, order(order_id, "CANCELED"))
        assert reads.why_not is None
        for order_id in range(300):
            reads.on_batch((order_id,), answer(order(order_id)))
            reads.on_single(order_id, order(order_id, "CANCELED"))
        assert reads.why_not is WhyNot.LAGS


class TestWhatIsSaved:
    def test_a_batch_costs_one_request_and_saves_one_for_each_order_that_it_settles(self) -> None:
        reads = reads_after(answer(*map(order, range(10))), asked=range(10))
        assert reads.requests_saved == 9
        reads.on_single(3, order(3))
        assert reads.requests_saved == 8
        # Not one that this batch has made necessary.
        reads.on_single(77, order(77))
        assert reads.requests_saved == 8

    def test_a_failed_one_saves_nothing(self) -> None:
        assert reads_after(FAILURES[0]).requests_saved == -1


def test_it_remembers_a_bounded_number_of_orders() -> None:
    reads = BatchReads()
    for order_id in range(30_000):
        reads.on_batch((order_id,), answer(order(order_id, "CANCELED")))
    assert len(reads._said) == 10_000
    reads.on_single(29_999, order(29_999))
    assert reads.why_not is WhyNot.CONTRADICTS


IDS = st.integers(1, 6)
STATES = st.sampled_from(["READY", "SHIPPED", "CANCELED"])
ANSWERS = st.one_of(
    st.sampled_from([MISSING, *FAILURES]),
    st.dictionaries(IDS, STATES).map(lambda d: answer(*(order(i, s) for i, s in d.items()))),
)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.sets(IDS, min_size=1), ANSWERS),
        st.tuples(IDS, st.one_of(STATES, st.sampled_from(FAILURES))),
    ),
    max_size=80,
)


@given(EVENTS)
def test_whatever_comes_nothing_is_believed_but_canceled_and_an_end_stays(
    events: list[tuple[Any, Any]],
) -> None:
    reads = BatchReads()
    canceled: set[int] = set()
    why_not: WhyNot | None = None
    for about, came in events:
        if isinstance(about, int):
            reads.on_single(about, order(about, came) if isinstance(came, str) else came)
            contradicts = came in ("READY", "SHIPPED") and about in canceled
            assert not contradicts or reads.why_not is not None
            canceled -= {about} if isinstance(came, str) else set()
        else:
            shown = {} if isinstance(came, OmsError) else came
            found = {order_id: shown[order_id] for order_id in about if order_id in shown}
            proofs = reads.on_batch(about, came if isinstance(came, OmsError) else found)
            believed = {i for i, proof in proofs.items() if proof is Proof.CANCELED}
            assert set(proofs) == about
            assert believed == {
                i for i, one in found.items() if one.is_canceled and reads.why_not is None
            }
            assert all(i in found for i, proof in proofs.items() if proof is not Proof.TO_READ)
            if not isinstance(came, OmsError):
                canceled = canceled - about | believed
        assert why_not in (None, reads.why_not)
        why_not = reads.why_not
        assert why_not is None or not reads.is_for(100)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("change"), IDS, STATES),
            st.tuples(st.just("batch"), st.sets(IDS, min_size=1), st.booleans()),
            st.tuples(st.just("single"), IDS, st.booleans()),
        ),
        max_size=200,
    )
)
def test_a_search_that_shows_what_get_order_shows_is_never_given_up(
    events: list[tuple[str, Any, Any]],
) -> None:
    reads, shown = BatchReads(), dict.fromkeys(range(1, 7), "READY")
    for event, about, came in events:
        if event == "change":
            shown[about] = came
            # In the same moment, for otherwise a read shows the change before any search can.
            reads.on_batch((about,), answer(order(about, came)))
        elif event == "batch":
            orders = answer(*(order(i, shown[i]) for i in about))
            reads.on_batch(about, orders if came else FAILURES[0])
            if not came:
                reads.on_batch(about, orders)
        else:
            reads.on_single(about, order(about, shown[about]) if came else FAILURES[0])
    assert reads.why_not is None
