"""What people write in ten lines against a rate limit: a thread pool that tries again.

Both repeat a cancel whatever the result of the one before, and leave an order that was refused too
often. They are built of the libraries' own parts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from urllib3.util import Retry

from bench.measure import REASON, Assignment, Measurement, measured
from bench.plain import TIMEOUTS, open_session
from bench.stub import CANCEL_PATH

REFUSED = (429, 503)
_MOST_TRIES = 10
# Of 0.1, 0.5 and 1, this did best at 100 requests a second: it is the peer at its best.
_BACKOFF_FACTOR = 1.0
_LONGEST_BACKOFF = 20.0

Post = Callable[[int], requests.Response]


def retry(assignment: Assignment) -> Measurement:
    """Cancel many orders at a time, with urllib3's `Retry`.

    :param assignment: what to do.
    """
    retries = Retry(
        total=_MOST_TRIES,
        status_forcelist=REFUSED,
        allowed_methods=None,
        backoff_factor=_BACKOFF_FACTOR,
        respect_retry_after_header=True,
    )
    return _pool(assignment, retries, lambda post: post)


def adaptive(assignment: Assignment) -> Measurement:
    """Cancel many orders at a time, with botocore's adaptive rate limiter and its backoff.

    :param assignment: what to do.
    """
    from botocore.retries import adaptive as rates  # noqa: PLC0415 - only this contender needs it
    from botocore.retries import bucket, throttling  # noqa: PLC0415 - as above

    clock = bucket.Clock()
    # As `register_retry_handler` puts them together.
    limiter = rates.ClientRateLimiter(
        rate_adjustor=throttling.CubicCalculator(
            starting_max_rate=0, start_time=clock.current_time()
        ),
        rate_clocker=rates.RateClocker(clock),
        token_bucket=bucket.TokenBucket(max_rate=1, clock=clock),
        throttling_detector=_ThrottlingDetector(),
        clock=clock,
    )

    def limited(post: Post) -> Post:
        def post_until_let_through(order_id: int) -> requests.Response:
            for tried in range(_MOST_TRIES):
                limiter.on_sending_request(None)
                answer = post(order_id)
                limiter.on_receiving_response(answer=answer)
                if answer.status_code not in REFUSED:
                    break
                # As botocore's own `ExponentialBackoff` waits after it was throttled.
                time.sleep(min(random.random() * 2**tried, _LONGEST_BACKOFF))  # noqa: S311
            return answer

        return post_until_let_through

    return _pool(assignment, None, limited)


class _ThrottlingDetector:
    def is_throttling_error(self, *, answer: requests.Response) -> bool:
        return answer.status_code in REFUSED


def _pool(
    assignment: Assignment, retries: Retry | None, limited: Callable[[Post], Post]
) -> Measurement:
    workers = assignment.workers
    with (
        measured(assignment.orders) as cost,
        open_session(assignment.url, workers, retries) as session,
    ):
        address = assignment.url + CANCEL_PATH.decode()

        def post(order_id: int) -> requests.Response:
            body = {"orderID": order_id, "dispositionReason": REASON}
            return session.post(address, json=body, timeout=TIMEOUTS)

        cancel = limited(post)

        def is_canceled(order_id: int) -> bool:
            try:
                return cancel(order_id).ok
            except requests.RequestException:
                return False

        with ThreadPoolExecutor(workers) as threads:
            for _ in threads.map(is_canceled, assignment.order_ids):
                pass
    return cost()
