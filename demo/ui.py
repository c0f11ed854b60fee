"""`python -m demo.ui`: the demo's set-up in Airflow's web UI, until you press Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.data import DAG_ID, connections, create_verdicts, demo_orders
from demo.processes import free_port
from demo.standalone import ADMIN, Standalone, settings_for
from demo.terminal import exit_status
from demo.workplace import EXAMPLE_DAGS, REPOSITORY, Workplace

PLACE = Workplace(REPOSITORY / ".demo-ui")
_SECONDS_FOR_THE_DAGS = 60.0
_HOW_TO_USE_IT = """
Airflow     {airflow}
            log in as {user} with the password {password}
Local OMS   {oms}/_emulator/orders
            the result of every order

Trigger the DAG {dag}: it cancels the orders that a fraud check
rejected. Trigger it again: it finds nothing left to cancel. Its hourly schedule is off here.
Trigger the DAG cancel_order to cancel one order by hand, 3000030 for example.
Under Admin, Connections, oms_default leads to the local OMS; its Test button works.

Ctrl-C ends both."""


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
        yield _HOW_TO_USE_IT.format(
            airflow=airflow.api.address,
            user=ADMIN,
            password=airflow.api.password_of(ADMIN),
            oms=oms.url,
            dag=DAG_ID,
        )


def show(place: Workplace) -> int:
    with place.reserved():
        place.wipe()
        print("Start a local OMS and Airflow's web UI, which takes about a minute …", flush=True)
        with servers(place.directory) as how_to_use_it:
            print(how_to_use_it, flush=True)
            signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(lambda: show(PLACE)))
