"""The plain adapter: its settings, and its refusals."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.verdicts.adapters import Fields
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError, Verdict

REJECTED = {"order_id": 1010101, "verdict": "rejected", "case_id": "F-17"}
SECRET = "jane@example.com"  # a shopper's, made up


def refusal_of(adapter: Fields, payload: Any) -> OmsVerdictError:
    with pytest.raises(OmsVerdictError) as refusal:
        adapter(payload)
    return refusal.value


def test_the_events_of_the_example_need_no_settings() -> None:
    assert Fields()(REJECTED) == Verdict(1010101, Decision.CANCEL, "F-17")
    assert Fields()(REJECTED | {"verdict": "accepted"}).decision is Decision.KEEP


@pytest.mark.parametrize(
    "order",
    [
        None, True, False, 0, -1, 2**63, 1010101.0, 1e300, float("nan"), Decimal("1.5"),
        [], [1010101], {}, {"id": 1}, b"1010101",
        "", " ", "\t", " 1010101", "1010101 ", "1010101\n", "101\n0101", "101\x00", "101\x7f",
        "\u200b1010101", "\ufeff1010101", "1010\u00a0101", "1010101\u3000", "\ud800", "\u2028",
        "None", "null", "NaN", "undefined", "x" * 256,
    ],
)  # fmt: skip
@pytest.mark.parametrize("word", ["rejected", "accepted"])
def test_what_names_no_order_is_refused_by_its_field(order: Any, word: str) -> None:
    error = refusal_of(Fields(), {"order_id": order, "verdict": word})
    assert error.field == "order_id"
    assert (error.order, error.order_id) == (None, None)
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (1, 1),
        (2**63 - 1, 2**63 - 1),
        (Decimal(7), 7),
        ("0123", "0123"),
        ("1010101", "1010101"),
        ("D58470FCF0", "D58470FCF0"),
        ("#1001 B", "#1001 B"),
        ("Ž-1", "Ž-1"),
    ],
)
def test_an_order_is_taken_as_it_is(order: Any, expected: str | int) -> None:
    verdict = Fields()(REJECTED | {"order_id": order})
    assert (verdict.order, type(verdict.order)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (None, "a payload without it"),
        ("", "an empty string"),
        (" ", "a blank string"),
        (1.5, "a float"),
        ([], "a value of type list"),
        ({}, "a value of type dict"),
        (["rejected"], "a value of type list"),
        ("maybe", "'maybe'"),
        (True, "'true'"),
        (0, "'0'"),
        ("Rejected", "'Rejected', which differs from 'rejected' by letter case or blanks alone"),
        ("rejected ", "'rejected ', which differs from 'rejected' by letter case or blanks alone"),
        ("re\njected", r"'re\njected', which differs from 'rejected'"),
        ("ａccepted", "'ａccepted', which differs from 'accepted'"),
        ("\x1b[31mrejected", r"'\x1b[31mrejected'"),
        ("\u202eaccepted", r"'\u202eaccepted'"),
        ("\ud800", r"'\ud800'"),
        ("x" * 99, f"{'x' * 40!r}…"),
    ],
)
def test_a_word_that_no_setting_names_is_refused_and_shown(word: Any, kind: str) -> None:
    error = refusal_of(Fields(), REJECTED | {"verdict": word})
    assert (error.field, error.order) == ("verdict", 1010101)
    assert error.kind.startswith(kind)
    assert str(error).startswith("Order 1010101: verdict must be ")
    assert str(error).isprintable()


@pytest.mark.parametrize("name", ["order_id", "verdict"])
def test_a_field_that_is_not_there_is_refused(name: str) -> None:
    payload = {key: value for key, value in REJECTED.items() if key != name}
    error = refusal_of(Fields(), payload)
    assert (error.field, error.kind) == (name, "a payload without it")


@pytest.mark.parametrize("payload", [None, "rejected", b"{}", 7, [], [REJECTED], (), 1.5])
def test_what_is_no_dict_is_no_payload(payload: Any) -> None:
    assert refusal_of(Fields(), payload).field == "the payload"


def test_fields_lie_in_other_objects() -> None:
    adapter = Fields(order="a.b.id", decision=("a.b", "c.d"), case_id="a.case.id")
    payload = {"a": {"b": {"id": "D1"}}, "a.b": {"c.d": "rejected"}}
    assert adapter(payload) == Verdict("D1", Decision.CANCEL)
    assert refusal_of(adapter, payload | {"a": None}).field == "a.b.id"
    for wrong in ([], "text", 7, [{"b": {"id": "D1"}}]):
        assert refusal_of(adapter, payload | {"a": wrong}).field == "a"


@pytest.mark.parametrize(
    ("case", "expected"), [(None, None), ("", None), ("F-17", "F-17"), (17, "17")]
)
def test_a_case_is_a_text_or_a_number_or_left_out(case: Any, expected: str | None) -> None:
    assert Fields()(REJECTED | {"case_id": case}).case_id == expected


@pytest.mark.parametrize("case", [True, 1.5, [], {}, " ", "F-17\n", "x" * 256, 0, -1])
def test_what_is_no_case_is_left_out_and_keeps_no_order_from_being_canceled(case: Any) -> None:
    verdict = Fields()(REJECTED | {"case_id": case})
    assert (verdict.decision, verdict.case_id) == (Decision.CANCEL, None)


def test_a_payload_about_something_else_is_refused() -> None:
    adapter = Fields(only={"of.type": ["order"], "test": [False]}, without=["return.id"])
    about_an_order = REJECTED | {"of": {"type": "order"}, "test": False}
    assert adapter(about_an_order).decision is Decision.CANCEL
    assert adapter(about_an_order | {"return": {"id": None}}).decision is Decision.CANCEL
    for field, more in (
        ("of.type", {"of": {"type": "user"}}),
        ("of.type", {"of": {"type": "Order"}}),
        ("of.type", {"of": None}),
        ("test", {"test": True}),
        ("return.id", {"return": {"id": "R-1"}}),
    ):
        error = refusal_of(adapter, about_an_order | more)
        # A decision on a return must not hold the order.
        assert (error.field, error.order) == (field, None)


def test_a_refusal_shows_nothing_else_of_a_payload() -> None:
    shopper = {"shopper": {"email": SECRET}, "note": SECRET}
    for more in ({"order_id": [SECRET]}, {"verdict": [SECRET]}, {"case_id": [SECRET]}, {}):
        error = refusal_of(Fields(without=["note"]), shopper | REJECTED | more)
        assert SECRET not in str(error)
    assert SECRET not in str(refusal_of(Fields(order="shopper.id"), shopper))
    assert SECRET not in str(refusal_of(Fields(order="shopper.email.id"), shopper))
    assert SECRET not in str(refusal_of(Fields(), REJECTED | {"order_id": f"{SECRET}\n"}))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"order": ""}, "order"),
        ({"order": None}, "order"),
        ({"order": "a..b"}, "order"),
        ({"order": ()}, "order"),
        ({"order": ("a", 1)}, "order"),
        ({"decision": 7}, "decision"),
        ({"decision": b"verdict"}, "decision"),
        ({"case_id": " "}, "case_id"),
        ({"decided_at": "."}, "decided_at"),
        ({"cancel": "rejected"}, "cancel"),
        ({"cancel": None}, "cancel"),
        ({"cancel": []}, "cancel"),
        ({"cancel": {"rejected": 1}}, "cancel"),
        ({"cancel": [None]}, "cancel"),
        ({"cancel": [1.5]}, "cancel"),
        ({"keep": [""]}, "keep"),
        ({"keep": ["\t"]}, "keep"),
        ({"keep": ["rejected"]}, "keep"),
        ({"pending": ["accepted"]}, "pending"),
        ({"keep": [True], "pending": ["true"]}, "pending"),
        ({"zone": "Europe/Nowhere"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"zone": 1}, "zone"),
        ({"epoch": "minutes"}, "epoch"),
        ({"epoch": 1000}, "epoch"),
        ({"only": ["entity.type"]}, "only"),
        ({"only": {"": ["order"]}}, "only"),
        ({"only": {"type": "order"}}, "only"),
        ({"without": "returnId"}, "without"),
        ({"without": [""]}, "without"),
    ],
)
def test_a_setting_that_is_none_is_refused_at_once(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(OmsInputError) as refusal:
        Fields(**settings)
    assert refusal.value.field == field
    assert not isinstance(refusal.value, OmsVerdictError)


def test_a_word_that_means_two_things_names_both() -> None:
    with pytest.raises(OmsInputError, match="'held', which is in cancel too"):
        Fields(cancel=["rejected", "held"], pending=["held"])
    assert Fields(cancel=["rejected", "rejected"])(REJECTED).decision is Decision.CANCEL


def test_the_words_are_those_of_the_time_it_was_made() -> None:
    words = ["rejected"]
    adapter = Fields(cancel=words)
    words.append("maybe")
    assert refusal_of(adapter, REJECTED | {"verdict": "maybe"}).field == "verdict"


def test_an_adapter_is_taken_to_another_process() -> None:
    adapter = pickle.loads(pickle.dumps(Fields(zone="UTC")))  # noqa: S301 - our own bytes
    assert adapter(REJECTED) == Fields()(REJECTED)
