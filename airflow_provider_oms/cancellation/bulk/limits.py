"""What bounds a run, as given: workers, a rate, failures, and how many orders a search returns.

Which outcomes are no failures, though they are no success either, is one of these bounds.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.values import validate_number, validate_rate
from airflow_provider_oms.cancellation.outcomes import Outcome, validate_accepted

__all__ = ["Limits", "check_workers"]

_MOST_WORKERS = 128


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold what bounds a run.

    :param max_workers: requests in flight at a time.
    :param requests_per_second: requests that may leave in a second; ``None`` for any number.
    :param stop_after_failures: failed orders after which no cancel begins; ``None`` for any.
    :param orders_per_search: orders that one search returns; 0 where it cannot ask for several.
    :param accepts: outcomes of orders that are not canceled, and do not count as failed.
    """

    max_workers: int = 4
    requests_per_second: float | None = None
    stop_after_failures: int | None = None
    orders_per_search: int = 100
    accepts: frozenset[Outcome] = frozenset()

    @classmethod
    def checked(
        cls,
        *,
        max_workers: Any,
        requests_per_second: Any,
        stop_after_failures: Any,
        accepted_outcomes: Any,
        given: Set[str],
        orders_per_search: int,
    ) -> Limits:
        """Return the limits that a caller gave.

        :param max_workers: from 1 to 128.
        :param requests_per_second: a number above 0.
        :param stop_after_failures: a number from 1.
        :param accepted_outcomes: as :func:`.validate_accepted` takes them.
        :param given: which of rate and ``stop_after_failures`` were given: these are refused where
            they come out as nothing.
        :param orders_per_search: as the tenant's API has it.
        :raises OmsInputError: for the first value that breaks its rule.
        """
        rate = stop = None
        if "stop_after_failures" in given:
            stop = validate_number("stop_after_failures", stop_after_failures, least=1)
        if "requests_per_second" in given:
            rate = validate_rate("requests_per_second", requests_per_second)
        accepts = validate_accepted("accepted_outcomes", accepted_outcomes)
        return cls(check_workers(max_workers), rate, stop, orders_per_search, accepts)

    def shared_by(self, requests: float) -> Limits:
        """Return the limits for a run in which a slot of the rate stands for several requests.

        :param requests: how many; a look-up before a cancel and a note after it take no slot.
        """
        rate = self.requests_per_second
        return replace(self, requests_per_second=rate and rate / requests)


def check_workers(max_workers: Any) -> int:
    """Return how many requests may be in flight at a time, or refuse the number.

    :param max_workers: as a caller gave it.
    :raises OmsInputError: when it is no number from 1 to 128.
    """
    workers = validate_number("max_workers", max_workers, least=1)
    if workers > _MOST_WORKERS:
        raise OmsInputError("max_workers", f"at most {_MOST_WORKERS}", "more")
    return workers
