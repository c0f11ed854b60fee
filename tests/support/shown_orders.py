"""Sets of orders as a dry run has read them, for the view of them that a person gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from finished_runs import result
from hypothesis import strategies as st

from airflow_provider_oms.api.values import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.outcomes import Outcome

TENANT = "https://oms.example.com (environment sandbox, tenant 1), site 2"
FIRST = 39_100_001
STATE = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["ACCEPTED", "BOOKED"]))
ORDER_ID = st.one_of(
    st.integers(1, 2**63 - 1),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.text("abcXYZ-:|", min_size=1, max_size=20),
)
OUTCOME = st.sampled_from([Outcome.WOULD_CANCEL, *Outcome])
READ = st.dictionaries(ORDER_ID, st.tuples(OUTCOME, STATE, STATE), max_size=30)
Read = dict[OrderId, tuple[Outcome, str | None, str | None]]


def ends_of(read: Read) -> dict[OrderId, OrderEnd]:
    return {
        order_id: OrderEnd(
            replace(result(1, outcome), order_id=order_id, order_state=state, order_status=status)
        )
        for order_id, (outcome, state, status) in read.items()
    }


def requests_of(order_ids: Any, reason: str = "other") -> dict[OrderId, CancelRequest]:
    return {order_id: CancelRequest(order_id, reason, "why") for order_id in order_ids}


def texts_differ(read: Read) -> bool:
    return len({str(order_id) for order_id in read}) == len(read)
