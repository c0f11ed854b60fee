"""Run a DAG file's DAGs to their end in real Airflow, in this process, and look at what is left.

Airflow starts its own task runner, XCom and connections as for `airflow dags test`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_oms.emulator.testing import EmulatorProcess

EXAMPLE_DAGS = Path(__file__).resolve().parents[2] / "example_dags"
IS_AIRFLOW_2 = version("apache-airflow").startswith("2.")


@dataclass
class Run:
    """What is left of a DAG run.

    :param state: the run's state.
    :param log: everything that Airflow and the tasks logged, in order.
    :param states: the states of each task, one for each mapped instance.
    :param results: the return values of each task, likewise; None where there is none.
    :param names: what the UI calls the mapped instances of each task, likewise.
    """

    state: str
    log: str
    states: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    results: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, list[str | None]] = field(default_factory=lambda: defaultdict(list))

    def last_words(self) -> list[str]:
        """Return the last line of each traceback: what a person reads about a failure."""
        return [line for line in self.log.splitlines() if line.startswith("airflow_provider_oms.")]


class DagFolder:
    """The DAGs of a folder, as the scheduler would see them.

    :param folder: where the files are.
    """

    def __init__(self, folder: Path) -> None:
        if IS_AIRFLOW_2:
            from airflow.models.dagbag import DagBag  # noqa: PLC0415 - moved in Airflow 3

            self._bag: Any = DagBag(dag_folder=folder, include_examples=False)
            self._bag.sync_to_db()
            return
        from airflow.dag_processing.bundles.manager import (  # noqa: PLC0415 - Airflow 3 only
            DagBundlesManager,
        )
        from airflow.dag_processing.dagbag import (  # noqa: PLC0415 - Airflow 3 only
            BundleDagBag,
            sync_bag_to_db,
        )

        bundles: Any = DagBundlesManager  # Airflow leaves its constructor untyped
        bundles().sync_bundles_to_db()
        self._bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
        sync_bag_to_db(self._bag, "dags-folder", None)

    @property
    def import_errors(self) -> dict[str, str]:
        """Return what could not be imported, by file."""
        return dict(self._bag.import_errors)

    @property
    def dags(self) -> dict[str, Any]:
        """Return the DAGs by their ids."""
        return dict(self._bag.dags)

    def run(self, dag_id: str, conf: dict[str, Any] | None, captured: Callable[[], str]) -> Run:
        """Run a DAG once, to its end.

        :param dag_id: which DAG.
        :param conf: the run's configuration, which replaces the DAG's params.
        :param captured: returns what was logged since it was last called.
        """
        captured()
        dag_run = self._bag.dags[dag_id].test(run_conf=conf)
        run = Run(str(dag_run.state), captured())
        for instance in sorted(dag_run.get_task_instances(), key=lambda one: one.map_index):
            run.states[instance.task_id].append(str(instance.state))
            run.names[instance.task_id].append(instance.rendered_map_index)
            run.results[instance.task_id].append(
                instance.xcom_pull(task_ids=instance.task_id, map_indexes=instance.map_index)
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
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))
