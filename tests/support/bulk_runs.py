"""A tenant in memory, so that a test can look at the record at the moment of each call."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from journal_store import Store

from airflow_provider_oms.api.errors import (
    OmsError,
    OmsNoResponseError,
    OmsNotSentError,
)
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.validation import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.driver import BulkRun
from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.bulk.order_set import OrderSet
from airflow_provider_oms.cancellation.history import Policy

POLICY = Policy(settle_seconds=0.3, deadline=10)
LOST = OmsNoResponseError("no answer")
Fault = Callable[[Any], OmsError | None]


@dataclass(frozen=True)
class Seen:
    """One call, as the tenant saw it."""

    method: str
    order_id: OrderId
    at: float


@dataclass
class Tenant:
    """A tenant in memory; `post` and `read` say which order meets which error.

    :param acts: whether a cancel that ends in an error was acted on.
    :param look: called at the moment of each POST.
    :param fetch_token: called before each POST.
    """

    latency: float = 0.005
    latency_of: dict[OrderId, float] = field(default_factory=dict)
    post: Fault = lambda _: None
    read: Fault = lambda _: None
    acts: bool = False
    look: Callable[[Any], object] = lambda _: None
    fetch_token: Callable[[], None] = lambda: None
    seen: list[Seen] = field(default_factory=list)
    canceled: set[OrderId] = field(default_factory=set)
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._at_once = 0

    def get_order(self, order_id: OrderId) -> Order:
        return self._answer("GET", order_id, self.read(order_id))

    def post_cancel(
        self, request: CancelRequest, *, may_send: Callable[[], bool] | None = None
    ) -> Order:
        self.fetch_token()
        if may_send is not None and not may_send():
            raise OmsNotSentError("too late")
        error = self.post(request.order_id)
        self.look(request.order_id)
        if error is None or self.acts:
            self.canceled.add(request.order_id)
        return self._answer("POST", request.order_id, error)

    def _answer(self, method: str, order_id: Any, error: OmsError | None) -> Order:
        with self._lock:
            self.seen.append(Seen(method, order_id, time.monotonic()))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.latency_of.get(order_id, self.latency))
        with self._lock:
            self._at_once -= 1
        if error is not None:
            raise error
        state = "CANCELED" if order_id in self.canceled else "READY"
        return Order(order_id, state, state, MappingProxyType({}), "c1")

    def posts(self) -> list[Any]:
        return [call.order_id for call in self.seen if call.method == "POST"]


def run_of(
    tenant: Any, orders: int, *, workers: int = 4, attempt: int = 1, **settings: Any
) -> BulkRun:
    requests: dict[Any, CancelRequest] = {
        order_id: CancelRequest(order_id, "created_by_mistake") for order_id in range(1, orders + 1)
    }
    store = settings.pop("store", None)
    policy = settings.pop("policy", POLICY)
    is_stopping = settings.pop("is_stopping", lambda: False)
    return BulkRun(
        tenant,
        OrderSet(requests),
        policy,
        Journal(
            store if store is not None else Store(),
            now=time.time(),
            attempt=attempt,
            order_ids=requests,
        ),
        Limits(workers, **settings),
        leeway=0.0,
        attempt=attempt,
        log=logging.getLogger(__name__),
        is_stopping=is_stopping,
    )


def outcomes(run: BulkRun) -> dict[str, int]:
    return {outcome.value: count for outcome, count in run.tally.counts.items()}
