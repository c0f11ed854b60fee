"""The clock that waits, deadlines and leases of a cancellation are counted by.

Moments for people and for the record are wall-clock times, and are taken where they are written.
"""

from __future__ import annotations

import time

__all__ = ["seconds"]

# On Linux the monotonic clock stands still while a machine is suspended. A lease, a deadline and
# the result of a read must have expired when it resumes.
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def seconds() -> float:
    """Return seconds that never jump back and, on Linux, count the time of a suspended machine."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)
