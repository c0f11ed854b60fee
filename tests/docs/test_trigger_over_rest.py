"""The REST snippet where the network is bad; `tests/scheduler` runs it at a real Airflow."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import requests
from raw_server import RawServer, answer, hang_up

SNIPPET = Path(__file__).resolve().parents[2] / "docs/snippets/trigger_over_rest.py"
LOGGED_IN = answer("201 Created", json.dumps({"access_token": "t"}).encode())
CONFLICT = answer("409 Conflict", b'{"detail": "there already"}')


@pytest.fixture(scope="module")
def snippet() -> dict[str, Any]:
    return runpy.run_path(str(SNIPPET), run_name="snippet")


@pytest.mark.parametrize("lost", [hang_up, answer("502 Bad Gateway")], ids=["no answer", "502"])
def test_a_call_whose_answer_is_lost_is_repeated_for_the_same_run(
    snippet: dict[str, Any], lost: Any
) -> None:
    with RawServer([LOGGED_IN, lost, CONFLICT]) as server:
        session = snippet["log_in"](server.url, "admin", "secret")
        run_id = snippet["start"](session, server.url, 1010101, "created_by_mistake")
        _, *calls = server.requests
    assert run_id == "cancel-1010101"
    assert len(calls) == 2
    bodies = [json.loads(call.partition(b"\r\n\r\n")[2]) for call in calls]
    assert bodies[0] == bodies[1]
    assert bodies[0]["dag_run_id"] == run_id
    assert bodies[0]["conf"] == {
        "order_id": 1010101,
        "disposition_reason": "created_by_mistake",
    }


def test_a_call_that_is_refused_is_not_repeated(snippet: dict[str, Any]) -> None:
    refusal = answer("422 Unprocessable Entity", b'{"detail": "no such order id"}')
    with RawServer([LOGGED_IN, refusal]) as server:
        session = snippet["log_in"](server.url, "admin", "secret")
        with pytest.raises(requests.HTTPError, match="422"):
            snippet["start"](session, server.url, -1, "other")
        assert len(server.requests) == 2
