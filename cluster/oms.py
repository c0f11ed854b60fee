"""The OMS of the test, which is the emulator: its orders, its faults, its record."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.workplace import oms_connection

# The duration of each call, as it would be over a network.
LATENCY = 0.05


@dataclass(frozen=True)
class Trouble:
    """Hold one way in which a share of the cancels goes wrong.

    :param words: the event, for people.
    :param kind: the emulator's name for it, by which its record shows the effect.
    :param acts: whether the order is nevertheless canceled.
    :param share: of all cancels.
    :param parameters: the fault's own.
    """

    words: str
    kind: str
    acts: bool
    share: float
    parameters: dict[str, Any] = field(default_factory=dict)


# Each has a distinct kind: the record names kinds, and they show which cancels were acted on.
TROUBLES = (
    Trouble("dropped after acting", "drop", True, 0.010),
    Trouble("500 after acting", "late", True, 0.005, {"seconds": 0, "answer": "error"}),
    Trouble("200 without a body, after acting", "answer", True, 0.005, {"body": "empty"}),
    Trouble("dropped before acting", "hang", False, 0.010, {"seconds": 0, "acts": False}),
    Trouble("502 before acting", "status", False, 0.005, {"status": 502, "body": "html"}),
)
_NOT_ACTED_ON = {trouble.kind for trouble in TROUBLES if not trouble.acts}


def connection(oms: EmulatorProcess, url: str, *, native: bool = False) -> dict[str, str]:
    """Return a connection to the OMS, as Airflow's REST API takes it.

    :param oms: the emulator.
    :param url: where it is reached.
    :param native: whether by its native API.
    """
    # The example's reason is none that a native tenant lists.
    codes = {"api": "native", "reason_codes": {"created_by_mistake": "CustomerChangedMind"}}
    extra = {"settle_seconds": 3, **(codes if native else {})}
    return oms_connection(url, oms.tenant, oms.client_id, oms.client_secret, **extra)


def make_slow(oms: EmulatorProcess) -> None:
    """Let every call take its time and nothing go wrong.

    :param oms: the emulator.
    """
    oms.clear_faults()
    oms.add_fault("slow", call="any", seconds=LATENCY)


def make_troubled(oms: EmulatorProcess) -> None:
    """Let every call take its time, and a few percent of the cancels go wrong.

    :param oms: the emulator.
    """
    oms.clear_faults()
    for seed, trouble in enumerate(TROUBLES):
        oms.add_fault(trouble.kind, share=trouble.share, seed=seed, **trouble.parameters)
    oms.add_fault("slow", call="any", seconds=LATENCY)


class Record:
    """Follow the requests that the OMS receives.

    :param oms: the emulator, whose record is reset.
    """

    def __init__(self, oms: EmulatorProcess) -> None:
        oms.clear_requests()
        self._oms = oms
        self._since = 0
        self._posts: dict[int, list[bool]] = defaultdict(list)
        #: Orders that were read, and how often.
        self.reads: dict[int, int] = defaultdict(int)

    def look(self) -> None:
        """Take in the requests since the last look."""
        for request in self._oms.requests(since=self._since):
            self._since = request["seq"]
            if request["call"] == "cancel":
                self._posts[request["order_id"]].append(request["fault"] not in _NOT_ACTED_ON)
            elif request["order_id"] is not None:
                self.reads[request["order_id"]] += 1

    def posts(self, order_id: int) -> tuple[bool, ...]:
        """Return, for each cancel of an order, whether it was acted on, oldest first.

        :param order_id: the order.
        """
        return tuple(self._posts.get(order_id, ()))

    def sent(self, orders: range) -> int:
        """Return for how many of some orders a cancel was received.

        :param orders: the orders.
        """
        return sum(order_id in self._posts for order_id in orders)

    def strays(self, orders: range) -> dict[int, int]:
        """Return the orders that are none of these, with how many cancels each has.

        :param orders: the orders of the set.
        """
        return {
            order_id: len(posts)
            for order_id, posts in self._posts.items()
            if order_id not in orders
        }
