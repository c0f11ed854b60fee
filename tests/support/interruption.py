"""An exception that breaks into the main thread, as Airflow's timeout of a task does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupted_after(seconds: float, error: type[BaseException]) -> Iterator[None]:
    """Raise an error in the main thread while the block runs.

    :param seconds: when, from now.
    :param error: what to raise.
    """

    def interrupt(*_: object) -> None:
        raise error

    previous = signal.signal(signal.SIGUSR1, interrupt)
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, previous)
