"""What the demo starts, it ends: every process, however it is interrupted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from demo import ui
from demo.workplace import end_session

# A process that starts another one, which would outlive it.
FAMILY = (
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print('started', flush=True); time.sleep(60)"
)


def family() -> tuple[subprocess.Popen[bytes], psutil.Process]:
    parent = subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    (child,) = psutil.Process(parent.pid).children()
    return parent, child


def has_ended(process: psutil.Process) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_ending_a_session_ends_the_children_too() -> None:
    parent, child = family()
    end_session(parent)
    assert parent.returncode is not None
    assert has_ended(child)


class TestUi:
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ui, "STATE", tmp_path / "running.json")

    def remember(self, pid: int, since: float) -> None:
        ui.STATE.write_text(json.dumps({"sessions": [{"id": pid, "since": since}]}))

    def test_stop_ends_children_that_outlived_their_parent(self) -> None:
        parent, child = family()
        self.remember(parent.pid, psutil.Process(parent.pid).create_time())
        parent.kill()
        parent.wait()
        ui.stop()
        assert has_ended(child)
        assert not ui.STATE.exists()

    def test_stop_leaves_a_process_alone_that_has_the_number_of_one_of_ours(self) -> None:
        parent, child = family()
        self.remember(parent.pid, psutil.Process(parent.pid).create_time() - 100)
        ui.stop()
        assert child.is_running()
        end_session(parent)

    def test_stop_is_fine_when_nothing_runs(self, capsys: pytest.CaptureFixture[str]) -> None:
        ui.stop()
        assert "Nothing was running." in capsys.readouterr().out
