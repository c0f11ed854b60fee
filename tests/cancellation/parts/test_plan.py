"""The plan: the calls for a request, or why there are none; and the evidence of a read then."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.parts import (
    Flags,
    Line,
    OrderParts,
    PartKind,
    Place,
    Reason,
    Shipment,
)
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts.assessment import Standing, assess, cancel_of
from airflow_provider_oms.cancellation.parts.plan import (
    Part,
    Plan,
    ends_the_order,
    plan_items,
    plan_shipments,
)
from airflow_provider_oms.cancellation.parts.wanted import Wanted

WHY = Reason("other", "Out of stock")


def order(state: str = "READY") -> Order:
    return Order(7, state, state, {})


def shown(lines: list[Line], shipments: tuple[Shipment, ...] = (), **more: Any) -> OrderParts:
    return OrderParts(order(), tuple(lines), shipments, **{"shows_all": True, **more})


def whole(name: int, state: str = "NORMAL", quantity: int | None = 2) -> Line:
    """Return a line as a translated tenant shows it."""
    amount = quantity or 1
    place = Place(
        5, amount if state == "NORMAL" else 0, amount if state == "CANCELED" else 0, state
    )
    left = amount if state == "SHIPPED" else 0
    return Line(name, (place,), fulfilled=left, quantity=quantity, status=state)


def split(name: int, *places: tuple[int, int, int], fulfilled: int = 0) -> Line:
    """Return a line as a native tenant shows it: shipment, open and canceled of each place."""
    found = tuple(Place(number, is_open, canceled) for number, is_open, canceled in places)
    return Line(name, found, f"{name:032x}", fulfilled)


def plan(order: OrderParts, *wanted: Wanted, **more: Any) -> Plan:
    given = {"whole_lines_only": False, "allow_whole_order": False, **more}
    return plan_items(order, wanted, **given)


def want(name: int | str, quantity: int | None = None, keep: int | None = None) -> Wanted:
    return Wanted(name, WHY, quantity, keep)


class TestWholeLines:
    ORDER = shown([whole(1), whole(2), whole(3, "CANCELED"), whole(4, "SHIPPED")])

    def test_each_is_a_part(self) -> None:
        made = plan(self.ORDER, want(1), want(3), whole_lines_only=True)
        assert [part.key for part in made.parts] == ["7/line:1"]
        assert [(one.base, one.left) for part in made.parts for one in part.shares] == [(0, 0)]
        assert made.reached == (3,)

    @pytest.mark.parametrize("wanted", [want(1, quantity=2), want(1, keep=0)])
    def test_a_quantity_that_is_the_whole_line_is_taken(self, wanted: Wanted) -> None:
        assert len(plan(self.ORDER, wanted, whole_lines_only=True).parts) == 1

    @pytest.mark.parametrize(
        ("wanted", "outcome", "why"),
        [
            (want(1, quantity=1), Outcome.REFUSED, "1 of 2 were to be canceled"),
            (want(1, quantity=3), Outcome.REFUSED, "cancels whole lines only"),
            (want(1, keep=1), Outcome.REFUSED, "1 of 2 were"),
            (want(4), Outcome.NOT_CANCELABLE, "2 have been shipped"),
            (want(9), Outcome.NOT_FOUND, "no such line"),
        ],
    )
    def test_anything_else_is_refused_by_name(
        self, wanted: Wanted, outcome: Outcome, why: str
    ) -> None:
        made = plan(self.ORDER, want(2), wanted, whole_lines_only=True, allow_whole_order=True)
        assert made.parts == ()
        (refusal,) = made.refusals
        assert (refusal.name, refusal.outcome) == (wanted.name, outcome)
        assert why in refusal.reason

    def test_a_quantity_of_a_line_that_does_not_say_how_many_it_has_is_refused(self) -> None:
        lines = shown([whole(1, quantity=None), whole(2)])
        assert plan(lines, want(1, quantity=1), whole_lines_only=True).refusals
        assert plan(lines, want(1), whole_lines_only=True).parts

    def test_keep_is_reached_where_no_more_is_open(self) -> None:
        made = plan(self.ORDER, want(1, keep=2), whole_lines_only=True)
        assert (made.parts, made.reached) == ((), (1,))


class TestTheLastOpenLine:
    ORDER = shown([whole(1), whole(2, "CANCELED"), whole(3, "SHIPPED")])

    def test_it_is_refused_unless_that_is_allowed(self) -> None:
        (refusal,) = plan(self.ORDER, want(1), whole_lines_only=True).refusals
        assert "nothing else of the order is open" in refusal.reason
        assert "allow_whole_order=True" in refusal.reason
        assert plan(self.ORDER, want(1), whole_lines_only=True, allow_whole_order=True).parts

    def test_it_is_refused_where_the_others_cannot_be_read(self) -> None:
        unseen = replace(self.ORDER, shows_all=False, lines=(whole(1), whole(5)))
        (refusal,) = plan(unseen, want(1), whole_lines_only=True).refusals
        assert "cannot be read on this tenant" in refusal.reason
        assert plan(unseen, want(1), whole_lines_only=True, allow_whole_order=True).parts

    def test_a_part_of_a_line_leaves_something_open(self) -> None:
        assert plan(shown([split(1, (11, 3, 0))]), want(1, quantity=2)).parts
        assert plan(shown([split(1, (11, 3, 0))]), want(1, quantity=3)).refusals

    def test_so_is_the_last_open_shipment(self) -> None:
        first, last = shipment(11), shipment(12, "FULFILLED")
        made = plan_shipments(shown([], (first, last)), [Wanted(11, WHY)], allow_whole_order=False)
        assert "nothing else" in made.refusals[0].reason
        unseen = shown([], (first, last), shows_all=False)
        made = plan_shipments(unseen, [Wanted(11, WHY)], allow_whole_order=False)
        assert "cannot be read" in made.refusals[0].reason
        made = plan_shipments(shown([], (first, last)), [Wanted(11, WHY)], allow_whole_order=True)
        assert [part.key for part in made.parts] == ["7/shipment:11"]
        others = shown([], (first, shipment(13)))
        assert plan_shipments(others, [Wanted(11, WHY)], allow_whole_order=False).parts


def shipment(number: int, status: str = "READY") -> Shipment:
    return Shipment(number, status, status == "CANCELED", status == "READY")


class TestAShipment:
    @pytest.mark.parametrize(
        ("number", "outcome"),
        [(12, Outcome.NOT_CANCELABLE), (14, Outcome.NOT_FOUND)],
    )
    def test_one_that_cannot_be_canceled_is_refused(self, number: int, outcome: Outcome) -> None:
        ships = (shipment(11), shipment(12, "FULFILLED"), shipment(13, "CANCELED"))
        made = plan_shipments(shown([], ships), [Wanted(number, WHY)], allow_whole_order=False)
        assert [one.outcome for one in made.refusals] == [outcome]

    def test_one_that_is_canceled_is_reached(self) -> None:
        ships = (shipment(13, "CANCELED"),)
        made = plan_shipments(shown([], ships), [Wanted(13, WHY)], allow_whole_order=False)
        assert (made.parts, made.refusals, made.reached) == ((), (), (13,))


class TestSeveralShipments:
    SHIPS = (shipment(11), shipment(12), shipment(13, "CANCELED"), shipment(14))

    def test_each_is_a_part_of_its_own(self) -> None:
        wanted = [Wanted(number, WHY) for number in (12, 11, 13)]
        made = plan_shipments(shown([], self.SHIPS), wanted, allow_whole_order=False)
        assert [part.key for part in made.parts] == ["7/shipment:12", "7/shipment:11"]
        assert made.reached == (13,)

    def test_together_they_may_not_cancel_all_that_is_left(self) -> None:
        wanted = [Wanted(number, WHY) for number in (11, 12, 14)]
        made = plan_shipments(shown([], self.SHIPS), wanted, allow_whole_order=False)
        assert (made.parts, len(made.refusals)) == ((), 3)
        assert plan_shipments(shown([], self.SHIPS), wanted, allow_whole_order=True).parts

    def test_one_that_cannot_be_canceled_holds_back_the_others(self) -> None:
        wanted = [Wanted(11, WHY), Wanted(15, WHY)]
        made = plan_shipments(shown([], self.SHIPS), wanted, allow_whole_order=False)
        assert made.parts == ()
        assert [one.name for one in made.refusals] == [15]

    def test_what_the_others_cancel_is_not_left_over(self) -> None:
        first, second = (Part(7, PartKind.SHIPMENT, number) for number in (11, 12))
        order = shown([], (shipment(11), shipment(12)))
        assert ends_the_order(first, (), [second], order)
        more = shown([], (*order.shipments, shipment(14)))
        assert not ends_the_order(first, (), [second], more)
        assert "cannot be read" in ends_the_order(
            first, (), [second], replace(more, shows_all=False)
        )


class TestQuantities:
    def test_they_are_split_over_open_shipments_by_number_one_call_for_each(self) -> None:
        lines = [split(1, (12, 2, 1), (11, 3, 0)), split(2, (11, 1, 0)), split(3, (11, 9, 0))]
        made = plan(shown(lines), want(1, quantity=4), want(2))
        assert [part.key for part in made.parts] == [
            "7/shipment:11/lines:1+2",
            "7/shipment:12/lines:1",
        ]
        shares = [(s.line, s.base, s.quantity) for part in made.parts for s in part.shares]
        assert shares == [(1, 0, 3), (2, 0, 1), (1, 1, 1)]

    def test_a_line_can_be_named_by_the_id_of_its_item_but_once(self) -> None:
        lines = shown([split(1, (11, 3, 0)), split(2, (11, 3, 0))])
        (part,) = plan(lines, want(f"{1:032x}", quantity=1)).parts
        assert (part.shares[0].line, part.shares[0].wanted) == (1, f"{1:032x}")
        again = want(f"{1:032x}", quantity=1)
        for wanted in ([want(1, quantity=1)], [want(1, quantity=1), want(2, quantity=1)]):
            (refusal,) = plan(lines, *wanted, again).refusals
            assert (refusal.name, refusal.outcome) == (again.name, Outcome.REFUSED)
            assert "named twice" in refusal.reason

    @pytest.mark.parametrize(
        ("wanted", "why"),
        [
            (want(1, quantity=4), "only 3 are open"),
            (want(2), "4 have been shipped"),
            (want(2, quantity=1), "none of it is open"),
        ],
    )
    def test_more_than_is_open_is_refused(self, wanted: Wanted, why: str) -> None:
        lines = [split(1, (11, 3, 0)), split(2, (12, 0, 0), fulfilled=4), split(3, (11, 9, 0))]
        (refusal,) = plan(shown(lines), wanted).refusals
        assert refusal.outcome is Outcome.NOT_CANCELABLE
        assert why in refusal.reason

    @pytest.mark.parametrize(
        ("wanted", "is_refused"), [(want(1), False), (want(1, keep=0), False), (want(1, 1), True)]
    )
    def test_a_line_of_which_the_rest_was_shipped(self, wanted: Wanted, is_refused: bool) -> None:
        lines = [split(1, (11, 0, 2), (12, 0, 0), fulfilled=3), split(2, (11, 1, 0))]
        made = plan(shown(lines), wanted)
        assert (bool(made.refusals), made.reached) == (is_refused, () if is_refused else (1,))

    @pytest.mark.parametrize("wanted", [want(1), want(1, keep=0), want(1, keep=5), want(1, 1)])
    def test_a_line_that_was_shipped_is_never_called_canceled(self, wanted: Wanted) -> None:
        lines = [split(1, (11, 0, 0), fulfilled=3), split(2, (11, 1, 0))]
        made = plan(shown(lines), wanted)
        assert [one.outcome for one in made.refusals] == [Outcome.NOT_CANCELABLE]

    def test_where_all_is_canceled_nothing_is_sent(self) -> None:
        lines = [split(1, (11, 0, 3)), split(2, (11, 1, 0))]
        for wanted in (want(1), want(1, quantity=2), want(1, keep=1)):
            assert plan(shown(lines), wanted).reached == (1,)

    def test_of_another_part_only_what_is_still_open_in_its_shipment_counts(self) -> None:
        before = shown([split(1, (11, 2, 0), (12, 3, 0), (13, 4, 0))])
        first, second = plan(before, want(1, quantity=5)).parts
        for is_open, ends in ((3, True), (1, True), (0, True)):
            now = shown([split(1, (11, 2, 0), (12, is_open, 0))])
            assert bool(ends_the_order(first, first.shares, [second], now)) is ends
        now = shown([split(1, (11, 2, 0), (12, 1, 0), (13, 1, 0))])
        assert not ends_the_order(first, first.shares, [second], now)
        assert ends_the_order(first, first.shares, [second], shown([]))

    def test_an_order_that_is_canceled_has_reached_everything(self) -> None:
        gone = replace(shown([split(1, (11, 3, 0))]), order=order("CANCELED"))
        assert plan(gone, want(1, quantity=2)).reached == (1,)

    @given(
        places=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=4),
        quantity=st.integers(1, 25),
        keep=st.booleans(),
    )
    def test_a_plan_asks_for_exactly_what_was_wanted_or_for_nothing(
        self, places: list[tuple[int, int]], quantity: int, keep: bool
    ) -> None:
        line = split(1, *((11 + at, o, c) for at, (o, c) in enumerate(places)))
        lines = shown([line, split(2, (11, 1, 0))])
        wanted = want(1, keep=quantity) if keep else want(1, quantity=quantity)
        made = plan(lines, wanted)
        asked: Counter[int | str] = Counter()
        for part in made.parts:
            for share in part.shares:
                place = line.place_in(part.shipment)
                assert 0 < share.quantity <= place.open
                assert share.base == place.canceled
                asked[share.line] += share.quantity
        exactly = max(0, line.open - quantity) if keep else quantity
        assert asked[1] in ((exactly,) if made.parts else (0,))
        assert bool(made.parts) + bool(made.refusals) + bool(made.reached) == 1

    def test_the_order_itself_is_edited_only_where_that_is_allowed(self) -> None:
        line = Line(1, (Place(None, 3, 0),), f"{1:032x}", quantity=3)
        bare = shown([line, split(2, (11, 1, 0))], has_shipments=False)
        (refusal,) = plan(bare, want(1, quantity=1)).refusals
        assert "allow_order_edit=True" in refusal.reason
        (part,) = plan(bare, want(1, quantity=1), allow_order_edit=True).parts
        assert part.kind is PartKind.ORDER_LINE
        assert (part.shares[0].line, part.shares[0].keep) == (f"{1:032x}", 2)
        assert cancel_of(part, replace(bare, version='"7"'), {1: WHY}, Flags()).version == '"7"'


class TestWhatAReadProves:
    PART = plan(shown([split(1, (11, 3, 1)), split(2, (11, 2, 0))]), want(1, quantity=2)).parts[0]

    @pytest.mark.parametrize(
        ("is_open", "canceled", "standing"),
        [
            (3, 1, Standing.OPEN),
            (1, 3, Standing.CANCELED),
            (2, 2, Standing.CHANGED),
            (0, 4, Standing.CHANGED),
            (3, 0, Standing.CHANGED),
        ],
    )
    def test_only_base_and_target_count(
        self, is_open: int, canceled: int, standing: Standing
    ) -> None:
        assert assess(self.PART, shown([split(1, (11, is_open, canceled))])).standing is standing

    def test_a_line_that_is_not_there_any_more_has_nothing_open(self) -> None:
        (part,) = plan(shown([split(1, (11, 1, 0)), split(2, (11, 1, 0))]), want(1)).parts
        found = assess(part, shown([split(2, (11, 1, 0))]))
        assert found.standing is Standing.OPEN
        assert "Shipment 11 has only 0 of line 1 open now" in found.obstacle

    def test_no_cancel_is_sent_where_less_is_open_than_it_names(self) -> None:
        found = assess(self.PART, shown([split(1, (11, 1, 1), (12, 2, 0))]))
        assert found.standing is Standing.OPEN
        assert "Shipment 11 has only 1 of line 1 open now" in found.obstacle

    @pytest.mark.parametrize(
        ("elsewhere", "obstacle"), [(3, ""), (2, "Only 1 more"), (1, "Only 0 more"), (0, "Only 0")]
    )
    def test_no_more_are_canceled_than_leave_as_many_as_are_to_be_kept(
        self, elsewhere: int, obstacle: str
    ) -> None:
        (part,) = plan(shown([split(1, (11, 3, 0), (12, 3, 0))]), want(1, keep=4)).parts
        now = shown([split(1, (11, 3, 0), (12, elsewhere, 3 - elsewhere))])
        assert assess(part, now).obstacle.startswith(obstacle)
        assert bool(assess(part, now).obstacle) is bool(obstacle)
        # What is left elsewhere counts only where all of it was read.
        assert not assess(part, replace(now, shows_all=False)).obstacle

    def test_only_what_is_at_its_base_is_sent_again(self) -> None:
        lines = shown([split(1, (11, 3, 0)), split(2, (11, 2, 0)), split(3, (11, 1, 0))])
        (part,) = plan(lines, want(1, quantity=2), want(2, quantity=1)).parts
        ships = (replace(shipment(11), etag='"3"'),)
        half = shown([split(1, (11, 1, 2)), split(2, (11, 2, 0))], ships, version='"7"')
        assert assess(part, half).standing is Standing.OPEN
        cancel = cancel_of(part, half, {1: WHY, 2: WHY}, Flags())
        assert [(share.line, share.quantity) for share in cancel.shares] == [(2, 1)]
        assert cancel.version == '"3"'

    @pytest.mark.parametrize(
        ("state", "standing", "obstacle"),
        [
            ("NORMAL", Standing.OPEN, ""),
            ("CANCELED", Standing.CANCELED, ""),
            ("SHIPPED", Standing.OPEN, "The line is SHIPPED now"),
        ],
    )
    def test_of_a_whole_line(self, state: str, standing: Standing, obstacle: str) -> None:
        (part,) = plan(shown([whole(1), whole(2)]), want(1), whole_lines_only=True).parts
        found = assess(part, shown([whole(1, state)]))
        assert (found.standing, found.obstacle) == (standing, obstacle)

    @pytest.mark.parametrize(
        ("left", "standing"),
        [(3, Standing.OPEN), (1, Standing.CANCELED), (0, Standing.CANCELED), (2, Standing.CHANGED)],
    )
    def test_of_an_edited_order(self, left: int, standing: Standing) -> None:
        def bare(quantity: int) -> OrderParts:
            lines = [Line(1, (Place(None, quantity, 0),), f"{1:032x}"), split(2, (11, 1, 0))]
            return shown(lines if quantity else lines[1:], has_shipments=False)

        (part,) = plan(bare(3), want(1, keep=1), allow_order_edit=True).parts
        assert assess(part, bare(left)).standing is standing

    def test_a_part_is_the_same_after_a_trip_through_json(self) -> None:
        assert Part.of_record(self.PART.record) == self.PART
        assert "," not in self.PART.key
        assert " " not in self.PART.key
