"""Hearing SIGTERM, next to whoever else wants to."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from airflow_provider_oms.cancellation.termination import listen_for_termination


def test_it_is_known_and_the_handler_before_it_called() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        handler = signal.getsignal(signal.SIGTERM)
        with listen_for_termination() as termination:
            signal.raise_signal(signal.SIGTERM)
            assert termination.is_requested
        assert heard == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_handler_that_raises_is_let_through() -> None:
    def give_up(*_: object) -> None:
        raise RuntimeError("SIGTERM")

    before = signal.signal(signal.SIGTERM, give_up)
    try:
        with pytest.raises(RuntimeError), listen_for_termination() as termination:
            signal.raise_signal(signal.SIGTERM)
        assert termination.is_requested
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_process_that_ends_at_sigterm_still_does() -> None:
    code = (
        "import signal\n"
        "from airflow_provider_oms.cancellation.termination import listen_for_termination\n"
        "with listen_for_termination():\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    print('alive')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"")


def test_a_thread_never_hears_of_it() -> None:
    found: list[bool] = []

    def wait() -> None:
        with listen_for_termination() as termination:
            found.append(termination.is_requested)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()
    assert found == [False]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with listen_for_termination() as termination:
            signal.raise_signal(signal.SIGTERM)
            assert not termination.is_requested
    finally:
        signal.signal(signal.SIGTERM, before)


def test_sleeping_ends_soon_after_it() -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
    outer = signal.signal(signal.SIGTERM, lambda *_: None)
    started = time.monotonic()
    try:
        with listen_for_termination() as termination:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            termination.sleep(30)
        assert time.monotonic() - started < 5
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGTERM, outer)


def test_sleeping_lasts_as_long_as_it_should_without_it() -> None:
    started = time.monotonic()
    with listen_for_termination() as termination:
        termination.sleep(0.3)
    assert time.monotonic() - started >= 0.3
