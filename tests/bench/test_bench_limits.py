"""The benchmark's part behind a limit: its figures, and a contender's run there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import limits, nginx
from bench.limiter import Limit
from bench.limits import AT_A_TIME, OPERATOR, PLAIN, SCENARIOS, Taken, take
from bench.paper import Paper
from bench.rounds import QUICK, Bench, running

RETRY = "plain.retry"
DONE = Taken(PLAIN, seconds=20.0, canceled=1_000, cancels=1_250, turned_away=250, reposted=0)


def test_the_share_is_of_what_was_allowed_in_that_time() -> None:
    assert DONE.share == pytest.approx(0.5)
    assert DONE.percent_turned_away == pytest.approx(20)
    assert DONE.left == 500


def test_requests_at_a_time_allow_what_their_latency_lets_them() -> None:
    assert replace(DONE, scenario=AT_A_TIME).share == pytest.approx(1_000 / (4 / 0.02 * 20))


def test_the_operator_is_held_to_what_it_did_behind_each_limit() -> None:
    found = [goal for one in SCENARIOS for goal in limits.goals(replace(DONE, scenario=one))]
    assert len({goal.name for goal in found}) == len(found) == 11
    shares = [goal for goal in found if goal.name.endswith("share of the limit")]
    assert [goal.bound for goal in shares] == [0.90, 0.75, 0.65, 0.75]
    assert shares[0].row()[-1] == "SHORT by 0.40"


def test_nginx_is_told_the_limit(tmp_path: Path) -> None:
    by_rate = nginx.configuration(
        Limit(rate=100, status=503, retry_after=5), tmp_path, port=1234, stub_port=5678
    )
    assert "limit_req_zone $binary_remote_addr zone=one:1m rate=100r/s;" in by_rate
    assert "limit_req zone=one burst=20 nodelay; limit_req_status 503;" in by_rate
    assert '503 "5"; }' in by_rate
    at_a_time = nginx.configuration(Limit(at_a_time=4), tmp_path, port=1234, stub_port=5678)
    assert "limit_conn one 4; limit_conn_status 429;" in at_a_time
    assert '429 ""; }' in at_a_time


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running(tmp_path) as tenant:
        yield Bench(tenant, tmp_path, QUICK, Paper(), store_seconds=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("contender", [OPERATOR, RETRY])
@pytest.mark.parametrize("limit", [Limit(rate=20), Limit(at_a_time=4)], ids=["rate", "at a time"])
def test_nginx_limits_and_its_log_tells_how_many_it_turned_away(
    bench: Bench, nginx_program: str, limit: Limit, contender: str
) -> None:
    found = take(
        bench, replace(PLAIN, limit=limit, orders=40, longest=30.0), contender, nginx_program
    )
    assert (found.canceled, found.left, found.reposted, found.end) == (40, 0, 0, "")
    assert found.turned_away > 0
    assert found.cancels >= 40


@pytest.mark.slow
def test_a_contender_that_takes_too_long_is_stopped(bench: Bench, nginx_program: str) -> None:
    slow = replace(PLAIN, limit=Limit(rate=1), orders=50, longest=1.0)
    found = take(bench, slow, RETRY, nginx_program)
    assert (found.seconds, found.end) == (1.0, "stopped after 1 s")
    assert 0 < found.canceled < 50
