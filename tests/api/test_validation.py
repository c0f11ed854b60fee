"""The values that may be sent: both sides of every bound, and no input that gets past them."""

from __future__ import annotations

import json
import re
import string
from decimal import Decimal
from fractions import Fraction
from numbers import Integral
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.translated_rules import (
    explanation_length,
    validate_disposition_other_reason,
    validate_disposition_reason,
)
from airflow_provider_oms.api.validation import (
    KNOWN_DISPOSITION_REASONS,
    kind_of,
    validate_cancel_request,
    validate_order_id,
    validate_order_states,
)
from airflow_provider_oms.api.values import MAX_WHOLE_NUMBER as MOST


@Integral.register
class Index:
    """An integer that is no int, as those of numpy are."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __int__(self) -> int:
        return self._number


OF_A_CONNECTION = (
    "(the connection's api is translated, the default; set it to native for a native tenant)"
)


class TestNamesOfNativeTenants:
    @pytest.mark.parametrize(
        "value",
        ["number:2000011", "external_id:7", "EXT-2000002", "137a94b6402be0000137196800002711"],
    )
    def test_an_id_that_only_those_have_is_told_of_api(self, value: str) -> None:
        with pytest.raises(OmsInputError) as refusal:
            Translated().order_id(value)
        assert refusal.value.rule.startswith("an integer from 1 to ")
        assert refusal.value.rule.endswith(f" without leading zero {OF_A_CONNECTION}")
        assert refusal.value.kind == f"a string of {len(value)} characters"

    @pytest.mark.parametrize("value", ["", "0", "None", "1e6", "007", 1.5, None, "two words", "-7"])
    def test_any_other_is_not(self, value: object) -> None:
        with pytest.raises(OmsInputError) as refusal:
            Translated().order_id(value)
        assert refusal.value.rule.endswith("without leading zero")

    def test_so_is_one_with_another_key(self) -> None:
        with pytest.raises(OmsInputError) as refusal:
            Translated().order_id(7, "external_id")
        assert refusal.value.rule == f"id on a translated tenant {OF_A_CONNECTION}"

    def test_a_function_with_an_argument_api_speaks_of_that(self) -> None:
        says = re.escape("(api is translated, the default; set it to native for a native tenant)")
        with pytest.raises(OmsInputError, match=says):
            validate_cancel_request("EXT-1", "created_by_mistake")


class TestOrderId:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (1, 1),
            ("1", 1),
            (1010101, 1010101),
            ("1010101", 1010101),
            (2**31, 2**31),
            (9_000_000_000, 9_000_000_000),
            ("9000000000", 9_000_000_000),
            (2**63 - 1, MOST),
            (MOST, MOST),
            (str(MOST), MOST),
            # What databases and data frames return for whole numbers.
            (Decimal(5), 5),
            (Decimal("5.00"), 5),
            (Decimal("2E+6"), 2_000_000),
            (Decimal(MOST), MOST),
            (Index(7), 7),
        ],
    )
    def test_integers_and_digit_strings_are_accepted(self, value: Any, expected: int) -> None:
        assert validate_order_id(value) == expected
        assert type(validate_order_id(value)) is int

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            (True, "a boolean"),
            (False, "a boolean"),
            (0, "zero"),
            (-1, "a negative integer"),
            (MOST + 1, "a larger integer"),
            (str(MOST + 1), "a string of 19 characters"),
            ("9" * 20, "a string of 20 characters"),
            ("9" * 100_000, "a string of 100000 characters"),
            (1.0, "a float (read ids as whole numbers or as text)"),
            (float("nan"), "a float (read ids as whole numbers or as text)"),
            (Decimal("5.5"), "a Decimal that is not a whole number from 1"),
            (Decimal("0.00"), "a Decimal that is not a whole number from 1"),
            (Decimal(-5), "a Decimal that is not a whole number from 1"),
            (Decimal("NaN"), "a Decimal that is not a whole number from 1"),
            (Decimal("sNaN"), "a Decimal that is not a whole number from 1"),
            (Decimal("Infinity"), "a Decimal that is not a whole number from 1"),
            (Decimal("1E+1000000"), "a Decimal that is not a whole number from 1"),
            (Decimal(MOST + 1), "a Decimal that is not a whole number from 1"),
            (Fraction(7, 2), "a value of type Fraction (read ids as whole numbers or as text)"),
            (Index(0), "zero"),
            (None, "None"),
            ("None", "null rendered"),
            ("", "an empty string"),
            ("   ", "a blank string"),
            ("0", "a string of 1 characters"),
            ("007", "a string of 3 characters with a leading zero"),
            ("+7", "a string of 2 characters"),
            ("-7", "a string of 2 characters"),
            (" 7", "2 characters with a blank or a line break around digits"),
            ("7\n", "2 characters with a blank or a line break around digits"),
            ("1e3", "3 characters in scientific notation, which has lost digits"),
            ("1.01E+06", "8 characters in scientific notation, which has lost digits"),
            ("1,01E+06", "8 characters in scientific notation, which has lost digits"),
            ("1,010,101", "9 characters with thousands separators"),
            ("1.010.101", "9 characters with thousands separators"),
            ("7;", "2 characters with a separator in it; separate fields by commas"),
            ("7\tx", "3 characters with a separator in it; separate fields by commas"),
            ("1_0", "a string of 3 characters"),
            ("1.0", "3 characters that holds a float; read ids as whole numbers or as text"),
            ("0x1F", "a string of 4 characters"),
            ("١٢٣", "a string of 3 characters"),
            ("１２３", "a string of 3 characters"),
            (b"7", "a value of type bytes"),
            ([7], "a value of type list"),
            ({"order_id": 7}, "a value of type dict"),
        ],
    )
    def test_everything_else_is_refused_with_field_kind_and_rule(
        self, value: Any, kind: str
    ) -> None:
        with pytest.raises(OmsInputError) as refusal:
            validate_order_id(value)
        message = str(refusal.value)
        assert message.startswith("order_id must be an integer from 1")
        assert kind.replace("null rendered", "a template whose value was null") in message
        assert "Nothing was sent" in message

    def test_the_refused_value_itself_is_not_quoted(self) -> None:
        with pytest.raises(OmsInputError) as refusal:
            validate_order_id("jane.doe@example.com")
        assert "jane" not in str(refusal.value)

    @pytest.mark.parametrize(
        ("number", "kind"),
        [(-1, "a negative integer"), (0, "zero"), (1, "a positive integer"),
         (MOST, "a positive integer"), (MOST + 1, "a larger integer")],
    )  # fmt: skip
    def test_an_integer_is_larger_only_where_it_is_larger_than_any_id(
        self, number: int, kind: str
    ) -> None:
        assert kind_of(number) == kind

    @given(st.decimals())
    def test_a_decimal_passes_exactly_when_it_is_an_id(self, value: Decimal) -> None:
        is_id = value.is_finite() and 1 <= value <= MOST and value.as_integer_ratio()[1] == 1
        try:
            assert validate_order_id(value) == value
            assert is_id
        except OmsInputError:
            assert not is_id

    @given(st.one_of(st.text(max_size=25), st.text("0123456789+-_. eE", max_size=21)))
    def test_a_string_passes_exactly_when_it_is_the_decimal_form_of_an_id(self, text: str) -> None:
        try:
            number = validate_order_id(text)
        except OmsInputError:
            assert not (
                text and set(text) <= set(string.digits) and text[0] != "0" and int(text) <= MOST
            )
        else:
            assert str(number) == text
            assert 1 <= number <= MOST

    @given(st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.binary()))
    def test_a_value_that_is_no_string_passes_exactly_when_it_is_an_id(self, value: Any) -> None:
        is_id = type(value) is int and 1 <= value <= MOST
        try:
            assert validate_order_id(value) == value
            assert is_id
        except OmsInputError:
            assert not is_id


class TestDispositionReason:
    @pytest.mark.parametrize("reason", KNOWN_DISPOSITION_REASONS)
    def test_known_reasons_are_kept_as_given(self, reason: str) -> None:
        assert validate_disposition_reason(reason) == reason

    @pytest.mark.parametrize(
        "reason", ["OTHER", "Other", " other", "other ", "", "None", None, 3, True, ["other"], {}]
    )
    def test_others_are_refused_and_the_known_ones_named(self, reason: Any) -> None:
        with pytest.raises(OmsInputError) as refusal:
            validate_disposition_reason(reason)
        for known in (*KNOWN_DISPOSITION_REASONS, "disposition_reasons"):
            assert known in str(refusal.value)

    def test_a_connection_can_admit_more_in_their_own_letter_case(self) -> None:
        assert validate_disposition_reason("FRAUD", ["FRAUD"]) == "FRAUD"
        with pytest.raises(OmsInputError, match="FRAUD"):
            validate_disposition_reason("fraud", ["FRAUD"])


class TestDispositionOtherReason:
    @pytest.mark.parametrize("nothing", [None, "", " ", "\t \n"])
    def test_blank_means_not_given(self, nothing: str | None) -> None:
        assert validate_disposition_other_reason(nothing, "customer_changed_mind") is None
        with pytest.raises(OmsInputError, match="given when disposition_reason is 'other'"):
            validate_disposition_other_reason(nothing, "other")

    def test_it_is_sent_trimmed(self) -> None:
        assert validate_disposition_other_reason("  Case 12 \n", "other") == "Case 12"

    def test_it_is_refused_with_any_other_reason(self) -> None:
        with pytest.raises(OmsInputError, match="empty unless disposition_reason is 'other'"):
            validate_disposition_other_reason("Case 12", "created_by_mistake")

    @pytest.mark.parametrize("text", ["None", " None "])
    @pytest.mark.parametrize("reason", ["other", "customer_changed_mind"])
    def test_a_rendered_null_is_refused(self, text: str, reason: str) -> None:
        with pytest.raises(OmsInputError, match="whose value was null"):
            validate_disposition_other_reason(text, reason)

    @pytest.mark.parametrize("value", [5, True, b"text", ["text"], 1.5])
    def test_what_is_no_string_is_refused(self, value: Any) -> None:
        with pytest.raises(OmsInputError, match="a string"):
            validate_disposition_other_reason(value, "other")

    @pytest.mark.parametrize("text", ["x", "x" * 255, "é" * 255, "€" * 36 + "abc", "a" * 248 + "€"])
    def test_up_to_255_stored_characters_pass(self, text: str) -> None:
        assert validate_disposition_other_reason(text, "other") == text

    @pytest.mark.parametrize("text", ["x" * 256, "é" * 256, "€" * 36 + "abcd", "a" * 249 + "€"])
    def test_more_than_255_stored_characters_are_refused(self, text: str) -> None:
        with pytest.raises(OmsInputError, match="a string that counts 256"):
            validate_disposition_other_reason(text, "other")

    @pytest.mark.parametrize("char", ["\n", "\t", "\r", "\x00", "\x7f", "\x85", "\u2028", "\ud800"])
    def test_control_characters_are_refused(self, char: str) -> None:
        with pytest.raises(OmsInputError, match="control characters"):
            validate_disposition_other_reason(f"a{char}b", "other")

    def test_a_character_outside_latin_1_counts_as_its_entity(self) -> None:
        assert explanation_length("€") == len("&#8364;")
        assert explanation_length("é") == 1


@given(
    order_id=st.one_of(st.integers(), st.text(max_size=20), st.none(), st.floats()),
    reason=st.one_of(st.sampled_from(KNOWN_DISPOSITION_REASONS), st.text(max_size=20), st.none()),
    explanation=st.one_of(st.none(), st.text(max_size=300), st.integers()),
)
def test_whatever_passes_keeps_the_contract(order_id: Any, reason: Any, explanation: Any) -> None:
    try:
        request = validate_cancel_request(order_id, reason, explanation)
    except OmsInputError:
        return
    body = json.loads(json.dumps(Translated().cancel_call(request, request.order_id).body).encode())
    assert type(body["orderID"]) is int
    assert body["orderID"] >= 1
    assert body["dispositionReason"] in KNOWN_DISPOSITION_REASONS
    assert ("dispositionOtherReason" in body) == (body["dispositionReason"] == "other")
    if "dispositionOtherReason" in body:
        text = body["dispositionOtherReason"]
        assert 1 <= explanation_length(text) <= 255
        assert text == text.strip()
        assert all(char >= " " for char in text)
    assert set(body) <= {"orderID", "dispositionReason", "dispositionOtherReason"}


def test_states_that_are_nested_without_end_are_refused_like_any_that_are_none() -> None:
    with pytest.raises(OmsInputError, match="states must be some"):
        validate_order_states("states", "[" * 200_000, rule="some")
