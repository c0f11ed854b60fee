"""The question: bounded in bytes, with true counts, and plain whatever the texts in it are."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from shown_orders import FIRST, READ, TENANT, Read, ends_of, requests_of

from airflow_provider_oms.cancellation.bulk.approval import Shown
from airflow_provider_oms.cancellation.bulk.question import MOST_BYTES, Question, question_about
from airflow_provider_oms.cancellation.outcomes import Outcome

ANY_TEXT = st.text(st.characters(), max_size=200)
TO_CANCEL = "To be canceled at tenant 1: **3 of 5 orders**."
NOT_ASKED = "No cancel is sent for the others, whatever you answer"
OPEN = Outcome.WOULD_CANCEL


def ask(read: Read, **facts: Any) -> Question:
    ends, requests = ends_of(read), requests_of(read)
    shown = Shown.of(ends, requests, TENANT)
    return question_about(shown, requests, ends, **{"tenant": TENANT, **facts})


def plain(body: str) -> str:
    return re.sub(r"\\(.)", r"\1", body)


@given(
    st.dictionaries(
        st.integers(1, 2**63 - 1) | ANY_TEXT.filter(bool),
        st.tuples(st.sampled_from([OPEN, *Outcome]), ANY_TEXT | st.none(), ANY_TEXT | st.none()),
        max_size=60,
    ),
    ANY_TEXT,
    ANY_TEXT,
)
def test_it_is_bounded_and_in_one_piece_whatever_the_texts_are(
    read: Read, tenant: str, places: str
) -> None:
    question = ask(read, tenant=tenant, places=places)
    assert len(question.body.encode("utf-8")) <= MOST_BYTES
    assert all(char.isprintable() or char == "\n" for char in question.body)
    # Nothing opens a link, a tag or a table.
    assert re.search(r"(?<!\\)(\\\\)*[<\[`]", question.body) is None


# One example shows thousands of orders.
@settings(max_examples=20)
@given(st.integers(1, 4000), st.integers(0, 3))
def test_every_order_is_named_unless_it_says_that_not_all_are(count: int, length: int) -> None:
    ids = [f"{number:0{8 * (length + 1)}d}" for number in range(1, count + 1)]
    question = ask(dict.fromkeys(ids, (OPEN, "READY", "READY")), places="results.jsonl")
    named = re.findall(r"\b\d{8,32}\b", question.body.partition("READY**: ")[2])
    named = [text for text in named if text in set(ids)]
    assert len(question.body.encode()) <= MOST_BYTES
    assert named == ids[: len(named)]
    assert question.names_all is (len(named) == count)
    assert ("All of them are in results.jsonl" in plain(question.body)) is not question.names_all
    # It is filled before it is cut.
    assert question.names_all or len(question.body.encode()) > MOST_BYTES - 1000


@given(READ)
def test_the_counts_are_those_of_the_states(read: Read) -> None:
    question = ask(read)
    outcomes = Counter(outcome for outcome, *_ in read.values())
    count = outcomes.pop(OPEN, 0)
    assert f"**{count} of {len(read)} orders**" in question.body
    rows = re.findall(r"^\| (.*) \| (\d+) \|$", question.body, re.MULTILINE)
    by_state = rows[: len(rows) - bool(count)]
    assert sum(int(number) for _, number in by_state) == count
    for outcome, number in outcomes.items():
        assert f"{number} {outcome}" in plain(question.body)


def test_it_reads_as_a_person_needs_it() -> None:
    read: Read = {
        FIRST: (OPEN, "READY", "READY"),
        FIRST + 1: (OPEN, "READY", "READY"),
        "external_id:SHOP-1": (OPEN, "BOOKED", "ON|HOLD"),
        FIRST + 2: (Outcome.ALREADY_CANCELED, "CANCELED", "CANCELED"),
        FIRST + 3: (Outcome.NOT_FOUND, None, None),
    }
    question = ask(read, tenant="tenant 1")
    assert question.subject == "Cancel 3 orders?"
    assert ask({1: (OPEN, None, None)}).subject == "Cancel 1 order?"
    assert question.names_all
    shown = Shown.of(ends_of(read), requests_of(read), TENANT)
    assert question.body == "\n".join(
        [
            f"{TO_CANCEL} A canceled order cannot be brought back.",
            "",
            "| State | Orders |",
            "|---|---|",
            "| READY | 2 |",
            r"| BOOKED\/ON\|HOLD | 1 |",
            "",
            "| Reason | Orders |",
            "|---|---|",
            "| other\\: why | 3 |",
            "",
            rf"{NOT_ASKED}: 1 already\_canceled, 1 not\_found.",
            "",
            "",
            rf"**READY**: {FIRST}, {FIRST + 1}",
            "",
            r"**BOOKED\/ON\|HOLD**: external\_id\:SHOP\-1",
            "",
            f"Digest of orders, states and reasons: {shown.digest}",
        ]
    )


def test_many_states_are_counted_together() -> None:
    read: Read = {number: (OPEN, f"S{number}", None) for number in range(1, 31)}
    assert "| others | 10 |" in ask(read).body


def test_a_state_of_which_no_order_fits_in_is_no_line() -> None:
    read: Read = {
        FIRST: (OPEN, "READY", None),
        FIRST + 1: (OPEN, "READY", None),
        "x" * MOST_BYTES: (OPEN, "BOOKED", None),
    }
    question = ask(read)
    assert not question.names_all
    assert "All of them are in" not in question.body
    assert f"**READY**: {FIRST}, {FIRST + 1}\n" in question.body
    assert "**BOOKED**" not in question.body
