"""One client for each tenant in a triggerer, shared by all triggers that look at its orders.

The triggers know the states to wait for, and for how long. ``api/batch_reads.py`` decides whether
many are read together, and ``api/gathering.py`` when.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

from airflow_provider_oms.api.batch_reads import BatchReads, Proof
from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.gathering import Gathering
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.api.waiting import (
    Match,
    Observation,
    StateCriteria,
    observe,
    observe_in_batch,
)
from airflow_provider_oms.connections import client_of

__all__ = ["SharedClient", "shared_client"]

logger = logging.getLogger(__name__)

# The client blocks while it reads, so it does that in threads. They are few, and its own: an OMS
# that hangs holds up neither the event loop nor other triggers that use the loop's threads.
_THREADS = 8
# Not the same threads: a hundred orders to be confirmed must not hold up all the others' looks.
_THREADS_OF_BATCHES = 2

_Result = TypeVar("_Result")
#: An order that waits for the next batch, with its wish. It gets the observation, or nothing when
#: Get Order has to be asked.
_Waiting: TypeAlias = tuple[OrderId, StateCriteria, "asyncio.Future[Observation | None]"]
_Seen: TypeAlias = Callable[[OrderId, StateCriteria], Observation | None]


class SharedClient:
    """Look at orders of one tenant, a few at a time or in batches, over one pool of connections.

    All of it but the reads themselves happens in the one event loop of the triggerer.

    :param settings: the tenant.
    """

    def __init__(self, settings: TenantSettings) -> None:
        # A token never leaves the client, so there is none to be masked in the triggerer's log;
        # and to mask one from a thread can lock up the triggerer of some versions of Airflow.
        self._client = client_of(settings, pool_size=_THREADS + _THREADS_OF_BATCHES)
        self._tenant = settings.tenant_id
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="oms-order-state")
        self._threads_of_batches = ThreadPoolExecutor(
            _THREADS_OF_BATCHES, thread_name_prefix="oms-order-batch"
        )
        self._reads = BatchReads()
        self._may_search = self._client.dialect.most_per_search > 0
        self._gathering: Gathering[_Waiting] = Gathering(self._client.dialect.most_per_search)
        self._batches: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._has_said_why_not = False
        self._rests_until = 0.0
        self._told_to_rest: Observation | None = None
        self.users = 0

    @property
    def rest(self) -> float:
        """Return the seconds for which the OMS has asked not to be called."""
        return max(0.0, self._rests_until - time.monotonic())

    async def observe(
        self, order_id: OrderId, wish: StateCriteria, *, within: float = 0.0
    ) -> Observation:
        """Look at an order once, without blocking the event loop, and say how it stands.

        :param order_id: the order.
        :param wish: the states that are waited for.
        :param within: seconds for which it may wait for others that are looked at in the same
            batch; 0 for an order that is read by itself.
        :return: the observation.
        :raises OmsError: for a failure that waiting will not change.
        """
        look = None
        if within > 0 and self._may_search and self._reads.is_for(self.users):
            look = await self._look_in_batch(order_id, wish, within)
        return look or await self._look_alone(order_id, wish)

    async def ask(self, read: Callable[[OmsClient], _Result]) -> _Result:
        """Read something else than an order's state, without blocking the event loop.

        :param read: reads it with the tenant's client.
        :return: the value it has read.
        :raises OmsError: as it does.
        """
        try:
            return await _in_thread(self._threads, read, self._client)
        except OmsError as error:
            self._rest_after(error)
            raise

    async def _look_alone(self, order_id: OrderId, wish: StateCriteria) -> Observation:
        try:
            look = await _in_thread(self._threads, observe, self._client, order_id, wish)
        except OmsError as error:
            self._reads.on_single(order_id, error)
            raise
        self._reads.on_single(order_id, look)
        self._say_why_not()
        self._rest_if_told(look)
        return look

    async def _look_in_batch(
        self, order_id: OrderId, wish: StateCriteria, within: float
    ) -> Observation | None:
        loop = asyncio.get_running_loop()
        look: asyncio.Future[Observation | None] = loop.create_future()
        self._gathering.add((order_id, wish, look), now=loop.time(), within=within)
        self._send_what_is_due()
        return await look

    def _send_what_is_due(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while len(self._batches) < _THREADS_OF_BATCHES and (
            waiting := self._gathering.take(loop.time())
        ):
            # A trigger that has been canceled does not wait any more.
            waiting = [one for one in waiting if not one[2].done()]
            batch = loop.create_task(self._look_at(waiting))
            self._batches.add(batch)
            batch.add_done_callback(self._on_batch_done)
        if self._gathering.due_at is not None and len(self._batches) < _THREADS_OF_BATCHES:
            self._timer = loop.call_at(self._gathering.due_at, self._send_what_is_due)

    def _on_batch_done(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._send_what_is_due()

    async def _look_at(self, waiting: Sequence[_Waiting]) -> None:
        try:
            order_ids = tuple(dict.fromkeys(order_id for order_id, _, _ in waiting))
            if not self._reads.is_for(len(order_ids)):
                return
            seen = await self._see(order_ids)
            for order_id, wish, look in waiting:
                if not look.done():
                    look.set_result(seen(order_id, wish))
        finally:
            for _, _, look in waiting:
                if not look.done():
                    look.set_result(None)

    async def _see(self, order_ids: tuple[OrderId, ...]) -> _Seen:
        """Look for orders in one search, and return the facts about each, or about none."""
        if self.rest:
            return lambda *_: self._told_to_rest
        try:
            answer = await _in_thread(self._threads_of_batches, self._client.find_orders, order_ids)
        except OmsError as error:
            self._reads.on_batch(order_ids, error)
            self._say_why_not()
            look = self._rest_after(error)
            return lambda *_: look
        proofs = self._reads.on_batch(order_ids, answer)

        def seen(order_id: OrderId, wish: StateCriteria) -> Observation | None:
            if proofs[order_id] is Proof.TO_READ:
                return None
            return observe_in_batch(answer[order_id], proofs[order_id], wish)

        return seen

    def _rest_after(self, error: OmsError) -> Observation | None:
        """Return the effect of a failed batch on each of its orders: a rest, or a single read."""
        if error.retry_after is None and error.evidence is not Evidence.THROTTLED:
            return None
        look = Observation(Match.OPEN, trouble=error.message, retry_after=error.retry_after)
        self._rest_if_told(look)
        return look

    def _rest_if_told(self, look: Observation) -> None:
        if look.retry_after is not None:
            self._rests_until = max(self._rests_until, time.monotonic() + look.retry_after)
            self._told_to_rest = look

    def _say_why_not(self) -> None:
        if self._reads.why_not is not None and not self._has_said_why_not:
            self._has_said_why_not = True
            logger.warning(
                "Orders of tenant %s are read one by one from now on: %s",
                self._tenant,
                self._reads.why_not,
            )

    def close(self) -> None:
        """Close the connections; a read that is under way ends in its own time, unheard."""
        if self._timer is not None:
            self._timer.cancel()
        for threads in (self._threads, self._threads_of_batches):
            threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()


async def _in_thread(
    threads: ThreadPoolExecutor, call: Callable[..., _Result], *arguments: object
) -> _Result:
    return await asyncio.get_running_loop().run_in_executor(threads, call, *arguments)


_lock = threading.Lock()
_clients: dict[TenantSettings, SharedClient] = {}


@contextmanager
def shared_client(settings: TenantSettings) -> Iterator[SharedClient]:
    """Return the client of a tenant, shared by all triggers that use it at a time.

    :param settings: the tenant, with its credentials: other credentials get another client.
    :return: the client; it is closed when no trigger uses it any more.
    """
    with _lock:
        client = _clients.get(settings)
        if client is None:
            client = _clients[settings] = SharedClient(settings)
        client.users += 1
    try:
        yield client
    finally:
        with _lock:
            client.users -= 1
            is_last = client.users == 0
            if is_last:
                del _clients[settings]
        if is_last:
            client.close()
