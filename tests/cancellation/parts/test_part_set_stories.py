"""Stories of sets in virtual time: wherever a process dies, no part of any order goes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from part_set_stories import SetStory

from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.part_units import PartUnits

SEEDS = range(600)


@pytest.fixture(scope="module")
def told() -> dict[int, SetStory]:
    return {seed: SetStory(seed).run() for seed in SEEDS}


def test_no_story_breaks_a_promise(told: dict[int, SetStory]) -> None:
    assert {seed: story.violation for seed, story in told.items() if story.violation} == {}


def test_the_world_is_bad_enough(told: dict[int, SetStory]) -> None:
    counts: Counter[str] = sum((story.counts for story in told.values()), start=Counter())
    for what in ("attempts", "kills", "posts", "lost"):
        assert counts[what] > 50, what
    for outcome in ("canceled", "unknown", "partially_canceled", "not_cancelable"):
        assert counts[outcome] > 3, outcome


def take_each_order_for_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe that an order without a record was never begun, whatever the journal says."""
    monkeypatch.setattr(PartUnits, "_is_untouched", lambda *_: True)


def begin_without_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note in the journal only afterwards that an order was begun."""
    write = Journal.write

    def write_ends(self: Any, intents: Any, ended: Any, **more: Any) -> None:
        kept = [] if any("parts" in str(one) for one in intents) else intents
        write(self, kept, ended, **more)

    monkeypatch.setattr(Journal, "write", write_ends)


@pytest.mark.parametrize(
    "plant",
    [
        take_each_order_for_untouched,
        begin_without_the_journal,
    ],
)
def test_a_planted_mistake_breaks_one(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert any(SetStory(seed).run().violation for seed in range(3000))
