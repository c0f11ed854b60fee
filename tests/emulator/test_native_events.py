"""The event pull of a native tenant, and the ways in which its events are late, lost or doubled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from emulator_client import NativeCaller

HELD = {"status": "PendingReview", "validationResults": [{"status": "Fail"}]}
OF_REVIEW = "?filter=topic eq order.pendingreview and createDate ge "


def events(native: NativeCaller, query: str = "") -> list[dict[str, Any]]:
    answer = native.pull(query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def entities(native: NativeCaller, query: str = "") -> list[str]:
    return [event["entityId"] for event in events(native, query)]


def test_an_order_that_is_held_has_an_event_and_any_other_has_none(native: NativeCaller) -> None:
    native.load(1, status="Accepted")
    held = native.load(2, **HELD)
    (event,) = events(native)
    assert (event["topic"], event["entityId"]) == ("order.pendingreview", held)
    assert (event["tenantId"], event["siteId"], event["isTest"]) == (10001, 1, False)
    assert native.pull(f"/{event['id']}").json() == event
    assert native.pull(f"/{'0' * 32}").status_code == 404


def test_a_cancel_has_an_event(native: NativeCaller) -> None:
    held = native.load(2, **HELD)
    native.cancel(held, reasonCode="Fraud")
    native.cancel(held, reasonCode="Fraud")
    assert [one["topic"] for one in events(native)] == ["order.pendingreview", "order.cancelled"]
    assert entities(native, "?filter=topic eq ORDER.cancelled") == [held]


def test_events_come_in_pages_by_time(native: NativeCaller) -> None:
    held = [native.load(number, **HELD) for number in range(1, 6)]
    assert entities(native) == held
    page = native.pull("?pageSize=2&startIndex=2&sortBy=createDate desc").json()
    assert (page["totalCount"], page["pageCount"], len(page["items"])) == (5, 3, 2)
    times = [datetime.fromisoformat(one["auditInfo"]["createDate"]) for one in events(native)]
    assert times == sorted(times)
    last = events(native)[-1]["auditInfo"]["createDate"]
    assert held[-1] in entities(native, f"{OF_REVIEW}{last}")
    assert entities(native, f"{OF_REVIEW}2999-01-01T00:00:00.000Z") == []


def test_a_held_order_shows_its_results_complete(native: NativeCaller) -> None:
    held = native.load(2, status="PendingReview", validationResults=[{"status": "Review"}])
    order = native.get(held).json()
    (result,) = order["validationResults"]
    assert (result["validatorType"], result["status"]) == ("Fraud", "Review")
    assert result["createdDate"] == order["submittedDate"]


def test_no_token_no_events(native: NativeCaller) -> None:
    assert native.call("GET", "/api/event/pull", headers={}).status_code == 401


def test_a_late_event_appears_with_its_own_time(native: NativeCaller) -> None:
    native.tenant.settings(native_event_lag=3600)
    native.load(2, **HELD)
    assert events(native) == []
    native.tenant.settings(native_event_lag=0)
    assert len(events(native)) == 1


def test_lost_events_never_appear(native: NativeCaller) -> None:
    for number in range(1, 7):
        native.load(number, **HELD)
    native.tenant.settings(native_event_loses=3)
    assert len(events(native)) == 4
    native.tenant.settings(native_event_loses=1)
    assert events(native) == []


def test_copies_differ_in_their_id_alone(native: NativeCaller) -> None:
    native.load(2, **HELD)
    native.tenant.settings(native_event_copies=3)
    copies = events(native)
    assert len({one["id"] for one in copies}) == 3
    assert len({(one["entityId"], one["auditInfo"]["createDate"]) for one in copies}) == 1
    assert all(native.pull(f"/{one['id']}").ok for one in copies)


@pytest.mark.parametrize("query", [f"{OF_REVIEW}2999-01-01T00:00:00.000Z", "?sortBy=createDate"])
def test_a_tenant_may_not_filter_events(native: NativeCaller, query: str) -> None:
    native.load(2, **HELD)
    native.tenant.settings(native_event_filter=400)
    assert native.pull(query).status_code == 400
    native.tenant.settings(native_event_filter="ignore")
    assert len(events(native, query)) == 1


def test_orders_that_are_removed_take_their_events_along(native: NativeCaller) -> None:
    native.load(2, **HELD)
    native.tenant.clear_orders()
    assert events(native) == []


def test_the_log_calls_them_events(native: NativeCaller) -> None:
    native.pull(f"{OF_REVIEW}2026-01-01T00:00:00.000Z")
    (entry,) = native.tenant.requests(call="events")
    assert "createDate" in entry["query"]
