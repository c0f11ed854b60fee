"""The log of every API request as a client really sent it, without its secrets.

The control API's own requests are not in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from airflow_provider_oms.emulator.calls import Call, OrderIds, read_call
from airflow_provider_oms.emulator.paths import is_about_orders
from airflow_provider_oms.emulator.store import Store
from airflow_provider_oms.emulator.tokens import fingerprint, read_fields
from airflow_provider_oms.emulator.wire import MAX_ID, dump_json, load_json

REDACTED: Final = "***"
# A list of harmless fields, because a client may give its secret a wrong name.
_OPEN_FIELDS: Final = ("client_id", "grant_type")
_SECRET_HEADERS: Final = re.compile("auth|claims|cookie|key|password|secret|token")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*) +(.+)", re.DOTALL)
_COLUMNS: Final = (
    "seq, time, method, path, query, headers, call, order_id, native_id, parts, body, status,"
    " correlation, fault"
)


@dataclass(frozen=True)
class Received:
    """An API request as it arrived.

    :param method: its method.
    :param path: its path, percent-decoded.
    :param query: its query as sent.
    :param headers: its headers in the order received, their names in lower case.
    :param body: its body.
    :param correlation: the id that the answer carries.
    :param reused: whether its connection has served a request before.
    :param known_order: the order that it is about, if the tenant has it, by both of its ids.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    correlation: str
    reused: bool = False
    known_order: OrderIds | None = None

    @cached_property
    def call(self) -> Call:
        """Which call it is."""
        return read_call(self.method, self.path, self.body)

    @property
    def order(self) -> OrderIds:
        """The order that it is about, by the ids that can be made out."""
        return self.known_order or self.call.order

    @property
    def _is_about_orders(self) -> bool:
        # Whatever goes elsewhere may be a token request to a wrong address.
        return is_about_orders(self.path)

    def safe_headers(self) -> list[tuple[str, str]]:
        """Return the headers with every credential replaced by a fingerprint."""
        return [(name, _safe_value(name, value)) for name, value in self.headers]

    def safe_query(self) -> str:
        """Return the query, unless it may hold data of a token request."""
        return REDACTED if self.query and not self._is_about_orders else self.query

    def safe_body(self) -> str:
        """Return the body as text, without the secrets if it may be a token request."""
        if self._is_about_orders or not self.body:
            return self.body.decode(errors="replace")
        content_type = dict(self.headers).get("content-type", "")
        try:
            fields = read_fields(self.body, content_type)
        except ValueError:
            return REDACTED  # a secret may be anywhere in it
        for name, value in fields.items():
            if value is not None and not (name in _OPEN_FIELDS and isinstance(value, str)):
                fields[name] = REDACTED
        is_form = "form" in content_type.lower()
        return urlencode(fields, safe="*", errors="replace") if is_form else dump_json(fields)


class AccessLog:
    """Every API request since the log was last cleared.

    :param store: the tenant's database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def arrived(self, received: Received, fault: str | None) -> int:
        """Log a request before anything is done about it; return its number.

        :param received: the request.
        :param fault: the fault that it meets.
        """
        named = received.call.named
        cursor = self._store.execute(
            "INSERT INTO requests (time, method, path, query, headers, call, order_id, native_id,"
            " parts, body, correlation, fault) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                datetime.now(UTC).isoformat(timespec="milliseconds"),
                received.method,
                received.path,
                received.safe_query(),
                dump_json(received.safe_headers()),
                received.call.name,
                received.order.number,
                received.order.native,
                named and dump_json(named.as_dict()),
                received.safe_body(),
                received.correlation,
                fault,
            ),
        )
        return int(cursor.lastrowid or 0)

    def answered(self, seq: int, status: int) -> None:
        """Add the status of its answer to a request.

        :param seq: the request's number.
        :param status: the status.
        """
        self._store.execute("UPDATE requests SET status = ? WHERE seq = ?", (status, seq))

    def entries(
        self,
        *,
        order: OrderIds | None,
        call: str | None,
        method: str | None,
        path: str | None,
        since: int,
    ) -> list[dict[str, Any]]:
        """Return the requests that fit, in the order of their arrival.

        :param order: about this order, in whichever dialect; one without an id fits none.
        :param call: of this call.
        :param method: with this method.
        :param path: with a path that begins like this.
        :param since: with a number greater than this.
        """
        if since > MAX_ID:
            return []  # beyond what SQLite can compare, so nothing fits
        number, native = (None, None) if order is None else (order.number, order.native)
        rows = self._store.execute(
            f"SELECT {_COLUMNS} FROM requests WHERE seq > ?1"  # noqa: S608 - a constant
            " AND (?2 OR order_id = ?3 OR native_id = ?4) AND (?5 IS NULL OR call = ?5)"
            " AND (?6 IS NULL OR method = ?6)"
            " AND (?7 IS NULL OR substr(path, 1, length(?7)) = ?7) ORDER BY seq",
            (since, order is None, number, native, call, method and method.upper(), path),
        )
        names = _COLUMNS.split(", ")
        entries = [dict(zip(names, row, strict=True)) for row in rows]
        for entry in entries:
            entry["headers"] = load_json(entry["headers"])
            entry["parts"] = entry["parts"] and load_json(entry["parts"])
        return entries

    def clear(self) -> int:
        """Forget every request, and with them each order's cancels; return how many."""
        return self._store.execute("DELETE FROM requests").rowcount


def _safe_value(name: str, value: str) -> str:
    if name in {"authorization", "proxy-authorization"}:
        parts = _SCHEME.fullmatch(value)
        scheme, credential = parts.groups() if parts else ("(no scheme)", value)
        return f"{scheme} sha256:{fingerprint(credential)[:12]}"
    if _SECRET_HEADERS.search(name):
        return f"sha256:{fingerprint(value)[:12]}"
    return value
