"""Postgres and Redis for this test alone: on free ports of loopback, with separate data.

The servers that the system may run are neither used nor touched.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.nginx import find as find_nginx
from demo.processes import Session, end, free_port, launch, wait_until
from demo.terminal import DemoError, last_lines

_DEBIAN = Path("/usr/lib/postgresql")
_SECONDS_TO_START = 60.0
_SECONDS_TO_STOP = 10.0
# Postgres refuses to run as root; Debian's package makes this user.
_POSTGRES_USER = "postgres"
_USER = "airflow"


@dataclass(frozen=True)
class Programs:
    """Hold where the servers' programs are.

    :param postgres: the directory with `initdb`, `postgres` and `psql`.
    :param redis: `redis-server`.
    :param nginx: `nginx`.
    :param as_postgres: what goes before a command of Postgres: nothing, unless this is root.
    """

    postgres: Path
    redis: Path
    nginx: str
    as_postgres: tuple[str, ...]


def find_programs() -> Programs:
    """Return where the servers' programs are.

    :raises DemoError: when one is missing, with the name of Debian's package.
    """
    postgres, redis, nginx = _postgres_directory(), shutil.which("redis-server"), find_nginx()
    packages = {"postgresql": postgres, "redis-server": redis, "nginx-light": nginx}
    missing = [name for name, found in packages.items() if found is None]
    if postgres is None or redis is None or nginx is None:
        raise DemoError(
            f"This needs Debian's {' and '.join(missing)}, which this machine does not have: "
            f"apt-get install --no-install-recommends {' '.join(missing)}"
        )
    return Programs(postgres, Path(redis), nginx, _as_postgres())


def _postgres_directory() -> Path | None:
    """Return the newest one of Debian's, which are not on the PATH, or the one of the PATH."""
    versions = [path for path in _DEBIAN.glob("*/bin") if (path / "initdb").exists()]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _as_postgres() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    with suppress(KeyError):
        pwd.getpwnam(_POSTGRES_USER)
        user = [f"--reuid={_POSTGRES_USER}", f"--regid={_POSTGRES_USER}", "--init-groups"]
        return ("setpriv", *user)
    raise DemoError(
        f"Postgres does not run as root, and there is no user {_POSTGRES_USER} to run it as."
    )


class Postgres:
    """Keep one database, for the length of a `with` block of :meth:`running`.

    :param programs: where its programs are.
    :param directory: where its log goes.
    """

    def __init__(self, programs: Programs, directory: Path) -> None:
        self._programs = programs
        self.log = directory / "postgres.log"
        self.port = free_port()
        self._password = secrets.token_hex(16)
        #: Where its processes work, once it was started.
        self.places: list[Path] = []

    @property
    def address(self) -> str:
        """Return user, password, host, port and database, as the end of a URI."""
        return f"{_USER}:{self._password}@127.0.0.1:{self.port}/{_USER}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it; its data are gone afterwards."""
        # Not below the repository: the server's user may have no access there.
        data = Path(tempfile.mkdtemp(prefix="oms-cluster-postgres-"))
        self.places.append(data)
        sessions: list[Session] = []
        try:
            self._prepare(data)
            server = str(self._programs.postgres / "postgres")
            settings = {
                "port": str(self.port),
                "listen_addresses": "127.0.0.1",
                "unix_socket_directories": "",
            }
            options = [f"-c{name}={value}" for name, value in settings.items()]
            place = ["-D", str(data / "main")]
            command = [*self._programs.as_postgres, server, *place, *options]
            process = launch(command, dict(os.environ), data, self.log, sessions.append)
            wait_until(
                self._answers, process, name="Postgres", log=self.log, limit=_SECONDS_TO_START
            )
            self._run("createdb", _USER)
            yield
        finally:
            _stop_fast(sessions)
            shutil.rmtree(data, ignore_errors=True)

    def ask(self, query: str) -> str:
        """Return the result of a query, as text.

        :param query: the query.
        """
        return self._run("psql", "--no-psqlrc", "-At", "-c", query, _USER)

    def _prepare(self, data: Path) -> None:
        password = data / "password"
        password.write_text(self._password, encoding="utf-8")
        if self._programs.as_postgres:
            for path in (data, password):
                shutil.chown(path, _POSTGRES_USER, _POSTGRES_USER)
        initdb = str(self._programs.postgres / "initdb")
        fields = [f"--username={_USER}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        # initdb wants an empty directory, and the password must not be on its command line.
        place = ["-D", str(data / "main"), f"--pwfile={password}"]
        command = [*self._programs.as_postgres, initdb, *place, *fields]
        with self.log.open("ab") as log:
            done = subprocess.run(command, cwd=data, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise DemoError(f"{last_lines(self.log)}\n\ninitdb failed.")
        password.unlink()

    def _answers(self) -> bool:
        with suppress(DemoError):
            return self._run("psql", "-At", "-c", "SELECT 1", "postgres") == "1"
        return False

    def _run(self, program: str, *arguments: str) -> str:
        environment = {
            **os.environ,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": _USER,
            "PGPASSWORD": self._password,
        }
        command = [str(self._programs.postgres / program), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f"{program} failed: {done.stderr.strip()}")
        return done.stdout.strip()


def _stop_fast(sessions: list[Session]) -> None:
    # At SIGTERM Postgres would wait for its clients; and its processes leave its session, but not
    # its side: they end with it, whatever ends it.
    for session in sessions:
        with suppress(psutil.NoSuchProcess):
            if session.has_leader():
                psutil.Process(session.id).send_signal(signal.SIGINT)
    until = time.monotonic() + _SECONDS_TO_STOP
    while time.monotonic() < until and any(session.has_leader() for session in sessions):
        time.sleep(0.1)
    end(sessions)


class Redis:
    """Keep the queue of tasks, for the length of a `with` block of :meth:`running`.

    :param programs: where its program is.
    :param directory: where its log and its settings go.
    """

    def __init__(self, programs: Programs, directory: Path) -> None:
        self._programs = programs
        self._directory = directory
        self.log = directory / "redis.log"
        self.port = free_port()
        self._password = secrets.token_hex(16)

    @property
    def address(self) -> str:
        """Return the URI that Celery takes."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it."""
        settings = self._directory / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\nsave ''\n"
            f"dir {self._directory}\n",
            encoding="utf-8",
        )
        sessions: list[Session] = []
        command = [str(self._programs.redis), str(settings)]
        try:
            process = launch(command, dict(os.environ), self._directory, self.log, sessions.append)
            wait_until(
                lambda: "Ready to accept connections" in self.log.read_text(encoding="utf-8"),
                process,
                name="Redis",
                log=self.log,
                limit=_SECONDS_TO_START,
            )
            yield
        finally:
            end(sessions)
