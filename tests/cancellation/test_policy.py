"""A policy: from which states a cancel is wanted, whether to look first, and when to read."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.evidence import Evidence
from airflow_provider_oms.cancellation.history import Policy, Reply
from airflow_provider_oms.cancellation.policy import policy_for

GUARD = frozenset({"READY", "new"})


def order(state: str | None, status: str | None, *, is_unclear: bool = False) -> Reply:
    return Reply(Evidence.OPEN, order_state=state, order_status=status, is_unclear=is_unclear)


class TestTheGuard:
    @pytest.mark.parametrize(
        ("state", "status"),
        [("READY", "READY"), ("ready", "New"), ("READY", None), (None, "NEW")],
    )
    def test_an_order_is_admitted_when_all_that_is_known_of_it_is(
        self, state: str | None, status: str | None
    ) -> None:
        assert Policy(only_if_states=GUARD).not_admitted(order(state, status)) == ""

    @pytest.mark.parametrize(
        ("state", "status", "named"),
        [
            ("READY", "SHIPPED", "SHIPPED"),
            ("Shipped", "READY", "Shipped"),
            ("SHIPPED", None, "SHIPPED"),
            ("SHIPPED", "SHIPPED", "SHIPPED"),
            ("OPEN", "SHIPPED", "OPEN and SHIPPED"),
            (None, "X", "X"),
            (None, None, "a state that cannot be read"),
        ],
    )
    def test_one_state_that_is_not_admitted_or_none_at_all_keeps_it_out(
        self, state: str | None, status: str | None, named: str
    ) -> None:
        assert Policy(only_if_states=GUARD).not_admitted(order(state, status)) == named
        assert Policy().not_admitted(order(state, status)) == ""

    def test_an_order_with_a_state_that_cannot_be_read_is_kept_out(self) -> None:
        unclear = order("READY", None, is_unclear=True)
        named = Policy(only_if_states=GUARD).not_admitted(unclear)
        assert named == "a state that cannot be read"
        assert Policy().not_admitted(unclear) == ""


@pytest.mark.parametrize(
    ("policy", "reads_first"),
    [
        (Policy(), False),
        (Policy(dry_run=True), True),
        (Policy(look_first=True), True),
        (Policy(only_if_states=GUARD), True),
        (Policy(only_if_states=frozenset()), True),
    ],
)
def test_it_reads_first_for_each_of_three_reasons(policy: Policy, *, reads_first: bool) -> None:
    assert policy.reads_first is reads_first


@given(st.floats(0, 3600))
def test_reads_after_a_doubtful_cancel_come_ever_later_and_last_at_the_end(seconds: float) -> None:
    offsets = Policy(settle_seconds=seconds).settle_offsets
    assert offsets[-1] == seconds
    assert offsets[:-1] == tuple(2.0**n - 1 for n in range(1, len(offsets)))
    assert all(earlier < later for earlier, later in pairwise(offsets))
    # None is left out, either: the next one would be at the end or later.
    assert 2.0 ** len(offsets) - 1 >= seconds


@pytest.mark.parametrize(
    ("seconds", "offsets"),
    [(0, (0,)), (1, (1,)), (1.5, (1, 1.5)), (3, (1, 3)), (15, (1, 3, 7, 15))],
)
def test_these_are_its_reads(seconds: float, offsets: tuple[float, ...]) -> None:
    assert Policy(settle_seconds=seconds).settle_offsets == offsets


@pytest.mark.parametrize(
    ("seconds", "offsets"), [(0, (0,)), (1, (1,)), (1.5, (1, 1.5)), (3, (1, 3)), (15, (1, 15))]
)
def test_an_order_of_a_set_is_read_once_soon_and_once_at_the_end(
    seconds: float, offsets: tuple[float, ...]
) -> None:
    assert Policy(settle_seconds=seconds, early_reads=1).settle_offsets == offsets
    assert Policy(settle_seconds=seconds, early_reads=0).settle_offsets == (seconds,)


@pytest.mark.parametrize("states", [None, frozenset({"READY"})])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_policy_has_the_tenants_times_and_the_callers_conditions(
    states: frozenset[str] | None, *, dry_run: bool
) -> None:
    tenant = TenantSettings(
        tenant_id="1", environment="sandbox", settle_seconds=7, deadline=33, read_timeout=5
    )
    policy = policy_for(tenant, only_if_states=states, dry_run=dry_run)
    assert (policy.settle_seconds, policy.deadline) == (7, 33)
    assert (policy.only_if_states, policy.dry_run) == (states, dry_run)
    assert policy.reads_first is (dry_run or states is not None)
    assert policy_for(tenant).only_if_states is None
    assert policy_for(tenant).dry_run is False


def test_an_order_of_a_set_is_read_less_often_and_otherwise_as_one_by_itself() -> None:
    tenant = TenantSettings(tenant_id="1", environment="sandbox", settle_seconds=7, deadline=33)
    of_a_set = policy_for(tenant, only_if_states=GUARD, is_one_of_many=True)
    by_itself = policy_for(tenant, only_if_states=GUARD)
    assert [*of_a_set.settle_offsets] == [1, 7]
    assert [*by_itself.settle_offsets] == [1, 3, 7]
    assert replace(of_a_set, early_reads=None) == by_itself
