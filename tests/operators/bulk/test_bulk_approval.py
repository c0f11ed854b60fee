"""`approve_above` without a scheduler: the question, and the orders that an answer lets through.

With a scheduler and a person's answer over the REST API: `tests/scheduler/test_approve_above.py`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from bulk_attempts import FIRST, SHIPPED, Attempt, cancel_posts, rows
from journal_store import Store
from persons import Person, answer, ask, go_on

from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import (
    OmsApprovalError,
    OmsApprovalTimeoutError,
    OmsBulkCancellationError,
    OmsBulkCancellationRefusedError,
    OmsInvalidInputError,
)
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator

ORDERS = [FIRST, FIRST + 1, FIRST + 2, SHIPPED]
YES, NO = answer("Approve"), answer("Reject")
TOO_LATE = {"error": "The timeout has passed", "error_type": "timeout"}
can_ask = pytest.mark.needs("a step that waits for a person")


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    """Put a person behind Airflow's supervisor who can be asked."""
    from airflow.sdk.execution_time import task_runner  # noqa: PLC0415 - Airflow 3 only

    person = Person()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", person, raising=False)
    return person


def ship(oms: EmulatorProcess, order_id: int) -> None:
    oms.load_orders([{"orderID": order_id, "orderState": "SHIPPED", "orderStatus": "SHIPPED"}])


@can_ask
class TestTheQuestion:
    def test_it_shows_the_orders_as_they_are_and_nothing_is_sent(
        self, oms: EmulatorProcess, person: Person, tmp_path: Path
    ) -> None:
        attempt, path = Attempt(), tmp_path / "results.jsonl"
        pause = ask(attempt, ORDERS, approve_above=3, results_path=str(path))
        (asked,) = person.asked
        assert (asked.subject, asked.options) == ("Cancel 3 orders?", ["Approve", "Reject"])
        assert asked.defaults is None
        assert "**3 of 4 orders**" in person.body
        assert r"1 not\_cancelable" in person.body
        assert [str(order_id) in person.body for order_id in ORDERS] == [True, True, True, False]
        assert pause.method_name == "execute_complete"
        assert attempt.pushed["return_value"]["dry_run"] is True
        assert [row["outcome"] for row in attempt.pushed["results"]] == ["would_cancel"] * 4
        assert len(rows(path)) == 4
        assert cancel_posts(oms) == []

    @pytest.mark.slow
    @pytest.mark.parametrize("timeout", [90, "90", 90.0, timedelta(seconds=90)])
    def test_it_waits_as_long_as_it_is_told(
        self, oms: EmulatorProcess, person: Person, timeout: Any
    ) -> None:
        pause = ask(Attempt(), ORDERS, approve_above=0, approval_timeout=timeout)
        assert pause.timeout in (90, None)

    def test_nobody_is_asked_about_fewer_orders_or_in_a_dry_run(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        assert Attempt().run(ORDERS, approve_above="3", dry_run=True)["outcomes"]
        assert Attempt().run(ORDERS[:3], approve_above="3")["outcomes"] == {"canceled": 3}
        assert person.asked == []

    def test_nobody_is_asked_where_no_order_is_to_be_canceled(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        assert Attempt().run(ORDERS[:2])["outcomes"] == {"canceled": 2}
        again = Attempt().run(ORDERS[:2], approve_above=1)
        assert again["outcomes"] == {"already_canceled": 2}
        assert again["dry_run"] is False
        assert person.asked == []
        assert cancel_posts(oms) == ORDERS[:2]

    def test_nobody_is_asked_about_orders_that_could_not_be_read(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        oms.add_fault("throttle", call="get", order_id=FIRST, retry_after=3600)
        failure = Attempt().fail(ORDERS, approve_above=1)
        assert not isinstance(failure, AirflowFailException)
        assert "could not be read" in str(failure)
        assert "so no approval was asked for. Nothing was sent." in str(failure)
        assert person.asked == []

    def test_a_list_that_nobody_could_see_is_not_asked_about(
        self, oms: EmulatorProcess, person: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_oms.cancellation.bulk.question.MOST_BYTES", 600)
        attempt = Attempt()
        attempt.ti.xcom_push.side_effect = RuntimeError("away")
        many = [FIRST + number for number in range(50)]
        failure = attempt.fail(many, approve_above=1)
        assert isinstance(failure, OmsBulkCancellationRefusedError)
        assert "Set results_path, so that a person can see all of them" in str(failure)
        ask(Attempt(), many, approve_above=1)
        assert "All of them are in the XCom value results of this task" in person.body
        assert cancel_posts(oms) == []

    def test_a_question_that_airflow_does_not_show_stops_the_task(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        person.keeps_first = True
        ask(Attempt(), ORDERS, approve_above=1)
        ask(Attempt(number=2), ORDERS, approve_above=1)
        ship(oms, FIRST)
        with pytest.raises(
            OmsApprovalError, match="Airflow still shows the question of an earlier attempt"
        ):
            Attempt(number=3).run(ORDERS, approve_above=1)

    @pytest.mark.parametrize("value", [None, "None", -1, 1.5, "many", True])
    def test_a_limit_that_is_no_number_is_refused(
        self, oms: EmulatorProcess, person: Person, value: Any
    ) -> None:
        with pytest.raises(OmsInvalidInputError, match="approve_above must be a whole number"):
            Attempt().run([FIRST], approve_above=value)

    @pytest.mark.parametrize("value", [None, 0, -5, "soon", True, timedelta(0), float("nan")])
    def test_a_timeout_that_is_none_is_refused(
        self, oms: EmulatorProcess, person: Person, value: Any
    ) -> None:
        with pytest.raises(OmsInvalidInputError, match="approval_timeout must be a timedelta"):
            Attempt().run([FIRST], approve_above=5, approval_timeout=value)


@can_ask
class TestTheAnswer:
    def test_yes_cancels_exactly_what_was_shown(self, oms: EmulatorProcess, person: Person) -> None:
        attempt = Attempt()
        pause = ask(attempt, ORDERS, approve_above=3, accepted_outcomes="not_cancelable")
        summary = go_on(
            attempt, pause, YES, ORDERS, approve_above=3, accepted_outcomes="not_cancelable"
        )
        assert summary["outcomes"] == {"canceled": 3, "not_cancelable": 1}
        assert cancel_posts(oms) == ORDERS[:3]

    def test_what_changed_meanwhile_is_refused_and_named(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        attempt = Attempt()
        pause = ask(attempt, ORDERS, approve_above=3)
        ship(oms, FIRST)
        # This one was not shown, and is open now.
        oms.load_orders([{"orderID": SHIPPED}])
        named = rf"not_cancelable \({FIRST} SHIPPED, {SHIPPED} READY\)"
        with pytest.raises(OmsBulkCancellationError, match=named) as failure:
            go_on(attempt, pause, YES, ORDERS, approve_above=3)
        assert cancel_posts(oms) == ORDERS[1:3]
        assert str(failure.value).endswith("to be asked about their present states.")

    @pytest.mark.parametrize(
        ("orders", "arguments", "said"),
        [
            (ORDERS[1:], {}, f"Not in it any more: {FIRST}. N"),
            ([*ORDERS, FIRST + 9], {}, f"New in it: {FIRST + 9}. N"),
            (ORDERS[:1], {}, f"Not in it any more: {FIRST + 1}, "),
            (ORDERS, {"disposition_reason": "other", "disposition_other_reason": "x"}, "reason"),
        ],
    )
    def test_another_set_is_refused_by_name(
        self,
        oms: EmulatorProcess,
        person: Person,
        orders: list[int],
        arguments: dict[str, Any],
        said: str,
    ) -> None:
        attempt = Attempt()
        pause = ask(attempt, ORDERS, approve_above=3)
        with pytest.raises(OmsApprovalError, match=said) as failure:
            go_on(attempt, pause, YES, orders, approve_above=3, **arguments)
        assert isinstance(failure.value, AirflowFailException)
        assert cancel_posts(oms) == []

    def test_no_skips_the_task_whatever_the_set_is_now(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        attempt = Attempt()
        pause = ask(attempt, ORDERS, approve_above=3)
        with pytest.raises(AirflowSkipException, match=r"Rejected by Jo \(id 7\) at today"):
            go_on(attempt, pause, NO, "no set at all", approve_above=3)
        assert cancel_posts(oms) == []

    @pytest.mark.parametrize(
        ("event", "error"),
        [
            (TOO_LATE, OmsApprovalTimeoutError),
            ({"error": "odd", "error_type": "unknown"}, OmsApprovalError),
            ({**YES, "error": "odd"}, OmsApprovalError),
            ({**YES, "chosen_options": ["Approve", "Reject"]}, OmsApprovalError),
            ({**YES, "chosen_options": []}, OmsApprovalError),
            (None, OmsApprovalError),
            ("Approve", OmsApprovalError),
        ],
    )
    def test_anything_but_yes_means_no(
        self, oms: EmulatorProcess, person: Person, event: Any, error: type[Exception]
    ) -> None:
        attempt = Attempt()
        pause = ask(attempt, ORDERS, approve_above=3)
        with pytest.raises(error, match="which counts as a rejection") as failure:
            go_on(attempt, pause, event, ORDERS, approve_above=3)
        assert isinstance(failure.value, AirflowFailException)
        assert cancel_posts(oms) == []

    def test_a_yes_without_what_was_shown_cancels_nothing(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        attempt = Attempt()
        pause = ask(attempt, ORDERS, approve_above=3)
        pause.kwargs = {}
        with pytest.raises(
            OmsApprovalError, match="The question that was shown is no longer on record"
        ):
            go_on(attempt, pause, YES, ORDERS, approve_above=3)
        assert cancel_posts(oms) == []


@can_ask
class TestTheNextAttempt:
    def approve(self, oms: EmulatorProcess, store: Store, fault: str | None = None) -> Any:
        attempt = Attempt(store)
        pause = ask(attempt, ORDERS[:3], approve_above=1)
        if fault:
            oms.add_fault(fault, order_id=FIRST, retry_after=3600)
        return go_on(attempt, pause, YES, ORDERS[:3], approve_above=1)

    def test_it_goes_on_with_what_was_approved(self, oms: EmulatorProcess, person: Person) -> None:
        store = Store()
        with pytest.raises(OmsBulkCancellationError):
            self.approve(oms, store, "throttle")
        oms.clear_faults()
        assert Attempt(store, number=2).run(ORDERS[:3], approve_above=1)["outcomes"]["canceled"] > 0
        assert len(person.asked) == 1
        states = {oms.order(order_id)["order"]["orderState"] for order_id in ORDERS[:3]}
        assert states == {"CANCELED"}

    def test_whoever_clears_the_task_is_asked_again(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        store = Store()
        with pytest.raises(OmsBulkCancellationError):
            self.approve(oms, store, "throttle")
        oms.clear_faults()
        # Airflow adds tries to a task that is cleared.
        ask(Attempt(store, number=2, max_tries=4), ORDERS[:3], approve_above=1)
        assert len(person.asked) == 2

    def test_it_asks_again_when_the_set_is_another_one(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        store = Store()
        with pytest.raises(OmsBulkCancellationError):
            self.approve(oms, store, "throttle")
        oms.clear_faults()
        ask(Attempt(store, number=2), [*ORDERS[:3], FIRST + 20], approve_above=1)
        assert len(person.asked) == 2
        # The new question has withdrawn the earlier approval.
        ask(Attempt(store, number=3), ORDERS[:3], approve_above=1)

    def test_without_a_store_it_asks_again(self, oms: EmulatorProcess, person: Person) -> None:
        attempt = Attempt()
        pause = ask(attempt, ORDERS[:3], approve_above=1)
        oms.add_fault("throttle", order_id=FIRST, retry_after=3600)
        with pytest.raises(OmsBulkCancellationError):
            go_on(attempt, pause, YES, ORDERS[:3], approve_above=1)
        oms.clear_faults()
        ask(Attempt(number=2), ORDERS[:3], approve_above=1)
        assert len(person.asked) == 2

    def test_once_all_is_done_it_asks_about_what_is_open_then(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        store = Store()
        attempt = Attempt(store)
        pause = ask(attempt, ORDERS[:3], approve_above=1)
        ship(oms, FIRST)
        with pytest.raises(OmsBulkCancellationRefusedError):
            go_on(attempt, pause, YES, ORDERS[:3], approve_above=1)
        oms.load_orders([{"orderID": FIRST}])
        ask(Attempt(store, number=2), ORDERS[:3], approve_above=1)
        assert "**1 of 3 orders**" in person.body

    def test_a_store_that_takes_nothing_does_not_stop_what_was_approved(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        class Forgetful(Store):
            def set(self, key: str, value: Any) -> None:
                if key.startswith("oms_approval"):
                    raise OSError("away")
                super().set(key, value)

        assert self.approve(oms, Forgetful())["outcomes"] == {"canceled": 3}

    def test_an_approval_that_cannot_be_withdrawn_lets_nobody_be_asked(
        self, oms: EmulatorProcess, person: Person
    ) -> None:
        store = Store()
        store["oms_approval"] = {"pages": 1}
        store["oms_approval_0"] = "no JSON"
        store.writes_left = 1
        failure = Attempt(store).fail(ORDERS, approve_above=1)
        assert "The earlier approval cannot be withdrawn (OSError: away)" in str(failure)
        assert person.asked == []


@can_ask
def test_where_nobody_can_answer_it_is_refused(oms: EmulatorProcess) -> None:
    with pytest.raises(OmsInvalidInputError, match="runs without a scheduler") as failure:
        Attempt().run(ORDERS, approve_above=1)
    assert "more orders than approve_above (4)" in str(failure.value)
    assert oms.requests() == []


@pytest.mark.needs("no way to ask a person")
@pytest.mark.parametrize("value", [50, None, "{{ params.most }}"])
def test_an_airflow_that_cannot_ask_refuses_it_when_the_file_is_read(value: Any) -> None:
    arguments: dict[str, Any] = {"task_id": "cancel", "approve_above": value}
    for made in (OmsBulkCancelOrdersOperator, OmsBulkCancelOrdersOperator.partial):
        with pytest.raises(OmsInvalidInputError, match="cannot ask a person"):
            made(**arguments)
