"""What only a real Airflow shows of the examples: events that start runs, REST calls, callbacks."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from mail_server import MailServer, text_of
from patience import wait_until
from standalone import SECONDS_TO_READ_A_DAG, Standalone, TaskInRun

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.standalone import ADMIN

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API"),
]

TRIGGER_OVER_REST = Path(__file__).resolve().parents[2] / "docs/snippets/trigger_over_rest.py"
ASSET_DAG = "/api/v2/dags/cancel_on_fraud_verdict"
FIRST = 27_000_001


def test_verdicts_that_gathered_as_events_cancel_each_order_once(
    airflow: Standalone, tenant: EmulatorProcess
) -> None:
    tenant.load_orders([{"orderID": FIRST + number} for number in range(3)])
    airflow.api.ask("GET", ASSET_DAG, patience=SECONDS_TO_READ_A_DAG)
    (asset,) = airflow.api.ask("GET", "/api/v2/assets?name_pattern=fraud-verdicts")["assets"]

    def publish(order_id: int, verdict: str) -> None:
        extra = {"order_id": order_id, "verdict": verdict, "case_id": "F-1"}
        airflow.api.ask("POST", "/api/v2/assets/events", {"asset_id": asset["id"], "extra": extra})

    airflow.api.ask("PATCH", ASSET_DAG, {"is_paused": True})
    publish(FIRST, "rejected")
    publish(FIRST, "rejected")
    publish(FIRST + 1, "rejected")
    publish(FIRST + 1, "accepted")
    airflow.api.ask("PATCH", ASSET_DAG, {"is_paused": False})
    # The schedule would find the others within five minutes; this one wakes the DAG up at once.
    publish(FIRST + 2, "rejected")

    wait_until(lambda: all(tenant.order(FIRST + number)["times_canceled"] for number in (0, 2)))
    assert [tenant.cancel_posts(FIRST + number) for number in range(3)] == [1, 0, 1]


def test_a_rest_call_that_is_made_twice_cancels_once_and_reads_the_result_twice(
    airflow: Standalone, tenant: EmulatorProcess
) -> None:
    order_id = FIRST + 10
    tenant.load_orders([{"orderID": order_id}])
    airflow.api.ask("GET", "/api/v2/dags/cancel_order", patience=SECONDS_TO_READ_A_DAG)
    environment = {
        **os.environ,
        "AIRFLOW_USER": ADMIN,
        "AIRFLOW_PASSWORD": airflow.api.password_of(ADMIN),
    }
    command = [sys.executable, str(TRIGGER_OVER_REST), airflow.api.address, str(order_id)]
    for _ in range(2):
        answer = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=300
        )
        state, _, result = answer.stdout.partition(" ")
        assert state == "success"
        assert ast.literal_eval(result)["outcome"] == "canceled"
    assert tenant.cancel_posts(order_id) == 1


@pytest.mark.needs("XComs in a DAG's failure callback")
class TestMails:
    @pytest.fixture(autouse=True)
    def no_mails(self, mail_server: MailServer) -> None:
        mail_server.mails.clear()

    def start(self, airflow: Standalone, directory: Path, *order_ids: int) -> TaskInRun:
        """Let `cancel_and_notify` cancel orders."""
        orders = directory / "orders.jsonl"
        orders.write_text("".join(f"{order_id}\n" for order_id in order_ids), encoding="utf-8")
        conf = {"orders_path": str(orders)}
        return airflow.trigger("cancel_and_notify", conf, task_id="cancel")

    def test_it_says_what_became_of_the_orders_and_nothing_of_a_shopper(
        self, airflow: Standalone, tenant: EmulatorProcess, mail_server: MailServer, tmp_path: Path
    ) -> None:
        shopper = {"firstName": "Wilhelmina", "email": "wilhelmina@shopper.example"}
        shipped = {"orderID": FIRST + 21, "orderState": "SHIPPED", "customer": shopper}
        tenant.load_orders([{"orderID": FIRST + 20}, shipped])
        task = self.start(airflow, tmp_path, FIRST + 20, FIRST + 21, 5)
        assert task.wait_for_end()["state"] == "failed"
        wait_until(lambda: bool(mail_server.mails))
        (mail,) = mail_server.mails
        assert mail["To"] == "oms-on-call@example.com"
        text = text_of(mail)
        assert "<pre>2 of 3 orders did not end as they should.\n1 canceled, 1 " in text
        assert f"\nOrder {FIRST + 21} is SHIPPED: not_cancelable\n" in text
        assert "\nOrder 5: not_found\n" in text
        run = f"/dags/cancel_and_notify/runs/{quote(task.run_id)}"
        assert f'href="{airflow.api.address}{run}/tasks/cancel' in text
        assert [value for value in shopper.values() if value in mail.as_string()] == []

    def test_there_is_one_without_numbers_when_nothing_was_sent_and_none_when_all_is_canceled(
        self, airflow: Standalone, tenant: EmulatorProcess, mail_server: MailServer, tmp_path: Path
    ) -> None:
        tenant.load_orders([{"orderID": FIRST + 22}])
        good = self.start(airflow, tmp_path, FIRST + 22)
        assert good.wait_for_end()["state"] == "success"
        bad = self.start(airflow, tmp_path, -1)
        assert bad.wait_for_end()["state"] == "failed"
        # The later run's mail is there, so the earlier one's would be.
        wait_until(lambda: bool(mail_server.mails))
        (mail,) = mail_server.mails
        assert f"<p>{bad.run_id}:</p>" in text_of(mail)
        assert "left no summary" in text_of(mail)

    def test_there_is_one_for_a_task_that_was_killed(
        self, airflow: Standalone, tenant: EmulatorProcess, mail_server: MailServer, tmp_path: Path
    ) -> None:
        order_id = FIRST + 30
        tenant.load_orders([{"orderID": order_id}])
        tenant.add_fault("late", order_id=order_id, seconds=60, times=1)
        task = self.start(airflow, tmp_path, order_id)
        tenant.wait_for_cancel_post(order_id, timeout=300)
        task.kill()
        assert task.wait_for_end()["state"] == "failed"
        tenant.clear_faults()
        wait_until(lambda: bool(mail_server.mails))
        (mail,) = mail_server.mails
        assert "left no summary" in text_of(mail)
