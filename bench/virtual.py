"""Many tasks that cancel on one tenant at a time, in virtual time: real engines, real journals.

No request is made and nothing waits: only the engines' commands are counted. How such runs are
compared is in `scale`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.commands import Find, Send, Write
from airflow_provider_oms.cancellation.bulk.engine import Engine
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.bulk.recovery import Record, Recovery
from airflow_provider_oms.cancellation.history import Action, Event, Policy, Reply
from bench.limiter import Limit, Limiter
from bench.measure import REASON
from tests.simulation.world import Clock

_CANCELED = Reply(Evidence.CANCELED, "", order_state="CANCELED", order_status="CANCELED")
_OPEN = Reply(Evidence.OPEN, "", order_state="READY", order_status="READY")
_TURNED_AWAY = Reply(Evidence.THROTTLED, "slow down", http_status=429)
_LEEWAY = 5.0  # the connection's `connect_timeout`
_WALL = 1_800_000_000.0
_TICK = 1e-6


@dataclass
class VirtualTenant:
    """Cancel whatever is asked for, after a fixed latency, and reject requests beyond the limit.

    :param clock: the clock.
    :param latency: seconds that each request takes.
    :param rate: requests in a second, with a burst of 20, as nginx counts them; ``None`` for any.
    """

    clock: Clock
    latency: float
    rate: float | None = None
    requests: int = 0
    turned_away: int = 0
    canceled: set[OrderId] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Take the limit of the gateway that the other measurements have."""
        self._limiter = Limiter(Limit(self.rate))

    def post(self, order_id: OrderId) -> Reply:
        """Take a cancel.

        :param order_id: the order.
        """
        if self._is_too_much():
            return _TURNED_AWAY
        if order_id in self.canceled:
            raise ValueError(f"order {order_id} is canceled twice")
        self.canceled.add(order_id)
        return _CANCELED

    def read(self, order_id: OrderId) -> Reply:
        """Show an order.

        :param order_id: the order.
        """
        if self._is_too_much():
            return _TURNED_AWAY
        return _CANCELED if order_id in self.canceled else _OPEN

    def _is_too_much(self) -> bool:
        self.requests += 1
        is_admitted = self._limiter.admit(self.clock.now)
        self.turned_away += not is_admitted
        return not is_admitted


@dataclass
class CountingStore:
    """Count what Airflow would have to take of a journal.

    :param writes: how often a value was written.
    :param written_bytes: the bytes of all of them.
    """

    writes: int = 0
    written_bytes: int = 0

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 - a store's method
        """Return the default: no task here has an earlier attempt.

        :param key: the key.
        :param default: what to return.
        """
        return default

    def set(self, key: str, value: Any) -> None:  # noqa: ARG002 - a store's method
        """Count a value.

        :param key: its key.
        :param value: anything that JSON can hold.
        """
        self.writes += 1
        self.written_bytes += len(json.dumps(value, separators=(",", ":")))


class VirtualTask:
    """Run one task's engine over its orders, and keep when it ended.

    :param clock: the clock.
    :param tenant: the tenant.
    :param order_ids: the orders.
    :param limits: the limits of the run.
    :param write_seconds: the duration of a write of the journal.
    """

    def __init__(
        self,
        clock: Clock,
        tenant: VirtualTenant,
        order_ids: Sequence[int],
        *,
        limits: Limits,
        write_seconds: float,
    ) -> None:
        self._clock, self._tenant, self._write_seconds = clock, tenant, write_seconds
        self.store = CountingStore()
        requests: dict[OrderId, CancelRequest] = {
            order_id: CancelRequest(order_id, REASON) for order_id in order_ids
        }
        orders, policy = OrderSet(requests), Policy(early_reads=1)
        self._journal = Journal(self.store, now=_WALL, order_ids=requests)
        record = Record({}, self._journal.is_whole, self._journal.is_kept, _LEEWAY, None)
        recovery = Recovery(orders, policy, record, now=clock.now, wall_now=_WALL)
        self.engine = Engine(recovery, limits, attempt=1, now=clock.now)
        self.ended_at: float | None = None
        self._woken_at = float("inf")
        self.poll()

    def poll(self) -> None:
        """Carry out the engine's commands, and come back when it wants to be asked again."""
        if self.ended_at is not None:
            return
        now = self._clock.now
        for command in self.engine.poll(now):
            match command:
                case Send():
                    self._call(command)
                case Write():
                    self._clock.after(self._write_seconds, partial(self._write, command))
                case Find():
                    raise ValueError("nothing is in doubt, and nothing is to be searched for")
        if self.engine.is_done(now):
            self.ended_at = now
            return
        wakeup = self.engine.wakeup(now)
        if wakeup < self._woken_at or self._woken_at <= now:
            self._woken_at = wakeup
            self._clock.after(max(wakeup - now, _TICK), lambda: self._wake(wakeup))

    def _wake(self, wakeup: float) -> None:
        if wakeup == self._woken_at:
            self._woken_at = float("inf")
            self.poll()

    def _call(self, send: Send) -> None:
        sent_at = self._clock.now
        order_id = send.item.request.order_id
        call = self._tenant.read if send.action is Action.READ else self._tenant.post
        reply = call(order_id)

        def on_reply() -> None:
            event = Event(send.action, sent_at, self._clock.now, reply, 0.5)
            self.engine.on_reply(send.item, event, held_back=False)
            self.poll()

        self._clock.after(self._tenant.latency, on_reply)

    def _write(self, write: Write) -> None:
        wall = _WALL + self._clock.now
        self._journal.write(
            [item.request.order_id for item in write.intents],
            [end.result for end in write.ended],
            posted_by=wall + write.longest_lease,
            now=wall,
            learned=write.learned,
        )
        self.engine.on_written(write, self._clock.now)
        self.poll()
