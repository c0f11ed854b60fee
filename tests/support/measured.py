"""The measurements of finished work: metrics as the package emits them, and spans as they end."""

from __future__ import annotations

from typing import Any, NamedTuple
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import Stats
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

KINDS = ("incr", "gauge", "timing")
TASK = {"dag_id": "nightly", "task_id": "cancel"}


class Metric(NamedTuple):
    """Hold one call of Airflow's client."""

    kind: str
    name: str
    value: float
    tags: dict[str, str]


def context_of(**facts: Any) -> Any:
    """Return the context of the task `cancel` of the DAG `nightly`."""
    return {"ti": MagicMock(**{"try_number": 1, **TASK, **facts})}


def record_metrics(monkeypatch: pytest.MonkeyPatch) -> list[Metric]:
    """Return the list that every metric goes to from now on."""
    metrics: list[Metric] = []

    def recorder(kind: str) -> Any:
        def record(name: str, value: float, *, tags: dict[str, str]) -> None:
            metrics.append(Metric(kind, name, value, tags))

        return record

    for kind in KINDS:
        monkeypatch.setattr(Stats, kind, recorder(kind))
    return metrics


def record_spans(
    monkeypatch: pytest.MonkeyPatch, sampler: Sampler = ALWAYS_ON
) -> InMemorySpanExporter:
    """Return the exporter of every span from now on, as if Airflow had configured its tracer so."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return exporter
