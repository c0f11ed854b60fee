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


def test_a_refused_token_is_replaced_once_however_many_calls_were_refused() -> None:
    endpoint = Endpoint()
    cache = TokenCache(endpoint, Clock())
    refused = cache.get()
    cache.refuse(refused, "GET")
    fresh = cache.get()
    cache.refuse(refused, "GET")
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


class TestRefusedTokens:
    def test_each_new_one_gets_more_time_to_become_valid(self) -> None:
        clock, endpoint = Clock(), Endpoint()
        cache = TokenCache(endpoint, clock)
        began_at, asked_at = clock.now, []
        for _ in range(160):
            calls = endpoint.calls
            token = cache.get()
            if endpoint.calls > calls:
                asked_at.append(clock.now - began_at)
            cache.refuse(token, "POST")
            clock.now += 0.25
        # At once for the first, which may have expired; then at least 1, 2, 4, 8, 8 … seconds.
        assert asked_at == [0, 0.25, 1.5, 3.75, 8, 16.25, 24.5, 32.75]

    def test_one_that_is_accepted_ends_the_row(self) -> None:
        endpoint = Endpoint()
        cache = TokenCache(endpoint, Clock())
        for number in range(1, 10):
            token = cache.get()
            assert token == f"token-{number}"
            cache.accept(token, "POST")
            cache.refuse(token, "POST")

    def test_calls_of_another_kind_that_work_do_not_end_it(self) -> None:
        # As where the application may read and not cancel.
        clock, endpoint = Clock(), Endpoint()
        cache = TokenCache(endpoint, clock)
        for _ in range(100):
            cache.accept(cache.get(), "GET")
            cache.refuse(cache.get(), "POST")
        assert endpoint.calls == 2
        clock.now += 100
        for _ in range(100):
            cache.accept(cache.get(), "GET")
            cache.refuse(cache.get(), "POST")
        assert endpoint.calls == 3

    def test_it_knows_whether_any_was_ever_accepted(self) -> None:
        cache = TokenCache(Endpoint(), Clock())
        assert not cache.has_been_accepted
        cache.accept(cache.get(), "GET")
        cache.refuse(cache.get(), "POST")
        assert cache.has_been_accepted

    def test_what_an_old_one_is_still_good_for_says_nothing_of_its_successor(self) -> None:
        endpoint = Endpoint()
        cache = TokenCache(endpoint, Clock())
        cache.refuse(cache.get(), "POST")
        cache.get()
        cache.accept("token-1", "POST")
        cache.refuse("token-2", "POST")
        assert cache.get() == "token-2"
