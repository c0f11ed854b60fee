"""The bounds of a run, as a caller gives them: kept as they are, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.cancellation.bulk.limits import Limits
from airflow_provider_oms.cancellation.outcomes import Outcome


def checked(**given: Any) -> Limits:
    values = {
        "max_workers": 4,
        "requests_per_second": None,
        "stop_after_failures": None,
        "accepted_outcomes": (),
        **given,
    }
    return Limits.checked(**values, given=given.keys(), orders_per_search=50)


def test_what_is_given_is_kept_and_what_is_not_bounds_nothing() -> None:
    limits = checked(
        max_workers=128,
        requests_per_second=2.5,
        stop_after_failures=1,
        accepted_outcomes=["not_found"],
    )
    assert limits == Limits(128, 2.5, 1, 50, frozenset({Outcome.NOT_FOUND}))
    assert checked() == Limits(4, None, None, 50, frozenset())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_workers", 0),
        ("max_workers", 129),
        ("max_workers", None),
        ("requests_per_second", 0),
        ("requests_per_second", None),
        ("stop_after_failures", 0),
        ("stop_after_failures", None),
        ("accepted_outcomes", ["canceled"]),
    ],
)
def test_one_that_cannot_be_meant_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(OmsInputError) as caught:
        checked(**{name: value})
    assert caught.value.field == name


@pytest.mark.parametrize(("rate", "shared"), [(60.0, 20.0), (None, None)])
def test_requests_that_belong_together_share_the_rate(
    rate: float | None, shared: float | None
) -> None:
    assert Limits(requests_per_second=rate).shared_by(3).requests_per_second == shared
