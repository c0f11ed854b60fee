"""`python -m demo`: cancel the flagged orders in real Airflow, and check it with the emulator.

`python -m demo native` does it on a tenant with Kibo's native API, keyed by the shop's own numbers.

Exits with 0 only if the emulator's own state agrees with the verdicts and the DAG's report.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from tabulate import tabulate

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.compare import CANCELED, Seen, disagreements, is_canceled, totals
from demo.data import (
    DAG_ID,
    DemoOrder,
    connections,
    create_verdicts,
    demo_orders,
    reported_outcomes,
)
from demo.processes import run
from demo.terminal import exit_status, step
from demo.workplace import AIRFLOW, EXAMPLE_DAGS, REPOSITORY, Workplace, airflow_environment

PLACE = Workplace(REPOSITORY / ".demo")
_HEADINGS = ("order", "verdicts", "state before", "state after", "cancels", "reported")
_WHAT_NEXT = """What to look at next:
  example_dags/cancel_fraud_flagged_orders.py   the DAG that did it
  .demo/fraud.db                                the outcome that it wrote back, next to each verdict
  .demo/airflow.log                             Airflow's log
  make demo-ui                                  the same, started by you in Airflow's web UI"""


def run_dag(directory: Path, emulator: EmulatorProcess, *, native: bool) -> None:
    codes = {"api": "native", "reason_codes": {"other": "Other"}} if native else {}
    conf = ["--conf", json.dumps({"order_key": "external_id"})] if native else []
    known = connections(emulator, directory / "fraud.db", **codes)
    environment = airflow_environment(directory / "airflow_home", EXAMPLE_DAGS, known)
    log = directory / "airflow.log"
    with step("Prepare Airflow's database"):
        run([*AIRFLOW, "db", "migrate"], environment, log)
    with step(f"Run the DAG {DAG_ID}"):
        run([*AIRFLOW, "dags", "test", DAG_ID, *conf], environment, log)


def table(orders: list[DemoOrder], seen: list[Seen]) -> str:
    """Return the table: each order that was to be canceled, and the others by verdicts."""
    rows: list[tuple[str, ...]] = []
    left_alone: Counter[str] = Counter()
    for order, one in zip(orders, seen, strict=True):
        verdicts = order.story.replace(" ", ", then ").replace("+", " and ") or "-"
        if one.expected or disagreements([one], {}):
            told = ", ".join(one.reported) or "-"
            rows.append((one.name, verdicts, one.before, one.after, str(len(one.posts)), told))
        else:
            left_alone[verdicts] += 1
    for verdicts, count in left_alone.items():
        rows.append((f"{count} orders", verdicts, "various", "unchanged", "0", "-"))
    return tabulate(rows, _HEADINGS, disable_numparse=True)


def of_second_cancels(seen: list[Seen]) -> str:
    """Say which orders were canceled before the run, and are nevertheless reported as canceled."""
    return "".join(
        f"\n{one.name} was canceled before the run. This tenant answers a second cancel with "
        f"success,\nso it is reported canceled, and counts as left as it was.\n"
        for one in seen
        if is_canceled(one.before) and one.reported == ("canceled",)
    )


def demo(place: Workplace, *, native: bool = False) -> int:
    started = time.monotonic()
    orders, verdicts = demo_orders(native=native), place.directory / "fraud.db"
    with place.reserved(), EmulatorProcess() as emulator:
        place.wipe()
        create_verdicts(verdicts, orders)
        emulator.load_orders([order.as_loaded() for order in orders])
        before = emulator.orders()
        run_dag(place.directory, emulator, native=native)
        after, reported = emulator.orders(), reported_outcomes(verdicts)
        posts = Counter(request["order_id"] for request in emulator.requests(call="cancel"))
    seen = [
        Seen(
            order.name,
            CANCELED if order.to_cancel else (),
            order.state_in(before),
            order.state_in(after),
            (True,) * posts.pop(order.order_id, 0),
            (reported[order.name],) if order.name in reported else (),
        )
        for order in orders
    ]
    numbers = tabulate(totals(seen), tablefmt="plain")
    print(f"\n{table(orders, seen)}\n\n{numbers}\n{of_second_cancels(seen)}")
    if found := disagreements(seen, posts):
        print("\n".join(found))
        print(f"FAILED: {len(found)} disagreements with the local OMS, listed above.")
        return 1
    canceled = sum(order.to_cancel for order in orders)
    print(
        f'The local OMS agrees: the {canceled} orders whose latest verdict is "rejected" are '
        f"canceled, and nothing was sent for the other {len(seen) - canceled}. "
        f"That took {time.monotonic() - started:.0f} s.\n\n{_WHAT_NEXT}"
    )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo")
    parser.add_argument("dialect", nargs="?", choices=("translated", "native"))
    is_native = parser.parse_args().dialect == "native"
    return exit_status(lambda: demo(PLACE, native=is_native))


if __name__ == "__main__":
    sys.exit(main())
