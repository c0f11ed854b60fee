"""Run many stories on all cores: `make simulate SEEDS=1000000`."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.story import Story, tell

_CHUNK = 250
_TOLD_AT_MOST = 3


def run_chunk(seeds: range) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Run the stories of some seeds, and return what happened and which broke a promise.

    :param seeds: the seeds.
    """
    counts: Counter[str] = Counter()
    broken: list[tuple[int, str]] = []
    for seed in seeds:
        told = Story(seed).run()
        counts["stories"] += 1
        counts.update(told.counts)
        if told.violation is not None:
            broken.append((seed, told.violation))
    return counts, broken


def run_until_broken(first: int, seconds: float) -> int:
    """Run one story after another until one breaks a promise, and say which and how soon.

    :param first: the first seed.
    :param seconds: of processor time, after which it gives up.
    """
    began_at = time.process_time()
    for seed in itertools.count(first):
        violation = Story(seed).run().violation
        spent = time.process_time() - began_at
        if violation is not None:
            print(f"seed {seed} breaks a promise after {spent:.2f} s: {violation}")
            return 1
        if spent > seconds:
            break
    print(f"{seed - first + 1} stories in {spent:.2f} s break no promise")
    return 0


def main() -> int:
    """Run the stories of the seeds that the command line names."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=10_000, help="how many stories")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--tell", type=int, help="tell the story of one seed, and run no other")
    parser.add_argument(
        "--until-broken",
        type=float,
        metavar="SECONDS",
        help="run stories on one core until one breaks a promise, for this processor time at most",
    )
    arguments = parser.parse_args()
    if arguments.tell is not None:
        told = tell(arguments.tell)
        print(told.timeline())
        return 1 if told.violation else 0
    if arguments.until_broken is not None:
        return run_until_broken(arguments.first, arguments.until_broken)
    began_at = time.monotonic()
    last = arguments.first + arguments.seeds
    chunks = [range(at, min(at + _CHUNK, last)) for at in range(arguments.first, last, _CHUNK)]
    counts: Counter[str] = Counter()
    broken: list[tuple[int, str]] = []
    with ProcessPoolExecutor() as processes:
        for found, bad in processes.map(run_chunk, chunks):
            counts += found
            broken += bad
    seconds = time.monotonic() - began_at
    names = (
        "stories",
        "attempts",
        "cancels",
        "faults",
        "kill",
        "end",
        "zombie",
        "freeze",
        "losses",
    )
    for name in names:
        print(f"{name:10} {counts[name]:>12,}")
    cores = os.cpu_count() or 1
    print(f"{seconds:.0f} s on {cores} cores, {counts['stories'] / seconds:.0f} stories a second")
    for seed, violation in broken[:_TOLD_AT_MOST]:
        print(f"\nseed {seed}: {violation}\n{tell(seed).timeline()}")
    print(
        f"{len(broken)} stories broke a promise{': ' if broken else ''}"
        f"{', '.join(str(seed) for seed, _ in broken[:20])}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
