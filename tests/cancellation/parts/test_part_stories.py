"""Stories in virtual time: whatever fails, and wherever a process dies, no part is canceled twice.

Mistakes are planted, too: each must break a promise within some stories, or the stories prove
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import part_stories
import pytest
from part_stories import Story

from airflow_provider_oms.api.errors import OmsError, OmsNotSentError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.parts import Share
from airflow_provider_oms.cancellation.parts import adapter, record, run
from airflow_provider_oms.cancellation.parts.assessment import Standing, assess, cancel_of
from airflow_provider_oms.cancellation.parts.record import Begun, PartsRecord

SEEDS = range(1500)


@pytest.fixture(scope="module")
def told() -> list[Story]:
    """Tell every story once."""
    return [Story(seed).run() for seed in SEEDS]


def test_no_story_breaks_a_promise(told: list[Story]) -> None:
    broken = {seed: one.violation for seed, one in zip(SEEDS, told, strict=True) if one.violation}
    assert broken == {}


def test_the_world_is_bad_enough(told: list[Story]) -> None:
    counts: Counter[str] = sum((one.counts for one in told), start=Counter())
    for what in ("attempts", "kills", "others", "posts"):
        assert counts[what] > 50, what
    for outcome in ("canceled", "unknown", "partially_canceled", "not_cancelable"):
        assert counts[outcome] > 3, outcome


def forget_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the base again on each attempt."""
    monkeypatch.setattr(PartsRecord, "_begun", lambda *_: Begun())


def record_the_plan_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a cancel leave before its target is on record."""
    keep_plan = PartsRecord.keep_plan
    keep_end = PartsRecord.keep_end
    plans: dict[int, Any] = {}

    def hold(self: PartsRecord, plan: Any) -> None:
        plans[id(self)] = plan

    def keep_both(self: PartsRecord, part: Any, result: Any) -> None:
        if id(self) in plans:
            keep_plan(self, plans.pop(id(self)))
        keep_end(self, part, result)

    monkeypatch.setattr(PartsRecord, "keep_plan", hold)
    monkeypatch.setattr(PartsRecord, "keep_end", keep_both)
    monkeypatch.setattr(PartsRecord, "keep_intent", lambda *_: None)


def repeat_blindly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a cancel that may have been acted on for one that never left."""
    post = adapter.TakenApart.post_cancel

    def post_cancel(self: Any, request: Any, **more: Any) -> Any:
        try:
            return post(self, request, **more)
        except OmsError as error:
            if error.evidence is Evidence.AMBIGUOUS:
                raise OmsNotSentError("never left") from None
            raise

    monkeypatch.setattr(adapter.TakenApart, "post_cancel", post_cancel)


def believe_early_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a part for open before a cancel had the time to show."""
    monkeypatch.setattr(part_stories, "POLICY", replace(part_stories.POLICY, settle_seconds=0.0))


def trust_a_later_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel a plain quantity on a later attempt that has no record."""
    begin = record.begin
    monkeypatch.setattr(part_stories, "begin", lambda *values, **_: begin(*values, is_first=True))


def take_any_change_for_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call a part canceled as soon as any client has canceled a unit of it."""

    def assess_gladly(part: Any, shown: Any) -> Any:
        found = assess(part, shown)
        is_changed = found.standing is Standing.CHANGED
        return replace(found, standing=Standing.CANCELED) if is_changed else found

    monkeypatch.setattr(adapter, "assess", assess_gladly)


def send_against_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send the quantity again though the canceled quantity is neither base nor target."""

    def assess_boldly(part: Any, shown: Any) -> Any:
        found = assess(part, shown)
        if found.standing is Standing.CHANGED:
            return replace(found, standing=Standing.OPEN, obstacle="")
        return found

    monkeypatch.setattr(adapter, "assess", assess_boldly)

    def cancel_all(part: Any, shown: Any, **more: Any) -> Any:
        made = cancel_of(part, shown, **more)
        if made.shares or part.shipment is None or not part.shares:
            return made
        reasons = more["reasons"]
        shares = tuple(Share(s.line, s.quantity, reasons[s.wanted]) for s in part.shares)
        return replace(made, shares=shares, reason=None)

    monkeypatch.setattr(run, "cancel_of", cancel_all)


@pytest.mark.parametrize(
    "plant",
    [
        forget_the_plan,
        record_the_plan_late,
        repeat_blindly,
        believe_early_reads,
        trust_a_later_attempt,
        take_any_change_for_ours,
        send_against_an_obstacle,
    ],
)
def test_a_planted_mistake_breaks_one(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert any(Story(seed).run().violation for seed in SEEDS)
