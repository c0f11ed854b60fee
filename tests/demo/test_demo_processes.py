"""The demo ends everything that it starts: every process, however interrupted, and no other."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from demo import processes, ui
from demo.processes import Session, end, free_port, launch, running, wait_until
from demo.terminal import INTERRUPTED, DemoError, let_signals_interrupt, undisturbed
from demo.workplace import REPOSITORY, Workplace

pytestmark = pytest.mark.slow

SLEEP = "import time; time.sleep(60)"
# A program that starts another one in a separate process group, as Airflow does for a task,
# names it, and ignores polite requests to end.
FAMILY = (
    "import signal, subprocess, sys, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], process_group=0);"
    "print(child.pid, flush=True); time.sleep(60)"
)


@pytest.fixture(autouse=True)
def signals_as_in_a_terminal() -> Iterator[None]:
    """Let signals interrupt that a shell tells its background processes to ignore."""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def has_ended(process: psutil.Process) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


class Family:
    """A program and its child in a separate session.

    :param directory: where their log goes.
    """

    def __init__(self, directory: Path) -> None:
        self.sessions: list[Session] = []
        self.log = directory / "family.log"
        self.parent = launch(
            [sys.executable, "-c", FAMILY],
            dict(os.environ),
            directory,
            self.log,
            self.sessions.append,
        )
        self.session = self.sessions[0]
        wait_until(
            lambda: self.log.read_text(encoding="utf-8").strip(),
            self.parent,
            name="The family",
            log=self.log,
            limit=20,
        )
        self.child = psutil.Process(int(self.log.read_text(encoding="utf-8")))

    def orphan(self) -> None:
        self.parent.kill()
        self.parent.wait()


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Family:
    monkeypatch.setattr("demo.processes._SECONDS_TO_END", 0.5)
    return Family(tmp_path)


class TestEndingASession:
    def test_ends_children_in_groups_of_their_own_and_the_stubborn(self, family: Family) -> None:
        assert end([family.session]) == 2
        assert family.parent.wait(60) == -signal.SIGKILL
        assert has_ended(family.child)
        assert family.session.processes() == []

    def test_ends_children_that_outlived_their_parent(self, family: Family) -> None:
        family.orphan()
        assert end([family.session]) == 1
        assert has_ended(family.child)

    def test_leaves_another_session_alone_that_has_the_same_number(
        self, family: Family, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            # As of a process that was started when the first one of that number had ended.
            patch.setattr(psutil.Process, "is_running", lambda _: False)
            assert end([family.session]) == 0
        assert family.child.is_running()
        end([family.session])

    def test_is_not_disturbed_by_a_second_interruption(
        self, family: Family, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wait_for_end = processes._wait_for_end

        def interrupted(sessions: list[Session], seconds: float) -> None:
            # While it waits for those that it has asked politely.
            signal.raise_signal(signal.SIGINT)
            wait_for_end(sessions, seconds)

        monkeypatch.setattr(processes, "_wait_for_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            end([family.session])
        assert has_ended(family.child)


def test_an_interruption_is_let_in_after_the_block() -> None:
    steps = []

    def work() -> None:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            steps.append("the block goes on")
        steps.append("what follows does not")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["the block goes on"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_interrupt_as_ctrl_c_does(number: signal.Signals) -> None:
    handler = signal.getsignal(number)
    try:
        let_signals_interrupt()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    finally:
        signal.signal(number, handler)


class TestWaitingForAProgram:
    def start(self, directory: Path, program: str) -> tuple[subprocess.Popen[bytes], Session]:
        sessions: list[Session] = []
        command = [sys.executable, "-c", program]
        log = directory / "log"
        process = launch(command, dict(os.environ), directory, log, sessions.append)
        return process, sessions[0]

    def test_shows_the_end_of_its_log_when_it_ends(self, tmp_path: Path) -> None:
        process, _ = self.start(tmp_path, "raise SystemExit('no such database')")
        with pytest.raises(DemoError, match=r"(?s)no such database.*Airflow ended"):
            wait_until(lambda: None, process, name="Airflow", log=tmp_path / "log", limit=30)

    def test_gives_up_when_it_takes_too_long(self, tmp_path: Path) -> None:
        process, session = self.start(tmp_path, SLEEP)
        with pytest.raises(DemoError, match="Airflow was not ready after 0 s"):
            wait_until(lambda: None, process, name="Airflow", log=tmp_path / "log", limit=0.1)
        end([session])


def test_a_port_that_is_taken_is_not_the_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)
    assert free_port(port) == port


def test_a_program_ends_with_its_block(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", f"print('ready', flush=True); {SLEEP}"]

    def is_ready() -> bool:
        return "ready" in log.read_text(encoding="utf-8")

    with running(command, {}, log, name="It", ready=is_ready, limit=30) as sessions:
        (process,) = sessions[0].processes()
    assert has_ended(process)


# `python -m demo.ui`, with a program in place of the two servers.
SHOW = f"""
import os, sys
from contextlib import contextmanager
from pathlib import Path
from demo import processes, ui
from demo.terminal import exit_status
from demo.workplace import Workplace

@contextmanager
def servers(directory):
    command, log = [sys.executable, "-c", {FAMILY!r}], directory / "server.log"
    ready = lambda: log.read_text().strip() and sys.argv[2] == "ready"
    with processes.running(command, dict(os.environ), log, name="It", ready=ready, limit=60):
        yield "how to use it"

processes._SECONDS_TO_END = 0.5
ui.servers = servers
sys.exit(exit_status(lambda: ui.show(Workplace(Path(sys.argv[1])))))
"""


class TestUi:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    @pytest.mark.parametrize("when", ["ready", "starting"])
    def test_an_interruption_ends_both_servers(
        self, when: str, number: signal.Signals, tmp_path: Path
    ) -> None:
        log = tmp_path / "server.log"
        command = [sys.executable, "-c", SHOW, str(tmp_path), when]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as program:
            until = time.monotonic() + 60
            while not (log.exists() and log.read_text(encoding="utf-8").strip()):
                assert time.monotonic() < until
                time.sleep(0.02)
            server = psutil.Process(int(log.read_text(encoding="utf-8")))
            assert program.stdout is not None
            lines = iter(program.stdout.readline, "")
            if when == "ready":
                assert "how to use it\n" in lines
            program.send_signal(number)
            _, said = program.communicate(timeout=60)
        assert (program.returncode, said) == (INTERRUPTED, "Stopped; nothing is left running.\n")
        assert has_ended(server)

    def test_two_at_once_are_refused(self, tmp_path: Path) -> None:
        place = Workplace(tmp_path / "demo-ui")
        with (
            place.reserved(),
            pytest.raises(DemoError, match="Another one is at work in demo-ui"),
        ):
            ui.show(place)
