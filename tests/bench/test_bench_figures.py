"""The benchmark's figures: the goals, and the right work of each contender."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.measure import Assignment, run_in_child, spread
from bench.paper import Goal, Paper
from bench.rounds import Tenant, running
from bench.sections import LOOP, OPERATOR, POOL
from demo.terminal import DemoError


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal("ratio", 0.96, 0.95), "reached"),
        (Goal("ratio", 0.95, 0.95), "reached"),
        (Goal("ratio", 0.9, 0.95), "SHORT by 0.05"),
        (Goal("cost", 1.2, 1.25, at_most=True), "reached"),
        (Goal("cost", 112, 100, ".1f", at_most=True, unit=" MiB"), "SHORT by 12.0 MiB"),
    ],
)
def test_a_goal_says_by_how_much_it_is_missed(goal: Goal, verdict: str) -> None:
    assert goal.row()[-1] == verdict


def test_a_spread_shows_least_middle_and_most() -> None:
    assert spread([3, 1, 2], ".1f") == "1.0 / 2.0 / 3.0"
    assert spread([3], ".1f") == "3.0"


def test_the_docs_keep_what_is_around_the_markers(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    begin, end = "<!-- made by make bench: a begin -->", "<!-- made by make bench: a end -->"
    other = "<!-- made by make bench: b begin -->\nkept\n<!-- made by make bench: b end -->"
    document.write_text(f"before\n{begin}\nold\n{end}\n{other}\nafter\n", encoding="utf-8")
    paper = Paper()
    paper.say("new")
    for _ in range(2):
        paper.write(document, begin, end)
    written = document.read_text(encoding="utf-8")
    assert written == f"before\n{begin}\n\nnew\n\n{end}\n{other}\nafter\n"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with running(tmp_path_factory.mktemp("bench")) as tenant:
        yield tenant


@pytest.mark.slow
@pytest.mark.parametrize("contender", [LOOP, POOL, OPERATOR])
def test_each_contender_cancels_its_orders_and_is_measured(
    contender: str, tenant: Tenant, tmp_path: Path
) -> None:
    orders, latency = 12, 0.02
    tenant.reset(latency=latency)
    assignment = Assignment(contender, tenant.url, orders, workers=4, store_seconds=0.001)
    cost = run_in_child(assignment, tmp_path, settle_seconds=1)
    assert cost is not None
    assert (cost.orders, cost.failure) == (orders, "")
    assert cost.seconds > orders / 4 * latency
    assert cost.cpu_seconds > 0
    assert 1 < cost.peak_mib < 4096
    assert tenant.check(orders)["posts"] == orders


@pytest.mark.slow
def test_orders_left_open_are_not_taken_for_a_measurement(tenant: Tenant, tmp_path: Path) -> None:
    tenant.reset(latency=0)
    run_in_child(Assignment(LOOP, tenant.url, orders=3), tmp_path, settle_seconds=1)
    with pytest.raises(DemoError, match="Not all of 4 orders"):
        tenant.check(4)


@pytest.mark.slow
def test_a_contender_that_fails_says_why(tenant: Tenant, tmp_path: Path) -> None:
    tenant.reset(latency=0, faults=1)
    with pytest.raises(DemoError, match=r"(?s)Error.*failed"):
        run_in_child(Assignment(LOOP, tenant.url, orders=3), tmp_path, settle_seconds=1)
