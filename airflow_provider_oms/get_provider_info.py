"""What Airflow is told about this provider; it imports nothing and cannot fail.

Airflow 3.3 calls it in every process at ``import airflow``: a fault here would break them all.
"""

from __future__ import annotations

from typing import Any

__all__ = ["get_provider_info"]


def _text(label: str, description: str, **schema: Any) -> dict[str, Any]:
    field = {"type": ["string", "null"], **schema}
    return {"label": label, "description": description, "schema": field}


def _seconds(label: str, description: str, default: float) -> dict[str, Any]:
    field = {"type": ["number", "null"], "default": default, "minimum": 0}
    return {"label": label, "description": description, "schema": field}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata as Airflow's provider schema describes it.

    :return: names, connection type with its form fields, and the modules of hooks and operators.
    """
    return {
        "package-name": "airflow-provider-oms",
        "name": "Kibo OMS",
        "description": "Cancel orders on Kibo's Order Management System (translated OMS API).",
        "integrations": [
            {
                "integration-name": "Kibo OMS",
                "external-doc-url": "https://docs.kibocommerce.com/help/translated-oms-overview",
                "tags": ["service"],
            }
        ],
        "hooks": [
            {"integration-name": "Kibo OMS", "python-modules": ["airflow_provider_oms.hooks.oms"]}
        ],
        "operators": [
            {
                "integration-name": "Kibo OMS",
                "python-modules": [
                    "airflow_provider_oms.operators.bulk",
                    "airflow_provider_oms.operators.oms",
                ],
            }
        ],
        "connection-types": [
            {
                "connection-type": "oms",
                "hook-class-name": "airflow_provider_oms.hooks.oms.OmsHook",
                "hook-name": "Kibo OMS",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema"],
                    "relabeling": {
                        "login": "Client ID",
                        "password": "Client Secret",
                        "host": "Base Address",
                    },
                    "placeholders": {
                        "login": "KIBO_APP.1.0.0.Release",
                        "host": "leave empty to derive it from tenant and environment",
                    },
                },
                "conn-fields": _conn_fields(),
            }
        ],
    }


def _conn_fields() -> dict[str, Any]:
    return {
        "tenant_id": _text("Tenant ID", "The bare number of the tenant, such as 10001. Required."),
        "environment": _text(
            "Environment",
            "Decides the host: production cancels real orders. Required unless a base address is "
            "given.",
            enum=["production", "sandbox"],
        ),
        "site_id": _text("Site ID", "Sent as x-vol-site when given."),
        "auth_url": _text(
            "Token Address",
            "Where access tokens come from; https://home.mozu.com unless given. Required with a "
            "base address.",
        ),
        "connect_timeout": _seconds("Connect Timeout (s)", "Seconds to connect.", 5),
        "read_timeout": _seconds("Read Timeout (s)", "Seconds to wait for an answer.", 30),
        "ca_bundle": _text("CA Bundle", "Path of CA certificates to trust, on every worker."),
        "disposition_reasons": _text(
            "More Disposition Reasons", "Reasons this tenant admits beyond the known, by commas."
        ),
        "settle_seconds": _seconds(
            "Settle Time (s)", "How long a cancel may take to show in the OMS.", 15
        ),
        "deadline": _seconds("Deadline (s)", "Seconds within which an order is tried.", 120),
        "admin_url": _text("Admin Address", "Base address of Kibo's admin, for links."),
    }
