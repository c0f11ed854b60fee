"""What is to be canceled, and under which condition: what a caller asks for, checked as a whole.

The rules for single fields live in ``api/validation.py``.
"""

from __future__ import annotations

import math
from typing import Any

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.validation import kind_of, validate_order_states
from airflow_provider_oms.cancellation.history import Policy

__all__ = [
    "policy_for",
    "validate_flag",
    "validate_number",
    "validate_only_if_states",
    "validate_path",
    "validate_rate",
]

_MOST_DIGITS = 9


def validate_only_if_states(value: Any) -> frozenset[str] | None:
    """Return the order states from which a cancellation is wanted, ``None`` for all.

    :param value: ``None``; a list, tuple or set of states; or, as templates render, a JSON array
        or a comma-separated string.
    :return: the states, or ``None`` when the guard is off.
    :raises OmsInputError: when the value names no state: a guard that vanished because a
        template rendered to nothing must not let every order through.
    """
    if value is None:
        return None
    rule = "None, or at least one order state: a list, a JSON array, or comma-separated"
    return validate_order_states("only_if_states", value, rule=rule)


def validate_number(field: str, value: Any, *, least: int = 0) -> int:
    """Return a whole number that a caller set, also when a template rendered it.

    :param field: name of the argument.
    :param value: an integer, or a string of ASCII digits.
    :param least: the least that it may be.
    :return: the number.
    :raises OmsInputError: for anything else, booleans and ``"None"`` among them.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        # Digits without end are cut before they are read, zeros in front of a number are not it.
        value = int(value.lstrip("0")[: _MOST_DIGITS + 1] or 0)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or not least <= value < 10**_MOST_DIGITS:
        rule = f"a whole number from {least} to {10**_MOST_DIGITS - 1}"
        raise OmsInputError(field, rule, kind_of(value))
    return int(value)


def validate_path(field: str, value: Any) -> str:
    """Return a path that a caller set.

    :param field: name of the argument.
    :param value: the path, or the URI.
    :return: the path.
    :raises OmsInputError: for what is no text, and for ``"None"``.
    """
    if not isinstance(value, str) or value.strip() in ("", "None"):
        raise OmsInputError(field, "a path, or empty for none", kind_of(value))
    return value


def validate_rate(field: str, value: Any) -> float:
    """Return a number of events in a second.

    :param field: name of the argument.
    :param value: a number above 0, or its text as a template renders it.
    :return: the number.
    :raises OmsInputError: for anything else.
    """
    try:
        rate = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        rate = math.nan
    if not 0 < rate < math.inf:
        raise OmsInputError(field, "a number above 0, or left out", kind_of(value))
    return rate


def validate_flag(field: str, value: Any) -> bool:
    """Return a switch, also when a template rendered it; what is unclear is refused.

    :param field: name of the argument.
    :param value: a boolean, or ``"true"`` or ``"false"`` in any letter case.
    :return: the switch.
    :raises OmsInputError: for anything else.
    """
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise OmsInputError(field, "true or false", kind_of(value))
    return value


def policy_for(
    settings: TenantSettings,
    *,
    only_if_states: frozenset[str] | None = None,
    dry_run: bool = False,
) -> Policy:
    """Return the policy that a tenant's settings and a caller's wishes make.

    :param settings: the tenant.
    :param only_if_states: the validated condition.
    :param dry_run: whether nothing is to be posted.
    :return: the policy.
    """
    return Policy(
        settle_seconds=settings.settle_seconds,
        deadline=settings.deadline,
        only_if_states=only_if_states,
        dry_run=dry_run,
    )
