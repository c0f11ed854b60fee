"""One HTTP exchange: pooled, bounded in time and size, and exact about whether it was sent.

What an answer means is read in ``answers.py``; nothing here is ever repeated.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from json import loads
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from airflow_provider_oms.api.addresses import is_loopback
from airflow_provider_oms.api.certificates import environments_ca_bundle
from airflow_provider_oms.api.errors import OmsNoAnswerError, OmsNotSentError

__all__ = ["NOT_SENT_ANY_MORE", "Answer", "Transport"]

NOT_SENT_ANY_MORE = "When the cancel was ready, it could not be sent any more"

# An order is a few kilobytes; a body without end must not fill the memory of a worker.
_LARGEST_BODY = 4 * 1024 * 1024
_CHUNK = 64 * 1024
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)
_LATIN = frozenset({"iso-8859-1", "iso-8859-15", "latin1", "windows-1252"})
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


@dataclass(slots=True)
class _Departure:
    """Record whether any byte of the current request was handed to a socket, and whether it may.

    :param may_send: asked before the first byte.
    :param has_body: whether a body follows the head.
    :param head: the head, held back so that it leaves together with the body.
    """

    may_send: Callable[[], bool] | None = None
    has_body: bool = False
    head: bytes = b""
    sent: bool = False


_departure: ContextVar[_Departure | None] = ContextVar("oms_departure", default=None)


class _MarksDeparture(HTTPConnection):
    # The exception of a failed exchange cannot tell "never sent" from "sent, no answer": a TLS
    # or a reset error can come from either side of the send. So the socket's owner says it.
    _connecting = False

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        departure = _departure.get()
        # A proxy's CONNECT is sent while connecting, and is not yet our request.
        if departure is not None and not self._connecting and not departure.sent:
            if departure.has_body and not departure.head:
                # Between two sends a process can be held up for long, and when it went on, it would
                # complete a request that was let go before.
                departure.head = data
                return
            # To connect can take long, through a proxy or to many addresses in turn.
            if departure.may_send is not None and not departure.may_send():
                raise OmsNotSentError(NOT_SENT_ANY_MORE)
            departure.sent = True
            data = departure.head + data
        super().send(data)


class _HttpConnection(_MarksDeparture):
    pass


class _HttpsConnection(_MarksDeparture, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - as in requests
        # With a target, requests reads the whole body of a redirect, whatever its size and for as
        # long as it takes, before it hands it over; also when redirects are not followed.
        return None


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        if proxy.lower().startswith("socks"):
            # The pools below would not fit, and its own do not say whether a request has left.
            raise requests.exceptions.InvalidProxyURL
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold a complete answer.

    :param status: HTTP status code.
    :param headers: its headers, looked up in any letter case.
    :param body: its decoded body; it may hold a shopper's data.
    :param complete: ``False`` when the body broke off, took too long or had no end.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True

    @property
    def is_success(self) -> bool:
        """Tell whether the status is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> object:
        """Return the body's JSON document, or ``None`` when it holds none."""
        try:
            return loads(self.body) if self.body else None
        except UnicodeDecodeError:
            return self._latin_json()
        except (ValueError, RecursionError):
            return None

    def _latin_json(self) -> object:
        # JSON is in UTF-8, also where a header says otherwise; but an older system may mean it.
        named = _CHARSET.search(self.headers.get("Content-Type", ""))
        if named is None or named[1].lower() not in _LATIN:
            return None
        try:
            return loads(self.body.decode("latin-1"))
        except (ValueError, RecursionError):
            return None

    def __repr__(self) -> str:
        """Show the status and never the body."""
        return f"Answer(status={self.status}, {len(self.body)} bytes)"


class Transport:
    """Send requests over one pooled session with verified TLS and without redirects.

    :param connect_timeout: seconds to connect, TLS included.
    :param read_timeout: seconds to wait for the answer to begin, and again for its body.
    :param ca_bundle: path of the CA certificates to trust instead of the system's.
    :param user_agent: value of the ``User-Agent`` header.
    :param pool_size: connections kept open, the most that threads can use without waiting.
    """

    def __init__(
        self,
        *,
        connect_timeout: float,
        read_timeout: float,
        ca_bundle: str | None,
        user_agent: str,
        pool_size: int,
    ) -> None:
        self._timeouts = (connect_timeout, read_timeout)
        of_environment = environments_ca_bundle()
        self._verify: str | bool = ca_bundle or (of_environment and of_environment[1]) or True
        self._proxies: dict[str, dict[str, str]] = {}
        self._session = _Session()
        # requests would read the environment anew for each of thousands of requests, put a ~/.netrc
        # entry in the place of the token, and send what is for this machine to a proxy, in clear.
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
        adapter = _Adapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        token: str | None,
        json: Mapping[str, Any] | None = None,
        may_send: Callable[[], bool] | None = None,
    ) -> Answer:
        """Send one request and read its answer to the end.

        :param method: HTTP method.
        :param url: full address.
        :param headers: headers beyond the session's own.
        :param token: bearer token, or ``None`` for none.
        :param json: body, sent as JSON.
        :param may_send: asked when the connection is there; if it says no, nothing is sent.
        :return: the answer, whatever its status.
        :raises OmsNotSentError: when no byte of the request left.
        :raises OmsNoAnswerError: when it left and no answer began.
        """
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        departure = _Departure(may_send, has_body=json is not None)
        reset = _departure.set(departure)
        try:
            response = self._session.request(
                method,
                url,
                headers={**headers, **authorization},
                json=json,
                timeout=self._timeouts,
                proxies=self._proxies_for(url),
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )
            with response:
                body, complete = self._read(response)
        # Any error at all, so that no fault of a library hides that the request has left.
        except Exception as error:
            reason = describe_failure(error)
            if departure.sent:
                raise OmsNoAnswerError(f"{method} was sent and no answer came ({reason})") from None
            if not isinstance(error, _FAILURES):
                raise
            host = urlsplit(url).netloc
            lacks_scheme = reason == _NO_TLS and is_loopback(url)
            hint = "; for a local OMS, begin the connection's host with http://"
            raise OmsNotSentError(
                f"{method} to {host} was not sent ({reason}{hint if lacks_scheme else ''})",
                host=host,
                reason=reason,
                unresolved=reason == _UNRESOLVED,
                refused_certificate=reason == _REFUSED_CERTIFICATE,
                lacks_scheme=lacks_scheme,
            ) from None
        finally:
            _departure.reset(reset)
        return Answer(response.status_code, response.headers, body, complete)

    def _proxies_for(self, url: str) -> dict[str, str]:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        proxies = self._proxies.get(origin)
        if proxies is None:
            # A proxy would read an unencrypted request, and cannot resolve a container's name.
            is_local = parts.scheme == "http" or is_loopback(origin)
            proxies = {} if is_local else get_environ_proxies(origin)
            self._proxies[origin] = proxies
        return proxies

    def _read(self, response: requests.Response) -> tuple[bytes, bool]:
        # The socket's own timeout starts anew with every byte, so a body that trickles needs a
        # bound of its own.
        give_up_at = time.monotonic() + self._timeouts[1]
        body = bytearray()
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > _LARGEST_BODY or time.monotonic() > give_up_at:
                    return bytes(body), False
        except _FAILURES:
            return bytes(body), False
        return bytes(body), True

    def close(self) -> None:
        """Close every pooled connection."""
        self._session.close()


def describe_failure(error: BaseException) -> str:
    """Name the root cause of a failed exchange in a few words, without addresses' queries.

    :param error: what requests or urllib3 raised.
    :return: the kind of the innermost error and its short text.
    """
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        inner = getattr(current, "reason", None) or (current.args[0] if current.args else None)
        current = inner if isinstance(inner, BaseException) else current.__cause__
    reason = _NAMES.get(type(seen[-1]).__name__) or _by_kind(seen)
    if any(isinstance(error, urllib3.exceptions.ProxyError) for error in seen):
        is_named = reason in _NAMES.values()
        return f"the proxy: {reason}" if is_named else "the proxy does not let it through"
    if any(sign in str(seen[-1]).lower() for sign in _SIGNS_OF_NO_TLS):
        return _NO_TLS
    return reason


_UNRESOLVED = "the host name does not resolve"
_REFUSED_CERTIFICATE = "the TLS certificate was refused; set ca_bundle for a company CA"
_NO_TLS = "what answers there speaks no TLS"
# What OpenSSL makes of an answer in plain HTTP, up to 3.1 and later.
_SIGNS_OF_NO_TLS = ("wrong version number", "record layer failure")
_NAMES = {
    "NameResolutionError": _UNRESOLVED,
    "gaierror": _UNRESOLVED,
    "ConnectTimeoutError": "connecting timed out",
    "ReadTimeoutError": "reading timed out",
    "ConnectionRefusedError": "connection refused",
    "ConnectionResetError": "the connection was reset",
    "RemoteDisconnected": "the connection was closed",
    "BrokenPipeError": "the connection was closed",
    "SSLCertVerificationError": _REFUSED_CERTIFICATE,
    "SSLZeroReturnError": "the TLS connection was closed",
    "InvalidProxyURL": "the environment's proxy is a SOCKS proxy, or its address is not valid",
}


def _by_kind(chain: list[BaseException]) -> str:
    for error in reversed(chain):
        if name := _NAMES.get(type(error).__name__):
            return name
    return type(chain[-1]).__name__
