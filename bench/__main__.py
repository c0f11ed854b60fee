"""`python -m bench`: measure the operator next to what people do without it, and print ratios.

A goal that is missed is said and fails nothing; an order that is not canceled does.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from contextlib import ExitStack

from bench.paper import Paper, machine_facts
from bench.rounds import FULL, QUICK, Bench
from bench.sections import SECTIONS
from bench.tenant import Tenant
from demo.terminal import INTERRUPTED, DemoError, let_signals_interrupt
from demo.workplace import REPOSITORY, Workplace

PLACE = Workplace(REPOSITORY / ".bench")
DOCUMENT = REPOSITORY / "docs" / "performance.md"


def run(paper: Paper, arguments: argparse.Namespace) -> None:
    """Run the sections that were asked for.

    :param paper: where the figures go.
    :param arguments: of the command line.
    """
    paper.say("### The machine")
    paper.table(("fact", "value"), machine_facts("apache-airflow-providers-http"))
    with ExitStack() as stack:
        stack.enter_context(PLACE.reserved())
        PLACE.wipe()
        tenant = stack.enter_context(Tenant(PLACE.directory))
        sizes = QUICK if arguments.quick else FULL
        bench = Bench(tenant, PLACE.directory, sizes, paper)
        for name, section in SECTIONS.items():
            if name in arguments.only:
                print(f"… {name}\n", file=sys.stderr, flush=True)
                section(bench)
    paper.say_goals()


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
    paper, began_at = Paper(), time.monotonic()
    command = "WRITE_DOCS=1 " * bool(os.environ.get("WRITE_DOCS")) + "python -m bench"
    paper.say(f"`{shlex.join([*shlex.split(command), *sys.argv[1:]])}`")
    try:
        run(paper, arguments)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED
    paper.say(f"All of it took {time.monotonic() - began_at:.0f} s.")
    if os.environ.get("WRITE_DOCS"):
        paper.write(DOCUMENT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
