"""Which columns of a file count, and which values decide: the names that a caller may give."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.cancellation.bulk.columns import Columns, text_of, validate_delimiter

WHERE = {"Decision": {"cancel": ["Rejected"], "ignore": ["Approved", ""]}}
MEANS = {"Decision": {"Rejected": True, "Approved": False, "": False}}


class TestTheColumns:
    @pytest.mark.parametrize("named", [None, ""])
    def test_what_is_left_out_is_the_entrys_own_and_nothing_beside_it(self, named: Any) -> None:
        assert Columns.checked(named) == Columns("order_id", {}, ignores_others=False)

    def test_a_named_one_makes_others_say_nothing(self) -> None:
        columns = Columns.checked(" Order Number ")
        assert columns == Columns("Order Number", {}, ignores_others=True)
        assert columns.has("Order Number")
        assert columns.has("in_doubt")
        assert not columns.has("order_id")

    @pytest.mark.parametrize("where", [WHERE, json.dumps(WHERE)])
    def test_values_that_decide_mean_cancel_or_nothing(self, where: Any) -> None:
        columns = Columns.checked(None, where)
        assert columns.where == MEANS
        assert columns.needed == ("order_id", "Decision")
        assert not columns.ignores_others

    def test_whole_numbers_and_booleans_are_meant_as_a_file_has_them(self) -> None:
        columns = Columns.checked(None, {"flag": {"cancel": (True, 1), "ignore": {False}}})
        assert columns.where == {"flag": {"true": True, "1": True, "false": False}}

    @pytest.mark.parametrize(
        ("column", "says"),
        [
            ("None", 'got the string "None"'),
            ("  ", "got a blank string"),
            (7, "got a positive integer"),
            ("in_doubt", "got in_doubt, which is one"),
        ],
    )
    def test_a_column_that_is_none_is_refused(self, column: Any, says: str) -> None:
        with pytest.raises(OmsInputError, match="order_id_column must be the name") as error:
            Columns.checked(column)
        assert says in str(error.value)

    @pytest.mark.parametrize(
        ("where", "says"),
        [
            ("", "got an empty string"),
            ("None", 'got the string "None"'),
            ({}, "got an empty dict"),
            ("{}", "got an empty dict"),
            ([WHERE], "got a value of type list"),
            ('{"a": {"cancel": ["x"]}, "a": {"cancel": ["y"]}}', "got a string of"),
            ({"order_id": {"cancel": ["7"]}}, "got the column of the ids"),
            ({"in_doubt": {"cancel": ["true"]}}, "got in_doubt, which is one"),
            ({"a": {"cancel": ["x"]}, " a": {"cancel": ["x"]}}, "a column that is there twice"),
            ({"a": ["x"]}, "where of 'a' must be a dict with cancel and"),
            ({"a": {"ignore": ["x"]}}, "must be a dict with cancel and"),
            ({"a": {"cancel": ["x"], "keep": ["y"]}}, "must be a dict with cancel and"),
            ({"a": {"cancel": []}}, "must be at least one value that means cancel"),
            ({"a": {"cancel": "x"}}, "must be a list of texts for cancel"),
            ({"a": {"cancel": ["x"], "ignore": "y"}}, "must be a list of texts for ignore"),
            ({"a": {"cancel": ["x", None]}}, "got None"),
            ({"a": {"cancel": ["x", 1.5]}}, "got a float"),
            ({"a": {"cancel": ["x", " "]}}, "got a blank value that means cancel"),
            ({"a": {"cancel": ["x"], "ignore": ["x"]}}, "a value that is to cancel and to ignore"),
            ({"a": {"cancel": ["x" * 5000]}}, "must be of 4096 characters at most"),
        ],
    )
    def test_a_condition_that_is_none_is_refused(self, where: Any, says: str) -> None:
        with pytest.raises(OmsInputError) as error:
            Columns.checked(None, where)
        assert says in str(error.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ("  ", ""), (" x", " x"), (True, "true"), (1, "1"), (1.0, None), ([], None)],
)
def test_the_text_of_a_field_that_decides(value: Any, text: str | None) -> None:
    assert text_of(value) == text


class TestTheDelimiter:
    @pytest.mark.parametrize(
        ("given", "means"),
        [(None, None), ("", None), (";", ";"), ("\t", "\t"), ("\\t", "\t"), ("tab", "\t")],
    )
    def test_it_is_one_character_or_a_tab_in_words(self, given: Any, means: str | None) -> None:
        assert validate_delimiter(given) == means

    @pytest.mark.parametrize("given", [";;", "None", 7, " ", '"', "\n", "x", "\0"])
    def test_what_cannot_separate_is_refused(self, given: Any) -> None:
        with pytest.raises(OmsInputError, match="delimiter must be one character"):
            validate_delimiter(given)
