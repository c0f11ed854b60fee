"""All of Airflow with CeleryExecutor, each part a separate program, as on several machines.

The parts share nothing but the database, the queue, the settings and the orders' directory: each
has its own AIRFLOW_HOME.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.servers import Postgres, Redis
from demo.processes import Session, end, free_port, launch, wait_until
from demo.standalone import AirflowApi, settings_for
from demo.terminal import DemoError, last_lines
from demo.workplace import AIRFLOW, EXAMPLE_DAGS, REPOSITORY, airflow_environment

OWN_DAGS = REPOSITORY / "cluster" / "dags"
API_SERVER, SCHEDULER, TRIGGERER = "api-server", "scheduler", "triggerer"
DAG_PROCESSOR = "dag-processor"
_SECONDS_TO_START = 120.0
# Until a task that gave no sign of life is tried again. It has to be longer than the API server is
# away at a restart, for the signs of life go there.
HEARTBEAT_TIMEOUT = 45
SETTINGS = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    # 300 s each by default: right for a real outage, too long to wait for here.
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT),
    # 10 s by default.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    # One task at a time to a worker, so that a second worker is what makes a second chunk run.
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
    # A worker takes no task that it cannot begin: one that waits in a worker dies with it.
    "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
}


@dataclass(frozen=True)
class _Part:
    session: Session
    process: subprocess.Popen[bytes]


class Cluster:
    """Run Airflow's parts, and end each of them when it is asked to, or at the end.

    :param directory: where their logs and their homes go.
    :param postgres: the database.
    :param redis: the queue.
    """

    def __init__(self, directory: Path, postgres: Postgres, redis: Redis) -> None:
        self._directory = directory
        self._parts: dict[str, _Part] = {}
        self._sessions: list[Session] = []
        port = free_port()
        bundles = [
            {
                "name": name,
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(path)},
            }
            for name, path in (("deployed", EXAMPLE_DAGS), ("waiting", OWN_DAGS))
        ]
        self._settings = {
            **settings_for(port),
            **SETTINGS,
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{postgres.address}",
            "AIRFLOW__CELERY__BROKER_URL": redis.address,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql://{postgres.address}",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
            # Each part would make up its own, and then trust no other.
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        self.api = AirflowApi(self._settings["AIRFLOW__API__BASE_URL"], self._home(API_SERVER))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run everything but the workers, and end whatever runs at the end."""
        try:
            self._migrate()
            for name in (API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER):
                self._start(name, [name])
            self.wait_until_healthy()
            self.api.log_in()
            yield
        finally:
            end(self._sessions)

    def wait_until_healthy(self) -> None:
        """Wait until the API server answers and says that every other part is well."""
        wait_until(
            self._is_healthy,
            self._parts[API_SERVER].process,
            name="Airflow",
            log=self._log(API_SERVER),
            limit=_SECONDS_TO_START,
        )

    def connect(self, fields: Mapping[str, str]) -> None:
        """Let `oms_default` lead to another tenant from now on.

        :param fields: the connection's, as the REST API takes them.
        """
        entity = {"connection_id": "oms_default", **fields}
        create = {"action": "create", "entities": [entity], "action_on_existence": "overwrite"}
        self.api.ask("PATCH", "/api/v2/connections", {"actions": [create]})

    def start_worker(self, name: str) -> None:
        """Start a Celery worker, and wait until it takes tasks.

        :param name: what to call it.
        """
        part = self._start(name, ["celery", "worker", "--celery-hostname", f"{name}@%h"])
        wait_until(
            lambda: " ready." in self._log(name).read_text(encoding="utf-8", errors="replace"),
            part.process,
            name=f"The Celery worker {name}",
            log=self._log(name),
            limit=_SECONDS_TO_START,
        )

    def restart(self, name: str) -> float:
        """End a part in order and start it again, and return for how many seconds it was away.

        :param name: the part.
        """
        began_at = time.monotonic()
        end([self._parts.pop(name).session])
        self._start(name, [name])
        self.wait_until_healthy()
        return time.monotonic() - began_at

    def kill(self, name: str) -> int:
        """End a part and all that it has started with `kill -9`, and return how many there were.

        :param name: the part.
        """
        processes = self._parts.pop(name).session.processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)
        return len(processes)

    def part_of(self, pid: int) -> str | None:
        """Return the part that a process belongs to.

        :param pid: the process.
        """
        for name, part in self._parts.items():
            if any(process.pid == pid for process in part.session.processes()):
                return name
        return None

    def said(self, words: str) -> int:
        """Return how often the workers and their tasks have logged some words.

        :param words: the words.
        """
        logs = [*self._directory.glob("worker-*.log"), *self._directory.glob("worker-*/**/*.log")]
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in logs)
        return sum(text.count(words) for text in texts)

    def _is_healthy(self) -> bool:
        for name, part in self._parts.items():
            if part.process.poll() is not None:
                raise DemoError(f"{last_lines(self._log(name))}\n\nThe {name} ended.")
        return self.api.is_healthy()

    def _home(self, name: str) -> Path:
        return self._directory / name

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _environment(self, name: str) -> dict[str, str]:
        home = self._home(name)
        home.mkdir(exist_ok=True)
        # Each part serves its tasks' logs at a separate port.
        log_ports = {
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        }
        return {**airflow_environment(home, EXAMPLE_DAGS), **self._settings, **log_ports}

    def _start(self, name: str, arguments: list[str]) -> _Part:
        environment = self._environment(name)
        command = [*AIRFLOW, *arguments]
        process = launch(
            command, environment, self._home(name), self._log(name), self._sessions.append
        )
        part = self._parts[name] = _Part(self._sessions[-1], process)
        return part

    def _migrate(self) -> None:
        sessions: list[Session] = []
        name = "migration"
        try:
            command = [*AIRFLOW, "db", "migrate"]
            environment = self._environment(name)
            process = launch(
                command, environment, self._home(name), self._log(name), sessions.append
            )
            status = process.wait(_SECONDS_TO_START)
        finally:
            end(sessions)
        if status:
            raise DemoError(f"{last_lines(self._log(name))}\n\nairflow db migrate failed.")
