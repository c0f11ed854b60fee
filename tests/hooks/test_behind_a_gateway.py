"""A whole cancellation from behind a forward proxy, through an nginx that demands mutual TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme
from connect_proxy import ConnectProxy
from gateway import gateway, pair

from airflow_provider_oms.cancellation.outcomes import Outcome
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsCancellationError
from airflow_provider_oms.hooks.oms import OmsHook

HOST = "gateway.example.com"
KEY = "the-key-of-the-gateway"
ORDER = 1010101


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as tenant:
        yield tenant


@pytest.fixture(scope="module")
def behind(
    emulator: EmulatorProcess, nginx_program: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ConnectProxy, dict[str, Any]]]:
    """Give the proxy, and a connection whose only way to the emulator leads through both."""
    folder, authority = tmp_path_factory.mktemp("gateway"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client = pair(authority, folder, "oms-client")
    extra = {
        "tenant_id": emulator.tenant,
        "auth_url": f"https://{HOST}",
        "ca_bundle": str(folder / "ca.pem"),
        "client_cert": client.certificate,
        "client_key": client.key,
        "secret_headers": {"X-Gateway-Key": KEY},
        "connect_timeout": 2,
        "settle_seconds": 0,
        "deadline": 2,
    }
    login = {"login": emulator.client_id, "password": emulator.client_secret}
    with (
        gateway(
            nginx_program,
            folder / "nginx",
            oms=emulator.url,
            server=pair(authority, folder, HOST),
            clients=authority,
            rule=f'if ($http_x_gateway_key != "{KEY}") {{ return 403; }}',
        ) as port,
        ConnectProxy({f"{HOST}:443": port}, user="worker:p@ss") as proxy,
    ):
        extra["proxy"] = f"http://worker:p%40ss@127.0.0.1:{proxy.port}"
        yield proxy, {"conn_type": "oms", "host": HOST, **login, "extra": extra}


@pytest.fixture
def connection(
    behind: tuple[ConnectProxy, dict[str, Any]], emulator: EmulatorProcess
) -> dict[str, Any]:
    emulator.clear()
    emulator.load_orders([{"orderID": ORDER}])
    return behind[1]


def changed(connection: dict[str, Any], **extra: object) -> dict[str, Any]:
    return {**connection, "extra": {**connection["extra"], **extra}}


@pytest.mark.slow
def test_an_order_is_canceled_once(
    connect: Callable[..., None], connection: dict[str, Any], emulator: EmulatorProcess
) -> None:
    connect(connection)
    works, sentence = OmsHook().test_connection()
    assert works, sentence
    result = OmsHook().cancel_order(ORDER, "other", "Case C-1")
    assert result.outcome is Outcome.CANCELED
    assert emulator.cancel_posts(ORDER) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"proxy": "http://worker:wrong@127.0.0.1:{port}"}, "the proxy wants another user"),
        ({"proxy": "http://127.0.0.1:1"}, "the proxy: connection refused"),
        ({"client_cert": None, "client_key": None}, "wants a client certificate that it trusts"),
        ({"secret_headers": {"X-Gateway-Key": "another value"}}, "HTTP 403"),
        ({"ca_bundle": None}, "the TLS certificate was refused"),
    ],
    ids=["password", "no proxy", "no certificate", "header", "authority"],
)
def test_whatever_is_wrong_on_the_way_nothing_is_sent_and_no_secret_shown(
    connect: Callable[..., None],
    connection: dict[str, Any],
    behind: tuple[ConnectProxy, dict[str, Any]],
    emulator: EmulatorProcess,
    extra: dict[str, Any],
    words: str,
) -> None:
    if "proxy" in extra:
        extra = {"proxy": extra["proxy"].format(port=behind[0].port)}
    connect(changed(connection, **extra))
    with pytest.raises(OmsCancellationError) as error:
        OmsHook().cancel_order(ORDER, "other", "Case C-1")
    assert words in str(error.value)
    assert error.value.result.outcome in (Outcome.FORBIDDEN, Outcome.NOT_ATTEMPTED)
    assert not any(secret in str(error.value) for secret in (KEY, "another value", "wrong@"))
    assert emulator.requests() == []


@pytest.mark.slow
def test_the_button_points_to_the_headers_where_a_gateway_may_have_refused(
    connect: Callable[..., None], connection: dict[str, Any]
) -> None:
    connect(changed(connection, secret_headers={"X-Gateway-Key": "another value"}))
    works, sentence = OmsHook().test_connection()
    assert not works
    assert sentence.endswith(
        " If a gateway answered with HTTP 403, correct Secret Headers (secret_headers)."
    )
