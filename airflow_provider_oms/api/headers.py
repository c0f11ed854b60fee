"""Headers that a connection adds to its requests, for a gateway in front of the OMS.

Which requests get them is decided in ``routes.py``.
"""

from __future__ import annotations

import re

from airflow_provider_oms.api.connection_values import check_credential, read_object, show_name

__all__ = ["read_headers"]

_RULE = 'must be a JSON object of names and texts, such as {"X-Gateway-Key": "its value"}'
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}", re.ASCII)  # a token of RFC 9110
# Servers take 8 KiB for a header, some for all of them together, and the token is there too.
_LONGEST = 4096
# The client and the HTTP library set these, on every request or on some.
_OF_THE_CLIENT = frozenset(
    {
        "accept",
        "authorization",
        "cache-control",
        "connection",
        "cookie",
        "cookie2",
        "expect",
        "host",
        "keep-alive",
        "pragma",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
# With these, a server would take a request for another one: a read for a cancel, an order for
# another order, or a second cancel for a repetition of the first.
_OF_THE_MEANING = frozenset(
    {
        "idempotency-key",
        "range",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    }
)
_LAST_OF_LATIN_1 = "\xff"
_KINDS = ("accept-", "content-", "if-", "proxy-", "x-vol-")


def read_headers(value: object) -> tuple[tuple[str, str], ...]:
    """Return the headers that a connection gives.

    :param value: an object of names and values, or its JSON text.
    :return: pairs of a name and a value.
    :raises ValueError: naming the header that is wrong, and never its value.
    """
    if isinstance(value, str) and not value.strip("*"):
        check_credential(value)
    headers = read_object(value, _RULE)
    if not all(isinstance(name, str) for name in headers):
        raise ValueError(_RULE)
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("names a header twice; letter case makes no difference")
    for name, text in headers.items():
        _check(name, text)
    if sum(len(name) + len(text) for name, text in headers.items()) > _LONGEST:
        raise ValueError(f"must have at most {_LONGEST} characters, all names and values together")
    return tuple(headers.items())


def _check(name: str, value: object) -> None:
    shown = show_name(name)
    if not _NAME.fullmatch(name):
        raise ValueError(f"{shown} is not the name of a header")
    lower = name.lower()
    if lower in _OF_THE_CLIENT | _OF_THE_MEANING or lower.startswith(_KINDS):
        raise ValueError(
            f"{shown} is set by the client itself, or changes the meaning of a request; leave it "
            f"out"
        )
    if not isinstance(value, str) or not value:
        raise ValueError(f"the value of {shown} must be a text, and not empty")
    try:
        check_credential(value)
    except ValueError as error:
        raise ValueError(f"the value of {shown} {error}") from None
    if max(value) > _LAST_OF_LATIN_1:
        raise ValueError(f"the value of {shown} holds a character that is not in Latin-1")
