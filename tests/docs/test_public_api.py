"""The public names and their signatures: none changes without this file's snapshot."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest
from pages import REPOSITORY

SNAPSHOT = REPOSITORY / "docs" / "reference" / "public-api.txt"
IN_THE_DOCS = pytest.mark.needs("the environment that the docs are built in")


@pytest.mark.slow
@IN_THE_DOCS
def test_no_public_name_or_signature_has_changed_unseen(tmp_path: Path) -> None:
    now = tmp_path / "public-api.txt"
    # In a separate process: the settings of the docs move Airflow's home.
    command = [sys.executable, "-m", "scripts.public_api", str(now)]
    subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)
    changed = sorted(
        set(now.read_text("utf-8").splitlines()) ^ set(SNAPSHOT.read_text("utf-8").splitlines())
    )
    assert changed == [], (
        "The public API has changed. If that is intended, run `make public-api`, and enter the "
        "change into CHANGELOG.md, under Behavior changes unless something was only added."
    )


@IN_THE_DOCS
def test_an_entry_has_arguments_result_and_bases() -> None:
    from scripts.public_api import entry  # noqa: PLC0415 - not every environment has Sphinx

    class Color(StrEnum):
        RED = "red"

    assert entry("function", "a.f", len, "(x: int) -> str") == "function a.f(x: int) -> str"
    assert entry("exception", "a.E", KeyError, "(x)") == "exception a.E(x) of LookupError"
    assert entry("class", "a.Color", Color, "(value)") == "class a.Color of StrEnum"


def test_it_has_what_a_dag_file_imports() -> None:
    text = SNAPSHOT.read_text(encoding="utf-8")
    for name in (
        "class airflow_provider_oms.operators.oms.OmsCancelOrderOperator(*, order_id: ",
        "class airflow_provider_oms.operators.bulk.OmsBulkCancelOrdersOperator(*, orders: ",
        "method airflow_provider_oms.hooks.oms.OmsHook.cancel_order(order_id: ",
        "attribute airflow_provider_oms.cancellation.outcomes.Outcome.CANCELED\n",
    ):
        assert name in text
