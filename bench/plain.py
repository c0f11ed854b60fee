"""What people write by hand: a loop with `requests`, and a thread pool with `requests`.

Neither checks its input, keeps a record, or finds out the state of an order without an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from bench.measure import CLIENT, REASON, TENANT, Assignment
from bench.stub import CANCEL_PATH, TOKEN_PATH

REFUSED = (429, 503)
MOST_TRIES = 10
# Of 0.1, 0.5 and 1, this did best at 100 requests a second: it is the peer at its best.
_BACKOFF_FACTOR = 1.0
_TIMEOUTS = (5, 30)

Post = Callable[[int], requests.Response]


def loop(assignment: Assignment) -> None:
    """Cancel one order after the other."""
    post = connect(assignment)
    for order_id in assignment.order_ids:
        _cancel(post, order_id)


def pool(assignment: Assignment) -> None:
    """Cancel many orders at a time, over one session."""
    post = connect(assignment)
    with ThreadPoolExecutor(assignment.workers) as threads:
        for _ in threads.map(lambda order_id: _cancel(post, order_id), assignment.order_ids):
            pass


def retry(assignment: Assignment) -> None:
    """Cancel many orders at a time, with urllib3's `Retry`."""
    retries = Retry(
        total=MOST_TRIES,
        status_forcelist=REFUSED,
        allowed_methods=None,
        backoff_factor=_BACKOFF_FACTOR,
        respect_retry_after_header=True,
    )
    cancel_what_can_be(assignment, connect(assignment, retries))


def cancel_what_can_be(assignment: Assignment, post: Post) -> None:
    """Cancel many orders at a time, and leave an order that was refused too often."""

    def cancel(order_id: int) -> bool:
        try:
            return post(order_id).ok
        except requests.RequestException:
            return False

    with ThreadPoolExecutor(assignment.workers) as threads:
        for _ in threads.map(cancel, assignment.order_ids):
            pass


def connect(assignment: Assignment, retries: Retry | None = None) -> Post:
    """Get a token, and return a function that posts a cancel."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=assignment.workers, max_retries=retries or 0))
    session.headers["x-vol-tenant"] = TENANT
    credentials = {
        "client_id": CLIENT[0],
        "client_secret": CLIENT[1],
        "grant_type": "client_credentials",
    }
    answer = session.post(assignment.url + TOKEN_PATH, json=credentials, timeout=_TIMEOUTS)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def post(order_id: int) -> requests.Response:
        body = {"orderID": order_id, "dispositionReason": REASON}
        return session.post(assignment.url + CANCEL_PATH, json=body, timeout=_TIMEOUTS)

    return post


def _cancel(post: Post, order_id: int) -> None:
    answer = post(order_id)
    answer.raise_for_status()
    if answer.json()["orderState"] != "CANCELED":
        raise ValueError(f"order {order_id} is not canceled")
