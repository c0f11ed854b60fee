"""What the client puts on a socket, and what it makes of what comes back."""

from __future__ import annotations

import gzip
import json
import platform
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from raw_server import RawServer, Script, answer, hang_up

from airflow_provider_oms import __version__
from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsForbiddenError,
    OmsForeignAnswerError,
    OmsHttpError,
    OmsNoAnswerError,
    OmsNotFoundError,
    OmsNotSentError,
    OmsRefusedError,
    OmsServerError,
    OmsThrottledError,
    OmsUnauthorizedError,
    OmsUnusableAnswerError,
)
from airflow_provider_oms.api.transport import describe_failure
from airflow_provider_oms.api.validation import CancelRequest
from airflow_provider_oms.emulator.testing import EmulatorProcess

EXAMPLE = CancelRequest(1010101, "other", "Customer changed mind")
ORDER = {"orderID": 1010101, "orderState": "CANCELED", "orderStatus": "CANCELED"}
JSON = "Content-Type: application/json"
CORRELATION = "x-vol-correlation: 0123456789abcdef0123456789abcdef"


def document(value: object, status: str = "200 OK", *headers: str) -> Script:
    return answer(status, json.dumps(value).encode(), (JSON, CORRELATION, *headers))


def client_of(url: str, **extra: Any) -> OmsClient:
    credentials = extra.pop("credentials", None) or (None, None)
    fields = {"tenant_id": "10001", "connect_timeout": 2, "read_timeout": 2, **extra}
    settings = TenantSettings.from_connection(
        name="test",
        host=url,
        login=credentials[0],
        password=credentials[1],
        extra=json.dumps(fields),
    )
    return OmsClient(settings, user_agent_suffix="apache-airflow/9.9")


def head_and_body(request: bytes) -> tuple[list[str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


class TestRequests:
    def test_the_contracts_example_leaves_byte_for_byte(self) -> None:
        with RawServer([document(ORDER)]) as server, client_of(server.url) as client:
            client.post_cancel(EXAMPLE)
        body = (
            b'{"orderID": 1010101, "dispositionReason": "other", '
            b'"dispositionOtherReason": "Customer changed mind"}'
        )
        agent = f"airflow-provider-oms/{__version__} apache-airflow/9.9"
        head, sent_body = head_and_body(server.requests[0])
        assert sent_body == body
        assert head[0] == "POST /api/v2/order/action/cancel HTTP/1.1"
        assert sorted(head[1:]) == sorted(
            [
                f"Host: 127.0.0.1:{server.port}",
                f"User-Agent: {agent} python/{platform.python_version()}",
                "Accept-Encoding: gzip, deflate",
                "Accept: application/json",
                "Connection: keep-alive",
                "x-vol-tenant: 10001",
                f"Content-Length: {len(body)}",
                "Content-Type: application/json",
            ]
        )

    def test_no_key_is_sent_that_was_not_given(self) -> None:
        with RawServer([document(ORDER)]) as server, client_of(server.url) as client:
            client.post_cancel(CancelRequest(1010101, "created_by_mistake"))
        _, body = head_and_body(server.requests[0])
        assert body == b'{"orderID": 1010101, "dispositionReason": "created_by_mistake"}'

    def test_a_read_is_a_get_without_trailing_slash_and_without_body(self) -> None:
        script = [document({**ORDER, "orderID": 9000000000})]
        with RawServer(script) as server, client_of(server.url + "/base/") as client:
            assert client.get_order("9000000000").is_canceled
        head, body = head_and_body(server.requests[0])
        assert head[0] == "GET /base/api/v2/order/9000000000 HTTP/1.1"
        assert body == b""
        assert "x-vol-tenant: 10001" in head

    def test_the_site_is_sent_when_configured(self) -> None:
        with RawServer([document(ORDER)]) as server, client_of(server.url, site_id=7) as client:
            client.post_cancel(EXAMPLE)
        assert "x-vol-site: 7" in head_and_body(server.requests[0])[0]

    def test_the_token_is_fetched_once_and_sent_as_bearer_with_every_call(self) -> None:
        token = {"access_token": "tok-1", "token_type": "Bearer", "expires_in": 3600}
        seen: list[str] = []
        with RawServer([document(token), document(ORDER)]) as server:
            client = client_of(server.url, credentials=("KIBO.1", "s3cret"))
            client._on_token = seen.append
            client.post_cancel(EXAMPLE)
            client.get_order(1010101)
        head, body = head_and_body(server.requests[0])
        assert head[0] == "POST /api/platform/applications/authtickets/oauth HTTP/1.1"
        assert json.loads(body) == {
            "client_id": "KIBO.1",
            "client_secret": "s3cret",
            "grant_type": "client_credentials",
        }
        for request in server.requests[1:]:
            assert "Authorization: Bearer tok-1" in head_and_body(request)[0]
        assert len(server.requests) == 3
        assert seen == ["tok-1"]

    def test_one_connection_serves_many_calls(self) -> None:
        with RawServer([document(ORDER)]) as server, client_of(server.url) as client:
            for _ in range(5):
                client.get_order(1010101)
        assert server.connections == 1

    def test_a_netrc_entry_does_not_replace_the_token(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password else\n")
        monkeypatch.setenv("NETRC", str(netrc))
        token = {"access_token": "tok-1", "expires_in": 3600}
        with RawServer([document(token), document(ORDER)]) as server:
            client_of(server.url, credentials=("id", "s3cret")).post_cancel(EXAMPLE)
            client_of(server.url).post_cancel(EXAMPLE)
        assert b"Authorization: Bearer tok-1" in server.requests[1]
        assert b"Authorization" not in server.requests[0]
        assert b"Authorization" not in server.requests[2]


PLATFORM_404 = {"errorCode": "ITEM_NOT_FOUND", "message": "Item not found: order 1010101"}
SHIPPED = {"code": 5003, "message": "The order cannot be canceled because it was shipped"}
OVER_LIMIT = ("X-Mashery-Error-Code: ERR_403_DEVELOPER_OVER_QPS",)


class TestAnswers:
    @pytest.mark.parametrize(
        ("script", "kind"),
        [
            (document({**ORDER, "orderID": 1}), OmsUnusableAnswerError),
            (document({**ORDER, "orderID": True}), OmsUnusableAnswerError),
            (document({"orderID": 1010101}), OmsUnusableAnswerError),
            (document([ORDER]), OmsUnusableAnswerError),
            (document({}), OmsUnusableAnswerError),
            (answer("200 OK", b""), OmsUnusableAnswerError),
            (answer("204 No Content", b"", length=False), OmsUnusableAnswerError),
            (answer("200 OK", b"<html>login</html>"), OmsUnusableAnswerError),
            (answer("200 OK", b"{'orderID': 1010101"), OmsUnusableAnswerError),
            (answer("200 OK", b"[" * 100_000), OmsUnusableAnswerError),
            (document(PLATFORM_404, "404 Not Found"), OmsNotFoundError),
            (document({"code": 5002}, "404 Not Found"), OmsNotFoundError),
            (answer("404 Not Found", b"", (CORRELATION,)), OmsNotFoundError),
            (answer("404 Not Found", b"<html></html>"), OmsForeignAnswerError),
            (answer("404 Not Found", b""), OmsForeignAnswerError),
            (document({"code": 5015, "message": "bad"}, "400 Bad Request"), OmsRefusedError),
            (document({"code": 5005}, "405 Method Not Allowed"), OmsRefusedError),
            (document(SHIPPED, "400 Bad Request"), OmsConflictError),
            (document({}, "409 Conflict"), OmsConflictError),
            (document({}, "401 Unauthorized"), OmsForbiddenError),
            (document({"code": 5004}, "403 Forbidden"), OmsForbiddenError),
            (answer("403 Forbidden", b"", OVER_LIMIT), OmsThrottledError),
            (answer("403 Forbidden", b"<h1>Developer Over Qps</h1>"), OmsThrottledError),
            (answer("403 Forbidden", b"<h1>Developer Inactive</h1>"), OmsForbiddenError),
            (document({"message": "Account Over Rate Limit"}, "403 No"), OmsThrottledError),
            (answer("429 Too Many Requests", b"", ("Retry-After: 60",)), OmsThrottledError),
            (answer("408 Request Timeout"), OmsServerError),
            (answer("425 Too Early"), OmsServerError),
            (answer("500 Internal Server Error"), OmsServerError),
            (answer("503 Service Unavailable", b"<html>"), OmsServerError),
            (answer("302 Found", b"", ("Location: https://example.com/",)), OmsRefusedError),
            (answer("301 Moved", b"<html>", ("Location: /x",)), OmsRefusedError),
            (answer("401 Unauthorized", b"<html></html>"), OmsForeignAnswerError),
            (answer("403 Forbidden", b"<html></html>"), OmsForeignAnswerError),
            (answer("403 Forbidden", b"<html></html>", (CORRELATION,)), OmsForbiddenError),
            (document({}, "307 Temporary Redirect", "Location: /x"), OmsRefusedError),
        ],
    )
    def test_each_answer_has_its_type(self, script: Script, kind: type[OmsError]) -> None:
        with (
            RawServer([script]) as server,
            client_of(server.url) as client,
            pytest.raises(OmsHttpError) as error,
        ):
            client.post_cancel(EXAMPLE)
        assert type(error.value) is kind
        assert len(server.requests) == 1

    def test_a_refusal_carries_what_support_needs(self) -> None:
        body = {
            "errorCode": "VALIDATION",
            "items": [{"message": "order of jane@example.com,\n call +1 555 010 9999"}],
        }
        with (
            RawServer([document(body, "400 Bad Request")]) as server,
            client_of(server.url) as client,
            pytest.raises(OmsRefusedError) as error,
        ):
            client.post_cancel(EXAMPLE)
        assert error.value.http_status == 400
        assert error.value.oms_code == "VALIDATION"
        assert error.value.correlation_id == "0123456789abcdef0123456789abcdef"
        assert error.value.detail == "order of <email>, call <number>"

    def test_an_error_that_echoes_the_credentials_is_cleaned(self) -> None:
        token = {"access_token": "tok-1234567", "expires_in": 3600}
        echo = {"message": "Authorization: Bearer tok-1234567, client_secret=s3cret-value"}
        with RawServer([document(token), document(echo, "400 Bad Request")]) as server:
            client = client_of(server.url, credentials=("id", "s3cret-value"))
            with pytest.raises(OmsRefusedError) as error:
                client.post_cancel(EXAMPLE)
        assert "tok-1234567" not in str(error.value)
        assert "s3cret-value" not in str(error.value)

    @pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "403 Forbidden"])
    def test_a_page_that_no_oms_sends_names_the_likely_cause(self, status: str) -> None:
        with (
            RawServer([answer(status, b"<html>shop</html>")]) as server,
            client_of(server.url) as client,
            pytest.raises(OmsHttpError, match=r"an HTML page.*probably not configured"),
        ):
            client.post_cancel(EXAMPLE)

    def test_a_page_that_kibos_gateway_sends_does_not_name_it(self) -> None:
        script = [answer("200 OK", b"<html>busy</html>", (CORRELATION,))]
        with (
            RawServer(script) as server,
            client_of(server.url) as client,
            pytest.raises(OmsUnusableAnswerError) as error,
        ):
            client.post_cancel(EXAMPLE)
        assert "probably" not in str(error.value)

    def test_a_redirect_says_so(self) -> None:
        script = [answer("302 Found", b"<html></html>", ("Location: https://example.com/",))]
        with (
            RawServer(script) as server,
            client_of(server.url) as client,
            pytest.raises(OmsRefusedError, match=r"redirects elsewhere.*correct the connection"),
        ):
            client.post_cancel(EXAMPLE)

    def test_a_page_instead_of_a_refused_token_costs_one_new_token(self) -> None:
        tokens = [document({"access_token": f"t{n}", "expires_in": 3600}) for n in range(2)]
        page = answer("401 Unauthorized", b"<html></html>")
        with RawServer([tokens[0], document(ORDER), page, tokens[1], page]) as server:
            client = client_of(server.url, credentials=("id", "s3cret"))
            client.get_order(1010101)
            with pytest.raises(OmsUnauthorizedError):
                client.get_order(1010101)
            with pytest.raises(OmsForeignAnswerError):
                client.get_order(1010101)

    def test_an_answer_without_the_order_names_the_likely_cause(self) -> None:
        with (
            RawServer([answer("404 Not Found", b"<html></html>")]) as server,
            client_of(server.url) as client,
            pytest.raises(
                OmsForeignAnswerError, match=r"No OMS answered, but an HTML page.*probably not"
            ),
        ):
            client.get_order(1)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("60", (60, 60)), ("0", (0, 0)), ("Wed, 21 Oct 2015 07:28:00 GMT", (0, 0))],
    )
    def test_retry_after_is_read_as_seconds_or_date(
        self, value: str, seconds: tuple[float, float]
    ) -> None:
        script = [answer("429 Too Many Requests", b"", (f"Retry-After: {value}",))]
        with (
            RawServer(script) as server,
            client_of(server.url) as client,
            pytest.raises(OmsThrottledError) as error,
        ):
            client.get_order(1)
        assert error.value.retry_after is not None
        assert seconds[0] <= error.value.retry_after <= seconds[1]

    @pytest.mark.parametrize("value", ["soon", "-5", "1e3", "", "٣"])
    def test_a_retry_after_that_makes_no_sense_counts_as_none(self, value: str) -> None:
        header = f"Retry-After: {value}".encode()

        def play(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b"HTTP/1.1 429 No\r\n" + header + b"\r\nContent-Length: 0\r\n\r\n")

        with (
            RawServer([play]) as server,
            client_of(server.url) as client,
            pytest.raises(OmsThrottledError) as error,
        ):
            client.get_order(1)
        assert error.value.retry_after is None

    def test_a_gzipped_answer_is_read(self) -> None:
        body = gzip.compress(json.dumps(ORDER).encode())
        script = [answer("200 OK", body, (JSON, "Content-Encoding: gzip"))]
        with RawServer(script) as server, client_of(server.url) as client:
            assert client.post_cancel(EXAMPLE).is_canceled

    def test_a_chunked_answer_is_read(self) -> None:
        text = json.dumps(ORDER).encode()
        chunks = (
            b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (text[:10], text[10:])) + b"0\r\n\r\n"
        )
        script = [answer("200 OK", chunks, (JSON, "Transfer-Encoding: chunked"), length=False)]
        with RawServer(script) as server, client_of(server.url) as client:
            assert client.post_cancel(EXAMPLE).is_canceled

    def test_the_shoppers_data_is_not_in_the_orders_repr(self) -> None:
        with (
            RawServer([document({**ORDER, "customer": {"email": "jane@example.com"}})]) as server,
            client_of(server.url) as client,
        ):
            order = client.get_order(1010101)
        assert "jane" not in repr(order)
        assert order.raw["customer"] == {"email": "jane@example.com"}


def say_half(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"orderID": 1010101,')
    connection.shutdown(socket.SHUT_RDWR)


def say_nothing(connection: socket.socket, _: bytes) -> None:
    connection.recv(1)


def drip(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    for _tick in range(100):
        connection.sendall(b" ")
        time.sleep(0.05)


class TestSentOrNot:
    def test_a_refused_connection_was_never_sent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with pytest.raises(
            OmsNotSentError, match=r"127\.0\.0\.1:\d+ was not sent \(connection ref"
        ):
            client_of(f"http://127.0.0.1:{port}").post_cancel(EXAMPLE)

    def test_a_name_that_does_not_resolve_was_never_sent(self) -> None:
        with pytest.raises(OmsNotSentError, match="does not resolve") as error:
            client_of("https://oms.invalid").post_cancel(EXAMPLE)
        assert error.value.unresolved
        assert "probably" not in str(error.value)

    @pytest.mark.parametrize("script", [hang_up, say_nothing])
    def test_a_request_that_left_without_answer_is_not_called_unsent(self, script: Script) -> None:
        with RawServer([script]) as server, client_of(server.url, read_timeout=0.3) as client:
            with pytest.raises(OmsNoAnswerError, match="Whether it was acted on is not known"):
                client.post_cancel(EXAMPLE)
            assert len(server.requests) == 1

    @pytest.mark.parametrize("script", [say_half, drip])
    def test_an_answer_that_does_not_end_proves_nothing(self, script: Script) -> None:
        with RawServer([script]) as server, client_of(server.url, read_timeout=0.3) as client:
            began = time.monotonic()
            with pytest.raises(OmsUnusableAnswerError, match="broke off"):
                client.post_cancel(EXAMPLE)
            assert time.monotonic() - began < 3
            assert len(server.requests) == 1

    def test_a_fault_of_the_http_library_after_the_request_left_is_not_called_unsent(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As urllib3 before 2.2 has no read1.
        monkeypatch.delattr("urllib3.HTTPResponse.read1")
        monkeypatch.delattr("urllib3.response.BaseHTTPResponse.read1")
        with RawServer([document(ORDER)]) as server, client_of(server.url) as client:
            with pytest.raises(OmsNoAnswerError, match=r"AttributeError.*is not known"):
                client.post_cancel(EXAMPLE)
            assert len(server.requests) == 1

    def test_a_kept_connection_that_went_stale_is_not_tried_again(self) -> None:
        with RawServer([document(ORDER), hang_up]) as server, client_of(server.url) as client:
            client.get_order(1010101)
            with pytest.raises(OmsNoAnswerError):
                client.post_cancel(EXAMPLE)
            assert len(server.requests) == 2

    def test_a_token_that_cannot_be_had_means_the_cancel_was_never_sent(self) -> None:
        for failure in (hang_up, answer("503 Service Unavailable"), document({"no": "token"})):
            with RawServer([failure]) as server:
                client = client_of(server.url, credentials=("id", "s3cret"))
                with pytest.raises(OmsNotSentError, match="No access token"):
                    client.post_cancel(EXAMPLE)
                assert all(b"authtickets" in request for request in server.requests)

    def test_a_cancel_that_may_no_longer_be_sent_once_the_token_is_there_is_not_sent(self) -> None:
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

    def test_wrong_credentials_are_forbidden_and_nothing_is_canceled(self) -> None:
        body = {"errorCode": "INVALID_CREDENTIALS", "message": "Invalid Credentials"}
        with RawServer([document(body, "401 Unauthorized")]) as server:
            client = client_of(server.url, credentials=("id", "s3cret"))
            with pytest.raises(OmsForbiddenError, match="client secret") as error:
                client.post_cancel(EXAMPLE)
            assert error.value.oms_code == "INVALID_CREDENTIALS"
            assert len(server.requests) == 1

    @pytest.mark.parametrize("lifetime", ["1" + "0" * 400, "1e999", "-5", "NaN", '"3600"', "true"])
    def test_a_lifetime_that_makes_no_sense_does_not_matter(self, lifetime: str) -> None:
        token = b'{"access_token": "tok-1", "expires_in": %s}' % lifetime.encode()
        with RawServer([answer("200 OK", token, (JSON,)), document(ORDER)]) as server:
            client = client_of(server.url, credentials=("id", "s3cret"))
            assert client.post_cancel(EXAMPLE).is_canceled

    def test_a_refused_token_is_dropped_and_the_next_call_gets_a_new_one(self) -> None:
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

    def test_a_token_that_was_good_and_is_forbidden_now_is_replaced_once(self) -> None:
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

    def test_a_call_that_stays_forbidden_costs_one_new_token_and_no_more(self) -> None:
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

    def test_an_error_names_the_order(self) -> None:
        script = [document({"code": 5002}, "404 Not Found")]
        with RawServer(script) as server, pytest.raises(OmsNotFoundError) as error:
            client_of(server.url).get_order(77)
        assert str(error.value).startswith("Order 77: The OMS knows no such order (HTTP 404")
        assert error.value.order_id == 77

    @pytest.mark.parametrize("value", ["", "with space", "line\nbreak", "ünïcode", 7, None])
    def test_a_token_unfit_for_a_header_is_refused_without_quoting_it(self, value: Any) -> None:
        with RawServer([document({"access_token": value, "expires_in": 60})]) as server:
            client = client_of(server.url, credentials=("id", "s3cret"))
            with pytest.raises(OmsNotSentError) as error:
                client.post_cancel(EXAMPLE)
        assert "break" not in str(error.value)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    def context(name: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(made)
        return made

    return context


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """Give a proxy for all addresses, and an environment that exempts none of them."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with RawServer([answer("502 Bad Gateway")]) as server:
        for name in PROXIES[:3]:
            monkeypatch.setenv(name, server.url)
        yield server


class TestProxies:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_a_proxy_never_sees_what_goes_to_this_machine(
        self, proxy: RawServer, host: str
    ) -> None:
        token = document({"access_token": "tok-1", "expires_in": 3600})
        with RawServer([token, document(ORDER)]) as server:
            client = client_of(f"http://{host}:{server.port}", credentials=("id", "s3cret"))
            assert client.post_cancel(EXAMPLE).is_canceled
        assert proxy.requests == []

    def test_a_proxy_is_used_for_every_other_address(self, proxy: RawServer) -> None:
        with client_of("https://oms.invalid") as client:
            for _ in range(2):
                with pytest.raises(OmsNotSentError):
                    client.post_cancel(EXAMPLE)
        # Which version of HTTP comes next depends on that of Python.
        asked = [request.partition(b" HTTP/1.")[0] for request in proxy.requests]
        assert asked == [b"CONNECT oms.invalid:443"] * 2

    def test_a_proxy_that_lets_nothing_through_is_named_as_the_cause(
        self, proxy: RawServer
    ) -> None:
        with pytest.raises(OmsNotSentError, match=r"\(the proxy does not let it through\)"):
            client_of("https://oms.invalid").post_cancel(EXAMPLE)

    def test_a_proxy_that_is_not_there_is_named_as_the_cause(
        self, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        with pytest.raises(OmsNotSentError, match=r"\(the proxy: connection refused\)"):
            client_of("https://oms.invalid").post_cancel(EXAMPLE)

    def test_no_proxy_is_used_for_what_the_environment_exempts(
        self, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("no_proxy", "elsewhere.invalid,oms.invalid")
        with pytest.raises(OmsNotSentError, match="does not resolve"):
            client_of("https://oms.invalid").post_cancel(EXAMPLE)
        assert proxy.requests == []


class TestTls:
    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_the_environments_authority_is_trusted_when_none_is_configured(
        self,
        authority: trustme.CA,
        tls: Callable[[str], ssl.SSLContext],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(variable, str(bundle))
        with (
            RawServer([document(ORDER)], tls=tls("127.0.0.1")) as server,
            client_of(server.url) as client,
        ):
            assert client.post_cancel(EXAMPLE).is_canceled

    def test_a_companys_own_authority_works_when_configured(
        self, authority: trustme.CA, tls: Callable[[str], ssl.SSLContext], tmp_path: Path
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        with (
            RawServer([document(ORDER)], tls=tls("127.0.0.1")) as server,
            client_of(server.url, ca_bundle=str(bundle)) as client,
        ):
            assert client.post_cancel(EXAMPLE).is_canceled

    def test_an_unknown_authority_is_refused_before_anything_is_sent(
        self, tls: Callable[[str], ssl.SSLContext]
    ) -> None:
        with RawServer([document(ORDER)], tls=tls("127.0.0.1")) as server:
            with pytest.raises(OmsNotSentError, match="certificate was refused; set ca_bundle"):
                client_of(server.url).post_cancel(EXAMPLE)
            assert server.requests == []

    def test_another_hosts_certificate_is_refused(
        self,
        authority: trustme.CA,
        tls: Callable[[str], ssl.SSLContext],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        bundle = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(bundle)
        # An environment that trusts something else must not loosen what the connection says.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        with RawServer([document(ORDER)], tls=tls("other.example.com")) as server:
            with pytest.raises(OmsNotSentError, match="certificate was refused"):
                client_of(server.url, ca_bundle=str(bundle)).post_cancel(EXAMPLE)
            assert server.requests == []

    def test_a_peer_on_this_machine_that_speaks_no_tls_is_one_to_call_with_http(self) -> None:
        with (
            EmulatorProcess() as emulator,
            pytest.raises(OmsNotSentError) as error,
        ):
            client_of(emulator.url.removeprefix("http://")).post_cancel(EXAMPLE)
        address = emulator.url.removeprefix("http://")
        assert str(error.value) == (
            f"Order 1010101: POST to {address} was not sent (what answers there speaks no TLS; "
            f"for a local OMS, begin the connection's host with http://). Try again when what kept "
            f"it from being sent is mended."
        )

    @pytest.mark.parametrize(
        "text",
        ["[SSL: WRONG_VERSION_NUMBER] wrong version number", "[SSL] record layer failure"],
        ids=["before OpenSSL 3.2", "since"],
    )
    def test_every_openssl_says_in_its_own_words_that_a_peer_speaks_no_tls(self, text: str) -> None:
        assert describe_failure(ssl.SSLError(1, text)) == "what answers there speaks no TLS"
        assert describe_failure(ssl.SSLError(1, "[SSL] internal error")) == "SSLError"
