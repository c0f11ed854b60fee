"""Everything a test needs around it: a separate Airflow home, its database, the emulator.

The environment is set at import, before anything imports Airflow, which reads it only then.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import backends
import cell
import pytest
from features import AIRFLOW, FEATURES, has
from hypothesis import Phase, settings

from airflow_provider_oms.cancellation import termination
from airflow_provider_oms.emulator.testing import EmulatorProcess

if any(name == "airflow" or name.startswith("airflow.") for name in sys.modules):
    raise RuntimeError("Airflow was imported before tests/conftest.py could set its environment")

REPOSITORY = Path(__file__).resolve().parent.parent
# What is imported and collected stays until the end. The garbage collector looks through all of it
# again and again, during one test for half a second; the hook below frees it from that.
gc.disable()

AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="oms-tests-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)

# Nothing of the developer's own Airflow may reach a test, and no test may reach their tenants.
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
os.environ.update(
    {
        "AIRFLOW_HOME": str(AIRFLOW_HOME),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "example_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # Airflow 2 lets only some executors use SQLite, and looks once for each process.
        "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW_HOME / 'airflow.db'}",
        # Tests talk to loopback only; a proxy in the developer's shell must not see it.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **backends.settings(AIRFLOW_HOME),
    }
)

# No deadline for one example: a machine that is busy elsewhere proves nothing.
# A commit must pass CI or fail it, whatever examples the day brings.
settings.register_profile(
    "house", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI"))
)
# For scripts/mutants.py: that a mistake is found is enough, the shortest way to it is not needed.
settings.register_profile(
    "find", settings.get_profile("house"), phases=(Phase.explicit, Phase.generate)
)
# For make unit.
settings.register_profile("unit", settings.get_profile("house"), max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

# The folders whose tests touch nothing of Airflow; those of tests/api meet other versions of
# requests and urllib3 with each.
WITHOUT_AIRFLOW = frozenset(
    {
        "bench",
        "cancellation",
        "cluster",
        "demo",
        "docs",
        "emulator",
        "packaging",
        "simulation",
        "verdicts",
        "www",
    }
)
# What `make unit` leaves out: what needs a database, waits or works for long by its nature, or is
# not about the provider itself.
NOT_UNIT = frozenset(
    {"bench", "cluster", "dags", "demo", "docs", "emulator", "packaging", "scheduler"}
)
NOT_UNIT_MARKS = ("airflow_db", "slow")
_lacking: dict[str, list[str]] = {}


def pytest_report_header() -> str:
    """Say which Airflow is under test, and which package."""
    return f"airflow: {AIRFLOW}, the package: {cell.package_directory()}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests that take many minutes be asked for."""
    parser.addoption(
        "--soak", action="store_true", help="run the tests of `make soak`, and no others"
    )
    parser.addoption("--e2e", action="store_true", help="let tests/e2e be run, as `make e2e` does")
    parser.addoption(
        "--about-airflow", action="store_true", help="leave out what is the same on each Airflow"
    )
    parser.addoption("--unit", action="store_true", help="run the fast tests of `make unit` only")
    cell.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Choose how much the tests try, and let a cell of the matrix write down their results."""
    if config.getoption("--unit"):
        settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))
    cell.configure(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests in a browser unless asked for, and others if asked to."""
    if collection_path.parent != REPOSITORY / "tests":
        return None
    if collection_path.name == "e2e":
        # Most machines have no browser.
        return None if config.getoption("--e2e") else True
    left_out = {"--about-airflow": WITHOUT_AIRFLOW, "--unit": NOT_UNIT}
    is_left_out = any(
        config.getoption(option) and collection_path.name in folders
        for option, folders in left_out.items()
    )
    return True if is_left_out else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep tests together that share an expensive fixture, such as an Airflow.

    Marks cannot do that: since pytest 9.2, pytest-xdist 3.8 does not see groups any more.
    """
    if config.getoption("dist") != "loadscope":
        return None
    from shared_processes import SharedProcesses  # noqa: PLC0415 - pytest-xdist may be missing

    return SharedProcesses(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests, and skip, by name, those of features that this Airflow does not have."""
    is_soak = bool(config.getoption("--soak"))
    items[:] = [item for item in items if bool(item.get_closest_marker("soak")) is is_soak]
    if config.getoption("--unit"):
        items[:] = [i for i in items if not any(map(i.get_closest_marker, NOT_UNIT_MARKS))]
    for item in items:
        for feature in needs_of(item):
            if not has(feature):
                _lacking.setdefault(feature, []).append(item.nodeid)
                reason = f"Airflow {AIRFLOW} lacks: {feature}"
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """Let the garbage collector look only at what the tests themselves make."""
    gc.collect()
    gc.freeze()
    gc.enable()


def needs_of(item: pytest.Item) -> list[str]:
    """Return the features that a test needs of Airflow."""
    found: list[str] = []
    for marker in item.iter_markers("needs"):
        if not marker.args or marker.kwargs or set(marker.args) - set(FEATURES):
            raise pytest.UsageError(f"{item.nodeid}: needs() takes names of tests/support/features")
        found.extend(marker.args)
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List every test that was left out for the Airflow version, under its feature."""
    if not _lacking:
        return
    terminalreporter.section(f"not in Airflow {AIRFLOW}")
    for feature, tests in sorted(_lacking.items()):
        terminalreporter.write_line(f"{feature}: {len(tests)} left out")
        for test in tests:
            terminalreporter.write_line(f"    {test}")


@pytest.fixture(autouse=True)
def nobody_told_this_process_to_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no test know of a SIGTERM that another one raised."""
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(termination, "_of_this_process", termination.Termination())
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(autouse=True)
def no_task() -> None:
    """Forget the task that an earlier test ran in this process: Airflow leaves it in there."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW_CTX_")]:
        del os.environ[name]


# Where Airflow keeps what it masks in logs: in 3.x twice, in 2.11.
_MASKERS = (
    "airflow._shared.secrets_masker",
    "airflow.sdk._shared.secrets_masker",
    "airflow.utils.log.secrets_masker",
)


@pytest.fixture(autouse=True)
def no_secret() -> None:
    """Forget the secrets of earlier tests: with each new one, Airflow compiles a pattern of all."""
    for name in _MASKERS:
        if module := sys.modules.get(name):
            masker = module._secrets_masker()
            masker.patterns.clear()
            masker.replacer = None


@pytest.fixture(scope="session")
def _emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def emulator(_emulator: EmulatorProcess) -> EmulatorProcess:
    """Give the one emulator of all tests that leave it running, made as new for each module."""
    _emulator.clear()
    return _emulator


@pytest.fixture(scope="session")
def nginx_program() -> str:
    """Give the path of nginx, or skip the test."""
    from bench import nginx  # noqa: PLC0415 - only some tests need it
    from demo.terminal import DemoError  # noqa: PLC0415 - as above

    try:
        return nginx.find()
    except DemoError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def airflow_db() -> Iterator[None]:
    """Give Airflow its tables, once for all tests; they end with the temporary home."""
    from airflow.utils import db  # noqa: PLC0415 - costs seconds, and only some tests need it

    db.initdb()
    yield
    from airflow import settings as airflow_settings  # noqa: PLC0415 - as above

    airflow_settings.dispose_orm()
