"""A task that cancels parts of one order, over real sockets: each call of it is an attempt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from emulator_client import SPLIT_ITEMS, SPLIT_SHIPMENTS

from airflow_provider_oms.cancellation.parts.results import PartsResult
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsPartsCancellationError
from airflow_provider_oms.hooks.oms import OmsHook

FIRST, SECOND = SPLIT_ITEMS
FIRST_SHIPMENT, SECOND_SHIPMENT = SPLIT_SHIPMENTS


class Store(dict[str, Any]):
    """Keep values as Airflow's task_state_store does: as JSON."""

    def set(self, key: str, value: Any) -> None:
        self[key] = json.loads(json.dumps(value))


class Task:
    """A task over one tenant; each call of it is an attempt.

    :param tenant: the emulator.
    :param api: as in a connection.
    :param monkeypatch: sets the connection.
    """

    def __init__(self, tenant: EmulatorProcess, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tenant = tenant
        self.api = api
        self._monkeypatch = monkeypatch
        # Where nothing goes wrong for ever, it is never reached, however busy the machine is.
        self.connect(deadline=60)
        self.store: Store | None = Store()

    def connect(self, *, deadline: float) -> None:
        """Set the connection.

        :param deadline: seconds within which cancels may be sent.
        """
        extra: dict[str, Any] = {"check_reasons": "off"} if self.is_native else {}
        extra |= {"api": self.api, "tenant_id": self.tenant.tenant, "settle_seconds": 1}
        connection = {
            "conn_type": "oms",
            "host": self.tenant.url,
            "login": self.tenant.client_id,
            "password": self.tenant.client_secret,
            "extra": {**extra, "deadline": deadline},
        }
        self._monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", json.dumps(connection))

    @property
    def is_native(self) -> bool:
        return self.api == "native"

    @property
    def order_id(self) -> int | str:
        return self.tenant.native_id(8) if self.is_native else 8

    def items(self, items: Any, *, attempt: int = 1, **more: Any) -> PartsResult:
        return OmsHook().cancel_items(
            self.order_id,
            items,
            "no_inventory",
            attempt=attempt,
            journal=self.store,
            **{"send_notifications": False, **more},
        )

    def shipment(self, number: int, *, attempt: int = 1, **more: Any) -> PartsResult:
        said = {"send_notifications": False} if self.is_native else {}
        return OmsHook().cancel_shipment(
            self.order_id,
            number,
            "created_by_mistake",
            attempt=attempt,
            journal=self.store,
            **{**said, **more},
        )

    def line(self, number: int) -> dict[str, Any]:
        return dict(self.tenant.parts(8)["lines"][number])

    @property
    def open(self) -> dict[int, int]:
        return {line: one["open"] for line, one in self.tenant.parts(8)["lines"].items()}


def failure(call: Any) -> PartsResult:
    """Return the result of a call that fails."""
    with pytest.raises(OmsPartsCancellationError) as error:
        call()
    return error.value.result
