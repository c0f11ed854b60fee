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
from collections.abc import Callable
from contextlib import ExitStack
from subprocess import Popen

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.compare import Seen, disagreements, is_canceled, notes, table, totals
from demo.data import DemoOrder, reported_outcomes
from demo.dialects import DIALECTS, TRANSLATED, Dialect
from demo.processes import Session, end, launch
from demo.terminal import INTERRUPTED, DemoError, last_lines, let_signals_interrupt, step
from demo.workplace import AIRFLOW, DAG_ID, REPOSITORY, Workplace

PLACE = Workplace(REPOSITORY / ".demo")
SECONDS_BETWEEN_SIGNS_OF_LIFE = 3.0
WHAT_NEXT = """What to look at next:
  example_dags/cancel_fraud_flagged_orders.py   the DAG that did it
  {verdicts:<45} the outcome that it wrote back, next to each verdict
  {log:<45} Airflow's log
  make demo-ui                                  the same, started by you in Airflow's web UI"""


def run_dag(
    place: Workplace, emulator: EmulatorProcess, dialect: Dialect, to_cancel: set[int]
) -> None:
    """Run the DAG once in a real Airflow.

    :param place: where the demo works.
    :param emulator: the tenant.
    :param dialect: which kind of tenant it is.
    :param to_cancel: the orders that ought to end canceled, for the progress shown.
    :raises DemoError: when Airflow says that the run did not succeed.
    """
    connections = place.connections(
        oms_url=emulator.url,
        tenant=emulator.tenant,
        login=emulator.client_id,
        password=emulator.client_secret,
        **dialect.extra,
    )
    environment = place.environment() | {
        f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(fields)
        for conn_id, fields in connections.items()
    }

    def progress() -> str:
        orders = emulator.orders()
        canceled = sum(is_canceled(dialect.state_in(orders[order_id])) for order_id in to_cancel)
        return f"{canceled} of {len(to_cancel)} flagged orders are canceled"

    print(f"Airflow's own log: {place.shown(place.airflow_log)}")
    with step("Prepare Airflow's database"):
        run_airflow(place, ["db", "migrate"], environment)
    with step(f"Run the DAG {DAG_ID}"):
        conf = ["--conf", json.dumps(dialect.conf)] if dialect.conf else []
        run_airflow(place, ["dags", "test", DAG_ID, *conf], environment, progress)


def run_airflow(
    place: Workplace,
    arguments: list[str],
    environment: dict[str, str],
    progress: Callable[[], str] = str,
) -> None:
    """Run an ``airflow`` command to its end.

    :param place: where the demo works.
    :param arguments: the arguments after ``airflow``.
    :param environment: the whole environment of the command.
    :param progress: asked now and then while it runs; a changed answer is shown.
    :raises DemoError: when it fails.
    """
    sessions: list[Session] = []
    log = place.airflow_log
    try:
        command = [*AIRFLOW, *arguments]
        process = launch(command, environment, place.directory, log, sessions.append)
        _watch(process, progress)
    finally:
        end(sessions)
    if process.returncode:
        named = f"airflow {' '.join(arguments)}"
        raise DemoError(f"{last_lines(log)}\n\n{named} failed with status {process.returncode}.")


def _watch(process: Popen[bytes], progress: Callable[[], str]) -> None:
    started = asked = time.monotonic()
    shown = ""
    while process.poll() is None:
        time.sleep(0.2)
        now = time.monotonic()
        if now - asked < SECONDS_BETWEEN_SIGNS_OF_LIFE:
            continue
        asked, told = now, progress()
        if told != shown:
            print(f"  {now - started:4.0f} s: {told}", flush=True)
            shown = told


def look(
    orders: list[DemoOrder],
    before: dict[int, str],
    emulator: EmulatorProcess,
    dialect: Dialect,
    reported: dict[str, str],
) -> tuple[list[Seen], dict[int, int]]:
    """Return the present facts about every order, and cancels for unknown orders."""
    now = emulator.orders()
    posts = Counter(request["order_id"] for request in emulator.requests(call="cancel"))
    seen = [
        Seen(
            order,
            before=before[order.order_id],
            after=dialect.state_in(now[order.order_id]),
            posts=posts.pop(order.order_id, 0),
            reported=reported.pop(order.name, None),
        )
        for order in orders
    ]
    return seen, dict(posts)


def demo(place: Workplace, dialect: Dialect = TRANSLATED) -> int:
    """Run the demo, and return its exit status.

    :param place: where it works.
    :param dialect: the kind of tenant that it shows.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(place.reserved())
        place.wipe()
        with step("Start a local OMS and a table of fraud verdicts"):
            emulator = stack.enter_context(EmulatorProcess(db=place.orders))
            orders = place.fill(dialect)
            emulator.load_orders([order.as_loaded() for order in orders])
        known = emulator.orders().items()
        before = {order_id: dialect.state_in(order) for order_id, order in known}
        run_dag(place, emulator, dialect, {order.order_id for order in orders if order.to_cancel})
        reported = reported_outcomes(place.verdicts)
        seen, strays = look(orders, before, emulator, dialect, reported)
    print(f"\n{table(seen)}\n\n{notes(seen)}\n\n{totals(seen)}\n")
    found = disagreements(seen, strays)
    canceled = sum(one.order.to_cancel for one in seen)
    if found:
        print("\n".join(found))
        print(f"FAILED: {len(found)} disagreements with the local OMS, listed above.")
        return 1
    print(
        f'The local OMS agrees: the {canceled} orders whose latest verdict is "rejected" are '
        f"canceled, and nothing was sent for the other {len(seen) - canceled}. "
        f"That took {time.monotonic() - started:.0f} s.\n"
    )
    print(
        WHAT_NEXT.format(verdicts=place.shown(place.verdicts), log=place.shown(place.airflow_log))
    )
    return 0


def main() -> int:
    """Run the demo; say in one line why, should it end early."""
    parser = argparse.ArgumentParser(prog="python -m demo")
    parser.add_argument("dialect", nargs="?", choices=DIALECTS, default="translated")
    dialect = DIALECTS[parser.parse_args().dialect]
    let_signals_interrupt()
    try:
        return demo(PLACE, dialect)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
