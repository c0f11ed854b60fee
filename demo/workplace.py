"""Where a program works: its own directory, and an Airflow that knows nothing of any other."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.terminal import DemoError

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLE_DAGS = REPOSITORY / "example_dags"
AIRFLOW = [sys.executable, "-m", "airflow"]


def airflow_environment(
    home: Path, dags: Path, connections: Mapping[str, Mapping[str, object]] | None = None
) -> dict[str, str]:
    """Return the environment for an Airflow that takes nothing over from another one.

    :param connections: the connections by their ids, as the REST API takes them.
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
        **{
            f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(fields)
            for conn_id, fields in (connections or {}).items()
        },
    }


class Workplace:
    """Hold a program's own directory, in which nothing else may be."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Work here alone: a second program would wipe the directory under the first.

        :raises DemoError: when another one is at work here.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                place = self.directory.name
                raise DemoError(
                    f"Another one is at work in {place}; wait for it, or interrupt it."
                ) from None
            yield
        finally:
            os.close(handle)

    def wipe(self) -> None:
        # The directory itself stays: it carries the reservation.
        for entry in self.directory.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def oms_connection(oms: EmulatorProcess, **extra: object) -> dict[str, str]:
    return {
        "conn_type": "oms",
        "host": oms.url,
        "login": oms.client_id,
        "password": oms.client_secret,
        "extra": json.dumps({"tenant_id": oms.tenant, "environment": "sandbox", **extra}),
    }
