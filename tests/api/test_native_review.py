"""Orders in review and their events: the requests, and the trusted parts of a response."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import openapi
import pytest
from any_responses import BODIES, HEADERS, SECRET, STATUSES, assert_tells_no_secret
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.dialect import ApiCall
from airflow_provider_oms.api.errors import (
    OmsAnotherTenantError,
    OmsError,
    OmsForbiddenError,
    OmsInputError,
    OmsNotFoundError,
    OmsRefusedError,
    OmsServerError,
    OmsThrottledError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.native import Native
from airflow_provider_oms.api.review import Event, OrderInReview, Page, moment_in
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.emulator.native.fields import read_fields, thin

ID = "137a94b6402be0000137196800002711"
MARK = {"x-vol-correlation": "0123456789abcdef"}
AT = datetime(2026, 11, 28, 9, 30, 15, 120_000, tzinfo=UTC)
RESULT = {
    "validationId": "V-1",
    "validatorName": "Shield",
    "validatorType": "Fraud",
    "status": "Fail",
    "createdDate": "2026-11-28T09:30:15.120Z",
}
CALLS = Native("10001").review_calls()


def held(**changes: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "orderNumber": 1042,
        "externalId": "SHOP-1042",
        "tenantId": 10001,
        "siteId": 2,
        "status": "PendingReview",
        "submittedDate": "2026-11-28T09:30:15.1201Z",
        "validationResults": [{**RESULT, "messages": [{"message": "Jane Doe, 1 Elm Street"}]}],
        "email": "jane@example.com",
        **changes,
    }


def told(**changes: Any) -> dict[str, Any]:
    return {
        "id": "e1",
        "tenantId": 10001,
        "siteId": 2,
        "topic": "order.pendingreview",
        "entityId": ID,
        "isTest": False,
        "auditInfo": {"createDate": "2026-11-28T09:30:15.120Z"},
        **changes,
    }


def page(*items: object, **changes: Any) -> dict[str, Any]:
    return {"totalCount": len(items), "items": list(items), **changes}


def answer_of(content: object, status: int = 200, **more: Any) -> Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {} if body == b"<html>" else MARK
    return Response(status, CaseInsensitiveDict(headers), body, **more)


def orders(content: object, start: int = 0, **more: Any) -> Page[OrderInReview]:
    site = more.pop("site", None)
    calls = Native("10001", site_id=site).review_calls()
    return calls.orders_in(answer_of(content, **more), start)


def events(content: object, *, is_filtered: bool = True, **more: Any) -> Page[Event]:
    site = more.pop("site", None)
    calls = Native("10001", site_id=site).review_calls()
    return calls.events_in(answer_of(content, **more), 0, is_filtered=is_filtered)


def query_of(call: ApiCall) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(call.path).query).items()}


def test_a_translated_tenant_is_refused_by_name() -> None:
    with pytest.raises(OmsInputError, match="the connection's api must be native"):
        Translated().review_calls()


def test_the_search_asks_for_orders_in_review_oldest_first() -> None:
    asked = query_of(CALLS.search_call(None, 0))
    assert asked.pop("responseFields").startswith("totalCount,items(id,orderNumber,")
    assert asked == {
        "filter": "status eq PendingReview",
        "sortBy": "submittedDate asc",
        "startIndex": "0",
        "pageSize": "200",
    }
    later = query_of(CALLS.search_call(AT, 200))
    assert later["filter"].endswith(" and submittedDate ge 2026-11-28T09:30:15.120Z")
    assert later["startIndex"] == "200"


def test_the_pull_asks_for_events_since_a_time_or_for_all() -> None:
    asked = query_of(CALLS.events_call(AT, 0))
    terms = "topic eq order.pendingreview and createDate ge 2026-11-28T09:30:15.120Z"
    assert (asked["filter"], asked["sortBy"]) == (terms, "createDate asc")
    assert set(query_of(CALLS.events_call(None, 0))) == {"startIndex", "pageSize", "responseFields"}


def test_the_fields_that_they_ask_for_are_all_that_is_read() -> None:
    names = {*held(), *told(), "totalCount", "items"}

    def shown(call: ApiCall, document: dict[str, Any]) -> dict[str, Any]:
        asked = query_of(call)["responseFields"]
        assert set(re.findall(r"\w+", asked)) < names
        return dict(thin(document, read_fields(asked)))

    found = page(held(), held(siteId=3))
    assert orders(shown(CALLS.search_call(AT, 0), found), site="2") == orders(found, site="2")
    read = shown(CALLS.read_call(ID), held())
    assert CALLS.order_in(answer_of(read), ID) == CALLS.order_in(answer_of(held()), ID)
    pulled = page(told(), told(isTest=True), told(siteId=3), told(tenantId=10002))
    assert events(shown(CALLS.events_call(AT, 0), pulled), site="2") == events(pulled, site="2")


def test_every_call_fits_kibos_published_files() -> None:
    published = openapi.published()
    for call in (
        CALLS.search_call(AT, 0),
        CALLS.read_call(ID),
        CALLS.events_call(AT, 0),
        CALLS.events_call(None, 200),
    ):
        (file,) = [one for start, one in published.items() if call.path.startswith(start)]
        assert file.problems(call.method, call.path, got={}) == []


def test_an_order_has_what_an_adapter_needs_and_nothing_of_the_shoppers() -> None:
    (order,) = orders(page(held())).items
    assert order.payload == {
        "id": ID,
        "orderNumber": 1042,
        "externalId": "SHOP-1042",
        "status": "PendingReview",
        "submittedDate": "2026-11-28T09:30:15.1201Z",
        "validationResults": [RESULT],
    }
    assert order.submitted_at == AT
    assert order == CALLS.order_in(answer_of(held()), ID)
    assert order.is_in_review


@pytest.mark.parametrize("results", [None, "Fail", {"status": "Fail"}])
def test_results_that_are_no_list_stay_unreadable(results: object) -> None:
    (order,) = orders(page(held(validationResults=results))).items
    assert order.payload["validationResults"] is None
    assert order.results == frozenset()


def test_a_result_that_is_no_object_stays_unreadable() -> None:
    (order,) = orders(page(held(validationResults=["Jane Doe"]))).items
    assert order.payload["validationResults"] == [None]


@pytest.mark.parametrize(
    ("times", "last"),
    [
        (["2026-11-28T09:30:15.120Z"], AT),
        (["2026-11-28T09:30:15.119Z", "2026-11-28T10:30:15.120+01:00"], AT),
        (["2026-11-28T09:30:15.121Z", "2026-11-28T09:30:15.120Z"], None),
        (["2026-11-28T09:30:15.119Z", None], None),
        ([], None),
    ],
)
def test_only_a_sorted_page_has_a_last_time(times: list[str | None], last: datetime | None) -> None:
    assert orders(page(*(held(submittedDate=time) for time in times))).last == last


def test_orders_of_other_sites_are_left_out_and_count_in_the_page() -> None:
    found = orders(page(held(), held(siteId=3, submittedDate="2026-11-29T09:30:15Z")), site="2")
    assert (len(found.items), found.length, found.total) == (1, 2, 2)
    assert found.last == datetime(2026, 11, 29, 9, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (page(held(tenantId=None)), "does not say whose"),
        (page(held(id="x")), "no order"),
        (page(held(status=None)), "no order"),
        (page("x"), "no order"),
        (page(held(), totalCount=0), "no count"),
        (page(held(), totalCount=None), "no count"),
        (page(held(), totalCount=True), "no count"),
        (page(totalCount=1), "an empty page"),
        ([], "no OMS order"),
    ],
)
def test_what_is_no_page_of_orders_is_not_believed(content: object, said: str) -> None:
    with pytest.raises(OmsUnexpectedResponseError, match=said):
        orders(content)


def test_orders_of_another_tenant_are_a_fault_of_the_connection() -> None:
    says = "an order of another tenant; check the connection's tenant_id and host"
    with pytest.raises(OmsWrongServerError, match=says):
        orders(page(held(tenantId=2)))


def test_an_empty_page_behind_the_last_one_is_the_end() -> None:
    assert orders(page(totalCount=200), start=200).items == []


def test_an_event_names_its_order_and_its_time() -> None:
    assert events(page(told())).items == [Event("e1", ID, AT)]
    upper = told(entityId=ID.upper(), topic="Order.PendingReview", auditInfo=None)
    assert events(page(upper)).items == [Event("e1", ID, None)]


@pytest.mark.parametrize(
    "entry",
    [
        told(topic="order.updated"),
        told(topic=None),
        told(isTest=True),
        told(entityId="1042"),
        told(entityId=None),
        told(id=None),
        told(tenantId=2),
        told(siteId=3),
        "x",
    ],
)
def test_an_event_that_names_no_order_to_read_is_left_out(entry: object) -> None:
    found = events(page(entry, told(id="e2")), site="2")
    assert [one.event_id for one in found.items] == ["e2"]
    assert found.length == 2


@pytest.mark.parametrize(
    ("status", "content", "kind", "said"),
    [
        (400, {"errorCode": "MISSING_OR_INVALID_PARAMETER"}, OmsRefusedError, "event pull"),
        (409, {"errorCode": "X", "correlationId": "1"}, OmsRefusedError, "event pull"),
        (404, {"errorCode": "ITEM_NOT_FOUND"}, OmsRefusedError, "event pull"),
        (404, b"<html>", OmsWrongServerError, "No OMS answered"),
        (403, {"errorCode": "FORBIDDEN", "correlationId": "1"}, OmsForbiddenError, "permissions"),
        (429, b"", OmsThrottledError, "limits the rate"),
        (500, {}, OmsServerError, "HTTP 500"),
    ],
)
def test_a_refused_pull_says_what_was_refused(
    status: int, content: object, kind: type[OmsError], said: str
) -> None:
    with pytest.raises(kind, match=said) as refusal:
        events(content, status=status)
    assert ("filter_events" in str(refusal.value)) is (kind is OmsRefusedError)
    with pytest.raises(kind) as refusal:
        events(content, status=status, is_filtered=False)
    assert "filter_events" not in str(refusal.value)


def test_a_read_of_an_order_keeps_its_own_errors() -> None:
    with pytest.raises(OmsNotFoundError):
        CALLS.order_in(answer_of({"errorCode": "ITEM_NOT_FOUND"}, 404), ID)
    with pytest.raises(OmsAnotherTenantError):
        CALLS.order_in(answer_of(held(tenantId=2)), ID)
    with pytest.raises(OmsUnexpectedResponseError, match="another order"):
        CALLS.order_in(answer_of(held(id=ID.replace("1", "2"))), ID)


@given(STATUSES | st.just(200), HEADERS, BODIES, st.booleans())
def test_any_answer_is_a_page_or_a_typed_error_without_secrets(
    status: int, headers: dict[str, str], body: bytes, is_complete: bool
) -> None:
    answer = Response(status, CaseInsensitiveDict(headers), body, complete=is_complete)
    for read in (
        lambda: CALLS.orders_in(answer, 0, secrets=[SECRET]),
        lambda: CALLS.events_in(answer, 0, is_filtered=True, secrets=[SECRET]),
    ):
        try:
            assert read().length >= 0
        except OmsError as error:
            assert_tells_no_secret(str(error))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28T09:30:15.120999Z", AT),
        ("2026-11-28T09:30:15.12", AT),
        ("2026-11-28T10:30:15.120+01:00", AT),
        ("yesterday", None),
        (None, None),
        (1795858215, None),
    ],
)
def test_a_time_is_in_utc_and_whole_milliseconds(text: object, moment: datetime | None) -> None:
    assert moment_in(text) == moment
