"""`cancel_after_approval` under a real scheduler: a person's answer, and that silence means no."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from standalone import Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.terminal import DemoError

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a step that waits for a person"),
]

FIRST = 7100001
_numbers = iter(range(FIRST, FIRST + 1000))


@pytest.fixture
def flagged(tenant: EmulatorProcess) -> Iterator[list[dict[str, Any]]]:
    """Give three flagged orders that no other test has, among others that are not flagged."""
    order_ids = [next(_numbers) for _ in range(4)]
    tenant.load_orders([{"orderID": order_id} for order_id in order_ids])
    yield [
        {"order_id": order_id, "case_id": f"F-{order_id}", "score": 0.9}
        for order_id in order_ids[1:]
    ]
    assert tenant.requests(order_id=order_ids[0]) == []


def ask(airflow: Standalone, flagged: list[dict[str, Any]], dag_id: str) -> TaskInRun:
    return airflow.trigger(dag_id, {"flagged": flagged}, task_id="approve")


def posts(tenant: EmulatorProcess, flagged: list[dict[str, Any]]) -> list[int]:
    return [tenant.order(one["order_id"])["cancels"] for one in flagged]


def states(tenant: EmulatorProcess, flagged: list[dict[str, Any]]) -> set[str]:
    return {tenant.order(one["order_id"])["order"]["orderState"] for one in flagged}


def test_what_was_listed_is_canceled_when_a_person_approves(
    airflow: Standalone, tenant: EmulatorProcess, flagged: list[dict[str, Any]]
) -> None:
    approve = ask(airflow, flagged, "cancel_after_approval")
    question = approve.question()
    assert question["subject"] == "Cancel 3 orders that the fraud check flagged?"
    for one in flagged:
        assert f"| {one['order_id']} | {one['case_id']} | {one['score']} |" in question["body"]
    assert posts(tenant, flagged) == [0, 0, 0]
    approve.respond("Approve")
    cancel = approve.sibling("cancel")
    assert cancel.wait_for_end()["state"] == "success"
    assert cancel.result()["outcomes"] == {"canceled": 3}
    assert posts(tenant, flagged) == [1, 1, 1]
    assert states(tenant, flagged) == {"CANCELED"}
    assert approve.response()["responded_by_user"]["name"] == "admin"


def test_nothing_is_sent_when_a_person_rejects(
    airflow: Standalone, tenant: EmulatorProcess, flagged: list[dict[str, Any]]
) -> None:
    approve = ask(airflow, flagged, "cancel_after_approval")
    approve.question()
    approve.respond("Reject")
    assert approve.wait_for_run() == "success"
    assert approve.sibling("cancel").now()["state"] == "skipped"
    assert posts(tenant, flagged) == [0, 0, 0]


def test_nothing_is_sent_when_nobody_answers_in_time(
    airflow: Standalone, tenant: EmulatorProcess, flagged: list[dict[str, Any]]
) -> None:
    approve = ask(airflow, flagged, "approve_within_seconds")
    assert approve.wait_for_run(timeout=300) == "success"
    assert approve.now()["state"] == "success"
    assert approve.response()["chosen_options"] == ["Reject"]
    assert approve.sibling("cancel").now()["state"] == "skipped"
    assert posts(tenant, flagged) == [0, 0, 0]


@pytest.mark.parametrize(
    "change",
    [{"case_id": "F-1 | 2 |"}, {"order_id": 0}, {"order_id": "1"}, {"shopper": "Jo"}, None],
)
def test_a_run_with_anything_but_flagged_orders_does_not_begin(
    airflow: Standalone, flagged: list[dict[str, Any]], change: dict[str, Any] | None
) -> None:
    asked = [] if change is None else [{**flagged[0], **change}]
    with pytest.raises(DemoError, match=r"refused POST .*: 400"):
        ask(airflow, asked, "cancel_after_approval")
