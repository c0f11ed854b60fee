"""Arguments that the operators of an inbox refuse, before they take or settle anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from inboxes import VERDICTS, Airflow

from airflow_provider_oms.exceptions import (
    OmsInvalidInputError,
)
from airflow_provider_oms.operators.verdicts import (
    OmsSettleVerdictsOperator,
)
from airflow_provider_oms.verdicts.adapters import Fields
from airflow_provider_oms.version_compat import asset_or_every


def test_a_dag_with_several_active_runs_is_refused() -> None:
    airflow = Airflow(max_active_runs=2)
    airflow.publish(order_id=1, verdict="rejected")
    with pytest.raises(OmsInvalidInputError, match=r"max_active_runs must be 1 .*it is 2"):
        airflow.take()
    assert airflow.store == {}


def test_a_burst_of_events_starts_one_run_and_not_one_for_each() -> None:
    schedule = asset_or_every(VERDICTS, timedelta(minutes=5))
    # Before Airflow 3.4 there is no other way.
    assert getattr(schedule, "batch_asset_events", True) is True


def test_a_backfill_is_refused(airflow: Airflow) -> None:
    airflow.publish(order_id=1, verdict="rejected")
    airflow.run_type = "backfill"
    with pytest.raises(OmsInvalidInputError, match="backfill"):
        airflow.take()
    airflow.run_type = "asset_triggered"
    assert [entry["order_id"] for entry in airflow.take()] == [1]


def test_a_mapped_task_is_refused(airflow: Airflow) -> None:
    airflow.map_index = 0
    with pytest.raises(OmsInvalidInputError, match="mapped"):
        airflow.take()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"disposition_reason": "fraud"}, "disposition_reason must be"),
        ({"explanation": None}, "disposition_other_reason must be"),
        ({"order_key": "nummer"}, "order_key must be"),
    ],
)
def test_settings_that_no_order_could_be_canceled_with_are_refused(
    settings: dict[str, Any], said: str
) -> None:
    airflow = Airflow(**settings)
    airflow.publish(order_id=1, verdict="rejected")
    with pytest.raises(OmsInvalidInputError, match=said):
        airflow.take()
    assert airflow.store == {}


@pytest.mark.parametrize(
    "settings",
    [
        {"at_most": 0},
        {"at_most": "5"},
        {"at_most": True},
        {"look_back": timedelta(0)},
        {"look_back": 86400},
        {"overlap": timedelta(-1)},
        {"adapter": Fields},
        {"adapter": None},
        {"asset": "fraud-verdicts"},
        {"asset": []},
        {"do_xcom_push": False},
        {"depends_on_past": True},
    ],
    ids=str,
)
def test_arguments_with_which_verdicts_would_be_lost_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Airflow(**settings)


def test_settling_before_the_orders_are_canceled_is_refused(airflow: Airflow) -> None:
    airflow.take()
    airflow.settle_task.cancel = "another"
    with pytest.raises(OmsInvalidInputError, match="task another must come before task settle"):
        airflow.settle(None)


def test_events_of_several_assets_are_read() -> None:
    airflow = Airflow(asset=[VERDICTS, VERDICTS])
    airflow.publish(order_id=1, verdict="rejected")
    assert [entry["order_id"] for entry in airflow.take()] == [1]
    assert airflow.settle({1: "canceled"}) == {"canceled": 1}


@pytest.mark.parametrize(
    "explanation", ["{case}", "{0}", "{", "Case {case_id:d}", "{order.__class__}", "{}"]
)
def test_an_explanation_with_another_placeholder_is_refused(explanation: str) -> None:
    with pytest.raises(ValueError, match="placeholders"):
        Airflow(explanation=explanation)


def test_the_asset_is_needed_where_the_task_is_named() -> None:
    with DAG(dag_id="inbox", schedule=None):
        with pytest.raises(ValueError, match="asset is needed"):
            OmsSettleVerdictsOperator(task_id="settle", take="take", cancel="cancel")
        settle = OmsSettleVerdictsOperator(
            task_id="settle_too", take="take", cancel="cancel", asset=VERDICTS
        )
    assert settle.inlets == [VERDICTS]
    assert settle.trigger_rule == "all_done"
