"""The page about Airflow's web UI agrees with the code."""

from __future__ import annotations

import json

from pages import blocks, text_of

from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.links.oms import OmsOrderLink

PAGE = text_of("docs/airflow.md")


def test_the_link_is_called_what_the_page_calls_it() -> None:
    assert f"**{OmsOrderLink.name}**" in PAGE
    assert f"(`{OmsOrderLink().xcom_key}`)" in PAGE


def test_the_address_for_the_link_is_one_that_a_connection_takes() -> None:
    ((_, extra),) = blocks(PAGE, "json")
    given = {"tenant_id": "10001", "environment": "sandbox", **json.loads(extra)}
    settings = TenantSettings.from_connection(name="c", extra=json.dumps(given))
    assert settings.order_url(7) == "https://admin.example.com/orders?id=7"
