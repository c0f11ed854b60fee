"""The trigger that watches a native tenant for orders held for review, for as long as Airflow runs.

``verdicts/review_watch.py`` decides on the requests and the events. It only ever reads.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from airflow.providers.common.compat.connection import get_async_connection
from airflow.triggers.base import TriggerEvent

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.errors import OmsError, OmsNotFoundError
from airflow_provider_oms.api.review import Event, OrderInReview, Reviews
from airflow_provider_oms.api.values import validate_number
from airflow_provider_oms.connections import settings_of
from airflow_provider_oms.triggers.clients import SharedClient, shared_client
from airflow_provider_oms.verdicts.review_watch import Pace, ReviewWatch
from airflow_provider_oms.verdicts.verdict import Payload
from airflow_provider_oms.version_compat import BaseEventTrigger, refuse_without_asset_watchers

__all__ = ["OmsOrdersInReviewTrigger"]

# So many reads in a row, before their results are reported.
_READS = 20


class OmsOrdersInReviewTrigger(BaseEventTrigger):
    """Emit an event for each order that a native tenant holds for review.

    It is for an ``AssetWatcher``, on Airflow 3.0 and later. The payload of an event is the order as
    the adapter ``Kibo`` takes it, without anything of the shopper's. An order whose results change
    is emitted again, and every order that is still in review is emitted again after a restart of
    the triggerer. So each is emitted at least once, unless its review ends first.

    :param oms_conn_id: id of the Airflow connection of type ``oms``, of a native tenant.
    :param poll_interval: seconds between two pulls of events, and up to a tenth more.
    :param overlap: seconds by which an event may appear later than it was created, and by which
        the clocks of Kibo and the triggerer may differ.
    :param search_interval: seconds between two searches for all orders in review, which find
        orders that no event has announced.
    :param max_orders: how many orders may be in review; a search that finds more is not used,
        which the log notes.
    :param filter_events: whether the tenant can filter events by topic and time; if not, all of its
        events are read each time.
    :raises ValueError: when an argument is not valid.
    :raises AirflowOptionalProviderFeatureException: on Airflow 2, which has no asset watchers.
    """

    def __init__(
        self,
        *,
        oms_conn_id: str = "oms_default",
        poll_interval: float = 30.0,
        overlap: float = 600.0,
        search_interval: float = 900.0,
        max_orders: int = 10_000,
        filter_events: bool = True,
    ) -> None:
        refuse_without_asset_watchers(type(self).__name__, "list the orders on a schedule instead")
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
        self.oms_conn_id = oms_conn_id
        self.poll_interval = _seconds("poll_interval", poll_interval)
        self.overlap = _seconds("overlap", overlap)
        self.search_interval = _seconds("search_interval", search_interval)
        self.max_orders = validate_number("max_orders", max_orders, least=1)
        self.filter_events = filter_events
        self._troubles: dict[str, str] = {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again, such as after a restart of the triggerer.

        :return: the class's path, and its arguments; the connection is named and not held.
        """
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "oms_conn_id": self.oms_conn_id,
                "poll_interval": self.poll_interval,
                "overlap": self.overlap,
                "search_interval": self.search_interval,
                "max_orders": self.max_orders,
                "filter_events": self.filter_events,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch the tenant without an end.

        :return: an event for each order in review whose results were not emitted before.
        """
        watch = ReviewWatch(timedelta(seconds=self.overlap), datetime.now(UTC))
        paces = _Paces(self.poll_interval, self.search_interval)
        connecting = Pace(0.0, self.poll_interval)
        while True:
            # The connection is read again after a failure, for a secret may have been replaced.
            with ExitStack() as until_failure:
                clients: list[SharedClient] = []
                is_answered = await self._try(connecting, self._connect, until_failure, clients)
                if not is_answered:
                    await asyncio.sleep(max(0.0, connecting.due_at - _clock()))
                    continue
                (client,) = clients
                while is_answered:
                    found: list[Payload] = []
                    is_answered = await self._look(client, watch, paces, found)
                    for payload in found:
                        yield TriggerEvent(dict(payload))  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
                    pause = paces.next_at(bool(watch.waiting)) - _clock()
                    # Not at the same time as other triggers that began together.
                    pause *= random.uniform(1.0, 1.1)  # noqa: S311 - no secret
                    await asyncio.sleep(max(0.0, pause, client.rest))

    async def _connect(self, until_failure: ExitStack, clients: list[SharedClient]) -> None:
        connection = await get_async_connection(self.oms_conn_id)
        settings = settings_of(connection, self.oms_conn_id)
        clients.append(until_failure.enter_context(shared_client(settings)))

    async def _look(
        self, client: SharedClient, watch: ReviewWatch, paces: _Paces, found: list[Payload]
    ) -> bool:
        """Ask each due question by itself, and return whether all were answered."""
        now = _clock()
        before = watch.waiting
        answers = []
        if paces.events.due_at <= now:
            answers.append(await self._try(paces.events, self._pull, client, watch))
        if paces.search.due_at <= now:
            answers.append(await self._try(paces.search, self._search, client, watch))
        waiting = watch.waiting
        # An order that cannot be read holds up no new one.
        if waiting and (paces.reads.due_at <= now or len(waiting) > len(before)):
            answers.append(await self._try(paces.reads, self._read, client, watch, found))
            if answers[-1] and len(watch.waiting) < len(waiting):
                # Those that are left are not the ones that cannot be read yet, or not all of them.
                paces.reads.due_at = now
        return all(answers)

    async def _pull(self, client: SharedClient, watch: ReviewWatch) -> None:
        now = datetime.now(UTC)
        asked = partial(_events, since=watch.since, is_filtered=self.filter_events)
        watch.on_events(await client.ask(asked), now)

    async def _search(self, client: SharedClient, watch: ReviewWatch) -> None:
        now = datetime.now(UTC)
        watch.on_search(await client.ask(partial(_orders, at_most=self.max_orders)), now)

    async def _read(self, client: SharedClient, watch: ReviewWatch, found: list[Payload]) -> None:
        trouble: Exception | None = None
        was_read = False
        for order_id in watch.waiting[:_READS]:
            try:
                order = await client.ask(partial(_order, order_id=order_id))
            except OmsNotFoundError as error:
                if not watch.on_missing(order_id, datetime.now(UTC)):
                    self.log.warning("An event names an order that cannot be read: %s", error)
            except Exception as error:
                watch.on_trouble(order_id)
                if trouble is not None or client.rest:
                    raise
                # The trouble may be with this order alone.
                trouble = error
            else:
                was_read = True
                payload = watch.on_read(order)
                if payload is not None:
                    found.append(payload)
        if trouble is not None and not was_read:
            raise trouble

    async def _try(self, pace: Pace, ask: Callable[..., Awaitable[None]], *given: Any) -> bool:
        """Ask once, and set when to ask again; each kind of trouble is logged when it begins."""
        name = ask.__name__
        try:
            await ask(*given)
        except Exception as error:  # noqa: BLE001 - no trouble may end the watch
            pace.failed(_clock(), error.retry_after if isinstance(error, OmsError) else None)
            if self._troubles.get(name) != type(error).__name__:
                self._troubles[name] = type(error).__name__
                what = str(error) if isinstance(error, OmsError) else self._unexpected(error)
                self.log.warning("Orders in review are not watched as they should be: %s", what)
            return False
        pace.answered(_clock())
        if self._troubles.pop(name, None):
            self.log.info("Orders in review are watched again")
        return True

    def _unexpected(self, error: Exception) -> str:
        # Its text may hold a part of the connection.
        kind = type(error).__name__
        return f"{kind} while connection {self.oms_conn_id} was looked up or used"


class _Paces:
    """Hold when each question is due.

    :param poll_interval: seconds between two pulls of events.
    :param search_interval: seconds between two searches.
    """

    def __init__(self, poll_interval: float, search_interval: float) -> None:
        self.events = Pace(poll_interval, poll_interval)
        self.search = Pace(search_interval, poll_interval)
        self.reads = Pace(poll_interval, poll_interval)

    def next_at(self, has_reads: bool) -> float:
        """Return when the next question is due.

        :param has_reads: whether orders are waiting to be read.
        """
        asked = [self.events, self.search] + [self.reads] * has_reads
        return min(one.due_at for one in asked)


def _seconds(name: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a number of seconds above zero")
    return float(value)


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _events(client: OmsClient, since: datetime, *, is_filtered: bool) -> list[Event]:
    return Reviews(client).events(since, is_filtered=is_filtered)


def _orders(client: OmsClient, at_most: int) -> list[OrderInReview]:
    return Reviews(client).orders(at_most=at_most)


def _order(client: OmsClient, order_id: str) -> OrderInReview:
    return Reviews(client).order(order_id)
