"""Have Airflow cancel one order: start `cancel_order` over its REST API, wait, print the result.

    AIRFLOW_USER=… AIRFLOW_PASSWORD=… python trigger_over_rest.py https://airflow.example 1010101

May be called again at any time: the run's id is made of the order's, so there is only one run.
"""

from __future__ import annotations

# [START trigger_over_rest]
import os
import sys
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

DAG_RUNS = "/api/v2/dags/cancel_order/dagRuns"
TIMEOUT = 10


def log_in(address: str, user: str, password: str) -> requests.Session:
    """Return a session that repeats a call whose answer is lost: `start` may be repeated."""
    session = requests.Session()
    retry = Retry(4, backoff_factor=1, allowed_methods=None, status_forcelist=(502, 503, 504))
    session.mount(address, HTTPAdapter(max_retries=retry))
    credentials = {"username": user, "password": password}
    answer = session.post(f"{address}/auth/token", json=credentials, timeout=TIMEOUT)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return session


def start(session: requests.Session, address: str, order_id: int, reason: str) -> str:
    """Start the run of an order unless there is one already, and return its id."""
    run_id = f"cancel-{order_id}"
    conf = {"order_id": order_id, "disposition_reason": reason}
    body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
    answer = session.post(f"{address}{DAG_RUNS}", json=body, timeout=TIMEOUT)
    # An earlier call has started it, perhaps one whose answer was lost.
    if answer.status_code != requests.codes.conflict:
        answer.raise_for_status()
    return run_id


def wait(session: requests.Session, address: str, run_id: str) -> tuple[str, dict[str, Any] | None]:
    """Return the state in which the run ended, and the order's result, if it came so far."""
    run = f"{address}{DAG_RUNS}/{run_id}"
    while True:
        answer = session.get(run, timeout=TIMEOUT)
        answer.raise_for_status()
        state = answer.json()["state"]
        if state in ("success", "failed"):
            break
        time.sleep(2)
    answer = session.get(
        f"{run}/taskInstances/cancel/xcomEntries/return_value",
        params={"stringify": False},
        timeout=TIMEOUT,
    )
    if answer.status_code == requests.codes.not_found:
        return state, None
    answer.raise_for_status()
    return state, answer.json()["value"]


if __name__ == "__main__":
    address, order_id = sys.argv[1], int(sys.argv[2])
    session = log_in(address, os.environ["AIRFLOW_USER"], os.environ["AIRFLOW_PASSWORD"])
    run_id = start(session, address, order_id, "customer_changed_mind")
    print(*wait(session, address, run_id))
# [END trigger_over_rest]
