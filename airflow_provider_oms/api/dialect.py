"""The seam between the APIs that reach a tenant's orders: the duties of a dialect.

Everything above the client takes an order's id for an opaque value and an answer for the evidence
in it. How both are spelled is said by a dialect, one module for each, and by nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.responses import correlation_id_of, error_of, no_such_order_in
from airflow_provider_oms.api.transport import Response
from airflow_provider_oms.api.values import CancelRequest, OrderId, kind_of

if TYPE_CHECKING:
    from airflow_provider_oms.api.part_calls import PartDialect
    from airflow_provider_oms.api.review import ReviewCalls

__all__ = ["ApiCall", "Dialect", "Parse"]


@dataclass(frozen=True, slots=True)
class ApiCall:
    """Hold one call as it is sent.

    :param method: of HTTP.
    :param path: path and query.
    :param body: the JSON body; ``None`` for nothing.
    :param headers: headers of this call alone.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Return whether the call does more than read."""
        return self.method != "GET"


class Parse(Protocol):
    """Read an order from one JSON document."""

    def __call__(
        self, document: object, /, *, http_status: int, correlation_id: str | None
    ) -> Order | None:
        """Return the order, or ``None`` when the document is no order."""


class Dialect(ABC):
    """Define one of Kibo's APIs: names of orders, requests, and the evidence in responses."""

    #: What to do when something answers that does not speak this dialect.
    wrong_server_hint: str
    #: The most orders that one search returns; 0 where a search cannot ask for several.
    most_per_search: int
    #: Whether a cancel that was taken, and does not show, has failed once it had time to settle.
    settles_after_acceptance: bool = False

    @property
    @abstractmethod
    def unknown_order_id(self) -> OrderId:
        """Return a well-formed id that most likely no order has."""

    @abstractmethod
    def order_id(self, value: Any, order_key: Any = None) -> OrderId:
        """Return what names an order in its one form, or refuse it.

        :param value: the caller's value.
        :param order_key: which kind of name that is; ``None`` for the id.
        :raises OmsInputError: when it is no such name.
        """

    def is_found_by_search(self, order_id: OrderId) -> bool:  # noqa: ARG002 - as a dialect says
        """Return whether an order's id has to be looked up before a cancel can name it.

        :param order_id: the order.
        """
        return False

    def is_of_tenant(self, order_id: OrderId) -> bool:  # noqa: ARG002 - as a dialect says
        """Return whether an order's id may be one of this tenant.

        :param order_id: the order.
        """
        return True

    @abstractmethod
    def cancel_request(
        self, order_id: Any, reason: Any, explanation: Any = None, order_key: Any = None
    ) -> CancelRequest:
        """Check one cancellation completely before anything is sent.

        :param order_id: the order.
        :param reason: why.
        :param explanation: an additional text.
        :param order_key: what names the order; ``None`` for the id.
        :return: the request, ready to be sent.
        :raises OmsInputError: for the first value that breaks its rule.
        """

    @abstractmethod
    def read_call(self, order_id: OrderId) -> ApiCall:
        """Return the call that reads an order.

        :param order_id: the order.
        """

    @abstractmethod
    def cancel_call(self, request: CancelRequest, order_id: OrderId) -> ApiCall:
        """Return the call that cancels an order.

        :param request: the cancellation.
        :param order_id: the order's id.
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
        """Return the orders that an answer to a search holds, or raise the error that it means.

        :param answer: a complete answer.
        :param asked: the orders that were asked for.
        :param secrets: strings to keep out of error messages.
        :return: each order that can be believed, by its id; those that are missing may exist.
        :raises OmsSearchError: when the tenant has no such search.
        :raises OmsHttpError: one of its kinds, for a failure that may pass.
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
        """Return the order an answer holds, or raise the error that the answer means.

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

    def reason_code(self, reason: str) -> str:
        """Return how a reason is sent.

        :param reason: as a task gave it.
        """
        return reason

    def reasons_call(self) -> ApiCall | None:
        """Return the call that lists the tenant's reasons; ``None`` where there is none."""
        return None

    @abstractmethod
    def review_calls(self) -> ReviewCalls:
        """Return the calls about orders that are held for review.

        :raises OmsInputError: where an API holds none.
        """

    @abstractmethod
    def parts(self) -> PartDialect:
        """Return this API's dialect for parts of an order."""

    def note(self, value: Any) -> str | None:
        """Return a note that is to be left on an order, or refuse it.

        :param value: the note; ``None`` and empty for none.
        :raises OmsInputError: when no such note can be left.
        """
        if value is None or value == "":
            return None
        raise _no_notes(value)

    def note_call(self, order_id: OrderId, note: str) -> ApiCall:  # noqa: ARG002 - as a dialect says
        """Return the call that leaves a note on an order.

        :param order_id: the order's id.
        :param note: the note.
        :raises OmsInputError: where an API keeps no notes.
        """
        raise _no_notes(note)


def _no_notes(value: Any) -> OmsInputError:
    return OmsInputError("note", "left out: this API keeps no notes", kind_of(value))
