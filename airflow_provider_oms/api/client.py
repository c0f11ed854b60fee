"""The calls of an OMS that this project uses, each sent exactly once.

The tenant's dialect spells them and interprets their responses.

``cancellation/`` repeats calls and judges the effect of a failed one.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Self, TypeVar

from airflow_provider_oms import __version__
from airflow_provider_oms.api import responses, unreachable
from airflow_provider_oms.api.auth import Token, TokenCache
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.dialect import ApiCall
from airflow_provider_oms.api.dialects import dialect_of
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsForbiddenError,
    OmsHttpError,
    OmsInputError,
    OmsMisdirectedError,
    OmsNotSentError,
    OmsUnauthorizedError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.look_ups import TENANT_PATH, cancel_without_id, host_in, reasons_in
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.order_ids import OrderIds, OrderNames
from airflow_provider_oms.api.patience import TOKEN_REFUSED
from airflow_provider_oms.api.routes import Routes
from airflow_provider_oms.api.tenant_host import TenantHost
from airflow_provider_oms.api.token_answers import read_token, without_a_token
from airflow_provider_oms.api.transport import Response, Transport
from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.api.wire import NOT_SENT_ANY_MORE

__all__ = ["TOKEN_PATH", "OmsClient", "Reader"]

TOKEN_PATH = "/api/platform/applications/authtickets/oauth"  # noqa: S105 - a path, no secret
_FRESH = {"Cache-Control": "no-cache"}
# A separate kind of call: a permission for reads may not cover searches.
_SEARCH = "SEARCH"

_Read = TypeVar("_Read")
#: Reads an answer, given the secrets to keep out of its errors.
Reader = Callable[[Response, tuple[str, ...]], _Read]


class OmsClient:
    """Talk to one tenant's OMS; safe to share between threads, and to fork with.

    :param settings: the tenant.
    :param pool_size: connections kept open, the most that threads can use without waiting.
    :param user_agent_suffix: product tokens appended to the ``User-Agent``.
    :param on_token: called with every new access token before it is used, so that it can be
        masked in logs.
    """

    def __init__(
        self,
        settings: TenantSettings,
        *,
        pool_size: int = 4,
        user_agent_suffix: str = "",
        on_token: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings
        #: How the tenant's API names orders, and the requests that it takes.
        self.dialect = dialect_of(settings)
        self._on_token = on_token
        self._known_secrets = settings.secrets
        agent = (
            f"airflow-provider-oms/{__version__} {user_agent_suffix} "
            f"python/{platform.python_version()}"
        )
        self._user_agent = " ".join(agent.split())
        self._pool_size = pool_size
        self._left_to_the_parent: list[Transport] = []
        self._begin()
        self._headers = {"x-vol-tenant": settings.tenant_id}
        if settings.site_id:
            self._headers["x-vol-site"] = settings.site_id

    def _begin(self) -> None:
        self._transport = Transport(
            connect_timeout=self.settings.connect_timeout,
            read_timeout=self.settings.read_timeout,
            ca_bundle=self.settings.ca_bundle,
            user_agent=self._user_agent,
            pool_size=self._pool_size,
            route_to=Routes(self.settings).to,
        )
        self._tokens = TokenCache(self._fetch_token)
        # Looked-up values that never change: ids of orders, and the tenant's address.
        self._ids = OrderIds(self._look_up, self.find_orders, self.dialect.most_per_search)
        #: Under which name each order is canceled.
        self.names = OrderNames()
        self._host = TenantHost(self.settings, self._token_for_call, self._ask_for_host)
        self._reasons: Mapping[str, bool] | None = None
        # Last: a thread that finds its own process here finds the rest, too.
        self._process = os.getpid()

    def _begin_again_after_fork(self) -> None:
        """Leave the parent's sockets and locks to the parent.

        On a shared socket, a process reads the responses to another one's requests; and a lock that
        a thread of the parent held during the fork is never released in the child.
        """
        if self._process != os.getpid():
            # Kept, because to collect a pool takes its lock.
            self._left_to_the_parent.append(self._transport)
            self._begin()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close every pooled connection; the client can still be used and opens new ones."""
        self._begin_again_after_fork()
        self._transport.close()

    def get_order(self, order_id: OrderId) -> Order:
        """Read one order.

        :param order_id: the order, as the tenant's dialect names it.
        :return: the order as the OMS has it now.
        :raises OmsInputError: when the id is not valid; nothing was sent.
        :raises OmsError: one of its kinds, for anything but the order that was asked for.
        """
        checked = self.dialect.order_id(order_id)
        # By its id also where it was looked up: a search may lag behind.
        found = self.id_of(checked)
        call = self.dialect.read_call(found)
        return self.call(call, self._order(found), order_id=checked, found=found)

    def find_orders(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Order]:
        """Read orders by one search.

        A search may lag behind :meth:`get_order`, and may leave orders out.

        :param order_ids: at least one order, and as many as the dialect's ``most_per_search``.
        :return: the orders that the OMS shows, by id; an order that is missing may exist.
        :raises OmsInputError: when the ids are not valid; nothing was sent.
        :raises OmsSearchError: when the tenant has no such search.
        :raises OmsError: one of its kinds, for anything else but orders that were asked for.
        """
        dialect = self.dialect
        asked = tuple(dict.fromkeys(dialect.order_id(each) for each in order_ids))
        if not 0 < len(asked) <= dialect.most_per_search:
            rule = f"1 to {dialect.most_per_search} orders"
            raise OmsInputError("order_ids", rule, f"{len(asked)} of them")
        return self.call(
            dialect.search_call(asked),
            lambda answer, secrets: dialect.orders_in(answer, asked, secrets=secrets),
            kind=_SEARCH,
        )

    def post_cancel(
        self, request: CancelRequest, *, may_send: Callable[[], bool] | None = None
    ) -> Order:
        """Send one cancel, unprotected.

        This is the raw call: an error can mean that the order was canceled nevertheless. Use
        :meth:`airflow_provider_oms.hooks.oms.OmsHook.cancel_order` to find out.

        :param request: the validated cancellation.
        :param may_send: asked when the token is there, and again when the connection is, directly
            before the cancel leaves; both can take a while. If it returns false, the cancel is not
            sent.
        :return: the order as the OMS answered it; look at ``is_canceled``.
        :raises OmsNotSentError: when nothing left this machine.
        :raises OmsError: one of its kinds, for anything but the order that was asked for.
        """
        checked = self.dialect.order_id(request.order_id)
        try:
            order_id = self.id_of(checked)
        except OmsError as error:
            raise cancel_without_id(error).about(checked) from None
        self.names.claim(order_id, checked)
        return self.call(
            self.dialect.cancel_call(request, order_id),
            self._order(order_id),
            order_id=checked,
            found=order_id,
            may_send=may_send,
        )

    def id_of(self, order_id: OrderId) -> OrderId:
        """Return the id by which a call names an order; it is looked up once.

        :param order_id: the order, as the tenant's dialect has checked it.
        :raises OmsError: one of its kinds, when it cannot be looked up.
        """
        is_id = not self.dialect.is_found_by_search(order_id)
        return order_id if is_id else self._ids.get(order_id)

    def _look_up(self, order_id: OrderId) -> Order:
        call = self.dialect.read_call(order_id)
        return self.call(call, self._order(order_id), kind=_SEARCH, order_id=order_id)

    def look_ups_per_cancel(self, order_ids: Iterable[OrderId]) -> float:
        """Return how many requests come before a cancel to look up its order's id, at most.

        :param order_ids: the orders that are to be canceled.
        """
        dialect = self.dialect
        if not any(dialect.is_found_by_search(order_id) for order_id in order_ids):
            return 0.0
        return 1 / max(1, dialect.most_per_search)

    def expect(self, order_ids: Iterable[OrderId]) -> None:
        """Note which orders will be canceled, so that one search can look up the ids of several.

        :param order_ids: the orders, in their sequence.
        """
        self._begin_again_after_fork()
        self._ids.expect(one for one in order_ids if self.dialect.is_found_by_search(one))

    def list_reasons(self) -> Mapping[str, bool] | None:
        """Read which reasons the tenant lists for a cancellation.

        :return: whether each code needs an explanation; ``None`` where an API has no such list.
        :raises OmsError: one of its kinds, when there is no answer that can be read.
        """
        call = self.dialect.reasons_call()
        if call is not None and self._reasons is None:
            hint = self.dialect.wrong_server_hint
            self._reasons = self.call(
                call, lambda answer, secrets: reasons_in(answer, hint, secrets)
            )
        return self._reasons

    def post_note(self, order_id: OrderId, note: str) -> None:
        """Leave a note on an order.

        :param order_id: the order.
        :param note: the note, as the dialect has checked it.
        :raises OmsError: one of its kinds, when it is not known to be there.
        """
        checked = self.dialect.order_id(order_id)
        call = self.dialect.note_call(self.id_of(checked), note)
        hint = self.dialect.wrong_server_hint

        def read(answer: Response, secrets: tuple[str, ...]) -> None:
            if not answer.is_success:
                raise responses.error_of(answer, secrets=secrets, hint=hint)

        self.call(call, read, order_id=checked)

    @property
    def api_url(self) -> str:
        """Return the base address of the tenant's API.

        :raises OmsNotSentError: when it has to be looked up, and cannot be.
        """
        return self._host.url

    def _ask_for_host(self, token: str | None) -> str:
        settings = self.settings
        path = TENANT_PATH.format(tenant_id=settings.tenant_id)
        address = settings.token_base_url + path
        answer = self._transport.exchange("GET", address, headers=_FRESH, token=token)
        return self._read(
            answer, lambda one, secrets: host_in(one, settings, secrets), token, "HOST"
        )

    def _order(self, order_id: OrderId) -> Reader[Order]:
        return lambda answer, secrets: self.dialect.order_in(answer, order_id, secrets=secrets)

    def call(
        self,
        call: ApiCall,
        read: Reader[_Read],
        *,
        kind: str | None = None,
        order_id: OrderId | None = None,
        found: OrderId | None = None,
        may_send: Callable[[], bool] | None = None,
    ) -> _Read:
        """Send one call, unprotected, and return the content of its response.

        :param call: the call.
        :param read: reads the answer, given the secrets to keep out of its errors.
        :param kind: which permission it needs; a token may be refused to one kind alone.
        :param order_id: the order it is about, for errors.
        :param found: the order's id, where ``order_id`` is another name of it.
        :param may_send: as for :meth:`post_cancel`.
        :raises OmsError: one of its kinds.
        """
        self._begin_again_after_fork()
        try:
            token = self._token_for_call()
            if may_send is not None and not may_send():
                raise OmsNotSentError(NOT_SENT_ANY_MORE)
            answer = self._exchange(call, token, may_send)
            try:
                value = self._read(answer, read, token, kind or call.method)
            except OmsHttpError as error:
                error.age = answer.age
                raise
        except OmsError as error:
            raise (error if order_id is None else error.about(order_id, found)) from None
        if token is not None:
            self._tokens.accept(token, kind or call.method)
        return value

    def _exchange(
        self, call: ApiCall, token: str | None, may_send: Callable[[], bool] | None
    ) -> Response:
        # Outside the ``try``: a failed look-up has other reasons.
        address = self.api_url + call.path
        headers = self._headers | dict(call.headers)
        try:
            return self._transport.exchange(
                call.method,
                address,
                headers=headers if call.changes else headers | _FRESH,
                token=token,
                json=call.body,
                may_send=may_send,
            )
        except OmsNotSentError as error:
            hint = self.dialect.wrong_server_hint
            raise unreachable.of_tenant(error, self.settings, hint) from None

    def _read(self, answer: Response, read: Reader[_Read], token: str | None, kind: str) -> _Read:
        try:
            return read(answer, self._secrets(token))
        except OmsMisdirectedError:
            # This connection leads to the wrong server, and its neighbors may as well.
            self._transport.close()
            raise
        except (OmsUnauthorizedError, OmsForbiddenError) as error:
            if token is None:
                raise without_a_token(error) from None
            evidence = self._evidence_of_refusal(error)
            if evidence in TOKEN_REFUSED:
                error.evidence = evidence
                self._tokens.refuse(token, kind)
            raise

    def _evidence_of_refusal(self, error: OmsHttpError) -> Evidence:
        """Return whether another token may help, whichever host refused and in whatever words."""
        if error.http_status == HTTPStatus.UNAUTHORIZED:
            return Evidence.UNAUTHENTICATED
        # The classic OMS answers 403, too, to a token that has expired (its OAuth page); where no
        # token was ever accepted, none has.
        if error.http_status == HTTPStatus.FORBIDDEN and self._tokens.has_been_accepted:
            return Evidence.DENIED
        return error.evidence

    def _token_for_call(self) -> str | None:
        if not self.settings.has_credentials:
            return None
        try:
            return self._tokens.get()
        except OmsForbiddenError:
            raise
        except OmsError as error:
            # Whatever became of the token request, the call that needed it was never sent.
            cause = unreachable.of_tokens(error, self.settings)
            message = f"No access token could be had: {cause.message}"
            unsent = OmsNotSentError.because_of(cause, message)
            raise self._host.judged(unsent) from None

    def _fetch_token(self) -> Token:
        settings = self.settings
        secret = settings.client_secret.get_secret_value() if settings.client_secret else ""
        answer = self._transport.exchange(
            "POST",
            settings.token_base_url + TOKEN_PATH,
            headers={},
            token=None,
            json={
                "client_id": settings.client_id,
                "client_secret": secret,
                "grant_type": "client_credentials",
            },
        )
        token = read_token(answer, secrets=self._secrets(None))
        if self._on_token is not None:
            self._on_token(token.value)
        return token

    def _secrets(self, token: str | None) -> tuple[str, ...]:
        return self._known_secrets if token is None else (token, *self._known_secrets)
