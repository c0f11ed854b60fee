"""The features that this Airflow lacks, and how that shows; recorded in docs/compatibility.md."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.providers.common.compat import sdk
from dag_runs import RunDag
from features import has

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.operators.bulk import OmsBulkCancelOrdersOperator
from airflow_provider_oms.version_compat import NO_TASK_STATE_STORE

Record = Callable[[str, object], None]
FIRST = 6400001


@pytest.mark.airflow_db
def test_a_task_without_a_journal_says_so(
    oms: EmulatorProcess, run_dag: RunDag, tmp_path: Path, record_property: Record
) -> None:
    oms.load_orders([{"orderID": FIRST}])
    path = tmp_path / "orders.jsonl"
    path.write_text(f'{{"order_id": {FIRST}}}\n', encoding="utf-8")
    run = run_dag("cancel_many_orders", orders_path=str(path), dry_run=False)
    assert run.state == "success"
    is_kept = has("task_state_store")
    assert (NO_TASK_STATE_STORE in run.log) is not is_kept
    kept = "in `task_state_store`"
    lost = "none, and the log says so: the next attempt reads every order before it cancels any"
    record_property("degrades:journal", kept if is_kept else lost)


def test_a_person_can_be_asked_or_a_message_names_the_airflow_that_can(
    record_property: Record,
) -> None:
    module = "airflow.providers.standard.operators.hitl"
    if has("a step that waits for a person"):
        assert importlib.import_module(module).ApprovalOperator
        assert cancel_above(50).approve_above == 50
        record_property(
            "degrades:approval", "`approve_above`, or `ApprovalOperator` in front of the cancel"
        )
        return
    with pytest.raises(Exception, match=r"3\.1"):
        importlib.import_module(module)
    with pytest.raises(OmsInvalidInputError, match=r"approve_above .* Airflow 3\.1"):
        cancel_above(50)
    record_property(
        "degrades:approval",
        "none: `approve_above` and `ApprovalOperator` are refused, with a message",
    )


def cancel_above(orders: int) -> OmsBulkCancelOrdersOperator:
    """Return a task that asks a person about a larger set.

    :param orders: the largest number of orders that needs no approval.
    """
    return OmsBulkCancelOrdersOperator(
        task_id="cancel", orders=[FIRST], disposition_reason="duplicate", approve_above=orders
    )


def test_retry_policies_are_there_and_without_them_a_refusal_is_never_retried(
    record_property: Record,
) -> None:
    # A failure that no retry can help is known by the exception's class, on every Airflow.
    assert issubclass(OmsInvalidInputError, sdk.AirflowFailException)
    is_there = hasattr(sdk, "ExceptionRetryPolicy")
    assert is_there is has("retry policies")
    record_property(
        "degrades:retry policy",
        "any of Airflow's can be added" if is_there else "none; a refusal is never retried",
    )
