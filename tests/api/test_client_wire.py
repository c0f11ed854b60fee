"""The bytes that the client puts on a socket, and its reading of the response."""

from __future__ import annotations

import gzip
import json
import platform
import socket
from pathlib import Path

import pytest
from raw_server import RawServer, Script, answer
from wire import CORRELATION, EXAMPLE, JSON, ORDER, client_of, document, head_and_body

from airflow_provider_oms import __version__
from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsError,
    OmsForbiddenError,
    OmsHttpError,
    OmsNotFoundError,
    OmsRedirectedError,
    OmsRefusedError,
    OmsServerError,
    OmsThrottledError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.validation import CancelRequest


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
            (document({**ORDER, "orderID": 1}), OmsUnexpectedResponseError),
            (document({**ORDER, "orderID": True}), OmsUnexpectedResponseError),
            (document({"orderID": 1010101}), OmsUnexpectedResponseError),
            (document([ORDER]), OmsUnexpectedResponseError),
            (document({}), OmsUnexpectedResponseError),
            (answer("200 OK", b""), OmsUnexpectedResponseError),
            (answer("204 No Content", b"", length=False), OmsUnexpectedResponseError),
            (answer("200 OK", b"<html>login</html>"), OmsUnexpectedResponseError),
            (answer("200 OK", b"{'orderID': 1010101"), OmsUnexpectedResponseError),
            (answer("200 OK", b"[" * 100_000), OmsUnexpectedResponseError),
            (document(PLATFORM_404, "404 Not Found"), OmsNotFoundError),
            (document({"code": 5002}, "404 Not Found"), OmsNotFoundError),
            (answer("404 Not Found", b"", (CORRELATION,)), OmsNotFoundError),
            (answer("404 Not Found", b"<html></html>"), OmsWrongServerError),
            (answer("404 Not Found", b""), OmsWrongServerError),
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
            (answer("302 Found", b"", ("Location: https://example.com/",)), OmsRedirectedError),
            (answer("301 Moved", b"<html>", ("Location: /x",)), OmsRedirectedError),
            (answer("302 Found", b"", ("Location: http://[",)), OmsRedirectedError),
            (answer("401 Unauthorized", b"<html></html>"), OmsWrongServerError),
            (answer("403 Forbidden", b"<html></html>"), OmsWrongServerError),
            (answer("403 Forbidden", b"<html></html>", (CORRELATION,)), OmsForbiddenError),
            (document({}, "307 Temporary Redirect", "Location: /x"), OmsRedirectedError),
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
            RawServer([answer(status, b"\n  <html>shop</html>")]) as server,
            client_of(server.url) as client,
            pytest.raises(OmsHttpError, match=r"an HTML page.*probably not configured"),
        ):
            client.post_cancel(EXAMPLE)

    def test_a_page_that_kibos_gateway_sends_does_not_name_it(self) -> None:
        script = [answer("200 OK", b"<html>busy</html>", (CORRELATION,))]
        with (
            RawServer(script) as server,
            client_of(server.url) as client,
            pytest.raises(OmsUnexpectedResponseError) as error,
        ):
            client.post_cancel(EXAMPLE)
        assert "probably" not in str(error.value)

    @pytest.mark.parametrize("charset", ["ISO-8859-1", '"windows-1252"', "UTF-8", "hex", ""])
    def test_an_order_is_read_in_the_encoding_that_it_is_in(self, charset: str) -> None:
        is_latin = charset not in ("UTF-8", "hex", "")
        body = json.dumps({**ORDER, "city": "Münster"}, ensure_ascii=False)
        script = answer(
            "200 OK",
            body.encode("latin-1" if is_latin else "utf-8"),
            (f"Content-Type: application/json; charset={charset}",),
        )
        with RawServer([script]) as server, client_of(server.url) as client:
            assert client.get_order(1010101).raw["city"] == "Münster"

    def test_a_redirect_says_so(self) -> None:
        script = [answer("302 Found", b"<html></html>", ("Location: https://example.com/",))]
        with (
            RawServer(script) as server,
            client_of(server.url) as client,
            pytest.raises(OmsRedirectedError, match=r"redirects elsewhere.*correct the connection"),
        ):
            client.post_cancel(EXAMPLE)

    def test_a_page_instead_of_a_refused_token_is_named_and_costs_a_new_token(self) -> None:
        tokens = [document({"access_token": f"t{n}", "expires_in": 3600}) for n in range(2)]
        page = answer("401 Unauthorized", b"<html></html>")
        with RawServer([tokens[0], page, tokens[1], page]) as server:
            client = client_of(server.url, credentials=("id", "s3cret"))
            for _ in range(2):
                with pytest.raises(OmsWrongServerError, match="an HTML page") as error:
                    client.get_order(1010101)
                assert error.value.evidence is Evidence.UNAUTHENTICATED
            assert b"Bearer t1" in server.requests[3]

    def test_an_answer_without_the_order_names_the_likely_cause(self) -> None:
        with (
            RawServer([answer("404 Not Found", b"<html></html>")]) as server,
            client_of(server.url) as client,
            pytest.raises(
                OmsWrongServerError, match=r"No OMS answered, but an HTML page.*probably not"
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

    def test_an_error_names_the_order(self) -> None:
        script = [document({"code": 5002}, "404 Not Found")]
        with RawServer(script) as server, pytest.raises(OmsNotFoundError) as error:
            client_of(server.url).get_order(77)
        assert str(error.value).startswith("Order 77: The OMS knows no such order (HTTP 404")
        assert error.value.order_id == 77

    def test_the_shoppers_data_is_not_in_the_orders_repr(self) -> None:
        with (
            RawServer([document({**ORDER, "customer": {"email": "jane@example.com"}})]) as server,
            client_of(server.url) as client,
        ):
            order = client.get_order(1010101)
        assert "jane" not in repr(order)
        assert order.raw["customer"] == {"email": "jane@example.com"}
