"""The meaning of a response outside 2xx, as a table; over sockets in `test_client_wire`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from datetime import timezone as timezone_of
from email.utils import format_datetime, formatdate
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsForbiddenError,
    OmsHttpError,
    OmsRefusedError,
    OmsThrottledError,
)
from airflow_provider_oms.api.responses import clean_text, describe_body, error_of, retry_after_of
from airflow_provider_oms.api.transport import Response

CORRELATION = {"x-vol-correlation": "0123456789abcdef0123456789abcdef"}


def error(status: int, **body: Any) -> OmsHttpError:
    headers = CaseInsensitiveDict(CORRELATION)
    return error_of(Response(status, headers, json.dumps(body).encode()))


class TestRefusalsForTheOrdersState:
    @pytest.mark.parametrize("status", [400, 403, 422])
    @pytest.mark.parametrize(
        "message",
        [
            "Order cannot be canceled in its present state",
            "The order can not be cancelled",
            "Order 5 was canceled on Monday",
            "Order 5 was already cancelled",
            "The order has been shipped",
            "Order 5 is already fulfilled",
            "Order is not cancelable",
            "This order is no longer in a state that allows it",
            "Order with orderID 1010101 was already shipped",
        ],
    )
    def test_what_speaks_of_the_state_is_a_conflict(self, status: int, message: str) -> None:
        assert type(error(status, message=message)) is OmsConflictError

    @pytest.mark.parametrize(
        "message", ["Cannot cancel a shipped order", "Unable to cancel order 5"]
    )
    def test_what_cannot_be_done_is_a_conflict_unless_it_is_forbidden(self, message: str) -> None:
        assert type(error(400, message=message)) is OmsConflictError
        assert type(error(403, message="You cannot cancel orders")) is OmsForbiddenError

    @pytest.mark.parametrize("code", ["ORDER_ALREADY_CANCELED", "INVALID_ORDER_STATE"])
    def test_a_code_can_say_so(self, code: str) -> None:
        assert type(error(400, errorCode=code)) is OmsConflictError

    @pytest.mark.parametrize(
        "message",
        [
            "dispositionReason is not a valid value for cancel",
            "dispositionReason cannot be used to cancel",
            "dispositionOtherReason: is not allowed when the order is canceled",
            "disposition_reason is already canceled",
            "orderID is not valid in this state",
            "orderID must not be empty to cancel",
            "not a valid value for cancel",
            "The request was canceled",
            "The request is not valid (status code 400)",
            "The body holds unknown keys",
            "Order 5 belongs to another site",
        ],
    )
    def test_what_speaks_of_the_request_is_none(self, message: str) -> None:
        assert type(error(400, message=message)) is OmsRefusedError

    @pytest.mark.parametrize(
        "message",
        [
            "You are not allowed to cancel orders",
            "Not authorized to change the order's status",
            "The application has no permission: orders cannot be canceled",
            "The application is not in an active state",
            "Access to this order is denied in its present state",
        ],
    )
    def test_what_speaks_of_a_permission_is_forbidden(self, message: str) -> None:
        assert type(error(403, message=message)) is OmsForbiddenError

    def test_a_rate_limit_stays_one(self) -> None:
        message = "Over rate limit: the order was not canceled"
        assert type(error(403, message=message)) is OmsThrottledError


class TestWhatIsQuoted:
    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("got Bearer a.B-c_d~e+f/g= for 7", "got Bearer *** for 7"),
            ("got BASIC aWQ6czNjcmV0", "got BASIC ***"),
            ("got eyJhbGciOiJSUzI1.eyJzdWIi-_Q= for 7", "got *** for 7"),
            ("secret=Kk9; and more", "secret=***; and more"),
            ("client_secret: 'Kk9', and more", "client_secret: '***', and more"),
            ('ClientSecret = "Kk9" and more', 'ClientSecret = "***" and more'),
            ("token=Kk9&more=1", "token=***&more=1"),
            ("the PASSWORD:Kk9 is wrong", "the PASSWORD:*** is wrong"),
            ("mail w.leak+1@example.com; or call", "mail <email>; or call"),
            ("card 4111-1111-1111-1111 was", "card <number> was"),
        ],
    )
    def test_what_looks_like_a_secret_or_a_contact_is_not(self, text: str, quoted: str) -> None:
        assert clean_text(text) == quoted

    @pytest.mark.parametrize(
        "number", ["555-0100", "+1 555 0100", "(555) 010-9999", "020 7946 0958", "+49.30.1234567"]
    )
    def test_a_phone_number_is_not(self, number: str) -> None:
        assert clean_text(f"Call {number}, please") == "Call <number>, please"

    @pytest.mark.parametrize(
        "text", ["order 1010101", "code 5002", "2 of 10 items", "v2.0 of 12.50 EUR"]
    )
    def test_an_id_a_code_and_an_amount_are(self, text: str) -> None:
        assert clean_text(text) == text

    @pytest.mark.parametrize(
        "text",
        [
            json.dumps({"customer": {"firstName": "Wilhelmina", "city": "Leakville"}}),
            json.dumps(["Wilhelmina"]),
            "Cannot map order {orderID=5, name=Wilhelmina}",
        ],
    )
    def test_data_within_a_message_is_not(self, text: str) -> None:
        for body in ({"message": text}, {"items": [{"message": text}]}, {"errorCode": text}):
            found = error(400, **body)
            assert "Wilhelmina" not in f"{found} {found.detail} {found.oms_code}"
            assert "HTTP 400" in str(found)

    @pytest.mark.parametrize("text", ["x" * 4_000_000, "-" * 4_000_000, "1 " * 2_000_000])
    def test_a_message_without_end_is_read_in_no_time(self, text: str) -> None:
        # Of this thread's processor, which another process's work does not count into.
        began = time.thread_time()
        assert len(error(400, message=text).detail or "") <= 200
        assert time.thread_time() - began < 2

    @pytest.mark.parametrize("contact", ["w.leak@example.com", "+1 555 010 9999"])
    def test_no_half_of_a_contact_is_left_where_a_long_message_is_cut(self, contact: str) -> None:
        for length in range(960, 1001):
            # What stands before it becomes so short that the end of the cut text is quoted.
            quoted = clean_text(f"secret={'x' * (length - 8)} {contact} " + "and so on " * 9)
            assert "leak" not in quoted
            assert "555" not in quoted

    def test_what_is_not_quoted_still_counts(self) -> None:
        message = 'Order was already canceled: {"name": "Wilhelmina"}'
        assert type(error(400, message=message)) is OmsConflictError


@pytest.mark.parametrize(
    ("body", "complete", "words"),
    [
        (b"", True, "an empty body"),
        (b"", False, "an empty body"),
        (b'{"orderID": 1', False, "a body that broke off"),
        (b"<html>", False, "a body that broke off"),
        (b"<html></html>", True, "an HTML page"),
        (b" \n<!DOCTYPE html>", True, "an HTML page"),
        (b'{"orderID": 1}', True, "something that is no OMS order"),
        (b'["<html>"]', True, "something that is no OMS order"),
        (b"null", True, "something that is no JSON"),
        (b"1 < 2", True, "something that is no JSON"),
    ],
)
def test_what_came_in_place_of_an_order_is_described(
    body: bytes, complete: bool, words: str
) -> None:
    assert describe_body(Response(200, CaseInsensitiveDict(), body, complete)) == words


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York"])
def timezone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class TestRetryAfter:
    def test_a_date_in_any_form_is_one_of_utc(self, timezone: None) -> None:
        at = int(time.time()) + 60
        for date in (formatdate(at, usegmt=True), time.asctime(time.gmtime(at))):
            before = time.time()
            found = retry_after_of({"Retry-After": date})
            assert found is not None
            assert at - time.time() - 1 <= found <= at - before + 1, date

    @pytest.mark.parametrize("hours", [-5, 0, 2])
    def test_one_that_names_another_zone_is_one_of_that(self, hours: int) -> None:
        at = datetime(2031, 1, 1, 12, 0, 30, tzinfo=timezone_of(timedelta(hours=hours)))
        known = {"Date": formatdate(at.timestamp() - 30, usegmt=True)}
        assert retry_after_of({"Retry-After": format_datetime(at), **known}) == 30

    def test_a_date_counts_from_the_answers_own(self) -> None:
        an_hour_fast = time.time() + 3600
        headers = {
            "Retry-After": formatdate(an_hour_fast + 30, usegmt=True),
            "Date": formatdate(an_hour_fast, usegmt=True),
        }
        assert retry_after_of(headers) == 30

    @pytest.mark.parametrize("seconds", [-3600, -1, 0])
    def test_a_date_that_is_over_asks_for_no_wait(self, seconds: int) -> None:
        now = time.time()
        for known in ({"Date": formatdate(now, usegmt=True)}, {}):
            asked = formatdate(now + seconds, usegmt=True)
            assert retry_after_of({"Retry-After": asked, **known}) == 0

    def test_an_answers_date_that_makes_no_sense_counts_as_none(self) -> None:
        before = time.time()
        headers = {"Retry-After": formatdate(before + 60, usegmt=True), "Date": "today"}
        found = retry_after_of(headers)
        assert found is not None
        assert before + 60 - time.time() - 2 <= found <= 61
