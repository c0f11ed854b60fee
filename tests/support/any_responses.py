"""Bodies and headers of any kind, as a server that is broken or hostile may send them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

SECRET = "s3cr3t-of-a-client"
SHOPPER = "wilhelmina@leak.example"
WORDS = st.sampled_from(
    (
        *(" ", "\n", "\u2028", "\x00", "\ud800", "order", "canceled", "5002", "1e999", "{", "["),
        *(SECRET, SHOPPER, "+1 555 0100", "token=", "Bearer ", "-", "9" * 30, "é", "a" * 300),
    )
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(WORDS, max_size=12).map("".join),
    st.tuples(WORDS, st.integers(0, 2100)).map(lambda pair: pair[0] * pair[1]),
)
FIELDS = st.sampled_from(
    (
        *("orderID", "orderState", "orderStatus", "errorCode", "code", "message", "statusCode"),
        *("additionalInfo", "items", "exceptionDetail", "correlationId", "other"),
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.just(7),
        st.floats(),
        TEXTS,
        st.sampled_from(["CANCELED", "READY", "7"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(FIELDS, inner)),
    max_leaves=8,
)
DOCUMENTS = st.one_of(st.dictionaries(FIELDS, VALUES, max_size=6), VALUES)


def encoded(document: Any, encoding: str) -> bytes:
    return json.dumps(document).encode(encoding)


JSON_BODIES = st.builds(
    encoded, DOCUMENTS, st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"])
)
HOSTILE = [
    b"[" * 20_000,
    b'{"a":' * 20_000,
    b"9" * 10_000,
    b'{"orderID": 1e999}',
    b'{"orderID": NaN, "orderState": "READY"}',
    b'{"orderID": 7, "orderState": "CANC\xc9LED"}',
    b"\xff\xfe\x00",
    b"\x00" * 50,
    b"\xef\xbb\xbf",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Cut a body, overwrite parts of it, or put two together."""
    body = bytearray(draw(JSON_BODIES))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 5))] = draw(st.binary(max_size=5))
    return bytes(body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body)


BODIES = st.one_of(JSON_BODIES, mutated(), st.binary(max_size=60), st.sampled_from(HOSTILE))
# As they come out of the HTTP library: latin-1 without line breaks.
HEADER_VALUES = st.one_of(
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40),
    st.sampled_from(
        (
            *("60", "2.0", "-1", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT", "Mon, 99 Foo 99999"),
            *(SECRET, "Fri, 31 Dec 9999 23:59:59 -2359", "application/json; charset=latin1"),
        )
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["x-vol-correlation", "Retry-After", "Date", "Content-Type", "X-Mashery-Error-Code"]
    ),
    HEADER_VALUES,
)
STATUSES = st.one_of(st.sampled_from([200, 201, 204, 400, 403, 404, 422, 500]), st.integers(0, 999))


def assert_tells_no_secret(*told: object) -> None:
    text = " ".join(map(str, told))
    assert SECRET not in text
    assert "leak.example" not in text
    assert "\n" not in text
    text.encode()
