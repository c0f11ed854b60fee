"""Faults meet native calls as they meet the others, for the same orders by either id."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import requests
from emulator_client import ORDERS_PATH, TOKEN_PATH, Caller, NativeCaller

from airflow_provider_oms.emulator.calls import Name, read_call
from airflow_provider_oms.emulator.testing import EmulatorError

ID = "137a94b6402be0000137196800002711"
NO_ANSWER = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def outcome(native: NativeCaller) -> tuple[int | None, int]:
    """Cancel order 1010101; return the status of the answer, and how often it was canceled."""
    native_id = native.id
    try:
        status = native.cancel(native_id, reasonCode="Fraud").status_code
    except NO_ANSWER:
        status = None
    return status, native.tenant.order(native_id)["times_canceled"]


@pytest.mark.parametrize(
    ("method", "path", "body", "name", "order"),
    [
        ("POST", TOKEN_PATH, b"", "token", None),
        ("GET", ORDERS_PATH, b"", "search", None),
        ("GET", f"{ORDERS_PATH}/", b"", "search", None),
        ("GET", f"{ORDERS_PATH}/{ID}", b"", "get", ID),
        ("GET", f"{ORDERS_PATH}/{ID.upper()}/", b"", "get", ID),
        ("GET", f"{ORDERS_PATH}/5", b"", "get", None),
        ("GET", f"{ORDERS_PATH}/{ID}/actions", b"", "actions", ID),
        ("POST", f"{ORDERS_PATH}/{ID}/actions", b'{"actionName":"CancelOrder"}', "cancel", ID),
        ("POST", f"{ORDERS_PATH}/{ID}/actions", b'{"ACTIONNAME":"cancelorder"}', "cancel", ID),
        ("POST", f"{ORDERS_PATH}/{ID}/actions", b'{"actionName":"AcceptOrder"}', "actions", ID),
        ("POST", f"{ORDERS_PATH}/{ID}/actions", b"", "cancel", ID),
        ("POST", f"{ORDERS_PATH}/{ID}/actions", b"[]", "cancel", ID),
        ("PUT", f"{ORDERS_PATH}/cancel/{ID}", b"", "cancel", ID),
        ("PUT", f"{ORDERS_PATH}/cancel/x", b"", "cancel", None),
        ("GET", f"{ORDERS_PATH}/cancel/reasons", b"", "reasons", None),
        ("GET", f"{ORDERS_PATH}/{ID}/notes", b"", "notes", ID),
        ("POST", f"{ORDERS_PATH}/{ID}/notes", b"{}", "notes", ID),
        ("GET", "/api/platform/tenants/10001", b"", "tenant", None),
        ("PUT", "/api/platform/tenants/10001", b"", "other", None),
        ("GET", "/api/event/pull", b"", "events", None),
        ("DELETE", f"{ORDERS_PATH}/{ID}", b"", "other", ID),
        ("GET", f"{ORDERS_PATH}/{ID}/items", b"", "other", ID),
        ("POST", ORDERS_PATH, b"", "other", None),
        ("GET", "/api/commerce/ordersx", b"", "other", None),
    ],
)
def test_a_rule_knows_each_native_call_by_its_name(
    method: str, path: str, body: bytes, name: str, order: str | None
) -> None:
    call = read_call(method, path, body)
    assert (call.name, call.order.native, call.order.number) == (name, order, None)


@pytest.mark.parametrize(
    ("kind", "parameters", "status", "times_canceled"),
    [
        ("drop", {"when": "before"}, None, 0),
        ("drop", {"when": "after"}, None, 1),
        ("drop", {"when": "mid_answer"}, None, 1),
        ("hang", {"seconds": 0.1}, None, 1),
        ("slow", {"seconds": 0.1, "acts": "last"}, 200, 1),
        ("status", {"status": 503}, 503, 0),
        ("status", {"status": 502, "acts": True, "body": "html"}, 502, 1),
        ("status", {"status": 409, "body": "fulfillment"}, 409, 0),
        ("status", {"status": 201, "acts": True, "body": "order"}, 201, 1),
        ("throttle", {"retry_after": 60}, 429, 0),
        ("unauthorized", {}, 401, 0),
        ("answer", {"body": "empty"}, 200, 1),
        ("gzip", {}, 200, 1),
        ("late", {"seconds": 0, "answer": "error"}, 502, 1),
        ("close_after", {}, 200, 1),
    ],
)
def test_a_fault_does_to_a_native_cancel_what_it_does_to_the_other(
    native: NativeCaller,
    kind: str,
    parameters: dict[str, Any],
    status: int | None,
    times_canceled: int,
) -> None:
    native.tenant.add_fault(kind, times=1, **parameters)
    assert outcome(native) == (status, times_canceled)
    (logged,) = native.tenant.requests(call="cancel")
    assert (logged["fault"], logged["status"]) == (kind, status)
    assert (logged["order_id"], logged["native_id"]) == (1010101, native.id)


def test_a_rule_may_be_about_any_call(native: NativeCaller) -> None:
    for name in set(get_args(Name)) - {"other"} | {"any"}:
        native.tenant.set_faults([{"kind": "status", "status": 503, "call": name}])


def test_a_pull_of_events_meets_a_fault_of_its_own(native: NativeCaller) -> None:
    native.tenant.add_fault("status", call="events", status=503, times=1)
    assert native.get(native.id).ok
    assert native.call("GET", "/api/event/pull").status_code == 503
    assert native.call("GET", "/api/event/pull").ok


def test_too_many_requests_are_answered_as_kibo_does(native: NativeCaller) -> None:
    native.tenant.add_fault("throttle", call="any", retry_after=60, times=2)
    answers = [
        native.call("GET", f"{ORDERS_PATH}/{ID}"),
        native.call("GET", ORDERS_PATH),
    ]
    for answer in answers:
        assert (answer.status_code, answer.content) == (429, b"")
        assert answer.headers["Retry-After"] == "60"
        assert answer.headers["x-vol-correlation"]


def test_a_fault_is_about_an_order_in_both_dialects(native: NativeCaller, oms: Caller) -> None:
    for order_id in (1010101, native.id):
        native.tenant.set_faults([{"kind": "status", "status": 503, "order_id": order_id}])
        assert native.cancel(native.id).status_code == oms.cancel().status_code == 503
        assert native.cancel(native.load(96)).ok
    with pytest.raises(EmulatorError, match="order_ids"):
        native.tenant.add_fault("gzip", order_id="x")


def test_a_share_of_the_orders_is_the_same_in_both_dialects(
    native: NativeCaller, oms: Caller
) -> None:
    native.tenant.load_orders({"orderID": order_id} for order_id in range(500, 530))

    def hit(dialect: Caller | NativeCaller, ids: dict[int, object]) -> list[int]:
        fault = {"kind": "status", "status": 503, "call": "get", "share": 0.5}
        native.tenant.set_faults([fault])
        return [one for one, order_id in ids.items() if not dialect.get(order_id).ok]

    numbers: dict[int, object] = {one: one for one in range(500, 530)}
    chosen = hit(oms, numbers)
    assert chosen == hit(native, {one: native.tenant.native_id(one) for one in numbers})
    assert 5 < len(chosen) < 25


def test_an_answer_can_be_another_order_or_the_one_before(native: NativeCaller) -> None:
    native.tenant.add_fault("answer", body="other_order", times=1)
    other = native.cancel(native.id).json()
    assert (other["status"], other["id"][1:]) == ("Cancelled", native.id[1:])
    assert other["id"] != native.id
    order_id = native.load(97)
    native.tenant.add_fault("answer", body="earlier_order", times=1)
    path = f"{ORDERS_PATH}/cancel/{order_id}?responseFields=id,status"
    earlier = native.call("PUT", path, json={})
    assert earlier.json() == {"id": order_id, "status": "Accepted"}
    assert native.get(order_id).json()["status"] == "Cancelled"


def test_what_is_no_order_has_no_other_one(native: NativeCaller) -> None:
    native.tenant.add_fault("answer", call="actions", body="other_order")
    actions = native.call("GET", f"{ORDERS_PATH}/{native.id}/actions").json()
    assert "CancelOrder" in actions


def test_a_late_cancel_shows_in_neither_dialect(native: NativeCaller, oms: Caller) -> None:
    native.tenant.add_fault("late", seconds=300)
    assert native.act(native.id).json()["status"] == "Accepted"
    assert native.get(native.id).json()["status"] == "Accepted"
    assert oms.get(1010101).json()["orderState"] == "READY"
    assert native.tenant.order(1010101)["native"]["status"] == "Cancelled"


def test_what_a_note_says_and_what_is_searched_for_is_logged(native: NativeCaller) -> None:
    native.note(native.id, "A note")
    native.find("externalId eq X")
    noted = native.tenant.requests(call="notes")
    assert [one["body"] for one in noted] == ['{"text": "A note"}']
    (searched,) = native.tenant.requests(call="search")
    assert searched["query"] == "filter=externalId+eq+X"
    assert native.tenant.requests(order_id=native.id, call="notes") == noted
