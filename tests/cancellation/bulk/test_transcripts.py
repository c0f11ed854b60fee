"""Whole runs in virtual time, line by line: what a change of a number or a message does to them.

The other tests say what must hold. These show everything that happens, and when. After a change
that is meant, ``WRITE_DOCS=1`` writes the transcripts again; read what has changed in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from limited_tenants import LeakyBucket, meet, steady
from virtual_runs import (
    FORBIDDEN,
    LOST,
    NOT_FOUND,
    POLICY,
    READS_FIRST,
    REFUSED,
    SHIPPED,
    UNAVAILABLE,
    World,
    throttled,
)
from written import kept

from airflow_provider_oms.cancellation.history import Reply
from tests.simulation.world import Order

TRANSCRIPTS = Path(__file__).parent / "transcripts"


def replies(of: dict[Any, Reply], *, acts: bool = False) -> Callable[[World], None]:
    """Return what lets a tenant answer cancels of some orders in a way of their own."""

    def reply_to(order_id: Order) -> Reply | None:
        return of.get(order_id)

    def change(world: World) -> None:
        world.tenant.on_post = reply_to
        world.tenant.acts = lambda _: acts

    return change


def first_attempt_dies(world: World) -> None:
    world.tenant.on_post = lambda order_id: LOST if order_id in (3, 4) else None
    world.tenant.acts = lambda order_id: order_id == 3
    attempt = world.start(workers=2)
    while world.clock.now < 0.25:
        world.clock.step()
    attempt.kill()


def store_fails_for_a_while(world: World) -> None:
    world.store_failure = lambda: "away" if 0.2 < world.clock.now < 8 else None


def is_limited(**reply: Any) -> Callable[[World], None]:
    return lambda world: meet(world, LeakyBucket(steady(20), burst=5), **reply)


def canceled_before(world: World) -> None:
    world.tenant.canceled_at.update(dict.fromkeys(range(1, 50, 7), -1000.0))


STORIES: dict[str, tuple[Callable[[], World], Callable[[World], object], dict[str, Any]]] = {
    "at a rate": (lambda: World(6), lambda _: None, {"requests_per_second": 2.0}),
    "read first at a rate": (
        lambda: World(6, READS_FIRST),
        lambda _: None,
        {"requests_per_second": 4.0},
    ),
    "at a rate that is low for the deadline": (
        lambda: World(12, replace(POLICY, deadline=6.0)),
        replies({2: LOST}),
        {"requests_per_second": 1.0},
    ),
    "without a journal": (lambda: World(4, is_kept=False), lambda _: None, {"number": 2}),
    "responses are lost": (lambda: World(8), replies({2: LOST, 5: LOST}), {}),
    "responses are lost and cancels acted on": (
        lambda: World(8),
        replies({2: LOST}, acts=True),
        {},
    ),
    "refusals of several kinds": (
        lambda: World(8),
        replies({2: REFUSED, 3: NOT_FOUND, 5: SHIPPED, 7: UNAVAILABLE}),
        {"stop_after_failures": 4},
    ),
    "the tenant forbids it": (lambda: World(30), replies(dict.fromkeys(range(31), FORBIDDEN)), {}),
    "the tenant is silent": (lambda: World(60), replies(dict.fromkeys(range(12, 61), LOST)), {}),
    "the tenant asks for a pause": (lambda: World(8), replies({3: throttled(20.0)}), {}),
    "the next attempt": (lambda: World(10), first_attempt_dies, {"number": 2, "workers": 2}),
    "the journal is away": (lambda: World(12), store_fails_for_a_while, {}),
    "behind a limit": (lambda: World(120), is_limited(), {"workers": 8}),
    "behind a limit that asks for pauses": (
        lambda: World(80),
        is_limited(reply=throttled(1.0)),
        {"workers": 8},
    ),
    "a dry run reads in batches": (
        lambda: World(60, replace(POLICY, dry_run=True)),
        canceled_before,
        {},
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_run_goes_as_it_is_written_down(name: str) -> None:
    made, change, arguments = STORIES[name]
    world = made()
    change(world)
    world.run(**arguments)
    told = "".join(f"{line}\n" for line in world.lines)
    assert told == kept(TRANSCRIPTS / f"{name.replace(' ', '_')}.txt", told)


def test_each_transcript_is_of_a_story() -> None:
    assert sorted(path.stem.replace("_", " ") for path in TRANSCRIPTS.iterdir()) == sorted(STORIES)
