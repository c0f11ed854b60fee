"""Where XComs and connections are kept in a process of tests; two environment variables select it.

Airflow chooses both when it is imported, so other places need a separate process.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

XCOM = "OMS_TESTS_XCOM"
CONNECTIONS = "OMS_TESTS_CONNECTIONS"
_HOME = "AIRFLOW_HOME"


def settings(home: Path) -> dict[str, str]:
    """Return the settings that Airflow is to be imported with.

    :param home: its AIRFLOW_HOME.
    """
    chosen = {}
    if os.environ.get(XCOM) == "object storage":
        backend = "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend"
        chosen["AIRFLOW__CORE__XCOM_BACKEND"] = backend
        chosen["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH"] = f"file://{home}/xcoms"
        # In bytes; whatever is larger goes to the storage.
        chosen["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD"] = "10"
    if CONNECTIONS in os.environ:
        backend = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
        chosen["AIRFLOW__SECRETS__BACKEND"] = backend
        where = {"connections_file_path": str(_file(home))}
        chosen["AIRFLOW__SECRETS__BACKEND_KWARGS"] = json.dumps(where)
    return chosen


def _file(home: Path) -> Path:
    return home / "connections.json"


def provide(monkeypatch: pytest.MonkeyPatch, conn_id: str, fields: Mapping[str, Any]) -> None:
    """Put a connection where this process keeps them.

    :param monkeypatch: ends with the test.
    :param conn_id: the connection's id.
    :param fields: its fields; ``extra`` is a dict.
    """
    as_text = {**fields, "extra": json.dumps(fields["extra"])}
    if CONNECTIONS not in os.environ:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        return
    path = _file(Path(os.environ[_HOME]))
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    # Airflow looks into the file first.
    known.pop(conn_id, None)
    match os.environ[CONNECTIONS]:
        case "file":
            known[conn_id] = as_text
        case "database":
            _store(conn_id, as_text)
        case other:
            raise pytest.UsageError(f"{CONNECTIONS}={other}")
    path.write_text(json.dumps(known), encoding="utf-8")


def prefer_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let connections be in the file rather than in the database for one test.

    :param monkeypatch: ends with the test.
    """
    if CONNECTIONS in os.environ:
        monkeypatch.setenv(CONNECTIONS, "file")


def _store(conn_id: str, fields: Mapping[str, Any]) -> None:
    # The database is there only once a test has asked for it.
    model: Any = importlib.import_module("airflow.models.connection").Connection
    with importlib.import_module("airflow.utils.session").create_session() as session:
        session.query(model).filter(model.conn_id == conn_id).delete()
        session.add(model(conn_id=conn_id, **fields))


def stored_xcoms() -> list[Path]:
    """Return the files that XComs were put into."""
    root = Path(os.environ[_HOME]) / "xcoms"
    return [path for path in root.rglob("*") if path.is_file()]


def pulled(value: Any) -> Any:
    """Return an XCom's value; outside of a task Airflow 3 gives the path of a file instead.

    :param value: what Airflow gives.
    """
    if isinstance(value, str) and value.startswith("file://"):
        return json.loads(Path(value.removeprefix("file://")).read_text(encoding="utf-8"))
    return value
