"""The OMS of the test, which is the emulator: its orders, its faults, its record."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_oms.emulator.testing import EmulatorProcess

CHUNK = 1000
# The duration of each call, as it would be over a network.
LATENCY = 0.05


@dataclass(frozen=True)
class Trouble:
    """Hold one way in which a share of the cancels goes wrong, and whether the order is canceled.

    Each has a distinct kind, by which the emulator's record shows whether a cancel was acted on.
    """

    words: str
    kind: str
    acts: bool
    share: float
    parameters: dict[str, Any] = field(default_factory=dict)


TROUBLES = (
    Trouble("dropped after acting", "drop", True, 0.010),
    Trouble("500 after acting", "late", True, 0.005, {"seconds": 0, "answer": "error"}),
    Trouble("200 without a body, after acting", "answer", True, 0.005, {"body": "empty"}),
    Trouble("dropped before acting", "hang", False, 0.010, {"seconds": 0, "acts": False}),
    Trouble("502 before acting", "status", False, 0.005, {"status": 502, "body": "html"}),
)
_NOT_ACTED_ON = {trouble.kind for trouble in TROUBLES if not trouble.acts}


def set_faults(oms: EmulatorProcess, troubles: tuple[Trouble, ...]) -> None:
    """Let every call take its time, and some of the cancels go wrong."""
    oms.clear_faults()
    for seed, trouble in enumerate(troubles):
        oms.add_fault(trouble.kind, share=trouble.share, seed=seed, **trouble.parameters)
    oms.add_fault("slow", call="any", seconds=LATENCY)


@dataclass(frozen=True)
class OrderSet:
    """Hold a set of orders that the OMS has and a file names.

    :param orders: their ids in the translated API, without a gap.
    :param refused: how many of the last ones have shipped, so that the OMS refuses to cancel them.
    :param native: whether the file names them by their ids in the native API.
    """

    orders: range
    refused: int = 0
    native: bool = False

    def name(self, order_id: int) -> int | str:
        return _native_id(order_id) if self.native else order_id

    def states(self) -> dict[int, str]:
        shipped = self.orders[len(self.orders) - self.refused :]
        return {id_: "SHIPPED" if id_ in shipped else "READY" for id_ in self.orders}

    def prepare(self, oms: EmulatorProcess, path: Path) -> None:
        """Let the OMS have the orders, and write the file that names them."""
        oms.load_orders(order(*each) for each in self.states().items())
        lines = [f"{json.dumps(self.name(order_id))}\n" for order_id in self.orders]
        path.write_text("".join(lines), encoding="utf-8")


def order(order_id: int, state: str) -> dict[str, Any]:
    """Return an order as the emulator loads it, from its id and state in the translated API."""
    native = {"id": _native_id(order_id)}
    return {"orderID": order_id, "orderState": state, "orderStatus": state, "native": native}


def _native_id(order_id: int) -> str:
    return f"{order_id:032x}"


class Record:
    """Follow the requests that the OMS receives, from now on."""

    def __init__(self, oms: EmulatorProcess) -> None:
        oms.clear_requests()
        self._oms = oms
        self._since = 0
        #: For each cancel of an order, whether it was acted on, oldest first.
        self.posts: dict[int, list[bool]] = defaultdict(list)
        #: How often each order was read.
        self.reads: Counter[int] = Counter()

    def look(self) -> None:
        for request in self._oms.requests(since=self._since):
            self._since = request["seq"]
            if request["call"] == "cancel":
                self.posts[request["order_id"]].append(request["fault"] not in _NOT_ACTED_ON)
            elif request["order_id"] is not None:
                self.reads[request["order_id"]] += 1

    def sent(self, orders: range) -> int:
        """Return for how many of some orders a cancel was received."""
        return sum(order_id in self.posts for order_id in orders)
