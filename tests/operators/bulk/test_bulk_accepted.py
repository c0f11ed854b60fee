"""Outcomes that the caller of a set accepts: the task is green, and it is said which they were."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, Asset
from bulk_attempts import FIRST, SHIPPED, Attempt, EventsOf, cancel_posts, rows
from journal_store import Store

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.reporting import log_lines

BOTH = ["not_cancelable", "not_found"]
NO_SUCH_ORDER = 5


def test_a_set_with_such_orders_only_is_green_and_says_which_they_are(
    oms: EmulatorProcess,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    asset, event = Asset("oms-canceled-orders"), MagicMock()
    attempt = Attempt(events=EventsOf({asset.uri: event}))
    with caplog.at_level(logging.INFO):
        summary = attempt.run(
            [SHIPPED, NO_SUCH_ORDER, FIRST],
            accepted_outcomes=BOTH,
            results_path=str(tmp_path / "results.jsonl"),
            outlets=[asset],
        )
    assert summary["outcomes"] == {"canceled": 1, "not_cancelable": 1, "not_found": 1}
    assert summary["accepted"] == {"not_cancelable": [SHIPPED], "not_found": [NO_SUCH_ORDER]}
    assert summary["failed"] == {}
    log = capfd.readouterr().out + caplog.text
    assert "Accepted by accepted_outcomes: " in log
    assert "Orders that are not canceled, which accepted_outcomes allows" in log
    assert f"Order {SHIPPED} is SHIPPED: not_cancelable, " in log
    assert "did not end as they should" not in log
    outcomes = {FIRST: "canceled", SHIPPED: "not_cancelable", NO_SUCH_ORDER: "not_found"}
    assert {one["order_id"]: one["outcome"] for one in attempt.pushed["results"]} == outcomes
    written = rows(tmp_path / "results.jsonl")
    assert {one["order_id"]: one["outcome"] for one in written} == outcomes
    assert event.extra == summary["outcomes"]


def test_errors_are_not_folded_away() -> None:
    log = MagicMock()
    log_lines(log, "a title", iter(["one", "another"]))
    log.info.assert_not_called()
    assert [call.args[-1] for call in log.error.call_args_list] == ["a title", "one", "another"]


def test_they_are_no_errors_of_the_log() -> None:
    log = MagicMock()
    log_lines(log, "a title", iter(["one", "another"]), are_errors=False)
    log.error.assert_not_called()
    assert [call.args[-1] for call in log.info.call_args_list[1:3]] == ["one", "another"]


def test_any_other_failure_fails_it_and_is_told_alone(oms: EmulatorProcess) -> None:
    attempt = Attempt()
    failure = attempt.fail([SHIPPED, NO_SUCH_ORDER, FIRST], accepted_outcomes="not_cancelable")
    assert isinstance(failure, AirflowFailException)
    assert "1 of 3 orders did not end as they should: 1 not_found (5). " in str(failure)
    summary = attempt.pushed["return_value"]
    assert summary["accepted"] == {"not_cancelable": [SHIPPED]}
    assert summary["failed"] == {"not_found": [NO_SUCH_ORDER]}


def test_they_do_not_count_among_the_tolerated(oms: EmulatorProcess) -> None:
    orders = [SHIPPED, NO_SUCH_ORDER, FIRST]
    Attempt().run(orders, accepted_outcomes="not_cancelable", tolerated_failures=1)


def test_they_stop_no_run(oms: EmulatorProcess) -> None:
    oms.load_orders([{"orderID": FIRST + 100 + n, "orderState": "SHIPPED"} for n in range(20)])
    orders = [*range(FIRST + 100, FIRST + 120), *range(FIRST, FIRST + 20)]
    summary = Attempt().run(orders, accepted_outcomes="not_cancelable", stop_after_failures=1)
    assert summary["outcomes"] == {"canceled": 20, "not_cancelable": 20}
    assert summary["stopped"] is None


def test_a_tenant_that_knows_none_of_the_orders_fails_it(oms: EmulatorProcess) -> None:
    attempt = Attempt()
    orders = list(range(1, 300))
    failure = attempt.fail(orders, accepted_outcomes="not_found", stop_after_failures=5)
    assert "accepted_outcomes does not apply to not_found" in str(failure)
    assert "The run stopped: " in str(failure)
    assert len(cancel_posts(oms)) < 30
    assert attempt.pushed["return_value"]["accepted"] == {}


@pytest.mark.slow
def test_what_an_earlier_attempt_has_canceled_shows_that_the_tenant_is_the_right_one(
    oms: EmulatorProcess,
) -> None:
    store = Store()
    orders = [FIRST, *range(1, 13)]
    Attempt(store).fail(orders)
    summary = Attempt(store, number=2).run(
        orders, accepted_outcomes="not_found", stop_after_failures=1
    )
    assert summary["outcomes"] == {"canceled": 1, "not_found": 12}


def test_a_dry_run_accepts_the_same(oms: EmulatorProcess) -> None:
    summary = Attempt().run(
        [FIRST, SHIPPED, NO_SUCH_ORDER],
        dry_run=True,
        only_if_states=["READY"],
        accepted_outcomes=BOTH,
    )
    assert summary["outcomes"] == {"would_cancel": 1, "not_cancelable": 1, "not_found": 1}
    assert summary["accepted"] == {"not_cancelable": [SHIPPED], "not_found": [NO_SUCH_ORDER]}
    assert cancel_posts(oms) == []


@pytest.mark.parametrize("rendered", [BOTH, '["not_cancelable", "not_found"]', ",".join(BOTH)])
def test_a_template_may_name_them(oms: EmulatorProcess, rendered: Any) -> None:
    assert Attempt().run([SHIPPED, FIRST], accepted_outcomes=rendered)["failed"] == {}


def test_what_a_template_comes_out_as_is_refused_before_anything_is_sent(
    oms: EmulatorProcess,
) -> None:
    with DAG("templates", schedule=None):
        task = OmsBulkCancelOrdersOperator(
            task_id="cancel", orders=[FIRST], disposition_reason="created_by_mistake",
            accepted_outcomes="{{ params.accepted }}",
        )  # fmt: skip
    task.render_template_fields({"params": {"accepted": "unknown"}})
    with pytest.raises(OmsInvalidInputError, match=r"accepted_outcomes must be .*Nothing was sent"):
        task.execute({"ti": Attempt().ti})
    assert oms.requests() == []
