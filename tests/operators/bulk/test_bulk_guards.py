"""What a task says whose own guard, and not the OMS, has held its orders back."""

from __future__ import annotations

from bulk_attempts import FIRST, SHIPPED, Attempt, cancel_posts

from airflow_provider_oms.emulator.testing import EmulatorProcess


def test_a_misspelled_state_is_looked_for_in_the_guard_and_not_in_the_orders(
    oms: EmulatorProcess,
) -> None:
    attempt = Attempt()
    message = str(attempt.fail([FIRST, FIRST + 1], only_if_states=["Raedy"]))
    assert message.startswith("2 of 2 orders did not end as they should: 2 not_cancelable (")
    assert message.endswith(
        " only_if_states, and not the OMS, has held them back: if it should name their states, "
        "correct it and clear the task, and if not, handle them by hand."
    )
    assert cancel_posts(oms) == []
    remark = "if only_if_states should name its state, correct it and clear the task"
    assert f"\nnot_cancelable: {remark}" in attempt.pushed["return_value"]["text"]
    page = attempt.pushed["oms_orders"]
    assert f"{remark[0].upper()}{remark[1:]}." in page["reasons"]


def test_the_text_for_a_mail_tells_both_kinds_apart(oms: EmulatorProcess) -> None:
    attempt = Attempt()
    attempt.fail([FIRST, SHIPPED], only_if_states=["SHIPPED"])
    text = attempt.pushed["return_value"]["text"]
    assert "not_cancelable: if only_if_states should name its state, correct it" in text
    assert "not_cancelable: look at the order in the OMS; a shipped order needs a return" in text
