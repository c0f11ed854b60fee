"""The order as it is read from a response, and its evidence."""

from __future__ import annotations

import pytest

from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.translated import Translated


def order_of(**fields: object) -> Order | None:
    return Translated().parse({"orderID": 7, **fields}, http_status=200, correlation_id=None)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("CANCELED", "CANCELED"),
        ("READY", "CANCELED"),
        ("CANCELED", "READY"),
        ("Cancelled", None),
        (None, " canceled "),
    ],
)
def test_either_field_in_either_spelling_proves_that_it_is_canceled(
    state: str | None, status: str | None
) -> None:
    order = order_of(orderState=state, orderStatus=status)
    assert order is not None
    assert order.evidence is Evidence.CANCELED


@pytest.mark.parametrize("state", ["READY", "SHIPPED", "CANCELING", "PARTIALLY_CANCELED", "NOT"])
def test_any_other_word_proves_that_it_is_open(state: str) -> None:
    order = order_of(orderState=state, orderStatus="READY")
    assert order is not None
    assert order.evidence is Evidence.OPEN
