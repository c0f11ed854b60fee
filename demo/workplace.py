"""Where a demo works: its own directory, and an Airflow that knows nothing of any other.

`processes` starts the programs there.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.data import DemoOrder, create_verdicts, demo_orders
from demo.dialects import TRANSLATED, Dialect
from demo.terminal import DemoError

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLE_DAGS = REPOSITORY / "example_dags"
DAG_ID = "cancel_fraud_flagged_orders"
AIRFLOW = [sys.executable, "-m", "airflow"]


def airflow_environment(home: Path, dags: Path) -> dict[str, str]:
    """Return the environment for an Airflow that takes nothing over from another one.

    :param home: its AIRFLOW_HOME.
    :param dags: the folder with its DAG files.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")
    }
    # Airflow starts its own parts by the name `airflow`.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        **inherited,
        "PATH": path,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # A proxy has no business between two programs on this machine.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


class Workplace:
    """Hold a demo's own directory and its content.

    :param directory: the directory; nothing else may be in it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.verdicts = directory / "fraud.db"
        self.orders = directory / "oms.db"
        self.airflow_home = directory / "airflow_home"
        self.airflow_log = directory / "airflow.log"

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Work here alone: a second demo would wipe the directory under the first.

        :raises DemoError: when another one is at work here.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            self._lock(handle)
            yield
        finally:
            os.close(handle)

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(
                f"Another one is at work in {self.directory.name}; wait for it, or interrupt it."
            ) from None

    def wipe(self) -> None:
        """Begin with nothing of an earlier run."""
        # The directory itself stays: it carries the reservation.
        for entry in self.directory.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.airflow_home.mkdir()

    def fill(self, dialect: Dialect = TRANSLATED) -> list[DemoOrder]:
        """Write the table of verdicts, print its content, and return the tenant's orders.

        :param dialect: the kind of tenant.
        """
        orders = demo_orders(dialect)
        rows = create_verdicts(self.verdicts, orders)
        rejected = sum(order.to_cancel for order in orders)
        print(f"  {len(orders)} orders, {rows} verdicts; {rejected} orders ought to end canceled")
        return orders

    def shown(self, path: Path) -> str:
        """Return a path as a person in the directory above would type it."""
        return str(path.relative_to(self.directory.parent))

    def environment(self) -> dict[str, str]:
        """Return the environment for this demo's Airflow, which runs the example DAGs."""
        return airflow_environment(self.airflow_home, EXAMPLE_DAGS)

    def connections(
        self, *, oms_url: str, tenant: str, login: str, password: str, **extra: object
    ) -> dict[str, dict[str, str]]:
        """Return the two connections of the demo by their ids, as Airflow's REST API takes them.

        :param oms_url: the emulator's address.
        :param tenant: the emulator's tenant.
        :param login: the emulator's client id.
        :param password: the emulator's client secret.
        :param extra: more of the extra fields of the connection to it.
        """
        return {
            "oms_default": oms_connection(oms_url, tenant, login, password, **extra),
            "fraud_db": {"conn_type": "sqlite", "host": str(self.verdicts)},
        }


def oms_connection(
    url: str, tenant: str, login: str, password: str, **extra: object
) -> dict[str, str]:
    """Return a connection to an emulator, as Airflow's REST API takes it.

    :param url: the emulator's address.
    :param tenant: its tenant.
    :param login: its client id.
    :param password: its client secret.
    :param extra: more of the connection's extra fields.
    """
    return {
        "conn_type": "oms",
        "host": url,
        "login": login,
        "password": password,
        "extra": json.dumps({"tenant_id": tenant, "environment": "sandbox", **extra}),
    }
