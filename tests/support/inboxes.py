"""An inbox of verdicts whose Airflow is played by dicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, BaseOperator, chain

from airflow_provider_oms.operators.verdicts import (
    OmsSettleVerdictsOperator,
    OmsTakeVerdictsOperator,
)
from airflow_provider_oms.verdicts.adapters import Fields

VERDICTS = Asset("test-verdicts")


class ByAsset:
    """Hold a value under the asset, which is no key of a dict before Airflow 3.2."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, asset: Any) -> Any:
        assert asset is VERDICTS
        return self._value


class Pages:
    """Answer for the events of an asset as Airflow's API does from 3.2 on.

    :param events: all that were recorded.
    """

    def __init__(self, events: list[SimpleNamespace]) -> None:
        self._events = events
        self._after = ""
        self._limit: int | None = None
        self.sizes: list[int] = []

    def after(self, after: str) -> Pages:
        self._after = after
        return self

    def ascending(self) -> Pages:
        return self

    def limit(self, limit: int) -> Pages:
        self._limit = limit
        return self

    def __iter__(self) -> Iterator[SimpleNamespace]:
        since = datetime.fromisoformat(self._after)
        # Those of one time have no fixed sequence.
        turn = 1 if len(self.sizes) % 2 else -1
        found = [event for event in self._events if event.timestamp >= since][::turn]
        page = sorted(found, key=lambda event: event.timestamp)[: self._limit]
        self.sizes.append(len(page))
        return iter(page)


class Store(dict[str, Any]):
    """Keep values as JSON, as Airflow does."""

    loses = False

    def set(self, key: str, value: Any) -> None:
        if not self.loses:
            self[key] = json.loads(json.dumps(value))


class Airflow:
    """Play the part of Airflow for one DAG with an inbox.

    :param max_active_runs: of the DAG.
    :param settings: of the operator that takes.
    """

    def __init__(self, max_active_runs: int = 1, **settings: Any) -> None:
        self.events: list[SimpleNamespace] = []
        self.inlet_events: Any = self.events
        self.store = Store()
        self.run_type = "scheduled"
        self.map_index = -1
        self.xcoms: dict[tuple[str, str], Any] = {}
        with DAG(dag_id="inbox", schedule=None, max_active_runs=max_active_runs) as self.dag:
            self.take_task = OmsTakeVerdictsOperator(
                **{"task_id": "take", "asset": VERDICTS, "adapter": Fields(), **settings}
            )
            self.settle_task = OmsSettleVerdictsOperator(
                task_id="settle", take=self.take_task, cancel="cancel"
            )
            chain(self.take_task, BaseOperator(task_id="cancel"), self.settle_task)

    def publish(self, **extra: Any) -> None:
        at = datetime.now(UTC)
        self.events.append(SimpleNamespace(id=len(self.events) + 1, timestamp=at, extra=extra))

    def _context(self, task_id: str) -> Any:
        def push(key: str, value: Any) -> None:
            self.xcoms[task_id, key] = value

        def pull(task_ids: str, key: str = "return_value") -> Any:
            return self.xcoms.get((task_ids, key))

        return {
            "dag": self.dag,
            "dag_run": SimpleNamespace(run_type=self.run_type),
            "ti": SimpleNamespace(xcom_push=push, xcom_pull=pull, map_index=self.map_index),
            "inlet_events": ByAsset(self.inlet_events),
            "asset_state_store": ByAsset(self.store),
        }

    def take(self) -> list[dict[str, Any]]:
        due = self.take_task.execute(self._context("take"))
        self.xcoms["take", "return_value"] = due
        return due

    def settle(self, outcomes: Mapping[int, str] | None) -> dict[str, int]:
        results = outcomes and [
            {"order_id": order_id, "outcome": outcome} for order_id, outcome in outcomes.items()
        ]
        self.xcoms["cancel", "results"] = results
        return self.settle_task.execute(self._context("settle"))
