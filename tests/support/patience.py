"""Waiting for a condition, never for a fixed time, so that a busy machine only delays."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    is_so: Callable[[], bool], seconds: float = 150, describe: Callable[[], str] = str
) -> None:
    """Wait until something is so.

    :param is_so: returns whether it is.
    :param seconds: to wait at most; generous, because it counts only when a test fails.
    :param describe: says how things stand when it is not.
    """
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"not so after {seconds} s; {describe()}"
        time.sleep(0.1)
