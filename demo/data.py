"""The demo's initial data: a tenant's orders, and a fraud check's verdicts on some of them.

Which orders ought to be canceled is written down here, so that it is not taken from the DAG.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from demo.dialects import TRANSLATED, Dialect

CONTRACT_ORDER = 1010101
FIRST_ORDER = 3000001
OPEN_STATES = ("READY", "PAYMENT_HOLD", "PENDING", "BACKORDER")
OTHER_STATES = ("SHIPPED", "CUSTOMER_CARE", "CANCELED")
FIRST_DECISION = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)

CREATE_TABLE = """
CREATE TABLE fraud_verdicts (
    verdict_id INTEGER PRIMARY KEY,
    order_id VARCHAR(200) NOT NULL,
    case_id VARCHAR(100) NOT NULL,
    verdict VARCHAR(20) NOT NULL,
    score NUMERIC,
    decided_at TIMESTAMP NOT NULL,
    cancel_outcome VARCHAR(20),
    cancel_recorded_at TIMESTAMP
)
"""
INSERT = (
    "INSERT INTO fraud_verdicts (verdict_id, order_id, case_id, verdict, score, decided_at) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
SCORES = {"rejected": 0.97, "review": 0.55, "accepted": 0.04}


@dataclass(frozen=True)
class Plan:
    """Hold one group of the demo's orders.

    :param story: the fraud check's verdicts, oldest first, separated by blanks; a "+"
        joins rows of the same instant. Empty for an order without any verdict.
    :param count: how many orders there are.
    :param states: the orders' states at the start, in turn.
    :param to_cancel: whether these orders ought to end canceled.
    """

    story: str
    count: int
    states: tuple[str, ...]
    to_cancel: bool = False


# The first order of the first group is the one in the example of the OMS documentation.
PLANS = (
    Plan("rejected", 15, OPEN_STATES, to_cancel=True),
    Plan("accepted rejected", 4, OPEN_STATES, to_cancel=True),
    Plan("rejected+rejected", 2, OPEN_STATES, to_cancel=True),
    Plan("rejected review rejected", 2, OPEN_STATES, to_cancel=True),
    Plan("rejected", 1, ("CANCELED",), to_cancel=True),
    Plan("rejected accepted", 5, OPEN_STATES),
    Plan("review", 21, OPEN_STATES),
    Plan("accepted", 90, OPEN_STATES + OTHER_STATES),
    # Not the verdict "rejected": letter case counts.
    Plan("Rejected", 2, OPEN_STATES),
    Plan("", 158, OPEN_STATES + OTHER_STATES),
)


@dataclass(frozen=True)
class DemoOrder:
    """Hold one order of the demo.

    :param order_id: the order.
    :param state: its state at the start.
    :param story: the fraud check's verdicts on it, oldest first.
    :param to_cancel: whether it ought to end canceled.
    :param external_id: the shop's own number, where the verdicts are about that.
    """

    order_id: int
    state: str
    story: str
    to_cancel: bool
    external_id: str | None = None

    @property
    def name(self) -> str:
        """Return the number by which the verdicts, the DAG and people know the order."""
        return self.external_id or str(self.order_id)

    def as_loaded(self) -> dict[str, Any]:
        """Return the order as the emulator is given it."""
        if self.external_id is not None:
            native = {"externalId": self.external_id, "status": self.state}
            return {"orderID": self.order_id, "native": native}
        return {"orderID": self.order_id, "orderState": self.state, "orderStatus": self.state}

    @property
    def verdicts(self) -> str:
        """Return the verdicts for people, oldest first; a dash for an order without any."""
        return self.story.replace(" ", ", then ").replace("+", " and ") or "-"


def demo_orders(dialect: Dialect = TRANSLATED) -> list[DemoOrder]:
    """Return every order of the demo, in the order of the plans.

    :param dialect: the kind of tenant.
    """
    orders: list[DemoOrder] = []
    for plan in PLANS:
        for number in range(plan.count):
            order_id = CONTRACT_ORDER if not orders else FIRST_ORDER + len(orders)
            state = plan.states[number % len(plan.states)]
            name = f"{dialect.prefix}{order_id}" if dialect.prefix else None
            told = dialect.statuses.get(state, state)
            orders.append(DemoOrder(order_id, told, plan.story, plan.to_cancel, name))
    return orders


def create_verdicts(database: Path, orders: list[DemoOrder]) -> int:
    """Write the table of verdicts, and return how many rows it has.

    :param database: the SQLite file, which must not have the table yet.
    :param orders: the demo's orders.
    """
    rows: list[tuple[int, str, str, str, float | None, str]] = []
    for number, order in enumerate(orders):
        decided_at = FIRST_DECISION + timedelta(minutes=number)
        for instant in order.story.split():
            for verdict in instant.split("+"):
                row_id = len(rows) + 1
                case_id = f"F-{2026000 + row_id}"
                score = SCORES.get(verdict)
                moment = decided_at.isoformat()
                rows.append((row_id, order.name, case_id, verdict, score, moment))
            decided_at += timedelta(hours=3)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(CREATE_TABLE)
        connection.executemany(INSERT, rows)
        connection.commit()
    return len(rows)


def reported_outcomes(database: Path) -> dict[str, str]:
    """Return the DAG's results: the outcome of every order that has one, by its name.

    :param database: the SQLite file.
    """
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT order_id, cancel_outcome FROM fraud_verdicts WHERE cancel_outcome IS NOT NULL"
        )
        return {str(order_id): str(outcome) for order_id, outcome in rows}
