"""How a token is fetched, refused and replaced, and the result of the call that needs it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from raw_server import RawServer, Script, answer, hang_up
from wire import CORRELATION, EXAMPLE, JSON, ORDER, client_of, document

from airflow_provider_oms.api.errors import (
    OmsCredentialsError,
    OmsForbiddenError,
    OmsHttpError,
    OmsNotSentError,
    OmsUnauthorizedError,
)
from airflow_provider_oms.api.evidence import Evidence


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

        with pytest.raises(
            OmsNotSentError, match=r"Order 1010101: .*was not sent, because its deadline had passed"
        ):
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


FORBIDDEN = document({"code": 5004, "message": "Not authorized"}, "403 Forbidden")


def token(value: str) -> Script:
    return document({"access_token": value, "expires_in": 3600})


def evidence_of(call: Callable[[], object]) -> Evidence:
    with pytest.raises(OmsHttpError) as error:
        call()
    return error.value.evidence


def test_what_is_forbidden_may_be_an_expired_token_where_tokens_were_accepted_before() -> None:
    with RawServer([token("old"), document(ORDER), FORBIDDEN, token("new"), FORBIDDEN]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        client.get_order(1010101)
        with pytest.raises(OmsForbiddenError, match="permissions") as error:
            client.post_cancel(EXAMPLE)
        assert error.value.evidence is Evidence.DENIED
        assert evidence_of(lambda: client.post_cancel(EXAMPLE)) is Evidence.DENIED
        assert b"Bearer new" in server.requests[4]


def test_where_none_was_accepted_it_is_forbidden_and_final() -> None:
    with RawServer([token("t"), FORBIDDEN]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        for _ in range(2):
            assert evidence_of(lambda: client.post_cancel(EXAMPLE)) is Evidence.FORBIDDEN
        assert sum(b"authtickets" in request for request in server.requests) == 1


def test_every_revocation_is_another_one_however_many_there_were() -> None:
    script: list[Script] = [token("t0"), document(ORDER)]
    for number in range(1, 5):
        script += [FORBIDDEN, token(f"t{number}"), document(ORDER)]
    with RawServer(script) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        client.post_cancel(EXAMPLE)
        for _ in range(4):
            assert evidence_of(lambda: client.post_cancel(EXAMPLE)) is Evidence.DENIED
            assert client.post_cancel(EXAMPLE).is_canceled


def test_a_call_that_stays_forbidden_costs_no_new_token_for_each_try() -> None:
    tries = [document(ORDER), FORBIDDEN] * 10
    with RawServer([token("t1"), *tries[:2], token("t2"), *tries[2:]]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        for _ in range(10):
            client.get_order(1010101)
            assert evidence_of(lambda: client.post_cancel(EXAMPLE)) is Evidence.DENIED
        assert sum(b"authtickets" in request for request in server.requests) == 2


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"{}", b'{"message": "was canceled"}'])
@pytest.mark.parametrize("headers", [(), (CORRELATION,)])
def test_a_401_in_any_shape_is_a_refused_token(body: bytes, headers: tuple[str, ...]) -> None:
    with RawServer([token("t"), answer("401 Unauthorized", body, headers)]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        assert evidence_of(lambda: client.post_cancel(EXAMPLE)) is Evidence.UNAUTHENTICATED


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "400 Bad Request"])
def test_what_the_token_endpoint_refuses_is_final(status: str) -> None:
    with RawServer(
        [token("t"), document(ORDER), document({}, "401 No"), document({}, status)]
    ) as s:
        client = client_of(s.url, credentials=("id", "s3cret"))
        client.get_order(1010101)
        assert evidence_of(lambda: client.post_cancel(EXAMPLE)) is Evidence.UNAUTHENTICATED
        with pytest.raises(OmsCredentialsError) as error:
            client.post_cancel(EXAMPLE)
        assert (error.value.evidence, error.value.was_sent) == (Evidence.FORBIDDEN, False)


def test_a_misdirected_call_is_followed_by_one_on_a_new_connection() -> None:
    with RawServer([document({}, "421 Misdirected Request"), document(ORDER)]) as server:
        client = client_of(server.url)
        assert evidence_of(lambda: client.post_cancel(EXAMPLE)) is Evidence.MISDIRECTED
        assert client.post_cancel(EXAMPLE).is_canceled
        assert server.connections == 2


@pytest.mark.parametrize("value", ["", "with space", "line\nbreak", "ünïcode", 7, None])
def test_a_token_unfit_for_a_header_is_refused_without_quoting_it(value: Any) -> None:
    with RawServer([document({"access_token": value, "expires_in": 60})]) as server:
        client = client_of(server.url, credentials=("id", "s3cret"))
        with pytest.raises(OmsNotSentError) as error:
            client.post_cancel(EXAMPLE)
    assert "break" not in str(error.value)


class TestWhatIsKnownWhereThereIsNoToken:
    def failure(self, auth_url: str) -> OmsNotSentError:
        client = client_of("http://127.0.0.1:9", credentials=("id", "s3cret"), auth_url=auth_url)
        with pytest.raises(OmsNotSentError, match="No access token could be had") as error:
            client.post_cancel(EXAMPLE)
        return error.value

    def test_the_wait_that_the_token_endpoint_asked_for(self) -> None:
        limit = document({}, "429 Too Many Requests", "Retry-After: 7")
        with RawServer([limit]) as server:
            error = self.failure(server.url)
        assert (error.retry_after, error.host) == (7, None)
        assert error.reason.startswith("HTTP 429")

    def test_that_its_response_did_not_come(self) -> None:
        with RawServer([hang_up]) as server:
            error = self.failure(server.url)
        assert (error.retry_after, error.host) == (None, None)
        assert "was sent and no answer came" in error.reason

    def test_why_it_could_not_be_reached(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            host = f"127.0.0.1:{free.getsockname()[1]}"
        error = self.failure(f"http://{host}")
        assert (error.host, error.reason) == (host, "connection refused")
        assert not (error.unresolved)
        assert not (error.refused_certificate)
        assert not (error.lacks_scheme)

    def test_that_its_name_does_not_resolve(self) -> None:
        error = self.failure("https://oms.invalid")
        assert (error.host, error.unresolved) == ("oms.invalid", True)

    def test_that_it_speaks_no_tls(self) -> None:
        with RawServer([answer()], greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
            error = self.failure(server.url.replace("http://", "https://"))
        assert (error.lacks_scheme, error.refused_certificate) == (True, False)

    def test_that_its_certificate_was_refused(self) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
        with RawServer([answer()], tls=tls) as server:
            error = self.failure(server.url)
        assert (error.refused_certificate, error.lacks_scheme) == (True, False)
