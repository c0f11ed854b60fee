"""The comparisons behind a rate limit, and the operator's goals there.

How one of these measurements is taken is in `limited`; the peers are in `peers`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from bench import nginx
from bench.limited import ADAPTIVE, LATENCY, OPERATOR, RETRY, WORKERS, Scenario, Taken, take
from bench.limiter import Limit
from bench.paper import Goal
from bench.rounds import Bench

CONTENDERS = {
    OPERATOR: "(d) operator",
    RETRY: "(e) pool, urllib3's Retry",
    ADAPTIVE: "(f) pool, botocore's adaptive limiter",
}
# Only (f) needs them, and nothing else of the project: no environment of it has them.
_PACKAGES = ("botocore==1.44.8", "jmespath==1.1.0")
# The ids that a failure names say nothing to a reader of figures.
_IDS = re.compile(r" \((?:\d+, )*(?:\d+|…)\)")
_SECONDS_TO_FOLLOW = 15.0
_SECONDS_OF_TWO_RUNS = 60.0

_RATE = 100
_429 = Limit(_RATE)
PLAIN = Scenario("429", _429, 1_500, 40)
RETRY_AFTER = Scenario("429, Retry-After: 5", replace(_429, retry_after=5), 6_000, 120)
UNAVAILABLE = Scenario("503", replace(_429, status=503), 6_000, 120)
ALSO_FROM_OMS = replace(
    UNAVAILABLE, name="503, 1 % from an OMS that acted", orders=1_500, longest=60, unavailable=0.01
)
AT_A_TIME = Scenario("429 beyond 4 at a time", Limit(at_a_time=4), 3_000, 40)
# More orders than can be canceled in its time, so that no contender is done before.
_SECONDS_OF_CHANGES = 80.0
CHANGING = Scenario(
    "429, the limit halves and doubles",
    replace(_429, changes=((20.0, _RATE / 2), (50.0, float(_RATE)))),
    *(6_600, 90),
)
TWO_RUNS = Scenario("429, two runs at once", _429, 3_300, 110, runs=2)
SCENARIOS = (PLAIN, RETRY_AFTER, UNAVAILABLE, ALSO_FROM_OMS, AT_A_TIME, CHANGING, TWO_RUNS)


def limits(bench: Bench) -> None:
    """Compare the operator behind a limit with what people write against one.

    :param bench: the bench.
    """
    packages = _packages(bench.directory / "packages")
    contenders = [one for one in CONTENDERS if one != ADAPTIVE or packages is not None]
    taken: dict[str, dict[str, Taken]] = {}
    for scenario in SCENARIOS:
        print(f"  {scenario.name}", file=sys.stderr, flush=True)
        short = scenario.scaled(bench.sizes.limits)
        taken[scenario.name] = {one: take(bench, short, one, packages) for one in contenders}
    bench.paper.say("### Behind a limit")
    bench.paper.table(
        (
            *("limit", "who", "orders", "share of the limit", "turned away", "left"),
            *("posted again", "seconds", "its end"),
        ),
        [_row(CONTENDERS[one], found[one]) for found in taken.values() for one in found],
    )
    bench.paper.say(_how_it_was_measured(is_complete=packages is not None))
    for found in taken.values():
        for one, each in found.items():
            for failure in {*each.failures}:
                said = _IDS.sub("", failure)
                bench.paper.say(f"{CONTENDERS[one]}, {each.scenario.name}, gave up: {said}")
    _say_changes(bench, taken[CHANGING.name])
    _say_two_runs(bench, taken[TWO_RUNS.name])
    if OPERATOR in contenders:
        _set_goals(bench, {name: found[OPERATOR] for name, found in taken.items()})


def _row(name: str, taken: Taken) -> tuple[str, ...]:
    return (
        taken.scenario.name,
        name,
        f"{taken.orders:,}",
        f"{taken.share:.2f}",
        f"{taken.percent_turned_away:.1f} %",
        f"{taken.orders - taken.canceled:,}",
        f"{taken.reposted:,}",
        f"{taken.seconds:.1f}",
        taken.end,
    )


def _packages(directory: Path) -> Path | None:
    """Return where (f) finds its libraries, which are fetched now; ``None`` where they cannot."""
    if find_spec("botocore") is None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        done = subprocess.run(
            [*command, "--disable-pip-version-check", "--target", str(directory), *_PACKAGES],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            return None
    return directory


def _how_it_was_measured(*, is_complete: bool) -> str:
    program = nginx.find()
    where = (
        "The stub itself limits, for nginx is not installed."
        if program is None
        else f"{nginx.version(program)} limits, and where the limit changes, the stub itself does."
    )
    missing = "" if is_complete else " (f) is left out, for botocore could not be installed."
    return (
        f"{_RATE} requests a second and a burst of 20, or 4 requests at a time; {WORKERS} workers, "
        f"{1000 * LATENCY:.0f} ms of latency. {where}{missing}"
    )


def _windows(scenario: Scenario) -> list[tuple[float, float]]:
    """Return the parts of the time in which a run has to have followed each change."""
    full = CHANGING.limit.changes
    share = scenario.limit.changes[0][0] / full[0][0]
    begins = [after for after, _ in scenario.limit.changes]
    ends = [*begins[1:], share * _SECONDS_OF_CHANGES]
    return [
        (begin + share * _SECONDS_TO_FOLLOW, end) for begin, end in zip(begins, ends, strict=True)
    ]


def _say_changes(bench: Bench, found: dict[str, Taken]) -> None:
    rows = []
    for one, taken in found.items():
        windows = _windows(taken.scenario)
        rows.append((CONTENDERS[one], *(f"{taken.share_between(*each):.2f}" for each in windows)))
    bench.paper.table(("share of the limit, from 15 s on", "halved", "doubled"), rows)


def _together(taken: Taken) -> tuple[float, list[float], float]:
    """Return the share of all runs, the share of each, and how far apart they began."""
    began = [run[0] if run else taken.seconds for run in taken.acted]
    ended = [run[-1] if run else 0.0 for run in taken.acted]
    # As long as both run; who gives up early is not the better for it.
    least = _SECONDS_OF_TWO_RUNS * taken.orders / (TWO_RUNS.runs * TWO_RUNS.orders)
    end = max(min(ended), max(began) + least)
    each = [taken.share_between(max(began), end, run) for run in range(len(taken.acted))]
    return taken.share_between(max(began), end), each, max(began) - min(began)


def _say_two_runs(bench: Bench, found: dict[str, Taken]) -> None:
    rows = []
    for one, taken in found.items():
        together, each, apart = _together(taken)
        shares = (f"{share:.2f}" for share in (together, min(each), max(each)))
        rows.append((CONTENDERS[one], *shares, f"{apart:.2f} s"))
    headings = ("two runs, while both run", "together", "the one", "the other", "began apart by")
    bench.paper.table(headings, rows)


def _set_goals(bench: Bench, found: dict[str, Taken]) -> None:
    goals = bench.paper.goals

    def least(name: str, figure: float, bound: float) -> None:
        goals.append(Goal(name, figure, bound))

    def most(name: str, figure: float, bound: float, unit: str = " %") -> None:
        goals.append(Goal(name, figure, bound, ".1f" if unit else ".0f", at_most=True, unit=unit))

    for scenario, share, percent in (
        (PLAIN, 0.90, 2.0),
        (RETRY_AFTER, 0.75, 1.5),
        (UNAVAILABLE, 0.65, None),
        (AT_A_TIME, 0.75, 5.0),
    ):
        taken = found[scenario.name]
        least(f"{scenario.name}: share of the limit", taken.share, share)
        if percent is not None:
            most(f"{scenario.name}: turned away", taken.percent_turned_away, percent)
    for scenario in (UNAVAILABLE, ALSO_FROM_OMS):
        taken = found[scenario.name]
        most(f"{scenario.name}: orders left", taken.orders - taken.canceled, 0, "")
        most(f"{scenario.name}: posted again after it was acted on", taken.reposted, 0, "")
    changing = found[CHANGING.name]
    for word, window in zip(("halved", "doubled"), _windows(changing.scenario), strict=True):
        least(f"share 15 s after the limit {word}", changing.share_between(*window), 0.90)
    together, each, _ = _together(found[TWO_RUNS.name])
    least("two runs: share of both", together, 0.90)
    least("two runs: share of the lesser", min(each), 0.35)
    most("two runs: turned away", found[TWO_RUNS.name].percent_turned_away, 5.0)
