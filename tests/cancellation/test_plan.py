"""What a caller may ask for: a value that is not plainly one is refused, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.cancellation.plan import (
    validate_flag,
    validate_number,
    validate_path,
    validate_rate,
)

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.binary(),
    st.lists(st.integers(), max_size=2),
)  # fmt: skip


@pytest.mark.parametrize("validate", [validate_number, validate_rate, validate_path])
@pytest.mark.parametrize("value", [True, False, None, "None", [], {}, b"x"])
def test_what_is_no_number_and_no_path_is_refused(
    validate: Callable[[str, Any], object], value: object
) -> None:
    with pytest.raises(OmsInputError, match=r"^the_field must be"):
        validate("the_field", value)


@given(ANYTHING, st.integers(0, 2))
def test_a_number_is_an_integer_or_its_digits(value: object, least: int) -> None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit()
    expected = int(value) if is_integer or is_digits else None  # type: ignore[call-overload]  # one of the two
    if expected is not None and least <= expected < 10**9:
        assert validate_number("max_orders", value, least=least) == expected
    else:
        with pytest.raises(OmsInputError):
            validate_number("max_orders", value, least=least)


@pytest.mark.parametrize(("value", "number"), [("007", 7), (0, 0), ("999999999", 999_999_999)])
def test_a_template_may_render_a_number(value: object, number: int) -> None:
    assert validate_number("max_orders", value) == number


@pytest.mark.parametrize("value", ["1" * 10, 10**9, -1, "-1", "1.0", 1.0, "\u0661", " 1", ""])
def test_what_only_looks_like_a_number_is_refused(value: object) -> None:
    with pytest.raises(OmsInputError):
        validate_number("max_orders", value)


@given(ANYTHING)
def test_a_flag_is_true_or_false_and_nothing_that_python_takes_for_one(value: object) -> None:
    is_word = isinstance(value, str) and value.strip().lower() in ("true", "false")
    if isinstance(value, bool) or is_word:
        assert validate_flag("dry_run", value) is (str(value).strip().lower() == "true")
    else:
        with pytest.raises(OmsInputError):
            validate_flag("dry_run", value)


@pytest.mark.parametrize("value", [0, -1, "0", "nan", "inf", float("nan"), "-1", "fast"])
def test_a_rate_is_above_zero_and_finite(value: object) -> None:
    with pytest.raises(OmsInputError):
        validate_rate("requests_per_second", value)


@pytest.mark.parametrize("value", [0.5, "0.5", 10, "1e3"])
def test_a_rate_may_be_a_fraction_or_its_text(value: Any) -> None:
    assert validate_rate("requests_per_second", value) == float(value)
