"""Each native switch has its documented effect and no other, in the calls of both dialects."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import requests
from emulator_client import ORDERS_PATH, Caller, NativeCaller

from airflow_provider_oms.emulator.native.settings import NativeSettings
from airflow_provider_oms.emulator.testing import EmulatorError

pytestmark = pytest.mark.slow

PAID = {"paymentStatus": "Paid", "totalCollected": 20}
NEW = itertools.count(20_000)
UNKNOWN = f"{'0' * 24}00002711"
REASONS_PATH = f"{ORDERS_PATH}/cancel/reasons"
#: Asks something about an order that no other probe asks about.
Probe = Callable[[NativeCaller, str], requests.Response]


def with_header(**header: str) -> Probe:
    def probe(native: NativeCaller, order_id: str) -> requests.Response:
        changed = {name.replace("_", "-"): value for name, value in header.items()}
        path = f"{ORDERS_PATH}/{order_id}"
        return native.call("GET", path, headers={**native.headers, **changed})

    return probe


def cancel(**reason: Any) -> Probe:
    return lambda native, order_id: native.cancel(order_id, **reason)


def find(text: str, **parameters: Any) -> Probe:
    return lambda native, _: native.find(text, **parameters)


def look(path: str) -> Probe:
    return lambda native, _: native.call("GET", path)


def translated(native: NativeCaller, order_id: str) -> requests.Response:
    oms = Caller(native.tenant)
    return oms.cancel(orderID=native.tenant.order(order_id)["orderID"])


def load_twins(native: NativeCaller, _: str) -> requests.Response:
    """Try to load an order with another one's number, and search for both."""
    number = next(NEW)
    native.load(number, siteId=1)
    try:
        native.load(next(NEW), orderNumber=number, siteId=2)
    except EmulatorError:
        return native.get("refused")
    return native.find(f"orderNumber eq {number}")


PROBES: dict[str, tuple[Probe, dict[str, Any]]] = {
    "read": (lambda native, order_id: native.get(order_id), {}),
    "read restricted": (
        lambda native, order_id: native.get(order_id, "?responseFields=availableActions"),
        {"restrictCancellation": True},
    ),
    "read unknown": (lambda native, _: native.get(UNKNOWN), {}),
    "read malformed": (lambda native, _: native.get("x"), {}),
    "read, another site": (with_header(x_vol_site="2"), {}),
    "read, its site": (with_header(x_vol_site="1"), {}),
    "read, another tenant": (with_header(x_vol_tenant="2"), {}),
    "read, no token": (with_header(Authorization=""), {}),
    "cancel": (cancel(reasonCode="NoInventory"), {}),
    "cancel by action": (lambda native, order_id: native.act(order_id), {}),
    "cancel in the other dialect": (translated, {}),
    "cancel unlisted": (cancel(reasonCode="Made up."), {}),
    "cancel unexplained": (cancel(reasonCode="Other"), {}),
    "cancel explained": (cancel(reasonCode="Other", moreInfo="Why not"), {}),
    "cancel pending": (cancel(reasonCode="Fraud"), {"status": "Pending"}),
    "cancel reviewed": (cancel(reasonCode="Fraud"), {"status": "PendingReview"}),
    "cancel canceled": (cancel(reasonCode="Fraud"), {"status": "Cancelled"}),
    "cancel fulfilled": (cancel(reasonCode="Fraud"), {"fulfillmentStatus": "Fulfilled"}),
    "cancel partly fulfilled": (
        cancel(reasonCode="Fraud"),
        {"fulfillmentStatus": "PartiallyFulfilled"},
    ),
    "cancel restricted": (cancel(reasonCode="Fraud"), {"restrictCancellation": True}),
    "cancel paid": (cancel(reasonCode="Fraud"), PAID),
    "note": (lambda native, order_id: native.note(order_id, "x"), {}),
    "note on canceled": (
        lambda native, order_id: native.note(order_id, "x"),
        {"status": "Cancelled"},
    ),
    "reasons": (look(REASONS_PATH), {}),
    "reasons, a category": (look(f"{REASONS_PATH}?category=BOPIS"), {}),
    "tenant": (look("/api/platform/tenants/10001"), {}),
    "find": (find("orderNumber eq 700"), {}),
    "find two": (find("orderNumber eq 700 or orderNumber eq 701"), {}),
    "find many": (find("orderNumber eq 700", pageSize=400), {}),
    "load twins": (load_twins, {}),
    "pull": (
        lambda native, order_id: native.pull(f"?filter=entityId eq {order_id}"),
        {"status": "PendingReview"},
    ),
    "no such path": (look("/api/commerce/nothing"), {}),
}
CANCELS = (
    "cancel", "cancel by action", "cancel unlisted", "cancel unexplained", "cancel explained",
    "cancel reviewed",
)  # fmt: skip
# Responses that differ once x-vol-site is required: those refused with 400 do not.
WITHOUT_SITE = set(PROBES) - {
    "read, another site", "read, its site", "read, no token", "read malformed", "tenant", "reasons",
    "reasons, a category", "cancel in the other dialect", "find two", "load twins", "no such path",
}  # fmt: skip
REFUSED = (
    "read unknown", "read malformed", "read, no token", "cancel pending", "cancel canceled",
    "cancel fulfilled", "cancel partly fulfilled", "cancel restricted", "cancel paid", "find two",
    "load twins",
)  # fmt: skip

# A switch, another value than its default, and its effect: the status or the body.
CHANGES: tuple[tuple[str, Any, dict[str, int | str]], ...] = (
    ("native_cancel_shows", 300, dict.fromkeys(CANCELS, "open")),
    ("native_cancel_shows", "never", dict.fromkeys(CANCELS, "open")),
    (
        "native_refused_statuses",
        ["PendingReview"],
        {"cancel pending": "Cancelled", "cancel reviewed": 409},
    ),
    ("native_canceled_order_status", 200, {"cancel canceled": "Cancelled"}),
    ("native_fulfilled_status", 400, {"cancel fulfilled": 400}),
    ("native_fulfilled_status", 200, {"cancel fulfilled": "open"}),
    ("native_partly_fulfilled_status", 400, {"cancel partly fulfilled": 400}),
    ("native_partly_fulfilled_status", 200, {"cancel partly fulfilled": "open"}),
    ("native_captured", "keep", {"cancel paid": "Cancelled"}),
    ("native_captured", "credit", {"cancel paid": "Cancelled, credited"}),
    (
        "native_restriction_binds",
        False,
        {"cancel restricted": "Cancelled", "read restricted": "may be canceled"},
    ),
    ("native_reasons", ["Other"], {"reasons": "1 reasons", "reasons, a category": "1 reasons"}),
    (
        "native_explained_reasons",
        [],
        {"reasons": "4 reasons, none explained", "reasons, a category": "none explained"},
    ),
    ("native_reason_categories", ["SHOPPER"], {"reasons, a category": "0 reasons"}),
    ("native_unlisted_reason", 409, {"cancel unlisted": 409}),
    ("native_unlisted_reason", 400, {"cancel unlisted": 400}),
    ("native_unexplained_reason", 409, {"cancel unexplained": 409}),
    ("native_note_on_canceled", 409, {"note on canceled": 409}),
    ("native_wrong_tenant", 401, {"read, another tenant": 401}),
    ("native_wrong_tenant", 403, {"read, another tenant": 403}),
    ("native_site", "require", dict.fromkeys(WITHOUT_SITE, 400)),
    ("native_site", "scope", {"read, another site": 404}),
    ("native_order_numbers", "site", {"load twins": "2 orders"}),
    ("native_filter_or", True, {"find two": "2 orders"}),
    ("native_large_page", 400, {"find many": 400}),
    ("native_event_filter", 400, {"pull": 400}),
    ("native_event_filter", "ignore", {"pull": "9 orders"}),
    ("native_event_lag", 300, {"pull": "0 orders"}),
    ("native_event_loses", 1, {"pull": "0 orders"}),
    ("native_event_copies", 2, {"pull": "2 orders"}),
    ("native_error_body", "fulfillment", dict.fromkeys(REFUSED, "fulfillment")),
    ("native_error_body", "html", dict.fromkeys(REFUSED, "html")),
    ("native_error_body", "empty", dict.fromkeys(REFUSED, "empty")),
    ("native_tenant_domain", "t1.tp1.mozu.com", {"tenant": "t1.tp1.mozu.com"}),
)


def looks(answer: requests.Response) -> str:
    if not answer.content:
        return "empty"
    if answer.headers["Content-Type"].startswith("text/html"):
        return "html"
    content = answer.json()
    if "status" in content:
        credited = ", credited" if content["amountRefunded"] else ""
        return f"{content['status']}{credited}" if content["cancelledDate"] else "open"
    if "availableActions" in content:
        return "may be canceled" if "CancelOrder" in content["availableActions"] else "restricted"
    if "pageCount" in content:
        return f"{content['totalCount']} orders"
    if "items" in content and "errorCode" not in content:
        explained = any(one["needsMoreInfo"] for one in content["items"])
        return f"{content['totalCount']} reasons{'' if explained else ', none explained'}"
    marks = {"errorCode": "platform", "code": "fulfillment", "text": "note", "orderState": "order"}
    return next((look for mark, look in marks.items() if mark in content), content.get("domain"))


def observe(native: NativeCaller) -> dict[str, tuple[int, str]]:
    """Ask every probe, each about an order as good as new."""
    ids = {
        name: native.load(number, **given)
        for number, (name, (_, given)) in enumerate(PROBES.items(), start=700)
    }
    answers = {name: probe(native, ids[name]) for name, (probe, _) in PROBES.items()}
    return {name: (answer.status_code, looks(answer)) for name, answer in answers.items()}


@pytest.fixture(scope="module")
def by_default(emulator: Any) -> dict[str, tuple[int, str]]:
    emulator.clear()
    return observe(NativeCaller(emulator))


def test_by_default_the_likeliest_happens(by_default: dict[str, tuple[int, str]]) -> None:
    refused = {name: status for name, (status, look) in by_default.items() if look == "platform"}
    conflicts = [name for name in REFUSED if name.startswith("cancel ")]
    assert refused == {
        "read unknown": 404, "read malformed": 400, "read, no token": 401, "find two": 400,
        "load twins": 400, **dict.fromkeys(conflicts, 409),
    }  # fmt: skip
    assert by_default["no such path"] == (404, "empty")
    others = set(by_default) - set(refused) - {"no such path"}
    assert {by_default[name][0] for name in others} == {200}
    assert {by_default[name] for name in CANCELS} == {(200, "Cancelled")}


@pytest.mark.parametrize(("switch", "value", "changes"), CHANGES)
def test_a_switch_changes_what_it_says_and_nothing_else(
    native: NativeCaller,
    by_default: dict[str, tuple[int, str]],
    switch: str,
    value: Any,
    changes: dict[str, int | str],
) -> None:
    native.tenant.settings(**{switch: value})
    seen = observe(native)
    changed = {name for name, now in seen.items() if now != by_default[name]}
    assert changed == set(changes)
    unmet = {
        name: seen[name]
        for name, change in changes.items()
        if change != seen[name][0] and str(change) not in seen[name][1]
    }
    assert unmet == {}


def test_every_switch_is_tried_here() -> None:
    assert {switch for switch, _, _ in CHANGES} == set(NativeSettings.model_fields)


@pytest.mark.parametrize(
    ("switch", "value"),
    [
        ("native_cancel_shows", -1),
        ("native_cancel_shows", "sometimes"),
        ("native_cancel_shows", 3601),
        ("native_tenant_domain", "a/b"),
        ("native_error_body", "classic"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(
    native: NativeCaller, switch: str, value: object
) -> None:
    with pytest.raises(EmulatorError, match=switch):
        native.tenant.settings(**{switch: value})
