"""One seed is one story: a set of orders, a bad world, and the attempts of a task in it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.bulk.journal import JournalError
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.history import Action, Policy
from airflow_provider_oms.cancellation.outcomes import ACCEPTABLE, Outcome
from airflow_provider_oms.cancellation.store import Store
from tests.simulation.attempt import GRACE, Attempt
from tests.simulation.checks import Checks, ViolationError
from tests.simulation.objects import Bucket
from tests.simulation.store import Values
from tests.simulation.world import FINE, Clock, Order, Tenant, Weather

_KINDS = ("lost", "late", "accepted", "stuck", "5xx", "429", "401", "unsent")
_BAD_ATTEMPTS = 3
_MOST_ATTEMPTS = 7
_LONGEST_STORY = 50_000.0
# The share of stories about a native tenant, and of its hopeless orders that it refuses with a 409
# and calls cancelable.
_NATIVE = 0.35
# The share of stories with a journal, and of these the share of those at a journal_path.
_KEPT = 0.85
_IN_OBJECTS = 0.4
_NATIVE_CONFLICT = 0.5


@dataclass
class Told:
    """Hold how a story went.

    :param seed: its seed.
    :param violation: the promise that it broke; ``None`` if it broke none.
    :param counts: cancels, attempts, kills, faults and other things that happened.
    :param lines: its timeline, if one was wanted.
    """

    seed: int
    violation: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def timeline(self) -> str:
        """Return the story as a person reads it."""
        return "\n".join([f"The story of seed {self.seed}:", *self.lines])


class Story:
    """Draw a world from a seed, and run attempts in it until the task is finished.

    :param seed: the seed.
    :param is_told: whether the timeline is kept.
    """

    def __init__(self, seed: int, *, is_told: bool = False) -> None:
        self.told = Told(seed)
        self._draw = draw = random.Random(seed)  # noqa: S311 - a story must come out the same
        self._clock = Clock()
        self._log: Callable[[str], object] = self._tell if is_told else lambda _: None
        self._settle = draw.choice([2.0, 5.0, 15.0, 15.0, 30.0])
        # Clocks differ, and a tenant is that much faster than it promises.
        self._skew = draw.choice([0.0, 0.0, 0.1, 0.4]) * self._settle
        self._leeway = draw.choice([0.0, 1.0, 5.0, 5.0])
        # Drawn apart, so that the stories of translated tenants do not change.
        native = random.Random(-1 - seed)  # noqa: S311 - a story must come out the same
        self._native = native if native.random() < _NATIVE else None
        self._orders = self._draw_orders()
        self._policy = Policy(
            settle_seconds=self._settle,
            deadline=max(self._settle, draw.choice([20.0, 120.0, 120.0])),
            only_if_states=draw.choice([None, None, None, frozenset({"READY"})]),
            dry_run=draw.random() < 0.05,
            early_reads=draw.choice([None, 1]),
            settles_after_acceptance=self._native is not None,
        )
        self._limits = Limits(
            draw.choice([1, 2, 4, 16]),
            draw.choice([None, None, None, 0.4, 3.0, 20.0]),
            draw.choice([1, 2, 3]) if draw.random() < 0.2 else None,
            # Most native tenants take no search for several orders.
            100 if self._native is None else self._native.choice([0, 0, 50]),
            self._draw_accepted(seed),
        )
        # Drawn apart, as for native tenants.
        objects = random.Random(-2 * 10**9 - seed)  # noqa: S311 - a story must come out the same
        self._values: Values | Bucket | None = None
        if draw.random() < _KEPT:
            self._values = Bucket(objects) if objects.random() < _IN_OBJECTS else Values()
        order_ids = list(self._orders.requests)
        promise = self._settle - self._skew
        self._tenant = Tenant(self._clock, draw, order_ids, promise, self._log, self._native)
        self._checks = Checks(
            self._clock,
            self._tenant,
            order_ids,
            is_kept=self._values is not None,
            log=self._log,
        )
        # Attempts that follow each other closely meet the requests that the one before has left in
        # flight.
        self._is_hasty = draw.random() < 0.5
        # A worker is taken for dead while its cancel waits for a token, and runs on.
        self._is_handover = self._is_hasty and self._values is not None and draw.random() < 0.6
        self._runs_on = False
        self._has_late_values = False

    def _tell(self, line: str) -> None:
        self.told.lines.append(f"{self._clock.now:10.3f}  {line}")

    def _draw_orders(self) -> OrderSet:
        draw = self._draw
        size = draw.choice([1, 1, 2, 2, 3, 3, 5, 8, 12]) if draw.random() < 0.97 else 40
        order_ids: list[Any] = draw.sample(range(1, 1000), size)
        if draw.random() < 0.3:
            order_ids = [f"{order_id:032x}" for order_id in order_ids]
        requests: dict[Any, Any] = {
            order_id: CancelRequest(order_id, "created_by_mistake") for order_id in order_ids
        }
        return OrderSet(requests)

    @staticmethod
    def _draw_accepted(seed: int) -> frozenset[Outcome]:
        # Drawn apart, as for native tenants.
        draw = random.Random(-(10**9) - seed)  # noqa: S311 - a story must come out the same
        acceptable = sorted(ACCEPTABLE)
        return frozenset(draw.sample(acceptable, draw.choice([0, 0, 0, 0, 1, 2])))

    def _draw_weather(self) -> None:
        draw, tenant = self._draw, self._tenant
        kinds = draw.sample(_KINDS, draw.randint(1, 4))
        tenant.weather = Weather(
            kinds={kind: draw.randint(1, 5) for kind in kinds},
            share=draw.choice([0.0, 0.1, 0.3, 0.6, 1.0]),
            latency=draw.choice([0.05, 0.5, 3.0]),
            slow_token=draw.choice([0.0, 0.0, 0.3, 0.9]),
            rate=draw.choice([None, None, None, 2.0, 10.0]),
            at_a_time=draw.choice([None, None, None, 1, 3]),
            is_503=draw.random() < 0.3,
            search=draw.choice(["good", "good", "missing", "failing", "lagging", "gaps"]),
            retry_after=draw.choice([None, 1.0, 5.0, 60.0]),
            store_fails=draw.choice([0.0, 0.0, 0.1, 0.5, 1.0]),
            store_seconds=draw.choice([0.02, 0.5, 1.5, 6.0]),
        )
        if self._is_handover:
            tenant.weather.slow_token = draw.choice([0.0, 0.7, 0.7])
            tenant.weather.store_fails, tenant.weather.store_seconds = 0.0, 0.02
        tenant.closed, tenant.cursed = {}, {}
        bad = [Evidence.AMBIGUOUS, Evidence.FORBIDDEN, Evidence.FORBIDDEN, Evidence.REFUSED]
        if draw.random() < (0.5 if self._is_hasty else 0.2):
            for order_id in draw.sample(list(tenant.states), 1):
                tenant.cursed[order_id] = draw.choice(bad)
        if draw.random() < (0.25 if self._is_hasty else 0.05):
            tenant.closed = dict.fromkeys(
                draw.choice([[Action.POST], [Action.READ], [Action.READ, Action.POST]]),
                draw.choice(bad),
            )

    # -- the attempts

    def run(self) -> Told:
        """Run the story, and return how it went."""
        try:
            self._run()
        except ViolationError as violation:
            self.told.violation = str(violation)
        except Exception as error:  # noqa: BLE001 - an engine that breaks down has failed its story
            self._log(f"VIOLATION: {error!r}")
            self.told.violation = repr(error)
        counts = self.told.counts
        counts["cancels"] += len(self._tenant.posts)
        counts["faults"] += self._tenant.faults
        counts["native"] += self._native is not None
        counts["objects"] += isinstance(self._values, Bucket)
        return self.told

    def _run(self) -> None:
        draw, tenant = self._draw, self._tenant
        for order_id in tenant.states:
            if draw.random() < 0.05:
                tenant.states[order_id] = "SHIPPED"
        # An order about which the tenant never answers well must not hold up the others.
        hopeless: dict[Order, Evidence] = {}
        if draw.random() < 0.1:
            order_id = draw.choice(list(tenant.states))
            hopeless[order_id] = draw.choice(
                [Evidence.AMBIGUOUS, Evidence.FORBIDDEN, Evidence.REFUSED]
            )
            if self._native is not None and self._native.random() < _NATIVE_CONFLICT:
                hopeless[order_id] = Evidence.CONFLICT
        number = 0
        while number < _MOST_ATTEMPTS:
            number += 1
            is_bad = number <= _BAD_ATTEMPTS
            if is_bad:
                self._draw_weather()
            else:
                tenant.weather, tenant.closed, tenant.cursed = FINE, {}, {}
            tenant.cursed.update(hopeless)
            attempt = self._start(number, is_bad=is_bad)
            if attempt is None:
                continue
            self._see_through(attempt, is_bad=is_bad)
            if attempt.is_done and self._is_finished(attempt) and not is_bad:
                break
            if attempt.is_done and not attempt.engine.tally.failures and draw.random() < 0.7:
                break
            pauses = [0.0, 0.0, 0.2, 1.0] if self._is_hasty else [0.0, 0.5, 3.0, 60.0]
            self._clock.run(self._clock.now + draw.choice(pauses))
        # Whatever still runs elsewhere goes on to its end.
        self._clock.run(self._clock.now + 1000.0)
        self._check_what_is_left(number, hopeless.keys())

    def _check_what_is_left(self, attempts: int, hopeless: Set[Order]) -> None:
        states, limit = self._tenant.states, self._limits.stop_after_failures
        may_be_left = {id_ for id_, state in states.items() if state == "SHIPPED"} | hopeless
        # So many stop every attempt, whether or not it has come to the others.
        stops = limit is not None and len(may_be_left) >= limit
        if not self._policy.dry_run and not stops:
            self._checks.on_end(attempts, may_be_left=may_be_left)

    def _is_finished(self, attempt: Attempt) -> bool:
        return not attempt.engine.tally.may_be_retried

    def _start(self, number: int, *, is_bad: bool) -> Attempt | None:
        draw, values = self._draw, self._values
        self.told.counts["attempts"] += 1
        if values is not None:
            # A store that loses a value and delivers an old one late can lose without a trace.
            may_lose = is_bad and number > 1 and not self._has_late_values
            share = 0.2 if self._runs_on else 0.05
            if may_lose and draw.random() < share and (lost := values.lose(draw)):
                self._log(f"the store loses {lost}")
                self.told.counts["losses"] += 1
        self._log(f"#{number} begins")
        try:
            store = self._open_store(number)
            return Attempt(
                number,
                self._clock,
                self._tenant,
                store,
                self._orders,
                self._policy,
                self._limits,
                leeway=self._leeway,
                skew=draw.uniform(-0.5, 0.5) * self._skew,
                draw=draw,
                checks=self._checks,
                log=self._log,
            )
        except JournalError as error:
            self._log(f"#{number} cannot open its journal: {error}")
            return None

    def _open_store(self, number: int) -> Store | None:
        if self._values is None:
            return None
        return self._values.open(number, self._store_failure, self._later)

    def _store_failure(self) -> str | None:
        fails = self._draw.random() < self._tenant.weather.store_fails
        how = self._draw.choice(["gone", "taken", "late"]) if fails else None
        self._has_late_values = self._has_late_values or how == "late"
        return how

    def _later(self, act: Callable[[], object]) -> None:
        self._clock.after(self._draw.uniform(0, 10), act)

    def _moment(self, fate: str, attempt: Attempt) -> Callable[[], bool] | None:
        """Return the event that a fate waits for, where it strikes when that does the most harm."""
        if fate == "zombie" and self._is_handover:
            return lambda: attempt.has_cancel_in_flight
        # A write that is slow enough is done only after the run has ended without it.
        is_slow = self._tenant.weather.store_seconds > GRACE
        if fate == "end" and is_slow and self._draw.random() < 0.5:
            return lambda: attempt.has_intents_in_write
        return None

    def _see_through(self, attempt: Attempt, *, is_bad: bool) -> None:
        """Let an attempt run until it is done, dead or taken for dead."""
        draw, clock = self._draw, self._clock
        fates = ["none", "kill", "end", "zombie", "freeze"]
        weights = [1, 1, 3, 5, 1] if self._is_hasty else [2, 1, 1, 1, 1]
        fate = draw.choices(fates, weights)[0] if is_bad else "none"
        if fate == "zombie" and self._values is None:
            fate = "kill"  # without a journal, nothing fences an older attempt off
        mean = 10.0 if self._is_hasty else 40.0
        steps = int(draw.expovariate(1 / mean)) if fate != "none" else -1
        if self._runs_on and is_bad and draw.random() < 0.5:
            fate, steps = "end", draw.randint(0, 6)
        self._runs_on = False
        moment = self._moment(fate, attempt)
        began_at = clock.now
        while not (attempt.is_done or attempt.is_dead):
            if moment is not None:
                steps = 0 if moment() and draw.random() < 0.3 else 1
            if steps == 0:
                self.told.counts[fate] += 1
                if fate == "kill":
                    attempt.kill()
                elif fate == "end":
                    attempt.tell_to_end()
                elif fate == "zombie":
                    self._log(f"#{attempt.number} is taken for dead, and runs on")
                    self._runs_on = True
                    return
                else:
                    attempt.freeze(draw.choice([1.0, 5.0, 40.0]))
            steps -= 1
            if not clock.step() or clock.now > began_at + _LONGEST_STORY:
                raise ViolationError(f"attempt {attempt.number} does not come to its end")


def tell(seed: int) -> Told:
    """Run the story of a seed again, with its timeline.

    :param seed: the seed.
    """
    return Story(seed, is_told=True).run()
