"""One client for each tenant in a triggerer, shared by all triggers that look at its orders.

What they wait for, and for how long, is the business of the triggers.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.waiting import Observation, StateCriteria, observe
from airflow_provider_oms.connections import client_of

__all__ = ["SharedClient", "shared_client"]

# The client blocks while it reads, so it does that in threads. They are few, and its own: an OMS
# that hangs holds up neither the event loop nor other triggers that use the loop's threads.
_THREADS = 8


class SharedClient:
    """Look at orders of one tenant, a few at a time, over one pool of connections.

    :param settings: the tenant.
    """

    def __init__(self, settings: TenantSettings) -> None:
        # A token never leaves the client, so there is none to be masked in the triggerer's log;
        # and to mask one from a thread can lock up the triggerer of some versions of Airflow.
        self._client = client_of(settings, pool_size=_THREADS)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="oms-order-state")
        self._rests_until = 0.0
        self.users = 0

    @property
    def rest(self) -> float:
        """Return the seconds for which the OMS has asked not to be called."""
        return max(0.0, self._rests_until - time.monotonic())

    async def observe(self, order_id: int, wish: StateCriteria) -> Observation:
        """Read an order once, without blocking the event loop, and say how it stands.

        :param order_id: the order.
        :param wish: what is waited for.
        :return: what was seen.
        :raises OmsError: for what will not change by waiting.
        """
        loop = asyncio.get_running_loop()
        look = await loop.run_in_executor(self._threads, observe, self._client, order_id, wish)
        if look.retry_after is not None:
            self._rests_until = max(self._rests_until, time.monotonic() + look.retry_after)
        return look

    def close(self) -> None:
        """Close the connections; a read that is under way ends in its own time, unheard."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()


_lock = threading.Lock()
_clients: dict[TenantSettings, SharedClient] = {}


@contextmanager
def shared_client(settings: TenantSettings) -> Iterator[SharedClient]:
    """Give the client of a tenant, the same to everyone who asks at a time.

    :param settings: the tenant, with its credentials: who has others gets another client.
    :return: the client; it is closed when nobody uses it any more.
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
