"""An event loop in which no time passes but the one that is waited for."""

from __future__ import annotations

import asyncio


class VirtualLoop(asyncio.SelectorEventLoop):
    """Run an asyncio program in virtual time; it must wait for nothing outside of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        """Return the virtual time."""
        return self._now

    def _run_once(self) -> None:
        # Nothing is ready, so the first scheduled callback is next.
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio's own
            first = self._scheduled[0].when()  # type: ignore[attr-defined]  # as above
            self._now = max(self._now, first)
        super()._run_once()  # type: ignore[misc]  # as above
