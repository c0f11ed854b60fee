"""The quickstart: its commands, in its order, end with orders that the OMS calls canceled."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import blocks, text_of
from patience import wait_until
from standalone import Standalone

from airflow_provider_oms.emulator.testing import EmulatorProcess
from demo.workplace import airflow_environment

pytestmark = [
    pytest.mark.airflow_db,
    pytest.mark.slow,
    pytest.mark.needs("a scheduler that is driven over its REST API"),
    # All of Airflow starts twice.
    pytest.mark.timeout(900),
]

PAGE = text_of("docs/quickstart.md")
COMMANDS = [content for _, content in blocks(PAGE, "bash")]
DAG_FILE, NATIVE_DAG_FILE = (content for _, content in blocks(PAGE, "python"))


def the(words: str) -> str:
    """Return the one block of commands that holds some words."""
    (block,) = [block for block in COMMANDS if words in block]
    return block


@pytest.fixture
def oms() -> Iterator[EmulatorProcess]:
    assert "python -m airflow_provider_oms.emulator --seed 10" in the("emulator --seed")
    with EmulatorProcess(seed=10) as emulator:
        yield emulator


class Shell:
    """Run the page's commands where the page has them run.

    :param place: the directory of the reader.
    :param oms: the emulator, on another port than the page's.
    """

    def __init__(self, place: Path, oms: EmulatorProcess) -> None:
        self.place = place
        self.home = place / "try-oms" / "airflow"
        self._oms = oms
        # Of the page's environment only its activation is needed: this one is active already.
        activate = place / "try-oms" / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.write_text("", encoding="utf-8")
        inherited = airflow_environment(self.home, self.home / "dags")
        self.environment = {
            name: value for name, value in inherited.items() if not name.startswith("AIRFLOW_")
        }
        self.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def run(self, *commands: str, fails: bool = False) -> str:
        """Run blocks of commands in one shell, and return all that they print."""
        script = "\n".join(["set -e", *commands]).replace("http://127.0.0.1:8787", self._oms.url)
        done = subprocess.run(
            ["bash", "-c", script],  # noqa: S607 - whichever the reader has
            cwd=self.place,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout
        return done.stdout


def test_its_commands_cancel_an_order_and_say_so(tmp_path: Path, oms: EmulatorProcess) -> None:
    shell = Shell(tmp_path, oms)
    set_up = the("airflow db migrate")
    shell.run(set_up)
    place = "try-oms/airflow/dags/my_first_cancel.py"
    assert f"Save this as `{place}`" in PAGE
    (tmp_path / place).write_text(DAG_FILE, encoding="utf-8")

    exports = set_up.partition("mkdir")[0]
    said = shell.run(exports, the("2000001}'"))
    assert "Order 2000001 is CANCELED: canceled" in said
    assert "`Order 2000001 is CANCELED: canceled`" in PAGE
    seen = shell.run(the("_emulator/orders/2000001"))
    assert '"orderState":"CANCELED"' in seen.replace(" ", "")
    assert '"cancels":1' in seen.replace(" ", "")

    said = shell.run(exports, the('"order_id": 404'), fails=True)
    assert "Order 404: not_found" in said
    assert "`Order 404: not_found`" in PAGE

    (tmp_path / place).write_text(NATIVE_DAG_FILE, encoding="utf-8")
    said = shell.run(exports, the('"api": "native"'), the("EXT-2000005"))
    assert "Order external_id:EXT-2000005 is Cancelled: canceled" in said
    assert "`Order external_id:EXT-2000005 is Cancelled: canceled`" in PAGE
    assert oms.cancels(2000005) == 1


def test_its_commands_start_a_run_in_all_of_airflow(tmp_path: Path, oms: EmulatorProcess) -> None:
    shell = Shell(tmp_path, oms)
    exports = the("airflow db migrate").partition("mkdir")[0]
    connection = shell.run(exports, 'printf %s "$AIRFLOW_CONN_OMS_DEFAULT"')
    (shell.home / "dags").mkdir(parents=True)
    (shell.home / "dags" / "my_first_cancel.py").write_text(DAG_FILE, encoding="utf-8")
    # `airflow standalone`, on ports that are free.
    paused = {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True"}
    settings = {"AIRFLOW_CONN_OMS_DEFAULT": connection, **paused}
    assert the("airflow standalone").strip() == "airflow standalone"
    with Standalone(shell.home, shell.home / "dags", {}, settings) as airflow:
        assert (shell.home / "simple_auth_manager_passwords.json.generated").is_file()
        assert "`try-oms/airflow/simple_auth_manager_passwords.json.generated`" in PAGE
        airflow.api.ask("GET", "/api/v2/dags/my_first_cancel", patience=300)
        home = 'export AIRFLOW_HOME="$PWD/try-oms/airflow"'
        assert f"`{home}`" in PAGE
        shell.run(home, the("airflow dags unpause"))
        wait_until(
            lambda: oms.order(2000003)["orderState"] == "CANCELED",
            300,
            lambda: airflow.log.read_text(encoding="utf-8")[-3000:],
        )
    assert oms.cancel_posts(2000003) == 1
