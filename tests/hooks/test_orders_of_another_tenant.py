"""A native id that ends with another tenant's number is read before a cancel can act on it."""

from __future__ import annotations

import pytest
from bulk_attempts import Attempt
from dag_runs import connect

from airflow_provider_oms.api.native import Native
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsCancellationRefusedError
from airflow_provider_oms.hooks.oms import OmsHook

FIRST = 4_300_001
THEIRS = "20002"


@pytest.fixture
def oms(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    emulator.clear()
    emulator.load_orders({"orderID": FIRST + n} for n in range(12))
    monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", "1")
    connection(emulator, monkeypatch)
    return emulator


def connection(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, tenant_id: str | None = None
) -> None:
    extra = {"api": "native", "settle_seconds": 0.3, "deadline": 5, "check_reasons": "off"}
    connect(monkeypatch, oms, extra={**extra, **({"tenant_id": tenant_id} if tenant_id else {})})


def seen(oms: EmulatorProcess) -> list[str]:
    return [one["call"] for one in oms.requests() if one["call"] in ("get", "cancel")]


@pytest.mark.parametrize(
    ("tenant_id", "order_id", "is_ours"),
    [
        ("26507", "13bb2a80ee9fd000018e5d9c0000678b", True),
        ("26508", "13bb2a80ee9fd000018e5d9c0000678b", False),
        ("026507", "13bb2a80ee9fd000018e5d9c0000678b", True),
        # Nothing is known of the tenant, or of the id.
        ("", "13bb2a80ee9fd000018e5d9c0000678b", True),
        ("26508", "number:1042", True),
        ("26508", "external_id:13bb2a80ee9fd000018e5d9c0000678b", True),
    ],
)
def test_an_id_ends_with_its_tenant(tenant_id: str, order_id: str, is_ours: bool) -> None:
    assert Native(tenant_id).is_of_tenant(order_id) is is_ours


def test_a_connection_with_a_wrong_tenant_cancels_no_order_of_the_other(
    oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection(oms, monkeypatch, THEIRS)
    order_id = oms.native_id(FIRST)
    with pytest.raises(OmsCancellationRefusedError, match="check the connection's tenant_id"):
        OmsHook().cancel_order(order_id, "NoInventory")
    assert seen(oms) == ["get", "get"]


def test_nor_does_a_set(oms: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    connection(oms, monkeypatch, THEIRS)
    attempt = Attempt()
    error = attempt.fail([oms.native_id(FIRST + n) for n in range(12)])
    assert "check the connection's tenant_id" in str(error)
    assert [oms.cancels(FIRST + n) for n in range(12)] == [0] * 12


def test_an_order_of_the_tenant_with_an_id_of_another_form_is_canceled_after_a_read(
    oms: EmulatorProcess,
) -> None:
    imported = f"{oms.native_id(FIRST)[:24]}{int(THEIRS):08x}"
    oms.load_orders([{"orderID": FIRST + 50, "native": {"id": imported}}])
    oms.clear_requests()
    assert OmsHook().cancel_order(imported, "NoInventory").outcome == "canceled"
    assert seen(oms) == ["get", "cancel"]
    assert oms.cancels(FIRST + 50) == 1


def test_one_among_others_of_a_set_is_read_and_the_others_are_not(oms: EmulatorProcess) -> None:
    imported = f"{oms.native_id(FIRST)[:24]}{int(THEIRS):08x}"
    oms.load_orders([{"orderID": FIRST + 50, "native": {"id": imported}}])
    ours = [oms.native_id(FIRST + n) for n in range(12)]
    oms.clear_requests()
    summary = Attempt().run([*ours[:8], imported, *ours[8:]], max_workers=1)
    assert summary["outcomes"] == {"canceled": 13}
    of_it = [one["call"] for one in oms.requests(order_id=FIRST + 50)]
    assert of_it[:2] == ["get", "cancel"]
    of_another = [one["call"] for one in oms.requests(order_id=FIRST + 11)]
    assert of_another[0] == "cancel"


def test_an_order_of_the_tenant_is_not_read_before(oms: EmulatorProcess) -> None:
    oms.clear_requests()
    assert OmsHook().cancel_order(oms.native_id(FIRST), "NoInventory").outcome == "canceled"
    assert seen(oms)[0] == "cancel"
