"""The operator that lists orders in review whose fraud check failed."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
from slept_time import SleptTime
from spoken import NATIVE, TRANSLATED, Spoken

from airflow_provider_oms.api import patience
from airflow_provider_oms.api.errors import (
    OmsError,
    OmsForbiddenError,
    OmsInputError,
    OmsServerError,
)
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.operators.review import OmsListOrdersInReviewOperator
from airflow_provider_oms.verdicts.adapters import Kibo
from airflow_provider_oms.verdicts.verdict import Verdict

SHOPPER = "jo@example.com"


@pytest.fixture
def tenant(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    emulator.clear()
    connect(monkeypatch, emulator, NATIVE)
    slept = SleptTime(is_real=False)
    monkeypatch.setattr(time, "sleep", slept.sleep)
    monkeypatch.setattr(patience, "TokenPatience", partial(patience.TokenPatience, clock=slept.now))
    return emulator


def connect(monkeypatch: pytest.MonkeyPatch, oms: EmulatorProcess, spoken: Spoken) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", spoken.connection(oms))


def load(tenant: EmulatorProcess, number: int, *results: Any, **native: Any) -> str:
    """Load an order in review, and return its id."""
    entries = [{"status": one} if isinstance(one, str) else one for one in results]
    fields = {"status": "PendingReview", "validationResults": entries, **native}
    tenant.load_orders([{"orderID": number, "native": fields}])
    return tenant.native_id(number)


def run(**arguments: Any) -> list[dict[str, Any]]:
    return OmsListOrdersInReviewOperator(task_id="list", **arguments).execute({})


def listed(**arguments: Any) -> list[Any]:
    return [one["order_id"] for one in run(**arguments)]


def test_it_lists_the_orders_in_review_whose_fraud_check_failed(tenant: EmulatorProcess) -> None:
    failed = load(tenant, 1, "Fail")
    load(tenant, 2, "Pass")
    load(tenant, 3, "Review")
    load(tenant, 4, "Error")
    load(tenant, 5, "Fail", status="Accepted")
    later = {"status": "Pass", "createdDate": "2026-11-28T10:00:00Z"}
    load(tenant, 6, {"status": "Fail", "createdDate": "2026-11-28T09:00:00Z"}, later)
    both = load(tenant, 7, "Pass", {"status": "Fail", "validatorName": "Another"})
    assert sorted(listed()) == sorted([failed, both])
    assert {one["method"] for one in tenant.requests(path="/api/commerce")} == {"GET"}


def test_an_entry_is_in_doubt_unless_that_is_ruled_out(tenant: EmulatorProcess) -> None:
    failed = load(tenant, 1, "Fail")
    assert run() == [{"order_id": failed, "in_doubt": True}]
    assert run(in_doubt=False) == [{"order_id": failed, "in_doubt": False}]
    assert run(in_doubt="False") == [{"order_id": failed, "in_doubt": False}]


def test_none_in_review_is_an_empty_list(tenant: EmulatorProcess) -> None:
    load(tenant, 1, status="Accepted")
    assert run() == []


def test_the_adapter_says_what_counts(tenant: EmulatorProcess) -> None:
    reviewed = load(tenant, 1, {"status": "Review", "validatorType": "Risk"})
    load(tenant, 2, {"status": "Fail", "validatorType": "Address"})
    adapter = Kibo(types=["Risk"], other_types=["Address"], cancel=["Fail", "Review"], pending=[])
    assert listed(adapter=adapter) == [reviewed]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("Denied", "validationResults.0.status must be one of the words .* got 'Denied'"),
        ({"status": "Pass", "validatorType": "Risk"}, "validatorType .* got 'Risk'"),
        ({"status": "fail"}, "differs from 'Fail' by letter case"),
        ({"status": None}, "status must be a field of the payload that has a value"),
    ],
)
def test_a_result_that_it_does_not_know_is_refused_by_name(
    tenant: EmulatorProcess, result: Any, said: str
) -> None:
    load(tenant, 1, "Fail")
    unknown = load(tenant, 1042, result)
    with pytest.raises(OmsInvalidInputError, match=said) as refusal:
        run()
    assert f"{unknown} (number 1042)" in str(refusal.value)


def test_an_order_without_results_is_refused_by_name(tenant: EmulatorProcess) -> None:
    load(tenant, 1)
    with pytest.raises(OmsInvalidInputError, match="a list of at least one result"):
        run()


def test_of_many_refused_orders_the_error_names_some(tenant: EmulatorProcess) -> None:
    for number in range(1, 6):
        load(tenant, number, "Denied")
    with pytest.raises(OmsInvalidInputError, match="and 2 more, which the log names"):
        run()


def test_refused_orders_may_be_left_to_the_log(
    tenant: EmulatorProcess, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    failed = load(tenant, 1, "Fail")
    unknown = load(tenant, 1042, "Denied")
    assert listed(fail_on_refused=False) == [failed]
    assert unknown in capfd.readouterr().out + caplog.text


def test_what_is_no_verdict_keeps_nothing_silently(tenant: EmulatorProcess) -> None:
    load(tenant, 1, "Fail")
    with pytest.raises(OmsInvalidInputError, match="the adapter's return value must be a Verdict"):
        run(adapter=lambda _: None)


class Broken:
    """An adapter whose author did not expect one order."""

    def __init__(self, order_id: str, error: Exception) -> None:
        self.order_id, self.error = order_id, error

    def __call__(self, payload: Mapping[str, Any]) -> Verdict:
        if payload["id"] == self.order_id:
            raise self.error
        return Kibo()(payload)


@pytest.mark.parametrize(
    "error", [KeyError(SHOPPER), OmsInputError("x", SHOPPER, "y"), AirflowSkipException(SHOPPER)]
)
def test_what_an_adapter_raises_is_a_fault_of_the_adapter_with_the_order(
    tenant: EmulatorProcess,
    error: Exception,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, failed = load(tenant, 1042, "Fail"), load(tenant, 2, "Fail")
    said = f"order {broken} (number 1042): the adapter raised {type(error).__name__}; correct it"
    with pytest.raises(OmsInvalidInputError, match=re.escape(said)) as refusal:
        run(adapter=Broken(broken, error))
    told = "".join(traceback.format_exception(refusal.value))
    assert listed(adapter=Broken(broken, error), fail_on_refused=False) == [failed]
    told += capfd.readouterr().out + caplog.text
    assert said in told
    assert SHOPPER not in told


def test_a_search_that_lags_behind_lists_no_order_that_was_accepted(
    tenant: EmulatorProcess,
) -> None:
    load(tenant, 1, "Fail")
    tenant.settings(search_lag=3600)
    load(tenant, 1, "Fail", status="Accepted")
    load(tenant, 2, "Fail")
    assert listed() == []
    assert len(tenant.requests(call="get")) == 1


def test_results_that_only_a_read_shows_are_refused_too(tenant: EmulatorProcess) -> None:
    load(tenant, 1, "Fail")
    tenant.settings(search_lag=3600)
    load(tenant, 1, "Denied")
    with pytest.raises(OmsInvalidInputError, match="'Denied'"):
        run()


def test_an_order_that_cannot_be_read_stops_no_other(tenant: EmulatorProcess) -> None:
    gone, failed = load(tenant, 1, "Fail"), load(tenant, 2, "Fail")
    body = {"errorCode": "ITEM_NOT_FOUND"}
    tenant.add_fault("status", call="get", order_id=gone, status=404, body=body)
    assert listed() == [failed]


@pytest.mark.parametrize(("status", "error"), [(500, OmsServerError), (403, OmsForbiddenError)])
def test_nor_does_one_whose_read_fails_where_refused_orders_are_left_to_the_log(
    tenant: EmulatorProcess,
    status: int,
    error: type[OmsError],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for number in range(1, 7):
        load(tenant, number, "Fail")
    first, second, third, fourth, fifth, sixth = listed()
    for bad in (first, second, fourth, sixth):
        tenant.add_fault("status", call="get", order_id=bad, status=status)
    with pytest.raises(error):
        run()
    assert listed(fail_on_refused=False) == [third, fifth]
    said = capfd.readouterr().out + caplog.text
    assert all(f"order {bad} (" in said for bad in (first, second, fourth, sixth))


@pytest.mark.parametrize(("orders", "most"), [(1, 1), (2, 2), (6, 3)])
def test_a_tenant_that_shows_none_of_its_orders_fails_it_soon(
    tenant: EmulatorProcess, orders: int, most: int
) -> None:
    for number in range(orders):
        load(tenant, number + 1, "Fail")
    tenant.clear_requests()
    tenant.add_fault("status", call="get", status=500)
    with pytest.raises(OmsServerError):
        run(fail_on_refused=False)
    assert len({request["order_id"] for request in tenant.requests(call="get")}) == most


def test_more_orders_than_allowed_are_refused(tenant: EmulatorProcess) -> None:
    load(tenant, 1, "Fail")
    load(tenant, 2, "Pass")
    said = (
        "2 orders are in PendingReview, and max_orders allows 1. "
        "Raise max_orders if so many may be in review. Nothing was listed."
    )
    with pytest.raises(OmsInvalidInputError, match=re.escape(said)):
        run(max_orders="1")
    assert len(run(max_orders=2)) == 1


def test_trouble_that_passes_is_waited_for(tenant: EmulatorProcess) -> None:
    failed = load(tenant, 1, "Fail")
    tenant.add_fault("status", call="search", status=500, times=2)
    tenant.add_fault("throttle", call="get", times=1, retry_after=60)
    assert listed() == [failed]
    tenant.revoke_tokens()
    assert listed() == [failed]


def test_trouble_that_does_not_pass_may_be_retried(tenant: EmulatorProcess) -> None:
    tenant.add_fault("status", call="search", status=500)
    with pytest.raises(OmsServerError):
        run()


def test_what_the_tenant_refuses_is_final(tenant: EmulatorProcess) -> None:
    tenant.add_fault("status", call="search", status=400)
    with pytest.raises(OmsInvalidInputError, match="refuses the search for orders"):
        run()


def test_a_refusal_without_advice_ends_before_what_became_of_the_list(
    tenant: EmulatorProcess,
) -> None:
    tenant.add_fault("status", call="search", status=403)
    with pytest.raises(OmsInvalidInputError, match=r"\S\. Nothing was listed\.$"):
        run()


def test_a_translated_tenant_is_refused_before_anything_is_sent(
    tenant: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, tenant, TRANSLATED)
    with pytest.raises(OmsInvalidInputError, match="the connection's api must be native"):
        run()
    assert tenant.requests() == []


@pytest.mark.parametrize(
    ("name", "value"), [("max_orders", "many"), ("in_doubt", "maybe"), ("fail_on_refused", None)]
)
def test_a_wrong_argument_is_refused_before_anything_is_sent(
    tenant: EmulatorProcess, name: str, value: Any
) -> None:
    with pytest.raises(OmsInvalidInputError, match=name):
        run(**{name: value})
    assert tenant.requests() == []


def test_an_adapter_that_cannot_be_called_is_refused_with_the_dag_file() -> None:
    with pytest.raises(ValueError, match="adapter must be called"):
        OmsListOrdersInReviewOperator(task_id="list", adapter=Kibo)  # type: ignore[arg-type]  # as tried
