"""The values that a task for a set leaves for its orders' table, and that it works without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bulk_attempts import FIRST, SHIPPED, Attempt
from journal_store import Store

from airflow_provider_oms.emulator.testing import EmulatorProcess

LINK, PAGE = "oms_orders_link", "oms_orders"


def test_link_and_number_of_orders_are_there_before_anything_is_sent(
    oms: EmulatorProcess,
) -> None:
    attempt = Attempt(Store())
    seen: list[tuple[str, Any, int]] = []

    def push(key: str, value: Any) -> None:
        seen.append((key, value, len(oms.requests())))

    attempt.ti.xcom_push.side_effect = push
    attempt.run([FIRST, FIRST + 1])
    (link, _, _), (page, told, requests), *_ = seen
    assert (link, page, requests) == (LINK, PAGE, 0)
    assert (told["orders"], told["dry_run"], told["outcomes"]) == (2, False, None)
    assert oms.url in told["tenant"]


def test_in_the_end_it_has_the_reason_of_each_order_that_is_not_canceled(
    oms: EmulatorProcess,
) -> None:
    attempt = Attempt(Store())
    attempt.fail([FIRST, SHIPPED])
    page = attempt.pushed[PAGE]
    assert page["outcomes"] == {"canceled": 1, "not_cancelable": 1}
    (values,) = page["rows"]
    row = dict(zip(page["columns"], values, strict=True))
    assert (row["order_id"], row["order_state"]) == (SHIPPED, "SHIPPED")
    assert "SHIPPED" in page["reasons"][row["reason"]]


def test_a_dry_run_is_one_from_the_beginning(oms: EmulatorProcess) -> None:
    attempt = Attempt()
    attempt.run([FIRST], dry_run=True)
    assert attempt.pushed[PAGE]["dry_run"] is True
    assert attempt.pushed[PAGE]["outcomes"] == {"would_cancel": 1}


def test_a_dry_run_warns_of_an_order_that_the_tenant_probably_refuses_to_cancel(
    oms: EmulatorProcess,
) -> None:
    attempt = Attempt()
    attempt.run([FIRST, SHIPPED], dry_run=True)
    page = attempt.pushed[PAGE]
    (values,) = page["rows"]
    row = dict(zip(page["columns"], values, strict=True))
    assert (row["order_id"], row["outcome"]) == (SHIPPED, "would_cancel")
    assert "a real run will probably not cancel the order" in page["reasons"][row["remark"]]


@pytest.mark.parametrize("refused", [LINK, PAGE])
def test_that_it_cannot_be_kept_keeps_no_order_from_being_canceled(
    oms: EmulatorProcess, refused: str
) -> None:
    attempt = Attempt(Store())

    def push(key: str, value: Any) -> None:
        if key == refused:
            raise RuntimeError("away")

    attempt.ti.xcom_push.side_effect = push
    assert attempt.run([FIRST])["outcomes"] == {"canceled": 1}


def test_a_task_without_xcom_leaves_nothing(oms: EmulatorProcess) -> None:
    attempt = Attempt(Store())
    attempt.run([FIRST], do_xcom_push=False)
    assert attempt.pushed == {}


def last_line_of(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    # It may come by one of two ways or by both.
    logs = (capfd.readouterr().out, caplog.text)
    found = [
        [one for one in log.splitlines() if "the XCom value results" in one and ": the" in one]
        for log in logs
    ]
    (line,) = next(filter(None, found))
    assert all(len(lines) <= 1 for lines in found)
    return line


def test_the_last_line_of_the_log_names_xcom_and_the_file_beside_the_table(
    oms: EmulatorProcess,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "results.jsonl"
    Attempt().run([FIRST, FIRST + 1], results_path=str(path))
    line = last_line_of(capfd, caplog)
    assert f"All 2 orders: the XCom value results; {path}" in line
    assert "with what to do" not in line
