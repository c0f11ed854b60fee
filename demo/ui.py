"""`python -m demo.ui start|stop`: the demo's set-up in Airflow's web UI, left running.

`start` leaves `python -m demo.ui serve` in the background, which runs both servers. As long as it
runs, it holds the reservation of the directory, so that its number there is of no other program.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.data import DAG_ID, connections, create_verdicts, demo_orders
from demo.processes import Session, free_port, launch, wait_until
from demo.standalone import ADMIN, Standalone, settings_for
from demo.terminal import DemoError, exit_status, step, undisturbed
from demo.workplace import EXAMPLE_DAGS, REPOSITORY, Workplace

PLACE = Workplace(REPOSITORY / ".demo-ui")
SERVE = [sys.executable, "-m", "demo.ui", "serve"]
# Several times the duration of a first start on a small machine.
_SECONDS_TO_START = 300.0
_SECONDS_FOR_THE_DAGS = 60.0
_SECONDS_TO_STOP = 60.0
_FAREWELL = """
Airflow     {airflow}
            log in as {user} with the password {password}
Local OMS   {oms}/_emulator/orders
            the result of every order

Trigger the DAG {dag}: it cancels the orders that a fraud check
rejected. Trigger it again: it finds nothing left to cancel. Its hourly schedule is off here.
Trigger the DAG cancel_order to cancel one order by hand, 3000030 for example.
Under Admin, Connections, oms_default leads to the local OMS; its Test button works.

make demo-ui-stop ends both."""


def start(place: Workplace) -> None:
    """Start the emulator and Airflow, unless they run already, and say how to use them.

    :raises DemoError: when one of them does not start; nothing is left running then.
    """
    message = place.directory / "message"
    try:
        with place.reserved():
            place.wipe()
    except DemoError:
        if not message.exists():
            raise
        print("It runs already.")
    else:
        with step("Start a local OMS and Airflow's web UI, which takes about a minute"):
            _start(message)
    print(message.read_text(encoding="utf-8"))


def _start(message: Path) -> None:
    sessions: list[Session] = []
    log = message.with_name("demo.log")
    try:
        process = launch(SERVE, dict(os.environ), REPOSITORY, log, sessions.append)
        wait_until(message.exists, process, name="The demo", log=log, limit=_SECONDS_TO_START)
    except BaseException:
        for session in sessions:
            _end(session.id)
        raise


def _end(pid: int) -> None:
    """Let the program in the background end its servers, and wait until it has done that."""
    with undisturbed(), suppress(psutil.NoSuchProcess):
        program = psutil.Process(pid)
        program.terminate()
        program.wait(_SECONDS_TO_STOP)


def stop(place: Workplace) -> None:
    """End everything that `start` left running; do nothing when that is nothing."""
    try:
        with place.reserved():
            print("Nothing was running.")
    except DemoError:
        _end(int((place.directory / "pid").read_text(encoding="utf-8")))
        print("Ended both; nothing is left running.")


def serve(place: Workplace) -> int:
    """Run both servers until this process is interrupted."""
    with place.reserved():
        (place.directory / "pid").write_text(str(os.getpid()), encoding="utf-8")
        with servers(place.directory) as farewell:
            draft = place.directory / "draft"
            draft.write_text(farewell, encoding="utf-8")
            draft.rename(place.directory / "message")
            signal.pause()
    return 0


@contextmanager
def servers(directory: Path) -> Iterator[str]:
    """Run the emulator and Airflow for the length of a `with` block, and tell how to use them."""
    home, verdicts, orders = directory / "airflow_home", directory / "fraud.db", demo_orders()
    home.mkdir()
    create_verdicts(verdicts, orders)
    settings = settings_for(free_port(8080)) | {
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        # A run that starts by itself would leave nothing for the one that is triggered by hand.
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    }
    with EmulatorProcess() as oms, Standalone(home, EXAMPLE_DAGS, {}, settings) as airflow:
        oms.load_orders([order.as_loaded() for order in orders])
        # The link of a task leads to its order.
        admin_url = f"{oms.url}/_emulator/orders/{{order_id}}"
        for conn_id, fields in connections(oms, verdicts, admin_url=admin_url).items():
            airflow.api.ask("POST", "/api/v2/connections", {"connection_id": conn_id, **fields})
        airflow.api.ask("GET", f"/api/v2/dags/{DAG_ID}", patience=_SECONDS_FOR_THE_DAGS)
        yield _FAREWELL.format(
            airflow=airflow.api.address,
            user=ADMIN,
            password=airflow.api.password_of(ADMIN),
            oms=oms.url,
            dag=DAG_ID,
        )


def main() -> int:
    """Start or stop; say in one line why, should it not work."""
    parser = argparse.ArgumentParser(prog="python -m demo.ui", description=__doc__)
    parser.add_argument("what", choices=("start", "stop", "serve"))
    work = {"start": start, "stop": stop, "serve": serve}[parser.parse_args().what]
    return exit_status(lambda: work(PLACE) or 0)


if __name__ == "__main__":
    sys.exit(main())
