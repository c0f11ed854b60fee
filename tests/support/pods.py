"""Pods of a test: a directory with the processes of one attempt, started by `pod_executor`."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
from patience import wait_until


class Pod:
    """Look after the pod of one attempt.

    :param home: its directory; the pod may not have begun.
    """

    def __init__(self, home: Path) -> None:
        wait_until((home / "pid").exists)
        self.home = home
        self._leader = psutil.Process(int((home / "pid").read_text(encoding="utf-8")))
        #: The most memory that it was seen with.
        self.peak_mib = 0.0

    @property
    def is_running(self) -> bool:
        """Return whether its first process has not ended."""
        try:
            return self._leader.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def ended(self) -> dict[str, Any]:
        """Return its exit status and its processor time, once it has ended."""
        wait_until((self.home / "ended.json").exists)
        told: dict[str, Any] = json.loads((self.home / "ended.json").read_text(encoding="utf-8"))
        return told

    def terminate(self, grace: float, report: Path) -> tuple[float | None, float | None]:
        """Delete it as a cluster does: SIGTERM, and SIGKILL when its grace is over.

        :param grace: seconds that it has.
        :param report: a file that it writes when it ends in order.
        :return: after how many seconds the report was there, and after how many it had ended;
            ``None`` for an event that did not happen before the SIGKILL.
        """
        began_at, processes = time.monotonic(), self._processes()
        reported: float | None = None
        os.killpg(self._leader.pid, signal.SIGTERM)
        while (seconds := time.monotonic() - began_at) < grace and self.is_running:
            if reported is None and report.exists():
                reported = seconds
            time.sleep(0.02)
        ended = None if self.is_running else seconds
        _kill(processes)
        return reported, ended

    def kill(self) -> None:
        """End it without a warning."""
        _kill(self._processes())

    def send(self, number: signal.Signals) -> None:
        """Send a signal to each of its processes.

        :param number: the signal.
        """
        for process in self._processes():
            process.send_signal(number)

    def weigh(self) -> None:
        """Look how much memory it has; pages that its processes share count once."""
        try:
            found = [process.memory_full_info() for process in self._processes()]
        except psutil.Error:
            return
        own, shared = sum(one.uss for one in found), max(one.rss - one.uss for one in found)
        self.peak_mib = max(self.peak_mib, (own + shared) / 2**20)

    def _processes(self) -> list[psutil.Process]:
        return [self._leader, *self._leader.children(recursive=True)]


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        if process.is_running():
            process.kill()
