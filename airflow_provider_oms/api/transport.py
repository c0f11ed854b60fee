"""One HTTP exchange: pooled, bounded in time and size, and exact about whether it was sent.

``responses.py`` interprets a response; nothing here is ever repeated.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from json import loads
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from airflow_provider_oms.api.addresses import is_loopback
from airflow_provider_oms.api.certificates import environments_ca_bundle
from airflow_provider_oms.api.errors import OmsNoResponseError, OmsNotSentError
from airflow_provider_oms.api.routes import Route
from airflow_provider_oms.api.wire import (
    Exchange,
    current_exchange,
    session,
)

__all__ = [
    "CHANGED_CERTIFICATE",
    "UNKNOWN_AUTHORITY",
    "Response",
    "Transport",
    "describe_failure",
]

# An order is a few kilobytes; a body without end must not fill the memory of a worker.
_LARGEST_BODY = 4 * 1024 * 1024
_CHUNK = 64 * 1024
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)
_LATIN = frozenset({"iso-8859-1", "iso-8859-15", "latin1", "windows-1252"})
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?", re.ASCII)
_OLDEST = 2.0**31  # the value of a cache that cannot count further (RFC 9111)
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
# What the libraries raise for values that they cannot send, too.
_NOT_SENT = (*_FAILURES, ValueError)


@dataclass(frozen=True, slots=True)
class Response:
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
    def age(self) -> float:
        """Return for how many seconds a cache has kept the answer; 0 if none says that it has."""
        first = self.headers.get("Age", "").partition(",")[0].strip()
        return min(float(first), _OLDEST) if _SECONDS.fullmatch(first) else 0.0

    @property
    def is_success(self) -> bool:
        """Return whether the status is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> object:
        """Return the body's JSON document, or ``None`` when it holds none."""
        try:
            return loads(self.body)
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
        return f"Response(status={self.status}, {len(self.body)} bytes)"


class Transport:
    """Send requests over one pooled session with verified TLS and without redirects.

    :param connect_timeout: seconds to connect, TLS included.
    :param read_timeout: seconds from sending the request to the end of its response.
    :param ca_bundle: path of the CA certificates to trust instead of the system's.
    :param user_agent: value of the ``User-Agent`` header.
    :param pool_size: connections kept open, the most that threads can use without waiting.
    :param route_to: returns how requests travel to an address.
    """

    def __init__(
        self,
        *,
        connect_timeout: float,
        read_timeout: float,
        ca_bundle: str | None,
        user_agent: str,
        pool_size: int,
        route_to: Callable[[str], Route],
    ) -> None:
        self._timeouts = (connect_timeout, read_timeout)
        of_environment = environments_ca_bundle()
        self._verify: str | bool = ca_bundle or (of_environment and of_environment[1]) or True
        self._route_to = route_to
        self._session = session(pool_size)
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "application/json",
            # Without it, the header depends on Python and on which packages are installed.
            "Accept-Encoding": "gzip, deflate",
            "Connection": "keep-alive",
        }

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        token: str | None,
        json: Mapping[str, Any] | None = None,
        may_send: Callable[[], bool] | None = None,
    ) -> Response:
        """Send one request and read its answer to the end.

        :param method: HTTP method.
        :param url: full address.
        :param headers: headers beyond the session's own.
        :param token: bearer token, or ``None`` for none.
        :param json: body, sent as JSON.
        :param may_send: asked when the connection is there; if it returns false, nothing is sent.
        :return: the answer, whatever its status.
        :raises OmsNotSentError: when no byte of the request left.
        :raises OmsNoResponseError: when it left and no answer began.
        """
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        route = self._route_to(url)
        all_headers = {**route.headers, **self._headers, **headers, **authorization}
        connect_timeout, read_timeout = self._timeouts
        exchange = Exchange(
            time.monotonic() + connect_timeout, read_timeout, may_send, has_body=json is not None
        )
        reset = current_exchange.set(exchange)
        try:
            # Prepared here, for Session.request() would merge the settings of the session, which
            # are none, into those of each request: a tenth of the processor time of an order.
            response = self._session.send(
                requests.Request(method, url, headers=all_headers, json=json).prepare(),
                timeout=self._timeouts,
                proxies=dict(route.proxies),
                verify=self._verify_on(route),
                cert=route.certificate,
                allow_redirects=False,
                stream=True,
            )
            with response:
                body, complete = self._read(response)
        # Any error at all, so that no fault of a library hides that the request has left.
        except Exception as error:
            reason = describe_failure(error)
            if exchange.sent:
                lost = OmsNoResponseError(f"{method} was sent and no answer came ({reason})")
                # In TLS 1.3, a server looks at the certificate when the request is on its way.
                lost.is_about_client_certificate = reason in _ABOUT_CLIENT_CERTIFICATE
                raise lost from None
            if not isinstance(error, _NOT_SENT):
                raise
            host = urlsplit(url).netloc
            lacks_scheme = reason == _NO_TLS and is_loopback(url)
            hint = "; for a local OMS, begin the connection's host with http://"
            unsent = OmsNotSentError(
                f"{method} to {host} was not sent ({reason}{hint if lacks_scheme else ''})",
                host=host,
                reason=reason,
                unresolved=reason == _UNRESOLVED,
                is_unknown=reason == _UNRESOLVED and _is_unknown_name(error),
                refused_certificate=reason in _REFUSED_CERTIFICATES,
                lacks_scheme=lacks_scheme,
                is_of_proxy=_OF_PROXY.match(reason) is not None,
            )
            unsent.is_about_client_certificate = reason in _ABOUT_CLIENT_CERTIFICATE
            raise unsent from None
        finally:
            current_exchange.reset(reset)
        return Response(response.status_code, response.headers, body, complete)

    def _verify_on(self, route: Route) -> str | bool:
        if route.certificate is None or self._verify is not True:
            return self._verify
        # The path, for requests up to 2.32.2 shares one TLS context with the whole process, and
        # with it the client certificate.
        return DEFAULT_CA_BUNDLE_PATH

    def _read(self, response: requests.Response) -> tuple[bytes, bool]:
        body = bytearray()
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > _LARGEST_BODY:
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
    seen = _chain_of(error)
    words = str(seen[-1]).lower()
    signs = (reason for sign, reason in _SIGNS if sign.search(words))
    of_certificate = _WRONG_CERTIFICATES.get(getattr(seen[-1], "verify_code", None))
    named = of_certificate or _NAMES.get(type(seen[-1]).__name__) or next(signs, None)
    reason = named or _by_kind(seen)
    if refused := _REFUSED_TUNNEL.search(words):
        if int(refused[1]) == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return "the proxy wants another user or password: HTTP 407"
        return f"the proxy does not let it through: HTTP {refused[1]}"
    if any(isinstance(error, urllib3.exceptions.ProxyError) for error in seen):
        is_named = named or reason in _NAMES.values()
        return f"the proxy: {reason}" if is_named else "the proxy does not let it through"
    return reason


def _chain_of(error: BaseException) -> list[BaseException]:
    """Return an error and those that led to it, the innermost last."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        inner = (getattr(current, "reason", None), *current.args, current.__cause__)
        current = next((each for each in inner if isinstance(each, BaseException)), None)
    return seen


# Not every system has both.
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def _is_unknown_name(error: BaseException) -> bool:
    inner = _chain_of(error)[-1]
    return isinstance(inner, socket.gaierror) and inner.errno in _NO_SUCH_NAME


_UNRESOLVED = "the host name does not resolve"
UNKNOWN_AUTHORITY = "the TLS certificate was refused; set ca_bundle for a company CA"
# By the numbers of OpenSSL's X509_V_ERR_….
_WRONG_CERTIFICATES: dict[int | None, str] = {
    9: "the TLS certificate was refused: it is not valid yet by this machine's clock",
    10: "the TLS certificate was refused: it has expired by this machine's clock",
    62: "the TLS certificate was refused: it is for another host name",
    64: "the TLS certificate was refused: it is for another address",
}
_REFUSED_CERTIFICATES = (UNKNOWN_AUTHORITY, *_WRONG_CERTIFICATES.values())
_NO_TLS = "what answers there speaks no TLS"
_REFUSED_CLIENT_CERTIFICATE = "the server wants a client certificate that it trusts"
_ENDED_HANDSHAKE = "the server ended the TLS handshake; it may want a client certificate"
_ABOUT_CLIENT_CERTIFICATE = (_REFUSED_CLIENT_CERTIFICATE, _ENDED_HANDSHAKE)
CHANGED_CERTIFICATE = "client_cert or client_key has changed, and the two cannot be loaded"
_SIGNS = (
    # What OpenSSL makes of an answer in plain HTTP, up to 3.1 and later.
    (re.compile("wrong version number|record layer failure"), _NO_TLS),
    (
        re.compile(
            "alert (?:access denied|bad certificate|unknown ca|unsupported certificate"
            "|certificate (?:expired|required|revoked|unknown))"
        ),
        _REFUSED_CLIENT_CERTIFICATE,
    ),
    # In TLS 1.2, a server has no other word for a certificate that is missing.
    (re.compile("alert handshake failure"), _ENDED_HANDSHAKE),
    # OpenSSL's words, and those of requests.
    (re.compile("key values mismatch|could not find the tls"), CHANGED_CERTIFICATE),
)
# What http.client makes of a proxy's answer to CONNECT.
_REFUSED_TUNNEL = re.compile(r"tunnel connection failed: ([0-9]{3})\b")
_OF_PROXY = re.compile(r"the (?:environment's )?proxy\b")
_NAMES = {
    "NameResolutionError": _UNRESOLVED,
    "gaierror": _UNRESOLVED,
    "ConnectTimeoutError": "connecting timed out",
    "ReadTimeoutError": "reading timed out",
    "ConnectionRefusedError": "connection refused",
    "ConnectionResetError": "the connection was reset",
    "RemoteDisconnected": "the connection was closed",
    "UnsolicitedDataError": "it sent something that no request has asked for",
    "BrokenPipeError": "the connection was closed",
    "SSLCertVerificationError": UNKNOWN_AUTHORITY,
    "SSLZeroReturnError": "the TLS connection was closed",
    "InvalidProxyURL": "the environment's proxy is a SOCKS proxy, or its address is not valid",
}


def _by_kind(chain: list[BaseException]) -> str:
    for error in reversed(chain):
        if name := _NAMES.get(type(error).__name__):
            return name
    kind, words = type(chain[-1]).__name__, getattr(chain[-1], "reason", None)
    # OpenSSL's name of what went wrong in a handshake, which holds no value of either side.
    return f"{kind}: {words}" if isinstance(chain[-1], ssl.SSLError) and words else kind
