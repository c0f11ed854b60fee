"""The rules for the parameters of a native search for shipments: a part of RSQL, pages from 0.

`orderId==137a…;shipmentStatus!=CANCELED`: comparisons joined by `;`, all of which must hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_oms.emulator.parts.native_rules import unfit
from airflow_provider_oms.emulator.wire import MAX_ID, digits_to_int

DEFAULT_PAGE: Final = 20
MOST_PER_PAGE: Final = 200
_COMPARISON: Final = re.compile(r"([A-Za-z]+)(==|!=)('[^']*'|\"[^\"]*\"|[^;,()'\"]+)")
_FIELDS: Final = {
    name.lower(): name
    for name in (
        "shipmentNumber",
        "orderId",
        "orderNumber",
        "externalOrderId",
        "siteId",
        "shipmentStatus",
        "shipmentType",
        "fulfillmentStatus",
    )
}


@dataclass(frozen=True)
class Comparison:
    """A comparison of a filter.

    :param name: the field.
    :param value: the value that it is compared with, in lower case.
    :param is_equal: whether the two must be equal, or must not.
    """

    name: str
    value: str
    is_equal: bool

    def holds(self, shipment: Mapping[str, Any]) -> bool:
        """Return whether a shipment fulfills it.

        :param shipment: the shipment as it is shown.
        """
        return (str(shipment.get(self.name, "")).lower() == self.value) == self.is_equal


@dataclass(frozen=True)
class ShipmentSearch:
    """A search for shipments.

    :param comparisons: the comparisons that they must fulfill.
    :param sort: the field that they are sorted by.
    :param descending: whether the largest come first.
    :param page: which page, from 0.
    :param per_page: how many it holds.
    :param lags: whether it goes by the search index, which may be late.
    """

    comparisons: Sequence[Comparison]
    sort: str
    descending: bool
    page: int
    per_page: int
    lags: bool

    def only(self, name: str) -> str | None:
        """Return the only value that a field may have; None where there may be others.

        :param name: the field.
        """
        return next(
            (one.value for one in self.comparisons if one.name == name and one.is_equal), None
        )

    def page_of(self, found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return those of a page.

        :param found: the shipments that may be found.
        """
        fit = self.fitting(found)
        return fit[self.page * self.per_page : (self.page + 1) * self.per_page]

    def fitting(self, found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the shipments that fulfill the filter, sorted.

        :param found: those that may.
        """
        fit = [one for one in found if all(each.holds(one) for each in self.comparisons)]

        def key(shipment: Mapping[str, Any]) -> tuple[str, int]:
            value = shipment.get(self.sort, "")
            return ("", value) if isinstance(value, int) else (str(value), 0)

        return sorted(fit, key=key, reverse=self.descending)


def read_shipment_search(
    parameters: Mapping[str, Sequence[str]], *, large_page: object
) -> ShipmentSearch:
    """Check the parameters of a search; those that are not documented are ignored.

    :param parameters: every value of each parameter.
    :param large_page: `cap` to make a page that is too large smaller, or else it is refused.
    """
    given = {name: values[-1] for name, values in parameters.items()}
    sort = given.get("sort", "shipmentNumber")
    field = sort.removeprefix("-").removeprefix("+").strip().lower()
    if field not in _FIELDS:
        raise unfit(f"sort can not be {sort[:40]!r}")
    per_page = _number("pageSize", given.get("pageSize"), DEFAULT_PAGE)
    if per_page < 1 or (per_page > MOST_PER_PAGE and large_page != "cap"):
        raise unfit(f"pageSize must be from 1 to {MOST_PER_PAGE}")
    return ShipmentSearch(
        comparisons=_comparisons(given.get("filter", "")),
        sort=_FIELDS[field],
        descending=sort.startswith("-"),
        page=_number("page", given.get("page"), 0),
        per_page=min(per_page, MOST_PER_PAGE),
        lags=given.get("bypassSearchIndex", "").lower() != "true",
    )


def _comparisons(text: str) -> list[Comparison]:
    comparisons = []
    position = 0
    while position < len(text):
        found = _COMPARISON.match(text, position)
        if found is None or text[found.end() : found.end() + 1] not in ("", ";"):
            raise unfit(f"the filter can not be read at {text[position : position + 40]!r}")
        name = found[1].lower()
        if name not in _FIELDS:
            raise unfit(f"there is no field {found[1][:40]!r}")
        value = found[3].strip().strip("'\"").lower()
        comparisons.append(Comparison(_FIELDS[name], value, found[2] == "=="))
        position = found.end() + 1
    return comparisons


def _number(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    number = digits_to_int(text)
    if number is None or number > MAX_ID:
        raise unfit(f"{name} must be an integer from 0")
    return number
