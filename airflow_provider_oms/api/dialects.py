"""The dialects there are: they are named here and in the settings of a tenant, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.native import Native
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.values import kind_of

if TYPE_CHECKING:
    from airflow_provider_oms.api.config import TenantSettings
    from airflow_provider_oms.api.dialect import Dialect

__all__ = ["dialect_of", "rules_of"]


def dialect_of(settings: TenantSettings) -> Dialect:
    """Return the dialect that a tenant speaks.

    :param settings: the tenant.
    """
    if settings.api == "native":
        return Native(
            settings.tenant_id,
            site_id=settings.site_id,
            reason_codes=dict(settings.reason_codes),
            reason_category=settings.reason_category,
            joins_with_or=settings.search_with_or,
        )
    return Translated(settings.disposition_reasons)


def rules_of(api: str, *, extra_reasons: Iterable[str] = ()) -> Dialect:
    """Return the rules for the input of one API, whichever tenant it is.

    :param api: as in a connection.
    :param extra_reasons: more reasons that a translated tenant admits.
    :raises OmsInputError: when there is no such API.
    """
    if api == "native":
        return Native()
    if api != "translated":
        raise OmsInputError("api", "translated or native", kind_of(api))
    return Translated(extra_reasons, api_setting="api")
