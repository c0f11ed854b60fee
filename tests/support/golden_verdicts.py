"""The payloads that the adapters are held to: in the shapes of vendors, and made up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_provider_oms.verdicts.verdict import Decision, Verdict

_GOLDEN = Path(__file__).resolve().parents[1] / "verdicts" / "golden"


@dataclass(frozen=True)
class Golden:
    """Hold one payload.

    :param name: folder and name of its file.
    :param payload: the payload.
    :param verdict: the verdict that it is, or ``None``.
    :param refused: the field by which it is refused, or ``None``.
    :param order: the order that it names, ``None`` where a refusal knows none.
    """

    name: str
    payload: dict[str, Any]
    verdict: Verdict | None
    refused: str | None
    order: str | int | None


def golden(folder: str) -> list[Golden]:
    """Return the payloads of one folder.

    :param folder: its name.
    """
    return [_read(path) for path in sorted((_GOLDEN / folder).glob("*.json"))]


def _read(path: Path) -> Golden:
    content = json.loads(path.read_text(encoding="utf-8"))
    expected, name = content["expected"], f"{path.parent.name}/{path.stem}"
    if "refused" in expected:
        return Golden(name, content["payload"], None, expected["refused"], expected["order"])
    at = expected["decided_at"]
    verdict = Verdict(
        expected["order"],
        Decision(expected["decision"]),
        expected["case_id"],
        None if at is None else datetime.fromisoformat(at),
    )
    return Golden(name, content["payload"], verdict, None, verdict.order)
