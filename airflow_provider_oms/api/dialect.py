"""The seam between the APIs that reach a tenant's orders: what a dialect of Kibo's has to say.

Everything above the client takes an order's id for an opaque value and an answer for the evidence
in it. How both are spelled is said by a dialect, one module for each, and by nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.responses import correlation_id_of, error_of, no_such_order_in
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import CancelRequest, OrderId

__all__ = ["ApiCall", "Dialect"]


@dataclass(frozen=True, slots=True)
class ApiCall:
    """Hold one call as it is sent.

    :param method: of HTTP.
    :param path: path and query.
    :param body: what is sent as JSON; ``None`` for nothing.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None


class Dialect(ABC):
    """Say how one of Kibo's APIs names orders, what it is sent, and what its answers prove."""

    #: What to do when something answers that does not speak this dialect.
    wrong_server_hint: str
    #: The most orders that one search returns; 0 where a search cannot ask for several.
    most_per_search: int

    @abstractmethod
    def order_id(self, value: Any) -> OrderId:
        """Return an order's id in the form in which it is sent, or refuse it.

        :param value: what a caller gave.
        :raises OmsInputError: when it is no id of this dialect.
        """

    @abstractmethod
    def cancel_request(self, order_id: Any, reason: Any, explanation: Any = None) -> CancelRequest:
        """Check one cancellation completely before anything is sent.

        :param order_id: the order.
        :param reason: why.
        :param explanation: what is to be said besides.
        :return: the request, ready to be sent.
        :raises OmsInputError: for the first value that breaks its rule.
        """

    @abstractmethod
    def read_call(self, order_id: OrderId) -> ApiCall:
        """Return the call that reads an order.

        :param order_id: the order.
        """

    @abstractmethod
    def cancel_call(self, request: CancelRequest) -> ApiCall:
        """Return the call that cancels an order.

        :param request: the cancellation.
        """

    @abstractmethod
    def search_call(self, order_ids: Collection[OrderId]) -> ApiCall:
        """Return the call that reads several orders.

        :param order_ids: at most :attr:`most_per_search` of them.
        """

    @abstractmethod
    def orders_in(
        self, answer: Response, asked: Collection[OrderId], *, secrets: Iterable[str] = ()
    ) -> dict[OrderId, Order]:
        """Return the orders that an answer to a search holds, or raise what it means instead.

        :param answer: a complete answer.
        :param asked: the orders that were asked for.
        :param secrets: strings to keep out of error messages.
        :return: each order that can be believed, by its id; those that are missing may exist.
        :raises OmsSearchError: when the tenant has no such search.
        :raises OmsHttpError: one of its kinds, for what may pass by itself.
        """

    @abstractmethod
    def parse(
        self, document: object, *, http_status: int, correlation_id: str | None
    ) -> Order | None:
        """Read an order from the JSON document of an answer.

        :param document: the decoded JSON of a 2xx answer.
        :param http_status: its status code.
        :param correlation_id: its ``x-vol-correlation``.
        :return: the order, or ``None`` when the document is no order.
        """

    def order_in(
        self, answer: Response, order_id: OrderId, *, secrets: Iterable[str] = ()
    ) -> Order:
        """Return the order an answer holds, or raise what the answer means instead.

        :param answer: a complete answer to a read or a cancel.
        :param order_id: the order that was asked for; an answer about another one proves nothing.
        :param secrets: strings to keep out of error messages.
        :return: the order.
        :raises OmsHttpError: one of its kinds, for every other answer.
        """
        if not answer.is_success:
            raise error_of(answer, secrets=secrets, hint=self.wrong_server_hint)
        order = None
        if answer.complete:
            order = self.parse(
                answer.json(),
                http_status=answer.status,
                correlation_id=correlation_id_of(answer, secrets),
            )
        if order is None or order.order_id != order_id:
            raise no_such_order_in(
                answer,
                order_id,
                is_another=order is not None,
                secrets=secrets,
                hint=self.wrong_server_hint,
            )
        return replace(order, age=answer.age) if answer.age else order
