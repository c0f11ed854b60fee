"""Measure how long this package takes to import, next to Airflow's own HTTP provider.

Every import happens in a separate process, one of our package and one of theirs in turn. Run it
with the interpreter of an environment in which both are installed; it fails when ours takes longer.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

ROUNDS = 5
PAIRS = {
    "provider info": (
        "airflow_provider_oms.get_provider_info",
        "airflow.providers.http.get_provider_info",
    ),
    "hook": ("airflow_provider_oms.hooks.oms", "airflow.providers.http.hooks.http"),
    "operators": ("airflow_provider_oms.operators.oms", "airflow.providers.http.operators.http"),
}


# The imports that both share. Only the imports that each provider adds to them count.
AIRFLOW = "from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, conf"
# Processor time: what else runs on the machine does not count. Nor does a garbage collection, which
# goes through all of Airflow's objects and falls into one of the two imports by chance.
TIMED = (
    "import gc, time; gc.disable(); {first}; "
    "a = time.process_time(); import {module}; b = time.process_time()"
)


def seconds(module: str, first: str) -> tuple[float, float]:
    """Return how long a module takes to import: all in all, and by itself.

    :param module: its name.
    :param first: the import before it.
    """
    code = f"{TIMED.format(module=module, first=first)}; print(b, b - a)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    whole, own = done.stdout.splitlines()[-1].split()
    return float(whole), float(own)


def main() -> int:
    """Measure, print, and fail when ours is not the smaller one."""
    print(f"seconds of processor time to import, medians of {ROUNDS} rounds")
    print(
        f"{'':<15}{'own: ours':>12}{'http':>8}{'ratio':>8}{'all: ours':>12}{'http':>8}{'ratio':>8}"
    )
    slower = []
    for title, (ours, theirs) in PAIRS.items():
        # Only theirs needs Airflow for its provider info.
        first = "pass" if title == "provider info" else AIRFLOW
        rounds = [(*seconds(ours, first), *seconds(theirs, first)) for _ in range(ROUNDS)]
        all_ours, own_ours, all_http, own_http = (
            statistics.median(column) for column in zip(*rounds, strict=True)
        )
        own, whole = own_ours / own_http, all_ours / all_http
        print(
            f"{title:<15}{own_ours:12.3f}{own_http:8.3f}{own:8.2f}"
            f"{all_ours:12.3f}{all_http:8.3f}{whole:8.2f}",
            flush=True,
        )
        if own >= 1:
            slower.append(title)
    if slower:
        print(f"slower to import than the HTTP provider: {', '.join(slower)}", file=sys.stderr)
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
