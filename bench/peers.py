"""A thread pool with the adaptive rate limiter of botocore, built of the library's own parts.

It repeats a cancel whatever the result of the one before, and leaves an order that was refused too
often.
"""

from __future__ import annotations

import random
import time

import requests
from botocore.retries import adaptive as rates
from botocore.retries import bucket, throttling

from bench.measure import Assignment
from bench.plain import MOST_TRIES, REFUSED, cancel_what_can_be, connect

_LONGEST_BACKOFF = 20.0


class _ThrottlingDetector:
    def is_throttling_error(self, *, answer: requests.Response) -> bool:
        return answer.status_code in REFUSED


def adaptive(assignment: Assignment) -> None:
    """Cancel many orders at a time, with botocore's adaptive rate limiter and its backoff."""
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
    post = connect(assignment)

    def post_until_let_through(order_id: int) -> requests.Response:
        for tried in range(MOST_TRIES):
            limiter.on_sending_request(None)
            answer = post(order_id)
            limiter.on_receiving_response(answer=answer)
            if answer.status_code not in REFUSED:
                break
            # As botocore's own `ExponentialBackoff` waits after it was throttled.
            time.sleep(min(random.random() * 2**tried, _LONGEST_BACKOFF))  # noqa: S311
        return answer

    cancel_what_can_be(assignment, post_until_let_through)
