"""`python -m bench.child ASSIGNMENT`: run one contender, and print its cost as JSON.

Nothing is imported here that only some contenders need: memory is measured too.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
from dataclasses import asdict

from bench.measure import Assignment, measured


def main() -> None:
    """Run the contender that the assignment names."""
    assignment = Assignment(**json.loads(sys.argv[1]))
    module, _, name = assignment.contender.partition(".")
    contender = getattr(importlib.import_module(f"bench.{module}"), name)
    # Nothing handles this signal: it ends the process, whatever that is doing.
    signal.setitimer(signal.ITIMER_REAL, assignment.longest)
    with measured(assignment.orders) as cost:
        failure = contender(assignment)
    cost.failure = failure or ""
    print(flush=True)
    print(json.dumps(asdict(cost)), flush=True)


if __name__ == "__main__":
    main()
