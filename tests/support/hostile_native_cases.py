"""What only a native tenant can do, and orders that have to be looked up, with their ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hostile_case import Case, Fault, fault
from spoken import BY_EXTERNAL_ID, BY_NUMBER, NATIVE

from airflow_provider_oms.cancellation.outcomes import Outcome

PUT_AND_READ = "PUT, GET"
PARTLY = {"fulfillmentStatus": "PartiallyFulfilled"}
PAID = {"totalCollected": 20}


def native(
    title: str, outcome: Outcome, calls: str, *faults: Fault, spoken: Any = NATIVE, **more: Any
) -> Case:
    return Case(title, outcome, calls, faults, spoken=spoken, **more)


def _what_a_cancel_does() -> Iterator[Case]:
    for title, outcome, shows in (
        ("tenant shows a cancel a moment later", Outcome.CANCELED, 0.5),
        ("tenant takes a cancel and does not carry it out", Outcome.NOT_CANCELED, "never"),
    ):
        yield native(title, outcome, PUT_AND_READ, settings={"native_cancel_shows": shows})
    refused: list[tuple[str, Outcome, dict[str, Any], dict[str, Any]]] = [
        ("money is captured", Outcome.NOT_CANCELABLE, PAID, {}),
        ("an order is restricted", Outcome.NOT_CANCELABLE, {"restrictCancellation": True}, {}),
        ("an order is partially fulfilled", Outcome.NOT_CANCELABLE, PARTLY, {}),
        (
            "an order is partially fulfilled, and the tenant leaves it as it was",
            Outcome.NOT_CANCELED,
            PARTLY,
            {"native_partly_fulfilled_status": 200},
        ),
        (
            "an order is partially fulfilled, and the tenant says 400",
            Outcome.NOT_CANCELABLE,
            PARTLY,
            {"native_partly_fulfilled_status": 400},
        ),
        ("an order is completed", Outcome.NOT_CANCELABLE, {"status": "Completed"}, {}),
        ("an order is not submitted yet", Outcome.NOT_CANCELABLE, {"status": "Pending"}, {}),
        (
            "an order was canceled by another user, and the tenant says 409",
            Outcome.ALREADY_CANCELED,
            {"status": "Cancelled"},
            {},
        ),
    ]
    for title, outcome, order, settings in refused:
        yield native(title, outcome, PUT_AND_READ, order=order, settings=settings)
    for title, order, settings in (
        ("money is captured and kept", PAID, {"native_captured": "keep"}),
        ("money is captured and credited", PAID, {"native_captured": "credit"}),
        (
            "tenant answers a canceled order unchanged",
            {"status": "Cancelled"},
            {"native_canceled_order_status": 200},
        ),
    ):
        yield native(title, Outcome.CANCELED, "PUT", order=order, settings=settings)


def _how_it_refuses() -> Iterator[Case]:
    for status in (409, 400):
        yield native(
            f"tenant says {status} to a reason that it does not list",
            Outcome.REFUSED,
            PUT_AND_READ,
            settings={"native_reasons": ["Mine"], "native_unlisted_reason": status},
        )
    for body, named in (
        ("fulfillment", "the fulfillment service's body"),
        ("html", "an HTML page"),
        ("empty", "an empty body"),
    ):
        settings = {"native_error_body": body}
        yield native(
            f"409 with {named} for a completed order",
            Outcome.NOT_CANCELABLE,
            PUT_AND_READ,
            state="SHIPPED",
            settings=settings,
        )
        yield native(
            f"404 with {named} for an order that does not exist",
            Outcome.NOT_FOUND,
            PUT_AND_READ,
            state=None,
            settings=settings,
        )
    no_mark = {"x-vol-correlation": ""}
    yield native(
        "404 with an empty body and no correlation id: a wrong address",
        Outcome.FORBIDDEN,
        "PUT",
        fault("status", status=404, body="empty", headers=no_mark),
    )
    yield native(
        "429 with Kibo's Retry-After of a minute",
        Outcome.NOT_ATTEMPTED,
        "PUT",
        fault("throttle", retry_after=60),
    )
    yield native("the token is revoked", Outcome.CANCELED, "PUT, PUT", fault("revoked"))


def _how_it_is_looked_up() -> Iterator[Case]:
    for spoken in (BY_NUMBER, BY_EXTERNAL_ID):
        yield native(f"looked up by {spoken.order_key}", Outcome.CANCELED, "PUT", spoken=spoken)
        title = f"looked up by {spoken.order_key}, and no order has it"
        yield native(title, Outcome.NOT_FOUND, "", state=None, spoken=spoken)
    for named, one in (
        ("drops the connection", fault("drop", when="before")),
        ("does not answer in time", fault("hang", seconds=6)),
        ("answers 503", fault("status", status=503)),
        ("answers 429", fault("throttle", retry_after=1)),
        ("answers 401", fault("unauthorized")),
        ("answers 421", fault("status", status=421)),
        ("answers with an empty body", fault("answer", body="empty")),
        ("answers with an HTML page", fault("answer", body="html")),
        ("answers with JSON that breaks off", fault("answer", body="cut_off")),
    ):
        title = f"the look-up {named} once"
        once = {**one, "call": "search"}
        yield native(title, Outcome.CANCELED, "PUT", once, spoken=BY_NUMBER)
    for named, one, outcome in (
        ("drops the connection", fault("drop", when="before"), Outcome.NOT_ATTEMPTED),
        ("answers 503", fault("status", status=503), Outcome.NOT_ATTEMPTED),
        ("answers 429", fault("throttle", retry_after=60), Outcome.NOT_ATTEMPTED),
        ("answers 401", fault("unauthorized", revokes=False), Outcome.FORBIDDEN),
        ("answers 403", fault("status", status=403), Outcome.FORBIDDEN),
        ("answers 400", fault("status", status=400), Outcome.REFUSED),
        ("answers 404", fault("status", status=404), Outcome.REFUSED),
        ("answers 409", fault("status", status=409), Outcome.REFUSED),
    ):
        title = f"the look-up {named} each time"
        always = {**one, "call": "search", "times": None}
        yield native(title, outcome, "", always, deadline=2.9, spoken=BY_NUMBER)
    title = "the token is revoked before the look-up"
    yield native(title, Outcome.CANCELED, "PUT", fault("revoked"), spoken=BY_NUMBER)


NATIVE_CASES = (*_what_a_cancel_does(), *_how_it_refuses())
LOOKED_UP_CASES = tuple(_how_it_is_looked_up())
