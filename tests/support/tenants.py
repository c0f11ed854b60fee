"""The settings of a connection, and the message for one that is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.errors import OmsConfigError

TENANT = {"tenant_id": "10001", "environment": "sandbox"}


def settings(extra: Any = None, **fields: Any) -> TenantSettings:
    if extra is None:
        extra = TENANT
    text = extra if isinstance(extra, str) else json.dumps(extra)
    return TenantSettings.from_connection(name="oms_default", extra=text, **fields)


def error_of(extra: Any = None, **fields: Any) -> str:
    with pytest.raises(OmsConfigError) as refusal:
        settings(extra, **fields)
    return str(refusal.value)
