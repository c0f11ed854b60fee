"""The example DAG `cancel_after_approval` for Airflow, as it is and with a time-out of seconds."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[3] / "example_dags" / "cancel_after_approval.py"


def load() -> Any:
    """Return the example's DAG; each call gives one of its own."""
    spec = spec_from_file_location("cancel_after_approval", EXAMPLE)
    if spec is None or spec.loader is None:
        raise ImportError(EXAMPLE)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.dag


as_it_is = load()
in_seconds = load()
in_seconds.dag_id = "approve_within_seconds"
in_seconds.get_task("approve").response_timeout = timedelta(seconds=4)
