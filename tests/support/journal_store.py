"""What Airflow 3.3 gives a task as `task_state_store`, in memory, with writes that can fail."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

from plain_json import check_plain_json

from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.bulk.journal import Journal


class Store(dict[str, Any]):
    """Keep values as JSON and back.

    :param writes_left: values that it takes before it refuses, as it does for an attempt that has
        been given up since; ``None`` for any number.
    """

    def __init__(self, writes_left: int | None = None) -> None:
        super().__init__()
        self.writes_left = writes_left

    def set(self, key: str, value: Any) -> None:
        check_plain_json(value)
        if self.writes_left is not None:
            if self.writes_left <= 0:
                raise OSError("away")
            self.writes_left -= 1
        self[key] = json.loads(json.dumps(value))

    def in_doubt(self, order_ids: Iterable[OrderId]) -> frozenset[OrderId]:
        """Return the orders of a set that its next attempt would take for ones in doubt."""
        found = Journal(self, now=time.time(), attempt=2, order_ids=order_ids).earlier
        return frozenset(order_id for order_id in found if found[order_id].is_in_doubt)


class SlowStore(Store):
    """Take `seconds` for each value, as when Airflow's API server is busy."""

    seconds = 0.0

    def set(self, key: str, value: Any) -> None:
        time.sleep(self.seconds)
        super().set(key, value)
