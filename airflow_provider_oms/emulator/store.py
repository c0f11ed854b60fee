"""The SQLite file behind a tenant: its schema, its connection and its transactions.

`order_book`, `parts`, `tokens` and `access_log` write into the tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

# Kept in the file's header, so that neither another program's database nor one of another
# emulator version is ever written to.
_APPLICATION_ID: Final = 0x4F4D5345
_SCHEMA_VERSION: Final = 6

_SCHEMA: Final = """
CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY,
    order_status TEXT,
    representation TEXT NOT NULL,
    earlier TEXT,
    shows_at REAL,
    searched TEXT,
    search_lags_until REAL,
    times_canceled INTEGER NOT NULL DEFAULT 0,
    disposition_reason TEXT,
    disposition_other_reason TEXT,
    native_id TEXT NOT NULL,
    order_number INTEGER,
    external_id TEXT,
    site_id INTEGER,
    native TEXT NOT NULL,
    native_earlier TEXT,
    native_searched TEXT,
    parts TEXT NOT NULL
);
CREATE INDEX orders_by_status ON orders (order_status);
CREATE INDEX orders_by_native_id ON orders (native_id);
CREATE INDEX orders_by_number ON orders (order_number);
CREATE INDEX orders_by_external_id ON orders (external_id COLLATE NOCASE);
CREATE TABLE part_ids (
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    order_id INTEGER NOT NULL,
    PRIMARY KEY (kind, id, order_id)
) WITHOUT ROWID;
CREATE TABLE part_cancels (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id INTEGER NOT NULL,
    shipment INTEGER,
    line INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    reason TEXT,
    more_info TEXT,
    blocks INTEGER,
    whole INTEGER NOT NULL,
    call TEXT NOT NULL,
    time REAL NOT NULL,
    late REAL NOT NULL
);
CREATE INDEX part_cancels_by_order ON part_cancels (order_id);
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    topic TEXT NOT NULL,
    native_id TEXT NOT NULL,
    site_id INTEGER,
    created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    time REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400.0)
);
-- Whatever changes an order, so that no call can forget its event.
CREATE TRIGGER order_held AFTER INSERT ON orders
WHEN lower(json_extract(NEW.native, '$.status')) = 'pendingreview'
BEGIN
    INSERT INTO events (topic, native_id, site_id)
    VALUES ('order.pendingreview', NEW.native_id, NEW.site_id);
END;
CREATE TRIGGER order_canceled AFTER UPDATE OF native ON orders
WHEN lower(json_extract(NEW.native, '$.status')) = 'cancelled'
    AND lower(json_extract(OLD.native, '$.status')) <> 'cancelled'
BEGIN
    INSERT INTO events (topic, native_id, site_id)
    VALUES ('order.cancelled', NEW.native_id, NEW.site_id);
END;
CREATE TABLE tokens (
    fingerprint TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    expires_at REAL
);
CREATE TABLE requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    query TEXT NOT NULL,
    headers TEXT NOT NULL,
    call TEXT NOT NULL,
    order_id INTEGER,
    native_id TEXT,
    parts TEXT,
    body TEXT NOT NULL,
    status INTEGER,
    correlation TEXT NOT NULL,
    fault TEXT
);
CREATE INDEX requests_by_order ON requests (order_id, call);
CREATE INDEX requests_by_native_id ON requests (native_id, call);
"""


class StoreError(Exception):
    """The database can not be used; the message says why."""


class Store:
    """One connection to one tenant's database, used by the thread that opened it alone.

    :param path: a file, made if it does not exist, or `:memory:`.
    """

    def __init__(self, path: str) -> None:
        if path != ":memory:" and not Path(path).resolve().parent.is_dir():
            raise StoreError(f"{path}: there is no such directory")
        try:
            # Transactions are begun by hand: Python's own begin too late to lock a read.
            self._connection = sqlite3.connect(path, timeout=10, isolation_level=None)
            try:
                self._prepare(path)
            except BaseException:
                self.close()
                raise
        except sqlite3.Error as error:
            raise StoreError(f"{path} can not be used as a database: {error}") from error

    def _prepare(self, path: str) -> None:
        marks = (self._pragma("application_id"), self._pragma("user_version"))
        empty = self.value("SELECT count(*) FROM sqlite_master") == 0
        if not empty and marks != (_APPLICATION_ID, _SCHEMA_VERSION):
            raise StoreError(f"{path} is not a database of this version of the emulator")
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the machine may lose the last moments; a crash of the process loses nothing.
        self._connection.execute("PRAGMA synchronous = OFF")
        if empty:
            self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}")
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            self._connection.execute("COMMIT")

    def _pragma(self, name: str) -> Any:
        return self.value(f"PRAGMA {name}")

    def execute(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> sqlite3.Cursor:
        """Run one statement; outside a transaction it is one by itself.

        :param sql: the statement.
        :param parameters: its parameters, by position or by name.
        """
        return self._connection.execute(sql, parameters)

    def value(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """Return the first column of the first row; None if there is no row.

        :param sql: the query.
        :param parameters: its parameters, by position or by name.
        """
        row = self.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the writer's lock for a block: the values it reads hold until it has written."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection, folding the write-ahead log into the file."""
        self._connection.close()
