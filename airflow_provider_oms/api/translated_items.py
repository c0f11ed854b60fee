"""The fields of an order's items and shipments in the translated API.

They are those of Kibo's pages "Get Order Item" and "Get Shipment". Nothing of the shopper is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_oms.api.models import is_canceled_state, readable_state
from airflow_provider_oms.api.parts import Line, Place, Shipment
from airflow_provider_oms.api.values import whole_number

__all__ = ["line_of", "shipment_of"]

# Other states are open: whether the OMS lets one be canceled shows only when it is asked.
_LEFT = frozenset({"SHIPPED", "FULFILLED"})
_GONE = frozenset({"REASSIGNED", "DELETED"})


def line_of(document: Mapping[str, Any]) -> Line | None:
    """Read an item; ``None`` for a document that is none.

    :param document: a JSON object, with an ``orderItemID`` and an ``itemState``.
    """
    name = whole_number(document.get("orderItemID"))
    state = readable_state(document.get("itemState"))
    if name is None or state is None:
        return None
    quantity = whole_number(document.get("quantity"))
    # A line is canceled as a whole, whatever its quantity is.
    amount = quantity or 1
    is_canceled, has_left = is_canceled_state(state), state.upper() in _LEFT
    is_open = not is_canceled and not has_left
    place = Place(
        whole_number(document.get("shipmentID")),
        open=amount if is_open else 0,
        canceled=amount if is_canceled else 0,
        status=state,
    )
    fulfilled = amount if has_left else 0
    return Line(name, (place,), fulfilled=fulfilled, quantity=quantity, status=state)


def shipment_of(document: Mapping[str, Any]) -> Shipment | None:
    """Read a shipment; ``None`` for a document that is none.

    :param document: a JSON object, with a ``shipmentID`` and a ``shipmentStatus``.
    """
    number = whole_number(document.get("shipmentID"))
    status = readable_state(document.get("shipmentStatus"))
    if number is None or status is None:
        return None
    is_canceled = is_canceled_state(status)
    return Shipment(
        number, status, is_canceled, is_open=not is_canceled and status.upper() not in _LEFT | _GONE
    )
