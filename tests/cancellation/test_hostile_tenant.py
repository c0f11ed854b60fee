"""Each fault that a tenant or a network can show, and the order's result: over real sockets.

The table in `docs/what-happens-when.md` is made by this test (`make fault-table`) and compared
with its results.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile_case import READ_TIMEOUT, Case
from hostile_cases import CASES, SWITCHES
from hostile_native_cases import LOOKED_UP_CASES, NATIVE_CASES
from slept_time import surroundings_for
from written import kept

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.cancellation.runner import cancel_order
from airflow_provider_oms.emulator.testing import EmulatorProcess

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "what-happens-when.md"
MARKS = {"translated": "<!-- made by make fault-table: {} -->"}
MARKS["native"] = "<!-- made by make fault-table: native {} -->"
MARKS["looked up"] = "<!-- made by make fault-table: looked up {} -->"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    return emulator


def client_of(tenant: EmulatorProcess, case: Case) -> OmsClient:
    # A busy machine may take seconds for any other answer.
    patience = READ_TIMEOUT if case.times_out else 30
    return OmsClient(
        case.spoken.settings(
            tenant, settle_seconds=1, read_timeout=patience, deadline=case.deadline
        )
    )


def play(tenant: EmulatorProcess, case: Case, order_id: int) -> CancellationResult:
    """Let the order meet the faults, cancel it, and return the reported result."""
    if case.order:
        tenant.load_orders([{"orderID": order_id, "native": case.order}])
    elif case.state is not None:
        tenant.load_orders([{"orderID": order_id, "orderState": case.state}])
    with client_of(tenant, case) as client:
        for one in case.faults:
            if one["kind"] == "revoked":
                tenant.load_orders([{"orderID": order_id + 1}])
                other = case.spoken.request(client, tenant, order_id + 1).order_id
                assert not client.get_order(other).is_canceled
                tenant.revoke_tokens()
            else:
                about = None if one.get("call") in ("token", "search") else order_id
                tenant.add_fault(**one, order_id=about)
        return cancel_order(
            client,
            case.spoken.request(client, tenant, order_id),
            policy_for(client.settings, only_if_states=case.only_if),
            attempt=case.attempt,
            surroundings=surroundings_for(*case.faults, is_late=case.shows_late),
        )


def calls_seen(tenant: EmulatorProcess, order_id: int | str) -> str:
    methods = [request["method"] for request in tenant.requests(order_id=order_id)]
    grouped = [
        (method, 1 if method == "GET" else len(list(group)))
        for method, group in itertools.groupby(methods)
    ]
    return ", ".join(method for method, count in grouped for _ in range(count))


@dataclass(frozen=True)
class Row:
    """The reported outcome, and the OMS's own state."""

    case: Case
    result: CancellationResult
    calls: str
    state: str
    times_canceled: int

    def cells(self) -> tuple[str, ...]:
        outcome = f"`{self.result.outcome}`"
        if self.result.confirmed_by:
            outcome += f" by {self.result.confirmed_by}"
        return self.case.title, self.calls or "none", str(self.case.cancels), outcome, self.state


def row_of(tenant: EmulatorProcess, case: Case, order_id: int) -> Row:
    result = play(tenant, case, order_id)
    time.sleep(0)  # let a late cancel of the emulator's come to pass before the state is read
    orders = tenant.orders()
    known = orders.get(order_id, {"orderState": "no such order", "times_canceled": 0})
    # A missing one is known by the name in the calls.
    named = order_id if order_id in orders else case.spoken.name_of(tenant, order_id)
    calls = calls_seen(tenant, named)
    return Row(case, result, calls, known["orderState"], known["times_canceled"])


# Those that can run at the same time, and those that need the tenant for themselves.
EACH = {
    "translated": (CASES, SWITCHES),
    "native": (
        tuple(case.on_native() for case in CASES if case.is_for_native),
        NATIVE_CASES,
    ),
    "looked up": ((), LOOKED_UP_CASES),
}
FIRST_ORDERS = dict(zip(EACH, (7000001, 7300001, 7600001), strict=True))


@pytest.fixture(scope="module", params=EACH)
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def rows(api: str, tenant: EmulatorProcess) -> list[Row]:
    together, alone = EACH[api]
    order_ids = itertools.count(FIRST_ORDERS[api], 10)
    tenant.reset_settings()
    tenant.clear_faults()
    with ThreadPoolExecutor(max(1, len(together))) as threads:
        numbered = list(zip(together, order_ids, strict=False))
        at_once = list(threads.map(lambda pair: row_of(tenant, *pair), numbered))
    one_by_one = []
    for case, order_id in zip(alone, order_ids, strict=False):
        tenant.reset_settings()
        tenant.clear_faults()
        if case.settings:
            tenant.settings(**case.settings)
        one_by_one.append(row_of(tenant, case, order_id))
    return [*at_once, *one_by_one]


def each(rows: list[Row], broken: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if broken(row)]


def test_each_fault_ends_as_it_is_written_down_here(rows: list[Row]) -> None:
    found = {(row.case.title, row.result.outcome, row.calls) for row in rows}
    assert found - {(row.case.title, row.case.outcome, row.case.calls) for row in rows} == set()


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
    assert not each(rows, lambda row: row.result.posts != row.case.cancels)


def test_the_tables_in_the_docs_are_what_this_run_has_found(api: str, rows: list[Row]) -> None:
    # Of a native tenant, only the cases that do not end in the same way.
    same = {case.title for case in CASES if case.native is None and api == "native"}
    shown = [row for row in rows if row.case.title not in same]
    method = rows[0].case.spoken.method
    heading = ("fault", "calls the OMS saw", f"{method}s", "outcome", "state at the OMS")
    lines = [heading, tuple("---" for _ in heading), *(row.cells() for row in shown)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = (MARKS[api].format(edge) for edge in ("begin", "end"))
    assert begin in text
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    made = f"{before}{begin}\n{table}\n{end}{after}"
    assert made == kept(DOCUMENT, made), "run `make fault-table` and look at the changes"
