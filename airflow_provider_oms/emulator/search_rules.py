"""The documented rules for the parameters of Search Orders.

Which orders they find is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from airflow_provider_oms.emulator.errors import ApiError, OmsCode, bad_field
from airflow_provider_oms.emulator.wire import digits_to_int

DEFAULT_PER_PAGE: Final = 10
MOST_PER_PAGE: Final = 100


@dataclass(frozen=True)
class Search:
    """A search for orders.

    :param order_ids: the ids to find; None for any.
    :param statuses: the orderStatus values to find; None for any.
    :param per_page: how many orders a page holds.
    :param page: which page, from 1.
    """

    order_ids: Sequence[int] | None
    statuses: Sequence[str] | None
    per_page: int
    page: int


def read_search(parameters: Mapping[str, Sequence[str]]) -> Search:
    """Check the parameters of a search; those that are not documented are ignored.

    Paging alone finds nothing in particular, so it does not count as a valid parameter.

    :param parameters: every value of each parameter, each of which may be a comma-separated list.
    """
    order_ids = read_list(parameters, "orderID")
    statuses = read_list(parameters, "orderStatus")
    if order_ids is None and statuses is None:
        message = "At least one of these parameters is required: orderID, orderStatus."
        raise bad_field(OmsCode.NO_VALID_QUERY_PARAMS, message)
    return Search(
        order_ids=None
        if order_ids is None
        else [read_positive("orderID", one) for one in order_ids],
        statuses=statuses,
        per_page=read_page(parameters, "perPage", DEFAULT_PER_PAGE, MOST_PER_PAGE),
        page=read_page(parameters, "page", 1, None),
    )


def read_list(parameters: Mapping[str, Sequence[str]], name: str) -> list[str] | None:
    """Read a comma-separated parameter; None where it names nothing.

    :param parameters: every value of each parameter.
    :param name: which parameter.
    """
    parts = [part.strip() for text in parameters.get(name, ()) for part in text.split(",")]
    return [part for part in parts if part] or None


def _invalid(message: str) -> ApiError:
    return bad_field(OmsCode.INVALID_QUERY_PARAM, message)


def read_positive(name: str, text: str) -> int:
    """Read an integer from 1.

    :param name: the parameter that it is for.
    :param text: its value.
    """
    number = digits_to_int(text)
    if not number:
        raise _invalid(f"{name} must be an integer from 1.")
    return number


def read_page(
    parameters: Mapping[str, Sequence[str]], name: str, default: int, most: int | None
) -> int:
    """Read a parameter of paging.

    :param parameters: every value of each parameter.
    :param name: which parameter.
    :param default: its value where it is not given.
    :param most: its largest value; None for none.
    """
    values = parameters.get(name)
    if not values:
        return default
    number = read_positive(name, values[-1])
    if most is not None and number > most:
        raise _invalid(f"{name} must be at most {most}.")
    return number
