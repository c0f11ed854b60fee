"""Faults: a plain client's view, and whether the order was nevertheless canceled."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import pytest
import requests
from emulator_client import Caller
from patience import wait_until

from airflow_provider_oms.emulator.testing import EmulatorError


def meets(oms: Caller, kind: str, **parameters: Any) -> requests.Response | None:
    """Cancel the order of the example, which meets the fault; None for no answer."""
    oms.tenant.add_fault(kind, times=1, **parameters)
    try:
        return oms.cancel()
    except requests.ConnectionError:
        return None
    except requests.exceptions.ChunkedEncodingError:
        return None


def is_canceled(oms: Caller) -> bool:
    return bool(oms.tenant.order(1010101)["times_canceled"])


@pytest.mark.parametrize(
    ("kind", "parameters", "acts"),
    [
        ("drop", {"when": "before"}, False),
        ("drop", {"when": "after"}, True),
        ("drop", {"when": "mid_answer"}, True),
        ("hang", {"seconds": 0.1}, True),
        ("hang", {"seconds": 0.1, "acts": False}, False),
        ("late", {"seconds": 0, "answer": "drop"}, True),
    ],
)
def test_these_give_no_answer(
    oms: Caller, kind: str, parameters: dict[str, Any], *, acts: bool
) -> None:
    assert meets(oms, kind, **parameters) is None
    assert is_canceled(oms) == acts
    (logged,) = oms.tenant.requests(order_id=1010101)
    assert (logged["fault"], logged["status"]) == (kind, None)


@pytest.mark.parametrize(
    ("kind", "parameters", "status", "acts"),
    [
        ("status", {"status": 503}, 503, False),
        ("status", {"status": 502, "acts": True, "body": "html"}, 502, True),
        ("status", {"status": 307, "headers": {"Location": "/elsewhere"}}, 307, False),
        ("throttle", {}, 429, False),
        ("over_limit", {}, 403, False),
        ("unauthorized", {"revokes": False}, 401, False),
        ("answer", {"body": "empty"}, 200, True),
        ("answer", {"body": "empty", "acts": False}, 200, False),
        ("gzip", {}, 200, True),
        ("close_after", {}, 200, True),
        ("late", {"seconds": 0, "answer": "error"}, 502, True),
    ],
)
def test_these_answer(
    oms: Caller, kind: str, parameters: dict[str, Any], status: int, *, acts: bool
) -> None:
    oms.tenant.add_fault(kind, times=1, **parameters)
    url = f"{oms.tenant.url}/api/v2/order/action/cancel"
    body = {"orderID": 1010101, "dispositionReason": "created_by_mistake"}
    answer = requests.post(url, json=body, headers=oms.headers, timeout=30, allow_redirects=False)
    assert answer.status_code == status
    assert is_canceled(oms) == acts
    (logged,) = oms.tenant.requests(order_id=1010101)
    assert (logged["fault"], logged["status"]) == (kind, status)


@pytest.mark.parametrize(
    ("body", "content"),
    [("html", "<h1>"), ("text", "OK"), ("other_order", "1010102"), ("earlier_order", "READY")],
)
def test_an_answer_can_prove_nothing(oms: Caller, body: str, content: str) -> None:
    answer = meets(oms, "answer", body=body)
    assert answer is not None
    assert content in answer.text
    assert is_canceled(oms)


def test_an_answer_can_break_off(oms: Caller) -> None:
    answer = meets(oms, "answer", body="cut_off")
    assert answer is not None
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_retry_after_is_a_number_or_a_date(oms: Caller) -> None:
    number = meets(oms, "throttle", retry_after=7)
    before = time.time()
    date = meets(oms, "throttle", retry_after=7, as_date=True)
    assert number is not None
    assert date is not None
    assert (number.headers["Retry-After"], number.content) == ("7", b"")
    at = email.utils.parsedate_to_datetime(date.headers["Retry-After"]).timestamp()
    # A date has whole seconds.
    assert before + 6 < at <= time.time() + 8


@pytest.mark.parametrize("acts", ["first", "last"])
def test_a_slow_answer_comes_in_the_end(oms: Caller, acts: str) -> None:
    started = time.monotonic()
    answer = meets(oms, "slow", seconds=0.2, acts=acts)
    assert time.monotonic() - started >= 0.2
    assert answer is not None
    assert answer.json()["orderState"] == "CANCELED"


def test_a_late_cancel_shows_after_its_time(oms: Caller) -> None:
    found = "orderID=1010101&orderStatus="
    answer = meets(oms, "late", seconds=300)
    assert answer is not None
    assert answer.json()["orderState"] == "READY"
    assert oms.get(1010101).json()["orderState"] == "READY"
    assert oms.search(f"{found}READY").json()["totalCount"] == 1
    assert oms.cancel().json()["orderState"] == "READY"
    assert oms.tenant.order(1010101)["times_canceled"] == 1

    oms.tenant.clear_faults()
    oms.tenant.load_orders([{"orderID": 1010101}])
    meets(oms, "late", seconds=0.2)
    wait_until(lambda: oms.get(1010101).json()["orderState"] == "CANCELED")
    assert oms.search(f"{found}CANCELED").json()["totalCount"] == 1
    assert oms.tenant.order(1010101)["times_canceled"] == 1


def test_a_refused_token_stays_refused_until_there_is_a_new_one(oms: Caller) -> None:
    assert meets(oms, "unauthorized") is not None
    assert oms.get(1010101).status_code == 401
    assert Caller(oms.tenant).get(1010101).ok


def test_reads_searches_and_tokens_meet_faults_too(oms: Caller) -> None:
    for call in ("get", "search", "token"):
        oms.tenant.add_fault("status", call=call, status=503)
    assert oms.get(1010101).status_code == 503
    assert oms.search("orderID=1").status_code == 503
    assert oms.ask_token().status_code == 503
    assert oms.cancel().ok
    oms.tenant.clear_faults()
    assert oms.get(1010101).ok


def test_rules_can_be_for_some_orders_some_times_and_a_share(oms: Caller) -> None:
    orders = range(500, 600)
    oms.tenant.load_orders([{"orderID": order_id} for order_id in orders])
    oms.tenant.add_fault("status", call="get", order_id=500, status=500, skip=1, times=2)
    statuses = [oms.get(500).status_code for _ in range(5)]
    assert statuses == [200, 500, 500, 200, 200]

    def met() -> list[int]:
        oms.tenant.clear_faults()
        oms.tenant.add_fault("status", call="get", status=500, share=0.3, seed=7)
        return [order_id for order_id in orders if oms.get(order_id).status_code == 500]

    first = met()
    assert 15 < len(first) < 45
    assert met() == first


def test_a_script_is_rules_that_apply_once(oms: Caller) -> None:
    for status in (500, 502, 503):
        oms.tenant.add_fault("status", call="get", status=status, times=1)
    assert [oms.get(1010101).status_code for _ in range(4)] == [500, 502, 503, 200]
    assert [rule["applied"] for rule in oms.tenant.faults()] == [1, 1, 1]


def test_a_rule_that_makes_no_sense_is_refused(oms: Caller) -> None:
    with pytest.raises(EmulatorError, match="422"):
        oms.tenant.add_fault("no_such_fault")
    with pytest.raises(EmulatorError, match="422"):
        oms.tenant.add_fault("drop", when="never")
    assert oms.tenant.faults() == []


def test_the_control_api_never_meets_one(oms: Caller) -> None:
    oms.tenant.add_fault("drop", call="any", when="before")
    assert oms.tenant.order(1010101)["cancels"] == 0
