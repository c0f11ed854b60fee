"""An order as the native API shows it: its required fields, and its evidence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from any_responses import BODIES, HEADERS, SECRET, STATUSES, VALUES, assert_tells_no_secret
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from airflow_provider_oms.api.errors import (
    OmsConflictError,
    OmsHttpError,
    OmsNotFoundError,
    OmsUnexpectedResponseError,
    OmsWrongServerError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.native import Native
from airflow_provider_oms.api.transport import Response

ID = "137a94b6402be0000137196800002711"
OTHER = "000094b6402be0000137196800002711"
NATIVE = Native("10001")
MARK = {"x-vol-correlation": "0123456789abcdef"}


def shown(order_id: object = ID, status: object = "Accepted", **more: Any) -> dict[str, Any]:
    return {"id": order_id, "status": status, "tenantId": 10001, **more}


def parse(document: object, dialect: Native = NATIVE) -> Order | None:
    return dialect.parse(document, http_status=200, correlation_id=None)


def read(content: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Order:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    found = CaseInsensitiveDict(MARK if headers is None else headers)
    return NATIVE.order_in(Response(status, found, body), ID, secrets=(SECRET,))


@pytest.mark.parametrize("status", ["Accepted", "Cancelled"])
def test_an_order_of_another_tenant_is_called_that_and_proves_nothing(status: str) -> None:
    with pytest.raises(OmsUnexpectedResponseError, match="an order of another tenant") as said:
        read(shown(status=status, tenantId=10002))
    assert said.value.evidence is Evidence.AMBIGUOUS
    assert "tenant_id and host" in str(said.value)


class TestAnOrder:
    @pytest.mark.parametrize("order_id", [ID, ID.upper(), "137A94B6-402B-E000-0137-196800002711"])
    def test_its_id_may_be_written_in_another_way(self, order_id: str) -> None:
        assert read(shown(order_id)).order_id == ID

    @pytest.mark.parametrize(
        ("status", "evidence"),
        [
            ("Cancelled", Evidence.CANCELED),
            ("CANCELLED", Evidence.CANCELED),
            ("cancelled", Evidence.CANCELED),
            ("Canceled", Evidence.CANCELED),
            ("Accepted", Evidence.OPEN),
            ("Cancelling", Evidence.OPEN),
            ("PendingCancelled", Evidence.OPEN),
            ("Completed", Evidence.OPEN),
        ],
    )
    def test_only_its_status_says_that_it_is_canceled(
        self, status: str, evidence: Evidence
    ) -> None:
        found = read(shown(status=status, cancelledDate="2026-01-01T00:00:00Z"))
        assert found.evidence is evidence
        assert (found.order_state, found.order_status) == (status, status)

    @pytest.mark.parametrize(
        "document",
        [
            *(shown("1042"), shown(1042), shown(None), shown("number:1042"), shown(True)),
            *(shown(status=one) for one in (None, "", " ", 1, True, ["Cancelled"], "x" * 65)),
            *(shown(status=one) for one in ("a\nb", {"status": "Cancelled"})),
            *(shown(tenantId=one) for one in (10002, "10002", 0, True, 10001.5, "")),
            *([shown()], {"items": [shown()]}, "Cancelled", 7, None, {}),
        ],
    )
    def test_what_is_none_proves_nothing(self, document: object) -> None:
        assert parse(document) is None
        with pytest.raises(OmsUnexpectedResponseError) as refusal:
            read(document)
        assert refusal.value.evidence is Evidence.AMBIGUOUS

    @pytest.mark.parametrize("tenant", [10001, "10001", None])
    def test_it_is_this_tenants_or_does_not_say_whose(self, tenant: object) -> None:
        assert parse(shown(tenantId=tenant)) is not None

    def test_a_tenants_number_may_be_written_with_zeros_in_front(self) -> None:
        assert parse(shown(), Native("010001")) is not None

    def test_another_order_proves_nothing(self) -> None:
        with pytest.raises(OmsUnexpectedResponseError, match="another order instead of order 137a"):
            read(shown(OTHER, "Cancelled"))

    def test_its_age_is_that_of_the_answer(self) -> None:
        assert read(shown(), headers={**MARK, "Age": "9"}).age == 9

    def test_nothing_of_it_is_in_its_text(self) -> None:
        assert "wilhelmina" not in repr(read(shown(email="wilhelmina@leak.example")))


class TestWhetherItCanBeCanceled:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, None),
            ({"availableActions": None}, None),
            ({"availableActions": "CancelOrder"}, None),
            ({"availableActions": []}, False),
            ({"availableActions": ["CloseOrder"]}, False),
            ({"availableActions": ["CloseOrder", "CancelOrder"]}, True),
            ({"availableActions": ["CancelOrder"], "restrictCancellation": False}, True),
            ({"availableActions": ["CancelOrder"], "restrictCancellation": True}, False),
            ({"restrictCancellation": True}, False),
            ({"restrictCancellation": False}, None),
            ({"availableActions": ["CancelOrder"], "fulfillmentStatus": "NotFulfilled"}, True),
            ({"availableActions": ["CancelOrder"], "fulfillmentStatus": "Fulfilled"}, False),
            ({"fulfillmentStatus": "PartiallyFulfilled"}, False),
            ({"availableActions": ["CancelOrder"], "totalCollected": 20.5}, False),
            ({"totalCollected": 20, "amountRefunded": 5}, False),
            ({"totalCollected": 20, "amountRefunded": 20}, None),
            ({"totalCollected": 0, "amountRefunded": None}, None),
            ({"totalCollected": True}, None),
        ],
    )
    def test_it_says_so_itself_or_it_is_not_known(
        self, fields: dict[str, Any], expected: bool | None
    ) -> None:
        assert read(shown(**fields)).is_cancelable is expected
        assert bool(read(shown(**fields)).obstacle) is (expected is False)

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"restrictCancellation": True}, "restrictCancellation is set"),
            ({"fulfillmentStatus": "Fulfilled"}, "fulfillmentStatus is Fulfilled"),
            ({"totalCollected": 20}, "totalCollected exceeds amountRefunded"),
            ({"availableActions": ["CloseOrder"]}, "availableActions lacks CancelOrder"),
        ],
    )
    def test_what_is_in_the_way_is_named(self, fields: dict[str, Any], named: str) -> None:
        assert read(shown(**fields)).obstacle == named


# The two bodies of an error, of the order service and of the fulfillment service.
PLATFORM = {
    "applicationName": "Commerce",
    "errorCode": "ITEM_NOT_FOUND",
    "message": "Item not found",
    "correlationId": "0123",
}
FULFILLMENT = {"code": "ITEM_NOT_FOUND", "message": "Item not found", "errors": []}


class TestAnError:
    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (PLATFORM, MARK),
            (PLATFORM, {}),
            (FULFILLMENT, MARK),
            (FULFILLMENT, {}),
            (b"", MARK),
        ],
    )
    def test_a_404_with_a_mark_of_kibos_is_about_the_order(
        self, body: object, headers: dict[str, str]
    ) -> None:
        with pytest.raises(OmsNotFoundError):
            read(body, status=404, headers=headers)

    @pytest.mark.parametrize("body", [b"", b"<html>", b"Not Found", {"message": "Not Found"}])
    def test_one_without_is_about_the_address(self, body: object) -> None:
        with pytest.raises(OmsWrongServerError, match="host or tenant_id is wrong") as refusal:
            read(body, status=404, headers={})
        assert "api: translated" in str(refusal.value)

    @pytest.mark.parametrize("body", [PLATFORM, FULFILLMENT, b"", b"<html>"])
    @pytest.mark.parametrize("headers", [MARK, {}])
    def test_a_409_is_a_conflict_whatever_it_holds(
        self, body: object, headers: dict[str, str]
    ) -> None:
        with pytest.raises(OmsConflictError):
            read(body, status=409, headers=headers)


DOCUMENTS = st.builds(
    lambda fields, changes: json.dumps({**fields, **changes}).encode(),
    st.just(shown()),
    st.dictionaries(
        st.sampled_from(["id", "status", "tenantId", "restrictCancellation", "availableActions"]),
        st.one_of(VALUES, st.sampled_from([ID, OTHER, "Cancelled", 10001, 10002, ["CancelOrder"]])),
        max_size=3,
    ),
)


@given(STATUSES, HEADERS, st.one_of(BODIES, DOCUMENTS), st.booleans())
def test_whatever_comes_it_ends_in_the_order_or_in_a_typed_error(
    status: int, headers: dict[str, str], body: bytes, complete: bool
) -> None:
    answer = Response(status, CaseInsensitiveDict(headers), body, complete)
    try:
        found = NATIVE.order_in(answer, ID, secrets=(SECRET,))
    except OmsHttpError as error:
        assert_tells_no_secret(error, error.detail, error.oms_code, error.correlation_id)
        return
    assert answer.is_success
    assert complete
    assert found.order_id == ID
    assert str(found.raw.get("tenantId", 10001)) in ("10001", "None")
    said = found.raw["status"]
    assert isinstance(said, str)
    assert found.is_canceled == (said.strip().upper() in ("CANCELED", "CANCELLED"))
