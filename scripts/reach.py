"""Run the fast tests once, and write down which of them run which line, and how long each takes.

Its arguments are the files to write to: coverage's data, and the seconds as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

# What `make unit` runs.
FAST_TESTS = (
    "--quiet",
    "-m",
    "not airflow_db and not slow",
    "--ignore=tests/docs",
    "--ignore=tests/emulator",
)


class Reach:
    """Tell coverage which test is running, with its set-up and tear-down.

    :param measured: the running coverage.
    """

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Name the test that its lines belong to, in every thread."""
        began_at = time.monotonic()
        self._measured.switch_context(item.nodeid)
        answer = yield
        self._measured.switch_context("")
        self.seconds[item.nodeid] = time.monotonic() - began_at
        return answer


def main() -> int:
    """Run the tests, and return pytest's exit status."""
    data_file, seconds_file = sys.argv[1:]
    os.environ["COVERAGE_CORE"] = "ctrace"
    measured = coverage.Coverage(data_file=data_file, source=["airflow_provider_oms"])
    measured.start()
    reach = Reach(measured)
    status = pytest.main(list(FAST_TESTS), plugins=[reach])
    measured.stop()
    measured.save()
    Path(seconds_file).write_text(json.dumps(reach.seconds), encoding="utf-8")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
