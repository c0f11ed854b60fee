"""Where a tenant's settings end: the first value that is refused on either side of each rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsConfigError

LEAST = 1e-9
MOST = 3600


def settings(**extra: Any) -> TenantSettings:
    fields = {"tenant_id": "10001", "environment": "sandbox", **extra}
    return TenantSettings.from_connection(name="test", extra=json.dumps(fields))


def is_refused(field: str, value: Any) -> bool:
    with pytest.raises(OmsConfigError) as refusal:
        settings(**{field: value})
    return f"{field}: " in str(refusal.value)


WAITS = ("connect_timeout", "read_timeout", "settle_seconds", "deadline")


@pytest.mark.parametrize("field", WAITS)
@pytest.mark.parametrize("value", [LEAST, 1, "1", 1.5, MOST])
def test_a_wait_up_to_an_hour_is_taken(field: str, value: Any) -> None:
    others = {"deadline": MOST} | ({"settle_seconds": 0} if field == "deadline" else {})
    assert getattr(settings(**others | {field: value}), field) == float(value)


@pytest.mark.parametrize("field", WAITS)
@pytest.mark.parametrize("value", [-LEAST, -1, MOST + LEAST * 1000, 10**400, True, False, "soon"])
def test_any_other_wait_is_refused_by_its_name(field: str, value: Any) -> None:
    assert is_refused(field, value)


def test_nothing_may_be_waited_for_only_where_that_makes_sense() -> None:
    assert settings(settle_seconds=0).settle_seconds == 0
    for field in ("connect_timeout", "read_timeout", "deadline"):
        assert is_refused(field, 0)


@pytest.mark.parametrize("field", ["tenant_id", "site_id"])
@pytest.mark.parametrize("value", ["7", 7, "0", "9" * 18, 10**18 - 1])
def test_an_id_is_up_to_eighteen_digits(field: str, value: Any) -> None:
    assert getattr(settings(**{field: value}), field) == str(value)


@pytest.mark.parametrize("field", ["tenant_id", "site_id"])
@pytest.mark.parametrize("value", ["9" * 19, 10**18, -1, "-1", "t7", "7a", "٧", True])
def test_anything_else_is_no_id(field: str, value: Any) -> None:
    assert is_refused(field, value)


@pytest.mark.parametrize(
    "text", ['["fraud", "lost"]', ' \n["fraud", "lost"] ', "fraud,lost", " fraud , lost ,, "]
)
def test_reasons_are_a_list_however_it_is_written(text: str) -> None:
    assert settings(disposition_reasons=text).disposition_reasons == ("fraud", "lost")


@pytest.mark.parametrize("value", [["fraud", ""], ["fraud "], [" fraud"], [7], '["fraud", 7]'])
def test_a_reason_with_blanks_around_it_or_of_another_kind_is_refused(value: Any) -> None:
    assert is_refused("disposition_reasons", value)


def test_a_refusal_quotes_no_value() -> None:
    with pytest.raises(OmsConfigError) as refusal:
        settings(site_id="s3cret-value", deadline="s3cret-value", tenant_id="s3cret-value")
    assert "s3cret-value" not in str(refusal.value)
