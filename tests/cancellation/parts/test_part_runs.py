"""Attempts at the parts of an order: what changes meanwhile, and what breaks in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from part_attempts import POLICY, PROGRESS, WHY, Task, watch
from part_world import Killed, World

from airflow_provider_oms.api.errors import OmsConflictError, OmsNotSentError
from airflow_provider_oms.cancellation.outcomes import ConfirmedBy, Outcome
from airflow_provider_oms.cancellation.parts.record import Begun
from airflow_provider_oms.cancellation.parts.results import PartsResult
from airflow_provider_oms.cancellation.parts.run import LEASE, cancel_parts
from airflow_provider_oms.cancellation.parts.wanted import Wanted
from airflow_provider_oms.cancellation.runner import INTERRUPTED, Runtime


@pytest.fixture
def task() -> Task:
    return Task()


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

    def test_one_that_is_the_cause_of_a_refusal_does_not_hide_its_reason(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse() -> None:
            if task.world.closed:
                return
            task.world.closed.add(11)
            raise OmsConflictError("it is being packed", http_status=409)

        watch(task, monkeypatch, refuse)
        first, _ = task.run().parts
        assert first.outcome is Outcome.NOT_CANCELABLE
        assert first.reason.startswith("it is being packed")

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
    def test_the_younger_one_waits_until_no_cancel_can_leave(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die() -> None:
            task.world.process.is_dead = True
            raise Killed

        watch(task, monkeypatch, die)
        with pytest.raises(Killed):
            task.run()
        monkeypatch.undo()
        posted_by = task.world.values[PROGRESS]["posted_by"]
        assert posted_by > task.world.now
        task.world.begin_process(None)
        sent_at: list[float] = []
        watch(task, monkeypatch, lambda: sent_at.append(task.world.now))
        assert task.run(2).outcome is Outcome.CANCELED
        assert sent_at[0] >= posted_by + POLICY.settle_seconds
        assert len(task.world.posts) == 2

    def test_an_earlier_cancel_that_shows_late_is_ours_though_a_later_one_never_left(
        self, task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = task.world

        def die() -> None:
            raise Killed

        def turn_away() -> None:
            monkeypatch.undo()
            world._act([((11, 1), 2), ((11, 2), 1)], world.now, world.now, is_ours=True)
            raise OmsNotSentError("no route")

        watch(task, monkeypatch, die)
        with pytest.raises(Killed):
            task.run()
        monkeypatch.undo()
        watch(task, monkeypatch, turn_away)
        assert task.run(2).outcome is Outcome.CANCELED
        assert [post.shipment for post in world.posts] == [12]

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
