"""The dialects in which a test's client can speak with the emulator, over the same orders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from airflow_provider_oms.api.client import OmsClient
from airflow_provider_oms.api.config import TenantSettings
from airflow_provider_oms.api.values import CancelRequest
from airflow_provider_oms.emulator.testing import EmulatorError, EmulatorProcess


@dataclass(frozen=True)
class Spoken:
    """One of them.

    :param api: as in a connection.
    :param method: of its cancel.
    :param reason: one that a tenant takes.
    :param order_key: the kind of name of an order.
    """

    api: str
    method: str
    reason: str
    order_key: str | None = None

    def __str__(self) -> str:
        return self.api if self.order_key is None else f"{self.api} by {self.order_key}"

    @property
    def is_native(self) -> bool:
        return self.api == "native"

    def settings(self, tenant: EmulatorProcess, **extra: Any) -> TenantSettings:
        """Return a connection to the emulator."""
        fields = {"api": self.api, "tenant_id": tenant.tenant, **extra}
        return TenantSettings.from_connection(
            name="spoken",
            host=tenant.url,
            login=tenant.client_id,
            password=tenant.client_secret,
            extra=json.dumps(fields),
        )

    def connection(self, tenant: EmulatorProcess) -> str:
        """Return an Airflow connection to the emulator, as an environment variable holds it."""
        fields = {
            "conn_type": "oms",
            "host": tenant.url,
            "login": tenant.client_id,
            "password": tenant.client_secret,
            "extra": {"api": self.api, "tenant_id": tenant.tenant},
        }
        return json.dumps(fields)

    def name_of(self, tenant: EmulatorProcess, number: int) -> int | str:
        """Return what names an order, which need not exist.

        :param number: its id in the translated API.
        """
        if not self.is_native or self.order_key == "number":
            return number
        try:
            native = tenant.order(number)["native"]
        except EmulatorError:
            native = {"id": f"{number:024x}{int(tenant.tenant):08x}", "externalId": f"EXT-{number}"}
        return str(native["externalId" if self.order_key else "id"])

    def request(self, client: OmsClient, tenant: EmulatorProcess, number: int) -> CancelRequest:
        """Return the cancel of an order.

        :param number: its id in the translated API.
        """
        name = self.name_of(tenant, number)
        return client.dialect.cancel_request(name, self.reason, order_key=self.order_key)


TRANSLATED = Spoken("translated", "POST", "created_by_mistake")
NATIVE = Spoken("native", "PUT", "Fraud")
BY_NUMBER = Spoken("native", "PUT", "Fraud", "number")
BY_EXTERNAL_ID = Spoken("native", "PUT", "Fraud", "external_id")
EACH_ONCE = (TRANSLATED, NATIVE)
ALL = (*EACH_ONCE, BY_NUMBER, BY_EXTERNAL_ID)
