"""A folder of object storage in memory, whose writes can fail in each of the ways there are."""

from __future__ import annotations

from collections.abc import Collection

from airflow_provider_oms.cancellation.object_log import ObjectLog


class Objects:
    """Keep the objects of a task for all of its attempts.

    ``fails`` tells how the next write fails: without a trace (``"gone"``), after the object was
    created (``"taken"``), or so that it arrives with :meth:`arrive` (``"late"``).
    """

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.unlisted: set[str] = set()
        self.fails: str | None = None
        self.writes = 0
        self._late: list[tuple[str, bytes]] = []

    def names(self) -> Collection[str]:
        return self.kept.keys() - self.unlisted

    def read(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def create(self, name: str, data: bytes) -> None:
        self.writes += 1
        if self.fails == "late":
            self._late.append((name, data))
        if self.fails in ("late", "gone"):
            raise TimeoutError(self.fails)
        self.put(name, data)
        if self.fails == "taken":
            raise TimeoutError(self.fails)

    def put(self, name: str, data: bytes) -> None:
        if name in self.kept:
            raise FileExistsError(name)
        self.kept[name] = data

    def arrive(self) -> None:
        """Let the writes that are late arrive, each where nothing has its place."""
        for name, data in self._late:
            self.kept.setdefault(name, data)
        self._late.clear()

    def open(self, attempt: int = 1) -> ObjectLog:
        return ObjectLog(self, task="cancel", attempt=attempt, token=f"token {attempt}")


class ReplacingObjects(Objects):
    """Replace an object that should only be created."""

    def put(self, name: str, data: bytes) -> None:
        self.kept[name] = data
