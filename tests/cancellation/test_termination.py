"""Receiving SIGTERM, next to other handlers."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from airflow_provider_oms.cancellation.termination import listen_for_termination, sleep_until


def test_it_is_known_and_the_handler_before_it_called() -> None:
    heard: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    termination = listen_for_termination()
    signal.raise_signal(signal.SIGTERM)
    assert termination.is_requested
    assert heard == [signal.SIGTERM]


def test_what_was_heard_once_is_known_to_who_asks_later() -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    listen_for_termination()
    signal.raise_signal(signal.SIGTERM)
    assert listen_for_termination().is_requested


def test_who_listens_twice_hears_it_once() -> None:
    heard: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    listen_for_termination()
    listener = signal.getsignal(signal.SIGTERM)
    listen_for_termination()
    assert signal.getsignal(signal.SIGTERM) is listener
    signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]


def test_a_handler_that_raises_is_let_through() -> None:
    def give_up(*_: object) -> None:
        raise RuntimeError("SIGTERM")

    signal.signal(signal.SIGTERM, give_up)
    termination = listen_for_termination()
    with pytest.raises(RuntimeError):
        signal.raise_signal(signal.SIGTERM)
    assert termination.is_requested


def test_a_process_that_ends_at_sigterm_still_does() -> None:
    code = (
        "import signal\n"
        "from airflow_provider_oms.cancellation.termination import listen_for_termination\n"
        "listen_for_termination()\n"
        "signal.raise_signal(signal.SIGTERM)\n"
        "print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"")


def test_a_thread_cannot_begin_to_listen_but_knows_what_was_heard() -> None:
    found: list[bool] = []

    def ask() -> None:
        found.append(listen_for_termination().is_requested)

    def ask_in_a_thread() -> None:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    signal.signal(signal.SIGTERM, lambda *_: None)
    before = signal.getsignal(signal.SIGTERM)
    ask_in_a_thread()
    assert signal.getsignal(signal.SIGTERM) is before
    listen_for_termination()
    signal.raise_signal(signal.SIGTERM)
    ask_in_a_thread()
    assert found == [False, True]


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    termination = listen_for_termination()
    signal.raise_signal(signal.SIGTERM)
    assert not termination.is_requested


def test_sleeping_ends_soon_after_it() -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
    signal.signal(signal.SIGTERM, lambda *_: None)
    termination = listen_for_termination()
    started = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        sleep_until(lambda: termination.is_requested, 30)
        assert time.monotonic() - started < 25
    finally:
        signal.signal(signal.SIGALRM, before)


def test_sleeping_lasts_as_long_as_it_should_without_it() -> None:
    started = time.monotonic()
    sleep_until(lambda: False, 0.3)
    assert time.monotonic() - started >= 0.3
