"""Whatever comes back, reading it ends in the order or in an error of the client's own."""

from __future__ import annotations

import json

import pytest
from any_responses import BODIES, HEADERS, SECRET, STATUSES, TEXTS, assert_tells_no_secret
from hypothesis import example, given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.errors import OmsHttpError
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.responses import clean_text, error_of, retry_after_of
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.transport import Response


def reading(answer: Response) -> Order | OmsHttpError:
    try:
        return Translated().order_in(answer, 7, secrets=(SECRET,))
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
