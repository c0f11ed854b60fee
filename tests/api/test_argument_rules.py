"""The rules for arguments: numbers, rates, switches, paths, and the guard over states."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.dialects import rules_of
from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.parts import Flags, PartKind
from airflow_provider_oms.api.validation import (
    validate_flag,
    validate_number,
    validate_only_if_states,
    validate_path,
    validate_rate,
)

MOST = 999_999_999
UNSAID = ("send_notifications", "None")


def field_refused(validate: Callable[[], object]) -> str:
    with pytest.raises(OmsInputError) as refusal:
        validate()
    # Both halves of the message: the rule, and the value found.
    assert refusal.value.rule
    assert refusal.value.kind
    return refusal.value.field


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "number"),
        [
            (0, 0),
            (7, 7),
            (MOST, MOST),
            ("0", 0),
            ("007", 7),
            ("0" * 20 + "7", 7),
            (str(MOST), MOST),
        ],
    )
    def test_whole_numbers_and_their_digits_are_taken(self, value: Any, number: int) -> None:
        assert validate_number("max_workers", value) == number

    @pytest.mark.parametrize(
        "value",
        [
            *(MOST + 1, str(MOST + 1), "9" * 10_000, -1, "-1", True, False, 1.5, "1.0"),
            *("", " 1", "²", "१", None, "None", [1]),
        ],
    )
    def test_everything_else_is_refused_by_the_name_of_its_argument(self, value: Any) -> None:
        assert field_refused(lambda: validate_number("max_workers", value)) == "max_workers"

    @pytest.mark.parametrize("least", [0, 1])
    def test_both_bounds_are_named(self, least: int) -> None:
        for value in (least - 1, MOST + 1):
            with pytest.raises(OmsInputError) as refusal:
                validate_number("n", value, least=least)
            assert refusal.value.rule == f"a whole number from {least} to 999999999"

    @given(least=st.integers(0, 1000), value=st.integers(0, 2000), is_text=st.booleans())
    def test_the_least_is_the_least(self, least: int, value: int, *, is_text: bool) -> None:
        def validate() -> int:
            return validate_number("n", str(value) if is_text else value, least=least)

        if value >= least:
            assert validate() == value
        else:
            assert field_refused(validate) == "n"


class TestRates:
    @pytest.mark.parametrize(
        ("value", "rate"),
        [(1, 1.0), (0.5, 0.5), ("2.5", 2.5), (Decimal("0.1"), 0.1), (1e300, 1e300)],
    )
    def test_numbers_above_nothing_are_taken(self, value: Any, rate: float) -> None:
        assert validate_rate("rate", value) == rate

    @pytest.mark.parametrize(
        "value", [0, "0", -1, "inf", "nan", float("inf"), True, None, "None", "", "x", 10**400, []]
    )
    def test_everything_else_is_refused_by_the_name_of_its_argument(self, value: Any) -> None:
        assert field_refused(lambda: validate_rate("rate", value)) == "rate"


class TestSwitches:
    @pytest.mark.parametrize("word", ["true", "True", " TRUE\n"])
    def test_a_rendered_switch_is_on(self, word: str) -> None:
        assert validate_flag("dry_run", word) is True
        assert validate_flag("dry_run", True) is True

    @pytest.mark.parametrize("word", ["false", "False", " FALSE\n"])
    def test_a_rendered_switch_is_off(self, word: str) -> None:
        assert validate_flag("dry_run", word) is False
        assert validate_flag("dry_run", False) is False

    @pytest.mark.parametrize("value", [None, "None", "", "yes", "1", 0, 1, [], "truefalse"])
    def test_what_is_unclear_is_refused(self, value: Any) -> None:
        assert field_refused(lambda: validate_flag("dry_run", value)) == "dry_run"


class TestPaths:
    @pytest.mark.parametrize("path", ["orders.csv", "s3://bucket/orders.jsonl", " a b "])
    def test_a_path_is_taken_as_it_is(self, path: str) -> None:
        assert validate_path("orders_path", path) == path

    @pytest.mark.parametrize("value", ["", " ", "None", " None ", None, 1, ["a"]])
    def test_none_and_what_is_no_text_is_refused(self, value: Any) -> None:
        assert field_refused(lambda: validate_path("orders_path", value)) == "orders_path"


class TestTheGuard:
    def test_it_is_off_only_where_it_was_left_out(self) -> None:
        assert validate_only_if_states(None) is None

    @pytest.mark.parametrize(
        "value", [["READY", "NEW"], '["READY", "NEW"]', '\n ["READY", "NEW"]', "READY, NEW"]
    )
    def test_its_forms_mean_the_same(self, value: Any) -> None:
        assert validate_only_if_states(value) == frozenset({"READY", "NEW"})

    @pytest.mark.parametrize("value", ["", " ", "None", "[]", [], (), set(), ",", [None], 7, False])
    def test_one_that_has_vanished_is_refused(self, value: Any) -> None:
        assert field_refused(lambda: validate_only_if_states(value)) == "only_if_states"


class TestParts:
    @pytest.mark.parametrize(("api", "most"), [("native", 2**31 - 1), ("translated", 2**63 - 1)])
    def test_numbers_have_as_many_bits_as_the_api_gives_them(self, api: str, most: int) -> None:
        rules = rules_of(api).parts()
        assert rules.line_name(str(most)) == rules.shipment_number(str(most)) == most
        assert field_refused(lambda: rules.line_name(most + 1)) == "line"
        assert field_refused(lambda: rules.shipment_number(most + 1)) == "shipment_id"

    @pytest.mark.parametrize(
        ("api", "kind", "flags", "field", "found"),
        [
            ("native", PartKind.SHIPMENT, {"send_notifications": None}, *UNSAID),
            ("translated", PartKind.LINE, {"send_notifications": None}, *UNSAID),
            ("translated", PartKind.SHIPMENT, {}, "send_notifications", "a boolean"),
            ("native", PartKind.LINE, {"rectify_order": False}, "rectify_order", "false"),
            ("native", PartKind.LINE, {"cancel_child_items": True}, "cancel_child_items", "true"),
            ("translated", PartKind.LINE, {"block_assignment": True}, "block_assignment", "true"),
        ],
    )
    def test_a_flag_that_a_call_cannot_carry_is_refused_by_its_value(
        self, api: str, kind: PartKind, flags: dict[str, Any], field: str, found: str
    ) -> None:
        given = Flags(**{"send_notifications": True, **flags})
        with pytest.raises(OmsInputError) as refusal:
            rules_of(api).parts().check_flags(kind, given)
        assert (refusal.value.field, refusal.value.kind) == (field, found)
