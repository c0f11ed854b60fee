"""Pressing the Test button: the client it would use, and time that passes without waiting."""

from __future__ import annotations

import json
import re
from typing import Any

from raw_server import Script, answer

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.connection_test import probe

SECRET = "a secret of forty characters or so"
CORRELATION = "x-vol-correlation: 0123456789abcdef0123456789abcdef"
TOKEN = answer("200 OK", b'{"access_token": "tok-1", "expires_in": 3600}')
PAGE = b"<html><body>nginx</body></html>"


def ask(host: str, *, login: str = "KIBO.1", password: str = SECRET, **extra: Any) -> str:
    """Return the sentence for a connection that does not work."""
    works, sentence = press(host, login=login, password=password, **extra)
    assert not works
    assert_is_one_sentence(sentence)
    return sentence


class Clock:
    """A clock that only sleep() advances."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def press(
    host: str,
    *,
    login: str = "KIBO.1",
    password: str = SECRET,
    clock: Clock | None = None,
    **extra: Any,
) -> tuple[bool, str]:
    clock = clock or Clock()
    settings = TenantSettings.from_connection(
        name="oms_default",
        host=host,
        login=login,
        password=password,
        extra=json.dumps({"tenant_id": "10001", "connect_timeout": 2, "read_timeout": 2, **extra}),
    )
    with OmsClient(settings) as client:
        return probe(client, sleep=clock.sleep, clock=clock)


def assert_is_one_sentence(text: str) -> None:
    assert text.endswith(".")
    # The OMS's words, and the text in brackets, are not ours.
    assert ". " not in re.sub(r"\([^()]*\)", "", text)
    assert "\n" not in text
    assert SECRET not in text


def refusal(status: str, body: object, *headers: str) -> Script:
    return answer(status, json.dumps(body).encode(), headers)
