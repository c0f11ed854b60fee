"""The cluster test ends servers, parts and their children, however it is ended itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.paper import Paper
from cluster import __main__ as cluster_test
from cluster import parts, servers
from cluster.leftovers import end_left_running, left_running
from cluster.parts import Cluster
from cluster.servers import Postgres, Redis, find_programs
from demo.terminal import INTERRUPTED, DemoError
from demo.workplace import REPOSITORY, Workplace

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
from cluster.servers import Postgres, Redis, find_programs
from demo.terminal import let_signals_interrupt
# A shell's background job, in which the tests may run, ignores SIGINT, and so does all it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
let_signals_interrupt()
postgres = Postgres(find_programs(), Path(sys.argv[1]))
redis = Redis(find_programs(), Path(sys.argv[1]))
with postgres.running(), redis.running():
    print(*postgres.places, flush=True)
    time.sleep(60)
"""


def until(is_so: Callable[[], bool]) -> bool:
    limit = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def programs_or_skip() -> servers.Programs:
    try:
        return find_programs()
    except DemoError as error:
        pytest.skip(str(error))


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(parts, "AIRFLOW", [sys.executable, "-c", PART])
    monkeypatch.setattr("cluster.parts.AirflowApi.is_healthy", lambda _: True)
    monkeypatch.setattr("cluster.parts.AirflowApi.log_in", lambda _: None)
    programs = servers.Programs(Path("/nowhere"), Path("/nowhere"), "/nowhere", ())
    return Cluster(tmp_path, Postgres(programs, tmp_path), Redis(programs, tmp_path))


def test_every_part_and_its_children_end_when_the_test_fails(
    cluster: Cluster, tmp_path: Path
) -> None:
    seen = []

    def fail() -> None:
        with cluster.running():
            cluster.start_worker("worker-1")
            seen.append(until(lambda: len(left_running([tmp_path])) == 10))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    # Four parts and a worker, with a child each.
    assert seen == [True]
    assert left_running([tmp_path]) == []


def test_a_worker_that_is_killed_takes_its_children_along_and_nobody_else(
    cluster: Cluster, tmp_path: Path
) -> None:
    with cluster.running():
        for name in ("worker-1", "worker-2"):
            cluster.start_worker(name)
        assert until(lambda: len(left_running([tmp_path])) == 12)
        (pid,) = [p.pid for p in left_running([tmp_path / "worker-1"]) if p.children()]
        assert cluster.part_of(pid) == "worker-1"
        assert cluster.kill("worker-1") == 2
        assert left_running([tmp_path / "worker-1"]) == []
        assert len(left_running([tmp_path])) == 10
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


def test_what_left_its_session_is_found_by_where_it_works(tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"
    # Its parent has ended, and it is in a separate session.
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, start_new_session=True, check=True)
    (left,) = left_running([tmp_path])
    assert left_running([tmp_path / "elsewhere"]) == []
    (named,) = end_left_running([tmp_path])
    assert named.startswith(f"{left.pid} ")
    assert until(lambda: left_running([tmp_path]) == [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_real_servers_end_when_they_are_interrupted(number: signal.Signals, tmp_path: Path) -> None:
    programs_or_skip()
    command = [sys.executable, "-c", SERVERS, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as test:
        assert test.stdout is not None
        place = Path(test.stdout.readline().strip())
        running = [len(left_running([path])) for path in (place, tmp_path)]
        test.send_signal(number)
        test.wait(30)
    # Postgres is several processes, none of which stays in the session of the first.
    assert running[0] > 2
    assert running[1] == 1
    assert left_running([tmp_path, place]) == []
    assert not place.exists()


def test_a_missing_server_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_DEBIAN", Path("/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(servers, "find_nginx", lambda: None)
    with pytest.raises(DemoError, match=r"apt-get install .*postgresql redis-server nginx-light"):
        find_programs()


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DemoError("This needs Debian's redis-server"), 1, "This needs Debian's redis-server"),
        (KeyboardInterrupt(), INTERRUPTED, "Stopped; nothing is left running."),
    ],
)
def test_an_early_end_is_a_failure_that_says_why_and_leaves_nothing_running(
    error: BaseException,
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> int:
        raise error

    programs = servers.Programs(Path("/nowhere"), Path("/nowhere"), "/nowhere", ())
    monkeypatch.setattr(cluster_test, "PLACE", Workplace(tmp_path / "cluster"))
    monkeypatch.setattr(cluster_test, "PACKAGES", ())
    monkeypatch.setattr(cluster_test, "find_programs", lambda: programs)
    monkeypatch.setattr(cluster_test, "let_signals_interrupt", lambda: None)
    monkeypatch.setattr(cluster_test, "run", fail)
    assert cluster_test.main() == status
    assert capsys.readouterr().err == f"{said}\n"


def test_what_had_to_be_ended_by_force_fails_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace(tmp_path / "cluster")

    def leave_one(*_: object) -> int:
        code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"
        subprocess.run([sys.executable, "-c", code], cwd=place.directory, check=True)
        return 0

    programs = servers.Programs(Path("/nowhere"), Path("/nowhere"), "/nowhere", ())
    monkeypatch.setattr(cluster_test, "PLACE", place)
    monkeypatch.setattr(cluster_test, "find_programs", lambda: programs)
    monkeypatch.setattr(cluster_test, "run", leave_one)
    with pytest.raises(DemoError, match=r"left running, and killed: [0-9]+ python"):
        cluster_test.cluster_test(Paper())
    assert until(lambda: left_running([place.directory]) == [])
