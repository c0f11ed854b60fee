"""What people write by hand: a loop with `requests`, and a thread pool with `requests`.

Neither checks its input, keeps a record, or finds out the state of an order without an answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from bench.measure import CLIENT, REASON, Assignment, Measurement, measured
from bench.stub import CANCEL_PATH, TOKEN_PATH

TIMEOUTS = (5, 30)


def loop(assignment: Assignment) -> Measurement:
    """Cancel one order after the other.

    :param assignment: what to do.
    """
    with measured(assignment.orders) as cost, open_session(assignment.url, 1) as session:
        address = assignment.url + CANCEL_PATH.decode()
        for order_id in assignment.order_ids:
            _cancel(session, address, order_id)
    return cost()


def pool(assignment: Assignment) -> Measurement:
    """Cancel many orders at a time, over one session.

    :param assignment: what to do.
    """
    workers = assignment.workers
    with measured(assignment.orders) as cost, open_session(assignment.url, workers) as session:
        address = assignment.url + CANCEL_PATH.decode()
        with ThreadPoolExecutor(workers) as threads:
            for _ in threads.map(
                lambda order_id: _cancel(session, address, order_id), assignment.order_ids
            ):
                pass
    return cost()


def open_session(url: str, connections: int, retries: Retry | None = None) -> requests.Session:
    """Return a session with a token.

    :param url: the tenant.
    :param connections: how many at a time.
    :param retries: how often a request is repeated, and when; ``None`` for never.
    """
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=connections, max_retries=retries or 0))
    session.headers["x-vol-tenant"] = "10001"
    credentials = {
        "client_id": CLIENT[0],
        "client_secret": CLIENT[1],
        "grant_type": "client_credentials",
    }
    answer = session.post(url + TOKEN_PATH.decode(), json=credentials, timeout=TIMEOUTS)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return session


def _cancel(session: requests.Session, address: str, order_id: int) -> None:
    body = {"orderID": order_id, "dispositionReason": REASON}
    answer = session.post(address, json=body, timeout=TIMEOUTS)
    answer.raise_for_status()
    if answer.json()["orderState"] != "CANCELED":
        raise ValueError(f"order {order_id} is not canceled")
