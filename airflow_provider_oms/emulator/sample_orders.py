"""Orders as the API shows them: the default fields of a loaded order.

All of it is made up, follows from the order's id alone, and can belong to no real person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from airflow_provider_oms.emulator.wire import MAX_ID, is_integer

DOCUMENTED_ORDER_ID: Final = 1010101
FIRST_SEEDED_ID: Final = 2000001

#: Only READY and CANCELED are documented spellings; the rest is illustrative.
STATES: Final = (
    "READY",
    "PAYMENT_HOLD",
    "WAITING_FOR_MANUFACTURER_ACCEPTANCE",
    "SHIPPED",
    "BACKORDER",
    "CUSTOMER_CARE",
    "CANCELED",
    "PAYMENT_ERROR",
    "PENDING",
)

_FIRST_NAMES: Final = ("Testa", "Fakeley", "Mocka", "Sampleton", "Dummy", "Placebo", "Stubbs")
_LAST_NAMES: Final = ("Nobody", "Example", "McFixture", "O'Fictive", "von Muster", "Unreal")
_CITIES: Final = (("Springfield", "OR"), ("Faketown", "TX"), ("Nowhere", "OK"), ("Mockville", "CA"))
_PRODUCTS: Final = ("Sample Mug", "Test Lamp", "Mock Boots", "Dummy Kettle", "Fixture Chair")


def is_canceled(order: Mapping[str, Any]) -> bool:
    """Return whether an order's state or status says that it is canceled.

    :param order: the order's representation.
    """
    values = (order.get("orderState"), order.get("orderStatus"))
    return any(str(value).upper() in {"CANCELED", "CANCELLED"} for value in values)


def mark_canceled(order: dict[str, Any]) -> None:
    """Change an order's representation to that of the same order canceled.

    :param order: the representation, changed in place.
    """
    order.update(orderState="CANCELED", orderStatus="CANCELED")
    order.update(customerSubtotal=0, customerTotal=0, customerTotalNet=0)
    for block, key in (("orderItems", "itemState"), ("shipments", "shipmentStatus")):
        parts = order.get(block)
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, dict) and part.get(key) != "FULFILLED":
                part[key] = "CANCELED"


def make_order(given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete an order from its id and whatever else is given about it.

    Of orderState and orderStatus, the one that is not given follows the other.

    :param given: at least `orderID`; every other key replaces the generated one.
    """
    order_id = given.get("orderID")
    if not is_integer(order_id) or not 1 <= order_id <= MAX_ID:
        raise ValueError(f"orderID must be an integer from 1 to {MAX_ID}, not {order_id!r}")
    state = given.get("orderState", given.get("orderStatus", "READY"))
    order = made_up_order(order_id, state, given.get("orderStatus", state))
    if is_canceled(order):
        state, status = order["orderState"], order["orderStatus"]
        mark_canceled(order)
        order.update(orderState=state, orderStatus=status)
    return {**order, **given}


def made_up_order(order_id: int, state: Any, status: Any) -> dict[str, Any]:
    """Return an order of which nothing else is given.

    :param order_id: its id.
    :param state: its orderState.
    :param status: its orderStatus.
    """
    order = _general_block(order_id, state, status)
    shipment_status = "FULFILLED" if state == "SHIPPED" else "READY"
    return order | _later_blocks(order_id, order["subtotal"], shipment_status)


def seeded_orders(count: int) -> Iterator[dict[str, Any]]:
    """Make the documented order, ready, and then a number of orders in mixed states.

    :param count: how many in addition to the documented one.
    """
    yield {"orderID": DOCUMENTED_ORDER_ID}
    for index in range(count):
        yield {"orderID": FIRST_SEEDED_ID + index, "orderState": STATES[index % len(STATES)]}


def _digest(order_id: int) -> bytes:
    return sha256(str(order_id).encode()).digest()


def _general_block(order_id: int, state: Any, status: Any) -> dict[str, Any]:
    digest = _digest(order_id)
    placed = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=int.from_bytes(digest[:3]))
    subtotal = round(4.99 + digest[3], 2)
    shipping = (0, 4.95, 9.95)[digest[4] % 3]
    total = round(subtotal + shipping, 2)
    return {
        "orderID": order_id,
        "orderType": "STANDARD",
        "isTestOrder": True,
        "deliveryMethod": "SHIP_TO_HOME",
        "orderCurrency": "USD",
        "orderDate": placed.isoformat(timespec="seconds"),
        "orderState": state,
        "orderStatus": status,
        "customerSubtotal": subtotal,
        "subtotal": subtotal,
        "estimatedShipping": shipping,
        "customerTotal": total,
        "customerTotalNet": total,
        "total": total,
        "singlePackageRequested": False,
        "shippingAddress": str(1_000_000 + int.from_bytes(digest[5:8]) % 9_000_000),
    }


def _later_blocks(order_id: int, subtotal: float, shipment_status: str) -> dict[str, Any]:
    """The shopper, the items and the shipment, whose documented names are all that is known."""
    digest = _digest(order_id)
    first = _FIRST_NAMES[digest[8] % len(_FIRST_NAMES)]
    last = _LAST_NAMES[digest[9] % len(_LAST_NAMES)]
    city, state = _CITIES[digest[10] % len(_CITIES)]
    # 555-0100 to 555-0199 are set aside for fiction.
    phone = f"+1-202-555-01{digest[11] % 100:02d}"
    customer_id = 3_000_000 + int.from_bytes(digest[12:14])
    shipment_id = 12_000_000 + int.from_bytes(digest[14:17])
    return {
        "shippingAddressInformation": {
            "addressID": str(1_000_000 + int.from_bytes(digest[5:8]) % 9_000_000),
            "customerID": customer_id,
            "firstName": first,
            "lastName": last,
            "addressLine1": f"{1 + digest[17]} Imaginary Lane",
            "addressLine2": "",
            "addressLine3": "",
            "city": city,
            "state": state,
            "postalCode": f"00{digest[18]:03d}",
            "countryCode": "US",
            "phone": phone,
        },
        "customer": {
            "customerID": customer_id,
            "firstName": first,
            "lastName": last,
            "email": f"shopper.{order_id}@example.com",
            "phone1": phone,
        },
        "externalOrderID": f"EXT-{order_id}",
        "manufacturerID": 20000,
        "catalogID": 0,
        "customerID": customer_id,
        "orderItems": [
            {
                "orderItemID": 9_000_000_000 + int.from_bytes(digest[19:22]),
                "itemState": "NORMAL",
                "orderID": order_id,
                "shipmentID": shipment_id,
                "externalItemID": digest[22:31].hex(),
                "manufacturerID": 20000,
                "partNumber": f"FAKE-{digest[23]:03d}",
                "description": _PRODUCTS[digest[24] % len(_PRODUCTS)],
                "quantity": 1,
                "price": subtotal,
            }
        ],
        "shipments": [{"shipmentID": shipment_id, "shipmentStatus": shipment_status}],
    }
