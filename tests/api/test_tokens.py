"""How a token is had, refused and replaced, and what becomes of the call that needs it."""

from __future__ import annotations

from typing import Any

import pytest
from raw_server import RawServer, answer, hang_up
from wire import EXAMPLE, JSON, ORDER, client_of, document

from airflow_provider_oms.api.errors import (
    OmsForbiddenError,
    OmsHttpError,
    OmsNotSentError,
    OmsUnauthorizedError,
)


def test_a_token_that_cannot_be_had_means_the_cancel_was_never_sent() -> None:
    for failure in (hang_up, answer("503 Service Unavailable"), document({"no": "token"})):
        with RawServer([failure]) as server:
            client = client_of(server.url, credentials=("id", "s3cret"))
            with pytest.raises(OmsNotSentError, match="No access token"):
                client.post_cancel(EXAMPLE)
            assert all(b"authtickets" in request for request in server.requests)


def test_a_cancel_that_may_no_longer_be_sent_once_the_token_is_there_is_not_sent() -> None:
    token = document({"access_token": "tok-1", "expires_in": 3600})
    with RawServer([token, document(ORDER)]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        seen: list[int] = []

        def may_send() -> bool:
            seen.append(len(server.requests))
            return len(seen) > 1

        with pytest.raises(OmsNotSentError, match=r"Order 1010101: .*not be sent any"):
            client.post_cancel(EXAMPLE, may_send=may_send)
        assert (seen, len(server.requests)) == ([1], 1)
        assert client.post_cancel(EXAMPLE, may_send=may_send).is_canceled


def test_wrong_credentials_are_forbidden_and_nothing_is_canceled() -> None:
    body = {"errorCode": "INVALID_CREDENTIALS", "message": "Invalid Credentials"}
    with RawServer([document(body, "401 Unauthorized")]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        with pytest.raises(OmsForbiddenError, match="client secret") as error:
            client.post_cancel(EXAMPLE)
        assert error.value.oms_code == "INVALID_CREDENTIALS"
        assert len(server.requests) == 1


@pytest.mark.parametrize("lifetime", ["1" + "0" * 400, "1e999", "-5", "NaN", '"3600"', "true"])
def test_a_lifetime_that_makes_no_sense_does_not_matter(lifetime: str) -> None:
    token = b'{"access_token": "tok-1", "expires_in": %s}' % lifetime.encode()
    with RawServer([answer("200 OK", token, (JSON,)), document(ORDER)]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        assert client.post_cancel(EXAMPLE).is_canceled


def test_a_refused_token_is_dropped_and_the_next_call_gets_a_new_one() -> None:
    script = [
        document({"access_token": "old", "expires_in": 3600}),
        document({"errorCode": "INVALID_ACCESS_TOKEN"}, "401 Unauthorized"),
        document({"access_token": "new", "expires_in": 3600}),
        document(ORDER),
    ]
    with RawServer(script) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        with pytest.raises(OmsUnauthorizedError):
            client.post_cancel(EXAMPLE)
        client.post_cancel(EXAMPLE)
    assert b"Bearer new" in server.requests[3]


def test_a_token_that_was_good_and_is_forbidden_now_is_replaced_once() -> None:
    old, new = (document({"access_token": t, "expires_in": 3600}) for t in ("old", "new"))
    forbidden = document({"code": 5004, "message": "Not authorized"}, "403 Forbidden")
    with RawServer([old, document(ORDER), forbidden, new, forbidden]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        client.get_order(1010101)
        with pytest.raises(OmsUnauthorizedError, match="no longer accepts"):
            client.post_cancel(EXAMPLE)
        with pytest.raises(OmsForbiddenError, match="permissions"):
            client.post_cancel(EXAMPLE)
        assert b"Bearer new" in server.requests[4]


def test_a_call_that_stays_forbidden_costs_one_new_token_and_no_more() -> None:
    tokens = [document({"access_token": f"t{n}", "expires_in": 3600}) for n in range(2)]
    forbidden = document({"code": 5004, "message": "Not authorized"}, "403 Forbidden")
    read = document(ORDER)
    script = [tokens[0], read, forbidden, tokens[1], read, forbidden, read, forbidden]
    with RawServer(script) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        kinds = []
        for _ in range(3):
            client.get_order(1010101)
            with pytest.raises(OmsHttpError) as error:
                client.post_cancel(EXAMPLE)
            kinds.append(type(error.value))
        assert kinds == [OmsUnauthorizedError, OmsForbiddenError, OmsForbiddenError]
        assert "permissions" in str(error.value)
        assert sum(b"authtickets" in request for request in server.requests) == 2


@pytest.mark.parametrize("value", ["", "with space", "line\nbreak", "ünïcode", 7, None])
def test_a_token_unfit_for_a_header_is_refused_without_quoting_it(value: Any) -> None:
    with RawServer([document({"access_token": value, "expires_in": 60})]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        with pytest.raises(OmsNotSentError) as error:
            client.post_cancel(EXAMPLE)
    assert "break" not in str(error.value)
