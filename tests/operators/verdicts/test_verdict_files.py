"""Verdicts in the events of a trigger: their files are moved aside when all of them were read."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException
from inboxes import VERDICTS, Airflow

from airflow_provider_oms.exceptions import OmsUnsettledVerdictsError, OmsVerdictStateError
from airflow_provider_oms.triggers.verdict_files import OmsVerdictFilesTrigger
from airflow_provider_oms.verdicts.files import StillFiles

AT = 1_770_000_000


def announce(airflow: Airflow, trigger: OmsVerdictFilesTrigger) -> None:
    """Make an event of each row of each file in the folder, as trigger and Airflow do it."""
    for file in StillFiles(0).look(trigger.folder.files(), 0):
        for row in trigger.folder.rows(file) or ():
            airflow.publish(from_trigger=True, payload=row.to_json())


def write(folder: Path, name: str, *rows: Any) -> None:
    write_text(folder, name, "\n".join(map(json.dumps, rows)))


def write_text(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text, "utf-8")
    os.utime(path, (AT, AT))


def below(folder: Path) -> list[str]:
    """Return the files in a folder and below it, without the digest in their names."""
    found = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    return sorted(re.sub("Z-[0-9a-f]{12}-", "Z-", each) for each in found)


@pytest.fixture
def trigger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OmsVerdictFilesTrigger:
    trigger = OmsVerdictFilesTrigger(path=str(tmp_path))
    watchers = [SimpleNamespace(trigger=trigger)]
    monkeypatch.setattr(VERDICTS, "watchers", watchers, raising=False)
    return trigger


@pytest.mark.needs("asset watchers")
class TestWithAssetWatchers:
    def test_verdicts_of_a_file_are_taken_and_the_file_is_moved(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path
    ) -> None:
        rejected = {"order_id": 7, "verdict": "rejected", "case_id": "F-1"}
        write(tmp_path, "a.jsonl", rejected, {"order_id": 8, "verdict": "accepted"})
        announce(airflow, trigger)
        (entry,) = airflow.take()
        assert (entry["order_id"], entry["disposition_other_reason"]) == (7, "Case F-1 of 7")
        assert below(tmp_path) == ["done/20260202T024000.000000Z-a.jsonl"]
        assert airflow.settle({7: "canceled"}) == {"canceled": 1}

    def test_a_file_stays_until_the_inbox_has_kept_what_was_in_it(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.jsonl", {"order_id": 7, "verdict": "rejected"})
        announce(airflow, trigger)
        airflow.store.loses = True
        with pytest.raises(OmsVerdictStateError, match="did not keep"):
            airflow.take()
        assert below(tmp_path) == ["a.jsonl"]
        airflow.store.loses = False
        assert len(airflow.take()) == 1
        assert below(tmp_path) == ["done/20260202T024000.000000Z-a.jsonl"]

    def test_a_row_that_is_no_verdict_is_reported_with_its_place(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.jsonl", {"order_id": 7, "verdict": "odd"}, 5)
        announce(airflow, trigger)
        assert airflow.take() == []
        with pytest.raises(OmsUnsettledVerdictsError) as report:
            airflow.settle({})
        assert "event 1 is no verdict: verdict in row 1 of a.jsonl must be" in str(report.value)
        assert (
            "event 2 is no verdict: row 2 of a.jsonl must be a JSON object; got another value"
            in str(report.value)
        )
        assert below(tmp_path) == ["failed/20260202T024000.000000Z-a.jsonl"]

    def test_a_file_that_cannot_be_moved_turns_the_run_red_and_stops_no_order(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.jsonl", {"order_id": 7, "verdict": "rejected"})
        (tmp_path / "done").write_text("in the way")
        announce(airflow, trigger)
        assert len(airflow.take()) == 1
        with pytest.raises(OmsUnsettledVerdictsError, match=r"a\.jsonl in .* cannot be moved to "):
            airflow.settle({7: "canceled"})

    def test_an_old_file_that_is_announced_again_is_compared_with_verdicts_that_were_read_long_ago(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path
    ) -> None:
        # No look-back reaches the verdict that replaced the one in the file.
        airflow.publish(order_id=7, verdict="accepted")
        airflow.events[0].timestamp = datetime.fromtimestamp(AT + 60, UTC)
        airflow.publish(order_id=8, verdict="accepted")
        assert airflow.take() == []
        write(tmp_path, "a.jsonl", {"order_id": 7, "verdict": "rejected"})
        announce(airflow, trigger)
        assert airflow.take() == []

    def test_a_file_that_is_announced_again_replaces_no_verdict_of_its_own_time(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.jsonl", {"order_id": 7, "verdict": "rejected"})
        write(tmp_path, "b.jsonl", {"order_id": 7, "verdict": "accepted"})
        announce(airflow, trigger)
        # Another triggerer, of which one event becomes visible after the files were moved.
        late = airflow.events[0].extra
        assert airflow.take() == []
        airflow.publish(**late)
        assert airflow.take() == []
        write(tmp_path, "a.jsonl", {"order_id": 7, "verdict": "rejected"})
        announce(airflow, trigger)
        assert airflow.take() == []
        assert len(below(tmp_path)) == 2

    def test_a_file_that_is_announced_again_makes_no_settled_order_due(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.jsonl", {"order_id": 7, "verdict": "rejected"})
        (tmp_path / "done").write_text("in the way")
        announce(airflow, trigger)
        assert len(airflow.take()) == 1
        with pytest.raises(OmsUnsettledVerdictsError, match="order 7: not_cancelable"):
            airflow.settle({7: "not_cancelable"})
        announce(airflow, trigger)
        assert airflow.take() == []
        (tmp_path / "done").unlink()
        announce(airflow, trigger)
        assert airflow.take() == []
        assert below(tmp_path) == ["done/20260202T024000.000000Z-a.jsonl"]

    @pytest.mark.parametrize(
        "row", ["7,accep", "7,accepted", "7\n", "7,accepted,x\n", '7,"a\nb"\n']
    )
    def test_a_row_that_is_not_whole_holds_its_order(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path, row: str
    ) -> None:
        write_text(tmp_path, "a.csv", f"order_id,verdict\n7,rejected\n8,rejected\n{row}")
        announce(airflow, trigger)
        assert [entry["order_id"] for entry in airflow.take()] == [8]
        with pytest.raises(OmsUnsettledVerdictsError, match=r"row 3 of a\.csv must be"):
            airflow.settle({8: "canceled"})

    @pytest.mark.parametrize("row", ["7", "17,"])
    def test_a_row_whose_order_may_be_cut_off_or_is_another_holds_none(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path, row: str
    ) -> None:
        write_text(tmp_path, "a.csv", f"order_id,verdict\n7,rejected\n{row}")
        announce(airflow, trigger)
        assert [entry["order_id"] for entry in airflow.take()] == [7]

    def test_another_content_under_the_same_name_size_and_time_is_read_before_it_is_moved(
        self, airflow: Airflow, trigger: OmsVerdictFilesTrigger, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.jsonl", {"order_id": 7, "verdict": "rejected"})
        announce(airflow, trigger)
        write(tmp_path, "a.jsonl", {"order_id": 8, "verdict": "rejected"})
        assert [entry["order_id"] for entry in airflow.take()] == [7]
        assert below(tmp_path) == ["a.jsonl"]
        assert airflow.settle({7: "canceled"}) == {"canceled": 1}
        announce(airflow, trigger)
        assert [entry["order_id"] for entry in airflow.take()] == [8]
        write(tmp_path, "a.jsonl", {"order_id": 9, "verdict": "rejected"})
        assert airflow.settle({8: "canceled"}) == {"canceled": 1}
        announce(airflow, trigger)
        assert [entry["order_id"] for entry in airflow.take()] == [9]
        # None has overwritten another.
        assert below(tmp_path) == ["done/20260202T024000.000000Z-a.jsonl"] * 2


@pytest.mark.needs("no asset watchers")
def test_airflow_2_is_told_that_it_has_no_watchers() -> None:
    with pytest.raises(AirflowOptionalProviderFeatureException, match="has no asset watchers"):
        OmsVerdictFilesTrigger(path="folder")
