"""All of Airflow with CeleryExecutor, each part a separate program, as on several machines.

The parts share nothing but the database, the queue, the settings and the orders' directory: each
has its own AIRFLOW_HOME.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from demo.processes import Session, end, free_port, launch, run, running, wait_until
from demo.standalone import AirflowApi, settings_for
from demo.terminal import DemoError, last_lines
from demo.workplace import AIRFLOW, EXAMPLE_DAGS, REPOSITORY, airflow_environment

API_SERVER, SCHEDULER, TRIGGERER = "api-server", "scheduler", "triggerer"
DAG_PROCESSOR = "dag-processor"
DAGS = (
    EXAMPLE_DAGS / "cancel_in_chunks.py",
    REPOSITORY / "cluster" / "dags" / "wait_for_order.py",
)
_SECONDS_TO_START = 120.0
SETTINGS = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CORE__PARALLELISM": "8",
    # 300 s each by default: right for a real outage, too long to wait for here.
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "5",
    # Until a task that gave no sign of life is tried again. It has to be longer than the API server
    # is away at a restart, for the signs of life go there.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
    # 10 s by default.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    # One task at a time to a worker, so that a second worker is what makes a second chunk run.
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
    # A worker takes no task that it cannot begin: one that waits in a worker dies with it.
    "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
}


@contextmanager
def redis(program: str, directory: Path) -> Iterator[str]:
    """Run the queue of tasks for the length of a `with` block, and give its URI."""
    port, password = free_port(), secrets.token_hex(16)
    log, settings = directory / "redis.log", directory / "redis.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ''\ndir {directory}\n",
        encoding="utf-8",
    )
    with running(
        [program, str(settings)],
        dict(os.environ),
        log,
        name="Redis",
        ready=lambda: "Ready to accept connections" in log.read_text(encoding="utf-8"),
        limit=_SECONDS_TO_START,
    ):
        yield f"redis://:{password}@127.0.0.1:{port}/0"


class Cluster:
    """Run Airflow's parts, and end each of them when it is asked to, or at the end."""

    def __init__(self, directory: Path, database: str, queue: str) -> None:
        self._directory = directory
        self._dags = directory / "dags"
        self._parts: dict[str, tuple[Session, subprocess.Popen[bytes]]] = {}
        self._sessions: list[Session] = []
        self._settings = {
            **settings_for(free_port()),
            **SETTINGS,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__CELERY__BROKER_URL": queue,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
            # Each part would make up its own, and then trust no other.
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        self.api = AirflowApi(self._settings["AIRFLOW__API__BASE_URL"], directory / API_SERVER)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run everything but the workers, and end whatever runs at the end."""
        self._dags.mkdir()
        for path in DAGS:
            shutil.copy(path, self._dags)
        try:
            run([*AIRFLOW, "db", "migrate"], self._environment("migration"), self._log("migration"))
            for name in (API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER):
                self._start(name, name)
            self._wait_until_healthy()
            self.api.log_in()
            yield
        finally:
            end(self._sessions)

    def connect(self, fields: Mapping[str, str]) -> None:
        """Let `oms_default` lead to another tenant from now on."""
        entity = {"connection_id": "oms_default", **fields}
        create = {"action": "create", "entities": [entity], "action_on_existence": "overwrite"}
        self.api.ask("PATCH", "/api/v2/connections", {"actions": [create]})

    def start_worker(self, name: str) -> None:
        self._start(name, "celery", "worker", "--celery-hostname", f"{name}@%h")
        wait_until(
            lambda: " ready." in self._log(name).read_text(encoding="utf-8", errors="replace"),
            self._parts[name][1],
            name=f"The Celery worker {name}",
            log=self._log(name),
            limit=_SECONDS_TO_START,
        )

    def restart(self, name: str) -> float:
        """End a part in order and start it again, and return for how many seconds it was away."""
        began_at = time.monotonic()
        end([self._parts.pop(name)[0]])
        self._start(name, name)
        self._wait_until_healthy()
        return time.monotonic() - began_at

    def kill(self, name: str) -> int:
        """End a part and all that it has started with `kill -9`, and return how many there were."""
        processes = self._parts.pop(name)[0].processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)
        return len(processes)

    def part_of(self, pid: int) -> str | None:
        for name, (session, _) in self._parts.items():
            if any(process.pid == pid for process in session.processes()):
                return name
        return None

    def said(self, words: str) -> int:
        """Return how often the workers and their tasks have logged some words."""
        logs = self._directory.glob("worker-*/**/*.log")
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in logs)
        return sum(text.count(words) for text in texts)

    def _wait_until_healthy(self) -> None:
        wait_until(
            self._is_healthy,
            self._parts[API_SERVER][1],
            name="Airflow",
            log=self._log(API_SERVER),
            limit=_SECONDS_TO_START,
        )

    def _is_healthy(self) -> bool:
        for name, (_, process) in self._parts.items():
            if process.poll() is not None:
                raise DemoError(f"{last_lines(self._log(name))}\n\nThe {name} ended.")
        return self.api.is_healthy()

    def _log(self, name: str) -> Path:
        return self._directory / name / "output.log"

    def _environment(self, name: str) -> dict[str, str]:
        home = self._directory / name
        home.mkdir(exist_ok=True)
        return {
            **airflow_environment(home, self._dags),
            **self._settings,
            # Each part serves its tasks' logs at a separate port.
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        }

    def _start(self, name: str, *arguments: str) -> None:
        environment, log = self._environment(name), self._log(name)
        command = [*AIRFLOW, *arguments]
        process = launch(command, environment, log.parent, log, self._sessions.append)
        self._parts[name] = (self._sessions[-1], process)
