"""Asking an Airflow over its REST API: the requests that are repeated, and the refusals."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from raw_server import RawServer, Script, answer

from demo.standalone import AirflowApi
from demo.terminal import DemoError

LOCKED = answer(
    "503 Service Unavailable", b'{"detail": "Database is locked. Try it again in a moment."}'
)
DONE = answer("200 OK", b'{"id": 7}')


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take the time of a pause, and none of the test's."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(pauses))
    return pauses


def ask(server: RawServer, home: Path, patience: float = 0) -> object:
    return AirflowApi(server.url, home).ask("POST", "/api/v2/backfills", {}, patience=patience)


def test_a_call_that_found_the_database_locked_is_made_again(tmp_path: Path) -> None:
    with RawServer([LOCKED, LOCKED, DONE]) as server:
        assert ask(server, tmp_path) == {"id": 7}
        assert len(server.requests) == 3


def test_a_database_that_stays_locked_is_an_error_after_a_minute(
    tmp_path: Path, pauses: list[float]
) -> None:
    with (
        RawServer([LOCKED]) as server,
        pytest.raises(DemoError, match=r"refused POST .*: 503 .*Database is locked"),
    ):
        ask(server, tmp_path)
    assert 60 <= sum(pauses) < 62


@pytest.mark.parametrize(
    "refusal",
    [
        answer("503 Service Unavailable", b'{"detail": "The scheduler is away"}'),
        answer("500 Internal Server Error"),
        answer("409 Conflict", b'{"detail": "a database is locked, says a 409"}'),
    ],
)
def test_any_other_refusal_is_an_error_at_once(refusal: Script, tmp_path: Path) -> None:
    with RawServer([refusal, DONE]) as server:
        with pytest.raises(DemoError, match="refused"):
            ask(server, tmp_path, patience=5)
        assert len(server.requests) == 1


def test_what_it_does_not_know_yet_is_asked_for_as_long_as_one_has_patience(
    tmp_path: Path,
) -> None:
    unknown = answer("404 Not Found")
    with RawServer([unknown, unknown, DONE]) as server:
        assert ask(server, tmp_path, patience=5) == {"id": 7}
    with RawServer([unknown, DONE]) as server, pytest.raises(DemoError, match="404"):
        ask(server, tmp_path)
