"""Airflow's REST API as far as the command line reads it, over a socket, with made-up tasks."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "a-token-that-nobody-must-see"
STARTED = "2026-11-20T08:00:00Z"


class AirflowRecord:
    """Serve what tasks left.

    :param keeps_state: whether this Airflow has a store for tasks (3.3 and later).
    """

    def __init__(self, *, keeps_state: bool = True) -> None:
        self.keeps_state = keeps_state
        self.instances: list[dict[str, Any]] = []
        self.values: dict[tuple[str, int, str], Any] = {}
        self.stores: dict[tuple[str, int], dict[str, Any]] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.status: int | None = None

    def add(
        self,
        task_id: str,
        operator: str = "OmsBulkCancelOrdersOperator",
        *,
        run_id: str = "manual__1",
        map_index: int = -1,
        state: str = "failed",
        store: Mapping[str, Any] | None = None,
        **xcoms: Any,
    ) -> None:
        """Add a task of the DAG `cancel`, with its XComs."""
        self.instances.append(
            {
                "dag_id": "cancel",
                "dag_run_id": run_id,
                "task_id": task_id,
                "map_index": map_index,
                "operator": operator,
                "state": state,
                "try_number": 1,
                "start_date": STARTED,
            }
        )
        path = self._path(run_id, task_id)
        self.values |= {(path, map_index, key): value for key, value in xcoms.items()}
        self.stores[path, map_index] = dict(store or {})

    @staticmethod
    def _path(run_id: str, task_id: str) -> str:
        return f"/api/v2/dags/cancel/dagRuns/{run_id}/taskInstances/{task_id}"

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """Return the document of an address; `None` where there is none."""
        index = int(query.get("map_index", -1))
        at, what, key = path.rpartition("/xcomEntries/")
        if what and (at, index, key) in self.values:
            return {"key": key, "value": self.values[at, index, key]}
        if path.endswith("/state-store"):
            store = self.stores.get((path.removesuffix("/state-store"), index))
            entries = [{"key": name, "value": value} for name, value in (store or {}).items()]
            return self._page("task_state_store", entries, query) if self.keeps_state else None
        parts = path.split("/")
        if parts[-1] == "taskInstances":
            wanted = {"dag_id": parts[4], "dag_run_id": parts[6]}
            found = [
                one
                for one in self.instances
                if all(value in ("~", one[name]) for name, value in wanted.items())
            ]
            return self._page("task_instances", found, query)
        return None

    @staticmethod
    def _page(name: str, entries: list[Any], query: dict[str, str]) -> dict[str, Any]:
        first, most = int(query.get("offset", 0)), int(query.get("limit", 50))
        return {name: entries[first : first + most], "total_entries": len(entries)}

    def __enter__(self) -> Self:
        record = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
                record.seen.append((self.command, self.path, dict(self.headers)))
                document = record.answer(unquote(parts.path), query)
                status = record.status or (404 if document is None else 200)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Looked at this often whether it should end.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Return the address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"


def row(order_id: int | str, outcome: str, state: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a row of the XCom value `results`."""
    return {
        "order_id": order_id,
        "looked_up_id": None,
        "outcome": outcome,
        "order_state": state,
        "order_status": state,
        **more,
    }
