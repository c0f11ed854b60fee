"""One token for all threads, renewed shortly before its end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_oms.api.auth import Token, TokenCache


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Endpoint:
    """Counts how often it is asked, and holds every caller until released."""

    def __init__(self, lifetime: float = 3600, *, fails: bool = False) -> None:
        self.calls = 0
        self.lifetime = lifetime
        self.fails = fails
        self.release = threading.Event()
        self.release.set()

    def __call__(self) -> Token:
        self.calls += 1
        self.release.wait(30)
        if self.fails:
            raise ConnectionError(f"failure {self.calls}")
        return Token(f"token-{self.calls}", self.lifetime)


def test_a_token_is_kept_until_shortly_before_it_expires() -> None:
    clock, endpoint = Clock(), Endpoint(lifetime=3600)
    cache = TokenCache(endpoint, clock)
    assert cache.get() == "token-1"
    clock.now += 3600 - 121
    assert cache.get() == "token-1"
    clock.now += 2
    assert cache.get() == "token-2"


def test_a_short_token_is_used_for_most_of_its_life() -> None:
    clock, endpoint = Clock(), Endpoint(lifetime=10)
    cache = TokenCache(endpoint, clock)
    cache.get()
    clock.now += 8.9
    assert cache.get() == "token-1"
    clock.now += 0.2
    assert cache.get() == "token-2"


def test_many_threads_that_ask_at_once_share_one_request() -> None:
    endpoint = Endpoint()
    endpoint.release.clear()
    cache = TokenCache(endpoint)
    started = threading.Barrier(17)

    def ask() -> str:
        started.wait(5)
        return cache.get()

    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(ask) for _ in range(16)]
        started.wait(5)
        endpoint.release.set()
        assert {future.result(5) for future in asked} == {"token-1"}
    assert endpoint.calls == 1


class CountingLock:
    """A lock that tells how many have come to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.callers = threading.Semaphore(0)

    def __enter__(self) -> None:
        self.callers.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_threads_that_wait_for_a_dead_endpoint_share_its_failure_and_do_not_ask_again() -> None:
    endpoint = Endpoint(fails=True)
    endpoint.release.clear()
    cache, lock = TokenCache(endpoint), CountingLock()
    cache._lock = lock  # type: ignore[assignment]  # used in the same way

    def ask() -> str:
        with pytest.raises(ConnectionError) as error:
            cache.get()
        return str(error.value)

    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(ask) for _ in range(16)]
        for _ in asked:
            assert lock.callers.acquire(timeout=30)
        endpoint.release.set()
        assert {future.result(30) for future in asked} == {"failure 1"}
    assert endpoint.calls == 1
    assert ask() == "failure 2", "who comes later asks again"


def test_a_dropped_token_is_replaced_once_however_many_drop_it() -> None:
    endpoint = Endpoint()
    cache = TokenCache(endpoint)
    refused = cache.get()
    cache.drop(refused)
    fresh = cache.get()
    cache.drop(refused)
    assert cache.get() == fresh == "token-2"
    assert endpoint.calls == 2


def test_a_failure_is_not_kept_for_later_callers() -> None:
    endpoint = Endpoint(fails=True)
    cache = TokenCache(endpoint)
    with pytest.raises(ConnectionError, match="failure 1"):
        cache.get()
    endpoint.fails = False
    assert cache.get() == "token-2"


def test_the_token_is_not_in_its_repr() -> None:
    assert "s3cret" not in repr(Token("s3cret", 60))


def test_a_forbidden_token_is_replaced_if_it_was_good_before() -> None:
    cache = TokenCache(Endpoint(), Clock())
    token = cache.get()
    assert not cache.replace_forbidden(token)
    cache.accept(token)
    assert cache.replace_forbidden(token)
    assert cache.get() == "token-2"


def test_a_token_that_replaced_a_forbidden_one_is_not_replaced_for_being_forbidden() -> None:
    endpoint = Endpoint()
    clock = Clock()
    cache = TokenCache(endpoint, clock)
    for _ in range(2):
        token = cache.get()
        cache.accept(token)
        replaced = cache.replace_forbidden(token)
    assert (token, replaced, cache.get()) == ("token-2", False, "token-2")
    clock.now += 3600
    cache.accept(cache.get())
    assert cache.replace_forbidden("token-3"), "a token that was due is like a first one"


def test_a_thread_whose_forbidden_token_was_replaced_meanwhile_takes_the_new_one() -> None:
    cache = TokenCache(Endpoint(), Clock())
    old = cache.get()
    cache.accept(old)
    cache.replace_forbidden(old)
    new = cache.get()
    assert cache.replace_forbidden(old)
    cache.accept(old)
    assert cache.get() == new
    assert not cache.replace_forbidden(new)


def test_a_new_token_that_could_not_be_had_still_counts_as_the_forbidden_ones_successor() -> None:
    endpoint = Endpoint()
    cache = TokenCache(endpoint, Clock())
    cache.accept(cache.get())
    cache.replace_forbidden("token-1")
    endpoint.fails = True
    with pytest.raises(ConnectionError):
        cache.get()
    endpoint.fails = False
    cache.accept(cache.get())
    assert not cache.replace_forbidden("token-3")
