"""The client's reading of a translated tenant's items and shipments, and of other content."""

from __future__ import annotations

import json
from typing import Any

import pytest
from raw_server import RawServer, Script, answer
from wire import client_of, head_and_body

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsServerError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.part_calls import Parts
from airflow_provider_oms.api.parts import (
    Flags,
    OrderParts,
    PartCancel,
    PartKind,
    Reason,
    Share,
)

CORRELATION = "x-vol-correlation: 0123456789abcdef0123456789abcdef"
ORDER = {"orderID": 8, "orderState": "READY", "orderStatus": "READY"}
ITEM = {"orderItemID": 81, "orderID": 8, "itemState": "NORMAL", "quantity": 2, "shipmentID": 5}
SHIPMENT = {"shipmentID": 5, "orderID": 8, "shipmentStatus": "READY"}
WHY = Reason("other", "Out of stock")


def says(document: object, status: str = "200 OK", *headers: str) -> Script:
    return answer(status, json.dumps(document).encode(), (CORRELATION, *headers))


def read(*script: Script, **wanted: Any) -> tuple[OrderParts, list[str]]:
    """Return the parts read, and the first line of each request."""
    with RawServer([says(ORDER), *script]) as server, client_of(server.url) as client:
        shown = Parts(client).get_parts(8, **wanted)
    return shown, [head_and_body(request)[0][0] for request in server.requests]


def page(*entries: object, total: object = None) -> Script:
    count = len(entries) if total is None else total
    return says({"totalCount": count, "collection": [*entries]})


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("NORMAL", (2, 0, 0)),
        ("Canceled", (0, 2, 0)),
        ("CANCELLED", (0, 2, 0)),
        ("SHIPPED", (0, 0, 2)),
        ("BACKORDER", (2, 0, 0)),
    ],
)
def test_an_item_is_open_canceled_or_shipped(state: str, counts: tuple[int, int, int]) -> None:
    shown, requests = read(says({**ITEM, "itemState": state}), lines=[81])
    (line,) = shown.lines
    assert (line.open, line.canceled, line.fulfilled) == counts
    assert (line.status, shown.shows_all) == (state, False)
    assert requests == ["GET /api/v2/order/8 HTTP/1.1", "GET /api/v2/orderItem/81 HTTP/1.1"]


def test_a_plan_searches_for_the_other_items_page_by_page() -> None:
    others = [{**ITEM, "orderItemID": 100 + at} for at in range(24)]
    pages = [page(*others[:20], total=25), page(*others[20:], ITEM, total=25)]
    shown, requests = read(says(ITEM), *pages, says(others[0]), lines=[81], is_whole=True)
    assert (len(shown.lines), shown.shows_all) == (25, True)
    assert requests[2:] == [
        *(f"GET /api/v2/orderItem/?orderID=8&perPage=20&page={n} HTTP/1.1" for n in (1, 2)),
        "GET /api/v2/orderItem/100 HTTP/1.1",
    ]


def test_what_a_search_calls_open_is_read_until_one_item_is_open_indeed() -> None:
    others = [{**ITEM, "orderItemID": number} for number in (82, 83, 84, 85)]
    gone = says({"code": 5002}, "404 Not Found")
    script = [page(*others), says({**others[0], "itemState": "CANCELED"}), gone, says(others[2])]
    shown, requests = read(*script, lines=[], is_whole=True)
    assert [(line.name, line.open) for line in shown.lines] == [(82, 0), (84, 2), (85, 2)]
    assert len(requests) == 5


def test_so_are_the_other_shipments() -> None:
    others = [{**SHIPMENT, "shipmentID": number} for number in (6, 7, 8)]
    canceled = {**others[0], "shipmentStatus": "CANCELED"}
    script = [says(SHIPMENT), page(SHIPMENT, *others), says(canceled), says(others[1])]
    shown, requests = read(*script, shipments=[5], is_whole=True)
    assert shown.shows_all
    found = [(one.number, one.is_open) for one in shown.shipments]
    assert found == [(5, True), (6, False), (7, True), (8, True)]
    assert requests[2:] == [
        "GET /api/v2/shipment/?orderID=8&perPage=100&page=1 HTTP/1.1",
        *(f"GET /api/v2/shipment/{number} HTTP/1.1" for number in (6, 7)),
    ]


def test_a_search_without_end_shows_nothing_else() -> None:
    shown, requests = read(page(ITEM, total=9999), is_whole=True)
    assert (shown.lines, shown.shows_all, len(requests)) == ((), False, 1 + 50)


@pytest.mark.parametrize(
    "script", [says({**ITEM, "orderID": 9}), says({"code": 5002}, "404 Not Found")]
)
def test_a_line_that_the_order_does_not_have_says_nothing_of_the_others(script: Script) -> None:
    shown, _ = read(script, says({**ITEM, "orderItemID": 82}), lines=[81, 82])
    assert [line.name for line in shown.lines] == [82]


@pytest.mark.parametrize(
    "script",
    [
        says({"code": 5002}, "404 Not Found"),
        says({"code": 5017}, "400 Bad Request"),
        says([ITEM]),
        says({"collection": [ITEM]}),
        page({**ITEM, "orderID": 9}),
        page({"orderItemID": 1, "orderID": 8}),
        page(ITEM, total=True),
        page(total=3),
    ],
)
def test_a_search_that_cannot_be_believed_shows_nothing_else(script: Script) -> None:
    shown, _ = read(says(ITEM), script, lines=[81], is_whole=True)
    assert ([line.name for line in shown.lines], shown.shows_all) == ([81], False)


def test_one_that_fails_for_now_fails() -> None:
    with pytest.raises(OmsServerError):
        read(says(ITEM), says({}, "503 Service Unavailable"), lines=[81], is_whole=True)


@pytest.mark.parametrize(
    ("status", "is_canceled", "is_open"),
    [
        ("READY", False, True),
        ("CANCELED", True, False),
        ("FULFILLED", False, False),
        ("REASSIGNED", False, False),
    ],
)
def test_a_shipment_is_open_canceled_or_neither(
    status: str, is_canceled: bool, is_open: bool
) -> None:
    shown, _ = read(says({**SHIPMENT, "shipmentStatus": status}), shipments=[5])
    (shipment,) = shown.shipments
    assert (shipment.is_canceled, shipment.is_open) == (is_canceled, is_open)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer("404 Not Found", b"<html></html>"), OmsWrongServerError),
        (says({**ITEM, "orderItemID": 82}), OmsUnexpectedResponseError),
        (says({**ITEM, "orderID": None}), OmsUnexpectedResponseError),
        (says({**ITEM, "itemState": 7}), OmsUnexpectedResponseError),
        (says([]), OmsUnexpectedResponseError),
        (answer("200 OK", b""), OmsUnexpectedResponseError),
        (says({}, "409 Conflict"), OmsConflictError),
    ],
)
def test_anything_else_is_a_typed_error_about_the_order(
    script: Script, kind: type[OmsError]
) -> None:
    with pytest.raises(kind) as failure:
        read(script, lines=[81])
    assert failure.value.order_id == 8


def test_a_page_instead_of_an_item_names_both_and_the_likely_cause() -> None:
    found = r"an HTML page instead of line 81\. .*tenant_id or host is wrong"
    with pytest.raises(OmsUnexpectedResponseError, match=found):
        read(answer("200 OK", b"<html></html>"), lines=[81])


def test_what_was_read_is_as_old_as_its_oldest_answer() -> None:
    shown, _ = read(says(ITEM, "200 OK", "Age: 40"), lines=[81])
    assert shown.order.age == 40


def cancel(kind: PartKind, script: Script) -> tuple[OrderParts, Any, str]:
    shares = (Share(81, 2, WHY),) if kind is PartKind.LINE else ()
    shipment = None if kind is PartKind.LINE else 5
    wanted = PartCancel(kind, 8, shipment, shares, WHY, Flags(send_notifications=True))
    with RawServer([says(ORDER), script]) as server, client_of(server.url) as client:
        before = Parts(client).get_parts(8)
        shown = Parts(client).post_part(wanted, before)
    head, body = head_and_body(server.requests[-1])
    return shown, json.loads(body), head[0]


def test_an_item_is_canceled_at_the_documented_address() -> None:
    shown, body, line = cancel(PartKind.LINE, says({**ITEM, "itemState": "CANCELED"}))
    assert line == "POST /api/v2/orderItem/action/cancel/ HTTP/1.1"
    assert body == {
        "orderItemID": 81,
        "dispositionReason": "other",
        "dispositionOtherReason": "Out of stock",
        "rectifyOrder": True,
        "sendCancellationEmails": True,
        "cancelChildItems": False,
    }
    assert shown.lines[0].canceled == 2
    assert shown.order.correlation_id == CORRELATION.partition(": ")[2]


def test_so_is_a_shipment() -> None:
    shown, body, line = cancel(PartKind.SHIPMENT, says({**SHIPMENT, "shipmentStatus": "CANCELED"}))
    assert line == "POST /api/v2/shipment/action/cancel HTTP/1.1"
    assert body == {
        "shipmentID": 5,
        "dispositionReason": "other",
        "dispositionOtherReason": "Out of stock",
    }
    assert shown.shipments[0].is_canceled


def test_an_answer_with_the_order_instead_proves_nothing() -> None:
    with pytest.raises(OmsUnexpectedResponseError, match="instead of line 81"):
        cancel(PartKind.LINE, says(ORDER))
