"""Rows of files of verdicts, as Airflow makes events of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_oms.verdicts.files import FileRow
from airflow_provider_oms.verdicts.inbox import Policy

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy(look_back=timedelta(hours=24), overlap=timedelta(minutes=5))
STILL_FOR = 30.0


def event_of(row: FileRow) -> dict[str, Any]:
    """Return the extra of the event that Airflow makes of a row."""
    extra = {"from_trigger": True, "payload": row.to_json()}
    return json.loads(json.dumps(extra))  # type: ignore[no-any-return]  # it is what went in
