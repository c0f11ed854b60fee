"""An Airflow without any connection, a tenant, and a browser, for all tests of this folder."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

import pytest
import trustme
from raw_server import RawServer, answer
from standalone import Standalone
from web_ui import WebUi, find_chromium, open_browser

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.workplace import EXAMPLE_DAGS, REPOSITORY

IS_WRITING = bool(os.environ.get("WRITE_DOCS"))
SETTINGS = {
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    # Only processes that the tests start run.
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
}


@pytest.fixture(scope="session")
def chromium() -> str:
    found = find_chromium()
    if found is None:
        pytest.exit(
            "Chromium is missing: install Debian's package chromium (apt-get install chromium), "
            "or put a Chromium into the PATH.",
            returncode=1,
        )
    return found


@pytest.fixture(scope="session")
def tenant(chromium: str) -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def airflow(
    tenant: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standalone]:
    with Standalone(tmp_path_factory.mktemp("airflow"), EXAMPLE_DAGS, {}, SETTINGS) as standalone:
        yield standalone


@pytest.fixture(scope="session")
def ui(
    airflow: Standalone, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebUi]:
    """Return the web UI of a logged-in user."""
    pictures = tmp_path_factory.mktemp("pictures")
    with open_browser(chromium) as page:
        ui = WebUi(page, airflow.api, REPOSITORY / "docs" / "images" if IS_WRITING else pictures)
        ui.log_in()
        yield ui


@pytest.fixture
def other_site() -> Iterator[RawServer]:
    """Give a web server that is no OMS."""
    page = b"<html><body>nothing here</body></html>"
    with RawServer([answer("404 Not Found", page, ("Content-Type: text/html",))]) as server:
        yield server


@pytest.fixture
def untrusted() -> Iterator[RawServer]:
    """Return a server with an untrusted certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with RawServer([answer()], tls=context) as server:
        yield server
