"""The events of orders, as a native tenant lets its application pull them.

The database records them itself; `store` has how. Here is what of them appears, and how.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from airflow_provider_oms.emulator.native.filters import Column
from airflow_provider_oms.emulator.native.search_rules import Search
from airflow_provider_oms.emulator.settings import Settings
from airflow_provider_oms.emulator.store import Store

#: The fields that a filter may name, in lower case.
COLUMNS: Final[Mapping[str, Column]] = {
    "id": Column("id"),
    "topic": Column("topic"),
    "entityid": Column("native_id"),
    "siteid": Column("site_id", "number"),
    "createdate": Column("created"),
    "updatedate": Column("created"),
}
# The last digit of a copy is that of the event, and its own number more.
_APPEARED: Final = """
SELECT events.*, substr(event_id, 1, 31) || substr(
    '0123456789abcdef',
    (instr('0123456789abcdef', substr(event_id, 32)) - 1 + copies.key) % 16 + 1, 1) AS id
FROM events, json_each(:copies) AS copies
WHERE time + :lag <= :now AND (:loses = 0 OR number % :loses) AND (:site IS NULL OR site_id = :site)
"""


class Events:
    """The events of one tenant.

    :param store: the tenant's database.
    :param tenant_id: the tenant.
    :param settings: returns the tenant's present switches.
    """

    def __init__(self, store: Store, tenant_id: int, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._settings = settings

    def find(self, search: Search, site: int | None) -> dict[str, Any]:
        """Return one page of the events found, in the API's envelope.

        :param search: what to find.
        :param site: the only site whose events there are; None for all.
        """
        parameters = {
            **search.condition.values,
            **self._switches(site),
            "limit": search.per_page,
            "offset": search.start,
        }
        found = f"FROM ({_APPEARED}) WHERE {search.condition.sql}"
        total = self._store.value(f"SELECT count(*) {found}", parameters)
        rows = self._store.execute(
            f"SELECT id, topic, native_id, site_id, created {found}"
            f" ORDER BY {search.order_by} LIMIT :limit OFFSET :offset",
            parameters,
        )
        return search.page(total, [self._event(row) for row in rows])

    def show(self, event_id: str, site: int | None) -> dict[str, Any] | None:
        """Return an event; None for one that does not appear.

        :param event_id: which event.
        :param site: the only site whose events there are; None for all.
        """
        row = self._store.execute(
            f"SELECT id, topic, native_id, site_id, created FROM ({_APPEARED}) WHERE id = :id",  # noqa: S608 - a constant
            {**self._switches(site), "id": event_id},
        ).fetchone()
        return row and self._event(row)

    def clear(self) -> int:
        """Remove every event; return how many there were."""
        return self._store.execute("DELETE FROM events").rowcount

    def _switches(self, site: int | None) -> dict[str, Any]:
        settings = self._settings()
        return {
            "now": time.time(),
            "lag": settings.native_event_lag,
            "loses": settings.native_event_loses,
            "copies": str([0] * settings.native_event_copies),
            "site": site,
        }

    def _event(self, row: Sequence[Any]) -> dict[str, Any]:
        event_id, topic, native_id, site_id, created = row
        return {
            "id": event_id,
            "tenantId": self._tenant_id,
            "siteId": site_id,
            "topic": topic,
            "entityId": native_id,
            "isTest": False,
            "correlationId": event_id,
            "extendedProperties": [],
            "auditInfo": {"createDate": created, "updateDate": created},
        }
