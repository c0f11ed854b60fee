"""Each fault that a cancel of a part can meet, over real sockets, for each kind of part.

The table in `docs/what-happens-when.md` is made by this test (`make fault-table`) and compared
with its results.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from emulator_client import SPLIT
from hostile_case import READ_TIMEOUT, Fault, fault
from slept_time import surroundings_for
from spoken import NATIVE, TRANSLATED, Spoken
from written import kept

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.part_calls import Parts
from airflow_provider_oms.api.parts import Flags, PartKind
from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.cancellation.parts.plan import plan_items, plan_shipments
from airflow_provider_oms.cancellation.parts.record import Begun
from airflow_provider_oms.cancellation.parts.results import PartsResult
from airflow_provider_oms.cancellation.parts.run import PartsTask, cancel_parts
from airflow_provider_oms.cancellation.parts.wanted import Wanted
from airflow_provider_oms.cancellation.policy import policy_for
from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.slow

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "what-happens-when.md"
BEGIN, END = (f"<!-- made by make fault-table: parts {edge} -->" for edge in ("begin", "end"))
HEADING = ("fault", "calls the OMS saw", "cancels", "outcome", "canceled of the 1 asked for")
CANCELED, UNKNOWN = Outcome.CANCELED, Outcome.UNKNOWN
#: Stands for the calls of a kind of part: its cancel, and its read once the plan is made.
CANCEL, READ = "cancel", "read"


@dataclass(frozen=True)
class Kind:
    """A kind of part, and the names of the calls about it.

    :param spoken: the dialect.
    :param is_shipment: whether it is a whole shipment.
    :param cancel: its cancel, as the emulator's faults name it.
    :param read: its read.
    :param reads: how often it is read before the first cancel.
    """

    spoken: Spoken
    is_shipment: bool
    cancel: str
    read: str
    reads: int

    def __str__(self) -> str:
        return f"{self.spoken} {'shipment' if self.is_shipment else 'line'}"


QUANTITY = Kind(NATIVE, False, "cancel_items", "get_shipment", 4)
KINDS = [
    QUANTITY,
    Kind(NATIVE, True, "cancel_shipment", "get_shipment", 4),
    Kind(TRANSLATED, False, "cancel_items", "get_item", 4),
    Kind(TRANSLATED, True, "cancel_shipment", "get_shipment", 4),
]


@dataclass(frozen=True)
class Case:
    """One row: a fault, and the expected result of the part.

    :param is_native: whether it can happen on a native tenant alone.
    """

    title: str
    outcome: Outcome
    cancels: int
    faults: tuple[Fault, ...] = ()
    is_native: bool = False


def on_cancel(kind: str, **parameters: Any) -> Fault:
    return fault(kind, call=CANCEL, **parameters)


NO_READ = fault("status", call=READ, status=503, times=None)
CASES = (
    Case("none", CANCELED, 1),
    Case("acted on, the connection drops", CANCELED, 1, (on_cancel("drop", when="after"),)),
    Case("the connection drops before", CANCELED, 2, (on_cancel("drop", when="before"),)),
    Case("the answer breaks off", CANCELED, 1, (on_cancel("drop", when="mid_answer"),)),
    Case("no answer in time, acted on", CANCELED, 1, (on_cancel("hang", seconds=6),)),
    Case("no answer in time", CANCELED, 2, (on_cancel("hang", seconds=6, acts=False),)),
    *(
        Case(f"{status}, acted on", CANCELED, 1, (on_cancel("status", status=status, acts=True),))
        for status in (500, 502, 503, 504)
    ),
    Case("503, not acted on", CANCELED, 2, (on_cancel("status", status=503),)),
    Case("success with an empty body", CANCELED, 1, (on_cancel("answer", body="empty"),)),
    Case("success that shows a moment later", CANCELED, 1, (on_cancel("late", seconds=0.5),)),
    Case(
        "the connection drops, and the cancel shows a moment later",
        CANCELED,
        1,
        (on_cancel("late", seconds=0.5, answer="drop"),),
    ),
    Case(
        "502 three times, not acted on",
        Outcome.NOT_CANCELED,
        3,
        (on_cancel("status", status=502, times=3),),
    ),
    Case("acted on, and no read works", UNKNOWN, 1, (on_cancel("drop"), NO_READ)),
    Case(
        "not acted on, and no read works", UNKNOWN, 1, (on_cancel("drop", when="before"), NO_READ)
    ),
    Case("429", CANCELED, 2, (on_cancel("throttle", retry_after=1),)),
    Case("412", CANCELED, 2, (on_cancel("status", status=412),), is_native=True),
    Case("423", CANCELED, 2, (on_cancel("status", status=423),)),
    Case("401 for a token that was good", CANCELED, 2, (on_cancel("unauthorized"),)),
    Case("400", Outcome.REFUSED, 1, (on_cancel("status", status=400),)),
    Case(
        "409, and the part is open", Outcome.NOT_CANCELABLE, 1, (on_cancel("status", status=409),)
    ),
)


@dataclass(frozen=True)
class Row:
    """The reported outcome, and the OMS's own state."""

    case: Case
    result: PartsResult
    calls: str
    cancels: int
    canceled: int
    asked: int

    def cells(self) -> tuple[str, ...]:
        (part,) = self.result.parts
        outcome = f"`{part.outcome}`" + (f" by {part.confirmed_by}" if part.confirmed_by else "")
        return self.case.title, self.calls, str(self.cancels), outcome, str(self.canceled)


@pytest.fixture(scope="module")
def tenant(emulator: EmulatorProcess) -> EmulatorProcess:
    return emulator


def play(tenant: EmulatorProcess, kind: Kind, case: Case, number: int) -> Row:
    """Let a part of an order meet the faults, cancel it, and return the reported result."""
    tenant.load_orders([{"orderID": number, "parts": SPLIT}])
    known = tenant.parts(number)
    for one in case.faults:
        skip = kind.reads if one["call"] == READ else 0
        call = kind.read if one["call"] == READ else kind.cancel
        tenant.add_fault(**{**one, "call": call}, skip=skip, order_id=number)
    # A busy machine may take seconds for any other answer.
    times_out = any(one["kind"] == "hang" for one in case.faults)
    patience = READ_TIMEOUT if times_out else 30
    settings = kind.spoken.settings(tenant, settle_seconds=1, read_timeout=patience, deadline=6)
    with OmsClient(settings) as client:
        task, asked = _task(client, kind, kind.spoken.name_of(tenant, number), known)
        policy = policy_for(settings)
        around = surroundings_for(*case.faults)
        result = cancel_parts(Parts(client), task, policy, begun=Begun(), surroundings=around)
    methods = [one["method"] for one in tenant.requests(order_id=number)]
    grouped = [
        (name, 1 if name == "GET" else len([*group])) for name, group in itertools.groupby(methods)
    ]
    calls = ", ".join(name for name, many in grouped for _ in range(many))
    ledger = tenant.parts(number)
    first = min(ledger["shipments"])
    part = ledger["shipments"][first] if kind.is_shipment else ledger["lines"][2]
    return Row(case, result, calls, part["cancels"], part["canceled"], asked)


def _task(
    client: OmsClient, kind: Kind, name: int | str, known: dict[str, Any]
) -> tuple[PartsTask, int]:
    """Return a task for the first shipment, or for the second line, and how many it may cancel."""
    rules = client.dialect.parts()
    flags = Flags(send_notifications=False)
    if kind.is_shipment:
        why = rules.reason(PartKind.SHIPMENT, "created_by_mistake", None)
        wanted = Wanted(min(known["shipments"]), why)
        plan = partial(plan_shipments, wanted=(wanted,), allow_whole_order=False)
        return PartsTask(name, (wanted,), plan, flags, is_shipment=True), 2
    why = rules.reason(PartKind.LINE, "no_inventory", None)
    is_whole = rules.whole_lines_only
    wanted = Wanted(known["lines"][2]["orderItemID"] if is_whole else 2, why)
    if not is_whole:
        wanted = Wanted(2, why, quantity=1)
    items = partial(
        plan_items, wanted=(wanted,), whole_lines_only=is_whole, allow_whole_order=False
    )
    task = PartsTask(name, (wanted,), items, flags, is_relative=not is_whole)
    return task, 2 if is_whole else 1


@pytest.fixture(scope="module", params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def rows(kind: Kind, tenant: EmulatorProcess) -> list[Row]:
    tenant.clear()
    cases = [case for case in CASES if kind.spoken.is_native or not case.is_native]
    with ThreadPoolExecutor(len(cases)) as threads:
        numbers = range(7_100_000, 7_100_000 + len(cases))
        return [*threads.map(partial(play, tenant, kind), cases, numbers)]


def test_each_fault_ends_as_it_is_written_down_here(rows: list[Row]) -> None:
    wrong = {
        row.case.title: (row.result.outcome.value, row.cancels)
        for row in rows
        if (row.result.outcome, row.cancels) != (row.case.outcome, row.case.cancels)
    }
    assert wrong == {}


def test_no_more_is_canceled_than_was_asked_for_and_what_is_reported_is_so(
    rows: list[Row],
) -> None:
    for row in rows:
        assert row.canceled in (0, row.asked), row.case.title
        assert sum(part.posts for part in row.result.parts) == row.cancels, row.case.title
        if row.result.outcome is not UNKNOWN:
            is_canceled = row.result.outcome is CANCELED
            assert (row.canceled == row.asked) == is_canceled, row.case.title


def test_the_table_in_the_docs_is_what_this_run_has_found(kind: Kind, rows: list[Row]) -> None:
    if kind is not QUANTITY:
        pytest.skip("the table is that of a quantity")
    lines = [HEADING, tuple("---" for _ in HEADING), *(row.cells() for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    made = f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"
    assert BEGIN in text
    assert made == kept(DOCUMENT, made), "run `make fault-table` and look at the changes"
