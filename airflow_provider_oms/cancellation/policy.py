"""How long a cancellation is tried and how it reads: a tenant's settings and a caller's wishes."""

from __future__ import annotations

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.dialects import dialect_of
from airflow_provider_oms.cancellation.history import Policy

__all__ = ["policy_for"]


def policy_for(
    settings: TenantSettings,
    *,
    only_if_states: frozenset[str] | None = None,
    dry_run: bool = False,
    is_one_of_many: bool = False,
) -> Policy:
    """Return the policy that a tenant's settings and a caller's wishes make.

    :param settings: the tenant.
    :param only_if_states: the validated condition.
    :param dry_run: whether nothing is to be posted.
    :param is_one_of_many: whether it holds for the orders of a set.
    :return: the policy.
    """
    dialect = dialect_of(settings)
    return Policy(
        settle_seconds=settings.settle_seconds,
        deadline=settings.deadline,
        only_if_states=only_if_states,
        dry_run=dry_run,
        early_reads=1 if is_one_of_many else None,
        settles_after_acceptance=dialect.settles_after_acceptance,
        is_ours=dialect.is_of_tenant,
    )
