"""Hear that the process is to end, so that nothing more is sent from then on.

``runner.py`` decides how an order in flight ends then.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["Termination", "listen_for_termination", "sleep_until"]

_LONGEST_NAP = 0.2


class Termination:
    """Return whether the process is to end.

    A plain flag: a ``threading.Event`` that its own thread's signal handler sets can wait for
    itself for ever.
    """

    def __init__(self) -> None:
        self.is_requested = False


def sleep_until(is_over: Callable[[], bool], seconds: float) -> None:
    """Wait, and stop waiting soon after it is over.

    :param is_over: returns whether it is.
    :param seconds: how long to wait at most.
    """
    until = time.monotonic() + seconds
    while not is_over() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _LONGEST_NAP))


_of_this_process = Termination()


class _Listener:
    """Record SIGTERM, and pass it on to the handler that was installed before."""

    def __init__(self, previous: Any) -> None:
        self._previous = previous

    def __call__(self, number: int, frame: FrameType | None) -> None:
        _of_this_process.is_requested = True
        if callable(self._previous):
            self._previous(number, frame)
            return
        signal.signal(number, self._previous)
        os.kill(os.getpid(), number)


def listen_for_termination() -> Termination:
    """Return what knows, from the first call on, whether the process got SIGTERM.

    Airflow 3 tells the task's operator and lets its code run on for some seconds, in which a cancel
    could still leave although a person has marked the task failed. So a signal once received holds
    for the process, between two orders and for the next one too. Whatever else is meant to happen
    at SIGTERM happens as well.

    :return: the knowledge; it stays "no" where signals cannot be heard or are ignored: when it was
        first called outside the main thread.
    """
    previous = signal.getsignal(signal.SIGTERM)
    in_main_thread = threading.current_thread() is threading.main_thread()
    is_heard_already = isinstance(previous, _Listener)
    if in_main_thread and not is_heard_already and previous not in (signal.SIG_IGN, None):
        signal.signal(signal.SIGTERM, _Listener(previous))
    return _of_this_process
