"""The fraud check's table of the example `cancel_fraud_flagged_orders`, for either dialect."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


class Verdicts:
    """The fraud check's table, as the DAG's own documentation describes it.

    :param database: the SQLite file.
    :param documentation: the DAG's documentation, with the statement that creates the table.
    :param prefix: the prefix of the shop's own numbers; the table then holds those.
    """

    def __init__(self, database: Path, documentation: str, prefix: str = "") -> None:
        self._database = database
        self._create = re.findall(r"```sql\n(.*?)```", documentation, re.DOTALL)[0]
        self._prefix = prefix

    def create(self) -> None:
        self._execute(self._create)

    def add(self, order_id: Any, verdict: str, at: str = "2026-11-01 08:00", **more: Any) -> None:
        """Add one verdict; its case id is made of the order unless it is given."""
        row = {"order_id": self._named(order_id), "verdict": verdict, "decided_at": at}
        row = {**row, "case_id": f"F-{order_id}", **more}
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        statement = f"INSERT INTO fraud_verdicts ({columns}) VALUES ({marks})"  # noqa: S608 - ours
        self._execute(statement, *row.values())

    def written(self) -> dict[tuple[Any, str], str | None]:
        """Return the outcome at each verdict, by its order and verdict."""
        rows = self._execute(
            "SELECT order_id, verdict, cancel_outcome FROM fraud_verdicts ORDER BY verdict_id"
        )
        return {(self._number(name), verdict): outcome for name, verdict, outcome in rows}

    def _named(self, order_id: Any) -> Any:
        return f"{self._prefix}{order_id}" if isinstance(order_id, int) else order_id

    def _number(self, name: Any) -> Any:
        number = str(name).removeprefix(self._prefix)
        return int(number) if number.isdigit() else name

    def _execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._database)) as connection, connection:
            return connection.execute(statement, values).fetchall()
