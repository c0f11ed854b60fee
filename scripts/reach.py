"""A plugin of pytest that writes down which test runs which line of the package.

The environment variable ``REACH`` names the file, which is coverage's. Each line belongs to the
test that was running, with its set-up and tear-down, in whichever thread; lines that an import
runs belong to none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import coverage
import pytest

_measured = coverage.Coverage(data_file=os.environ["REACH"], source=["airflow_provider_oms"])


def pytest_load_initial_conftests() -> None:
    _measured.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Name the test that its lines belong to."""
    _measured.switch_context(item.nodeid)
    answer = yield
    _measured.switch_context("")
    return answer


def pytest_unconfigure() -> None:
    _measured.stop()
    _measured.save()
