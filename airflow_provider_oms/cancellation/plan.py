"""What is to be canceled, and under which condition: a caller's wish, checked as a whole.

The rules for single fields live in ``api/validation.py``.
"""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.validation import kind_of
from airflow_provider_oms.cancellation.history import Policy

__all__ = ["policy_for", "validate_only_if_states"]


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
    states = _split(value) if isinstance(value, str) else value
    if (
        not isinstance(states, list | tuple | set | frozenset)
        or not states
        or not all(isinstance(s, str) and s.strip() and s.strip() != "None" for s in states)
    ):
        rule = "None, or at least one order state: a list, a JSON array, or comma-separated"
        raise OmsInputError("only_if_states", rule, kind_of(value))
    return frozenset(state.strip() for state in states)


def _split(text: str) -> object:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return None
    return text.split(",")


def policy_for(settings: TenantSettings, *, only_if_states: frozenset[str] | None = None) -> Policy:
    """Return the policy that a tenant's settings and a caller's condition make.

    :param settings: the tenant.
    :param only_if_states: the validated condition.
    :return: the policy.
    """
    return Policy(
        settle_seconds=settings.settle_seconds,
        deadline=settings.deadline,
        only_if_states=only_if_states,
    )
