"""What a shipment of the translated API is: canceled, open, or neither."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_oms.api.translated_items import shipment_of


@pytest.mark.parametrize("write", [str.upper, str.lower])
@pytest.mark.parametrize(
    ("status", "is_open", "is_canceled"),
    [
        ("READY", True, False),
        # Whether the OMS lets it be canceled shows only when it is asked.
        ("BACKORDER", True, False),
        ("SHIPPED", False, False),
        ("FULFILLED", False, False),
        ("REASSIGNED", False, False),
        ("DELETED", False, False),
        ("CANCELED", False, True),
        ("CANCELLED", False, True),
    ],
)
def test_its_status_decides(
    status: str, is_open: bool, is_canceled: bool, write: Callable[[str], str]
) -> None:
    found = shipment_of({"shipmentID": 7, "shipmentStatus": write(status)})
    assert found is not None
    assert (found.is_open, found.is_canceled) == (is_open, is_canceled)
