"""Each fault that a tenant or a network can show, and what becomes of the order: over real sockets.

The table in `docs/what-happens-when.md` is made by this test (`make fault-table`) and held
against what it finds.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.cancellation.plan import policy_for
from airflow_provider_oms.cancellation.runner import cancel_order
from airflow_provider_oms.emulator.testing import EmulatorProcess

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "what-happens-when.md"
BEGIN, END = "<!-- made by make fault-table: begin -->", "<!-- made by make fault-table: end -->"

pytestmark = pytest.mark.slow

Fault = dict[str, Any]


def fault(kind: str, **parameters: Any) -> Fault:
    return {"kind": kind, "times": 1, **parameters}


@dataclass(frozen=True)
class Case:
    """One row: a fault, and what is to become of the order."""

    title: str
    outcome: Outcome
    calls: str
    faults: tuple[Fault, ...] = ()
    state: str | None = "READY"
    settings: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    deadline: float = 8
    only_if: frozenset[str] | None = None

    @property
    def posts(self) -> int:
        return self.calls.split(", ").count("POST")


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
    Case("no answer in time, acted on", CANCELED, READ_AND_SEE, (fault("hang", seconds=4),)),
    Case(
        "no answer in time, not acted on",
        CANCELED,
        READ_AND_REPEAT,
        (fault("hang", seconds=4, acts=False),),
    ),
    Case("a slow answer", CANCELED, "POST", (fault("slow", seconds=0.5),)),
    Case(
        "no answer in time, acted on a moment later",
        CANCELED,
        READ_AND_SEE,
        (fault("slow", seconds=2.5, acts="last"),),
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
    ),
    *(
        Case(f"{status}", outcome, "POST", (fault("status", status=status),))
        for status, outcome in (
            (400, Outcome.REFUSED),
            (404, Outcome.NOT_FOUND),
            (422, Outcome.REFUSED),
            (403, Outcome.FORBIDDEN),
        )
    ),
    Case(
        "403 on the cancel, read first",
        Outcome.FORBIDDEN,
        "GET, POST, GET, POST",
        (fault("status", status=403, times=None),),
        only_if=frozenset({"READY"}),
    ),
    Case(
        "a redirect",
        Outcome.REFUSED,
        "POST",
        (fault("status", status=307, headers={"Location": "http://127.0.0.1:9/"}),),
    ),
    Case(
        "409, and the order is open",
        Outcome.NOT_CANCELABLE,
        READ_AND_SEE,
        (fault("status", status=409),),
    ),
    Case("409, and the order is shipped", Outcome.NOT_CANCELABLE, READ_AND_SEE, state="SHIPPED"),
    Case(
        "409, and the order was canceled by somebody else",
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
    ),
    Case("an order that nobody knows", Outcome.NOT_FOUND, "POST", state=None),
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
        "POST",
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


@pytest.fixture(scope="module")
def tenant() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


def client_of(tenant: EmulatorProcess, case: Case) -> OmsClient:
    # A second for settling and two for an answer keep the whole table under half a minute.
    extra = {
        "tenant_id": tenant.tenant,
        "settle_seconds": 1,
        "read_timeout": 2,
        "deadline": case.deadline,
    }
    found = TenantSettings.from_connection(
        name="hostile",
        host=tenant.url,
        login=tenant.client_id,
        password=tenant.client_secret,
        extra=json.dumps(extra),
    )
    return OmsClient(found)


def play(tenant: EmulatorProcess, case: Case, order_id: int) -> CancellationResult:
    """Let the order meet the faults, cancel it, and return what is reported."""
    if case.state is not None:
        tenant.load_orders([{"orderID": order_id, "orderState": case.state}])
    with client_of(tenant, case) as client:
        for one in case.faults:
            if one["kind"] == "revoked":
                tenant.load_orders([{"orderID": order_id + 1}])
                assert client.get_order(order_id + 1).order_id == order_id + 1
                tenant.revoke_tokens()
            else:
                about = None if one.get("call") == "token" else order_id
                tenant.add_fault(**one, order_id=about)
        return cancel_order(
            client,
            CancelRequest(order_id, "created_by_mistake"),
            policy_for(client.settings, only_if_states=case.only_if),
            attempt=case.attempt,
        )


def calls_seen(tenant: EmulatorProcess, order_id: int) -> str:
    methods = [request["method"] for request in tenant.requests(order_id=order_id)]
    grouped = [
        (method, 1 if method == "GET" else len(list(group)))
        for method, group in itertools.groupby(methods)
    ]
    return ", ".join(method for method, count in grouped for _ in range(count))


@dataclass(frozen=True)
class Row:
    """What was reported, and what the OMS itself says."""

    case: Case
    result: CancellationResult
    calls: str
    state: str
    times_canceled: int

    def cells(self) -> tuple[str, ...]:
        outcome = f"`{self.result.outcome}`"
        if self.result.confirmed_by:
            outcome += f" by {self.result.confirmed_by}"
        return self.case.title, self.calls, str(self.case.posts), outcome, self.state


def row_of(tenant: EmulatorProcess, case: Case, order_id: int) -> Row:
    result = play(tenant, case, order_id)
    time.sleep(0)  # let a late cancel of the emulator's come to pass before the state is read
    orders = tenant.orders()
    known = orders.get(order_id, {"orderState": "no such order", "times_canceled": 0})
    calls = calls_seen(tenant, order_id)
    return Row(case, result, calls, known["orderState"], known["times_canceled"])


@pytest.fixture(scope="module")
def rows(tenant: EmulatorProcess) -> list[Row]:
    first = 7000001
    with ThreadPoolExecutor(len(CASES)) as threads:
        numbered = [(case, first + 10 * number) for number, case in enumerate(CASES)]
        at_once = list(threads.map(lambda pair: row_of(tenant, *pair), numbered))
    one_by_one = []
    for number, case in enumerate(SWITCHES):
        tenant.reset_settings()
        tenant.clear_faults()
        if case.settings:
            tenant.settings(**case.settings)
        one_by_one.append(row_of(tenant, case, first + 10 * (len(CASES) + number)))
    return [*at_once, *one_by_one]


def each(rows: list[Row], broken: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if broken(row)]


def test_each_fault_ends_as_it_is_written_down_here(rows: list[Row]) -> None:
    found = [(row.case.title, row.result.outcome, row.calls) for row in rows]
    assert found == [(row.case.title, row.case.outcome, row.case.calls) for row in rows]


def test_what_is_reported_is_what_the_oms_says(rows: list[Row]) -> None:
    said_canceled = (Outcome.CANCELED, Outcome.ALREADY_CANCELED)
    assert not each(
        rows,
        lambda row: (
            row.result.outcome is not Outcome.UNKNOWN
            and (row.result.outcome in said_canceled) != (row.state == "CANCELED")
        ),
    )


def test_no_order_is_canceled_twice_and_the_client_knows_how_often_it_posted(
    rows: list[Row],
) -> None:
    assert not each(rows, lambda row: row.times_canceled > 1)
    assert not each(rows, lambda row: row.result.posts != row.case.posts)


def test_the_table_in_the_docs_is_what_this_run_has_found(rows: list[Row]) -> None:
    heading = ("fault", "calls the OMS saw", "POSTs", "outcome", "state at the OMS")
    lines = [heading, tuple("---" for _ in heading), *(row.cells() for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    made = f"{before}{BEGIN}\n{table}\n{END}{after}"
    if os.environ.get("WRITE_DOCS"):
        DOCUMENT.write_text(made, encoding="utf-8")
        text = made
    assert made == text, "run `make fault-table` and look at what has changed"
