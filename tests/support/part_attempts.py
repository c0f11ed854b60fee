"""A task that cancels parts of an order in virtual time, where nothing goes wrong by chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from part_world import ORDER, World

from airflow_provider_oms.api.parts import Flags, Reason
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.parts.plan import plan_items
from airflow_provider_oms.cancellation.parts.record import begin
from airflow_provider_oms.cancellation.parts.results import PartsResult
from airflow_provider_oms.cancellation.parts.run import PartsTask, cancel_parts
from airflow_provider_oms.cancellation.parts.wanted import Wanted
from airflow_provider_oms.cancellation.runner import Runtime

WHY = Reason("other")
WANTED = (Wanted(1, WHY, quantity=2), Wanted(2, WHY))
POLICY = Policy(settle_seconds=3.0, deadline=20.0, settles_after_acceptance=True)
#: The keys of the three values on record.
HEAD, PLAN, PROGRESS = "oms_parts", "oms_parts_plan", "oms_parts_progress"


class Task:
    """One task: each run of it is an attempt.

    :param wanted: the lines.
    """

    def __init__(self, wanted: tuple[Wanted, ...] = WANTED) -> None:
        quantities = {(11, 1): 3, (11, 2): 1, (12, 2): 2, (12, 3): 1}
        self.world = World(random.Random(1), quantities)  # noqa: S311 - a test's
        plan = partial(plan_items, wanted=wanted, whole_lines_only=False, allow_whole_order=False)
        self.task = PartsTask(ORDER, wanted, plan, Flags(), is_relative=True)

    def run(self, attempt: int = 1, *, is_kept: bool = True, **more: Any) -> PartsResult:
        """Run one attempt.

        :param attempt: its number.
        :param is_kept: whether it has a record.
        """
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


def watch(task: Task, monkeypatch: pytest.MonkeyPatch, look: Callable[[], None]) -> None:
    """Call a function before each cancel that is sent."""
    post = task.world.post_part

    def post_part(*values: Any, **more: Any) -> Any:
        look()
        return post(*values, **more)

    monkeypatch.setattr(task.world, "post_part", post_part)
