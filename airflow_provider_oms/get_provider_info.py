"""What Airflow is told about this provider; it imports nothing and cannot fail.

Airflow 3.3 calls it in every process at ``import airflow``: a fault here would break them all.
"""

from __future__ import annotations

from typing import Any

__all__ = ["get_provider_info"]


_DIGITS = "^[0-9]{1,18}$"
_LONGEST_WAIT = 3600


def _text(label: str, description: str, **schema: Any) -> dict[str, Any]:
    field = {"type": ["string", "null"], **schema}
    return {"label": label, "description": description, "schema": field}


def _seconds(label: str, description: str, default: float | None = None) -> dict[str, Any]:
    field: dict[str, Any] = {"type": ["number", "null"], "minimum": 0, "maximum": _LONGEST_WAIT}
    if default is not None:
        field["default"] = default
    return {"label": label, "description": description, "schema": field}


def _switch(label: str, description: str) -> dict[str, Any]:
    field = {"type": ["boolean", "null"], "default": False}
    return {"label": label, "description": description, "schema": field}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata as Airflow's provider schema describes it.

    :return: names, connection type with its form fields, links, and the modules of everything else.
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
                    "airflow_provider_oms.operators.parts",
                    "airflow_provider_oms.operators.review",
                    "airflow_provider_oms.operators.verdicts",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "Kibo OMS",
                "python-modules": ["airflow_provider_oms.sensors.oms"],
            }
        ],
        "triggers": [
            {
                "integration-name": "Kibo OMS",
                "python-modules": [
                    "airflow_provider_oms.triggers.oms",
                    "airflow_provider_oms.triggers.verdict_files",
                    "airflow_provider_oms.triggers.review",
                ],
            }
        ],
        "cli": ["airflow_provider_oms.cli.definition.get_oms_cli_commands"],
        "task-decorators": [
            {
                "name": "oms_cancel",
                "class-name": "airflow_provider_oms.decorators.oms.oms_cancel_task",
            }
        ],
        "extra-links": [
            "airflow_provider_oms.links.oms.OmsOrderLink",
            "airflow_provider_oms.links.oms.OmsOrdersLink",
        ],
        "plugins": [
            {
                "name": "oms",
                "plugin-class": "airflow_provider_oms.plugins.orders_page.OrdersPagePlugin",
            }
        ],
        "connection-types": [
            {
                "connection-type": "oms",
                "hook-class-name": "airflow_provider_oms.hooks.oms.OmsHook",
                "hook-name": "Kibo OMS",
                "ui-field-behaviour": _field_behaviour(),
                "conn-fields": _conn_fields(),
            }
        ],
    }


def _field_behaviour() -> dict[str, Any]:
    return {
        # The scheme goes into the base address; an unused field would only mislead.
        "hidden-fields": ["schema"],
        "relabeling": {
            "login": "Client ID",
            "password": "Client Secret",
            "host": "Base Address",
        },
        "placeholders": {
            "login": "KIBO_APP.1.0.0.Release",
            "password": "the application's shared secret, from Kibo's Dev Center",
            "host": "leave empty to derive it from tenant and environment",
            "port": "only with a base address",
            # The fields below have placeholders up to Airflow 3.1 only; later they have the
            # descriptions.
            "api": "translated or native",
            "tenant_id": "10001",
            "reason_codes": "other=Other, fraud=Fraud",
            "check_reasons": "off, warn or refuse",
            "reason_category": "SHOPPER",
            "environment": "production or sandbox",
            "auth_url": "https://home.mozu.com",
            "ca_bundle": "/etc/ssl/company-ca.pem",
            "disposition_reasons": "suspected_fraud, duplicate",
            "not_cancelable_states": "SHIPPED",
            "admin_url": "https://admin.example.com/orders/{order_id}",
            "proxy": "http://proxy.example.com:3128",
            "client_cert": "/etc/ssl/oms-client.pem",
            "client_key": "/etc/ssl/oms-client-key.pem",
            "secret_headers": '{"X-Gateway-Key": "its value"}',
        },
    }


def _conn_fields() -> dict[str, Any]:
    return {
        "api": _text(
            "API",
            "translated for tenants that came from the old OMS, native for all others. translated "
            "unless given.",
            enum=["translated", "native"],
        ),
        "tenant_id": _text(
            "Tenant ID",
            "The bare number of the tenant, such as 10001. Required.",
            pattern=_DIGITS,
        ),
        "environment": _text(
            "Environment",
            "Decides the host: production cancels real orders. Required unless a base address is "
            "given.",
            enum=["production", "sandbox"],
        ),
        "site_id": _text(
            "Site ID", "Sent as x-vol-site when given; a bare number.", pattern=_DIGITS
        ),
        "auth_url": _text(
            "Token Address",
            "Where access tokens come from; https://home.mozu.com unless given. Required with a "
            "base address.",
        ),
        "connect_timeout": _seconds("Connect Timeout (s)", "Seconds to connect.", 5),
        "read_timeout": _seconds("Read Timeout (s)", "Seconds to wait for an answer.", 30),
        "ca_bundle": _text(
            "CA Bundle",
            "Path of the certificates to trust instead of the usual ones; needed on workers, "
            "triggerer and web server.",
        ),
        "disposition_reasons": _text(
            "More Disposition Reasons",
            "Reasons that this tenant admits in addition to customer_changed_mind, "
            "created_by_mistake "
            "and other, separated by commas.",
        ),
        "settle_seconds": _seconds(
            "Settle Time (s)",
            "How long the OMS may take to show a cancellation after a cancel without a clear "
            "answer; not longer than the deadline. 15 unless given, on a native tenant 60.",
        ),
        "deadline": _seconds(
            "Deadline (s)", "Seconds within which cancels for one order may be sent.", 120
        ),
        "admin_url": _text(
            "Admin Address",
            "Where the link of a task leads: an order's page in Kibo's admin with {order_id} in "
            "place of the id, or the admin's start page.",
        ),
        "not_cancelable_states": _text(
            "States Not Cancelable",
            "States from which this tenant refuses a cancellation, separated by commas; a dry run "
            "warns of orders in them. SHIPPED unless given.",
        ),
        "allow_http": _switch(
            "Allow HTTP",
            "Lets a local OMS on another host be called without encryption. Never for Kibo.",
        ),
        "discover_host": _switch(
            "Discover Host",
            "Native tenants: has the token address say where the tenant is, not a base address.",
        ),
        "reason_codes": _text(
            "Reason Codes",
            "Native tenants: the tenant's code for each reason that tasks give, such as "
            "other=Other, fraud=Fraud.",
        ),
        "check_reasons": _text(
            "Check Reasons",
            "Native tenants: what happens to a reason that the tenant does not list. warn unless "
            "given.",
            enum=["off", "warn", "refuse"],
        ),
        "reason_category": _text(
            "Reason Category",
            "Native tenants: which list of reasons is asked for; its default one unless given.",
        ),
        "search_with_or": _switch(
            "Search With Or",
            "Native tenants: asks for many orders in one search, where the tenant takes 'or' in a "
            "filter.",
        ),
        "proxy": _text(
            "Proxy",
            "HTTP proxy to use instead of the environment's, such as http://user:password@proxy:"
            "3128; none for no proxy at all.",
        ),
        "client_cert": _text(
            "Client Certificate",
            "Path of the certificate that a gateway in front of the OMS wants, in PEM format; "
            "needed on workers, triggerer and web server.",
        ),
        "client_key": _text(
            "Client Key",
            "Path of its private key, without a passphrase; empty if it is in the same file.",
        ),
        "secret_headers": _text(
            "Secret Headers",
            "Headers that a gateway in front of the OMS wants, as a JSON object of names and "
            "values.",
        ),
        "gateway_covers_auth": _switch(
            "Gateway Covers Auth",
            "Sends client certificate and headers to the token address too, where that is another "
            "host.",
        ),
    }
