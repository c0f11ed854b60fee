"""Mutual TLS: with a real nginx, and with servers that refuse a client within the handshake."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from checkups import ask, press
from gateway import Pair, gateway, pair
from raw_server import RawServer
from strict_server import StrictServer
from wire import EXAMPLE, ORDER, client_of, document

from airflow_provider_oms.api.errors import (
    OmsCredentialsError,
    OmsNoResponseError,
    OmsNotSentError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.evidence import Evidence

TOKEN = document({"access_token": "tok-1", "expires_in": 3600})
LOGIN = ("id", "a secret of some length")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ca(authority: trustme.CA, folder: Path) -> str:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return str(folder / "ca.pem")


@pytest.fixture(scope="module")
def server_pair(authority: trustme.CA, folder: Path) -> Pair:
    return pair(authority, folder, "127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, folder: Path) -> Pair:
    return pair(authority, folder, "oms-client")


@pytest.fixture(scope="module")
def untrusted(folder: Path) -> Pair:
    return pair(trustme.CA(), folder, "stranger")


def of(files: Pair) -> dict[str, str]:
    return {"client_cert": files.certificate, "client_key": files.key}


class Gateway:
    """An nginx with an OMS behind it.

    :param port: where it listens.
    :param oms: the OMS.
    """

    def __init__(self, port: int, oms: RawServer) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.oms = oms


@pytest.fixture(scope="module", params=["TLSv1.2", "TLSv1.3"])
def running(
    request: pytest.FixtureRequest,
    nginx_program: str,
    folder: Path,
    authority: trustme.CA,
    server_pair: Pair,
) -> Iterator[Gateway]:
    with (
        RawServer([document(ORDER)]) as oms,
        gateway(
            nginx_program,
            folder / request.param,
            oms=oms.url,
            server=server_pair,
            clients=authority,
            protocols=request.param,
        ) as port,
    ):
        yield Gateway(port, oms)


@pytest.fixture
def at(running: Gateway) -> Gateway:
    running.oms.requests.clear()
    running.oms.script = [document(ORDER)]
    return running


class TestNginx:
    @pytest.mark.slow
    def test_a_cancel_gets_through_with_a_certificate_that_it_trusts(
        self, at: Gateway, ca: str, trusted: Pair
    ) -> None:
        for extra in (of(trusted), {"client_cert": trusted.both}):
            at.oms.requests.clear()
            with client_of(at.url, ca_bundle=ca, **extra) as client:
                assert client.post_cancel(EXAMPLE).is_canceled
            (request,) = at.oms.requests
            assert "X-Client: CN=oms-client" in request.decode()

    @pytest.mark.slow
    def test_so_do_the_token_and_the_headers_that_the_gateway_wants(
        self, at: Gateway, ca: str, trusted: Pair
    ) -> None:
        at.oms.script = [TOKEN, document(ORDER)]
        headers = {"X-Gateway-Key": "caf\xe9 of the gateway"}
        extra = {**of(trusted), "secret_headers": headers, "ca_bundle": ca}
        with client_of(at.url, credentials=LOGIN, **extra) as client:
            assert client.post_cancel(EXAMPLE).is_canceled
        assert len(at.oms.requests) == 2
        for request in at.oms.requests:
            assert b"X-Gateway-Key: caf\xe9 of the gateway\r\n" in request

    @pytest.mark.parametrize("has_one", [False, True])
    def test_without_one_or_with_a_strangers_it_says_so_and_nothing_reaches_the_oms(
        self, at: Gateway, ca: str, untrusted: Pair, has_one: bool
    ) -> None:
        extra = {"ca_bundle": ca, **(of(untrusted) if has_one else {})}
        with client_of(at.url, **extra) as client:
            with pytest.raises(OmsWrongServerError, match="wants a client certificate that") as it:
                client.post_cancel(EXAMPLE)
            assert it.value.http_status == 400
            assert it.value.evidence is Evidence.WRONG_SERVER
        with (
            client_of(at.url, credentials=LOGIN, **extra) as client,
            pytest.raises(OmsCredentialsError, match="wants a client certificate that"),
        ):
            client.post_cancel(EXAMPLE)
        assert at.oms.requests == []

    def test_the_test_button_says_it(
        self, at: Gateway, ca: str, trusted: Pair, untrusted: Pair
    ) -> None:
        assert ask(at.url, ca_bundle=ca) == (
            f"{at.url} wants a client certificate, and the connection has none: set Client "
            f"Certificate (client_cert) and Client Key (client_key) (HTTP 400)."
        )
        sentence = ask(at.url, ca_bundle=ca, **of(untrusted))
        assert sentence == (
            f"{at.url} does not take the client certificate: set Client Certificate (client_cert) "
            f"and Client Key (client_key) to a pair that has not expired, from an authority that "
            f"the gateway trusts, with the intermediate certificates below the pair's own "
            f"(HTTP 400)."
        )
        at.oms.script = [TOKEN, document({**ORDER, "orderID": 1})]
        pair_of_files: dict[str, Any] = of(trusted)
        works, sentence = press(at.url, ca_bundle=ca, **pair_of_files)
        assert works, sentence

    def test_it_says_too_that_a_token_address_elsewhere_gets_no_certificate(
        self, at: Gateway, ca: str, trusted: Pair
    ) -> None:
        extra: dict[str, Any] = {"ca_bundle": ca, "auth_url": at.url}
        with RawServer([document(ORDER)]) as oms:
            sentence = ask(oms.url, secret_headers={"X-Key": "a value"}, **extra)
        assert sentence == (
            f"{at.url} wants a client certificate, which the connection gives to the Base Address "
            f"(host) only: set Gateway Covers Auth (gateway_covers_auth) if your gateway is in "
            f"front of both, or correct the Token Address (auth_url) (HTTP 400)."
        )
        at.oms.script = [TOKEN, document({**ORDER, "orderID": 1})]
        host = at.url.replace("127.0.0.1", "localhost")
        covered: dict[str, Any] = {**extra, **of(trusted), "gateway_covers_auth": True}
        works, sentence = press(host, **covered)
        assert works, sentence


@pytest.fixture(params=["TLSv1_2", "TLSv1_3"])
def context(
    request: pytest.FixtureRequest, authority: trustme.CA, server_pair: Pair
) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(server_pair.both)
    made.verify_mode = ssl.CERT_REQUIRED
    made.minimum_version = made.maximum_version = ssl.TLSVersion[request.param]
    authority.configure_trust(made)
    return made


class TestAServerThatBreaksOffTheHandshake:
    def test_it_takes_a_certificate_that_it_trusts(
        self, context: ssl.SSLContext, ca: str, trusted: Pair
    ) -> None:
        with (
            RawServer([document(ORDER)], tls=context) as server,
            client_of(server.url, ca_bundle=ca, **of(trusted)) as client,
        ):
            assert client.post_cancel(EXAMPLE).is_canceled

    def test_it_does_so_where_the_usual_authorities_are_trusted(
        self,
        context: ssl.SSLContext,
        ca: str,
        trusted: Pair,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("airflow_provider_oms.api.transport.DEFAULT_CA_BUNDLE_PATH", ca)
        with (
            RawServer([document(ORDER)], tls=context) as server,
            client_of(server.url, **of(trusted)) as client,
        ):
            assert client.post_cancel(EXAMPLE).is_canceled

    @pytest.mark.parametrize("has_one", [False, True])
    def test_a_cancel_has_not_left_when_that_is_known_before(
        self, context: ssl.SSLContext, ca: str, untrusted: Pair, has_one: bool
    ) -> None:
        with StrictServer(context) as server:
            answers = iter([True])
            extra = {"ca_bundle": ca, **(of(untrusted) if has_one else {})}
            with (
                client_of(server.url, **extra) as client,
                pytest.raises(OmsNotSentError) as error,
            ):
                # Asked before it connects, and when it has.
                client.post_cancel(
                    EXAMPLE, may_send=lambda: next(answers, False) or server.refused.wait(9)
                )
        assert error.value.is_about_client_certificate
        assert "certificate" in error.value.reason

    @pytest.mark.parametrize("context", ["TLSv1_3"], indirect=True)
    def test_a_cancel_that_overtakes_the_refusal_counts_as_sent(
        self, context: ssl.SSLContext, ca: str
    ) -> None:
        # TLS 1.3 lets a client send before the server has looked at its certificate.
        with (
            StrictServer(context, after_bytes=300) as server,
            client_of(server.url, ca_bundle=ca) as client,
            pytest.raises(OmsNoResponseError, match="wants a client certificate that") as error,
        ):
            client.post_cancel(EXAMPLE)
        assert error.value.is_about_client_certificate
        assert error.value.evidence is Evidence.AMBIGUOUS

    @pytest.mark.parametrize("context", ["TLSv1_3"], indirect=True)
    def test_the_test_button_says_it_of_token_and_order(
        self, context: ssl.SSLContext, ca: str, untrusted: Pair
    ) -> None:
        with StrictServer(context, after_bytes=300) as server:
            assert ask(server.url, ca_bundle=ca) == (
                f"{server.url} wants a client certificate, and the connection has none: set Client "
                f"Certificate (client_cert) and Client Key (client_key) (in the TLS handshake)."
            )
            with RawServer([TOKEN]) as tokens:
                sentence = ask(server.url, ca_bundle=ca, auth_url=tokens.url, **of(untrusted))
            assert f"{server.url} does not take the client certificate: set Client" in sentence


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_pair_that_changes_under_a_run_is_named_and_nothing_sent(
    authority: trustme.CA, context: ssl.SSLContext, ca: str, tmp_path: Path, is_gone: bool
) -> None:
    files = pair(authority, tmp_path, "short-lived")
    other = pair(authority, tmp_path, "next")
    with RawServer([document(ORDER)], tls=context) as server:
        with client_of(server.url, ca_bundle=ca, **of(files)) as client:
            if is_gone:
                Path(files.key).unlink()
            else:
                Path(files.key).write_bytes(Path(other.key).read_bytes())
            with pytest.raises(OmsNotSentError, match="client_cert or client_key has ch"):
                client.post_cancel(EXAMPLE)
        assert server.requests == []


def test_a_client_certificate_is_shown_to_no_other_host_of_the_process(
    context: ssl.SSLContext, authority: trustme.CA, ca: str, trusted: Pair, server_pair: Pair
) -> None:
    seen: list[object] = []
    open_to_all = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    open_to_all.load_cert_chain(server_pair.both)
    open_to_all.verify_mode = ssl.CERT_OPTIONAL
    authority.configure_trust(open_to_all)

    def give_token(connection: socket.socket, request: bytes) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        seen.append((connection.getpeercert() or {}).get("subject"))
        TOKEN(connection, request)

    with (
        RawServer([give_token], tls=open_to_all) as tokens,
        RawServer([document(ORDER)], tls=context) as oms,
    ):
        extra = {"ca_bundle": ca, "auth_url": tokens.url, **of(trusted)}
        headers = {"secret_headers": {"X-Gateway-Key": "for the gateway"}}
        with client_of(oms.url, credentials=LOGIN, **extra, **headers) as client:
            assert client.post_cancel(EXAMPLE).is_canceled
        assert b"X-Gateway-Key: for the gateway\r\n" in oms.requests[0]
        assert b"X-Gateway-Key" not in tokens.requests[0]
        covered = {**extra, **headers, "gateway_covers_auth": True}
        with client_of(oms.url, credentials=LOGIN, **covered) as client:
            assert client.post_cancel(EXAMPLE).is_canceled
        assert b"X-Gateway-Key: for the gateway\r\n" in tokens.requests[1]
    assert seen[0] is None
    assert "oms-client" in str(seen[1])
