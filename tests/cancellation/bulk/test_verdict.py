"""Whether a task fails: never green with orders left, and it names only orders that are there."""

from __future__ import annotations

import pytest
from finished_runs import FinishedRun, finished, result
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_oms.cancellation.bulk.report import Kept
from airflow_provider_oms.cancellation.bulk.verdict import Failure, failure_of, not_owned
from airflow_provider_oms.cancellation.outcomes import (
    ACCEPTABLE,
    OF_APPROVAL,
    OF_STATES,
    CancellationResult,
    Outcome,
)

OUTCOMES = st.lists(st.sampled_from([o for o in Outcome if o is not Outcome.WOULD_CANCEL]))
# Outcomes that the OMS has given for the order itself; `forbidden` is about the connection.
ANSWERED = {
    Outcome.CANCELED,
    Outcome.ALREADY_CANCELED,
    Outcome.NOT_CANCELABLE,
    Outcome.NOT_FOUND,
    Outcome.REFUSED,
    Outcome.PARTIALLY_CANCELED,
}
KEPT = Kept(summary=True, rows=True)


def held_back(by: str, order_id: int) -> CancellationResult:
    return result(order_id, Outcome.NOT_CANCELABLE, order_state="READY", held_back_by=by)


def failure(run: FinishedRun, kept: Kept = KEPT, **settings: object) -> Failure:
    found = failure_of(run, kept, **settings)  # type: ignore[arg-type]  # as the test says
    assert found is not None
    return found


@given(
    OUTCOMES,
    st.integers(0, 5),
    st.sampled_from([None, "the OMS is away"]),
    st.booleans(),
)
def test_a_task_is_green_only_if_what_failed_was_tolerated_in_a_whole_run_that_proves_something(
    outcomes: list[Outcome], tolerated: int, stopped: str | None, was_told_to_end: bool
) -> None:
    run = finished(*outcomes, stopped=stopped)
    found = failure_of(run, KEPT, tolerated_failures=tolerated, was_told_to_end=was_told_to_end)
    failed = [outcome for outcome in outcomes if not outcome.is_success]
    left = [outcome for outcome in failed if outcome.may_be_retried]
    if len(failed) > tolerated:
        assert found is not None
    elif failed and (stopped or was_told_to_end) and left:
        assert found is not None
        assert found.can_retry
    elif failed and not set(outcomes) & ANSWERED:
        assert found is not None
    else:
        assert found is None


class TestWhatIsTolerated:
    def test_single_failures_are(self) -> None:
        run = finished(Outcome.CANCELED, Outcome.NOT_CANCELABLE, Outcome.UNKNOWN)
        assert failure_of(run, KEPT, tolerated_failures=2) is None
        assert failure(run, tolerated_failures=1).can_retry

    @pytest.mark.parametrize("stopped", ["the OMS is away", None])
    def test_a_run_that_stopped_before_its_end_is_not(self, stopped: str | None) -> None:
        run = finished(Outcome.CANCELED, Outcome.NOT_ATTEMPTED, stopped=stopped)
        found = failure(run, tolerated_failures=5, was_told_to_end=stopped is None)
        assert found.can_retry
        assert "tolerated_failures does not apply to a run that stopped early." in found.message
        assert f"The run stopped: {stopped or 'the task was told to end'}." in found.message

    def test_one_that_stopped_when_every_order_had_its_end_is(self) -> None:
        run = finished(Outcome.CANCELED, Outcome.NOT_CANCELABLE, stopped="1 order has failed")
        assert failure_of(run, KEPT, tolerated_failures=1, was_told_to_end=True) is None

    def test_a_task_that_is_told_to_end_after_a_whole_run_is_not_said_to_have_stopped(
        self,
    ) -> None:
        found = failure(finished(Outcome.CANCELED, Outcome.NOT_FOUND), was_told_to_end=True)
        assert "The run stopped" not in found.message
        assert not found.can_retry

    def test_one_that_stopped_before_it_looked_again_at_what_was_refused_before_is_not(
        self,
    ) -> None:
        run = finished(Outcome.CANCELED, stopped="a first read did not get through")
        run.add(result(2, Outcome.NOT_CANCELABLE), attempt=None)
        assert failure(run, tolerated_failures=5).can_retry

    @pytest.mark.parametrize(
        "outcome",
        [Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED, Outcome.NOT_CANCELED, Outcome.FORBIDDEN],
    )
    def test_one_that_proves_nothing_is_not(self, outcome: Outcome) -> None:
        found = failure(finished(outcome, outcome), tolerated_failures=5)
        assert "the OMS neither confirmed nor definitely refused any" in found.message
        assert found.can_retry is outcome.may_be_retried

    @pytest.mark.parametrize("outcome", [o for o in Outcome if o in ANSWERED])
    def test_one_answer_about_an_order_is_enough(self, outcome: Outcome) -> None:
        run = finished(outcome, Outcome.UNKNOWN)
        assert failure_of(run, KEPT, tolerated_failures=5) is None

    def test_an_empty_set_has_nothing_to_tolerate(self) -> None:
        assert failure_of(finished(stopped="told"), KEPT, was_told_to_end=True) is None


class TestWhatIsAccepted:
    @given(OUTCOMES, st.sets(st.sampled_from(sorted(ACCEPTABLE))), st.integers(0, 3))
    def test_a_task_fails_exactly_when_it_would_without_the_orders_that_ended_so(
        self, outcomes: list[Outcome], accepts: set[Outcome], tolerated: int
    ) -> None:
        run = finished(*outcomes, Outcome.CANCELED, accepts=accepts)
        others = [outcome for outcome in outcomes if outcome not in accepts]
        found = failure_of(run, KEPT, tolerated_failures=tolerated)
        expected = failure_of(
            finished(*others, Outcome.CANCELED), KEPT, tolerated_failures=tolerated
        )
        assert (found is None) is (expected is None)
        if found is not None and expected is not None:
            assert found.can_retry is expected.can_retry

    @pytest.mark.parametrize("stopped", ["the OMS is away", None])
    def test_it_does_not_make_a_run_green_that_stopped_early(self, stopped: str | None) -> None:
        run = finished(
            Outcome.NOT_FOUND, Outcome.NOT_ATTEMPTED, stopped=stopped, accepts=ACCEPTABLE
        )
        assert failure(run, was_told_to_end=stopped is None).can_retry

    def test_of_a_set_of_which_the_oms_knows_no_order_it_does_not_cover_not_found(self) -> None:
        run = finished(*[Outcome.NOT_FOUND] * 10, accepts=ACCEPTABLE)
        found = failure(run)
        assert not found.can_retry
        assert found.message.startswith("10 of 10 orders did not end as they should: 10 not_found")
        assert (
            " accepted_outcomes does not apply to not_found, because the OMS knows none of these "
            "orders. Check the connection's tenant and environment, and where the order numbers "
            "come from. " in found.message
        )

    def test_a_few_orders_say_nothing_about_the_tenant(self) -> None:
        assert failure_of(finished(*[Outcome.NOT_FOUND] * 9, accepts=ACCEPTABLE), KEPT) is None

    @pytest.mark.parametrize("outcome", [Outcome.CANCELED, Outcome.NOT_CANCELABLE])
    def test_neither_do_many_beside_one_that_the_oms_knows(self, outcome: Outcome) -> None:
        run = finished(*[Outcome.NOT_FOUND] * 500, outcome, accepts=ACCEPTABLE)
        assert failure_of(run, KEPT) is None

    def test_what_failed_is_told_without_what_is_accepted(self) -> None:
        run = finished(Outcome.NOT_FOUND, Outcome.REFUSED, Outcome.CANCELED, accepts=ACCEPTABLE)
        message = failure(run).message
        assert message.startswith("1 of 3 orders did not end as they should: 1 refused (2). ")

    def test_what_an_earlier_attempt_saw_end_so_needs_no_other_look(self) -> None:
        run = finished(Outcome.CANCELED, stopped="told", accepts=ACCEPTABLE)
        run.add(result(2, Outcome.NOT_CANCELABLE), attempt=None)
        assert failure_of(run, KEPT, was_told_to_end=True) is None
        run.add(result(3, Outcome.REFUSED))
        assert failure_of(run, KEPT, tolerated_failures=1) is None

    def test_results_that_could_not_be_written_still_fail_the_task(self) -> None:
        run = finished(Outcome.NOT_FOUND, accepts=ACCEPTABLE)
        found = failure(run, results_wanted_at="r.jsonl")
        assert found.message.startswith("1 not_found, but the results could not be written to r.")


class TestWhetherARetryHelps:
    def test_not_where_only_definite_refusals_are_left(self) -> None:
        found = failure(finished(Outcome.CANCELED, Outcome.NOT_FOUND))
        assert not found.can_retry
        assert found.message.endswith("Correct the cause of each, and clear the task.")

    def test_not_where_the_states_of_all_that_are_left_forbid_it(self) -> None:
        found = failure(finished(Outcome.CANCELED, Outcome.NOT_CANCELABLE))
        assert not found.can_retry
        assert found.message.endswith(
            "Handle these orders by hand, such as by a return: clearing the task helps only when "
            "their states have changed."
        )

    def test_where_a_guard_of_the_task_has_held_all_back_it_names_the_guard(self) -> None:
        found = failure(
            finished(Outcome.CANCELED, held_back(OF_STATES, 2), held_back(OF_STATES, 3))
        )
        assert not found.can_retry
        assert "by hand, such as by a return" not in found.message
        assert found.message.endswith(
            " only_if_states, and not the OMS, has held them back: if it should name their states, "
            "correct it and clear the task, and if not, handle them by hand."
        )

    def test_where_an_approval_does_not_cover_them_it_names_that(self) -> None:
        found = failure(finished(held_back(OF_APPROVAL, 1)))
        assert found.message.endswith(
            " The approval does not cover them as they are now: look at them, and clear the task "
            "to be asked about their present states."
        )

    def test_what_the_oms_refuses_beside_them_is_for_a_person(self) -> None:
        ends = (held_back(OF_STATES, 1), held_back(OF_APPROVAL, 2), Outcome.NOT_CANCELABLE)
        told = failure(finished(*ends, Outcome.NOT_FOUND, accepts=[Outcome.NOT_FOUND])).message
        assert " only_if_states, and not the OMS, has held 1 of these orders back: " in told
        assert " The approval does not cover 1 of these orders as they are now: " in told
        assert " Handle the others by hand, such as by a return: " in told

    def test_where_another_attempt_can_help(self) -> None:
        found = failure(finished(Outcome.UNKNOWN, Outcome.NOT_FOUND))
        assert found.can_retry
        assert found.message.endswith(
            "Retry or clear the task to go on: orders that may have been canceled are read first."
        )

    def test_not_where_the_credentials_were_refused(self) -> None:
        found = failure(finished(Outcome.NOT_ATTEMPTED, stopped="forbidden", is_shut_out=True))
        assert not found.can_retry
        assert found.message.endswith("Correct the connection, then clear the task.")

    def test_where_another_attempt_has_the_task(self) -> None:
        assert not_owned("no space left").can_retry
        assert "(no space left)" in not_owned("no space left").message


class TestWhereTheOutcomesAre:
    def told(self, kept: Kept, **settings: object) -> str:
        return failure(
            finished(*[Outcome.NOT_FOUND] * 12, Outcome.CANCELED), kept, **settings
        ).message

    def test_it_says_how_many_how_and_where_the_rest_is(self) -> None:
        assert self.told(Kept(summary=True, rows=True, results_path="r.jsonl")) == (
            "12 of 13 orders did not end as they should: 12 not_found (1, 2, 3, …). Every "
            "order's outcome is in the XCom value results and in r.jsonl. Correct the cause of "
            "each, and clear the task."
        )

    def test_it_names_the_file_alone_where_xcom_does_not_hold_them(self) -> None:
        told = self.told(Kept(summary=True, results_path="r.jsonl"))
        assert "Every order's outcome is in r.jsonl. " in told

    def test_it_names_the_log_where_nothing_else_has_them(self) -> None:
        told = self.told(Kept(summary=True))
        assert (
            " Every failed order is in the log; the counts are in the XCom value "
            "return_value. Set results_path to keep all outcomes. " in told
        )

    def test_it_names_no_xcom_value_where_none_was_pushed(self) -> None:
        told = self.told(Kept())
        assert " Every failed order is in the log. Set results_path" in told
        assert "XCom" not in told

    def test_results_that_could_not_be_written_are_named(self) -> None:
        told = self.told(Kept(summary=True), results_wanted_at="r.jsonl")
        assert "The results could not be written to r.jsonl. Every failed order is in" in told
        assert "Set results_path" not in told

    def test_they_fail_a_task_whose_orders_all_ended_well(self) -> None:
        run = finished(Outcome.CANCELED)
        found = failure(run, Kept(summary=True, rows=True), results_wanted_at="r.jsonl")
        assert found.can_retry
        assert found.message.startswith("1 canceled, but the results could not be written to r.")
        written = Kept(results_path="r.jsonl")
        assert failure_of(run, written, results_wanted_at="r.jsonl") is None

    @given(OUTCOMES, st.booleans(), st.booleans(), st.sampled_from([None, "r.jsonl"]))
    def test_it_never_names_what_is_not_there(
        self, outcomes: list[Outcome], summary: bool, rows: bool, path: str | None
    ) -> None:
        found = failure_of(finished(*outcomes, stopped="x" * 5000), Kept(summary, rows, path))
        if found is not None:
            assert rows or "XCom value results" not in found.message
            assert summary or "return_value" not in found.message
            assert path or "r.jsonl" not in found.message
            assert len(found.message) < 3000
