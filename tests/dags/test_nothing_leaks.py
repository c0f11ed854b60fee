"""Secrets, tokens and the shopper's data: in no log, XCom, rendered field or exception."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from dag_runs import Run, RunDag, connect
from raw_server import RawServer, answer

from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.airflow_db

FIRST = 4000001
SECRET = "k1bo-client-secret"
HEADER = "value-of-a-gateways-header"
TOKEN = "opaque.token-of-this-test/0123456789"
SHOPPER = {
    "firstName": "Wilhelmina",
    "lastName": "Leakproof",
    "email": "wilhelmina@leakproof.example",
    "phone": "+1 555 0100 4711",
    "addressLine1": "17 Secrecy Lane",
}
ORDER = {"customer": SHOPPER, "shippingAddressInformation": SHOPPER}
# Two parts that begin with '{"'. One alone occurs by chance in what Airflow encrypts.
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.", re.ASCII)
INPUT = {"disposition_reason": "other", "disposition_other_reason": "Case C-1"}


def left_behind(runs: list[Run]) -> str:
    """Return all that the runs have left: the logs, and every file of Airflow's home.

    The database among them holds XComs and rendered fields.
    """
    files = [path for path in Path(os.environ["AIRFLOW_HOME"]).rglob("*") if path.is_file()]
    return "\n".join(
        [*(run.log for run in runs), *(path.read_bytes().decode("latin-1") for path in files)]
    )


def assert_nothing_leaks(runs: list[Run], *secrets: str) -> None:
    text = left_behind(runs)
    # The search finds a text that is there, so a text that it does not find is missing.
    assert "correlation_id" in text
    assert "Case C-1" in text
    assert [one for one in (*secrets, *SHOPPER.values()) if one in text] == []
    assert JWT.search(text) is None


def test_a_token_of_the_emulator_would_be_found(oms: EmulatorProcess) -> None:
    token = requests.post(
        f"{oms.url}/api/platform/applications/authtickets/oauth",
        json={
            "client_id": oms.client_id,
            "client_secret": oms.client_secret,
            "grant_type": "client_credentials",
        },
        timeout=10,
    ).json()["access_token"]
    assert JWT.search(f"Bearer {token}")


def test_whatever_a_tenant_answers(
    oms: EmulatorProcess, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[dict[str, Any] | None] = [
        None,
        {"kind": "drop"},
        {"kind": "answer", "body": "other_order"},
        {"kind": "answer", "body": "cut_off"},
        {"kind": "status", "status": 400},
        {"kind": "status", "status": 502, "body": "html"},
        {"kind": "unauthorized"},
        {"kind": "late", "seconds": 60},
    ]
    connect(monkeypatch, oms, extra={"deadline": 3})
    runs = []
    for number, fault in enumerate(faults):
        order_id = FIRST + number
        oms.load_orders([{"orderID": order_id, **ORDER}])
        if fault:
            oms.add_fault(**fault, order_id=order_id, times=1)
        runs.append(run_dag("cancel_order", order_id=order_id, **INPUT))
    oms.load_orders([{"orderID": FIRST + 20, "orderState": "SHIPPED", **ORDER}])
    oms.load_orders([{"orderID": FIRST + 21, "orderState": "PAYMENT_HOLD", **ORDER}])
    runs.append(run_dag("cancel_order", order_id=FIRST + 20, **INPUT))
    runs.append(run_dag("cancel_order_in_python", order_id=FIRST + 21))
    oms.clear_faults()
    assert {run.state for run in runs} == {"success", "failed"}
    assert_nothing_leaks(runs, oms.client_secret)


def test_an_error_that_echoes_everything(
    run_dag: RunDag, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = json.dumps({"access_token": TOKEN, "expires_in": 3600}).encode()
    echo = json.dumps(
        {
            "errorCode": "BROKEN",
            "message": f"Bearer {TOKEN} of {SECRET} by {HEADER} "
            f"for {SHOPPER['email']}, {SHOPPER['phone']}",
            "items": [{"message": json.dumps(ORDER)}],
        }
    ).encode()
    extra = {"deadline": 2, "secret_headers": {"X-Gateway-Key": HEADER}}
    runs = []
    for status in ("400 Bad Request", "403 Forbidden", "404 Not Found", "500 Server Error"):
        with RawServer([answer(body=token), answer(status, echo)]) as server:
            connect(monkeypatch, oms, host=server.url, password=SECRET, extra=extra)
            runs.append(run_dag("cancel_order", order_id=FIRST, **INPUT))
        assert any(TOKEN.encode() in request for request in server.requests)
        assert all(HEADER.encode() in request for request in server.requests)
    assert {run.state for run in runs} == {"failed"}
    assert_nothing_leaks(runs, SECRET, TOKEN, HEADER)


def test_a_token_endpoint_that_echoes_the_secret(
    run_dag: RunDag, oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = json.dumps({"errorCode": "INVALID_CREDENTIALS", "message": f"not {SECRET}"}).encode()
    with RawServer([answer("401 Unauthorized", echo)]) as server:
        connect(monkeypatch, oms, host=server.url, password=SECRET)
        run = run_dag("cancel_order", order_id=FIRST, **INPUT)
    assert "forbidden" in run.last_words()[-1]
    assert_nothing_leaks([run], SECRET)
