"""The example DAG `cancel_after_approval` for Airflow, with a time-out of seconds."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

# The tests copy the example to this file's side.
EXAMPLE = Path(__file__).with_name("cancel_after_approval.py")

spec = spec_from_file_location("cancel_after_approval", EXAMPLE)
if spec is None or spec.loader is None:
    raise ImportError(str(EXAMPLE))
module = module_from_spec(spec)
spec.loader.exec_module(module)
in_seconds = module.dag
in_seconds.dag_id = "approve_within_seconds"
in_seconds.get_task("approve").response_timeout = timedelta(seconds=4)
