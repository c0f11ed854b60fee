"""The output of a program at the terminal, and how a person interrupts it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

INTERRUPTED = 130
_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoError(Exception):
    """Say, in one sentence for the person at the terminal, why a program cannot go on."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show a step's name when it begins, and how long it took when it ends."""
    print(f"{name} …", flush=True)
    started = time.monotonic()
    yield
    print(f"  done after {time.monotonic() - started:.1f} s", flush=True)


def last_lines(log: Path, count: int = 25) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def exit_status(work: Callable[[], int]) -> int:
    """Do a program's work and return its exit status; say in one line why, should it end early.

    :param work: the work; it leaves nothing running when it is interrupted.
    """
    let_signals_interrupt()
    try:
        return work()
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED


def let_signals_interrupt() -> None:
    """Let SIGTERM, and the terminal's end, interrupt this process the way Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # A caller that ignores a signal, as nohup does, goes on ignoring it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold interruptions back until the end of the block: a second Ctrl-C comes easily."""
    held_back: list[int] = []
    handlers = {
        number: signal.signal(number, lambda caught, _: held_back.append(caught))
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
