"""The secrets of a connection: masked in logs, and hidden in the web UI by Airflow."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_oms.hooks.oms import OmsHook

HEADER = "value-of-the-gateways-header"
PASSWORD = "p@ss-of-the-proxy"
EXTRA = {
    "tenant_id": "10001",
    "environment": "sandbox",
    "proxy": "http://user:p%40ss-of-the-proxy@proxy.example.com:3128",
    "secret_headers": {"X-Gateway-Key": HEADER},
    "client_key": "/etc/ssl/key.pem",
}


def test_the_hook_has_airflow_mask_them(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    masked: list[str] = []
    monkeypatch.setattr("airflow_provider_oms.hooks.oms.mask_secret", masked.append)
    fields = {"conn_type": "oms", "login": "KIBO.1", "password": "the client secret"}
    extra = {key: value for key, value in EXTRA.items() if key != "client_key"}
    connect({**fields, "extra": extra})
    OmsHook().get_conn()
    expected = {"the client secret", HEADER, PASSWORD, "p%40ss-of-the-proxy"}
    assert set(masked) == expected


@pytest.mark.parametrize("is_text", [False, True])
def test_airflow_hides_them_by_their_fields_names(is_text: bool) -> None:
    # The web UI shows an extra as this function leaves it.
    headers = EXTRA["secret_headers"]
    extra = {**EXTRA, "secret_headers": json.dumps(headers) if is_text else headers}
    shown = json.dumps(redact(extra))
    assert HEADER not in shown
    assert "p%40ss" not in shown
    assert "10001" in shown
    assert "/etc/ssl/key.pem" in shown


def test_a_connection_that_is_refused_shows_none_of_them(
    connect: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    connect({"conn_type": "oms", "extra": EXTRA})
    with caplog.at_level(logging.DEBUG):
        works, message = OmsHook().test_connection()
    assert not works
    assert "client_key: is given without client_cert" in message
    assert not any(secret in message + caplog.text for secret in (HEADER, PASSWORD, "p%40ss"))
