"""The time of a decision: the values read, and the values refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_oms.verdicts.adapters import Fields
from airflow_provider_oms.verdicts.verdict import OmsVerdictError

AT = datetime(2026, 11, 28, 9, 30, 15, tzinfo=UTC)


def time_of(value: Any, **settings: Any) -> datetime | None:
    payload = {"order_id": 7, "verdict": "rejected", "at": value}
    return Fields(decided_at="at", **settings)(payload).decided_at


def refused(value: Any, **settings: Any) -> OmsVerdictError:
    with pytest.raises(OmsVerdictError) as refusal:
        time_of(value, **settings)
    assert refusal.value.field == "at"
    assert refusal.value.order_id == 7
    return refusal.value


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-28T09:30:15Z",
        "2026-11-28T09:30:15+00:00",
        "2026-11-28T09:30:15+0000",
        "2026-11-28 10:30:15+01:00",
        "20261128T093015Z",
        "2026-11-28T09:30:15.000Z",
        "2026-11-28T09:30:15.0000000Z",
        AT,
        AT.astimezone(timezone(timedelta(hours=-5))),
    ],
)
def test_a_time_with_its_zone_is_read(value: Any) -> None:
    found = time_of(value)
    assert found == AT
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        None, "", " ", "now", "2026-11-28", "20261128", "2026-W48-6", "28.11.2026 09:30", "09:30Z",
        "2026-13-28T09:30:15Z", "2026-11-28T25:30:15Z", "２０２６-11-28T09:30:15Z",
        "Sat, 28 Nov 2026 09:30:15 GMT", "1795858215", True, 1795858215, 1795858215.5,
        date(2026, 11, 28), [], {}, "9" * 999,
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(value: Any) -> None:
    assert "1795858215" not in str(refused(value))


@pytest.mark.parametrize("value", ["2026-11-28T09:30:15", AT.replace(tzinfo=None)])
def test_a_time_without_a_zone_is_refused_unless_one_is_set(value: Any) -> None:
    assert refused(value).kind == "a time without one"
    assert time_of(value, zone="UTC") == AT
    assert time_of(value, zone="America/New_York") == AT + timedelta(hours=5)
    assert time_of("2026-11-28T09:30:15Z", zone="America/New_York") == AT


@pytest.mark.parametrize("value", ["2026-11-28", "20261128", "2026-W48-6"])
def test_a_date_alone_is_no_time_whatever_the_zone(value: str) -> None:
    refused(value, zone="UTC")


@pytest.mark.parametrize("value", ["2026-10-25T02:30:00", "2026-03-29T02:30:00"])
def test_a_time_that_the_clocks_repeat_or_skip_is_refused(value: str) -> None:
    error = refused(value, zone="Europe/Berlin")
    assert error.rule == "a time that there is once in 'Europe/Berlin'"
    assert time_of(value, zone="UTC") is not None


@pytest.mark.parametrize(
    ("epoch", "value"),
    [
        ("seconds", AT.timestamp()),
        ("seconds", int(AT.timestamp())),
        ("milliseconds", int(AT.timestamp()) * 1000),
        ("milliseconds", "2026-11-28T09:30:15Z"),
    ],
)
def test_a_number_counts_what_the_setting_says(epoch: str, value: Any) -> None:
    assert time_of(value, epoch=epoch) == AT


@pytest.mark.parametrize(
    ("epoch", "value"),
    [
        ("seconds", int(AT.timestamp()) * 1000),
        ("milliseconds", int(AT.timestamp())),
        ("seconds", 0),
        ("seconds", -1),
        ("seconds", 10**400),
        ("seconds", float("inf")),
        ("seconds", float("nan")),
        ("seconds", True),
        ("seconds", "1795858215"),
        (None, "0001-01-01T00:00:00Z"),
        (None, "0001-01-01T00:00:00+14:00"),
        (None, "9999-12-31T23:59:59-14:00"),
        (None, "1999-12-31T23:59:59Z"),
    ],
)
def test_a_number_of_another_unit_and_a_time_that_none_can_be_are_refused(
    epoch: str | None, value: Any
) -> None:
    refused(value, epoch=epoch)


def test_a_year_that_none_can_be_of_hints_at_the_unit() -> None:
    error = refused(int(AT.timestamp()), epoch="milliseconds")
    assert error.kind == "another year; check the adapter's epoch"
