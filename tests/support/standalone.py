"""A real Airflow with its scheduler, for tests of what `dags test` does not do: kills and retries.

It runs in a separate session and is driven over its REST API, as a person's browser does it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
from features import has
from patience import wait_until

from demo import standalone
from demo.processes import launch
from demo.terminal import last_lines
from demo.workplace import AIRFLOW

SECONDS_TO_READ_A_DAG = 120.0
_ENDS = ("success", "failed", "skipped", "upstream_failed")


def _is_triggerer(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        words = " ".join(process.cmdline())
        return "airflow" in words and "triggerer" in words
    return False


class Standalone(standalone.Standalone):
    """Run all of Airflow for the length of a `with` block, and look after its tasks."""

    @property
    def home(self) -> Path:
        """Return its AIRFLOW_HOME."""
        return self._home

    def kill_triggerer(self) -> None:
        """End the triggerer and all that it has started with `kill -9`."""
        # It changes its title, in which `airflow triggerer` stays.
        parts = [p for p in self.processes() if _is_triggerer(p)]
        if not parts:
            raise AssertionError("no triggerer is among this Airflow's processes")
        for part in [child for p in parts for child in p.children(recursive=True)] + parts:
            with contextlib.suppress(psutil.NoSuchProcess):
                part.kill()
        psutil.wait_procs(parts, timeout=10)

    def start_triggerer(self) -> None:
        """Start a triggerer in place of the one that was killed."""
        launch(
            [*AIRFLOW, "triggerer"],
            self._environment,
            self._home,
            self._home / "triggerer.log",
            self._sessions.append,
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of Airflow's own commands to its end.

        :param arguments: the arguments after `airflow`.
        """
        return subprocess.run(
            [*AIRFLOW, *arguments],
            # On Python 3.14 Airflow would log where the output is.
            env={**self._environment, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"},
            cwd=self._home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def trigger(self, dag_id: str, conf: Mapping[str, Any], *, task_id: str) -> TaskInRun:
        """Start a run of a DAG, and return one of its tasks.

        :param dag_id: the DAG; its file may not have been read yet.
        :param conf: the run's configuration.
        :param task_id: the task.
        """
        run_id = self.start_run(dag_id, conf, patience=SECONDS_TO_READ_A_DAG)
        return TaskInRun(self, dag_id, run_id, task_id)


@dataclass(frozen=True)
class TaskInRun:
    """Look after one task of one run.

    :param airflow: the Airflow that runs it.
    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task.
    """

    airflow: Standalone
    dag_id: str
    run_id: str
    task_id: str

    @property
    def _path(self) -> str:
        return f"/api/v2/dags/{self.dag_id}/dagRuns/{self.run_id}/taskInstances/{self.task_id}"

    def now(self) -> dict[str, Any]:
        """Return what Airflow knows about the task."""
        known: dict[str, Any] = self.airflow.api.ask("GET", self._path)
        return known

    def wait_for_end(self, timeout: float = 150) -> dict[str, Any]:
        """Return Airflow's record of the task once it has finally ended.

        :param timeout: seconds to wait at most.
        """
        self._wait(lambda: self.now()["state"] in _ENDS, timeout)
        return self.now()

    def tries(self) -> list[tuple[int, str]]:
        """Return the number and the state of each attempt."""
        return [(one["try_number"], one["state"]) for one in self.attempts()]

    def attempts(self) -> list[dict[str, Any]]:
        """Return what Airflow knows about each attempt, the first one first."""
        known: list[dict[str, Any]] = self.airflow.api.ask("GET", f"{self._path}/tries")[
            "task_instances"
        ]
        return sorted(known, key=lambda one: int(one["try_number"]))

    def process(self) -> psutil.Process:
        """Return the process that the task runs in."""
        pid = self.now()["pid"]
        found = [process for process in self.airflow.processes() if process.pid == pid]
        if len(found) != 1:
            raise AssertionError(f"process {pid} is none of this Airflow's")
        return found[0]

    def kill(self) -> None:
        """End the task's process with `kill -9`, which nothing in it can notice."""
        os.kill(self.process().pid, signal.SIGKILL)

    def mark_failed(self) -> None:
        """Act as the UI's button "mark as failed", and wait until the run has failed too."""
        self.airflow.api.ask("PATCH", self._path, {"new_state": "failed"})
        # A scheduler that is failing the run at this moment would undo a clear.
        self._wait(lambda: self._run_state() == "failed", 150)

    def clear(self, *, keep_state: bool = True) -> None:
        """Act as the UI's button "clear task".

        :param keep_state: whether to tick "Keep task state and resume", where the UI has that.
        """
        body = {
            "dry_run": False,
            "dag_run_id": self.run_id,
            "task_ids": [self.task_id],
            "only_failed": False,
            "reset_dag_runs": True,
        }
        if has("clears that discard a task's state"):
            body["keep_task_state"] = keep_state
        self.airflow.api.ask("POST", f"/api/v2/dags/{self.dag_id}/clearTaskInstances", body)

    def log_of(self, try_number: int) -> list[str]:
        """Return the messages that an attempt logged.

        :param try_number: which attempt, from 1.
        """
        answer = self.airflow.api.ask("GET", f"{self._path}/logs/{try_number}")
        return [entry["event"] for entry in answer["content"]]

    def wait_for_log(self, words: str, *, try_number: int = 1, timeout: float = 150) -> str:
        """Return the log of an attempt, once the words are there: the end of it comes after the
        state.

        :param words: the words to wait for.
        :param try_number: which attempt, from 1.
        :param timeout: seconds to wait at most.
        """
        self._wait(lambda: words in "\n".join(self.log_of(try_number)), timeout)
        return "\n".join(self.log_of(try_number))

    def result(self) -> Any:
        """Return the task's return value."""
        entry = self.airflow.api.ask(
            "GET", f"{self._path}/xcomEntries/return_value?stringify=false"
        )
        return entry["value"]

    def links(self) -> dict[str, str | None]:
        """Return the addresses behind the task's buttons in the web UI, by their names."""
        found: dict[str, str | None] = self.airflow.api.ask("GET", f"{self._path}/links")[
            "extra_links"
        ]
        return found

    def sibling(self, task_id: str) -> TaskInRun:
        """Return another task of the same run.

        :param task_id: the task.
        """
        return replace(self, task_id=task_id)

    def question(self, timeout: float = 150) -> dict[str, Any]:
        """Return the task's question to a person, once it waits for an answer.

        :param timeout: seconds to wait at most.
        """
        self.wait_until_it_rests(timeout)
        return self.response()

    def wait_until_it_rests(self, timeout: float = 150) -> None:
        """Wait until the task has stopped to wait for a person or in the triggerer.

        :param timeout: seconds to wait at most.
        """
        # Before Airflow 3.3 a task that waits for a person is deferred.
        self._wait(lambda: self.now()["state"] in ("awaiting_input", "deferred"), timeout)
        # The scheduler takes a task for failed that goes on before it has seen it stop.
        self._wait(self._has_been_seen_to_stop, timeout)

    def response(self) -> dict[str, Any]:
        """Return the task's question, and the answer and its author, if there is one."""
        answer: dict[str, Any] = self.airflow.api.ask("GET", f"{self._path}/-1/hitlDetails")
        return answer

    def respond(self, option: str) -> None:
        """Answer as a person does in the web UI.

        :param option: what to choose.
        """
        body = {"chosen_options": [option], "params_input": {}}
        self.airflow.api.ask("PATCH", f"{self._path}/-1/hitlDetails", body)

    def wait_for_run(self, timeout: float = 150) -> str:
        """Return the state of the task's run once it is over.

        :param timeout: seconds to wait at most.
        """
        self._wait(lambda: self._run_state() in ("success", "failed"), timeout)
        return self._run_state()

    def _has_been_seen_to_stop(self) -> bool:
        wanted = ("Received executor event", f"'{self.task_id}'", f"'{self.run_id}'")
        with self.airflow.log.open(encoding="utf-8") as lines:
            return any(all(words in line for words in wanted) for line in lines)

    def _run_state(self) -> str:
        run = self.airflow.api.ask("GET", f"/api/v2/dags/{self.dag_id}/dagRuns/{self.run_id}")
        return str(run["state"])

    def _wait(self, is_so: Callable[[], bool], timeout: float) -> None:
        wait_until(is_so, timeout, self._describe)

    def _describe(self) -> str:
        return (
            f"the task is {self.now()['state']}, the run is {self._run_state()}; Airflow said "
            f"last:\n{last_lines(self.airflow.log)}"
        )
