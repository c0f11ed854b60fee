"""Whatever a payload looks like, no adapter decides more than its words say."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from golden_verdicts import golden
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.verdicts.adapters import Adapter, Fields, Kibo, Riskified, Signifyd
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError, Verdict

SHOPPER = "jane@example.com"
Say = Callable[[dict[str, Any]], tuple[Any, Any]]


def found(payload: Any, *keys: str) -> Any:
    for key in keys:
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


# The plain content of a payload: its order, and its word. These know nothing of the adapters.
READ: dict[str, tuple[Adapter, Say, dict[str, Decision]]] = {
    "plain": (
        Fields(),
        lambda p: (found(p, "order_id"), found(p, "verdict")),
        {"rejected": Decision.CANCEL, "accepted": Decision.KEEP},
    ),
    "signifyd": (
        Signifyd(),
        lambda p: (found(p, "orderId"), found(p, "decision", "checkpointAction")),
        {"REJECT": Decision.CANCEL, "ACCEPT": Decision.KEEP, "HOLD": Decision.PENDING},
    ),
    "riskified": (
        Riskified(),
        lambda p: (found(p, "order", "id"), found(p, "order", "status")),
        {
            "declined": Decision.CANCEL,
            "approved": Decision.KEEP,
            "submitted": Decision.PENDING,
        },
    ),
}
_WORDS = ["rejected", "accepted", "REJECT", "ACCEPT", "HOLD", "declined", "approved", "Fail"]
_WORDS += ["Pass", "Review", "Fraud", "PendingReview", "Accepted", "fraud", "D1", "D58470FCF0 "]
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(_WORDS),
)
_json = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id", "status", "order", "a"]), inner, max_size=3),
    ),
    max_leaves=4,
)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return where the values of a payload are."""
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, inner in entries:
        yield (*path, key)
        yield from places_in(inner, (*path, key))


@st.composite
def mutants(draw: st.DrawFn, folder: str) -> dict[str, Any]:
    """Return a payload of a vendor in which a few values are others, or missing."""
    payload = copy.deepcopy(draw(st.sampled_from(golden(folder))).payload)
    payload["shopper"] = {"email": SHOPPER}
    for _ in range(draw(st.integers(0, 3))):
        *path, key = draw(st.sampled_from(list(places_in(payload))))
        place: Any = payload
        for step in path:
            place = place[step]
        if draw(st.booleans()):
            place[key] = draw(_json)
        else:
            del place[key]
        payload = payload or {"left": 1}
    return payload


def outcome_of(adapter: Adapter, payload: Any) -> Verdict | None:
    before = copy.deepcopy(payload)
    verdict, refusal = None, None
    try:
        verdict = adapter(payload)
    except OmsVerdictError as error:
        refusal = error
    assert repr(payload) == repr(before)
    if refusal is not None:
        assert refusal.field
        assert SHOPPER not in str(refusal)
        assert len(str(refusal)) < 1000
    return verdict


@pytest.mark.parametrize("folder", READ)
@given(st.data())
def test_a_payload_decides_what_its_word_says_on_the_order_that_it_names(
    folder: str, data: st.DataObject
) -> None:
    adapter, say, words = READ[folder]
    payload = data.draw(mutants(folder))
    verdict = outcome_of(adapter, payload)
    order, word = say(payload)
    if verdict is None:
        return
    assert (verdict.order, type(verdict.order)) == (order, type(order))
    assert isinstance(word, str)
    assert verdict.decision is words[word]


@given(mutants("kibo"))
def test_an_order_of_kibo_is_decided_by_its_state_and_its_fraud_checks(
    payload: dict[str, Any],
) -> None:
    verdict = outcome_of(Kibo(), payload)
    if verdict is None:
        return
    assert verdict.order == payload["id"]
    status = payload["status"]
    results = payload.get("validationResults")
    said = [
        found(result, "status")
        for result in (results if isinstance(results, list) else ())
        if found(result, "validatorType") == "Fraud"
    ]
    if verdict.decision is Decision.CANCEL:
        assert status == "PendingReview"
        assert "Fail" in said
    elif verdict.decision is Decision.KEEP:
        kept = ("Accepted", "Processing", "Completed", "Cancelled")
        assert status in kept or (status == "PendingReview" and "Pass" in said)


@pytest.mark.parametrize("folder", READ)
@given(word=st.one_of(st.text(min_size=1), st.integers(), st.booleans()))
def test_every_unknown_word_is_refused(folder: str, word: Any) -> None:
    adapter, _, words = READ[folder]
    if word in words:
        return
    (_, payload) = next(
        (each.verdict, each.payload) for each in golden(folder) if each.verdict is not None
    )
    changed = json.loads(
        json.dumps(payload), object_hook=lambda one: _with_word(one, set(words), word)
    )
    assert changed != payload
    with pytest.raises(OmsVerdictError) as refusal:
        adapter(changed)
    assert refusal.value.order is not None
    assert len(str(refusal.value)) < 1000
    assert str(refusal.value).isprintable()


def _with_word(one: dict[str, Any], words: set[str], word: Any) -> dict[str, Any]:
    return {
        key: word if isinstance(value, str) and value in words else value
        for key, value in one.items()
    }


_orders = st.one_of(
    st.integers(1, 2**63 - 1), st.from_regex(r"[A-Z0-9][A-Z0-9#-]{0,20}", fullmatch=True)
)
_times = st.datetimes(
    datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip


@given(
    _orders,
    st.sampled_from(list(Decision)),
    st.one_of(st.none(), st.from_regex(r"[A-Z0-9-]{1,20}", fullmatch=True)),
    _times,
)
def test_a_verdict_comes_back_from_the_payload_that_says_it(
    order: str | int, decision: Decision, case_id: str | None, decided_at: datetime
) -> None:
    if isinstance(order, str) and order.casefold() in ("null", "none", "nan", "undefined"):
        return
    verdict = Verdict(order, decision, case_id, decided_at)
    adapter = Fields(
        order="a.order",
        decision="a.says",
        cancel=["cancel"],
        keep=["keep"],
        pending=["pending"],
        case_id="case",
        decided_at="at",
    )
    at = decided_at.isoformat()
    payload = {"a": {"order": order, "says": decision.value}, "case": case_id, "at": at}
    assert adapter(json.loads(json.dumps(payload))) == verdict
