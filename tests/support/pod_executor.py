"""An executor that runs each task as Airflow's KubernetesExecutor does, with a directory for a pod.

Its processes, and its reading of a pod's end, follow KubernetesExecutor and PodGenerator of
apache-airflow-providers-cncf-kubernetes. A scheduler imports it, so it imports no test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.executors.base_executor import BaseExecutor

#: Names the directory in which each pod gets a separate one.
PODS = "OMS_TEST_PODS"
#: Variables of an image and a pod template: no database, no secret, no connection.
IMAGE = ("PATH", "PYTHONPATH", "LANG", "no_proxy", "NO_PROXY")


class PodExecutor(BaseExecutor):
    """Start `execute_workload` for each task, in an empty home and without the cluster's settings.

    A pod writes `pid` when it begins, and `ended.json` with `status` and `cpu_seconds` is written
    when it has ended.
    """

    # `airflow standalone` takes no other one.
    is_local = True

    def start(self) -> None:
        """Begin without pods."""
        self._pods: dict[int, tuple[Any, Path]] = {}

    def _process_workloads(self, workload_items: Sequence[Any]) -> None:
        for workload in workload_items:
            key = workload.key
            del self.queued_tasks[key]
            self.running.add(key)
            home = Path(os.environ[PODS]) / f"{key.run_id}-{key.try_number}"
            home.mkdir(parents=True)
            pid = _start(workload.model_dump_json(), home)
            self._pods[pid] = (key, home)

    def sync(self) -> None:
        """Take note of the pods that have ended, as the watcher of a cluster does."""
        for pid, (key, home) in [*self._pods.items()]:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if not ended:
                continue
            del self._pods[pid]
            code = os.waitstatus_to_exitcode(status)
            cpu_seconds = usage.ru_utime + usage.ru_stime
            # A pod whose disk is gone leaves nothing.
            if home.exists():
                told = json.dumps({"status": code, "cpu_seconds": cpu_seconds})
                (home / "ended.json").write_text(told, encoding="utf-8")
            (self.fail if code else self.success)(key)

    def revoke_task(self, *, ti: Any) -> None:
        """Leave a pod alone whose node does not answer."""

    def end(self) -> None:
        """Leave the pods to the session that they are in, which ends with Airflow."""

    def terminate(self) -> None:
        """Leave the pods to the session that they are in, which ends with Airflow."""


def _start(workload: str, home: Path) -> int:
    environment = {name: os.environ[name] for name in IMAGE if name in os.environ}
    environment |= {
        "HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": conf.get_mandatory_value("core", "dags_folder"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": conf.get_mandatory_value(
            "core", "execution_api_server_url"
        ),
        # A worker has none in Airflow's own chart: it must not be needed.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/airflow.db",
        "AIRFLOW_IS_K8S_EXECUTOR_POD": "True",
    }
    module = "airflow.sdk.execution_time.execute_workload"
    with (home / "stdout.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--json-string", workload],
            env=environment,
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A signal to a pod reaches its first process group: the image's `dumb-init` does that.
            process_group=0,
        )
    (home / "pid").write_text(str(process.pid), encoding="utf-8")
    # Its end is taken by `wait4`, which tells its processor time too.
    process.returncode = 0
    return process.pid
