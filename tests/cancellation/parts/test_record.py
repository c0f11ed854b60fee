"""The record of the parts: its content before each call, and the limits of a damaged one."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from part_world import ORDER, Killed, Weather, World

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.order_ids import OrderNames
from airflow_provider_oms.api.parts import Flags, Reason
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.parts.plan import plan_items
from airflow_provider_oms.cancellation.parts.record import Begun, begin, planned_order
from airflow_provider_oms.cancellation.parts.results import PartsResult
from airflow_provider_oms.cancellation.parts.run import LEASE, PartsTask, cancel_parts
from airflow_provider_oms.cancellation.parts.wanted import Wanted
from airflow_provider_oms.cancellation.runner import INTERRUPTED, Runtime

WHY = Reason("other")
WANTED = (Wanted(1, WHY, quantity=2), Wanted(2, WHY))
POLICY = Policy(settle_seconds=3.0, deadline=20.0, settles_after_acceptance=True)
HEAD, PLAN, PROGRESS = "oms_parts", "oms_parts_plan", "oms_parts_progress"


class Task:
    """A task in a world where nothing goes wrong by chance."""

    def __init__(self, wanted: tuple[Wanted, ...] = WANTED) -> None:
        quantities = {(11, 1): 3, (11, 2): 1, (12, 2): 2, (12, 3): 1}
        self.world = World(random.Random(1), quantities)  # noqa: S311 - a test's
        plan = partial(plan_items, wanted=wanted, whole_lines_only=False, allow_whole_order=False)
        self.task = PartsTask(ORDER, wanted, plan, Flags(), is_relative=True)

    def run(self, attempt: int = 1, *, is_kept: bool = True, **more: Any) -> PartsResult:
        world = self.world
        wanted = self.task.wanted
        store = world if is_kept else None
        record, begun = begin(store, "t", ORDER, wanted, is_first=attempt == 1)
        return cancel_parts(
            world,
            self.task,
            POLICY,
            begun=begun,
            record=record,
            surroundings=Runtime(world.clock, world.sleep, draw=lambda: 0.0),
            wall=world.clock,
            **more,
        )


@pytest.fixture
def task() -> Task:
    return Task()


def watch(task: Task, monkeypatch: pytest.MonkeyPatch, look: Callable[[], None]) -> None:
    post = task.world.post_part

    def post_part(*values: Any, **more: Any) -> Any:
        look()
        return post(*values, **more)

    monkeypatch.setattr(task.world, "post_part", post_part)


class TestWhatIsOnRecord:
    def test_the_plan_and_an_intent_are_before_each_cancel(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = task.world
        seen = []

        def look() -> None:
            plan, progress = world.values[PLAN], world.values[PROGRESS]
            assert progress["posted_by"] >= world.now
            seen.append((len(plan["parts"]), len(progress["ended"])))

        watch(task, monkeypatch, look)
        assert task.run().outcome is Outcome.CANCELED
        assert seen == [(2, 0), (2, 1)]
        json.dumps(world.values)

    def test_nothing_of_it_is_large(self) -> None:
        wanted = tuple(Wanted(line, WHY, quantity=1) for line in range(1, 201))
        task = Task(wanted)
        task.world.initial = {(n, line): 9 for n in (11, 12) for line in range(1, 201)}
        task.run()
        assert max(len(json.dumps(value)) for value in task.world.values.values()) < 32_000

    @pytest.mark.parametrize("dies_after", range(1, 40))
    def test_wherever_it_dies_the_next_attempt_goes_on(self, task: Task, dies_after: int) -> None:
        task.world.begin_process(dies_after)
        with contextlib.suppress(Killed):
            task.run()
        had_begun = HEAD in task.world.values
        task.world.begin_process(None)
        # Without the head, nothing tells that the first attempt has not come that far.
        wanted = Outcome.CANCELED if had_begun else Outcome.UNKNOWN
        assert task.run(2).outcome is wanted
        if had_begun:
            assert {line: task.world.ours(line) for line in (1, 2, 3)} == {1: 2, 2: 3, 3: 0}
        assert len(task.world.posts) == 2 * had_begun

    def test_one_about_something_else_is_refused(self, task: Task) -> None:
        task.run()
        task.task = replace(task.task, wanted=(Wanted(1, WHY, quantity=3), WANTED[1]))
        with pytest.raises(OmsInputError, match="an earlier attempt of this task"):
            task.run(2)

    def test_another_reason_is_no_other_cancellation(self, task: Task) -> None:
        task.run()
        other = tuple(replace(one, reason=Reason("Damaged")) for one in WANTED)
        task.task = replace(task.task, wanted=other)
        assert task.run(2).outcome is Outcome.CANCELED
        assert len(task.world.posts) == 2


@pytest.mark.parametrize("others", [(), (1,), (2,), (1, 2)])
def test_a_dry_run_tells_what_is_canceled_already_and_what_would_be(
    others: tuple[int, ...],
) -> None:
    task = Task((Wanted(1, WHY), Wanted(2, WHY)))
    for place, quantity in task.world.initial.items():
        if place[1] in others:
            task.world.cancel_as_another(place, quantity)
    result = cancel_parts(
        task.world,
        task.task,
        replace(POLICY, dry_run=True),
        begun=Begun(),
        surroundings=Runtime(task.world.clock, task.world.sleep, draw=lambda: 0.0),
    )
    ends: dict[Any, set[Outcome]] = {}
    for part in result.parts:
        for line, _ in part.lines:
            ends.setdefault(line, set()).add(part.outcome)
        assert part.confirmed_by is ConfirmedBy.READ
    assert ends == {
        line: {Outcome.ALREADY_CANCELED if line in others else Outcome.WOULD_CANCEL}
        for line in (1, 2)
    }
    assert (task.world.posts, task.world.values) == ([], {})


def test_the_order_of_a_plan_is_known_to_a_later_attempt(task: Task) -> None:
    assert planned_order(task.world) is None
    task.run()
    assert planned_order(task.world) == ORDER
    texts: list[Any] = ["", {"parts": []}, {"parts": [[ORDER]]}]
    for damaged in texts:
        task.world.values[PLAN] = damaged
        assert planned_order(task.world) is None


class TestAnotherName:
    @pytest.fixture
    def start_process(self, task: Task, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Return a function that forgets all names but one."""

        def start(name: str | None = None) -> None:
            names = OrderNames()
            if name is not None:
                names.claim(ORDER, name)
            monkeypatch.setattr(task.world, "claim", lambda *given, **_: names.claim(*given))

        return start

    def test_an_order_that_is_canceled_under_another_name_has_no_plan(
        self, task: Task, start_process: Callable[..., None]
    ) -> None:
        start_process("number:8")
        result = task.run()
        assert (result.outcome, result.may_be_retried) == (Outcome.REFUSED, False)
        assert "the same order as number:8" in result.describe()
        assert PLAN not in task.world.values
        assert task.world.posts == []

    def test_the_same_name_may_go_on(self, task: Task, start_process: Callable[..., None]) -> None:
        start_process()
        task.run()
        del task.world.values[PROGRESS]
        assert task.run(2).outcome.is_success
        assert len(task.world.posts) == 2

    def test_a_plan_of_an_earlier_attempt_gives_way_to_another_name(
        self, task: Task, start_process: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die() -> None:
            raise Killed

        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            watch(task, patch, die)
            task.run()
        start_process("number:8")
        result = task.run(2)
        assert {part.outcome for part in result.parts} == {Outcome.UNKNOWN}
        assert task.world.posts == []


class TestADamagedRecord:
    @pytest.mark.parametrize(
        "lost", [(HEAD, PLAN, PROGRESS), (PLAN,), (HEAD,)], ids=["all", "the plan", "the head"]
    )
    def test_it_allows_no_quantity_to_be_sent(self, task: Task, lost: tuple[str, ...]) -> None:
        task.run()
        for key in lost:
            del task.world.values[key]
        result = task.run(2)
        assert (result.outcome, result.may_be_retried) == (Outcome.UNKNOWN, False)
        task.run(3)
        assert len(task.world.posts) == 2

    def test_a_plan_without_its_head_is_used_for_nothing_else(self, task: Task) -> None:
        task.run()
        del task.world.values[HEAD]
        task.task = replace(task.task, wanted=(Wanted(3, WHY, quantity=1),))
        for attempt in (2, 3):
            assert task.run(attempt).outcome is Outcome.UNKNOWN
        assert len(task.world.posts) == 2

    @pytest.mark.parametrize(
        ("key", "value"),
        [(PLAN, {"order": 7}), (PLAN, []), (PROGRESS, {"ended": {}}), (HEAD, {"version": 9})],
    )
    def test_so_does_one_that_cannot_be_read(self, task: Task, key: str, value: Any) -> None:
        task.run()
        task.world.values[key] = value
        assert task.run(2).outcome is Outcome.UNKNOWN
        assert len(task.world.posts) == 2

    def test_where_only_the_ends_are_lost_the_parts_are_read(self, task: Task) -> None:
        task.run()
        del task.world.values[PROGRESS]
        assert task.run(2).outcome is Outcome.CANCELED
        assert len(task.world.posts) == 2

    @pytest.mark.parametrize("key", [PLAN, PROGRESS])
    def test_nothing_is_sent_while_it_cannot_be_written(
        self, task: Task, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep = task.world.set

        def fail(name: str, value: Any) -> None:
            if name == key:
                raise ConnectionError("away")
            keep(name, value)

        monkeypatch.setattr(task.world, "set", fail)
        result = task.run()
        assert (result.outcome, result.may_be_retried) == (Outcome.NOT_ATTEMPTED, True)
        assert "could not be recorded" in result.describe()
        assert task.world.posts == []

    def test_an_attempt_that_sent_nothing_leaves_the_next_one_free(self, task: Task) -> None:
        task.world.weather = Weather(reads={"5xx": 10**9})
        assert task.run().outcome is Outcome.NOT_ATTEMPTED
        task.world.weather = Weather()
        assert task.run(2).outcome is Outcome.CANCELED

    def test_nor_does_one_that_had_none_before_it(self, task: Task) -> None:
        """An attempt without a record may have sent cancels that the later ones do not know of."""
        task.run(is_kept=False)
        task.world.weather = Weather(reads={"5xx": 10**9})
        assert task.run(2).outcome is Outcome.UNKNOWN
        task.world.weather = Weather()
        assert task.run(3).outcome is Outcome.UNKNOWN
        assert len(task.world.posts) == 2


class TestWithoutARecord:
    def test_a_later_attempt_plans_only_when_an_earlier_cancel_would_show(self) -> None:
        task = Task((Wanted(1, WHY, keep=2),))
        task.task = replace(task.task, is_relative=False)
        world = task.world
        # A first attempt has canceled the one that is too many, and died; it shows only just now.
        shows_at = world.now + POLICY.settle_seconds
        world._act([((11, 1), 1)], world.now, shows_at, is_ours=True)
        assert task.run(2, is_kept=False).outcome is Outcome.CANCELED
        assert (world.posts, world.ours(1)) == ([], 1)


class TestAnObstacle:
    """Another client changes the order between the plan and the read before the first cancel."""

    def test_a_quantity_that_was_canceled_meanwhile_is_not_sent(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.change(task, monkeypatch, lambda world: world.cancel_as_another((11, 1), 1))
        result = task.run()
        assert [part.outcome.value for part in result.parts] == ["not_cancelable", "canceled"]
        assert "1 of line" not in result.parts[1].reason
        assert "when the task began" in result.parts[0].reason
        assert [post.shipment for post in task.world.posts] == [12]

    def test_nor_is_one_that_was_shipped_meanwhile(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.change(task, monkeypatch, lambda world: world.closed.add(11))
        result = task.run()
        assert "open now" in result.parts[0].reason
        assert [post.shipment for post in task.world.posts] == [12]

    @pytest.mark.parametrize("is_allowed", [False, True])
    def test_nor_is_what_has_become_the_rest_of_the_order_unless_that_is_allowed(
        self, monkeypatch: pytest.MonkeyPatch, is_allowed: bool
    ) -> None:
        task = Task((Wanted(1, WHY), Wanted(2, WHY)))
        task.task = replace(task.task, allow_whole_order=is_allowed)
        self.change(task, monkeypatch, lambda world: world.cancel_as_another((12, 3), 1))
        reasons = [part.reason for part in task.run().parts]
        assert ["Nothing else of the order is open" in one for one in reasons] == [
            not is_allowed
        ] * 2
        assert len(task.world.posts) == 2 * is_allowed

    def change(
        self, task: Task, monkeypatch: pytest.MonkeyPatch, act: Callable[[World], object]
    ) -> None:
        read = task.world.get_parts

        def get_parts(*values: Any, **more: Any) -> Any:
            shown = read(*values, **more)
            if more.get("is_whole"):
                act(task.world)
            return shown

        monkeypatch.setattr(task.world, "get_parts", get_parts)


class TestTwoAttemptsAtOnce:
    def test_the_younger_one_waits_until_no_cancel_can_leave(self, task: Task) -> None:
        post = task.world.post_part

        def die(*_: Any, **__: Any) -> Any:
            task.world.process.is_dead = True
            raise Killed

        task.world.post_part = die  # type: ignore[method-assign]  # ends the process
        with pytest.raises(Killed):
            task.run()
        posted_by = task.world.values[PROGRESS]["posted_by"]
        assert posted_by > task.world.now
        task.world.begin_process(None)
        sent_at: list[float] = []

        def post_part(*values: Any, **more: Any) -> Any:
            sent_at.append(task.world.now)
            return post(*values, **more)

        task.world.post_part = post_part  # type: ignore[method-assign]  # looks on
        assert task.run(2).outcome is Outcome.CANCELED
        assert sent_at[0] >= posted_by + POLICY.settle_seconds
        assert len(task.world.posts) == 2

    def test_a_cancel_does_not_leave_after_its_lease(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def wait() -> None:
            task.world.now += LEASE + 1

        watch(task, monkeypatch, wait)
        assert task.run().outcome is Outcome.NOT_ATTEMPTED
        assert task.world.posts == []


class TestAnInterruption:
    def test_it_is_told_how_each_part_stands(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[PartsResult] = []
        calls: list[int] = []

        def interrupt() -> None:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt

        watch(task, monkeypatch, interrupt)
        with pytest.raises(KeyboardInterrupt):
            task.run(on_interrupt=told.append)
        (result,) = told
        assert [part.outcome for part in result.parts] == [Outcome.CANCELED, Outcome.UNKNOWN]
        assert result.outcome is Outcome.PARTIALLY_CANCELED

    def test_what_was_not_begun_was_not_attempted(self, task: Task) -> None:
        told: list[PartsResult] = []
        task.world.begin_process(6)
        with pytest.raises(Killed):
            task.run(on_interrupt=told.append)
        assert {part.outcome for part in told[0].parts} == {Outcome.NOT_ATTEMPTED}
        assert told[0].explanation.startswith(INTERRUPTED)
