"""A cell of `make matrix` writes down the results of its tests, for docs/compatibility.md.

It also makes sure that they tested the package that is installed, and not the source tree.
"""

from __future__ import annotations

import json
import platform
import sysconfig
from collections import Counter, defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from features import AIRFLOW

PACKAGE = "airflow_provider_oms"
LACKS = " lacks: "


def package_directory() -> Path:
    """Return where the package under test is, without importing it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise pytest.UsageError(f"{PACKAGE} is not installed here")
    return Path(spec.origin).parent


def check_installed(directory: Path) -> None:
    """Refuse to test anything but an installed package.

    :param directory: where the package is.
    """
    site_packages = Path(sysconfig.get_path("purelib")).resolve()
    if directory.resolve().parent != site_packages:
        raise pytest.UsageError(f"{directory} is not the package in {site_packages}")


class Cell:
    """Collect the results of the tests.

    :param path: the JSON file to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._lacking: Counter[str] = Counter()
        self._degrades: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test."""
        is_over = report.when == "call" or report.outcome != "passed"
        if not is_over:
            return
        path = report.nodeid.partition("::")[0]
        area = path.split("/")[1] if path.count("/") > 1 else "package"
        self._counts[area][report.outcome] += 1
        if report.skipped and isinstance(report.longrepr, tuple):
            _, lacks, feature = report.longrepr[2].rpartition(LACKS)
            if lacks:
                self._lacking[feature] += 1
        for name, text in report.user_properties:
            if name.startswith("degrades:"):
                self._degrades[name.partition(":")[2]] = str(text)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the file."""
        found: dict[str, Any] = {
            "airflow": str(AIRFLOW),
            "python": platform.python_version(),
            "exit_status": int(exitstatus),
            "tests": {area: dict(counts) for area, counts in sorted(self._counts.items())},
            "lacking": dict(sorted(self._lacking.items())),
            "degrades": self._degrades,
        }
        self._path.write_text(json.dumps(found, indent=1), encoding="utf-8")


def add_option(parser: pytest.Parser) -> None:
    """Add the option by which a cell asks for its file."""
    parser.addoption("--cell", metavar="FILE", help="test the installed package, and write FILE")


def configure(config: pytest.Config) -> None:
    """Apply the option."""
    path = config.getoption("--cell")
    if path:
        check_installed(package_directory())
        config.pluginmanager.register(Cell(Path(path)))
