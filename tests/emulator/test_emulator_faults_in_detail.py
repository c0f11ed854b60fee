"""Faults on the wire, as the standard library sees them, and where they meet each other."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from emulator_client import CANCEL_PATH, TOKEN_PATH, Caller
from patience import wait_until

from airflow_provider_oms.emulator.calls import OrderIds
from airflow_provider_oms.emulator.cancel_rules import Cancel
from airflow_provider_oms.emulator.order_book import OrderBook
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.testing import EmulatorError

pytestmark = pytest.mark.slow

BODY = json.dumps({"orderID": 1010101, "dispositionReason": "created_by_mistake"})
GONE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


@pytest.fixture
def kept(oms: Caller) -> Iterator[http.client.HTTPConnection]:
    """A connection that no library silently reopens."""
    connection = http.client.HTTPConnection(oms.tenant.url.removeprefix("http://"), timeout=30)
    connection.auto_open = 0
    connection.connect()
    yield connection
    connection.close()


def send(
    kept: http.client.HTTPConnection, oms: Caller, method: str = "POST", path: str = CANCEL_PATH
) -> http.client.HTTPResponse:
    headers = {**oms.headers, "Content-Type": "application/json"}
    kept.request(method, path, BODY if method == "POST" else None, headers)
    return kept.getresponse()


def state(oms: Caller) -> tuple[str, int, int]:
    known = oms.tenant.order(1010101)
    return known["orderState"], known["times_canceled"], known["cancels"]


def logged(oms: Caller) -> list[tuple[str | None, int | None]]:
    return [(one["fault"], one["status"]) for one in oms.tenant.requests(order_id=1010101)]


@pytest.mark.parametrize(("when", "times_canceled"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_says_nothing_at_all(
    oms: Caller, kept: http.client.HTTPConnection, when: str, times_canceled: int
) -> None:
    oms.tenant.add_fault("drop", when=when)
    with pytest.raises(GONE):
        send(kept, oms)
    assert state(oms)[1:] == (times_canceled, 1)
    assert logged(oms) == [("drop", None)]


def test_an_answer_that_breaks_off_has_its_headers_and_half_its_body(
    oms: Caller, kept: http.client.HTTPConnection
) -> None:
    oms.tenant.add_fault("drop", when="mid_answer")
    answer = send(kept, oms)
    length = int(answer.headers["Content-Length"])
    with pytest.raises(http.client.IncompleteRead) as broken:
        answer.read()
    assert (answer.status, len(broken.value.partial)) == (200, length // 2)
    assert (broken.value.expected, state(oms)) == (length - length // 2, ("CANCELED", 1, 1))
    assert logged(oms) == [("drop", None)]


@pytest.mark.parametrize(("acts", "times_canceled"), [(True, 1), (False, 0)])
def test_a_hanging_call_ends_with_the_connection(
    oms: Caller, kept: http.client.HTTPConnection, *, acts: bool, times_canceled: int
) -> None:
    oms.tenant.add_fault("hang", seconds=0.2, acts=acts)
    started = time.monotonic()
    with pytest.raises(GONE):
        send(kept, oms)
    assert time.monotonic() - started >= 0.2
    assert state(oms)[1:] == (times_canceled, 1)


def test_a_connection_closed_after_its_answer_fails_the_next_request_on_it(
    oms: Caller, kept: http.client.HTTPConnection
) -> None:
    oms.tenant.add_fault("close_after", call="get")
    answer = send(kept, oms, "GET", "/api/v2/order/1010101")
    assert json.loads(answer.read())["orderID"] == 1010101
    assert answer.headers["Connection"] is None  # it promises to stay open
    with pytest.raises(GONE):
        send(kept, oms)
    assert state(oms) == ("READY", 0, 0)


def test_a_stale_connection_takes_a_request_and_closes_while_a_new_one_works(
    oms: Caller, kept: http.client.HTTPConnection
) -> None:
    oms.tenant.add_fault("drop", when="before", reused=True)
    assert json.loads(send(kept, oms, "GET", "/api/v2/order/1010101").read())["orderID"] == 1010101
    with pytest.raises(GONE):
        send(kept, oms)
    assert state(oms) == ("READY", 0, 1)
    kept.close()
    kept.connect()
    assert json.loads(send(kept, oms).read())["orderState"] == "CANCELED"
    assert logged(oms) == [(None, 200), ("drop", None), (None, 200)]


def test_a_compressed_answer_is_the_same_answer(
    oms: Caller, kept: http.client.HTTPConnection
) -> None:
    oms.tenant.add_fault("gzip")
    answer = send(kept, oms)
    content = answer.read()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(content)
    assert json.loads(gzip.decompress(content)) == oms.get(1010101).json()


def test_a_compressed_error_is_still_that_error(oms: Caller) -> None:
    oms.tenant.add_fault("gzip", call="get")
    refusal = oms.get(5)
    assert (refusal.status_code, refusal.json()["errorCode"]) == (404, "ITEM_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "mark"),
    [("platform", "errorCode"), ("classic", "additionalInfo"), ("html", "<h1>"), ("empty", "")],
)
def test_any_status_comes_with_any_error_body(oms: Caller, body: str, mark: str) -> None:
    statuses = [204, 301, 304, 403, 408, 409, 425, 499, 500, 504, 520]
    oms.tenant.set_faults(
        [{"kind": "status", "status": one, "body": body, "times": 1} for one in statuses]
    )
    for status in statuses:
        answer = oms.call("POST", CANCEL_PATH, json=json.loads(BODY), allow_redirects=False)
        assert answer.status_code == status
        assert bool(answer.text) == (body != "empty" and status not in {204, 304})
        assert mark in answer.text or not answer.text
    assert logged(oms) == [("status", status) for status in statuses]
    assert state(oms) == ("READY", 0, len(statuses))


@pytest.mark.parametrize(
    ("status", "acts", "shown"),
    [(202, True, "CANCELED"), (500, True, "CANCELED"), (202, False, "READY")],
)
def test_any_status_comes_with_the_order(
    oms: Caller, status: int, shown: str, *, acts: bool
) -> None:
    oms.tenant.add_fault("status", status=status, body="order", acts=acts)
    answer = oms.cancel()
    assert (answer.status_code, answer.json()["orderState"]) == (status, shown)
    assert state(oms)[1] == acts


@pytest.mark.parametrize("acts", [True, False])
def test_a_refusal_can_have_a_code_of_the_tenants_own(oms: Caller, *, acts: bool) -> None:
    own = {"errorCode": "RETURN_REQUIRED", "message": "This order needs a return."}
    oms.tenant.add_fault("status", status=422, body=own, acts=acts)
    answer = oms.cancel()
    assert (answer.status_code, answer.json()) == (422, own)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["x-vol-correlation"]
    assert state(oms)[1] == acts


@pytest.mark.parametrize("body", ["order", {"errorCode": "GONE"}])
@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_has_no_body_comes_without_one(
    oms: Caller, status: int, body: str | dict[str, str]
) -> None:
    oms.tenant.add_fault("status", status=status, body=body, acts=True)
    answer = oms.cancel()
    assert (answer.status_code, answer.content) == (status, b"")
    assert (state(oms), logged(oms)) == (("CANCELED", 1, 1), [("status", status)])


def test_a_redirect_says_where_to(oms: Caller) -> None:
    oms.tenant.add_fault(
        "status", status=307, headers={"Location": "/elsewhere", "Retry-After": "1"}
    )
    answer = oms.call("POST", CANCEL_PATH, json={}, allow_redirects=False)
    assert (answer.headers["Location"], answer.headers["Retry-After"]) == ("/elsewhere", "1")


def test_an_over_limit_refusal_bears_the_gateways_marks(oms: Caller) -> None:
    oms.tenant.add_fault("over_limit")
    refusal = oms.cancel()
    assert refusal.headers["X-Mashery-Error-Code"] == "ERR_403_DEVELOPER_OVER_QPS"
    assert (refusal.status_code, refusal.text) == (403, "<h1>Developer Over Qps</h1>")


def test_a_throttled_call_gets_no_body_and_perhaps_a_time(oms: Caller) -> None:
    oms.tenant.set_faults(
        [{"kind": "throttle", "times": 1}, {"kind": "throttle", "retry_after": 0}]
    )
    first, second = oms.cancel(), oms.cancel()
    assert (first.status_code, first.content, first.headers["Content-Length"]) == (429, b"", "0")
    assert "Retry-After" not in first.headers
    assert second.headers["Retry-After"] == "0"
    assert state(oms) == ("READY", 0, 2)


@pytest.mark.parametrize("revokes", [True, False])
def test_a_refused_token_is_refused_as_a_wrong_one_is(oms: Caller, *, revokes: bool) -> None:
    oms.tenant.add_fault("unauthorized", times=1, revokes=revokes)
    refusal = oms.cancel()
    assert (refusal.status_code, refusal.json()["errorCode"]) == (401, "INVALID_ACCESS_TOKEN")
    assert oms.get(1010101).status_code == (401 if revokes else 200)
    assert state(oms) == ("READY", 0, 1)


@pytest.mark.parametrize("error_body", ["platform", "html", "empty"])
@pytest.mark.parametrize(
    "body", ["empty", "html", "text", "cut_off", "other_order", "earlier_order"]
)
def test_an_answer_that_proves_nothing_is_a_success_even_for_an_unknown_order(
    oms: Caller, body: str, error_body: str
) -> None:
    oms.tenant.settings(error_body=error_body)
    oms.tenant.add_fault("answer", body=body)
    assert oms.cancel(orderID=5).status_code == 200
    assert [one["status"] for one in oms.tenant.requests(order_id=5)] == [200]


def test_another_order_differs_in_its_id_alone(oms: Caller) -> None:
    oms.tenant.add_fault("answer", body="other_order")
    other = oms.cancel().json()
    assert other | {"orderID": 1010101} == oms.get(1010101).json()
    assert other["orderID"] == 1010102


class TestTokenEndpoint:
    def test_it_can_be_throttled_slow_and_down(self, oms: Caller) -> None:
        for kind, parameters in (
            ("throttle", {"retry_after": 3}),
            ("status", {"status": 503, "body": "html"}),
            ("slow", {"seconds": 0.2}),
        ):
            oms.tenant.add_fault(kind, call="token", times=1, **parameters)
        throttled, down = oms.ask_token(), oms.ask_token()
        assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "3")
        assert (down.status_code, down.text[:6]) == (503, "<html>")
        started = time.monotonic()
        assert "access_token" in oms.ask_token().json()
        assert time.monotonic() - started >= 0.2

    def test_it_can_answer_with_nothing_of_use(self, oms: Caller) -> None:
        for body in ("empty", "earlier_order", "html"):
            oms.tenant.add_fault("answer", call="token", times=1, body=body)
        assert [oms.ask_token().text[:6] for _ in range(3)] == ["", "", "<html>"]

    @pytest.mark.parametrize(
        ("kind", "parameters"),
        [("drop", {"when": "before"}), ("drop", {"when": "after"}), ("hang", {"seconds": 0.1})],
    )
    def test_it_can_drop_and_hang(self, oms: Caller, kind: str, parameters: dict[str, Any]) -> None:
        oms.tenant.add_fault(kind, call="token", times=1, **parameters)
        with pytest.raises(requests.ConnectionError):
            oms.ask_token()
        assert oms.ask_token().ok
        statuses = [one["status"] for one in oms.tenant.requests(path=TOKEN_PATH)]
        assert statuses == [200, None, 200]


class TestLate:
    def test_it_shows_at_its_time_and_not_before(self, oms: Caller) -> None:
        oms.tenant.add_fault("late", seconds=0.4, answer="drop", times=1)
        asked = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            oms.cancel()
        shown = oms.get(1010101).json()["orderState"]
        while shown == "READY" and time.monotonic() < asked + 30:
            time.sleep(0.02)
            shown = oms.get(1010101).json()["orderState"]
        assert (shown, time.monotonic() - asked > 0.4) == ("CANCELED", True)

    def test_the_truth_is_known_to_the_control_api_at_once(self, oms: Caller) -> None:
        oms.tenant.add_fault("late", seconds=60)
        assert oms.cancel().json()["orderState"] == "READY"
        assert state(oms) == ("CANCELED", 1, 1)

    def test_a_refusal_is_not_late(self, oms: Caller) -> None:
        oms.tenant.load_orders([{"orderID": 7, "orderState": "SHIPPED"}])
        oms.tenant.add_fault("late", seconds=60)
        assert oms.cancel(orderID=7).status_code == 409
        assert oms.tenant.order(7)["times_canceled"] == 0

    def test_it_stays_late_when_the_database_is_opened_again(self, tmp_path: Path) -> None:
        settings, cancel = Settings(), Cancel(5, "created_by_mistake", None)
        with closing(Store(str(tmp_path / "oms.db"))) as store:
            OrderBook(store, 10001).load([{"orderID": 5}], replace=False)
            OrderBook(store, 10001).cancel(cancel, settings, late=60)
        with closing(Store(str(tmp_path / "oms.db"))) as store:
            book = OrderBook(store, 10001)
            assert json.loads(book.text(5, settings))["orderState"] == "READY"
            assert json.loads(book.cancel(cancel, settings))["orderState"] == "READY"
            known = book.summary(OrderIds(number=5))
        assert known is not None
        assert (known["orderState"], known["times_canceled"]) == ("CANCELED", 1)

    def test_loading_an_order_again_ends_the_waiting(self, oms: Caller) -> None:
        oms.tenant.add_fault("late", seconds=60)
        oms.cancel()
        oms.tenant.load_orders([{"orderID": 1010101, "orderState": "CANCELED"}])
        assert oms.get(1010101).json()["orderState"] == "CANCELED"


def leave_before_the_answer(oms: Caller) -> None:
    """Send a cancel, and close the connection as soon as it has arrived."""
    target = urlsplit(oms.tenant.url)
    connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=30)
    headers = oms.headers | {"Content-Type": "application/json"}
    connection.request("POST", CANCEL_PATH, BODY, headers)
    oms.tenant.wait_for_cancel_post(1010101)
    connection.close()


def test_a_client_that_left_was_not_answered(oms: Caller) -> None:
    oms.tenant.add_fault("slow", seconds=1)
    leave_before_the_answer(oms)
    time.sleep(1.2)  # by then it would have been answered
    assert logged(oms) == [("slow", None)]
    assert state(oms) == ("CANCELED", 1, 1)


def test_an_act_that_comes_last_comes_although_the_client_has_left(oms: Caller) -> None:
    oms.tenant.add_fault("slow", seconds=1, acts="last")
    before = time.monotonic()
    leave_before_the_answer(oms)
    # It cannot have come yet, unless the machine was so busy that the second has gone by.
    assert state(oms) == ("READY", 0, 1) or time.monotonic() > before + 1
    wait_until(lambda: state(oms) == ("CANCELED", 1, 1))


class TestHandling:
    def test_a_list_replaces_what_was_in_force(self, oms: Caller) -> None:
        oms.tenant.add_fault("gzip")
        oms.tenant.set_faults(
            [{"kind": "drop", "order_id": [5, 6]}, {"kind": "hang", "call": "get"}]
        )
        assert [
            (one["fault"]["kind"], one["call"], one["order_ids"]) for one in oms.tenant.faults()
        ] == [("drop", "cancel", [5, 6]), ("hang", "get", None)]

    def test_waiting_for_a_cancel_ends_with_it_or_with_an_error(self, oms: Caller) -> None:
        with pytest.raises(EmulatorError, match="1010101"):
            oms.tenant.wait_for_cancel_post(1010101, timeout=0.1)
        oms.cancel()
        oms.tenant.wait_for_cancel_post(1010101, timeout=0.1)
        assert oms.tenant.cancel_posts(1010101) == 1
