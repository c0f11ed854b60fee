"""Each fault that a tenant or a network can show, and the expected result of the order."""

from __future__ import annotations

from hostile_case import Case, fault

from airflow_provider_oms.cancellation.outcomes import Outcome

ELSEWHERE = {"Location": "http://127.0.0.1:9/"}
CANCELED, UNKNOWN = Outcome.CANCELED, Outcome.UNKNOWN
READ_AND_SEE = "POST, GET"
READ_AND_REPEAT = "POST, GET, POST"

# The calls are those that the OMS saw for the order; reads in a row count as one.
CASES = (
    Case("none", CANCELED, "POST"),
    Case("the cancel is acted on, the connection drops", CANCELED, READ_AND_SEE, (fault("drop"),)),
    Case(
        "the connection drops before the cancel is acted on",
        CANCELED,
        READ_AND_REPEAT,
        (fault("drop", when="before"),),
    ),
    Case(
        "the connection drops in the middle of the answer",
        CANCELED,
        READ_AND_SEE,
        (fault("drop", when="mid_answer"),),
    ),
    Case("no answer in time, acted on", CANCELED, READ_AND_SEE, (fault("hang", seconds=6),)),
    Case(
        "no answer in time, not acted on",
        CANCELED,
        READ_AND_REPEAT,
        (fault("hang", seconds=6, acts=False),),
    ),
    Case("a slow answer", CANCELED, "POST", (fault("slow", seconds=0.5),)),
    Case(
        "no answer in time, acted on a moment later",
        CANCELED,
        READ_AND_SEE,
        (fault("slow", seconds=4.2, acts="last"),),
    ),
    *(
        Case(
            f"{status}, acted on",
            CANCELED,
            READ_AND_SEE,
            (fault("status", status=status, acts=True, body="html"),),
        )
        for status in (500, 502, 503, 504, 408, 425)
    ),
    *(
        Case(
            f"{status}, not acted on",
            CANCELED,
            READ_AND_REPEAT,
            (fault("status", status=status, body="empty"),),
        )
        for status in (500, 502, 503, 504)
    ),
    *(
        Case(
            f"success with {named}, acted on",
            CANCELED,
            READ_AND_SEE,
            (fault("answer", body=body),),
        )
        for body, named in (
            ("empty", "an empty body"),
            ("html", "an HTML page"),
            ("text", "a text"),
            ("cut_off", "JSON that breaks off"),
            ("other_order", "another order"),
        )
    ),
    Case(
        "success with an empty body, not acted on",
        CANCELED,
        READ_AND_REPEAT,
        (fault("answer", body="empty", acts=False),),
    ),
    Case(
        "accepted: our order, not canceled yet",
        CANCELED,
        READ_AND_SEE,
        (fault("late", seconds=0.5),),
    ),
    Case(
        "accepted, and it never shows",
        UNKNOWN,
        READ_AND_SEE,
        (fault("late", seconds=60),),
        deadline=4,
        # There it is not waited for that long; the switch "never" takes its place.
        is_for_native=False,
    ),
    Case(
        "the connection drops, and the cancel shows a moment later",
        CANCELED,
        READ_AND_SEE,
        (fault("late", seconds=0.8, answer="drop"),),
    ),
    Case(
        "502, and the cancel shows a moment later",
        CANCELED,
        READ_AND_SEE,
        (fault("late", seconds=0.8, answer="error"),),
    ),
    Case(
        "502 three times, not acted on",
        Outcome.NOT_CANCELED,
        "POST, GET, POST, GET, POST, GET",
        (fault("status", status=502, times=None),),
    ),
    Case(
        "the connection drops, and no read works",
        UNKNOWN,
        READ_AND_SEE,
        (fault("drop"), fault("drop", call="get", when="before", times=None)),
        deadline=4,
    ),
    Case(
        "502, and the first read fails",
        CANCELED,
        READ_AND_SEE,
        (fault("status", status=502, acts=True), fault("status", call="get", status=500)),
    ),
    Case("429 without Retry-After", CANCELED, "POST, POST", (fault("throttle"),)),
    Case(
        "429 with Retry-After in seconds",
        CANCELED,
        "POST, POST",
        (fault("throttle", retry_after=1),),
    ),
    Case(
        "429 with a Retry-After of nothing",
        Outcome.NOT_ATTEMPTED,
        "POST, POST",
        (fault("throttle", retry_after=0, times=None),),
        deadline=2.9,
    ),
    Case(
        "429 with Retry-After as a date",
        CANCELED,
        "POST, POST",
        (fault("throttle", retry_after=1, as_date=True),),
    ),
    Case(
        "429 with a Retry-After beyond the deadline",
        Outcome.NOT_ATTEMPTED,
        "POST",
        (fault("throttle", retry_after=60),),
    ),
    Case(
        "502, and the read is throttled",
        CANCELED,
        READ_AND_SEE,
        (
            fault("status", status=502, acts=True),
            fault("throttle", call="get", retry_after=1),
        ),
    ),
    Case("403 over limit of the classic host", CANCELED, "POST, POST", (fault("over_limit"),)),
    Case(
        "401 for a token that was good",
        CANCELED,
        "POST, POST",
        (fault("unauthorized", revokes=False),),
    ),
    Case(
        "401 for every token",
        Outcome.FORBIDDEN,
        "POST, POST, POST",
        (fault("unauthorized", revokes=False, times=None),),
        deadline=2.9,
    ),
    *(
        Case(f"{status}", outcome, READ_AND_SEE, (fault("status", status=status),))
        for status, outcome in (
            (400, Outcome.REFUSED),
            (404, Outcome.REFUSED),
            (422, Outcome.REFUSED),
            (403, Outcome.FORBIDDEN),
        )
    ),
    Case(
        "400, and the order was canceled by another user",
        Outcome.ALREADY_CANCELED,
        READ_AND_SEE,
        (fault("status", status=400),),
        state="CANCELED",
    ),
    Case(
        "400, and the first read fails",
        Outcome.REFUSED,
        READ_AND_SEE,
        (fault("status", status=400), fault("status", call="get", status=503)),
    ),
    Case(
        "403 on the cancel, read first",
        Outcome.FORBIDDEN,
        "GET, POST, GET, POST, GET, POST",
        (fault("status", status=403, times=None),),
        only_if=frozenset({"READY"}),
        deadline=2.9,
    ),
    Case("421", CANCELED, "POST, POST", (fault("status", status=421),)),
    Case(
        "421 over a new connection too",
        Outcome.REFUSED,
        "POST, POST, GET",
        (fault("status", status=421, times=None),),
    ),
    Case("423", CANCELED, READ_AND_REPEAT, (fault("status", status=423),)),
    Case(
        "423 until the deadline",
        Outcome.NOT_ATTEMPTED,
        READ_AND_REPEAT,
        (fault("status", status=423, times=None),),
        deadline=2.9,
    ),
    Case(
        "a redirect, not acted on",
        CANCELED,
        READ_AND_REPEAT,
        (fault("status", status=307, headers=ELSEWHERE),),
    ),
    Case(
        "a redirect to see the result elsewhere, acted on",
        CANCELED,
        READ_AND_SEE,
        (fault("status", status=303, acts=True, headers=ELSEWHERE),),
    ),
    Case(
        "409, and the order is open",
        Outcome.NOT_CANCELABLE,
        READ_AND_SEE,
        (fault("status", status=409),),
        native=Outcome.REFUSED,
    ),
    Case("409, and the order is shipped", Outcome.NOT_CANCELABLE, READ_AND_SEE, state="SHIPPED"),
    Case(
        "409, and the order was canceled by another user",
        Outcome.ALREADY_CANCELED,
        READ_AND_SEE,
        (fault("status", status=409),),
        state="CANCELED",
    ),
    Case(
        "409 after a 502 that was not acted on, and the order is open",
        Outcome.NOT_CANCELABLE,
        "POST, GET, POST, GET",
        (fault("status", status=502), fault("status", status=409)),
        native=Outcome.REFUSED,
    ),
    Case("an order that does not exist", Outcome.NOT_FOUND, READ_AND_SEE, state=None),
    Case("a gzipped answer", CANCELED, "POST", (fault("gzip"),)),
    Case("the connection is closed after the answer", CANCELED, "POST", (fault("close_after"),)),
    Case(
        "an earlier attempt was acted on",
        CANCELED,
        "GET",
        state="CANCELED",
        attempt=2,
    ),
    Case("an earlier attempt was not acted on", CANCELED, "GET, POST", attempt=2),
    Case(
        "an earlier attempt left a doubt, and no read works",
        UNKNOWN,
        "GET",
        (fault("status", call="get", status=503, times=None),),
        attempt=2,
        deadline=4,
    ),
)

# The contract leaves these open: each tenant may do as it likes.
SWITCHES = (
    Case(
        "tenant says 400 for an unknown order",
        Outcome.REFUSED,
        READ_AND_SEE,
        state=None,
        settings={"unknown_order_status": 400},
    ),
    Case(
        "tenant says 400 for a shipped order",
        Outcome.NOT_CANCELABLE,
        READ_AND_SEE,
        state="SHIPPED",
        settings={"refused_state_status": 400},
    ),
    Case(
        "tenant says 409 for a canceled order",
        Outcome.ALREADY_CANCELED,
        READ_AND_SEE,
        state="CANCELED",
        settings={"canceled_order_status": 409},
    ),
    Case(
        "tenant answers a canceled order unchanged",
        CANCELED,
        "POST",
        state="CANCELED",
        settings={"canceled_order_status": 200},
    ),
    *(
        Case(
            f"tenant says 409 with {named} for a shipped order",
            Outcome.NOT_CANCELABLE,
            READ_AND_SEE,
            state="SHIPPED",
            settings={"error_body": body},
        )
        for body, named in (
            ("classic", "the classic OMS's body"),
            ("html", "an HTML page"),
            ("empty", "an empty body"),
        )
    ),
    Case(
        "tenant says 403 for an expired token",
        CANCELED,
        "POST, POST",
        (fault("revoked"),),
        settings={"expired_token_status": 403},
    ),
    Case(
        "tenant's tokens expire at birth",
        Outcome.FORBIDDEN,
        "POST, POST, POST",
        settings={"token_lifetime": 0},
        deadline=2.9,
    ),
    Case("the token is revoked", CANCELED, "POST, POST", (fault("revoked"),)),
    *(
        Case(
            f"the token endpoint {named}",
            CANCELED,
            "POST, POST",
            (fault("revoked"), fault(kind, call="token", **parameters)),
        )
        for kind, named, parameters in (
            ("status", "answers 503 once", {"status": 503}),
            ("drop", "drops the connection once", {"when": "before"}),
            ("throttle", "answers 429 once", {"retry_after": 1}),
        )
    ),
    Case(
        "the token endpoint is down",
        Outcome.NOT_ATTEMPTED,
        "POST",
        (fault("revoked"), fault("status", call="token", status=503, times=None)),
        deadline=2,
    ),
)
