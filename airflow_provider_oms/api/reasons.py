"""Check the reasons of cancellations against a tenant's list of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airflow_provider_oms.api.dialect import Dialect
from airflow_provider_oms.api.values import CancelRequest

__all__ = ["reason_problems"]

_MOST_NAMED = 20


def reason_problems(
    requests: Iterable[CancelRequest], listed: Mapping[str, bool] | None, dialect: Dialect
) -> list[str]:
    """Return the problems with the reasons of some cancellations, each once.

    :param requests: the cancellations.
    :param listed: whether each code that the tenant lists needs an explanation; ``None`` where it
        has no list.
    :param dialect: says which code a reason is sent as.
    """
    if listed is None:
        return []
    given = dict.fromkeys(
        (dialect.reason_code(request.disposition_reason), request.disposition_other_reason is None)
        for request in requests
    )
    problems: dict[str, None] = {}
    for code, lacks_explanation in given:
        if code not in listed:
            known = ", ".join([*listed][:_MOST_NAMED]) or "none"
            problem = f"disposition_reason {code!r} is not a reason that the tenant lists: {known}"
            problems[problem] = None
        elif listed[code] and lacks_explanation:
            problems[f"disposition_reason {code!r} needs a disposition_other_reason here"] = None
    return [*problems]
