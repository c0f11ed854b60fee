"""Time that passes only while a cancellation sleeps: a busy machine uses up no deadline."""

from __future__ import annotations

import time
from typing import Any

from airflow_provider_oms.cancellation.runner import Runtime

# A cancel that is to show within a moment needs that moment; one that never shows, none.
_A_MOMENT = 10.0


class SleptTime:
    """Count the seconds that were slept.

    :param is_real: whether to sleep them, for a tenant that does something meanwhile.
    """

    def __init__(self, *, is_real: bool) -> None:
        self._is_real = is_real
        self._now = 1000.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        if self._is_real:
            time.sleep(seconds)
        self._now += seconds


def surroundings_for(*faults: dict[str, Any], is_late: bool = False) -> Runtime:
    """Return the time and chance of a cancellation that meets faults of the emulator.

    :param faults: the faults, by their fields.
    :param is_late: whether the tenant shows a cancel late in any case.
    """
    slept = SleptTime(is_real=is_late or any(_acts_meanwhile(fault) for fault in faults))
    return Runtime(clock=slept.now, sleep=slept.sleep)


def _acts_meanwhile(fault: dict[str, Any]) -> bool:
    return fault["kind"] in ("late", "slow") and fault["seconds"] < _A_MOMENT
