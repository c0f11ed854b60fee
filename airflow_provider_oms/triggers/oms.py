"""The trigger that waits for an order's state in the triggerer, and the event that ends it.

It only ever reads: a triggerer that restarts runs its triggers again, and a cancel is no thing to
be sent again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any, Literal

from airflow.providers.common.compat.connection import get_async_connection
from airflow.triggers.base import BaseTrigger, TriggerEvent
from pydantic import BaseModel, ConfigDict

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsError, OmsForbiddenError, OmsUnauthorizedError
from airflow_provider_oms.api.patience import TokenPatience
from airflow_provider_oms.api.values import OrderId
from airflow_provider_oms.api.waiting import (
    Match,
    Observation,
    StateCriteria,
    is_unsettled,
    validate_state_criteria,
)
from airflow_provider_oms.connections import settings_of
from airflow_provider_oms.triggers.clients import SharedClient, shared_client

__all__ = ["OmsOrderStateTrigger", "WaitingEnded"]

_LONGEST_BACK_OFF = 600.0
# A look may wait so long, as a share of the interval and in seconds, for others in the same batch.
_WAIT_FOR_OTHERS = 0.04
_LONGEST_WAIT_FOR_OTHERS = 2.0
# A search may never show a change, so each tenth look asks Get Order.
_LOOKS_PER_READ = 10


class WaitingEnded(BaseModel):
    """Hold how a waiting ended: the payload of the trigger's event, checked on both sides.

    :param status: how.
    :param order_id: the order.
    :param order_state: its ``orderState`` when last seen.
    :param order_status: its ``orderStatus`` when last seen.
    :param message: one sentence, without any of the shopper's data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    status: Literal["reached", "failed", "timed_out", "given_up"]
    order_id: OrderId
    order_state: str | None = None
    order_status: str | None = None
    message: str


class OmsOrderStateTrigger(BaseTrigger):
    """Wait until an order is in one of some states.

    All triggers of a triggerer that look at one tenant share a client, its access token and its
    few connections, and a ``Retry-After`` lets all of them rest. Where there are many, looks that
    fall due within a short time share one request.

    :param order_id: the order.
    :param target_states: states that are waited for.
    :param failure_states: states from which the order will not come to a target any more.
    :param oms_conn_id: id of the Airflow connection of type ``oms``.
    :param poll_interval: seconds between two looks, give or take a tenth, the first time a quarter.
    :param give_up_at: until when to wait, in seconds since the epoch; ``None`` for ever.
    """

    def __init__(
        self,
        *,
        order_id: OrderId,
        target_states: list[str],
        failure_states: list[str],
        oms_conn_id: str,
        poll_interval: float,
        give_up_at: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
        self.order_id = order_id
        self.target_states = target_states
        self.failure_states = failure_states
        self.oms_conn_id = oms_conn_id
        self.poll_interval = poll_interval
        self.give_up_at = give_up_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the arguments that recreate this trigger, as after a triggerer's restart.

        :return: the class's path, and its arguments; the connection is named and not held.
        """
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "order_id": self.order_id,
                "target_states": self.target_states,
                "failure_states": self.failure_states,
                "oms_conn_id": self.oms_conn_id,
                "poll_interval": self.poll_interval,
                "give_up_at": self.give_up_at,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and say how it ended.

        :return: one event, with a :class:`WaitingEnded` as its payload.
        """
        ended = (await self._wait()).model_dump()
        yield TriggerEvent(ended)  # type: ignore[no-untyped-call]  # Airflow leaves it untyped

    async def _wait(self) -> WaitingEnded:
        try:
            wish = validate_state_criteria(self.target_states, self.failure_states or None)
            settings = await self._settings()
            settled_at = asyncio.get_running_loop().time() + settings.settle_seconds
            while True:
                try:
                    with shared_client(settings) as client:
                        return await self._watch(client, wish, settled_at)
                except (OmsForbiddenError, OmsUnauthorizedError):
                    # A secret may be replaced during a long wait, so reload the connection first.
                    renewed = await self._settings()
                    if renewed == settings:
                        raise
                    settings = renewed
        except OmsError as error:
            return self._ended("given_up", error.explain())

    async def _settings(self) -> TenantSettings:
        return settings_of(await get_async_connection(self.oms_conn_id), self.oms_conn_id)

    async def _watch(
        self, client: SharedClient, wish: StateCriteria, settled_at: float
    ) -> WaitingEnded:
        seen: Observation | None = None
        troubles = 0
        patience = TokenPatience()
        # Not at the same time as others that began together.
        looks = random.randrange(_LOOKS_PER_READ)  # noqa: S311 - no secret
        # The task has just looked by itself. And after a restart of the triggerer, its triggers
        # had better not all begin at once.
        pause = self.poll_interval * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        while True:
            await self._sleep(client, pause)
            if client.rest and self._time_left() <= 0:
                return self._timed_out(seen)
            try:
                looks += 1
                look = await self._look(client, wish, looks, settled_at)
            except OmsError as error:
                # Not in a thread, where a pause would hold up the looks of other triggers.
                pause_for_token = patience.pause(error)
                if pause_for_token is None:
                    raise
                seen, pause = Observation(Match.OPEN, trouble=error.message), pause_for_token
                if self._time_left() <= 0:
                    return self._timed_out(seen)
                continue
            patience.reset()
            if look.stand is Match.REACHED:
                return self._ended("reached", look.describe(), look)
            if look.stand is Match.FAILED:
                return self._ended("failed", look.describe(), look)
            if look != seen:
                self.log.info("Order %s %s", self.order_id, look.describe())
            seen = look
            if self._time_left() <= 0:
                return self._timed_out(seen)
            troubles = troubles + 1 if look.trouble else 0
            pause = self._pause_after(troubles)

    async def _look(
        self, client: SharedClient, wish: StateCriteria, looks: int, settled_at: float
    ) -> Observation:
        """Look at the order once; that a search does not show it yet is trouble that passes."""
        try:
            return await client.observe(self.order_id, wish, within=self._wait_for(looks))
        except OmsError as error:
            if not is_unsettled(error) or asyncio.get_running_loop().time() >= settled_at:
                raise
            return Observation(Match.OPEN, trouble=error.message)

    def _wait_for(self, looks: int) -> float:
        # The last look decides, so that it is never one at a search, which may lag behind.
        if looks % _LOOKS_PER_READ == 0 or self._time_left() <= 0:
            return 0.0
        return min(self.poll_interval * _WAIT_FOR_OTHERS, _LONGEST_WAIT_FOR_OTHERS)

    def _pause_after(self, troubles: int) -> float:
        longest = max(self.poll_interval, _LONGEST_BACK_OFF)
        # Beyond this many, no shorter pause than the longest is left.
        pause = min(self.poll_interval * 2.0 ** min(troubles, 32), longest)
        return pause * random.uniform(0.9, 1.1)  # noqa: S311 - no secret

    async def _sleep(self, client: SharedClient, pause: float) -> None:
        await asyncio.sleep(min(pause, self._time_left()))
        # This trigger or another may have been asked in the meantime to leave the OMS alone.
        while client.rest and self._time_left() > 0:
            spread = random.uniform(0, self.poll_interval)  # noqa: S311 - no secret
            await asyncio.sleep(min(client.rest + spread, self._time_left()))

    def _time_left(self) -> float:
        # By the wall clock: the moment was set on another machine, before a restart perhaps.
        left = float("inf") if self.give_up_at is None else self.give_up_at - time.time()
        return max(0.0, left)

    def _timed_out(self, seen: Observation | None) -> WaitingEnded:
        last = "was not looked at" if seen is None else seen.describe()
        return self._ended("timed_out", f"the time is up; it {last}", seen)

    def _ended(
        self,
        status: Literal["reached", "failed", "timed_out", "given_up"],
        message: str,
        look: Observation | None = None,
    ) -> WaitingEnded:
        return WaitingEnded(
            status=status,
            order_id=self.order_id,
            order_state=look.order_state if look else None,
            order_status=look.order_status if look else None,
            message=message,
        )
