"""Stories of canceling parts of an order: a seed makes a tenant, a wish, faults and kills."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from functools import partial

from part_world import FINE, ORDER, SETTLE, Key, Killed, Weather, World, amounts_of

from airflow_provider_oms.api.parts import Flags, Reason
from airflow_provider_oms.cancellation.history import Policy
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts.plan import plan_items, plan_shipments
from airflow_provider_oms.cancellation.parts.record import begin
from airflow_provider_oms.cancellation.parts.results import PartResult, PartsResult
from airflow_provider_oms.cancellation.parts.run import PartsTask, cancel_parts
from airflow_provider_oms.cancellation.parts.wanted import Wanted
from airflow_provider_oms.cancellation.runner import Runtime
from airflow_provider_oms.cancellation.store import JournalError

POLICY = Policy(settle_seconds=SETTLE, deadline=30.0, settles_after_acceptance=True)
_WHY = Reason("other")
_DONE = (Outcome.CANCELED, Outcome.ALREADY_CANCELED)
_POSTS = {
    "lost": 3,
    "lost late": 3,
    "lost before": 2,
    "acts later": 2,
    "5xx": 2,
    "5xx late": 2,
    "5xx before": 1,
    "429": 1,
    "423": 1,
    "unsent": 1,
    "accepted": 2,
}
_READS = {"lost": 2, "5xx": 2, "429": 1}


def bad_weather(draw: random.Random) -> Weather:
    """Return what goes wrong in one attempt.

    :param draw: the chance of the story.
    """
    return Weather(
        _POSTS if draw.random() < 0.8 else {},
        _READS if draw.random() < 0.5 else {},
        others=draw.choice([0.0, 0.0, 0.1, 0.3]),
        has_etags=draw.random() < 0.4,
    )


class Story:
    """One seed's story.

    :param seed: the seed.
    """

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - a story's
        self.kind = self.draw.choice(["quantities", "quantities", "lines", "shipment"])
        whole = self.kind == "lines"
        self.world = self._world(self._quantities(whole=whole), whole=whole)
        self.task, self.asked = self._wish(whole=whole)
        self.has_journal = self.draw.random() < 0.6
        self.counts: Counter[str] = Counter()
        self.violation: str | None = None

    def _world(self, quantities: dict[Key, int], *, whole: bool) -> World:
        return World(self.draw, quantities, whole=whole)

    def _quantities(self, *, whole: bool) -> dict[Key, int]:
        lines = range(1, self.draw.randint(2, 4))
        if whole:
            return {(line, line): self.draw.randint(1, 4) for line in lines}
        shipments = range(11, 11 + self.draw.randint(2, 3))
        found = {
            (number, line): self.draw.randint(1, 4)
            for number in shipments
            for line in lines
            if self.draw.random() < 0.7
        }
        return found or {(11, 1): 3, (12, 1): 2}

    def _wish(self, *, whole: bool) -> tuple[PartsTask, dict[int, int]]:
        """Return the task, and the most of each line that it may cancel."""
        draw, totals = self.draw, amounts_of(self.world.initial)
        if self.kind == "shipment":
            number = draw.choice(sorted({key[0] for key in self.world.initial}))
            wanted = Wanted(number, _WHY)
            asked = {key[1]: many for key, many in self.world.initial.items() if key[0] == number}
            plan = partial(plan_shipments, wanted=(wanted,), allow_whole_order=True)
            return PartsTask(self.world.order_id, (wanted,), plan, Flags(), is_shipment=True), asked
        asked = {}
        items = []
        for line in draw.sample(sorted(totals), draw.randint(1, len(totals))):
            how = "all" if whole else draw.choice(["all", "quantity", "keep", "keep"])
            many = draw.randint(1, totals[line])
            if how == "quantity":
                items.append(Wanted(line, _WHY, quantity=many))
                asked[line] = many
            elif how == "keep":
                items.append(Wanted(line, _WHY, keep=totals[line] - many))
                asked[line] = many
            else:
                items.append(Wanted(line, _WHY))
                asked[line] = totals[line]
        plan_of = partial(
            plan_items, wanted=tuple(items), whole_lines_only=whole, allow_whole_order=True
        )
        is_relative = any(one.quantity is not None for one in items)
        task = PartsTask(
            self.world.order_id, tuple(items), plan_of, Flags(), is_relative=is_relative
        )
        return task, asked

    def run(self) -> Story:
        """Run attempts in bad weather, and one in good weather; stop at a broken promise."""
        world, draw = self.world, self.draw
        number = 0
        result: PartsResult | None = None
        for _ in range(draw.randint(1, 3)):
            number += 1
            world.weather = bad_weather(draw)
            # A plan, a read and a cancel take about ten events.
            longest = draw.choice([12, 12, 40])
            dies_after = draw.randint(1, longest) if draw.random() < 0.6 else None
            result = self._attempt(number, dies_after)
            if self.violation or (result is not None and not result.may_be_retried):
                break
            world.now += draw.choice([0.0, 1.0, 60.0])
        if not self.violation and (result is None or result.may_be_retried):
            world.weather = FINE
            result = self._attempt(number + 1, None)
        self.counts["others"] += any(not act.is_ours for act in world.acts)
        self.counts["posts"] += len(world.posts)
        return self

    def _attempt(self, number: int, dies_after: int | None) -> PartsResult | None:
        world = self.world
        world.begin_process(dies_after)
        self.counts["attempts"] += 1
        result = None
        try:
            record, begun = begin(
                world if self.has_journal else None,
                "t",
                ORDER,
                self.task.wanted,
                is_first=number == 1,
            )
            around = Runtime(world.clock, world.sleep, draw=world.draw.random)
            result = cancel_parts(
                world,
                self.task,
                POLICY,
                begun=begun,
                record=record,
                surroundings=around,
                wall=world.clock,
            )
        except (Killed, JournalError):
            self.counts["kills"] += 1
        if result is not None:
            self.counts[result.outcome.value] += 1
        self.check(() if result is None else result.parts)
        return result

    def check(self, parts: Iterable[PartResult]) -> None:
        """Compare the canceled quantities with the request, and with the report.

        :param parts: how each part ended, as it is reported.
        """
        world = self.world
        for line, asked in self.asked.items():
            if world.ours(line) > asked:
                self.violation = f"{world.ours(line)} of line {line} canceled, {asked} were asked"
        others = {line for _, line in world.initial} - self.asked.keys()
        for line in others:
            if world.ours(line):
                self.violation = f"line {line} canceled, which no request asked for"
        for part in parts:
            self._check_part(part)

    def _check_part(self, part: PartResult) -> None:
        """Compare the report on a part with its true state."""
        world = self.world
        keys = [
            key
            for key in world.initial
            if (part.shipment is None or key[0] == part.shipment)
            and (not part.lines or key[1] in {line for line, _ in part.lines})
        ]
        if part.outcome in _DONE:
            is_whole = part.shipment is not None and not part.lines
            for key in keys:
                wanted = dict(part.lines).get(key[1])
                least = world.initial[key] if is_whole else (wanted or 0)
                total = sum(world.canceled(k) for k in keys if k[1] == key[1])
                if total < (least if part.shipment is not None else min(least, total + 1)):
                    self.violation = f"{part.name} is called {part.outcome}, and is not"
        elif part.outcome is not Outcome.UNKNOWN:
            ours = sum(world.canceled(key, ours=True) for key in keys)
            pending = [one for one in world.pending if any(key in keys for key, _ in one[2])]
            # Of a quantity that was never planned, an earlier attempt may have canceled some.
            if (ours or pending) and (self.kind != "quantities" or part.shipment is not None):
                self.violation = f"{part.name} is called {part.outcome}, and was canceled by us"
