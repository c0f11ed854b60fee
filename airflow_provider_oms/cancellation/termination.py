"""Hear that the process is to end, so that nothing more is sent from then on.

What that means for an order under way is decided in ``runner.py``.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Termination", "listen_for_termination"]

_LONGEST_NAP = 0.2


class Termination:
    """Tell whether the process is to end.

    A plain flag: a ``threading.Event`` that its own thread's signal handler sets can wait for
    itself for ever.
    """

    def __init__(self) -> None:
        self.is_requested = False

    def sleep(self, seconds: float) -> None:
        """Wait, and stop waiting soon after the end is requested.

        :param seconds: how long.
        """
        until = time.monotonic() + seconds
        while not self.is_requested and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LONGEST_NAP))


@contextmanager
def listen_for_termination() -> Iterator[Termination]:
    """Provide what knows, from then on, whether the process got SIGTERM.

    Airflow 3 tells the task's operator and lets its code run on for some seconds, in which a cancel
    could still leave although a person has marked the task failed. Whatever else is meant to happen
    at SIGTERM happens as well.

    :return: the knowledge; outside the main thread, where signals cannot be heard, it stays "no".
    """
    termination = Termination()
    previous = signal.getsignal(signal.SIGTERM)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or previous in (signal.SIG_IGN, None):
        yield termination
        return

    def hear(number: int, frame: FrameType | None) -> None:
        termination.is_requested = True
        if callable(previous):
            previous(number, frame)
            return
        signal.signal(number, previous)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, hear)
    try:
        yield termination
    finally:
        signal.signal(signal.SIGTERM, previous)
