"""Programs in separate sessions: started, found again later, ended with all their children.

A session's number finds even the children of a program that died, and survives their renaming.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from demo.terminal import DemoError, last_lines, undisturbed

Found = TypeVar("Found")

_SECONDS_TO_END = 15.0
_SECONDS_TO_DIE = 5.0
_SECONDS_BETWEEN_SIGNS_OF_LIFE = 10.0
# Numbers are given out in turn, so that two processes with the same one start further apart.
_SAME_START = 0.5


@dataclass(frozen=True)
class Session:
    """Name a session so that no other can be taken for it later.

    :param id: its number, which is its leader's process number.
    :param started: when its leader was started, in seconds since the epoch.
    :param uptime: how many seconds the machine had been running then; clocks can be set, this not.
    """

    id: int
    started: float
    uptime: float

    @classmethod
    def led_by(cls, pid: int) -> Session:
        """Return the session of a process that was started as its leader.

        :param pid: the process.
        """
        started = psutil.Process(pid).create_time()
        return cls(pid, started, started - psutil.boot_time())

    def has_leader(self) -> bool:
        """Return whether the program that the session began with still runs."""
        try:
            leader = psutil.Process(self.id)
            return self._is_mine(leader) and leader.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def processes(self) -> list[psutil.Process]:
        """Return every process of the session that runs."""
        if not self._can_exist():
            return []
        found = []
        for process in psutil.process_iter():
            # It may end at any time, or belong to another user.
            with suppress(psutil.Error, ProcessLookupError, PermissionError):
                if os.getsid(process.pid) == self.id and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _can_exist(self) -> bool:
        if self.started < psutil.boot_time() - 60:
            return False
        try:
            return self._is_mine(psutil.Process(self.id))
        except psutil.NoSuchProcess:
            # Members that outlived their leader keep the number from being given to others.
            return True

    def _is_mine(self, leader: psutil.Process) -> bool:
        return abs(leader.create_time() - psutil.boot_time() - self.uptime) < _SAME_START


def launch(
    command: list[str],
    environment: dict[str, str],
    directory: Path,
    log: Path,
    remember: Callable[[Session], object],
) -> subprocess.Popen[bytes]:
    """Start a program in a separate session.

    :param command: the program and its arguments.
    :param environment: its whole environment.
    :param directory: where it runs.
    :param log: the file that its output is added to.
    :param remember: is told the session before any interruption is let in, to end it later.
    """
    with log.open("ab") as output, undisturbed():
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        remember(Session.led_by(process.pid))
    return process


def end(sessions: Iterable[Session]) -> int:
    """End every process of some sessions, by force if need be, and return how many there were.

    :param sessions: the sessions; those that have ended already are no hindrance.
    :raises DemoError: when a process still runs afterwards.
    """
    sessions = list(sessions)
    with undisturbed():
        found = len(_members(sessions))
        for number, seconds in ((signal.SIGTERM, _SECONDS_TO_END), (signal.SIGKILL, 0.0)):
            for process in _members(sessions):
                _send(process, number)
            _wait_for_end(sessions, seconds)
        until = time.monotonic() + _SECONDS_TO_DIE
        while left := _members(sessions):
            if time.monotonic() > until:
                raise DemoError(f"Still running: {', '.join(str(one.pid) for one in left)}")
            # Processes that were being started while their parent was killed are killed now.
            for process in left:
                _send(process, signal.SIGKILL)
            time.sleep(0.05)
    return found


def _members(sessions: list[Session]) -> list[psutil.Process]:
    return [process for session in sessions for process in session.processes()]


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _wait_for_end(sessions: list[Session], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and _members(sessions):
        time.sleep(0.1)


def wait_until(
    look: Callable[[], Found | None],
    process: subprocess.Popen[bytes],
    *,
    name: str,
    log: Path,
    limit: float,
) -> Found:
    """Wait until a program is ready, and show now and then that time goes by.

    :param look: asked twice a second; its result, if true, is returned.
    :param process: the program.
    :param name: what to call it.
    :param log: the file that its output goes to.
    :param limit: seconds to wait at most.
    :raises DemoError: when it ends, or is not ready in time, with the end of its log.
    """
    started = shown = time.monotonic()
    while not (found := look()):
        now = time.monotonic()
        if process.poll() is not None:
            raise DemoError(f"{last_lines(log)}\n\n{name} ended; {os.path.relpath(log)} says why.")
        if now - started > limit:
            raise DemoError(
                f"{last_lines(log)}\n\n{name} was not ready after {limit:.0f} s; "
                f"{os.path.relpath(log)} may say why."
            )
        if now - shown >= _SECONDS_BETWEEN_SIGNS_OF_LIFE:
            print(f"  {now - started:4.0f} s", flush=True)
            shown = now
        time.sleep(0.5)
    return found


def free_port(preferred: int = 0) -> int:
    """Return a port of this machine that no process listens on.

    :param preferred: the port to take if it is free; 0 for any.
    """
    for port in (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise DemoError("No port is free on this machine.")
