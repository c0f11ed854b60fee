"""The cluster test ends servers, parts and their children, however it is ended itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench import nginx
from cluster import parts
from cluster.parts import Cluster
from demo import processes
from demo.processes import find_program
from demo.terminal import DemoError
from demo.workplace import REPOSITORY

pytestmark = pytest.mark.slow

SLEEP = "import time; time.sleep(60)"
# Instead of Airflow: a part that starts a child in a separate process group, as a task is, and
# prints a Celery worker's lines. A migration ends at once.
PART = (
    "import subprocess, sys, time;"
    "sys.argv[1] == 'db' and sys.exit();"
    f"subprocess.Popen([sys.executable, '-c', {SLEEP!r}], process_group=0);"
    "print('worker@here ready.', flush=True); time.sleep(60)"
)
# The real servers, in a program that can be interrupted.
SERVERS = """
import signal, sys, time
from pathlib import Path
from cluster.parts import redis
from demo.postgres import Postgres
from demo.processes import find_program
from demo.terminal import let_signals_interrupt
# A shell's background job, in which the tests may run, ignores SIGINT, and so does all it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
let_signals_interrupt()
with Postgres() as postgres, redis(find_program("redis-server", "redis-server"), Path(sys.argv[1])):
    print(postgres.home, flush=True)
    time.sleep(60)
"""


def left_running(directory: Path) -> list[psutil.Process]:
    """Return every process that works in a directory, even one that has left its session."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(directory.resolve()):
                found.append(process)
    return found


def until(is_so: Callable[[], bool]) -> bool:
    limit = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(parts, "AIRFLOW", [sys.executable, "-c", PART])
    monkeypatch.setattr("cluster.parts.AirflowApi.is_healthy", lambda _: True)
    monkeypatch.setattr("cluster.parts.AirflowApi.log_in", lambda _: None)
    return Cluster(tmp_path, "sqlite://", "redis://")


def test_every_part_and_its_children_end_when_the_test_fails(
    cluster: Cluster, tmp_path: Path
) -> None:
    seen = []

    def fail() -> None:
        with cluster.running():
            cluster.start_worker("worker-1")
            seen.append(until(lambda: len(left_running(tmp_path)) == 10))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    # Four parts and a worker, with a child each.
    assert seen == [True]
    assert left_running(tmp_path) == []


def test_a_worker_that_is_killed_takes_its_children_along_and_nobody_else(
    cluster: Cluster, tmp_path: Path
) -> None:
    with cluster.running():
        for name in ("worker-1", "worker-2"):
            cluster.start_worker(name)
        assert until(lambda: len(left_running(tmp_path)) == 12)
        (pid,) = [p.pid for p in left_running(tmp_path / "worker-1") if p.children()]
        assert cluster.part_of(pid) == "worker-1"
        assert cluster.kill("worker-1") == 2
        assert left_running(tmp_path / "worker-1") == []
        assert len(left_running(tmp_path)) == 10
        assert cluster.part_of(pid) is None


def test_a_part_that_dies_by_itself_is_named(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = f"import sys; sys.argv[1] == 'scheduler' and sys.exit('no such table'); {PART}"
    monkeypatch.setattr(parts, "AIRFLOW", [sys.executable, "-c", dying])
    monkeypatch.setattr("cluster.parts.AirflowApi.is_healthy", lambda _: False)
    with (
        pytest.raises(DemoError, match=r"(?s)no such table.*The scheduler ended"),
        cluster.running(),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_real_servers_end_when_they_are_interrupted(number: signal.Signals, tmp_path: Path) -> None:
    try:
        find_program("redis-server", "redis-server")
    except DemoError as error:
        pytest.skip(str(error))
    command = [sys.executable, "-c", SERVERS, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as test:
        assert test.stdout is not None
        place = Path(test.stdout.readline().strip())
        running = [len(left_running(path)) for path in (place, tmp_path)]
        test.send_signal(number)
        test.wait(30)
    # Postgres is several processes, none of which is in the session of the test.
    assert running[0] > 2
    assert running[1] == 1
    assert left_running(tmp_path) + left_running(place) == []
    assert not place.exists()


def test_a_missing_server_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(processes, "_ALSO_IN", ())
    with pytest.raises(DemoError, match=r"needs nginx: apt-get install .*nginx-light"):
        nginx.find()
