"""Read the time at which a fraud check decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import kind_of
from airflow_provider_oms.verdicts.adapters.payload import shown
from airflow_provider_oms.verdicts.verdict import OmsVerdictError

__all__ = ["Clock"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ("seconds", "milliseconds")
# Outside of these are numbers of another unit, and what programs write for no time (year 1).
_YEARS = range(2000, 2100)
# A date alone is shorter or as long: it is no time.
_CHARACTERS_OF_A_DATE = 10
_RULE = (
    "a time in ISO 8601 with its zone, such as 2026-11-28T12:00:00Z, or a number if the adapter's "
    "epoch is set"
)


@dataclass(frozen=True, slots=True)
class Clock:
    """Say how the times of a payload are meant.

    :param zone: the time zone of a time without one; ``None`` where such a time is refused.
    :param unit: the unit of a number since 1970; ``None`` where numbers are refused.
    """

    zone: ZoneInfo | None = None
    unit: str | None = None

    @classmethod
    def checked(cls, zone: Any, epoch: Any) -> Clock:
        """Return the caller's settings.

        :param zone: the name of a time zone, or ``None``.
        :param epoch: ``"seconds"``, ``"milliseconds"`` or ``None``.
        :raises OmsInputError: when one of them is no such thing.
        """
        if epoch is not None and epoch not in _UNITS:
            raise OmsInputError("epoch", "seconds, milliseconds or left out", kind_of(epoch))
        try:
            return cls(None if zone is None else ZoneInfo(zone), epoch)
        except (LookupError, ValueError, TypeError, OSError):
            rule = "the name of a time zone, such as UTC or Europe/Berlin, or left out"
            raise OmsInputError("zone", rule, kind_of(zone)) from None

    def read(self, field: str, value: Any) -> datetime:
        """Return a time of a payload in UTC.

        :param field: the field's name, for the error.
        :param value: a text in ISO 8601, a number if the unit is set, or a ``datetime``.
        :raises OmsVerdictError: for anything else, for a time without a zone where none is set,
            and for a year that no verdict can be of.
        """
        try:
            moment = self._moment(value)
        except (ValueError, OverflowError):
            moment = None
        if moment is None:
            raise OmsVerdictError(field, _RULE, kind_of(value))
        if moment.year not in _YEARS:
            rule = f"a time from {_YEARS[0]} to {_YEARS[-1]}"
            raise OmsVerdictError(field, rule, "another year; check the adapter's epoch")
        return self._with_zone(field, moment).astimezone(UTC)

    def _moment(self, value: Any) -> datetime | None:
        if isinstance(value, datetime):
            return value
        if isinstance(value, str):
            # fromisoformat() also reads a date alone, as its midnight.
            is_time = len(value) > _CHARACTERS_OF_A_DATE
            return datetime.fromisoformat(value) if is_time else None
        # A boolean counts as 0 or 1, which is of another year.
        if isinstance(value, int | float) and self.unit is not None:
            return _EPOCH + timedelta(**{self.unit: value})
        return None

    def _with_zone(self, field: str, moment: datetime) -> datetime:
        if moment.utcoffset() is not None:
            return moment
        if self.zone is None:
            rule = "a time with its zone, unless the adapter's zone is set"
            raise OmsVerdictError(field, rule, "a time without one")
        first, second = (moment.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            rule = f"a time that there is once in {shown(self.zone.key)}"
            raise OmsVerdictError(field, rule, "one at which its clocks change")
        return first
