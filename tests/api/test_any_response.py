"""Whatever comes back, reading it ends in the order or in an error of the client's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.errors import OmsHttpError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.responses import clean_text, error_of, order_of, retry_after_of
from airflow_provider_oms.api.transport import Response

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


def reading(answer: Response) -> Order | OmsHttpError:
    try:
        return order_of(answer, 7, secrets=(SECRET,))
    except OmsHttpError as error:
        return error


@settings(max_examples=200, deadline=None)
@given(STATUSES, HEADERS, BODIES, st.booleans())
@example(500, {}, json.dumps({"message": "\n" + " " * 1000 + "at Order.java"}).encode(), True)
@example(400, {}, json.dumps({"errorCode": " " * 1001, "message": "\ud800"}).encode(), True)
def test_it_ends_in_the_order_or_in_a_typed_error(
    status: int, headers: dict[str, str], body: bytes, complete: bool
) -> None:
    answer = Response(status, CaseInsensitiveDict(headers), body, complete)
    read = reading(answer)
    if isinstance(read, Order):
        assert answer.is_success
        assert read.order_id == 7
        assert read.evidence in (Evidence.CANCELED, Evidence.OPEN)
        return
    assert not answer.is_success or read.evidence is Evidence.AMBIGUOUS
    assert_tells_no_secret(read, read.detail, read.oms_code, read.correlation_id)
    assert len(str(read)) < 1000
    assert read.retry_after is None or 0 <= read.retry_after <= 7 * 24 * 3600


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text_can_be_made_fit_to_be_quoted(text: str) -> None:
    quoted = clean_text(text, (SECRET,))
    assert len(quoted) <= 200
    assert quoted == " ".join(quoted.split())
    assert_tells_no_secret(quoted)


@pytest.mark.parametrize("blank", [" ", "\n", "\t", "\u00a0", "\u2028", "\x00"])
@pytest.mark.parametrize("number", [999, 1000, 1001, 7999, 8000, 8001, 9000])
def test_a_text_of_blanks_is_an_empty_one(blank: str, number: int) -> None:
    assert clean_text(blank * number) == ""
    body = json.dumps({"message": f"{blank * number}", "errorCode": f"{blank * number}x"}).encode()
    assert not error_of(Response(500, {}, body)).detail


def test_what_stands_behind_blanks_is_quoted() -> None:
    assert clean_text("\n" + " " * 1000 + "at Order.java") == "at Order.java"


@given(HEADERS)
def test_any_header_gives_a_wait_or_none(headers: dict[str, str]) -> None:
    wait = retry_after_of(headers)
    assert wait is None or 0 <= wait <= 7 * 24 * 3600
