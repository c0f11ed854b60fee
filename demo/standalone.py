"""All of Airflow on this machine, `airflow standalone`, next to whatever else runs here.

How its processes are started and ended is the business of `processes`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psutil
import requests

from demo.processes import free_port, running
from demo.terminal import DemoError
from demo.workplace import AIRFLOW, airflow_environment

ADMIN = "admin"
_PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
_SECONDS_PER_CALL = 180
_SECONDS_TO_START = 240.0
_SECONDS_OF_LOCKS = 60.0


def settings_for(port: int) -> dict[str, str]:
    """Return the settings by which no other Airflow on this machine is in the way.

    :param port: the port for its API and its web UI, on the loopback interface only.
    """
    address = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        # Without it, a response does not tell that SQLite was too busy for the call.
        "AIRFLOW__API__EXPOSE_STACKTRACE": "True",
        # As many workers are forked at once, however few tasks there are.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
    }


def _is_locked(answer: requests.Response) -> bool:
    is_fault_of_its_own = answer.status_code >= requests.codes.server_error
    return is_fault_of_its_own and "database is locked" in answer.text.lower()


class AirflowApi:
    """Ask an Airflow over its REST API, as its administrator.

    :param home: its AIRFLOW_HOME, where it puts the password that it makes up.
    """

    def __init__(self, address: str, home: Path) -> None:
        self.address = address
        self._passwords = home / "simple_auth_manager_passwords.json.generated"
        self._session = requests.Session()
        # A proxy has no business between two programs on this machine.
        self._session.trust_env = False

    def password_of(self, user: str) -> str:
        return str(json.loads(self._passwords.read_text(encoding="utf-8"))[user])

    def is_healthy(self) -> bool:
        try:
            answer = self._session.get(f"{self.address}/api/v2/monitor/health", timeout=5)
            parts = answer.json()
        except (requests.RequestException, ValueError):
            return False
        return all(parts[name]["status"] == "healthy" for name in _PARTS)

    def log_in(self) -> None:
        """Get the token that every call needs."""
        body = {"username": ADMIN, "password": self.password_of(ADMIN)}
        token = self.ask("POST", "/auth/token", body)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None, *, patience: float = 0) -> Any:
        """Return what Airflow answers to a call.

        :param body: sent as JSON; ``None`` for none.
        :param patience: seconds to ask again while Airflow does not know the object asked for,
            such as a DAG whose file it has not read yet. A call that its SQLite was too busy for
            is made again for a minute in any case.
        """
        asked_at = time.monotonic()
        while True:
            answer = self._session.request(
                method, f"{self.address}{path}", json=body, timeout=_SECONDS_PER_CALL
            )
            if answer.ok:
                return answer.json() if answer.content else None
            limit = _SECONDS_OF_LOCKS if _is_locked(answer) else 0.0
            if answer.status_code == requests.codes.not_found:
                limit = patience
            if time.monotonic() - asked_at >= limit:
                raise DemoError(
                    f"Airflow refused {method} {path}: {answer.status_code} {answer.text}"
                )
            time.sleep(0.5)

    def start_run(self, dag_id: str, conf: Mapping[str, Any], *, patience: float) -> str:
        """Start a run of a DAG, and return its id.

        :param patience: seconds to wait until the DAG's file has been read.
        """
        body = {"logical_date": None, "conf": dict(conf)}
        run = self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", body, patience=patience)
        return str(run["dag_run_id"])


class Standalone:
    """Run all of Airflow for the length of a `with` block.

    :param connections: the connections by their ids, as the REST API takes them.
    """

    def __init__(
        self,
        home: Path,
        dags: Path,
        connections: Mapping[str, Mapping[str, object]],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._home = home
        self._environment = {
            **airflow_environment(home, dags, connections),
            **settings_for(free_port()),
            **(settings or {}),
        }
        self.log = home / "standalone.log"
        self.api = AirflowApi(self._environment["AIRFLOW__API__BASE_URL"], home)
        self.start_run = self.api.start_run
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._sessions = stack.enter_context(
                running(
                    [*AIRFLOW, "standalone"],
                    self._environment,
                    self.log,
                    name="Airflow",
                    ready=self.api.is_healthy,
                    limit=_SECONDS_TO_START,
                )
            )
            self.api.log_in()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def processes(self) -> list[psutil.Process]:
        return [process for session in self._sessions for process in session.processes()]
