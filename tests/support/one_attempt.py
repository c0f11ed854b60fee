"""An attempt of a task whose journal is at a path; run as a program, one that can be killed.

`python one_attempt.py JOURNAL_PATH ORDER…` is the first attempt, with one request at a time.
"""

from __future__ import annotations

import sys

from bulk_attempts import Attempt
from journal_store import Store


def attempt(number: int, store: Store | None = None) -> Attempt:
    """Return an attempt of the one task.

    :param number: which, from 1.
    :param store: what Airflow gives it; ``None`` for nothing.
    """
    made = Attempt(store, number=number)
    made.ti.dag_id, made.ti.run_id, made.ti.task_id = "dag", "run", "cancel"
    return made


if __name__ == "__main__":
    orders = [int(order) for order in sys.argv[2:]]
    attempt(1).run(orders, journal_path=sys.argv[1], max_workers=1)
