"""The record of the parts: its content before each call, and the limits of a damaged one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from part_attempts import HEAD, PLAN, PROGRESS, WANTED, WHY, Task, watch
from part_world import ORDER, Killed, Weather

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.order_ids import OrderNames
from airflow_provider_oms.api.parts import Reason
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts.record import Begun, begin, planned_order
from airflow_provider_oms.cancellation.parts.wanted import Wanted


@pytest.fixture
def task() -> Task:
    return Task()


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

    def test_it_tells_whether_a_cancel_may_have_left_and_until_when(self, task: Task) -> None:
        def begun() -> Begun:
            found = begin(task.world, "t", ORDER, WANTED, is_first=False)[1]
            assert found is not None
            return found

        record, _ = begin(task.world, "t", ORDER, WANTED, is_first=True)
        assert record is not None
        record.keep_plan(task.task.plan(task.world.shown()))
        assert (begun().may_have_sent, begun().posted_by) == (False, 0)
        for moment, posted_by in ((7.0, 7), (5.0, 7), (9.0, 9)):
            record.keep_intent(moment)
            assert (begun().may_have_sent, begun().posted_by) == (True, posted_by)

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


@pytest.mark.parametrize("wanted", [WANTED, WANTED[:1]])
def test_the_order_of_a_plan_is_known_to_a_later_attempt(wanted: tuple[Wanted, ...]) -> None:
    task = Task(wanted)
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

    def test_each_attempt_tells_which_order_it_has_found(self, task: Task) -> None:
        task.task = replace(task.task, order_id="number:8")
        assert [task.run(attempt).looked_up_id for attempt in (1, 2)] == [ORDER, ORDER]
        assert len(task.world.posts) == 2


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
