"""The page of messages: each that the package can show has an entry, and each entry a message."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from messages import HOLE, Text, texts_of, texts_of_the_package

import airflow_provider_oms
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsConfigError
from airflow_provider_oms.cancellation.outcomes import Outcome

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = Path(airflow_provider_oms.__file__).parent
PAGE = (REPOSITORY / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
# The emulator speaks to developers who test with it; the provider info holds the labels of a form,
# and the definition of the commands the text of their --help.
SILENT = ("emulator", "get_provider_info.py", "cli/definition.py")
NO_MESSAGES = {
    "airflow-provider-oms/… … python/…",  # the User-Agent
    "Bearer …",
    "gzip, deflate",  # the Accept-Encoding
    "Value error, ",  # cut off pydantic's messages
    "Kibo OMS",  # the connection type's name
    "Order in Kibo",  # the link's name
    "python -m airflow_provider_oms",  # its name in its --help
    "written by another version",  # makes a journal count as lost
    "packed in another way",  # so does this
    "another digest",  # makes the shown set count as lost
    "a key is there twice",  # makes JSON count as none
    "…, site …",  # which tenant a journal is about
    "… eq …",  # the filter of a search
    "status eq …",  # so are the next two
    " and submittedDate ge …",
    "submittedDate asc",
    "topic eq … and createDate ge …",  # the filter of the event pull
    "createDate asc",
    "Rejected by the fraud check",  # the reason given for an order
    "no case id",  # stands in that reason
}
TEXTS = texts_of_the_package(PACKAGE, without=SILENT)
MESSAGES = [text for text in TEXTS if text.template not in NO_MESSAGES]


def entries(page: str) -> list[str]:
    """Return the messages of the page: every piece of code that is more than one word."""
    spans = re.findall(
        r"`([^`]+)`", re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    )
    return [" ".join(span.replace(r"\|", "|").split()) for span in spans]


ENTRIES = entries(PAGE)


def uncovered(texts: list[Text], shown: list[str]) -> list[str]:
    """Return the texts that are in none of the messages shown, with their places."""
    return [
        f"{text.place}: {text.template}"
        for text in texts
        if not text.is_quiet and not any(text.pattern.search(entry) for entry in shown)
    ]


def stale(entry: str, texts: list[Text]) -> str:
    """Return the words of an entry that come from none of the texts."""
    left = list(entry)
    for text in texts:
        for begin, end in text.spans_in(entry):
            left[begin:end] = " " * (end - begin)
    return " ".join(re.findall(r"[A-Za-z_]{2,}", "".join(left)))


def words_of_pydantic() -> list[Text]:
    """Return the settings library's messages for wrong values, as the connection's error has it."""
    wrong: dict[str, list[object]] = {
        "environment": ["live"],
        "api": ["classic"],
        "check_reasons": ["maybe"],
        "deadline": ["soon", 0, 3601, [1]],
        "settle_seconds": [-1],
        "auth_url": [5],
        "disposition_reasons": [3],
    }
    texts = []
    for field, values in wrong.items():
        for value in values:
            extra = {"tenant_id": "1", "environment": "sandbox", field: value}
            with pytest.raises(OmsConfigError) as refusal:
                TenantSettings.from_connection(name="one", extra=json.dumps(extra))
            said = re.search(rf"{field}: (.*?)\. Correct", str(refusal.value))
            assert said is not None
            texts.append(Text(said[1], f"pydantic, of {field}"))
    return texts


def test_every_message_has_an_entry() -> None:
    assert uncovered([*MESSAGES, *words_of_pydantic()], ENTRIES) == []


def test_every_entry_is_a_message() -> None:
    names = [Text(outcome.value, "an outcome") for outcome in Outcome]
    names += [Text(field, "a setting") for field in TenantSettings.model_fields]
    known = [*TEXTS, *names, Text("host", "a setting"), *words_of_pydantic()]
    shown = [entry for entry in ENTRIES if " " in entry and not entry.startswith("{")]
    assert len(shown) > 150
    assert {entry: words for entry in shown if (words := stale(entry, known))} == {}


def test_what_is_left_out_is_still_there() -> None:
    assert {text.template for text in TEXTS} >= NO_MESSAGES


@pytest.mark.parametrize(
    "source",
    [
        'raise OmsError("The moon is full")',
        'raise OmsError(f"The moon {phase} full")',
        'log.warning("The moon is %s", phase)',
        'def advice(error):\n    return f"{error}: look at " "the moon"',
        'TABLE = {1: ("kind", "The moon is full")}',
        'raise OmsError("moonstruck")',
    ],
)
def test_a_new_message_is_found_wherever_it_is_written(source: str) -> None:
    (missing,) = uncovered(list(texts_of(source, "new.py")), ENTRIES)
    assert missing.startswith("new.py:")
    assert "moon" in missing


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring of several words."""',
        'log.info("a line that needs no look-up")',
        'PATTERN = re.compile("one or (two|three)")',
        'KEY = "order_id"',
    ],
)
def test_what_nobody_has_to_look_up_needs_no_entry(source: str) -> None:
    assert uncovered(list(texts_of(source, "new.py")), ENTRIES) == []


def test_an_entry_that_no_message_has_any_more_is_found() -> None:
    assert stale("The OMS knows no such order", TEXTS) == ""
    assert stale("The OMS knows no such customer", TEXTS) != ""
    assert stale(f"The moon is {HOLE}", TEXTS) == "The moon is"


def test_few_words_have_to_stand_for_themselves() -> None:
    assert uncovered([Text("not valid", "new.py:1")], ["extra is not valid JSON"]) != []
    assert uncovered([Text("not valid", "new.py:1")], [f"{HOLE} (not valid)"]) == []
