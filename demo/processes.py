"""Programs in separate sessions: started, waited for, ended with all their children.

A session's number finds even the children of a program that died, and survives their renaming.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from demo.terminal import DemoError, last_lines, undisturbed

_SECONDS_TO_END = 15.0
_SECONDS_TO_DIE = 5.0
# Debian keeps servers where only an administrator's PATH leads.
_ALSO_IN = ("/usr/sbin", "/usr/local/sbin")


class Session:
    """Name a session by its number, which is that of the process that it begins with."""

    def __init__(self, leader: int) -> None:
        self.id = leader
        self._leader = psutil.Process(leader)

    def processes(self) -> list[psutil.Process]:
        # Members that outlived their leader keep the number from being given to others.
        if psutil.pid_exists(self.id) and not self._leader.is_running():
            return []
        found = []
        for process in psutil.process_iter():
            # It may end at any time, or belong to another user.
            with suppress(psutil.Error, ProcessLookupError, PermissionError):
                if os.getsid(process.pid) == self.id and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


def launch(
    command: list[str],
    environment: dict[str, str],
    directory: Path,
    log: Path,
    remember: Callable[[Session], object],
) -> subprocess.Popen[bytes]:
    """Start a program in a separate session.

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
        remember(Session(process.pid))
    return process


@contextmanager
def running(
    command: list[str],
    environment: dict[str, str],
    log: Path,
    *,
    name: str,
    ready: Callable[[], object],
    limit: float,
) -> Iterator[list[Session]]:
    """Run a program for the length of a `with` block, which begins when it is ready.

    :param log: the file that its output is added to; it runs in the directory of that.
    :return: its session; others that are added end with it.
    """
    sessions: list[Session] = []
    try:
        process = launch(command, environment, log.parent, log, sessions.append)
        wait_until(ready, process, name=name, log=log, limit=limit)
        yield sessions
    finally:
        end(sessions)


def run(command: list[str], environment: dict[str, str], log: Path) -> None:
    """Run a program to its end, in the directory of its log."""
    sessions: list[Session] = []
    try:
        status = launch(command, environment, log.parent, log, sessions.append).wait()
    finally:
        end(sessions)
    if status:
        raise DemoError(f"{last_lines(log)}\n\nThis ended with {status}: {shlex.join(command)}")


def end(sessions: Iterable[Session]) -> int:
    """End every process of some sessions, by force if need be, and return how many there were.

    :raises DemoError: when a process still runs afterwards.
    """
    sessions = list(sessions)
    with undisturbed():
        asked = _signal(sessions, signal.SIGTERM)
        _wait_for_end(sessions, _SECONDS_TO_END)
        until = time.monotonic() + _SECONDS_TO_DIE
        # Processes that were being started while their parent was killed are found at a later look.
        while left := _signal(sessions, signal.SIGKILL):
            if time.monotonic() > until:
                raise DemoError(f"Still running: {', '.join(str(one.pid) for one in left)}")
            time.sleep(0.05)
    return len(asked)


def _signal(sessions: list[Session], number: signal.Signals) -> list[psutil.Process]:
    members = [process for session in sessions for process in session.processes()]
    for process in members:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    return members


def _wait_for_end(sessions: list[Session], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(session.processes() for session in sessions):
        time.sleep(0.1)


def wait_until(
    is_ready: Callable[[], object],
    process: subprocess.Popen[bytes],
    *,
    name: str,
    log: Path,
    limit: float,
) -> None:
    """Wait until a program is ready.

    :param is_ready: asked twice a second.
    :param limit: seconds to wait at most.
    :raises DemoError: when it ends, or is not ready in time, with the end of its log.
    """
    until = time.monotonic() + limit
    while not is_ready():
        has_ended = process.poll() is not None
        if has_ended or time.monotonic() > until:
            fate = "ended" if has_ended else f"was not ready after {limit:.0f} s"
            raise DemoError(f"{last_lines(log)}\n\n{name} {fate}; see {os.path.relpath(log)}.")
        time.sleep(0.5)


def find_program(name: str, package: str) -> str:
    """Return the path of a program, or refuse to go on without it."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_ALSO_IN])
    if found := shutil.which(name, path=path):
        return found
    raise DemoError(f"This needs {name}: apt-get install --no-install-recommends {package}")


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
