"""One connection's sockets: what leaves, when it leaves, and which bytes are its response.

Other modules interpret a response and decide whether to repeat a request.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
)
from urllib3.poolmanager import PoolManager
from urllib3.util.connection import allowed_gai_family
from urllib3.util.wait import wait_for_read

from airflow_provider_oms.api.errors import OmsNotSentError

__all__ = ["NOT_SENT_ANY_MORE", "Exchange", "UnsolicitedDataError", "current_exchange", "session"]

NOT_SENT_ANY_MORE = (
    "The cancel was not sent, because its deadline had passed or the task was stopping"
)

# A server may report progress (102) while it works; more than this is no progress.
_MOST_INTERIM_RESPONSES = 100
_TIMEOUT_TOLERANCE = 0.05
_HTTP_1_1 = 11  # as http.client writes it
_DIGITS = re.compile(r"\s*[0-9]+\s*", re.ASCII)


class UnsolicitedDataError(http.client.HTTPException):
    """Report bytes on a connection that no request has asked for."""


@dataclass(slots=True)
class Exchange:
    """Hold the data that one request and its response share in flight.

    :param ends_at: when the present phase must be over, in monotonic seconds: first connecting,
        and once the request is sent, everything else.
    :param read_timeout: seconds from sending the request to the end of its response.
    :param may_send: asked before the first byte.
    :param has_body: whether a body follows the head.
    :param head: the head, held back so that it leaves together with the body.
    :param sent: whether any byte of the request was handed to a socket.
    :param connection: the connection that it uses.
    """

    ends_at: float
    read_timeout: float
    may_send: Callable[[], bool] | None = None
    has_body: bool = False
    head: bytes = b""
    sent: bool = False
    connection: HTTPConnection | None = None

    def time_left(self) -> float:
        """Return the seconds until the present phase must be over.

        :raises TimeoutError: when none are left.
        """
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def is_silent(sock: Any) -> bool:
    """Return whether nothing at all has come, by one system call.

    :param sock: the socket.
    :return: ``False`` also where that cannot be told without reading.
    """
    if not isinstance(sock, socket.socket):
        return False  # TLS inside of TLS, to a proxy, hides decrypted bytes
    has_decrypted = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
    return not has_decrypted and not wait_for_read(sock, timeout=0)


def limit(sock: Any, timeout: float) -> None:
    """Set a socket's timeout, unless it is the same within 50 ms.

    :param sock: the socket.
    :param timeout: seconds.
    """
    # Each change of the timeout is a system call, during which another thread takes over.
    if abs((sock.gettimeout() or 0.0) - timeout) > _TIMEOUT_TOLERANCE:
        sock.settimeout(timeout)


current_exchange: ContextVar[Exchange | None] = ContextVar("oms_exchange", default=None)


class _BoundedReads(io.RawIOBase):
    """Read from a socket until the exchange must be over.

    A socket's own timeout starts again with every byte, so a peer that drips would never end.
    """

    def __init__(self, sock: Any, exchange: Exchange | None) -> None:
        self._sock = sock
        # Keeps the socket open while it is read, though the connection may be closed.
        self._hold = sock.makefile("rb", buffering=0)
        self._exchange = exchange
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._is_over:
            return 0
        if self._exchange is not None:
            limit(self._sock, self._exchange.time_left())
        count: int = self._sock.recv_into(buffer)
        return count

    def end(self) -> None:
        """Read nothing more from the socket."""
        self._is_over = True

    def close_connection(self) -> None:
        """Close the connection, so that no other request uses it."""
        if self._exchange is not None and self._exchange.connection is not None:
            self._exchange.connection.close()

    def close(self) -> None:
        self._hold.close()
        super().close()


class _ResponseBytes(io.BufferedReader):
    raw: _BoundedReads

    def close(self) -> None:
        # http.client closes this at the end of a response, before the connection is free for the
        # next request. Bytes that are left belong to no request.
        if not self.closed:
            self.raw.end()
            if self.peek(1):
                self.raw.close_connection()
        super().close()


@dataclass(frozen=True, slots=True)
class _Peer:
    """Stand in for the socket that a response is read from."""

    sock: Any

    def makefile(self, _: str) -> _ResponseBytes:
        return _ResponseBytes(_BoundedReads(self.sock, current_exchange.get()))


class _Response(http.client.HTTPResponse):
    """Read the final response to a request, and nothing that could belong to another one."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(cast(socket.socket, _Peer(sock)), *args, **kwargs)

    def _read_status(self) -> tuple[str, int, str]:
        # http.client skips 100 only, and takes any other interim response for the final one.
        for _ in range(_MOST_INTERIM_RESPONSES + 1):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
            if status >= HTTPStatus.OK:
                return version, status, reason
            if status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise UnsolicitedDataError
            http.client.parse_headers(self.fp)
        raise UnsolicitedDataError

    def begin(self, *args: Any, **kwargs: Any) -> None:
        super().begin(*args, **kwargs)
        # Where a response ends must be beyond dispute if another one is to follow it.
        self.will_close = self.will_close or not self._has_clear_end()

    def _has_clear_end(self) -> bool:
        lengths = self.headers.get_all("Content-Length", [])
        codings = self.headers.get_all("Transfer-Encoding", [])
        if codings:
            return (
                len(codings) == 1
                and bool(self.chunked)
                and not lengths
                and self.version == _HTTP_1_1
            )
        if not lengths:
            return self.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        return len(lengths) == 1 and _DIGITS.fullmatch(lengths[0]) is not None


class _Connection(HTTPConnection):
    # The exception of a failed exchange cannot tell "never sent" from "sent, no response": a TLS
    # or a reset error can come from either side of the send. So the socket's owner says it.
    response_class = _Response
    _connecting = False

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def _tunnel(self) -> None:
        # From here on, urllib3 counts the proxy as connected, and takes its faults for the host's.
        try:
            super()._tunnel()
        except (OSError, http.client.HTTPException) as error:
            cause = ConnectTimeoutError() if isinstance(error, TimeoutError) else error
            raise ProxyError("", cause) from cause

    def _new_conn(self) -> socket.socket:
        # urllib3 would give each address of a name the whole time, and the TLS handshake once more.
        exchange = current_exchange.get()
        if exchange is None:
            return super()._new_conn()
        name, granted = self._dns_host, self.timeout
        failure: Exception = ConnectTimeoutError()
        try:
            for address in self._addresses():
                self._dns_host, self.timeout = address, exchange.time_left()
                try:
                    made = super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
                else:
                    made.settimeout(exchange.time_left())
                    return made
        except TimeoutError:
            pass
        finally:
            self._dns_host, self.timeout = name, granted
        raise failure

    def _addresses(self) -> list[str]:
        family, kind = allowed_gai_family(), socket.SOCK_STREAM
        try:
            found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, family, kind)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError:
            return [self._dns_host]  # urllib3 refuses it
        return [str(address[0]) for *_, address in found]

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        exchange = current_exchange.get()
        # A proxy's CONNECT is sent while connecting, and is not yet our request.
        if exchange is not None and not self._connecting and not exchange.sent:
            if exchange.has_body and not exchange.head:
                # Between two sends a process can be held up for long, and when it went on, it would
                # complete a request that was let go before.
                exchange.head = data
                return
            # To connect can take long, through a proxy or to many addresses in turn.
            if exchange.may_send is not None and not exchange.may_send():
                raise OmsNotSentError(NOT_SENT_ANY_MORE)
            self._check_silence()
            exchange.connection = self
            exchange.sent = True
            exchange.ends_at = time.monotonic() + exchange.read_timeout
            limit(self.sock, exchange.read_timeout)
            data = exchange.head + data
        super().send(data)

    def _check_silence(self) -> None:
        """Refuse a connection on which something came before the request was sent."""
        if is_silent(self.sock):
            return
        self.sock.settimeout(0)
        cause: OSError | None = None
        try:
            # Through TLS too: its tickets make a socket readable, and are no data.
            data = self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError, TimeoutError):
            return
        except OSError as error:
            data, cause = b"", error
        if data:
            raise UnsolicitedDataError
        # Not the error itself: urllib3 goes on to read a response after some kinds of it.
        raise http.client.RemoteDisconnected("") from cause


class _HttpsConnection(_Connection, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class _NoCookies(RequestsCookieJar):
    # A load balancer's cookies would pile up, and pin every request to one of its servers.
    def extract_cookies(self, response: Any, request: Any) -> None:
        pass


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


def session(pool_size: int) -> requests.Session:
    """Return a session that keeps connections, and nothing else, from request to request.

    :param pool_size: connections kept open to each host.
    :return: the session.
    """
    made = _Session()
    # requests would read the environment again for each of thousands of requests, put a ~/.netrc
    # entry in place of the token, and send requests for this machine to a proxy, in clear.
    made.trust_env = False
    made.cookies = _NoCookies()
    adapter = _Adapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made
