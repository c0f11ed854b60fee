"""Searches of a run over a set, made by its threads: their results, and their failures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import pytest
from bulk_runs import POLICY, Tenant, outcomes, run_of

from airflow_provider_oms.api.errors import (
    OmsError,
    OmsInputError,
    OmsNoResponseError,
    OmsSearchError,
)
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.api.models import Order
from airflow_provider_oms.api.validation import OrderId
from airflow_provider_oms.cancellation.runner import replies_of

DRY = replace(POLICY, dry_run=True)
NO_SEARCH = OmsSearchError("no search", http_status=404)
LOST = OmsNoResponseError("no answer")
FAULT = KeyError("jane.doe@example.com")


@dataclass
class SearchedTenant(Tenant):
    """A tenant with a search; `find` says how one fails.

    :param find: given the orders, returns the error, or ``None``.
    """

    find: Callable[[tuple[Any, ...]], Exception | None] = lambda _: None
    searched: list[tuple[Any, ...]] = field(default_factory=list)

    def find_orders(self, order_ids: Iterable[OrderId]) -> Mapping[OrderId, Order]:
        asked = tuple(order_ids)
        self.searched.append(asked)
        if (error := self.find(asked)) is not None:
            raise error
        return {order_id: self._shown(order_id) for order_id in asked}

    def _shown(self, order_id: Any) -> Order:
        state = "CANCELED" if order_id in self.canceled else "READY"
        return Order(order_id, state, state, MappingProxyType({}), "c1")


def test_they_end_the_orders_of_a_dry_run() -> None:
    tenant = SearchedTenant(canceled=set(range(1, 400, 2)))
    run = run_of(tenant, 400, policy=DRY)
    run.run()
    assert outcomes(run) == {"would_cancel": 200, "already_canceled": 200}
    assert tenant.posts() == []
    assert len(tenant.searched) >= 3
    assert len(tenant.seen) < 200


@pytest.mark.slow
@pytest.mark.parametrize("error", [NO_SEARCH, LOST, FAULT], ids=repr)
def test_where_they_fail_the_orders_are_read_one_by_one(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = SearchedTenant(find=lambda _: error)
    with caplog.at_level(logging.INFO):
        run = run_of(tenant, 120, policy=DRY)
        run.run()
    assert outcomes(run) == {"would_cancel": 120}
    assert {call.order_id for call in tenant.seen} == set(range(1, 121))
    assert "jane.doe" not in caplog.text


class TestWhatOneComesTo:
    def test_it_is_a_reply_for_each_order_that_was_found(self) -> None:
        replies = replies_of(SearchedTenant(canceled={7}), [7, 8])
        assert isinstance(replies, Mapping)
        assert {order_id: reply.evidence for order_id, reply in replies.items()} == {
            7: Evidence.CANCELED,
            8: Evidence.OPEN,
        }
        assert replies[8].order_state == replies[8].order_status == "READY"

    @pytest.mark.parametrize("error", [NO_SEARCH, LOST], ids=repr)
    def test_or_the_error_that_it_failed_with(self, error: OmsError) -> None:
        assert replies_of(SearchedTenant(find=lambda _: error), [7]) is error

    def test_a_fault_of_this_program_proves_nothing_and_is_not_quoted(self) -> None:
        answer = replies_of(SearchedTenant(find=lambda _: FAULT), [7])
        assert isinstance(answer, OmsNoResponseError)
        assert answer.evidence is Evidence.AMBIGUOUS
        assert "A fault of this program, KeyError" in str(answer)
        assert "jane.doe" not in str(answer)

    def test_what_the_caller_did_wrong_is_raised(self) -> None:
        wrong = OmsInputError("order_id", "an integer", "zero")
        with pytest.raises(OmsInputError):
            replies_of(SearchedTenant(find=lambda _: wrong), [7])
