"""`python -m demo`: cancel the flagged orders in real Airflow, and check it with the emulator.

Exits with 0 only if the emulator's own state is what the verdicts ask for and the DAG reported.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.compare import CANCELED, Seen, disagreements, table, totals
from demo.data import DemoOrder, create_verdicts, demo_orders, reported_outcomes
from demo.workplace import (
    DAG_ID,
    DemoError,
    Workplace,
    last_lines,
    run_airflow,
    step,
    stop_on_sigterm,
)

CANCEL_PATH = "/api/v2/order/action/cancel"
WHAT_NEXT = """What to look at next:
  example_dags/cancel_fraud_flagged_orders.py   the DAG that did it
  {verdicts}                                what it wrote back, next to each verdict
  {log}/airflow.log                             what Airflow logged
  make demo-ui                                  the same, started by you in Airflow's web UI"""


def state_of(order: Mapping[str, object]) -> str:
    """Return an order's state, and its status too where that is another."""
    state, status = str(order["orderState"]), str(order["orderStatus"])
    return state if state == status else f"{state}/{status}"


def run_dag(place: Workplace, emulator: EmulatorProcess, to_cancel: set[int]) -> None:
    """Run the DAG once in a real Airflow.

    :param place: where the demo works.
    :param emulator: the tenant.
    :param to_cancel: the orders that ought to end canceled, for the progress shown.
    :raises DemoError: when Airflow says that the run did not succeed.
    """
    connections = place.connections(
        oms_url=emulator.url,
        tenant=emulator.tenant,
        login=emulator.client_id,
        password=emulator.client_secret,
    )
    environment = place.environment() | {
        f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(fields)
        for conn_id, fields in connections.items()
    }
    log = place.directory / "airflow.log"

    def progress() -> str:
        orders = emulator.orders()
        canceled = sum(state_of(orders[order_id]) == CANCELED for order_id in to_cancel)
        return f"{canceled} of {len(to_cancel)} flagged orders are canceled"

    print(f"Airflow's own log: {place.shown(log)}")
    with step("Prepare Airflow's database"):
        _must_work(run_airflow(["db", "migrate"], environment, log), "airflow db migrate", log)
    with step(f"Run the DAG {DAG_ID}"):
        status = run_airflow(["dags", "test", DAG_ID], environment, log, progress)
    _must_work(status, f"the run of {DAG_ID}", log)


def _must_work(status: int, what: str, log: Path) -> None:
    if status:
        raise DemoError(f"{last_lines(log)}\n\nAirflow says that {what} failed (status {status}).")


def look(
    orders: list[DemoOrder],
    before: dict[int, str],
    emulator: EmulatorProcess,
    reported: dict[int, str],
) -> tuple[list[Seen], dict[int, int]]:
    """Return what is known about every order now, and cancel POSTs for orders nobody knows."""
    now = emulator.orders()
    posts = Counter(
        request["order_id"] for request in emulator.requests(method="POST", path=CANCEL_PATH)
    )
    seen = [
        Seen(
            order,
            before=before[order.order_id],
            after=state_of(now[order.order_id]),
            posts=posts.pop(order.order_id, 0),
            reported=reported.pop(order.order_id, None),
        )
        for order in orders
    ]
    return seen, dict(posts)


def prepare(place: Workplace, emulator: EmulatorProcess) -> list[DemoOrder]:
    """Load the tenant's orders and write the verdicts; return the orders."""
    orders = demo_orders()
    emulator.load_orders([order.as_loaded() for order in orders])
    rows = create_verdicts(place.verdicts, orders)
    rejected = sum(order.to_cancel for order in orders)
    print(f"  {len(orders)} orders, {rows} verdicts; {rejected} orders ought to end canceled")
    return orders


def demo() -> int:
    """Run the demo, and return its exit status."""
    started = time.monotonic()
    place = Workplace(".demo")
    place.wipe()
    with ExitStack() as stack:
        with step("Start a local OMS and a table of fraud verdicts"):
            emulator = stack.enter_context(EmulatorProcess(db=place.orders))
            orders = prepare(place, emulator)
        before = {order_id: state_of(order) for order_id, order in emulator.orders().items()}
        run_dag(place, emulator, {order.order_id for order in orders if order.to_cancel})
        reported = reported_outcomes(place.verdicts)
        seen, strays = look(orders, before, emulator, reported)
    print(f"\n{table(seen)}\n\n{totals(seen)}\n")
    found = disagreements(seen, strays)
    print("\n".join(found))
    canceled = sum(one.order.to_cancel for one in seen)
    if found:
        print(f"FAILED: {len(found)} disagreements with the local OMS, listed above.")
        return 1
    print(
        f'The local OMS agrees: the {canceled} orders whose latest verdict is "rejected" are '
        f"canceled, and nothing was sent for the other {len(seen) - canceled}. "
        f"That took {time.monotonic() - started:.0f} s.\n"
    )
    print(WHAT_NEXT.format(verdicts=place.shown(place.verdicts), log=place.directory.name))
    return 0


def main() -> int:
    """Run the demo; say in one line why, should it end early."""
    stop_on_sigterm()
    try:
        return demo()
    except DemoError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
