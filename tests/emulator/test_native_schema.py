"""The emulator's responses, and the requests here, match Kibo's own published files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import openapi
import pytest
import requests
from emulator_client import (
    NATIVE_SHIPMENTS_PATH,
    ORDERS_PATH,
    SPLIT,
    SPLIT_SHIPMENTS,
    NativeCaller,
)

STATUSES = (
    "Pending", "PendingReview", "Accepted", "Processing", "Completed", "Cancelled", "Errored",
)  # fmt: skip
READS = (
    "", "/actions", "/notes", "?responseFields=id,items(id,product(name)),notes(auditInfo)",
    "?draft=false&includeBin=false&mode=synthesized",
)  # fmt: skip
PAGES = (
    "", "?filter=orderNumber eq 1010101", "?pageSize=1&startIndex=1&sortBy=orderNumber desc",
    "?responseFields=totalCount,items(id,status)",
)  # fmt: skip
EVENTS = (
    "", "?filter=topic eq order.pendingreview and createDate ge 2026-01-01T00:00:00.000Z",
    "?pageSize=1&startIndex=1&sortBy=createDate desc", "?responseFields=items(id,auditInfo)",
)  # fmt: skip
WHOLE = {
    "canceledReason": {"reasonCode": "Other", "moreInfo": "Why"},
    "blockAssignment": False,
    "sendNotifications": False,
}

Problems = list[str]
Call = Callable[[], requests.Response]


@pytest.fixture(scope="session")
def published() -> dict[str, openapi.Published]:
    return openapi.published()


def problems(published: dict[str, openapi.Published], answer: requests.Response) -> Problems:
    request = answer.request
    path = request.path_url.partition("?")[0]
    body = request.body.decode() if isinstance(request.body, bytes) else request.body
    sent = json.loads(body) if body else None
    return openapi.file_of(published, path).problems(
        str(request.method),
        request.path_url,
        sent=sent,
        status=answer.status_code,
        got=answer.json(),
    )


def calls(native: NativeCaller) -> Iterator[requests.Response]:
    yield native.ask_token()
    yield native.call("GET", "/api/platform/tenants/10001?responseFields=id,domain,sites(id)")
    yield native.call("GET", "/api/platform/tenants/10001")
    for page in PAGES:
        yield native.call("GET", f"{ORDERS_PATH}{page}")
    for query in ("", "?category=SHOPPER", "?responseFields=items(reasonCode)"):
        yield native.call("GET", f"{ORDERS_PATH}/cancel/reasons{query}")
    paid = {"totalCollected": 20, "paymentStatus": "Paid", "restrictCancellation": True}
    orders: list[dict[str, Any]] = [{"status": status} for status in STATUSES]
    for number, given in enumerate([*orders, paid], start=1000):
        order_id = native.load(number, **given)
        yield native.note(order_id, "A note")
        for read in READS:
            yield native.get(order_id, read)
        yield native.act(order_id)
        order_id = native.load(number, **given)
        yield native.cancel(order_id, reasonCode="Other", moreInfo="Why", description="A text")
        yield native.get(order_id)
    results = [{"status": status} for status in ("Pass", "Review", "Fail", "Error")]
    held = native.load(2000, status="PendingReview", validationResults=results)
    yield native.get(held, "?responseFields=id,validationResults(status)")
    for query in EVENTS:
        events = native.pull(query)
        yield events
    yield native.pull(f"/{native.pull().json()['items'][0]['id']}")


def part_calls(native: NativeCaller) -> Iterator[requests.Response]:
    orders = [{"orderID": number, "parts": SPLIT} for number in (8, 9)]
    native.tenant.load_orders([*orders, {"orderID": 10, "parts": {"shipments": []}}])
    order_id, edited = native.tenant.native_id(8), native.tenant.native_id(10)
    first, second = SPLIT_SHIPMENTS
    reads: tuple[Call, ...] = (
        lambda: native.shipment(first),
        lambda: native.shipment(second),
        lambda: native.find_shipments(f"orderId=={order_id};shipmentType!=Transfer"),
        lambda: native.find_shipments("", page=0, pageSize=1, sort="-orderNumber"),
        lambda: native.find_shipments("orderId==x", bypassSearchIndex="true"),
        lambda: native.get(edited, "?responseFields=id,version,items(id,lineId,quantity)"),
    )
    all_of_it = f"{NATIVE_SHIPMENTS_PATH}/order/{order_id}/canceled"
    cancels: tuple[Call, ...] = (
        lambda: native.cancel_lines(first, {1: 1}),
        lambda: native.cancel_lines(second, {1: 1, 2: 1}),
        lambda: native.cancel_shipment(second),
        lambda: native.call("PUT", all_of_it, json=WHOLE),
    )
    for cancel in cancels:
        yield from (read() for read in reads)
        yield cancel()
    native.cancel(native.tenant.native_id(9))
    yield native.shipment(100_000_901)
    first_item, second_item = (one["id"] for one in native.get(edited).json()["items"])
    query = "?updateMode=ApplyToOriginal&version=1"
    yield native.keep(edited, first_item, 1, f"{query}&responseFields=items(id)")
    yield native.keep(edited, second_item, 0)
    yield native.get(edited)


@pytest.mark.parametrize(
    ("shows", "captured"), [(0.0, "credit"), (300.0, "refuse"), ("never", "keep")]
)
def test_every_call_and_answer_fits(
    native: NativeCaller,
    published: dict[str, openapi.Published],
    shows: object,
    captured: str,
) -> None:
    native.tenant.settings(
        native_cancel_shows=shows, native_captured=captured, native_restriction_binds=False
    )
    answers = list(calls(native))
    assert len([answer for answer in answers if answer.ok]) > 60
    found = {
        f"{answer.request.method} {answer.request.path_url}": misfits
        for answer in answers
        if (misfits := problems(published, answer))
    }
    assert found == {}


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"native_items_left": "keep", "native_shipment_success": 201},
        {"native_items_left": "unchanged", "native_whole_shipment_items": "leave"},
        {"native_empty_page": "empty", "order_follows_parts": "never"},
    ],
)
def test_every_call_about_parts_and_its_answer_fits(
    native: NativeCaller, published: dict[str, openapi.Published], switches: dict[str, object]
) -> None:
    native.tenant.settings(**switches)
    answers = list(part_calls(native))
    assert [answer.text for answer in answers if not answer.ok] == []
    found = {
        f"{answer.request.method} {answer.request.path_url}": misfits
        for answer in answers
        if (misfits := problems(published, answer))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ({"method": "GET", "url": f"{ORDERS_PATH}/x", "got": {"state": "x"}}, "'state' was"),
        ({"method": "GET", "url": f"{ORDERS_PATH}/x", "got": {"orderNumber": "1"}}, "not of type"),
        ({"method": "GET", "url": f"{ORDERS_PATH}/x", "got": {"siteId": 2**31}}, "greater than"),
        (
            {"method": "GET", "url": f"{ORDERS_PATH}/x", "got": {"submittedDate": "now"}},
            "date-time",
        ),
        (
            {
                "method": "GET",
                "url": f"{ORDERS_PATH}/x",
                "got": {"isDraft": 1, "isFulfillable": None},
            },
            "None is not",
        ),
        ({"method": "GET", "url": f"{ORDERS_PATH}/x?field=id", "got": {}}, "no parameter field"),
        ({"method": "GET", "url": f"{ORDERS_PATH}/x/nothing", "got": {}}, "there is no GET"),
        ({"method": "POST", "url": f"{ORDERS_PATH}/cancel/x", "got": {}}, "there is no POST"),
        (
            {"method": "PUT", "url": f"{ORDERS_PATH}/cancel/x", "sent": {"reason": 1}},
            "'reason' was",
        ),
        ({"method": "GET", "url": f"{ORDERS_PATH}/cancel/reasons", "got": {"id": "x"}}, "'id' was"),
        (
            {
                "method": "GET",
                "url": NATIVE_SHIPMENTS_PATH,
                "got": {"_embedded": {"shipments": [{"status": "x"}]}},
            },
            "'status' was",
        ),
        (
            {
                "method": "PUT",
                "url": f"{NATIVE_SHIPMENTS_PATH}/5/canceledItems",
                "sent": {"items": [{"quantity": "1"}]},
            },
            "not of type",
        ),
    ],
)
def test_what_does_not_fit_is_found(
    published: dict[str, openapi.Published], call: dict[str, Any], problem: str
) -> None:
    file = openapi.file_of(published, call["url"].partition("?")[0])
    found = file.problems(**{"got": {}, **call})
    assert any(problem in one for one in found), found


def test_without_the_files_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(openapi.VARIABLE, "/nowhere")
    assert openapi.folder() is None
    assert openapi.VARIABLE in openapi.MISSING
