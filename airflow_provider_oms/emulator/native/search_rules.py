"""The rules for the parameters of a search for native orders, and for their events.

This module does not know the orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_oms.emulator.errors import ApiError, native_error
from airflow_provider_oms.emulator.native.fields import Fields, read_fields, thin
from airflow_provider_oms.emulator.native.filters import Column, Condition, read_filter
from airflow_provider_oms.emulator.native.settings import NativeSettings
from airflow_provider_oms.emulator.wire import MAX_ID, digits_to_int

DEFAULT_PAGE: Final = 20
MOST_PER_PAGE: Final = 200


@dataclass(frozen=True)
class Search:
    """A search for native orders, or for their events.

    :param condition: the condition that they must fulfill.
    :param order_by: their sorting, in SQL.
    :param start: how many are left out before the page.
    :param per_page: how many a page holds.
    :param fields: the fields of the answer that are asked for.
    """

    condition: Condition
    order_by: str
    start: int
    per_page: int
    fields: Fields

    def page(self, total: int, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a page of the results, in the API's envelope.

        :param total: how many were found.
        :param items: those of the page.
        """
        page = {
            "startIndex": self.start,
            "pageSize": self.per_page,
            "pageCount": -(-total // self.per_page),
            "totalCount": total,
            "items": items,
        }
        thinned: dict[str, Any] = thin(page, self.fields)
        return thinned


def read_search(
    parameters: Mapping[str, Sequence[str]],
    columns: Mapping[str, Column],
    settings: NativeSettings,
    *,
    last: str = "order_id",
) -> Search:
    """Check the parameters of a search; those that are not documented are ignored.

    :param parameters: every value of each parameter.
    :param columns: the fields that a filter may name, in lower case.
    :param settings: the tenant's switches.
    :param last: by what those are sorted that are otherwise equal, in SQL.
    """
    given = {name.lower(): values[-1] for name, values in parameters.items()}
    per_page = _number("pageSize", given.get("pagesize"), DEFAULT_PAGE)
    if per_page > MOST_PER_PAGE and settings.native_large_page != "cap":
        raise _unfit(f"pageSize must be at most {MOST_PER_PAGE}")
    if per_page < 1:
        raise _unfit("pageSize must be at least 1")
    return Search(
        condition=read_filter(
            given.get("filter", ""), columns, understands_or=settings.native_filter_or
        ),
        order_by=_order_by(given.get("sortby", ""), columns, last),
        start=_number("startIndex", given.get("startindex"), 0),
        per_page=min(per_page, MOST_PER_PAGE),
        fields=read_fields(given.get("responsefields")),
    )


def _order_by(text: str, columns: Mapping[str, Column], last: str) -> str:
    parts = []
    for one in (part.split() for part in text.split(",") if part.strip()):
        name, direction = one[0].lower(), one[1].lower() if len(one) > 1 else "asc"
        if name not in columns or direction not in ("asc", "desc") or len(one) > 2:  # noqa: PLR2004 - a name and a direction
            raise _unfit(f"sortBy can not be {' '.join(one)[:40]!r}")
        parts.append(f"{columns[name].sql} {direction}")
    return ", ".join([*parts, last])


def _number(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    number = digits_to_int(text)
    if number is None or number > MAX_ID:
        raise _unfit(f"{name} must be an integer from 0")
    return number


def _unfit(what: str) -> ApiError:
    return native_error(400, "MISSING_OR_INVALID_PARAMETER", f"{what}.")
