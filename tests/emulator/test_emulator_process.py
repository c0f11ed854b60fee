"""The emulator as a process: the state that survives its end, its load, its command line."""

from __future__ import annotations

import io
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, redirect_stderr
from pathlib import Path

import pytest
import requests
from emulator_client import SPLIT_ITEMS, Caller

from airflow_provider_oms.emulator.__main__ import main
from airflow_provider_oms.emulator.testing import EmulatorProcess

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "airflow_provider_oms.emulator"]


def refused(*arguments: str) -> str:
    """Return the emulator's message when it does not start."""
    printed = io.StringIO()
    with redirect_stderr(printed), pytest.raises(SystemExit) as ended:
        main(["--port", "0", *arguments])
    assert ended.value.code == 2
    return printed.getvalue()


def test_state_tokens_settings_faults_and_parts_survive_a_restart() -> None:
    with EmulatorProcess(seed=2) as emulator:
        oms = Caller(emulator)
        oms.cancel()
        emulator.settings(canceled_order_status=409)
        emulator.add_fault("status", call="get", order_id=2000001, status=503)
        emulator.load_orders([{"orderID": 8, "parts": {}}])
        oms.cancel_item(SPLIT_ITEMS[0])
        emulator.add_fault("status", call="get_item", part_id=SPLIT_ITEMS[1], status=503)
        url = emulator.url
        emulator.restart()
        assert emulator.url == url
        assert sorted(emulator.orders()) == [8, 1010101, 2000001, 2000002]
        assert emulator.order(1010101)["times_canceled"] == 1
        assert emulator.cancel_posts(1010101) == 1
        assert oms.cancel().status_code == 409
        assert oms.get(2000001).status_code == 503
        assert emulator.parts(8)["lines"][1]["canceled"] == 3
        assert oms.item(SPLIT_ITEMS[0]).ok
        assert oms.item(SPLIT_ITEMS[1]).status_code == 503


def test_an_answer_on_a_kept_connection_is_not_held_back(oms: Caller) -> None:
    # What waits for the client's acknowledgment takes forty milliseconds, each time.
    with requests.Session() as session:
        url, headers = f"{oms.tenant.url}/api/v2/order/1", oms.headers

        def seconds_for_one() -> float:
            before = time.monotonic()
            session.get(url, headers=headers, timeout=30)
            return time.monotonic() - before

        # The first ones are acknowledged at once, whatever happens later.
        for _ in range(20):
            seconds_for_one()
        # A single one that came sooner shows it, however busy the machine is.
        assert any(seconds_for_one() < 0.03 for _ in range(400))


def test_what_was_answered_survives_kill_9_and_is_not_loaded_over(tmp_path: Path) -> None:
    database = tmp_path / "oms.db"
    with EmulatorProcess(db=database, seed=0) as emulator:
        assert Caller(emulator).cancel().ok
        assert emulator._process is not None
        os.kill(emulator._process.pid, signal.SIGKILL)
    with EmulatorProcess(db=database, seed=0) as emulator:
        assert emulator.order(1010101)["times_canceled"] == 1
        assert emulator.order(1010101)["orderState"] == "CANCELED"


def test_threads_can_cancel_many_orders_and_one_order_at_once(oms: Caller) -> None:
    emulator = oms.tenant
    emulator.load_orders([{"orderID": 1 + number} for number in range(64)])
    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda n: oms.cancel(orderID=1 + n), range(64)))
        assert {answer.status_code for answer in answers} == {200}
        emulator.load_orders([{"orderID": 1}])
        emulator.clear_requests()
        list(threads.map(lambda _: oms.cancel(orderID=1), range(64)))
    assert {emulator.order(1 + number)["times_canceled"] for number in range(64)} == {1}
    assert emulator.cancel_posts(1) == 64


def test_sigterm_ends_it_at_once_even_with_a_request_under_way() -> None:
    with EmulatorProcess() as emulator, ThreadPoolExecutor(1) as threads:
        emulator.load_orders([{"orderID": 1010101}])
        oms = Caller(emulator)
        emulator.add_fault("hang", seconds=60)
        hanging = threads.submit(oms.cancel)
        emulator.wait_for_cancel_post(1010101)
        assert emulator._process is not None
        emulator._process.terminate()
        # Long before the call would have ended, and without force.
        assert emulator._process.wait(30) == 0
        assert hanging.exception() or hanging.result().status_code == 500


class TestCommandLine:
    def test_it_prints_the_port_that_it_got(self) -> None:
        process = subprocess.Popen([*COMMAND, "--port", "0"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        assert process.wait(30) == 0
        process.stdout.close()
        assert line.startswith("OMS emulator listening on http://127.0.0.1:")
        assert line.endswith(" (tenant 10001)\n")

    def test_it_listens_on_loopback_unless_told(self) -> None:
        assert "--allow-remote" in refused("--host", "0.0.0.0")  # noqa: S104 - refused

    def test_a_port_that_is_taken_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            assert f"127.0.0.1:{port}" in refused("--port", port)

    @pytest.mark.parametrize(
        ("setting", "named"),
        [
            ("no_such=1", "no_such"),
            ("token_lifetime=-1", "token_lifetime"),
            ("reasons=x", "reasons: "),
            ("reasons", "NAME=VALUE"),
        ],
    )
    def test_a_setting_that_makes_no_sense_is_named(self, setting: str, named: str) -> None:
        assert named in refused("--set", setting).splitlines()[-1]

    def test_a_line_of_orders_that_makes_no_sense_is_named(self, tmp_path: Path) -> None:
        orders = tmp_path / "orders.jsonl"
        orders.write_text('{"orderID": 1}\n\n{"orderID": "x"}\n', encoding="utf-8")
        assert f"{orders}, line 3" in refused("--orders", str(orders))

    def test_another_programs_database_is_left_alone(self, tmp_path: Path) -> None:
        database = tmp_path / "other.db"
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        before = database.read_bytes()
        assert "not a database" in refused("--db", str(database))
        assert database.read_bytes() == before
