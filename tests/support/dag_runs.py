"""Run a DAG file's DAGs to their end in real Airflow, in this process, and look at the results.

Airflow starts its own task runner, XCom and connections as for `airflow dags test`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import backends
import pytest
from features import IS_AIRFLOW_2, has

from airflow_provider_oms.emulator.testing import EmulatorProcess

EXAMPLE_DAGS = Path(__file__).resolve().parents[2] / "example_dags"


def dagbags() -> Any:
    """Return the module in which this Airflow keeps its DagBag."""
    # From Airflow 3.2 on, the place that all others had warns of its end.
    new = "airflow.dag_processing.dagbag"
    return importlib.import_module(new if find_spec(new) else "airflow.models.dagbag")


def bag_of_folder(folder: Path, file: Path | None = None) -> Any:
    """Return the DAGs of a folder, read as Airflow 3 reads a bundle's.

    :param folder: where the files are.
    :param file: the one file to read, if not all.
    """
    kind = dagbags().DagBag
    known = inspect.signature(kind).parameters
    more = {"bundle_path": folder, "bundle_name": "dags-folder", "include_examples": False}
    return kind(dag_folder=file or folder, **{name: more[name] for name in more if name in known})


def store(bag: Any) -> None:
    """Put DAGs into Airflow's database, from where Airflow 3 runs them.

    :param bag: the DAGs.
    """
    keep_the_api_server()
    manager = importlib.import_module("airflow.dag_processing.bundles.manager")
    manager.DagBundlesManager().sync_bundles_to_db()
    # Until Airflow 3.1 a DagBag stored itself.
    if hasattr(bag, "sync_to_db"):
        bag.sync_to_db("dags-folder", None)
    else:
        dagbags().sync_bag_to_db(bag, "dags-folder", None)


def keep_the_api_server() -> None:
    """Let Airflow before 3.3 keep dag.test()'s API server; it would rebuild it for every task."""
    supervisor: Any = importlib.import_module("airflow.sdk.execution_time.supervisor")
    build = supervisor.in_process_api_server
    if not hasattr(build, "cache_info"):
        supervisor.in_process_api_server = functools.lru_cache(maxsize=1)(build)


def store_one(dag: Any) -> None:
    """Put a DAG that is in no file into Airflow's database.

    :param dag: the DAG.
    """
    bag = dagbags().DagBag(dag_folder=os.devnull, collect_dags=False)
    bag.bag_dag(dag)
    # Airflow 3.0 wants to know of every DAG where its file is.
    dag.relative_fileloc = getattr(dag, "relative_fileloc", None) or "none.py"
    store(bag)


def log_plainly() -> None:
    """Let Airflow 3.0 log a test's tasks as it logs a worker's.

    By itself it draws tracebacks in boxes there, and says everything that is for debugging only.
    """
    if IS_AIRFLOW_2 or has("a log of dag.test() that is like a worker's"):
        return
    structlog = importlib.import_module("structlog")
    plainly = structlog.dev.plain_traceback
    structlog.configure(
        processors=[structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plainly)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


@dataclass
class Run:
    """The results of a DAG run.

    :param state: the run's state.
    :param log: everything that Airflow and the tasks logged, in order.
    :param states: the states of each task, one for each mapped instance.
    :param results: the return values of each task, in the same form; None where there is none.
    :param names: the UI's names for the mapped instances of each task, in the same form.
    """

    state: str
    log: str
    states: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    results: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, list[str | None]] = field(default_factory=lambda: defaultdict(list))

    def last_words(self) -> list[str]:
        """Return the last line of each traceback: the line that a person reads about a failure."""
        return [line for line in self.log.splitlines() if line.startswith("airflow_provider_oms.")]


class DagFolder:
    """The DAGs of a folder, as the scheduler would see them.

    :param folder: where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bag = bag_of_folder(folder)
        if IS_AIRFLOW_2:
            self._bag.sync_to_db()
        else:
            store(self._bag)

    @property
    def import_errors(self) -> dict[str, str]:
        """Return the import errors, by file."""
        return dict(self._bag.import_errors)

    @property
    def dags(self) -> dict[str, Any]:
        """Return the DAGs by their ids."""
        return dict(self._bag.dags)

    def read(self, dag_id: str) -> Any:
        """Return a DAG read again from its file, as a worker reads it for each task.

        A run leaves its configuration in the DAG's params, where the next would find it.

        :param dag_id: which DAG.
        """
        file = Path(self._bag.dags[dag_id].fileloc)
        return bag_of_folder(self._folder, file).dags[dag_id]

    def run(self, dag_id: str, conf: dict[str, Any] | None, captured: Callable[[], str]) -> Run:
        """Run a DAG once, to its end.

        :param dag_id: which DAG.
        :param conf: the run's configuration, which replaces the DAG's params.
        :param captured: returns the log since it was last called.
        """
        captured()
        dag_run = self.read(dag_id).test(run_conf=conf)
        run = Run(str(dag_run.state), captured())
        for instance in sorted(dag_run.get_task_instances(), key=lambda one: one.map_index):
            run.states[instance.task_id].append(str(instance.state))
            run.names[instance.task_id].append(instance.rendered_map_index)
            run.results[instance.task_id].append(
                backends.pulled(
                    instance.xcom_pull(task_ids=instance.task_id, map_indexes=instance.map_index)
                )
            )
        return run


RunDag = Callable[..., Run]


def connect(monkeypatch: pytest.MonkeyPatch, tenant: EmulatorProcess, **changes: Any) -> None:
    """Set the connection `oms_default`; `changes` replace its fields, `extra` is merged."""
    extra = {"tenant_id": tenant.tenant, "environment": "sandbox", "settle_seconds": 1}
    connection = {
        "conn_type": "oms",
        "host": tenant.url,
        "login": tenant.client_id,
        "password": tenant.client_secret,
        **changes,
        "extra": {**extra, **changes.get("extra", {})},
    }
    backends.provide(monkeypatch, "oms_default", connection)
