"""The checks that a caller can make before anything is sent, on the values that tasks are given.

The hook and the operators make them by themselves; a DAG that sorts or joins orders before that
needs an order's id in its one form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_oms.api.dialects import rules_of
from airflow_provider_oms.api.translated_rules import (
    KNOWN_DISPOSITION_REASONS,
    validate_order_id,
)
from airflow_provider_oms.api.values import (
    CancelRequest,
    OrderId,
    kind_of,
    validate_flag,
    validate_number,
    validate_only_if_states,
    validate_order_states,
    validate_path,
    validate_rate,
)

__all__ = [
    "KNOWN_DISPOSITION_REASONS",
    "CancelRequest",
    "OrderId",
    "kind_of",
    "validate_cancel_request",
    "validate_flag",
    "validate_number",
    "validate_only_if_states",
    "validate_order_id",
    "validate_order_states",
    "validate_path",
    "validate_rate",
]


def validate_cancel_request(
    order_id: Any,
    disposition_reason: Any,
    disposition_other_reason: Any = None,
    *,
    extra_reasons: Iterable[str] = (),
    api: str = "translated",
) -> CancelRequest:
    """Check one cancellation completely, as a tenant's hook does.

    :param order_id: the order.
    :param disposition_reason: why.
    :param disposition_other_reason: the explanation.
    :param extra_reasons: more reasons that the connection admits.
    :param api: the connection's ``api``.
    :return: the request, ready to be sent.
    :raises OmsInputError: for the first value that breaks its rule.
    """
    rules = rules_of(api, extra_reasons=extra_reasons)
    return rules.cancel_request(order_id, disposition_reason, disposition_other_reason)
