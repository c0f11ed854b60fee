"""The output of a demo at the terminal, and how a person interrupts it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

INTERRUPTED = 130
_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoError(Exception):
    """Say, in one sentence for the person at the terminal, why the demo cannot go on."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show a step's name when it begins, and how long it took when it ends.

    :param name: the name of the step.
    """
    print(f"{name} …", flush=True)
    started = time.monotonic()
    yield
    print(f"  done after {time.monotonic() - started:.1f} s", flush=True)


def last_lines(log: Path, count: int = 25) -> str:
    """Return the end of a log file, for the person who has to find out what went wrong.

    :param log: the file.
    :param count: how many lines.
    """
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def let_signals_interrupt() -> None:
    """Let SIGTERM, and the terminal's end, interrupt this process the way Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # A caller that ignores a signal, as nohup does, goes on ignoring it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold interruptions back until the end of the block, and let them in then.

    For steps that must not be left half done: a second Ctrl-C comes easily while the first is at
    work.
    """
    held_back: list[int] = []

    def hold_back(number: int, _: FrameType | None) -> None:
        held_back.append(number)

    handlers = {
        number: signal.signal(number, hold_back)
        for number in _INTERRUPTIONS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for caught in dict.fromkeys(held_back):
            signal.raise_signal(caught)
