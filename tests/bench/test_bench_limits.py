"""The benchmark's part behind a limit: its figures, and that all of it works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import limits, nginx
from bench.limited import OPERATOR, RETRY, Scenario, Taken, take
from bench.limiter import Limit
from bench.limits import CHANGING, PLAIN, SCENARIOS, TWO_RUNS
from bench.paper import Paper
from bench.rounds import QUICK, Bench
from bench.tenant import Tenant

TINY = replace(QUICK, limits=0.01)


def taken(**more: object) -> Taken:
    done = Taken(
        replace(PLAIN, limit=Limit(rate=100)),
        orders=1_000,
        seconds=20.0,
        cancels=1_250,
        turned_away=250,
        reposted=0,
        acted=[[number / 50 for number in range(1_000)]],
    )
    return replace(done, **more)  # type: ignore[arg-type]  # a test names the fields it changes


def test_the_share_is_of_what_was_allowed_in_that_time() -> None:
    assert taken().share == pytest.approx(0.5)
    assert taken().percent_turned_away == pytest.approx(20)


def test_who_gives_up_early_has_no_better_share_for_it() -> None:
    assert taken(seconds=0.5, acted=[[0.1] * 50]).share == pytest.approx(0.05)


def test_how_a_run_ended_is_said_unless_it_canceled_all() -> None:
    assert taken().end == ""
    assert taken(failures=["a reason"]).end == "gave up"
    assert taken(failures=["a reason"], is_stopped=True).end == "stopped after 40 s"


def test_a_failure_is_shown_without_the_ids_that_it_names() -> None:
    failure = "12 of 20: 2 unknown (5000059); 10 not_attempted (5000125, 5000126, …). HTTP 503."
    assert limits._IDS.sub("", failure) == "12 of 20: 2 unknown; 10 not_attempted. HTTP 503."


def test_who_is_stopped_is_measured_by_the_time_it_had() -> None:
    stopped = taken(seconds=1.0, acted=[[0.1] * 50], is_stopped=True)
    assert stopped.share == pytest.approx(0.5)


def test_the_burst_makes_no_share_of_more_than_one() -> None:
    assert taken(seconds=9.8).share == 1
    assert taken(seconds=1.0, acted=[[0.1] * 120], is_stopped=True).share == 1


def test_a_limit_that_changes_allows_each_rate_for_its_time() -> None:
    assert CHANGING.allowed(10) == 1_000
    assert CHANGING.allowed(80) == 20 * 100 + 30 * 50 + 30 * 100
    assert limits._windows(CHANGING) == [(35.0, 50.0), (65.0, 80.0)]
    assert limits._windows(CHANGING.scaled(0.1)) == [(3.5, 5.0), (6.5, 8.0)]


def test_requests_at_a_time_allow_what_their_latency_lets_them() -> None:
    assert limits.AT_A_TIME.allowed(10) == pytest.approx(4 / 0.02 * 10)


def test_a_share_of_a_part_counts_what_was_acted_on_then() -> None:
    followed = [number / 100 for number in range(2_000)]
    followed += [20 + number / 45 for number in range(45 * 30)]
    followed += [50 + number / 60 for number in range(60 * 30)]
    changing = taken(scenario=CHANGING, orders=6_600, seconds=80.0, acted=[followed])
    shares = [changing.share_between(*window) for window in limits._windows(CHANGING)]
    assert shares == [pytest.approx(0.9, abs=0.01), pytest.approx(0.6, abs=0.01)]


def test_two_runs_are_compared_while_both_run_or_were_to() -> None:
    orders = TWO_RUNS.runs * TWO_RUNS.orders
    one = [number / 60 for number in range(3_600)]
    other = [0.5 + number / 30 for number in range(3_600)]
    two = taken(scenario=TWO_RUNS, orders=orders, seconds=120.0, acted=[one, other])
    together, each, apart = limits._together(two)
    assert together == pytest.approx(0.9, abs=0.01)
    assert each == [pytest.approx(0.6, abs=0.01), pytest.approx(0.3, abs=0.01)]
    assert apart == pytest.approx(0.5)
    given_up = taken(scenario=TWO_RUNS, orders=orders, seconds=120.0, acted=[one, other[:30]])
    together, each, _ = limits._together(given_up)
    assert together == pytest.approx(0.6, abs=0.01)
    assert each[1] < 0.01


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_shorter_scenario_is_the_same_otherwise(scenario: Scenario) -> None:
    short = scenario.scaled(0.5)
    assert short.orders == scenario.orders / 2
    assert short.longest == scenario.longest / 2
    assert short.limit.rate == scenario.limit.rate
    assert scenario.scaled(1.0) == scenario


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Tenant(tmp_path) as tenant:
        yield Bench(tenant, tmp_path, TINY, Paper(), store_seconds=0.001)


@pytest.mark.slow
def test_all_of_it_works_without_nginx(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nginx, "find", lambda: None)
    monkeypatch.setattr(limits, "CONTENDERS", {RETRY: "(e)"})
    monkeypatch.setattr(limits, "_packages", lambda _: None)
    limits.limits(bench)
    said = capsys.readouterr().out
    for scenario in SCENARIOS:
        assert f"| {scenario.name} " in said
    assert "nginx is not installed" in said
    assert "(f) is left out" in said
    assert bench.paper.goals == []


@pytest.mark.slow
def test_the_operator_is_held_to_what_it_did_behind_the_limit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nginx, "find", lambda: None)
    short = replace(PLAIN, orders=60, longest=30.0)
    found = take(bench, short, OPERATOR, None)
    assert (found.orders, found.canceled, found.reposted) == (60, 60, 0)
    assert found.turned_away > 0
    assert found.cancels >= 60
    assert 0.4 <= found.seconds < 30
    assert found.end == ""
    limits._set_goals(bench, {scenario.name: found for scenario in SCENARIOS[:5]} | changed(found))
    names = [goal.name for goal in bench.paper.goals]
    assert len(names) == len({*names}) == 16


def changed(found: Taken) -> dict[str, Taken]:
    return {
        CHANGING.name: replace(found, scenario=CHANGING),
        TWO_RUNS.name: replace(found, scenario=TWO_RUNS),
    }


@pytest.mark.slow
def test_a_contender_that_takes_too_long_is_stopped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nginx, "find", lambda: None)
    slow = replace(PLAIN, limit=Limit(rate=1, burst=1), orders=50, longest=1.0)
    found = take(bench, slow, RETRY, None)
    assert found.end == "stopped after 1 s"
    assert found.seconds == 1.0
    assert 0 < found.canceled < 50


def test_nginx_is_told_the_same_limit(tmp_path: Path) -> None:
    by_rate = nginx.configuration(
        Limit(rate=100, burst=7, status=503, retry_after=5), tmp_path, port=1234, stub_port=5678
    )
    assert "limit_req_zone $binary_remote_addr zone=one:1m rate=100r/s;" in by_rate
    assert "limit_req zone=one burst=7 nodelay; limit_req_status 503;" in by_rate
    assert '503 "5"; }' in by_rate
    at_a_time = nginx.configuration(Limit(at_a_time=4), tmp_path, port=1234, stub_port=5678)
    assert "limit_conn one 4; limit_conn_status 429;" in at_a_time
    assert '429 ""; }' in at_a_time


@pytest.mark.slow
@pytest.mark.skipif(nginx.find() is None, reason="nginx is not installed")
@pytest.mark.parametrize("limit", [Limit(rate=20), Limit(at_a_time=8)], ids=["rate", "at a time"])
def test_nginx_limits_and_its_log_tells_how_many_it_turned_away(bench: Bench, limit: Limit) -> None:
    found = take(bench, replace(PLAIN, limit=limit, orders=40, longest=20.0), RETRY, None)
    assert (found.canceled, found.end) == (40, "")
    assert found.cancels == 40 + found.turned_away
    assert found.turned_away > 0
