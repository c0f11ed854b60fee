"""Run many stories on all cores: `make simulate SEEDS=1000000`.

With WRITE_DOCS=1 its output goes into docs/guarantees.md too.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.story import Story, tell

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "guarantees.md"
BEGIN = "<!-- made by make simulate: begin -->"
END = "<!-- made by make simulate: end -->"
_CHUNK = 250
_TOLD_AT_MOST = 3


def run_chunk(seeds: range) -> tuple[Counter[str], list[tuple[int, str]], float]:
    """Run the stories of some seeds, and return counts, broken promises and processor time.

    :param seeds: the seeds.
    :return: the counts, seed and violation of each story that broke a promise, and seconds of
        processor time.
    """
    began_at = time.process_time()
    counts: Counter[str] = Counter()
    broken: list[tuple[int, str]] = []
    for seed in seeds:
        told = Story(seed).run()
        counts["stories"] += 1
        counts.update(told.counts)
        if told.violation is not None:
            broken.append((seed, told.violation))
    return counts, broken, time.process_time() - began_at


def write(text: str) -> None:
    """Put the output into the docs, between its markers.

    :param text: the output.
    """
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    block = f"{BEGIN}\n\n```text\n{text}\n```\n\n{END}"
    DOCUMENT.write_text(before + block + rest.partition(END)[2], encoding="utf-8")


def main() -> int:
    """Run the stories of the seeds that the command line names."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=10_000, help="how many stories")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--tell", type=int, help="tell the story of one seed, and run no other")
    arguments = parser.parse_args()
    if arguments.tell is not None:
        told = tell(arguments.tell)
        print(told.timeline())
        return 1 if told.violation else 0
    began_at = time.monotonic()
    last = arguments.first + arguments.seeds
    chunks = [range(at, min(at + _CHUNK, last)) for at in range(arguments.first, last, _CHUNK)]
    counts: Counter[str] = Counter()
    broken: list[tuple[int, str]] = []
    processor_seconds = 0.0
    with ProcessPoolExecutor() as processes:
        for found, bad, spent in processes.map(run_chunk, chunks):
            counts += found
            broken += bad
            processor_seconds += spent
    seconds = time.monotonic() - began_at
    names = (
        "stories",
        "native",
        "attempts",
        "cancels",
        "faults",
        "kill",
        "end",
        "zombie",
        "freeze",
        "losses",
    )
    cores = os.cpu_count() or 1
    lines = [f"{name:10} {counts[name]:>12,}" for name in names]
    lines += [
        f"{seconds:.0f} s on {cores} cores, {counts['stories'] / seconds:.0f} stories a second",
        f"{counts['stories'] / processor_seconds:.0f} stories a second of processor time",
        f"{len(broken)} stories broke a promise",
    ]
    print("\n".join(lines))
    if os.environ.get("WRITE_DOCS"):
        write("\n".join(lines))
    for seed, violation in broken[:_TOLD_AT_MOST]:
        print(f"\nseed {seed}: {violation}\n{tell(seed).timeline()}")
    if broken:
        print(f"broken: {', '.join(str(seed) for seed, _ in broken[:20])}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
