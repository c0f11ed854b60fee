"""The names of an order of a native tenant, the texts of a cancel, and a note."""

from __future__ import annotations

import string
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.native import Native
from airflow_provider_oms.api.native_rules import (
    LONGEST_NOTE,
    OrderKey,
    Reference,
    refer,
    validate_note,
    validate_text,
)
from airflow_provider_oms.api.parts import PartKind

ID = "137a94b6402be0000137196800002711"
LARGEST = 2**31 - 1
KEYS = st.sampled_from([None, "", *OrderKey])
ANYTHING = st.one_of(
    st.text(max_size=40),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=32),
    st.lists(st.integers(), max_size=2),
    st.from_regex(r"(id|number|external_id)?:?[0-9A-Fa-f.#_-]{0,40}", fullmatch=True),
)


def refusal_of(value: Any, order_key: Any = None) -> OmsInputError:
    with pytest.raises(OmsInputError) as refusal:
        refer(value, order_key)
    assert str(refusal.value).endswith("Nothing was sent.")
    return refusal.value


class TestAnId:
    @pytest.mark.parametrize(
        "value",
        [
            ID,
            ID.upper(),
            "137a94b6-402b-e000-0137-196800002711",
            "-".join(ID),
        ],
    )
    def test_it_has_one_form(self, value: str) -> None:
        assert refer(value) == Reference(OrderKey.ID, ID)
        assert str(refer(value)) == ID

    def test_the_dialect_decides_what_it_is_and_never_its_looks(self) -> None:
        digits = "12345678901234567890123456789012"
        assert Native().order_id(digits) == digits

    @pytest.mark.parametrize(
        "value",
        [
            *(1042, "1042", int(ID, 16), bytes.fromhex(ID), ID.encode()),
            *(ID[:-1], f"{ID}0", f" {ID}", f"{ID}\n", f"0x{ID[:30]}", f"g{ID[1:]}"),
            *("", None, True, "None", f"{{{ID}}}", f"id:{ID}", "١" * 32, "-" * 32),
        ],
    )
    def test_anything_else_is_none(self, value: object) -> None:
        error = refusal_of(value)
        assert error.field == "order_id"
        assert "32 hexadecimal digits" in error.rule
        assert ID[:-1] not in str(error)

    @pytest.mark.parametrize("value", [1042, "1042", "EXT-2000002", "SO 1", ID[:-1], " 1042"])
    @pytest.mark.parametrize("key", [None, ""])
    def test_a_text_or_number_is_told_how_to_name_an_order_by_its_number(
        self, value: object, key: object
    ) -> None:
        hint = "(for a number of the order, give order_key number or external_id, or write it as "
        assert f"{hint}number:… or external_id:…)" in refusal_of(value, key).rule

    def test_one_that_says_id_is_not_told_of_prefixes_which_it_forbids(self) -> None:
        for value in ("1042", "number:1042", "EXT-2000002"):
            rule = refusal_of(value, "id").rule
            assert rule.endswith("give order_key number or external_id)")

    @pytest.mark.parametrize("value", [None, "None", "", "  ", True, 1.5, 0, b"x"])
    def test_what_can_be_no_number_either_is_told_nothing_of_them(self, value: object) -> None:
        assert refusal_of(value).rule == "Kibo's id of the order: 32 hexadecimal digits"


class TestANumber:
    @pytest.mark.parametrize("value", [1042, "1042", Decimal(1042)])
    def test_it_is_one_only_where_the_task_says_so(self, value: object) -> None:
        assert str(refer(value, "number")) == "number:1042"
        refusal_of(value)
        refusal_of(value, "id")

    @pytest.mark.parametrize("value", [1, LARGEST, str(LARGEST)])
    def test_it_has_32_bits(self, value: object) -> None:
        assert refer(value, OrderKey.NUMBER).key is OrderKey.NUMBER

    @pytest.mark.parametrize(
        "value",
        [0, -1, LARGEST + 1, "01042", "1042.0", 1042.0, True, "", " 1042", "1e3", ID, "None"],
    )
    def test_anything_else_is_none(self, value: object) -> None:
        assert "order's number" in refusal_of(value, "number").rule


class TestTheShopsOwnNumber:
    @pytest.mark.parametrize("value", ["SHOP-1042", "a.b_c#7", "1042", "x" * 200, ID])
    def test_it_is_kept_as_it_is(self, value: str) -> None:
        assert str(refer(value, "external_id")) == f"external_id:{value}"

    @pytest.mark.parametrize(
        "value",
        [
            # Airflow's native rendering makes this of the text 1042#2.
            1042,
            *(
                "",
                "x" * 201,
                "a b",
                "a'b",
                'a"b',
                "a,b",
                "a;b",
                "a(b)",
                "a\nb",
                "a\x00",
                "a:b",
                "ä",
            ),
            *("1 or orderNumber ge 0", "a eq b", "%27", "a/b", "a&b", "a?b", "*", "a=b", "None"),
            *(None, True, 0, -1, 1.5, b"a"),
        ],
    )
    def test_what_could_mean_something_in_a_filter_is_refused(self, value: object) -> None:
        assert "letters, digits and . - _ #" in refusal_of(value, "external_id").rule


class TestTheKey:
    @pytest.mark.parametrize("value", ["Number", "orderNumber", " number", 1, True, ["number"]])
    def test_there_are_three(self, value: object) -> None:
        error = refusal_of(1, value)
        assert error.field == "order_key"
        assert "one of id, number, external_id" in error.rule

    @pytest.mark.parametrize("key", [None, ""])
    def test_a_text_may_say_it_where_the_task_does_not(self, key: object) -> None:
        assert refer("number:1042", key) == Reference(OrderKey.NUMBER, "1042")
        assert refer("external_id:A-1", key) == Reference(OrderKey.EXTERNAL_ID, "A-1")

    @pytest.mark.parametrize(
        ("value", "key"),
        [
            ("number:1042", "id"),
            ("number:1042", "external_id"),
            ("external_id:1042", "number"),
            ("external_id:1042", "id"),
        ],
    )
    def test_no_row_says_another_than_the_task(self, value: str, key: str) -> None:
        refusal_of(value, key)

    @pytest.mark.parametrize("value", ["number:", "number:0", "number:number:1", "external_id:"])
    def test_what_follows_it_is_checked(self, value: str) -> None:
        refusal_of(value)


@given(ANYTHING, KEYS)
def test_whatever_is_given_is_refused_or_has_a_form_from_which_it_is_made_again(
    value: object, key: str | None
) -> None:
    try:
        found = refer(value, key)
    except OmsInputError:
        return
    assert refer(str(found)) == found
    assert refer(str(found), found.key) == found
    assert "," not in str(found)
    if key:
        assert found.key == key


@given(
    st.one_of(
        st.integers(1, LARGEST).map(lambda number: f"number:{number}"),
        st.text(string.ascii_letters + string.digits + ".-_#", min_size=1, max_size=200)
        .filter(lambda text: text != "None")
        .map(lambda text: f"external_id:{text}"),
    )
)
def test_a_value_is_one_word_of_the_filter_and_nothing_besides(reference: str) -> None:
    path = Native("10001").read_call(reference).path
    query = parse_qs(urlsplit(path).query, strict_parsing=True)
    assert set(query) == {"filter", "pageSize", "responseFields"}
    assert urlsplit(path).fragment == ""
    (text,) = query["filter"]
    field, operator, value = text.split(" ")
    assert (field in ("orderNumber", "externalId"), operator) == (True, "eq")
    assert value == reference.partition(":")[2]


class TestWhatIsSaid:
    @pytest.mark.parametrize("value", ["Fraud", " Fraud ", "Customer changed mind.", "x" * 500])
    def test_any_text_may_be_a_reason(self, value: str) -> None:
        assert validate_text("disposition_reason", value) == value.strip()

    @pytest.mark.parametrize("value", [1, True, b"x", ["x"], "a\nb", "a\x00b", "\ud800", "None"])
    def test_what_no_text_on_one_line_is_is_refused(self, value: object) -> None:
        with pytest.raises(OmsInputError):
            validate_text("disposition_reason", value)

    @pytest.mark.parametrize("value", [None, "", "  "])
    def test_a_reason_is_needed_and_an_explanation_is_not(self, value: object) -> None:
        with pytest.raises(OmsInputError) as refusal:
            Native().cancel_request(ID, value)
        assert refusal.value.rule == "a code of the tenant's own list of reasons"
        assert Native().cancel_request(ID, "x", value).disposition_other_reason is None

    def test_a_missing_one_is_answered_with_the_words_of_the_connection(self) -> None:
        native = Native("10001", reason_codes={"fraud": "FRAUD", "other": "Other"})
        says = "of reasons, or one of the connection's reason_codes: fraud, other; got None"
        with pytest.raises(OmsInputError, match=says):
            native.cancel_request(ID, None)
        with pytest.raises(OmsInputError, match=says):
            native.parts().reason(PartKind.LINE, None, None)

    def test_an_explanation_that_is_refused_is_named(self) -> None:
        for check in (
            lambda: Native().cancel_request(ID, "x", 7),
            lambda: Native().parts().reason(PartKind.LINE, "x", 7),
        ):
            with pytest.raises(OmsInputError, match=r"^disposition_other_reason must be"):
                check()

    def test_it_is_sent_in_the_tenants_code(self) -> None:
        native = Native("10001", reason_codes={"fraud": "FRAUD"})
        for reason, code in (("fraud", "FRAUD"), ("Fraud", "Fraud")):
            call = native.cancel_call(native.cancel_request(ID, reason, "Ring"), ID)
            assert call.body == {"reasonCode": code, "moreInfo": "Ring"}
            assert call.path.startswith(f"/api/commerce/orders/cancel/{ID}?responseFields=id,")
            assert call.method == "PUT"
        assert native.cancel_call(native.cancel_request(ID, "fraud"), ID).body == {
            "reasonCode": "FRAUD"
        }


class TestANote:
    def test_it_has_at_most_250_characters(self) -> None:
        assert LONGEST_NOTE == 250
        assert validate_note("x" * 250) == "x" * 250
        with pytest.raises(OmsInputError, match="at most 250 characters"):
            validate_note("x" * 251)

    @pytest.mark.parametrize("value", [None, "", " "])
    def test_there_may_be_none(self, value: object) -> None:
        assert validate_note(value) is None
        assert Native().note(value) is None
