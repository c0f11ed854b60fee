"""The comparisons behind nginx with a rate limit, and the operator's goals there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench import nginx
from bench.limiter import BURST, Limit
from bench.measure import PACKAGES, Assignment, run_in_child
from bench.paper import Goal
from bench.rounds import Bench, orders_of
from demo.terminal import DemoError

OPERATOR = "provider.operator"
CONTENDERS = {
    OPERATOR: "(d) operator",
    "plain.retry": "(e) pool, urllib3's Retry",
    "plain.botocore": "(f) pool, botocore's adaptive limiter",
}
# Only (f) needs them, and nothing else of the project: no environment of it has them.
_PACKAGES = ("botocore==1.44.8", "jmespath==1.1.0")
WORKERS = 16
LATENCY = 0.02


@dataclass(frozen=True)
class Scenario:
    """Define the limit that a run meets, and how long it is.

    :param longest: seconds after which a run is stopped.
    :param least_share: the operator's goal, as `most_turned_away` in percent is another.
    :param unavailable: share of the orders whose first cancel acts and is answered 503.
    """

    name: str
    limit: Limit
    orders: int
    longest: float
    least_share: float = 0.0
    most_turned_away: float = 100.0
    unavailable: float = 0.0


_429, _503 = Limit(rate=100), Limit(rate=100, status=503)
_SETTLE_SECONDS = 15.0
PLAIN = Scenario("429", _429, 1_500, 40, 0.90, 2.0)
AT_A_TIME = Scenario("429 beyond 4 at a time", Limit(at_a_time=4), 3_000, 40, 0.75, 5.0)
SCENARIOS = (
    PLAIN,
    Scenario("429, Retry-After: 5", replace(_429, retry_after=5), 6_000, 120, 0.75, 1.5),
    Scenario("503", _503, 6_000, 120, 0.65),
    Scenario("503, 1 % from an OMS that acted", _503, 1_500, 60, unavailable=0.01),
    AT_A_TIME,
)


@dataclass(frozen=True)
class Taken:
    """Hold the work of one contender behind a limit.

    :param cancels: how many it sent, those that were turned away among them.
    :param turned_away: requests that the limit did not let through, reads among them.
    :param end: how it ended, if not by having tried all.
    """

    scenario: Scenario
    seconds: float
    canceled: int
    cancels: int
    turned_away: int
    reposted: int
    end: str = ""

    @property
    def left(self) -> int:
        """Return how many orders it did not cancel."""
        return self.scenario.orders - self.canceled

    @property
    def share(self) -> float:
        """Return the orders canceled as a share of the requests allowed in its time."""
        limit = self.scenario.limit
        return self.canceled / self.seconds / (limit.rate or limit.at_a_time / LATENCY)

    @property
    def percent_turned_away(self) -> float:
        return 100 * self.turned_away / max(1, self.cancels)


def limits(bench: Bench) -> None:
    program = nginx.find()
    _fetch_packages(bench)
    taken: list[tuple[str, Taken]] = []
    for scenario in SCENARIOS:
        print(f"  {scenario.name}", file=sys.stderr, flush=True)
        short = replace(scenario, orders=round(scenario.orders * bench.sizes.limits))
        taken += [(one, take(bench, short, one, program)) for one in CONTENDERS]
    bench.paper.say("### Behind a limit")
    bench.paper.table(
        (
            *("limit", "who", "orders", "share of the limit", "turned away", "left"),
            *("posted again", "seconds", "its end"),
        ),
        [
            (
                *(found.scenario.name, CONTENDERS[one], f"{found.scenario.orders:,}"),
                *(f"{found.share:.2f}", f"{found.percent_turned_away:.1f} %", f"{found.left:,}"),
                *(f"{found.reposted:,}", f"{found.seconds:.1f}", found.end),
            )
            for one, found in taken
        ],
    )
    bench.paper.say(
        f"{_429.rate} requests a second and a burst of {BURST}, or {AT_A_TIME.limit.at_a_time} "
        f"requests at a time; {WORKERS} workers, {1000 * LATENCY:.0f} ms of latency. "
        f"{nginx.version(program)} limits."
    )
    for one, found in taken:
        if one == OPERATOR:
            bench.paper.goals += goals(found)


def _fetch_packages(bench: Bench) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "install", "--no-deps", "--target", str(bench.directory / PACKAGES)]
    if subprocess.run([*command, *_PACKAGES], check=False).returncode:
        raise DemoError(f"(f) needs {_PACKAGES[0]}, which could not be installed.")


def take(bench: Bench, scenario: Scenario, contender: str, program: str) -> Taken:
    """Let a contender cancel orders behind nginx, whose path is given, with a limit."""
    bench.tenant.reset(latency=LATENCY, unavailable=scenario.unavailable)
    directory = bench.directory / "nginx"
    with nginx.running(program, scenario.limit, directory, bench.tenant.port) as gateway:
        assignment = Assignment(
            *(contender, gateway.url, scenario.orders, WORKERS, bench.store_seconds),
            longest=scenario.longest,
        )
        cost = run_in_child(assignment, bench.directory, settle_seconds=_SETTLE_SECONDS)
        turned_away, cancels_turned_away = gateway.turned_away()
    facts = bench.tenant.facts()
    if not facts["canceled"] <= orders_of(scenario.orders):
        raise DemoError("Other orders than those of the set are canceled.")
    end = "" if cost else f"stopped after {scenario.longest:.0f} s"
    if cost and cost.failure:
        print(f"{CONTENDERS[contender]}: {cost.failure}", file=sys.stderr, flush=True)
        end = "gave up"
    return Taken(
        scenario,
        seconds=cost.seconds if cost else scenario.longest,
        canceled=len(facts["canceled"]),
        cancels=facts["posts"] + cancels_turned_away,
        turned_away=turned_away,
        reposted=facts["reposted"],
        end=end,
    )


def goals(taken: Taken) -> Iterator[Goal]:
    scenario, percent = taken.scenario, taken.percent_turned_away
    name, most = scenario.name, scenario.most_turned_away
    if scenario.least_share:
        yield Goal(f"{name}: share of the limit", taken.share, scenario.least_share)
    if most < 100:  # noqa: PLR2004 - percent
        yield Goal(f"{name}: turned away", percent, most, ".1f", at_most=True, unit=" %")
    if scenario.limit.status == _503.status:
        again = f"{name}: posted again after it was acted on"
        yield Goal(f"{name}: orders left", taken.left, 0, ".0f", at_most=True)
        yield Goal(again, taken.reposted, 0, ".0f", at_most=True)
