"""Orders as the native API shows them: the same as in the translated one, in its own words.

All of it is made up, follows from the order's id alone, and can belong to no real person.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from airflow_provider_oms.emulator.native.ids import MAX_INT32, make_id, read_id
from airflow_provider_oms.emulator.sample_orders import is_canceled, made_up_order, make_order
from airflow_provider_oms.emulator.wire import is_integer

DEFAULT_SITE: Final = 1
CANCELED: Final = "Cancelled"
#: The name of a status in the other dialect; the last of those that share one is not returned.
_STATUSES: Final = {
    "READY": "Accepted",
    "PAYMENT_HOLD": "PendingReview",
    "WAITING_FOR_MANUFACTURER_ACCEPTANCE": "Submitted",
    "SHIPPED": "Completed",
    "BACKORDER": "Processing",
    "CANCELED": CANCELED,
    "CANCELLED": CANCELED,
    "PAYMENT_ERROR": "Errored",
    "PENDING": "Pending",
}
_STATES: Final = {status.lower(): state for state, status in reversed(_STATUSES.items())}
_OPEN_ACTIONS: Final = {
    "pending": ("SubmitOrder",),
    "created": ("SubmitOrder",),
    "submitted": ("ValidateOrder", "AcceptOrder", "CancelOrder"),
    "validated": ("AcceptOrder", "CancelOrder"),
    "pendingreview": ("AcceptOrder", "CancelOrder"),
    "completed": (),
    "cancelled": (),
    "abandoned": (),
}


def make_both(given: Mapping[str, Any], tenant_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Complete an order, and return it as the translated and as the native API show it.

    Of the states in the two dialects, the one that is not given follows the other.

    :param given: at least `orderID`; under `native`, whatever the native order is to hold.
    :param tenant_id: the tenant.
    """
    translated = {name: value for name, value in given.items() if name != "native"}
    own = given.get("native", {})
    if not isinstance(own, Mapping):
        raise ValueError("native must be an object")  # noqa: TRY004 - the input, not a type, is at fault
    if "status" in own and not {"orderState", "orderStatus"} & set(given):
        translated["orderState"] = _STATES.get(str(own["status"]).lower(), "READY")
    order = make_order(translated)
    native = _make_native(order, own, tenant_id)
    if is_canceled(order) != is_native_canceled(native):
        raise ValueError(
            f"order {order['orderID']} is canceled in one dialect only: {order['orderState']!r}, "
            f"{native['status']!r}"
        )
    return order, native


def is_native_canceled(order: Mapping[str, Any]) -> bool:
    """Return whether an order's status says that it is canceled.

    :param order: the native representation.
    """
    return str(order["status"]).lower() == CANCELED.lower()


def available_actions(order: Mapping[str, Any], *, restriction_binds: bool) -> list[str]:
    """Return the possible actions of an order.

    :param order: the native representation.
    :param restriction_binds: whether `restrictCancellation` binds applications.
    """
    actions = _OPEN_ACTIONS.get(str(order["status"]).lower(), ("CancelOrder", "CompleteOrder"))
    restricted = restriction_binds and order.get("restrictCancellation") is True
    return [one for one in actions if not (restricted and one == "CancelOrder")]


def mark_native_canceled(order: dict[str, Any], now: datetime, *, credit: bool) -> None:
    """Change a native order to the same order canceled; authorized payments are voided.

    :param order: the representation, changed in place.
    :param now: the time of it.
    :param credit: whether money that is captured is credited, or kept.
    """
    order.update(status=CANCELED, cancelledDate=timestamp(now), isFulfillable=False)
    if order.get("paymentStatus") == "Authorized":
        order["paymentStatus"] = "Void"
    credited = _amount(order, "totalCollected") if credit else 0
    if credited:
        order.update(amountRefunded=credited, amountAvailableForRefund=0)
    payments = order.get("payments")
    for payment in payments if isinstance(payments, list) else []:
        if isinstance(payment, dict) and payment.get("status") == "Authorized":
            payment["status"] = "Voided"
        elif isinstance(payment, dict) and credited:
            payment.update(status="Credited", amountCredited=payment.get("amountCollected", 0))


def captured(order: Mapping[str, Any]) -> float:
    """Return how much money is captured for an order, and not given back.

    :param order: the native representation.
    """
    return _amount(order, "totalCollected") - _amount(order, "amountRefunded")


def timestamp(time: datetime) -> str:
    """Return a time as the native API writes it.

    :param time: the time, in UTC.
    """
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def _amount(order: Mapping[str, Any], name: str) -> float:
    value = order.get(name)
    return value if isinstance(value, int | float) else 0


def _make_native(
    order: Mapping[str, Any], own: Mapping[str, Any], tenant_id: int
) -> dict[str, Any]:
    order_id = int(order["orderID"])
    status = own.get("status", _status_of(order))
    # Not from the order itself, in which anything may have been given.
    made_up = made_up_order(order_id, "READY", "READY")
    external_id = order["externalOrderID"]
    if not isinstance(external_id, str):
        external_id = made_up["externalOrderID"]
    made = {
        "id": make_id(order_id, tenant_id),
        "tenantId": tenant_id,
        "siteId": DEFAULT_SITE,
        "orderNumber": order_id if order_id <= MAX_INT32 else None,
        "externalId": external_id,
        "status": status,
        **_details(made_up, str(status)),
        **own,
    }
    made["validationResults"] = _results(made["validationResults"], made)
    _check(made)
    return made


def _results(given: Any, order: Mapping[str, Any]) -> Any:
    """Complete the results of validators, each of which has at least a `status`.

    :param given: as loaded; a value that is no list of objects is kept.
    :param order: the order.
    """
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        return given
    return [
        {
            "validationId": f"{place:032x}",
            "validatorName": "Fraud check",
            "validatorType": "Fraud",
            "createdDate": order["submittedDate"],
            "messages": [],
            **one,
        }
        for place, one in enumerate(given, start=1)
    ]


def _status_of(order: Mapping[str, Any]) -> str:
    if is_canceled(order):
        return CANCELED
    return _STATUSES.get(str(order["orderState"]).upper(), "Accepted")


def _check(native: Mapping[str, Any]) -> None:
    """Refuse a field of the wrong kind that the emulator itself relies on."""
    if not isinstance(native["id"], str) or read_id(native["id"]) != native["id"]:
        raise ValueError(f"native.id must be 32 lower-case hex digits, not {native['id']!r}")
    number = native["orderNumber"]
    if number is not None and not (is_integer(number) and 1 <= number <= MAX_INT32):
        raise ValueError(f"native.orderNumber must be from 1 to {MAX_INT32}, not {number!r}")
    if not (is_integer(native["siteId"]) and 0 <= native["siteId"] <= MAX_INT32):
        raise ValueError(f"native.siteId must be an integer from 0, not {native['siteId']!r}")
    for name, kinds in (("externalId", str | None), ("status", str), ("notes", list)):
        if not isinstance(native[name], kinds):
            raise ValueError(f"native.{name} must not be {native[name]!r}")  # noqa: TRY004 - the input, not a type, is at fault


def _details(made_up: Mapping[str, Any], status: str) -> dict[str, Any]:
    placed = datetime.fromisoformat(str(made_up["orderDate"]))
    total = made_up["total"]
    done, dead = status.lower() == "completed", status.lower() == CANCELED.lower()
    payment = "Collected" if done else "Voided" if dead else "Authorized"
    customer, (item,) = made_up["customer"], made_up["orderItems"]
    return {
        "type": "Online",
        "version": "1",
        "paymentStatus": {"Collected": "Paid", "Voided": "Void"}.get(payment, payment),
        "fulfillmentStatus": "Fulfilled" if done else "NotFulfilled",
        "returnStatus": "None",
        "submittedDate": timestamp(placed),
        "cancelledDate": timestamp(placed + timedelta(hours=1)) if dead else None,
        "isFulfillable": not (done or dead),
        "isImport": False,
        "isHistoricalImport": False,
        "restrictEdit": False,
        "restrictCancellation": False,
        "currencyCode": "USD",
        "subtotal": made_up["subtotal"],
        "total": total,
        "totalCollected": total if done else 0,
        "amountRefunded": 0,
        "amountAvailableForRefund": total if done else 0,
        "customerAccountId": customer["customerID"],
        "email": customer["email"],
        "items": [
            {
                "id": f"{item['orderItemID']:032x}",
                "lineId": 1,
                "quantity": 1,
                "product": {"productCode": item["partNumber"], "name": item["description"]},
            }
        ],
        "payments": [
            {
                "id": f"{int(made_up['shippingAddress']):032x}",
                "status": payment,
                "paymentType": "CreditCard",
                "amountRequested": total,
                "amountCollected": total if done else 0,
                "amountCredited": 0,
            }
        ],
        "notes": [],
        "attributes": [],
        "validationResults": [],
        "auditInfo": {"createDate": timestamp(placed), "updateDate": timestamp(placed)},
    }
