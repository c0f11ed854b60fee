"""How people write the values of a connection: copied, quoted, exported, or built as a dict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.connection_values import (
    check_credential,
    read_extra,
    read_flag,
    read_list,
    read_pairs,
)


class TestCredentials:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("s3cret\n", "ends with a line break"),
            ("s3cret\r\n", "ends with a line break"),
            ("s3cret ", "ends with a blank"),
            ("s3cret\N{NO-BREAK SPACE}", "ends with a blank"),
            ("\ts3cret", "begins with a tab"),
            (" ", "begins with a blank"),
            ("s3\ncret", "a line break, or another character that cannot be seen"),
            ("s3cret\N{ZERO WIDTH SPACE}", "another character that cannot be seen"),
            ("\N{ZERO WIDTH NO-BREAK SPACE}s3cret", "another character that cannot be seen"),
            ("*", "is only asterisks"),
            ("********", "is only asterisks"),
            ("${OMS_SECRET}", "is a placeholder"),
            ("$OMS_SECRET", "is a placeholder"),
            ("{{ var.value.s3cret }}", "is a placeholder"),
            ("<the secret>", "is a placeholder"),
            ("None", "is a placeholder"),
            ("null", "is a placeholder"),
            ('"s3cret"', "is in quotation marks"),
            ("'s3cret'", "is in quotation marks"),
            ('""', "is in quotation marks"),
        ],
    )
    def test_what_no_credential_looks_like_is_named_without_showing_it(
        self, value: str, said: str
    ) -> None:
        with pytest.raises(ValueError, match=said) as refusal:
            check_credential(value)
        assert "s3" not in str(refusal.value)

    @pytest.mark.parametrize(
        "value",
        [
            "the client secret",
            "*a*",
            "a**",
            "$",
            "${",
            "a$B",
            "{x}",
            "<",
            "'",
            '"',
            "it's",
            '"a',
            "",
        ],
    )
    def test_what_may_be_one_is_taken(self, value: str) -> None:
        assert check_credential(value) == value

    # Not so short that it could be the word "null", which a template leaves.
    @given(
        st.text(
            st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*$<{'\""),
            min_size=5,
        )
    )
    def test_any_longer_word_is_taken(self, value: str) -> None:
        assert check_credential(value) == value


class TestExtra:
    @given(
        st.dictionaries(
            st.text(min_size=1),
            st.none() | st.booleans() | st.integers() | st.text(),
            max_size=4,
        )
    )
    def test_a_dict_and_its_text_say_the_same(self, fields: dict[str, Any]) -> None:
        assert read_extra(fields) == read_extra(json.dumps(fields))

    @pytest.mark.parametrize("extra", [None, "", "  ", "{}", {}, {"a": None, "b": "", "c": " "}])
    def test_what_is_empty_is_not_given(self, extra: Any) -> None:
        assert read_extra(extra) == ({}, [])

    def test_blanks_and_line_breaks_around_a_value_are_not_meant(self) -> None:
        assert read_extra({"tenant_id": "10001\n", "n": 3}) == ({"tenant_id": "10001", "n": 3}, [])

    def test_false_is_a_value(self) -> None:
        assert read_extra('{"allow_http": false}') == ({"allow_http": False}, [])

    @pytest.mark.parametrize(
        ("extra", "said"),
        [
            ('{"x": 1, "tenant_id": "1", "tenant_id": "2"}', "holds the field 'tenant_id' twice"),
            ('"{\\"tenant_id\\": \\"1\\"}"', "must be a JSON object"),
            ("[1]", "must be a JSON object"),
            (["tenant_id"], "must be a JSON object"),
            ("tenant_id=1", "is not valid JSON"),
        ],
    )
    def test_what_is_wrong_with_it_as_a_whole_is_named(self, extra: Any, said: str) -> None:
        assert read_extra(extra) == ({}, [f"extra {said}"])


@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), (False, False), ("true", True), ("True", True), ("FALSE", False)],
)
def test_a_switch_may_be_a_boolean_or_its_text(value: object, flag: bool) -> None:
    assert read_flag(value) is flag


@pytest.mark.parametrize("value", [1, 0, "1", "yes", "on", "", "tru", [True], 0.0])
def test_a_switch_that_is_unclear_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be true or false"):
        read_flag(value)


class TestLists:
    @pytest.mark.parametrize(
        "value", ["fraud,gift", " fraud , gift ,", '["fraud", "gift"]', '\n ["fraud", "gift"] ']
    )
    def test_json_and_commas_mean_the_same(self, value: str) -> None:
        assert read_list(value) == ("fraud", "gift")

    def test_what_is_no_text_is_left_to_its_own_rule(self) -> None:
        assert read_list(["fraud"]) == ["fraud"]

    @pytest.mark.parametrize("value", ['["fraud"', "[1]", '[["fraud"]]', "[" * 100_000])
    def test_json_that_is_no_list_of_strings_is_refused(self, value: str) -> None:
        with pytest.raises(ValueError, match="must be a list of strings"):
            read_list(value)


@pytest.mark.parametrize(
    "value", ["other=Other", " other = Other ,", '{"other": "Other"}', '\n {"other": "Other"} ']
)
def test_pairs_may_be_json_or_separated_by_commas(value: str) -> None:
    assert read_pairs(value) == (("other", "Other"),)
