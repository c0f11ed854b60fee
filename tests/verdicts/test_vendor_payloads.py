"""Each adapter reads payloads in its vendor's shape, and refuses a payload that is no verdict."""

from __future__ import annotations

import pytest
from golden_verdicts import Golden, golden

from airflow_provider_oms.verdicts.adapters import Adapter, Fields, Kibo, Riskified, Signifyd
from airflow_provider_oms.verdicts.verdict import Decision, OmsVerdictError

ADAPTERS: dict[str, Adapter] = {
    "plain": Fields(),
    "signifyd": Signifyd(),
    "riskified": Riskified(),
    "kibo": Kibo(),
}
PAYLOADS = [
    pytest.param(adapter, each, id=each.name)
    for folder, adapter in ADAPTERS.items()
    for each in golden(folder)
]


@pytest.mark.parametrize(("adapter", "given"), PAYLOADS)
def test_a_payload_of_a_vendor_is_the_verdict_that_it_says(adapter: Adapter, given: Golden) -> None:
    if given.refused is None:
        assert adapter(given.payload) == given.verdict
        return
    with pytest.raises(OmsVerdictError) as refusal:
        adapter(given.payload)
    assert (refusal.value.field, refusal.value.order) == (given.refused, given.order)


@pytest.mark.parametrize("folder", ADAPTERS)
def test_every_adapter_has_a_payload_for_each_answer(folder: str) -> None:
    verdicts = [each.verdict.decision for each in golden(folder) if each.verdict is not None]
    expected = set(Decision) - ({Decision.PENDING} if folder == "plain" else set())
    assert set(verdicts) == expected
    assert any(each.refused for each in golden(folder))


def test_a_word_that_a_vendor_adds_is_a_setting() -> None:
    (held,) = [each for each in golden("signifyd") if each.name == "signifyd/credited"]
    assert held.verdict is None
    adapter = Signifyd(pending=["HOLD", "CHALLENGE", "CREDIT"])
    assert adapter(held.payload).decision is Decision.PENDING


def test_the_words_of_an_adapter_can_be_seen() -> None:
    assert "cancel=('REJECT',), keep=('ACCEPT',), pending=('HOLD',)" in repr(Signifyd())
    assert "cancel=('declined',), keep=('approved',), pending=('submitted',)" in repr(Riskified())
    assert "cancel=('Fail',), keep=('Pass',), pending=('Review', 'Error')" in repr(Kibo())


def test_a_native_order_is_named_by_its_number_on_request() -> None:
    (failed,) = [each for each in golden("kibo") if each.name == "kibo/failed"]
    assert Kibo(order="orderNumber")(failed.payload).order == 4811


def test_an_order_that_only_other_validators_hold_is_pending() -> None:
    (failed,) = [each for each in golden("kibo") if each.name == "kibo/failed"]
    held = Kibo(types=["FraudNet"], other_types=["Fraud"])(failed.payload)
    assert (held.decision, held.case_id, held.decided_at) == (Decision.PENDING, None, None)


def test_a_type_is_of_a_fraud_check_or_of_another_validator() -> None:
    with pytest.raises(ValueError, match="'Fraud', which is in types too"):
        Kibo(other_types=["Fraud"])
