"""The demo's initial data: a tenant's orders, and a fraud check's verdicts on some of them.

Which orders ought to be canceled is written down here, so that it is not taken from the DAG.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.workplace import EXAMPLE_DAGS, oms_connection

DAG_ID = "cancel_fraud_flagged_orders"
CONTRACT_ORDER = 1010101
FIRST_ORDER = 3000001
OPEN_STATES = ("READY", "PAYMENT_HOLD", "PAYMENT_ERROR", "BACKORDER")
_ALL_STATES = (*OPEN_STATES, "SHIPPED", "CUSTOMER_CARE", "CANCELED")
# The verdicts on each order, oldest first, where a "+" joins those of the same instant; how many
# such orders there are, their states in turn, and whether they ought to end canceled. The first
# order is the one in the example of the OMS documentation.
_GROUPS = (
    ("rejected", 15, OPEN_STATES, True),
    ("accepted rejected", 4, OPEN_STATES, True),
    ("rejected+rejected", 2, OPEN_STATES, True),
    ("rejected review rejected", 2, OPEN_STATES, True),
    ("rejected", 1, ("CANCELED",), True),
    ("rejected accepted", 5, OPEN_STATES, False),
    ("review", 21, OPEN_STATES, False),
    ("accepted", 90, _ALL_STATES, False),
    ("rejected review", 2, OPEN_STATES, False),
    ("", 158, _ALL_STATES, False),
)


@dataclass(frozen=True)
class DemoOrder:
    """Hold one order of the demo.

    :param story: the fraud check's verdicts on it, as above.
    :param native: whether the tenant is a native one, where the verdicts name an order by the
        shop's own number.
    """

    order_id: int
    state: str
    story: str
    to_cancel: bool
    native: bool = False

    @property
    def name(self) -> str:
        """Return the number by which the verdicts, the DAG and people know the order."""
        return f"SHOP-{self.order_id}" if self.native else str(self.order_id)

    def as_loaded(self) -> dict[str, Any]:
        state = {"orderState": self.state, "orderStatus": self.state}
        native = {"externalId": self.name} if self.native else {}
        return {"orderID": self.order_id, **state, "native": native}

    def state_in(self, orders: Mapping[int, Mapping[str, Any]]) -> str:
        facts = orders[self.order_id]
        return str(facts["native"]["status"] if self.native else facts["orderState"])


def demo_orders(*, native: bool = False) -> list[DemoOrder]:
    orders: list[DemoOrder] = []
    for story, count, states, to_cancel in _GROUPS:
        for number in range(count):
            order_id = FIRST_ORDER + len(orders) if orders else CONTRACT_ORDER
            state = states[number % len(states)]
            orders.append(DemoOrder(order_id, state, story, to_cancel, native))
    return orders


def connections(oms: EmulatorProcess, verdicts: Path, **extra: object) -> dict[str, dict[str, str]]:
    """Return the two connections of the DAG by their ids, as Airflow's REST API takes them."""
    return {
        "oms_default": oms_connection(oms, **extra),
        "fraud_db": {"conn_type": "sqlite", "host": str(verdicts)},
    }


def create_verdicts(database: Path, orders: list[DemoOrder]) -> None:
    """Write the table of verdicts, which the DAG's documentation defines, to a new SQLite file."""
    text = (EXAMPLE_DAGS / f"{DAG_ID}.py").read_text(encoding="utf-8")
    (create,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    decided_at = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
    rows: list[tuple[str, ...]] = []
    for order in orders:
        for instant in order.story.split():
            decided_at += timedelta(minutes=1)
            for verdict in instant.split("+"):
                rows.append((order.name, f"F-{len(rows)}", verdict, decided_at.isoformat()))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(create)
        connection.executemany(
            "INSERT INTO fraud_verdicts (order_id, case_id, verdict, decided_at) "
            "VALUES (?, ?, ?, ?)",
            rows,
        )


def reported_outcomes(database: Path) -> dict[str, str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT order_id, cancel_outcome FROM fraud_verdicts WHERE cancel_outcome IS NOT NULL"
        )
        return {str(order_id): str(outcome) for order_id, outcome in rows}
