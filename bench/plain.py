"""What people write by hand: a loop with `requests`, and a thread pool with `requests`.

Neither checks its input, keeps a record, or finds out what became of an order without an answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter

from bench.measure import CLIENT, REASON, Assignment, Measurement, measured
from bench.stub import CANCEL_PATH, TOKEN_PATH

_TIMEOUTS = (5, 30)


def loop(assignment: Assignment) -> Measurement:
    """Cancel one order after the other.

    :param assignment: what to do.
    """
    with measured(assignment.orders) as cost, _session(assignment.url, 1) as session:
        address = assignment.url + CANCEL_PATH.decode()
        for order_id in assignment.order_ids:
            _cancel(session, address, order_id)
    return cost()


def pool(assignment: Assignment) -> Measurement:
    """Cancel many orders at a time, over one session.

    :param assignment: what to do.
    """
    workers = assignment.workers
    with measured(assignment.orders) as cost, _session(assignment.url, workers) as session:
        address = assignment.url + CANCEL_PATH.decode()
        with ThreadPoolExecutor(workers) as threads:
            for _ in threads.map(
                lambda order_id: _cancel(session, address, order_id), assignment.order_ids
            ):
                pass
    return cost()


def _session(url: str, connections: int) -> requests.Session:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=connections))
    session.headers["x-vol-tenant"] = "10001"
    credentials = {
        "client_id": CLIENT[0],
        "client_secret": CLIENT[1],
        "grant_type": "client_credentials",
    }
    answer = session.post(url + TOKEN_PATH.decode(), json=credentials, timeout=_TIMEOUTS)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return session


def _cancel(session: requests.Session, address: str, order_id: int) -> None:
    body = {"orderID": order_id, "dispositionReason": REASON}
    answer = session.post(address, json=body, timeout=_TIMEOUTS)
    answer.raise_for_status()
    if answer.json()["orderState"] != "CANCELED":
        raise ValueError(f"order {order_id} is not canceled")
