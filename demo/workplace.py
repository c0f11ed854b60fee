"""Where a demo works: its directory, its environment, its steps and the processes it starts.

Nothing of the developer's own Airflow gets in, and nothing started here outlives the demo.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DAG_ID = "cancel_fraud_flagged_orders"
_FIRST_SIGN_AFTER = 5.0
_PATIENCE_WITH_THE_ENDING = 10.0


class DemoError(Exception):
    """Say, in one sentence for the person at the terminal, why the demo cannot go on."""


class Workplace:
    """Hold a demo's own directory and what Airflow needs to work in it.

    :param name: the directory's name under the repository.
    """

    def __init__(self, name: str) -> None:
        self.directory = REPOSITORY / name
        self.verdicts = self.directory / "fraud.db"
        self.orders = self.directory / "oms.db"
        self.airflow_home = self.directory / "airflow"

    def wipe(self) -> None:
        """Begin with nothing of an earlier run."""
        if self.directory.exists():
            shutil.rmtree(self.directory)
        self.airflow_home.mkdir(parents=True)

    def shown(self, path: Path) -> str:
        """Return a path as a person at the repository's root would type it."""
        return str(path.relative_to(REPOSITORY))

    def environment(self) -> dict[str, str]:
        """Return the environment for Airflow: its home here, and nothing of another Airflow."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")
        }
        # Airflow starts its own parts by the name `airflow`.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        return {
            **inherited,
            "PATH": path,
            "AIRFLOW_HOME": str(self.airflow_home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "example_dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # A proxy has no business between two programs on this machine.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def connections(
        self, *, oms_url: str, tenant: str, login: str, password: str
    ) -> dict[str, dict[str, str]]:
        """Return the two connections of the demo by their ids, as Airflow's REST API takes them.

        :param oms_url: the emulator's address.
        :param tenant: the emulator's tenant.
        :param login: the emulator's client id.
        :param password: the emulator's client secret.
        """
        return {
            "oms_default": {
                "conn_type": "oms",
                "host": oms_url,
                "login": login,
                "password": password,
                "extra": json.dumps({"tenant_id": tenant, "environment": "sandbox"}),
            },
            "fraud_db": {"conn_type": "sqlite", "host": str(self.verdicts)},
        }


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show a step's name when it begins, and how long it took when it ends.

    :param name: what is being done.
    """
    print(f"{name} …", flush=True)
    started = time.monotonic()
    yield
    print(f"  done after {time.monotonic() - started:.1f} s", flush=True)


def run_airflow(
    arguments: list[str],
    environment: dict[str, str],
    log: Path,
    progress: Callable[[], str] | None = None,
) -> int:
    """Run an ``airflow`` command to its end, and return its exit status.

    :param arguments: what comes after ``airflow``.
    :param environment: the whole environment of the command.
    :param log: the file that its output is added to.
    :param progress: asked now and then while it runs; a changed answer is shown.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", *arguments],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _watch(process, progress)
            return process.wait()
        finally:
            end_session(process)


def _watch(process: subprocess.Popen[bytes], progress: Callable[[], str] | None) -> None:
    started = time.monotonic()
    shown = ""
    while process.poll() is None:
        time.sleep(0.5)
        elapsed = time.monotonic() - started
        told = progress() if progress else ""
        if told != shown and elapsed >= _FIRST_SIGN_AFTER:
            print(f"  {elapsed:4.0f} s: {told}", flush=True)
            shown = told


def end_session(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session, and everything it started there.

    :param process: a process that was started with ``start_new_session``.
    """
    _signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(_PATIENCE_WITH_THE_ENDING)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # all of it has ended


def last_lines(log: Path, count: int = 25) -> str:
    """Return the end of a log file, for the person who has to find out what went wrong.

    :param log: the file.
    :param count: how many lines.
    """
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def stop_on_sigterm() -> None:
    """Let SIGTERM end this process the way Ctrl-C does, so that it clears up after itself."""
    signal.signal(signal.SIGTERM, _raise_exit)


def _raise_exit(number: int, _: object) -> None:
    raise SystemExit(128 + number)
