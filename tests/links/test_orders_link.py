"""The link from a task for a set to the table of its orders, on each Airflow where it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from airflow_provider_oms import version_compat
from airflow_provider_oms.cancellation.bulk.report import Kept
from airflow_provider_oms.links.oms import OmsOrdersLink
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

LINK = OmsOrdersLink()
RUN = "manual__2026-11-28T01:02:03+00:00"
QUOTED = "manual__2026-11-28T01%3A02%3A03%2B00%3A00"


def address(version: str, monkeypatch: pytest.MonkeyPatch, map_index: int = -1) -> str:
    monkeypatch.setattr(version_compat, "AIRFLOW_VERSION", version)
    key: Any = SimpleNamespace(dag_id="d", run_id=RUN, task_id="g.cancel", map_index=map_index)
    return LINK.get_link(MagicMock(), ti_key=key)


@pytest.mark.parametrize("map_index", [-1, 3])
def test_it_leads_to_the_page_where_the_table_is_one(
    monkeypatch: pytest.MonkeyPatch, map_index: int
) -> None:
    query = f"dag_id=d&run_id={QUOTED}&task_id=g.cancel&map_index={map_index}"
    for version in ("3.1.8", "3.3.2"):
        assert address(version, monkeypatch, map_index) == f"plugin/oms-orders?{query}"


@pytest.mark.parametrize(("map_index", "mapped"), [(-1, ""), (0, "/mapped/0")])
def test_it_leads_to_the_tab_where_the_table_is_one(
    monkeypatch: pytest.MonkeyPatch, map_index: int, mapped: str
) -> None:
    task = f"dags/d/runs/{QUOTED}/tasks/g.cancel{mapped}"
    assert address("3.4.0", monkeypatch, map_index) == f"{task}/plugin/oms-orders"


def test_before_it_leads_to_the_xcoms(monkeypatch: pytest.MonkeyPatch) -> None:
    assert address("3.0.6", monkeypatch) == f"dags/d/runs/{QUOTED}/tasks/g.cancel/xcom"
    base_url = SimpleNamespace(get=lambda *_: "https://a.example/base/")
    monkeypatch.setattr(version_compat, "conf", base_url)
    in_airflow_2 = address("2.11.2", monkeypatch)
    assert in_airflow_2.startswith("https://a.example/base/dags/d/grid?")
    assert in_airflow_2.endswith(f"dag_run_id={QUOTED}&task_id=g.cancel&tab=xcom")


def test_a_task_for_a_set_has_it() -> None:
    task = OmsBulkCancelOrdersOperator(task_id="cancel", orders=[1], disposition_reason="other")
    assert [link.name for link in task.operator_extra_links] == ["Orders"]


@pytest.mark.parametrize(
    ("version", "table"),
    [
        ("3.4.0", "the tab Orders of this task"),
        ("3.3.2", "the button Orders in this task's tab Details, under Extra Links"),
        ("2.11.2", ""),
    ],
)
@pytest.mark.parametrize("is_well", [True, False])
def test_the_log_tells_where_the_orders_are_and_promises_advice_where_there_is_some(
    monkeypatch: pytest.MonkeyPatch, version: str, table: str, is_well: bool
) -> None:
    monkeypatch.setattr(version_compat, "AIRFLOW_VERSION", version)
    advice = "" if is_well else ", with what to do,"
    place = f"in the web UI{advice} {table}" if table else ""
    for orders, kept, said in (
        (12, Kept(), f"All 12 orders: {place}" if place else ""),
        (1, Kept(rows=True), "; ".join(filter(None, ["The order: the XCom value results", place]))),
        (0, Kept(rows=True), ""),
    ):
        log = MagicMock()
        LINK.tell(log, orders, kept, is_well=is_well)
        told = [str(call.args[0]) % call.args[1:] for call in log.info.call_args_list]
        assert told == ([said] if said else [])
