"""Tenants that turn requests away when there are too many, as web servers and gateways do.

Each of them is asked about every request in virtual time.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from virtual_runs import World, throttled

from airflow_provider_oms.cancellation.history import Reply
from tests.simulation.attempt import Attempt
from tests.simulation.world import Order


class Limit(Protocol):
    """Say of each request whether there are too many."""

    def takes(self, now: float, until: float) -> bool:
        """Return whether a request is taken.

        :param now: when it comes.
        :param until: when it would be answered.
        """


@dataclass
class LeakyBucket:
    """Take so many requests in a second and a burst on top, as nginx' ``limit_req`` does.

    :param rate: requests in a second, by the time.
    :param burst: requests that may come at once.
    """

    rate: Callable[[float], float]
    burst: int = 20
    _excess: float = 0.0
    _at: float = 0.0

    def takes(self, now: float, until: float) -> bool:
        excess = max(0.0, self._excess - (now - self._at) * self.rate(now)) + 1
        if excess > self.burst + 1:
            return False
        self._excess, self._at = excess, now
        return True


@dataclass
class FixedWindow:
    """Take so many requests in each second of the clock.

    :param rate: how many.
    """

    rate: int
    _window: int = -1
    _count: int = 0

    def takes(self, now: float, until: float) -> bool:
        window = math.floor(now + 0.37)
        if window != self._window:
            self._window, self._count = window, 0
        self._count += 1
        return self._count <= self.rate


class Connections:
    """Take so many requests at a time, as nginx' ``limit_conn`` does.

    :param most: how many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._ends: deque[float] = deque()

    def takes(self, now: float, until: float) -> bool:
        self._ends = deque(end for end in self._ends if end > now)
        if len(self._ends) >= self._most:
            return False
        self._ends.append(until)
        return True


class Chance:
    """Turn a share of the requests away, whatever their rate.

    :param share: the share.
    :param seed: of which requests.
    """

    def __init__(self, share: float, seed: int = 1) -> None:
        self._share = share
        self._random = random.Random(seed)  # noqa: S311 - a test's

    def takes(self, now: float, until: float) -> bool:
        return self._random.random() >= self._share


@dataclass(frozen=True)
class Both:
    """Take what two limits take.

    :param first: the one.
    :param second: the other.
    """

    first: Limit
    second: Limit

    def takes(self, now: float, until: float) -> bool:
        taken = [limit.takes(now, until) for limit in (self.first, self.second)]
        return all(taken)


def steady(rate: float) -> Callable[[float], float]:
    """Return a rate that stays the same."""
    return lambda _: rate


def share_of(times: Iterable[float], begin: float, end: float) -> float:
    """Return how many there were in a second, between two moments."""
    return sum(begin <= at < end for at in times) / (end - begin)


@dataclass(frozen=True)
class Ran:
    """Hold how a run behind a limit went.

    :param attempt: the run.
    :param share: its rate, as a share of the rate that was allowed.
    :param turned_away: the requests that were turned away, as a share of those that were taken.
    :param walls: how often some were, a second or more apart.
    :param taken_at: when each request came that was taken.
    :param posted_again_after_acted: orders of which a cancel came after one that was acted on.
    :param lines: the timeline.
    """

    attempt: Attempt
    share: float
    turned_away: float
    walls: int
    taken_at: list[float]
    posted_again_after_acted: set[Order]
    lines: list[str]


def meet(world: World, limit: Limit, *, latency: float = 0.02, reply: Reply | None = None) -> None:
    """Put a limit before the tenant of a world.

    :param world: the world.
    :param limit: the limit.
    :param latency: seconds that a request takes.
    :param reply: the response to a rejected request; by default a 429 without Retry-After.
    """
    tenant, clock, refusal = world.tenant, world.clock, reply or throttled()
    tenant.latency = latency

    def on_call(_: object) -> Reply | None:
        is_taken = limit.takes(clock.now, clock.now + latency)
        (tenant.taken_at if is_taken else tenant.turned_away_at).append(clock.now)
        return None if is_taken else refusal

    tenant.on_read = tenant.on_post = on_call


def behind(
    world: World,
    limit: Limit,
    *,
    allowed: float,
    latency: float = 0.02,
    reply: Reply | None = None,
    workers: int = 16,
) -> Ran:
    """Run a set behind a limit, and say how it went.

    :param world: the world; its tenant gets the limit.
    :param limit: the limit.
    :param allowed: requests in a second that the limit allows.
    :param latency: seconds that a request takes.
    :param reply: the response to a rejected request; by default a 429 without Retry-After.
    :param workers: requests in flight at a time.
    """
    meet(world, limit, latency=latency, reply=reply)
    return how_it_went(world, world.run(workers=workers), allowed)


def how_it_went(world: World, run: Attempt, allowed: float) -> Ran:
    """Return how a run behind a limit went.

    :param world: its world.
    :param run: the run.
    :param allowed: requests in a second that the limit allows.
    """
    tenant = world.tenant
    taken, away = tenant.taken_at, tenant.turned_away_at
    seconds = taken[-1] - taken[0]
    walls = sum(later > before + 1 for before, later in itertools.pairwise([-math.inf, *away]))
    acted: set[Order] = set()
    again: set[Order] = set()
    for post in tenant.posts:
        (again if post.order_id in acted else set()).add(post.order_id)
        if post.acted_at is not None:
            acted.add(post.order_id)
    return Ran(
        run,
        len(world.order_ids) / seconds / allowed,
        len(away) / len(taken),
        walls,
        taken,
        again,
        world.lines,
    )
