"""The tests marked `backends` once more, with XComs and connections kept elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import backends
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.airflow_db, pytest.mark.timeout(900)]

IS_INSIDE = backends.CONNECTIONS in os.environ


@pytest.mark.skipif(IS_INSIDE, reason="it is the program run here")
def test_the_same_tests_pass_where_xcoms_and_connections_are_elsewhere() -> None:
    choice = {backends.XCOM: "object storage", backends.CONNECTIONS: "database"}
    options = ["--quiet", "-p", "no:cacheprovider", "-m", "backends"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(Path(__file__).parent)],
        env={**os.environ, **choice},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 8, done.stdout
