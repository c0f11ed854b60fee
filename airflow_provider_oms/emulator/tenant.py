"""One tenant: who it is, how it behaves at present, and everything it remembers.

HTTP is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_oms.emulator.access_log import AccessLog
from airflow_provider_oms.emulator.faults import Faults
from airflow_provider_oms.emulator.native.events import Events
from airflow_provider_oms.emulator.native.order_book import NativeOrders
from airflow_provider_oms.emulator.order_book import OrderBook
from airflow_provider_oms.emulator.parts.book import PartBook
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.tokens import Tokens


@dataclass(frozen=True)
class Identity:
    """The facts that a client needs to call the tenant.

    :param tenant: the value of x-vol-tenant.
    :param client_id: the client's id.
    :param client_secret: the client's secret.
    :param open_access: whether a call may come without a token.
    """

    tenant: str
    client_id: str
    client_secret: str
    open_access: bool


class Tenant:
    """The state that the API and the control API share.

    :param identity: who the tenant is.
    :param settings: how it behaves at first.
    :param store: its database.
    """

    def __init__(self, identity: Identity, settings: Settings, store: Store) -> None:
        self.identity = identity
        self.settings = settings
        self.orders = OrderBook(store, int(identity.tenant))
        self.native_orders = NativeOrders(store, self.orders, lambda: self.settings)
        self.parts = PartBook(store, self.orders, lambda: self.settings)
        self.events = Events(store, int(identity.tenant), lambda: self.settings)
        self.tokens = Tokens(store, identity.client_id, identity.client_secret)
        self.log = AccessLog(store)
        self.faults = Faults()
