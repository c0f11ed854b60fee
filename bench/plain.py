"""What people write by hand with `requests`: a loop, a thread pool, and two that try again.

None checks its input, keeps a record, or finds out the state of an order without an answer. The
two repeat a cancel whatever the result of the one before, and leave an order that was refused too
often. They are built of the libraries' own parts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from bench.measure import CLIENT, REASON, TENANT, Assignment
from bench.stub import CANCEL_PATH, TOKEN_PATH

_REFUSED = (429, 503)
_MOST_TRIES = 10
# Of 0.1, 0.5 and 1, this did best at 100 requests a second: it is the peer at its best.
_BACKOFF_FACTOR = 1.0
_LONGEST_BACKOFF = 20.0
_TIMEOUTS = (5, 30)

Post = Callable[[int], requests.Response]


def loop(assignment: Assignment) -> None:
    post = _connect(assignment)
    for order_id in assignment.order_ids:
        _cancel(post, order_id)


def pool(assignment: Assignment) -> None:
    post = _connect(assignment)
    _in_threads(assignment, lambda order_id: _cancel(post, order_id))


def retry(assignment: Assignment) -> None:
    retries = Retry(
        total=_MOST_TRIES,
        status_forcelist=_REFUSED,
        allowed_methods=None,
        backoff_factor=_BACKOFF_FACTOR,
    )
    _cancel_what_can_be(assignment, _connect(assignment, retries))


def botocore(assignment: Assignment) -> None:
    """Cancel many orders at a time, with botocore's adaptive rate limiter and its backoff."""
    from botocore.retries import adaptive, bucket, throttling  # noqa: PLC0415 - only needed here

    clock = bucket.Clock()
    # As `register_retry_handler` puts them together.
    limiter = adaptive.ClientRateLimiter(
        rate_adjustor=throttling.CubicCalculator(
            starting_max_rate=0, start_time=clock.current_time()
        ),
        rate_clocker=adaptive.RateClocker(clock),
        token_bucket=bucket.TokenBucket(max_rate=1, clock=clock),
        throttling_detector=_ThrottlingDetector(),
        clock=clock,
    )
    post = _connect(assignment)

    def post_until_let_through(order_id: int) -> requests.Response:
        for tried in range(_MOST_TRIES):
            limiter.on_sending_request(None)
            answer = post(order_id)
            limiter.on_receiving_response(answer=answer)
            if answer.status_code not in _REFUSED:
                break
            # As botocore's own `ExponentialBackoff` waits after it was throttled.
            time.sleep(min(random.random() * 2**tried, _LONGEST_BACKOFF))  # noqa: S311
        return answer

    _cancel_what_can_be(assignment, post_until_let_through)


class _ThrottlingDetector:
    def is_throttling_error(self, *, answer: requests.Response) -> bool:
        return answer.status_code in _REFUSED


def _cancel_what_can_be(assignment: Assignment, post: Post) -> None:
    def cancel(order_id: int) -> bool:
        try:
            return post(order_id).ok
        except requests.RequestException:
            return False

    _in_threads(assignment, cancel)


def _in_threads(assignment: Assignment, cancel: Callable[[int], object]) -> None:
    with ThreadPoolExecutor(assignment.workers) as threads:
        for _ in threads.map(cancel, assignment.order_ids):
            pass


def _connect(assignment: Assignment, retries: Retry | None = None) -> Post:
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
