"""A storage in memory that ``ObjectStoragePath`` reaches as ``memory://``."""

from __future__ import annotations

from importlib import import_module

import pytest
from features import IS_AIRFLOW_2
from fsspec.implementations.memory import (  # type: ignore[import-untyped]  # it has no types
    MemoryFileSystem,
)


def attach_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test an empty one.

    :param monkeypatch: ends with the test.
    """
    store = import_module("airflow.io.store" if IS_AIRFLOW_2 else "airflow.sdk.io.store")
    monkeypatch.setattr(store, "_STORE_CACHE", {})
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    store.attach("memory", fs=MemoryFileSystem())
