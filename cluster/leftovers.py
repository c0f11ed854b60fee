"""What still runs of a test that is over: nothing ought to, whatever way it ended."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil


def left_running(directories: Iterable[Path]) -> list[psutil.Process]:
    """Return every process that works in some directories.

    :param directories: where the parts were started; a part's children stay there, even those that
        leave its session, as Postgres's do.
    """
    places = [str(path.resolve()) for path in directories]
    found = []
    for process in psutil.process_iter():
        # It may end at any time, or belong to another user.
        with suppress(psutil.Error, OSError):
            # A zombie process has no directory to read.
            here = process.cwd()
            if any(here == place or here.startswith(f"{place}/") for place in places):
                found.append(process)
    return found


def end_left_running(directories: Iterable[Path]) -> list[str]:
    """End leftover processes with `kill -9`, and name each.

    :param directories: where the parts were started.
    """
    named = []
    for process in left_running(directories):
        with suppress(psutil.NoSuchProcess):
            named.append(f"{process.pid} {process.name()}")
            process.kill()
    return named
