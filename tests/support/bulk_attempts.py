"""One attempt of the bulk operator's task, without Airflow's database, and its results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from uuid import uuid4

import pytest
from journal_store import Store

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsBulkCancellationError
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

FIRST = 4000001
SHIPPED = FIRST + 50


class EventsOf(dict[str, MagicMock]):
    """Hold the event of each asset; not every Airflow's assets can be keys by themselves."""

    def __getitem__(self, asset: Any) -> MagicMock:
        return super().__getitem__(asset.uri)


class Attempt:
    """Run the operator as one attempt of a task, and keep its results."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        number: int = 1,
        map_index: int = -1,
        max_tries: int = 3,
        events: Any = None,
    ) -> None:
        self.events = events or {}
        self.pushed: dict[str, Any] = {}
        self.failure: BaseException | None = None
        self.store = store
        self.ti = MagicMock(id=uuid4(), try_number=number, map_index=map_index, max_tries=max_tries)
        self.ti.xcom_push.side_effect = self._push

    def _push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))

    def run(self, orders: Any = None, **arguments: Any) -> Any:
        given = {"disposition_reason": "created_by_mistake", "orders": orders, **arguments}
        context: Any = {"ti": self.ti, "outlet_events": self.events}
        if self.store is not None:
            context["task_state_store"] = self.store
        summary = OmsBulkCancelOrdersOperator(task_id="cancel", **given).execute(context)
        assert self.pushed.get("return_value", summary) == summary
        return summary

    def fail(self, *arguments: Any, **named: Any) -> OmsBulkCancellationError:
        with pytest.raises(OmsBulkCancellationError) as failure:
            self.run(*arguments, **named)
        return failure.value


def cancel_posts(oms: EmulatorProcess) -> list[int]:
    requests = oms.requests(method="POST", path="/api/v2/order/action/cancel")
    return sorted(request["order_id"] for request in requests)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
