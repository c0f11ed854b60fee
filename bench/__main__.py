"""`python -m bench`: measure the operator next to what people do without it, and print ratios.

A goal that is missed is said and fails nothing; an order that is not canceled does.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time

from bench import nginx
from bench.paper import Paper, machine_facts
from bench.rounds import FULL, QUICK, Bench, Sizes, running
from bench.sections import SECTIONS
from demo.terminal import exit_status
from demo.workplace import REPOSITORY, Workplace

PLACE = Workplace(REPOSITORY / ".bench")
DOCUMENT = REPOSITORY / "docs" / "performance.md"
MARKER = "<!-- made by make bench: {} {} -->"
# Sections with a part of the page for each; the others share one, and so are measured in one run.
APART = ("limits", "scale")


def run(bench: Bench, sections: list[str], part: str) -> None:
    """Run some sections, which are a part of the page, and say which goals are reached."""
    paper, began_at = bench.paper, time.monotonic()
    is_for_docs = bool(os.environ.get("WRITE_DOCS"))
    command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    paper.say(f"`{'WRITE_DOCS=1 ' * is_for_docs}{command}`")
    paper.say("### The machine")
    paper.table(("fact", "value"), machine_facts("apache-airflow-providers-http"))
    for name in sections:
        print(f"… {name}\n", file=sys.stderr, flush=True)
        SECTIONS[name](bench)
    paper.say_goals()
    paper.say(f"This took {time.monotonic() - began_at:.0f} s.")
    if is_for_docs:
        paper.write(DOCUMENT, MARKER.format(part, "begin"), MARKER.format(part, "end"))


def bench(sections: list[str], sizes: Sizes) -> int:
    parts = {"speed": [one for one in sections if one not in APART]}
    parts |= {name: [name] for name in APART if name in sections}
    if "limits" in parts:
        nginx.find()
    with PLACE.reserved():
        PLACE.wipe()
        with running(PLACE.directory) as tenant:
            for part, its_sections in parts.items():
                if its_sections:
                    run(Bench(tenant, PLACE.directory, sizes, Paper()), its_sections, part)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=[*SECTIONS], help="the sections to run"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows that all of it works, no more"
    )
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else FULL
    sys.exit(exit_status(lambda: bench(arguments.only, sizes)))
