"""A tenant with lines and shipments in virtual time, as bad as the docs allow.

It acts on each request, each time that it is sent; shows the effect late, or loses its response;
and other clients cancel in between. ``Killed`` ends a process between any two events.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from plain_json import check_plain_json

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsLockedError,
    OmsNoResponseError,
    OmsNotSentError,
    OmsServerError,
    OmsThrottledError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.parts import (
    Line,
    LineName,
    OrderParts,
    PartCancel,
    PartKind,
    Place,
    Shipment,
)

ORDER = 1010101
SETTLE = 3.0
# Of what other clients do, this is how often they ship instead of canceling.
_SHIPPED = 0.2
Key = tuple[int, int]  # shipment and line


class Killed(BaseException):
    """End the process, as a kill does: nothing of it runs any more."""


@dataclass
class Act:
    """One change: when it shows, where, and how many; and whose it is."""

    at: float
    shows_at: float
    key: Key
    quantity: int
    is_ours: bool


@dataclass
class Weather:
    """Hold what goes wrong, by how often it does."""

    posts: dict[str, int] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)
    others: float = 0.0  # the chance that another client cancels something before a call
    has_etags: bool = False


FINE = Weather()


@dataclass
class Process:
    """Hold the time, and the life of the process, which several orders share."""

    now: float = 0.0
    weather: Weather = field(default_factory=Weather)
    events: int = 0
    dies_at: int | None = None
    is_dead: bool = False


class World:
    """Hold a clock, a tenant with one order, and a store for the attempts of one task.

    :param draw: the chance of the story.
    :param quantities: the quantity in each shipment of each line, to begin with.
    :param whole: whether lines are canceled as a whole only.
    :param order_id: the order.
    :param process: time and life, where other orders share them.
    """

    def __init__(
        self,
        draw: random.Random,
        quantities: dict[Key, int],
        *,
        whole: bool = False,
        order_id: int = ORDER,
        process: Process | None = None,
    ) -> None:
        self.draw = draw
        self.order_id = order_id
        self.process = process or Process()
        self.whole = whole
        self.initial = dict(quantities)
        self.acts: list[Act] = []
        #: Cancels that will be acted on later, as when no answer came in time.
        self.pending: list[tuple[float, float, list[tuple[Key, int]]]] = []
        self.values: dict[str, Any] = {}
        self.posts: list[PartCancel] = []
        self.closed: set[int] = set()  # shipments that have left

    @property
    def now(self) -> float:
        return self.process.now

    @now.setter
    def now(self, moment: float) -> None:
        self.process.now = moment

    @property
    def weather(self) -> Weather:
        return self.process.weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        self.process.weather = weather

    # -- events

    def event(self) -> None:
        """Let one event happen, unless the process is dead by then."""
        process = self.process
        process.events += 1
        if process.is_dead or (process.dies_at is not None and process.events >= process.dies_at):
            process.is_dead = True
            raise Killed

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.event()
        self.now += seconds

    def begin_process(self, dies_after: int | None) -> None:
        """Let the next attempt begin."""
        process = self.process
        process.is_dead = False
        process.dies_at = None if dies_after is None else process.events + dies_after

    # -- the store

    def get(self, key: str, default: Any = None) -> Any:
        self.event()
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        check_plain_json(value)
        self.event()
        self.values[key] = value
        self.event()

    # -- the true state

    def canceled(self, key: Key, *, as_shown: bool = False, ours: bool | None = None) -> int:
        """Return how many are canceled: by now, or as far as it shows; by whom."""
        self._settle()
        return sum(
            act.quantity
            for act in self.acts
            if act.key == key
            and (not as_shown or act.shows_at <= self.now)
            and (ours is None or act.is_ours is ours)
        )

    def open(self, key: Key, *, as_shown: bool = False) -> int:
        return self.initial[key] - self.canceled(key, as_shown=as_shown)

    def ours(self, line: int) -> int:
        """Return how many of a line were canceled by the task."""
        return sum(self.canceled(key, ours=True) for key in self.initial if key[1] == line)

    def _settle(self) -> None:
        due = [one for one in self.pending if one[0] <= self.now]
        self.pending = [one for one in self.pending if one[0] > self.now]
        for at, shows_at, amounts in due:
            self._act(amounts, at, shows_at, is_ours=True)

    def finish_pending(self) -> None:
        """Let all be acted on that will be, and be shown."""
        self.now += 1000.0
        self._settle()

    def _act(
        self, amounts: list[tuple[Key, int]], at: float, shows_at: float, *, is_ours: bool
    ) -> bool:
        left = {
            key: self.initial[key] - sum(a.quantity for a in self.acts if a.key == key)
            for key, _ in amounts
        }
        if any(quantity > left[key] or key[0] in self.closed for key, quantity in amounts):
            return False
        for key, quantity in amounts:
            self.acts.append(Act(at, shows_at, key, quantity, is_ours))
        return True

    def cancel_as_another(self, key: Key, quantity: int) -> None:
        """Let another client cancel something, at once and visibly."""
        self._act([(key, quantity)], self.now, self.now, is_ours=False)

    def _others(self) -> None:
        if self.draw.random() >= self.weather.others:
            return
        key = self.draw.choice(sorted(self.initial))
        if self.draw.random() < _SHIPPED:
            self.closed.add(key[0])
        elif self.open(key) and key[0] not in self.closed:
            many = self.open(key) if self.whole else self.draw.randint(1, self.open(key))
            shows_at = self.now + self.draw.choice([0.0, self.draw.uniform(0, SETTLE)])
            self._act([(key, many)], self.now, shows_at, is_ours=False)

    # -- the client

    def may_share_orders(self, order_ids: Any) -> bool:
        """Return that each order has one name."""
        return False

    def claim(self, order_id: Any, name: Any, *, is_dry_run: bool = False) -> None:
        """Take the name: this order has one."""

    def get_parts(
        self,
        order_id: Any,
        *,
        lines: Collection[LineName] = (),
        shipments: Collection[int] = (),
        is_whole: bool = False,
    ) -> OrderParts:
        self.event()
        self._others()
        self.now += 0.05
        kind = self._kind(self.weather.reads)
        if kind is not None:
            raise self._error(kind)
        shown = self.shown()
        self.event()
        return shown

    def shown(self) -> OrderParts:
        """Return the order as a read shows it now."""
        names = sorted({line for _, line in self.initial})
        numbers = sorted({number for number, _ in self.initial})
        are_canceled = {
            number: all(
                self.open(key, as_shown=True) == 0 for key in self.initial if key[0] == number
            )
            for number in numbers
        }
        all_canceled = all(are_canceled.values())
        state = "CANCELED" if all_canceled else "READY"
        return OrderParts(
            Order(self.order_id, state, state, {}, "c0ffee"),
            tuple(self._line(name) for name in names),
            tuple(
                Shipment(
                    number,
                    "CANCELED" if are_canceled[number] else "READY",
                    are_canceled[number],
                    not are_canceled[number] and number not in self.closed,
                    etag=f'"{self._version(number)}"' if self.weather.has_etags else None,
                )
                for number in numbers
            ),
            shows_all=True,
        )

    def _version(self, number: int) -> int:
        return sum(act.key[0] == number and act.shows_at <= self.now for act in self.acts)

    def _line(self, name: int) -> Line:
        keys = [key for key in sorted(self.initial) if key[1] == name]
        places = tuple(
            Place(
                key[0],
                0 if key[0] in self.closed else self.open(key, as_shown=True),
                self.canceled(key, as_shown=True),
                "READY",
            )
            for key in keys
        )
        left = sum(self.open(key) for key in keys if key[0] in self.closed)
        total = sum(self.initial[key] for key in keys)
        status = "CANCELED" if not any(place.open for place in places) and not left else "NORMAL"
        return Line(name, places, fulfilled=left, quantity=total, status=status)

    def post_part(
        self,
        cancel: PartCancel,
        before: OrderParts,
        *,
        may_send: Callable[[], bool] | None = None,
    ) -> OrderParts:
        self.event()
        self._others()
        if may_send is not None and not may_send():
            raise OmsNotSentError("too late")
        kind = self._kind(self.weather.posts)
        if kind == "unsent":
            raise self._error(kind)
        self.posts.append(cancel)
        self._settle()
        if kind in ("429", "423"):
            raise self._error(kind)
        if cancel.version is not None and cancel.version != f'"{self._true_version(cancel)}"':
            raise OmsLockedError("changed since", http_status=412)
        if kind in ("lost before", "5xx before"):
            raise self._error(kind)
        amounts = self._amounts(cancel)
        delay = self.draw.choice([0.0, self.draw.uniform(0, SETTLE)])
        if kind == "acts later":
            at = self.now + self.draw.uniform(0, delay)
            self.pending.append((at, self.now + delay, amounts))
            raise self._error("lost")
        is_late = kind in ("lost late", "5xx late", "accepted")
        shows_at = self.now + (delay if is_late else 0.0)
        if not self._act(amounts, self.now, shows_at, is_ours=True):
            raise OmsConflictError("not that many are open", http_status=409)
        self.event()
        self.now += 0.05
        if kind is not None and kind != "accepted":
            raise self._error(kind)
        return self.shown()

    def _true_version(self, cancel: PartCancel) -> int:
        return sum(act.key[0] == cancel.shipment for act in self.acts)

    def _amounts(self, cancel: PartCancel) -> list[tuple[Key, int]]:
        if cancel.kind is PartKind.SHIPMENT:
            keys = [key for key in self.initial if key[0] == cancel.shipment]
            return [(key, self.open(key)) for key in keys if self.open(key)]
        if cancel.kind is PartKind.LINE:
            keys = [key for key in self.initial if key[1] == cancel.shares[0].line]
            return [(key, self.open(key)) for key in keys if self.open(key)]
        number = cancel.shipment or 0
        return [((number, int(share.line)), share.quantity) for share in cancel.shares]

    def _kind(self, kinds: dict[str, int]) -> str | None:
        if not kinds:
            return None
        names = ["", *kinds]
        found = self.draw.choices(names, [10, *kinds.values()])[0]
        return found or None

    def _error(self, kind: str) -> OmsError:
        if kind == "429":
            asked = self.draw.choice([None, 1.0])
            return OmsThrottledError("slow down", http_status=429, retry_after=asked)
        if kind == "423":
            return OmsLockedError("held", http_status=423)
        if kind == "unsent":
            return OmsNotSentError("refused")
        if kind.startswith("5xx"):
            return OmsServerError("failed", http_status=503)
        self.now += self.draw.choice([0.0, 5.0])
        return OmsNoResponseError("timed out")


def amounts_of(quantities: dict[Key, int]) -> Counter[int]:
    """Return how many there are of each line."""
    found: Counter[int] = Counter()
    for (_, line), quantity in quantities.items():
        found[line] += quantity
    return found
