"""How far a run is and how fast, in one line now and then."""

from __future__ import annotations

from airflow_provider_oms.cancellation.bulk.outcome_counts import OutcomeCounts
from airflow_provider_oms.cancellation.bulk.progress import Progress
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome


def tally_of(canceled: int, *, unknown: int = 0) -> OutcomeCounts:
    tally = OutcomeCounts()
    for order_id in range(canceled + unknown):
        outcome = Outcome.CANCELED if order_id < canceled else Outcome.UNKNOWN
        tally.add(CancellationResult(order_id, outcome))
    return tally


def after(*paces: float, orders: int = 1000) -> Progress:
    """Return the progress of a run after seconds in which so many orders ended each."""
    progress = Progress(orders, 0, 0.0)
    ended = 0.0
    for tenth in range(1, 10 * len(paces) + 1):
        ended += paces[(tenth - 1) // 10] / 10
        progress.sample(round(ended), tenth / 10)
    return progress


def test_the_line_holds_counts_pace_and_the_time_that_is_left() -> None:
    progress = after(*[40.0] * 10)
    assert progress.says_next_at == 5.0
    line = progress.line(tally_of(398, unknown=2), 7, "", 10.0)
    assert line == (
        "400 of 1000 orders done, 40 per second; 398 canceled, 2 unknown; 7 waiting; "
        "about 15 s left"
    )
    assert progress.says_next_at == 15.0


def test_before_the_first_end_there_is_no_pace_and_nothing_to_count() -> None:
    progress = Progress(2, 0, 0.0)
    assert (progress.rate, progress.sent_lately) == (0.0, 0)
    assert progress.line(tally_of(0), 2, "", 5.0) == "0 of 2 orders done; 2 waiting"


def test_the_time_is_left_out_while_nobody_can_know_it() -> None:
    just_begun = after(*[40.0] * 9)
    assert just_begun.line(tally_of(360), 0, "", 9.0).endswith("; 0 waiting")
    faster_and_faster = after(*map(float, range(10, 70, 6)), orders=5000)
    assert "left" not in faster_and_faster.line(tally_of(370), 0, "", 10.0)
    standing_still = after(*[40.0] * 5, *[0.0] * 5)
    assert "left" not in standing_still.line(tally_of(200), 0, "", 10.0)
    paused = after(*[40.0] * 5)
    paused.sample(200, 30.0)
    assert "left" not in paused.line(tally_of(200), 0, "", 60.0)
    mostly_waiting = after(*[40.0] * 10)
    assert "left" not in mostly_waiting.line(tally_of(400), 301, "", 10.0)


def test_orders_of_an_earlier_attempt_say_nothing_about_the_pace() -> None:
    progress = Progress(1000, 500, 100.0)
    assert progress.line(tally_of(500), 0, "", 105.0).endswith("; 0 waiting")


def test_the_pace_is_that_of_the_last_seconds() -> None:
    progress = Progress(10_000, 0, 0.0)
    for second in range(1, 61):
        progress.sample(100 * second if second <= 30 else 3000 + 2 * (second - 30), float(second))
    assert progress.rate == 2.0


def test_cancels_count_as_sent_lately_for_as_long_as_a_lease() -> None:
    progress = Progress(100, 0, 0.0)
    progress.count_sent()
    progress.sample(0, 1.0)
    progress.count_sent()
    assert progress.sent_lately == 2
    progress.sample(0, 3.0)
    assert progress.sent_lately == 1
    progress.sample(0, 5.0)
    assert progress.sent_lately == 0


def test_the_line_says_what_the_limits_of_the_tenant_did() -> None:
    line = Progress(1000, 0, 100.0).line(tally_of(10), 0, "the OMS turned 3 requests away", 105.0)
    assert line.endswith("; the OMS turned 3 requests away")
