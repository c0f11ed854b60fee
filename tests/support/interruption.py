"""An exception that breaks into the main thread, as Airflow's timeout of a task does.

It follows an event and not a time, which would be another moment on a busy machine.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruptible(error: type[BaseException]) -> Iterator[Callable[[], None]]:
    """Give a call that raises an error in the main thread while the block runs.

    :param error: what to raise.
    """

    def interrupt(*_: object) -> None:
        raise error

    previous = signal.signal(signal.SIGUSR1, interrupt)
    try:
        yield lambda: os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)


@contextmanager
def interrupted_after(seconds: float, error: type[BaseException]) -> Iterator[None]:
    """Raise an error in the main thread while the block runs, where no event tells the moment.

    :param seconds: when, from now.
    :param error: what to raise.
    """
    with interruptible(error) as interrupt:
        threading.Timer(seconds, interrupt).start()
        yield
