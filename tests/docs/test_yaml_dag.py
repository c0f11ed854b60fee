"""The DAG in YAML that the page about sets shows: Airflow builds it, and its task runs."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bulk_attempts import Attempt, cancel_posts
from dag_runs import connect
from pages import blocks, text_of

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.operators.bulk import OmsBulkCancelOrdersOperator

FIRST = 4100001
SNIPPET = text_of("docs/snippets/cancel_many_orders.yaml")
MOST = "max_orders: 10000"


def test_the_page_shows_the_file_that_is_tested() -> None:
    assert [block for _, block in blocks(text_of("docs/bulk.md"), "yaml")] == [SNIPPET]


def task_of(text: str, folder: Path) -> Any:
    """Return the task of a DAG file in YAML, as Airflow's own importer builds it."""
    base = import_module("airflow.sdk.importers.base")
    importer = import_module("airflow.sdk.importers.yaml_importer").YamlDagImporter()
    file = folder / "cancel.yaml"
    file.write_text(text, encoding="utf-8")
    bundle = SimpleNamespace(path=folder, name="dags-folder")
    built = importer.import_definition(base.FilesystemDagDefinition(file), bundle)
    assert built.errors == []
    ((task,),) = [dag.tasks for dag in built.dags]
    return task


def run(task: Any, **params: Any) -> Any:
    """Render and execute a task."""
    context = {"ti": Attempt().ti, "outlet_events": {}, "params": params}
    task.render_template_fields(context)
    return task.execute(context)


@pytest.mark.needs("DAG files in YAML")
class TestInYaml:
    @pytest.fixture
    def oms(self, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
        emulator.load_orders([{"orderID": FIRST}, {"orderID": FIRST + 1}])
        connect(monkeypatch, emulator)
        return emulator

    @pytest.fixture
    def orders_path(self, tmp_path: Path) -> str:
        path = tmp_path / "orders.csv"
        path.write_text(f"order_id\n{FIRST}\n{FIRST + 1}\n", encoding="utf-8")
        return str(path)

    def test_it_makes_the_same_task_as_python(self, tmp_path: Path) -> None:
        task = task_of(SNIPPET, tmp_path)
        assert type(task) is OmsBulkCancelOrdersOperator
        assert (task.max_orders, task.retries) == (10_000, 3)
        assert task.retry_delay == timedelta(minutes=2)
        assert task.only_if_states == ["PAYMENT_HOLD", "READY"]

    def test_the_set_is_canceled_once_it_is_no_dry_run(
        self, oms: EmulatorProcess, orders_path: str, tmp_path: Path
    ) -> None:
        task = task_of(SNIPPET, tmp_path)
        dry = run(task, orders_path=orders_path, dry_run=True)
        assert (dry["outcomes"], cancel_posts(oms)) == ({"would_cancel": 2}, [])
        task = task_of(SNIPPET, tmp_path)
        real = run(task, orders_path=orders_path, dry_run=False)
        assert (real["outcomes"], cancel_posts(oms)) == ({"canceled": 2}, [FIRST, FIRST + 1])

    def test_a_template_without_its_mark_is_refused_and_nothing_is_sent(
        self, oms: EmulatorProcess, orders_path: str, tmp_path: Path
    ) -> None:
        assert MOST in SNIPPET
        unmarked = SNIPPET.replace(MOST, 'max_orders: "{{ params.most }}"')
        with pytest.raises(OmsInvalidInputError, match="max_orders must be"):
            run(task_of(unmarked, tmp_path), orders_path=orders_path, dry_run=False, most=10)
        assert oms.requests() == []
