"""The option ``--since``: a point in time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["since"]

_AGO = re.compile(r"([1-9][0-9]{0,4})([hd])", re.ASCII)


def since(text: str, now: datetime) -> datetime:
    """Return the time that a person means.

    :param text: such as ``30d``, ``12h``, ``2026-11-01`` or ``2026-11-01T08:00+01:00``; UTC where
        it does not say otherwise.
    :param now: the present moment.
    :raises ValueError: when it is none of these.
    """
    if ago := _AGO.fullmatch(text):
        number, unit = int(ago[1]), ago[2]
        return now - (timedelta(hours=number) if unit == "h" else timedelta(days=number))
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
