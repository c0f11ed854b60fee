"""`python -m bench`: measure the operator next to what people do without it, and print ratios.

A goal that is missed is said and fails nothing; an order that is not canceled does.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Sequence

from bench.paper import Paper, machine_facts
from bench.rounds import FULL, QUICK, Bench
from bench.sections import SECTIONS
from bench.tenant import Tenant
from demo.terminal import INTERRUPTED, DemoError, let_signals_interrupt
from demo.workplace import REPOSITORY, Workplace

PLACE = Workplace(REPOSITORY / ".bench")
DOCUMENT = REPOSITORY / "docs" / "performance.md"


MARKER = "<!-- made by make bench: {} {} -->"
# Sections that are written into the docs together, and so must be measured in one run.
APART = ("limits", "scale")
PARTS = {
    "speed": [name for name in SECTIONS if name not in APART],
    **{name: [name] for name in APART},
}


def run(bench: Bench, chosen: Sequence[str]) -> None:
    """Run some sections, and say which goals are reached.

    :param bench: the bench.
    :param chosen: the sections.
    """
    paper, began_at = bench.paper, time.monotonic()
    command = "WRITE_DOCS=1 " * bool(os.environ.get("WRITE_DOCS")) + "python -m bench"
    paper.say(f"`{shlex.join([*shlex.split(command), *sys.argv[1:]])}`")
    paper.say("### The machine")
    paper.table(("fact", "value"), machine_facts("apache-airflow-providers-http"))
    for name in chosen:
        print(f"… {name}\n", file=sys.stderr, flush=True)
        SECTIONS[name](bench)
    paper.say_goals()
    paper.say(f"This took {time.monotonic() - began_at:.0f} s.")


def main() -> int:
    """Run the bench; say in one line why, should it end early."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=[*SECTIONS], help="the sections to run"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows that all of it works, no more"
    )
    arguments = parser.parse_args()
    let_signals_interrupt()
    try:
        with PLACE.reserved():
            PLACE.wipe()
            with Tenant(PLACE.directory) as tenant:
                for part, names in PARTS.items():
                    chosen = [name for name in names if name in arguments.only]
                    sizes = QUICK if arguments.quick else FULL
                    bench = Bench(tenant, PLACE.directory, sizes, Paper())
                    if chosen:
                        run(bench, chosen)
                    if chosen and os.environ.get("WRITE_DOCS"):
                        markers = (MARKER.format(part, which) for which in ("begin", "end"))
                        bench.paper.write(DOCUMENT, *markers)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
