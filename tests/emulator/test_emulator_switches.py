"""Each switch has its documented effect and no other: every probe is asked under every setting."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import requests
from emulator_client import CANCEL_PATH, TOKEN_PATH, Caller

from airflow_provider_oms.emulator.native.settings import NativeSettings
from airflow_provider_oms.emulator.parts.settings import PartSettings
from airflow_provider_oms.emulator.settings import Settings

pytestmark = pytest.mark.slow

UNKNOWN = 5
NEW = itertools.count(10_000)
SEARCHES = ("search", "search new", "search, no slash")
#: Asks something about an order that no other probe asks about.
Probe = Callable[[Caller, int], requests.Response]


def cancel(**fields: Any) -> Probe:
    def probe(oms: Caller, order_id: int) -> requests.Response:
        body = {"orderID": order_id, "dispositionReason": "created_by_mistake", **fields}
        return oms.call("POST", CANCEL_PATH, json=body)

    return probe


def with_headers(**changes: str | None) -> Probe:
    def probe(oms: Caller, order_id: int) -> requests.Response:
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        headers = {k: v for k, v in {**oms.headers, **changed}.items() if v is not None}
        return oms.call("GET", f"/api/v2/order/{order_id}", headers=headers)

    return probe


def search_new(oms: Caller, _: int) -> requests.Response:
    """Search for an order that has not been asked about before."""
    order_id = next(NEW)
    oms.tenant.load_orders([{"orderID": order_id}])
    return oms.search(f"orderID={order_id}")


PROBES: dict[str, Probe] = {
    "read": lambda oms, order_id: oms.get(order_id),
    "read unknown": lambda oms, _: oms.get(UNKNOWN),
    "read no id": lambda oms, _: oms.get("x"),
    "search": lambda oms, order_id: oms.search(f"orderID={order_id}"),
    "search new": search_new,
    "search nothing": lambda oms, _: oms.search(""),
    "cancel": cancel(),
    "cancel unknown": cancel(orderID=UNKNOWN),
    "cancel shipped": cancel(),
    "cancel held": cancel(),
    "cancel canceled": cancel(),
    "cancel by text": lambda oms, order_id: cancel(orderID=str(order_id))(oms, order_id),
    "cancel by odd text": lambda oms, order_id: cancel(orderID=f" {order_id}")(oms, order_id),
    "reason fraud": cancel(dispositionReason="fraud"),
    "reason made up": cancel(dispositionReason="made_up"),
    "reason empty": cancel(dispositionReason=""),
    "other": cancel(dispositionReason="other", dispositionOtherReason="Why not"),
    "other unexplained": cancel(dispositionReason="other"),
    "other, 37 euro signs": cancel(dispositionReason="other", dispositionOtherReason="€" * 37),
    "other, too long": cancel(dispositionReason="other", dispositionOtherReason="x" * 256),
    "explained without other": cancel(dispositionOtherReason="Why not"),
    "badly explained without other": cancel(dispositionOtherReason=""),
    "no tenant": with_headers(x_vol_tenant=None),
    "wrong tenant": with_headers(x_vol_tenant="2"),
    "no token": with_headers(Authorization=None),
    "wrong token": with_headers(Authorization="Bearer made-up"),
    "token": lambda oms, _: oms.ask_token(),
    "token refused": lambda oms, _: oms.ask_token(client_secret="wrong"),
    "token by get": lambda oms, _: oms.call("GET", TOKEN_PATH),
    "cancel, slash": lambda oms, _: oms.call("POST", f"{CANCEL_PATH}/", json={"orderID": UNKNOWN}),
    "search, no slash": lambda oms, _: oms.call("GET", "/api/v2/order?orderID=5"),
    "no such path": lambda oms, _: oms.call("GET", "/api/v2/nothing"),
    "other method": lambda oms, _: oms.call("DELETE", CANCEL_PATH),
}
STATES = {
    "cancel shipped": "SHIPPED",
    "cancel held": "PAYMENT_HOLD",
    "cancel canceled": "CANCELED",
}
GATEWAY = {"no tenant", "wrong tenant", "no token", "wrong token"}
REFUSED = {
    "read unknown", "read no id", "search nothing", "cancel unknown", "cancel shipped",
    "cancel by text", "cancel by odd text", "reason fraud", "reason made up", "reason empty",
    "other unexplained", "other, 37 euro signs", "other, too long",
    "badly explained without other", "cancel, slash", "no such path", "other method",
}  # fmt: skip

# A switch, another value than its default, and its effect: the status or the body.
CHANGES: tuple[tuple[str, Any, dict[str, int | str]], ...] = (
    ("unknown_order_status", 400, {"read unknown": 400, "cancel unknown": 400}),
    ("refused_states", ["PAYMENT_HOLD"], {"cancel shipped": 200, "cancel held": 409}),
    ("refused_state_status", 400, {"cancel shipped": 400}),
    ("canceled_order_status", 409, {"cancel canceled": 409}),
    ("reasons", "lenient", {"reason fraud": 200, "reason made up": 200}),
    ("extra_reasons", ["fraud"], {"reason fraud": 200}),
    ("explanation_without_other", "refuse", {"explained without other": 400}),
    ("other_without_explanation", "accept", {"other unexplained": 200}),
    ("latin1_lengths", False, {"other, 37 euro signs": 200}),
    ("numeric_string_ids", True, {"cancel by text": 200}),
    ("missing_tenant_status", 401, {"no tenant": 401}),
    ("missing_tenant_status", 403, {"no tenant": 403}),
    ("wrong_tenant_status", 400, {"wrong tenant": 400}),
    ("wrong_tenant_status", 401, {"wrong tenant": 401}),
    ("wrong_tenant_status", 404, {"wrong tenant": 404}),
    ("expired_token_status", 403, {"wrong token": 403}),
    ("token_lifetime", 7, {"token": "expires in 7"}),
    ("error_body", "classic", dict.fromkeys(REFUSED, "classic")),
    ("error_body", "html", dict.fromkeys(REFUSED | GATEWAY, "html")),
    ("error_body", "empty", dict.fromkeys(REFUSED | GATEWAY, "empty")),
    ("search_status", 404, dict.fromkeys((*SEARCHES, "search nothing"), 404)),
    ("search_status", 500, dict.fromkeys((*SEARCHES, "search nothing"), 500)),
    ("search_shape", "list", dict.fromkeys(SEARCHES, "list")),
    ("search_shape", "items", dict.fromkeys(SEARCHES, "items")),
    ("search_lag", 300, {"search new": "empty page"}),
    ("search_leaves_out", 1, {"search": "empty page", "search new": "empty page"}),
    ("search_ignores_ids", True, {"search, no slash": "page"}),
    ("trailing_slash", False, {"cancel, slash": 404, "search, no slash": 404}),
)


def looks(answer: requests.Response) -> str:
    if not answer.content:
        return "empty"
    if answer.headers["Content-Type"].startswith("text/html"):
        return "html"
    content = answer.json()
    if isinstance(content, list):
        return "list"
    if content.get("collection") == []:
        return "empty page"
    if "expires_in" in content:
        return f"expires in {content['expires_in']}"
    marks = {"errorCode": "platform", "code": "classic", "orderID": "order", "items": "items"}
    marks["collection"] = "page"
    return next(looks for key, looks in marks.items() if key in content)


def observe(oms: Caller, **switches: Any) -> dict[str, tuple[int, str]]:
    """Ask every probe, each about an order that was there before the switches were set."""
    numbered = dict(enumerate(PROBES, start=600))
    oms.tenant.load_orders(
        {"orderID": order_id, "orderState": STATES.get(name, "READY")}
        for order_id, name in numbered.items()
    )
    oms.tenant.settings(**switches)
    answers = {name: PROBES[name](oms, order_id) for order_id, name in numbered.items()}
    return {name: (answer.status_code, looks(answer)) for name, answer in answers.items()}


@pytest.fixture(scope="module")
def by_default(emulator: Any) -> dict[str, tuple[int, str]]:
    emulator.clear()
    return observe(Caller(emulator))


def test_by_default_the_documented_rules_hold(by_default: dict[str, tuple[int, str]]) -> None:
    refusals = {name: status for name, (status, look) in by_default.items() if look == "platform"}
    expected = dict.fromkeys(REFUSED, 400) | {
        "read unknown": 404, "cancel unknown": 404, "cancel shipped": 409, "no such path": 404,
        "other method": 405, "no tenant": 400, "wrong tenant": 403, "no token": 401,
        "wrong token": 401, "token refused": 401, "token by get": 405,
    }  # fmt: skip
    assert refusals == expected
    others = {name: seen for name, seen in by_default.items() if name not in refusals}
    pages = dict.fromkeys(SEARCHES, (200, "page")) | {"search, no slash": (200, "empty page")}
    assert others == dict.fromkeys(others, (200, "order")) | pages | {
        "token": (200, "expires in 3600")
    }


@pytest.mark.parametrize(("switch", "value", "changes"), CHANGES)
def test_a_switch_changes_what_it_says_and_nothing_else(
    oms: Caller,
    by_default: dict[str, tuple[int, str]],
    switch: str,
    value: Any,
    changes: dict[str, int | str],
) -> None:
    seen = observe(oms, **{switch: value})
    changed = {name for name, now in seen.items() if now != by_default[name]}
    assert changed == set(changes)
    assert {name: change for name, change in changes.items() if change not in seen[name]} == {}


def test_every_switch_is_tried_here() -> None:
    here = {switch for switch, _, _ in CHANGES}
    elsewhere = {*NativeSettings.model_fields, *PartSettings.model_fields}
    assert here == set(Settings.model_fields) - elsewhere


def test_an_expired_tokens_403_has_the_classic_body_whatever_the_others_have(oms: Caller) -> None:
    oms.tenant.settings(expired_token_status=403, error_body="html")
    answer = PROBES["wrong token"](oms, 1010101)
    assert (answer.status_code, looks(answer)) == (403, "classic")
