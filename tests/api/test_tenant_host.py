"""A tenant's host is looked up once, however many threads want it at a time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tenants import settings

from airflow_provider_oms.api.errors import OmsError, OmsServerError
from airflow_provider_oms.api.tenant_host import TenantHost

POD = "https://t10001.tp1.mozu.com"
THREADS = 8
FOUND = settings(
    {"api": "native", "tenant_id": "10001", "environment": "production", "discover_host": True}
)


class CountingLock:
    """A lock that counts who has come to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.came = 0

    def __enter__(self) -> None:
        self.came += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Platform:
    """Answer only when all threads want to know; each error is raised once.

    :param errors: the first answers.
    """

    def __init__(self, *errors: OmsError) -> None:
        self._errors = list(errors)
        self.asked = 0
        self.lock = CountingLock()
        self.host = TenantHost(FOUND, lambda: "a-token", self.ask)
        self.host._lock = self.lock  # type: ignore[assignment]  # a lock that counts

    def ask(self, token: str | None) -> str:
        assert token == "a-token"
        self.asked += 1
        until = time.monotonic() + 10
        while self.lock.came < THREADS and time.monotonic() < until:
            time.sleep(0.001)
        if self._errors:
            raise self._errors.pop()
        return POD

    def url(self, _: Any = None) -> str | OmsError:
        try:
            return self.host.url
        except OmsError as error:
            return error


def test_threads_that_start_together_share_one_look_up() -> None:
    platform = Platform()
    with ThreadPoolExecutor(THREADS) as threads:
        assert set(threads.map(platform.url, range(THREADS))) == {POD}
    assert platform.asked == 1


def test_they_share_its_failure_too_and_the_next_asks_again() -> None:
    platform = Platform(OmsServerError("The OMS failed", http_status=503))
    with ThreadPoolExecutor(THREADS) as threads:
        ends = list(threads.map(platform.url, range(THREADS)))
    assert all(isinstance(end, OmsError) for end in ends)
    assert platform.asked == 1
    assert platform.url() == POD
    assert platform.asked == 2


def test_without_a_look_up_it_is_what_the_connection_says() -> None:
    given = settings({"tenant_id": "10001", "environment": "sandbox"})
    host = TenantHost(given, lambda: None, lambda _: pytest.fail("not to be asked"))
    assert host.url == "https://10001-translation.sandbox.mozu.com"
