"""Threads that wait for a token while another one fetches it: they share its result."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from patience import wait_until

from airflow_provider_oms.api.auth import Token, TokenCache

THREADS = 8


class CountingLock:
    """Know how many threads have asked for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = threading.Lock()
        self.asked = 0

    def __enter__(self) -> None:
        with self._count:
            self.asked += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Endpoint:
    """Answer only once so many threads have asked for a token."""

    def __init__(self, *, fails: bool) -> None:
        self.fails = fails
        self.calls = 0
        self.lock = CountingLock()
        self.waits_for = 1

    def __call__(self) -> Token:
        self.calls += 1
        wait_until(lambda: self.lock.asked >= self.waits_for)
        if self.fails:
            raise ConnectionError(f"failure {self.calls}")
        return Token(f"token-{self.calls}", 3600)


def cache_of(endpoint: Endpoint) -> TokenCache:
    cache = TokenCache(endpoint)
    cache._lock = endpoint.lock  # type: ignore[assignment]  # a lock in its place
    return cache


def ask_at_once(cache: TokenCache, endpoint: Endpoint) -> list[Any]:
    """Return the results of several threads that ask while one of them fetches."""
    endpoint.waits_for = endpoint.lock.asked + THREADS

    def ask(_: int) -> Any:
        try:
            return cache.get()
        except ConnectionError as failure:
            return str(failure)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(ask, range(THREADS)))


@pytest.mark.parametrize("earlier_failures", [0, 1, 2, 3])
def test_a_dead_endpoint_is_asked_once_for_all_of_them_each_time(earlier_failures: int) -> None:
    endpoint = Endpoint(fails=True)
    cache = cache_of(endpoint)
    for number in range(earlier_failures + 1):
        assert ask_at_once(cache, endpoint) == [f"failure {number + 1}"] * THREADS
        assert endpoint.calls == number + 1


@pytest.mark.parametrize("earlier_failures", [0, 1, 2])
def test_they_share_a_token_that_came_after_failures(earlier_failures: int) -> None:
    endpoint = Endpoint(fails=True)
    cache = cache_of(endpoint)
    for _ in range(earlier_failures):
        ask_at_once(cache, endpoint)
    endpoint.fails = False
    assert ask_at_once(cache, endpoint) == [f"token-{earlier_failures + 1}"] * THREADS
    assert cache.get() == f"token-{earlier_failures + 1}"
    assert endpoint.calls == earlier_failures + 1
