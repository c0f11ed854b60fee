"""One run behind a rate limit, or two at once: a contender's work there, checked.

How a limit works is in `limiter` and `nginx`; the comparisons are in `limits`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import nginx
from bench.limiter import Limit
from bench.measure import Assignment, child
from bench.rounds import Bench
from bench.tenant import FIRST_ORDER
from demo.terminal import DemoError

OPERATOR, RETRY, ADAPTIVE = "provider.operator_to_its_end", "peers.retry", "peers.adaptive"
WORKERS = 16
LATENCY = 0.02
# The two clocks, of nginx and of this process, may differ by so much.
_TOLERANCE = 1.01


@dataclass(frozen=True)
class Scenario:
    """Define the limit that a run meets, and how long it is.

    :param name: of the limit.
    :param limit: the limit.
    :param orders: how many orders each run is to cancel.
    :param longest: seconds after which a run is stopped.
    :param runs: how many start at once.
    :param unavailable: share of the orders whose first cancel acts and is answered 503.
    :param settle_seconds: of the connection.
    """

    name: str
    limit: Limit
    orders: int
    longest: float
    runs: int = 1
    unavailable: float = 0.0
    settle_seconds: float = 15.0

    def scaled(self, share: float) -> Scenario:
        """Return one that is shorter.

        :param share: its length, as a share of this one's.
        """
        asked = self.limit.retry_after
        limit = replace(
            self.limit,
            retry_after=None if asked is None else max(1, round(asked * share)),
            changes=tuple((share * after, rate) for after, rate in self.limit.changes),
        )
        return replace(
            self,
            limit=limit,
            orders=round(share * self.orders),
            longest=share * self.longest,
            settle_seconds=max(1.0, share * self.settle_seconds),
        )

    def allowed(self, seconds: float) -> float:
        """Return how many requests may be let through in the first seconds, without the burst.

        :param seconds: since the first request.
        """
        if self.limit.at_a_time is not None:
            return self.limit.at_a_time / LATENCY * seconds
        changes = [(0.0, self.limit.rate or 0.0), *self.limit.changes]
        ends = [after for after, _ in changes[1:]] + [seconds]
        return sum(
            rate * max(0.0, min(end, seconds) - begin)
            for (begin, rate), end in zip(changes, ends, strict=True)
        )


@dataclass(frozen=True)
class Taken:
    """Hold the work of one contender behind a limit.

    :param scenario: the scenario that it met.
    :param orders: how many it was to cancel, in all of its runs.
    :param seconds: until the last of its runs ended.
    :param cancels: how many it sent, those that were turned away among them.
    :param turned_away: requests that the limit did not let through, reads among them.
    :param reposted: cancels of orders that were canceled already.
    :param acted: for each run, when its cancels were acted on, in seconds since the first request.
    :param is_stopped: whether a run of it ended because its time was over.
    :param failures: why runs of it ended without having canceled all.
    """

    scenario: Scenario
    orders: int
    seconds: float
    cancels: int
    turned_away: int
    reposted: int
    acted: Sequence[Sequence[float]]
    is_stopped: bool = False
    failures: Sequence[str] = ()

    @property
    def canceled(self) -> int:
        """Return how many orders it canceled."""
        return sum(map(len, self.acted))

    @property
    def end(self) -> str:
        """Return how it ended, if not by having canceled all."""
        if self.is_stopped:
            return f"stopped after {self.scenario.longest:.0f} s"
        return "gave up" if self.failures else ""

    @property
    def share(self) -> float:
        """Return the share of the cancels allowed in its time; after it gave up, of its orders."""
        # The burst comes on top of the allowed rate.
        allowed = max(self.canceled, self.scenario.allowed(self.seconds))
        return self.canceled / (allowed if self.is_stopped else max(self.orders, allowed))

    @property
    def percent_turned_away(self) -> float:
        """Return the requests that the limit did not let through, in percent of the cancels."""
        return 100 * self.turned_away / max(1, self.cancels)

    def share_between(self, begin: float, end: float, run: int | None = None) -> float:
        """Return the share of the cancels allowed in a part of the time.

        :param begin: its begin, in seconds since the first request.
        :param end: its end.
        :param run: one of the runs; ``None`` for all.
        """
        moments = self.acted if run is None else [self.acted[run]]
        found = sum(begin <= at < end for each in moments for at in each)
        return found / (self.scenario.allowed(end) - self.scenario.allowed(begin))


def take(bench: Bench, scenario: Scenario, contender: str, packages: Path | None) -> Taken:
    """Let a contender cancel orders behind a limit.

    :param bench: the bench.
    :param scenario: the limit.
    :param contender: who.
    :param packages: where (f) finds its libraries.
    :raises DemoError: when an order is canceled that was not to be, or the limit was none.
    """
    orders = scenario.orders
    starts = [FIRST_ORDER + number * orders for number in range(scenario.runs)]
    with _limited(bench, scenario) as (url, turned_away), ExitStack() as stack:
        waits = [
            stack.enter_context(
                child(
                    Assignment(
                        *(contender, url, orders, WORKERS, bench.store_seconds),
                        first_order=start,
                        longest=scenario.longest,
                    ),
                    bench.directory,
                    settle_seconds=scenario.settle_seconds,
                    packages=packages if contender == ADAPTIVE else None,
                )
            )
            for start in starts
        ]
        costs = [wait() for wait in waits]
        facts, moments = bench.tenant.facts(), dict(bench.tenant.acted())
        refused, refused_cancels = turned_away()
    to_cancel = range(FIRST_ORDER, FIRST_ORDER + scenario.runs * orders)
    _check(scenario, facts, others=moments.keys() - to_cancel)
    return Taken(
        scenario,
        orders=scenario.runs * orders,
        seconds=max(scenario.longest if cost is None else cost.seconds for cost in costs),
        cancels=int(facts["posts"]) + refused_cancels,
        turned_away=refused,
        reposted=int(facts["reposted"]),
        acted=[
            sorted(
                moments[order_id] - facts["first_at"]
                for order_id in range(start, start + orders)
                if order_id in moments
            )
            for start in starts
        ],
        is_stopped=None in costs,
        failures=[cost.failure for cost in costs if cost is not None and cost.failure],
    )


@contextmanager
def _limited(
    bench: Bench, scenario: Scenario
) -> Iterator[tuple[str, Callable[[], tuple[int, int]]]]:
    """Yield where the limit is, and what returns how many requests and cancels it turned away."""
    program = nginx.find()
    limit = scenario.limit
    is_by_stub = program is None or bool(limit.changes)
    bench.tenant.reset(
        latency=LATENCY,
        unavailable=scenario.unavailable,
        limit=limit if is_by_stub else None,
    )
    if program is None or is_by_stub:

        def turned_away() -> tuple[int, int]:
            facts = bench.tenant.facts()
            return int(facts["turned_away"]), int(facts["cancels_turned_away"])

        yield bench.tenant.url, turned_away
    else:
        directory = bench.directory / "nginx"
        with nginx.running(program, limit, directory, bench.tenant.port) as gateway:
            yield gateway.url, gateway.turned_away


def _check(scenario: Scenario, facts: dict[str, Any], *, others: Set[int]) -> None:
    if others:
        raise DemoError(f"Other orders than those of the set are canceled: {facts}")
    let_through = facts["posts"] + facts["reads"]
    allowed = scenario.allowed(time.time() - facts["first_at"]) + scenario.limit.burst + 1
    if let_through > _TOLERANCE * allowed:
        raise DemoError(f"{let_through} requests were let through, {allowed:.0f} allowed: {facts}")
