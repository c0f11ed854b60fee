"""One Airflow with its scheduler, and one tenant, for all tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from dag_runs import EXAMPLE_DAGS
from mail_server import MailServer
from standalone import Standalone

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.postgres import Postgres
from demo.workplace import REPOSITORY, oms_connection

DAGS = Path(__file__).parent / "dags"
DAG_OF_VERDICTS = "take_verdicts.py"
_SECONDS_PER_TEST = 900
EXAMPLES = (
    "cancel_after_approval",
    "cancel_and_notify",
    "cancel_before_it_ships",
    "cancel_on_fraud_verdict",
    "cancel_order",
)
# How long Airflow waits for a sign of life from a task before it is tried again; 300 s by default.
SETTINGS = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    # And for one from a triggerer, until another one takes its triggers over; 30 s by default.
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests more time: the first one waits for all of Airflow to start."""
    for item in items:
        is_here = item.path.is_relative_to(Path(__file__).parent)
        if is_here and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_SECONDS_PER_TEST))


@pytest.fixture(scope="session")
def tenant() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def write_dags(directory: Path) -> Path:
    """Write the DAG files of this folder and some examples to a directory, and return it."""
    for path in (*DAGS.glob("*.py"), REPOSITORY / "cluster" / "dags" / "wait_for_order.py"):
        if path.name != DAG_OF_VERDICTS:
            shutil.copy(path, directory)
    for name in EXAMPLES:
        text = (EXAMPLE_DAGS / f"{name}.py").read_text(encoding="utf-8")
        # A test has no five minutes to wait for what happens after the last attempt, and no half an
        # hour until a deadline.
        text = text.replace("retries=2", "retries=0")
        text = text.replace("timedelta(minutes=30)", "timedelta(minutes=1)")
        (directory / f"{name}.py").write_text(text, "utf-8")
    return directory


@pytest.fixture(scope="session")
def an_airflow(
    tenant: EmulatorProcess, mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[Standalone]]:
    """Return what makes an Airflow of a folder of DAG files and further settings."""

    def connection(**extra: object) -> dict[str, str]:
        return oms_connection(
            tenant,
            settle_seconds=3,
            admin_url="https://admin.example.com/orders/{order_id}",
            **extra,
        )

    # A cancel that hangs in a test of a single order gets no answer before the test is over.
    connections = {
        "oms_default": connection(read_timeout=900),
        "oms_bulk": connection(),
        "oms_native": connection(api="native"),
        "smtp_default": mail_server.connection,
    }

    @contextmanager
    def make(dags: Path, **settings: str) -> Iterator[Standalone]:
        home = tmp_path_factory.mktemp("airflow")
        # SQLite locks out concurrent writers, and a scheduler ends of it.
        with Postgres("-F") as postgres:
            database = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.address}
            with Standalone(home, dags, connections, SETTINGS | database | settings) as standalone:
                yield standalone

    return make


@pytest.fixture(scope="session")
def airflow(
    an_airflow: Callable[..., AbstractContextManager[Standalone]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Standalone]:
    with an_airflow(write_dags(tmp_path_factory.mktemp("dags"))) as standalone:
        yield standalone
