"""The bulk operator's input, and the input that it refuses before anything is sent."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from bulk_attempts import FIRST, Attempt, cancel_posts

from airflow_provider_oms.cancellation.bulk.order_set import OmsOrderSetError
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.exceptions import OmsInvalidInputError
from airflow_provider_oms.operators.oms import OmsBulkCancelOrdersOperator
from airflow_provider_oms.storage import read_orders


class TestWhatItTakes:
    @pytest.mark.parametrize(
        "make",
        [
            lambda ids: ids,
            lambda ids: [str(number) for number in ids],
            lambda ids: [{"order_id": number} for number in ids],
            json.dumps,
            lambda ids: [[number] for number in ids],
            lambda ids: [(number,) for number in ids],
            lambda ids: [Decimal(number) for number in ids],
            lambda ids: [*ids, *ids],
        ],
    )
    def test_a_set_in_any_of_its_forms_is_canceled_with_one_post_each(
        self, oms: EmulatorProcess, make: Callable[[list[int]], Any]
    ) -> None:
        ids = [FIRST, FIRST + 1, FIRST + 2]
        summary = Attempt().run(make(ids))
        assert cancel_posts(oms) == ids
        assert summary["outcomes"] == {"canceled": 3}

    @pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "csv"])
    def test_a_file_of_orders(self, oms: EmulatorProcess, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"orders.{suffix}"
        entries = [
            {"order_id": FIRST, "disposition_reason": "", "disposition_other_reason": ""},
            {
                "order_id": FIRST + 1,
                "disposition_reason": "other",
                "disposition_other_reason": "Case 7, closed",
            },
        ]
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            if suffix == "csv":
                writer = csv.DictWriter(file, list(entries[0]))
                writer.writeheader()
                writer.writerows(entries)
            else:
                file.writelines(json.dumps(entry) + "\n" for entry in entries)
        Attempt().run(orders_path=f"file://{path}")
        assert cancel_posts(oms) == [FIRST, FIRST + 1]
        assert oms.order(FIRST)["dispositionReason"] == "created_by_mistake"
        assert oms.order(FIRST + 1)["dispositionOtherReason"] == "Case 7, closed"

    @pytest.mark.parametrize("make", [int, str, Decimal, lambda number: (number,)])
    def test_one_id_is_a_set_of_one(self, oms: EmulatorProcess, make: Callable[[int], Any]) -> None:
        assert Attempt().run(make(FIRST))["outcomes"] == {"canceled": 1}
        assert cancel_posts(oms) == [FIRST]

    def test_an_empty_list_is_a_success(self, oms: EmulatorProcess) -> None:
        assert Attempt().run([])["outcomes"] == {}
        assert oms.requests() == []

    def test_its_own_reasons_are_those_of_orders_that_name_none(self, oms: EmulatorProcess) -> None:
        Attempt().run(
            [FIRST, {"order_id": FIRST + 1, "disposition_reason": "created_by_mistake"}],
            disposition_reason="other",
            disposition_other_reason="Rejected",
        )
        assert oms.order(FIRST)["dispositionOtherReason"] == "Rejected"
        assert oms.order(FIRST + 1)["dispositionReason"] == "created_by_mistake"
        assert oms.order(FIRST + 1)["dispositionOtherReason"] is None

    def test_every_setting_is_templated(self) -> None:
        with DAG("templates", schedule=None):
            task = OmsBulkCancelOrdersOperator(
                task_id="cancel", orders="{{ params.ids | tojson }}", dry_run="{{ params.dry }}"
            )
        task.render_template_fields({"params": {"ids": [1, 2], "dry": True}})
        assert (task.orders, task.is_dry_run) == ("[1, 2]", "True")


class TestGuardrails:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"orders": None}, "orders_path"),
            ({"orders": ""}, "orders must be a list"),
            ({"orders": "None"}, "orders must be a list"),
            ({"orders": "[1, "}, "orders must be a list"),
            ({"orders": 0}, "entry 1: order_id must be"),
            ({"orders": "0123"}, "entry 1: order_id must be"),
            ({"orders": {"order_id": 5}}, "orders must be a list"),
            ({"orders": {FIRST}}, "orders must be a list"),
            ({"orders": b"[7]"}, "orders must be a list"),
            ({"orders": (FIRST, FIRST + 1)}, "a tuple of 2, which may be one row of a query"),
            ({"orders": [(FIRST, FIRST + 1)]}, "entry 1: the row has 2 columns"),
            ({"orders": [[FIRST, FIRST + 1], [FIRST + 2]]}, "entry 1: the row has 2 columns"),
            ({"orders": [1], "orders_path": "/x.csv"}, "both"),
            ({"orders_path": "/x.txt"}, "must end in"),
            ({"orders": [FIRST, 0, FIRST + 1, True]}, "2 of 4 entries cannot be used: entry 2: "),
            ({"orders": [FIRST, "1e3"]}, "entry 2: order_id must be"),
            ({"orders": [[FIRST], [None]]}, "entry 2: order_id"),
            ({"orders": [{"order_id": FIRST, "verdict": "accepted"}]}, "unknown key 'verdict'"),
            ({"orders": [{"order_id": FIRST, "in_doubt": "maybe"}]}, "in_doubt must be"),
            ({"orders": [FIRST], "disposition_reason": "fraud"}, "disposition_reason must be"),
            ({"orders": [FIRST], "disposition_reason": None}, "disposition_reason must be"),
            ({"orders": [FIRST], "disposition_reason": "other"}, "disposition_other_reason"),
            (
                {"orders": [FIRST, {"order_id": str(FIRST), "disposition_reason": "other",
                                    "disposition_other_reason": "x"}]},
                f"order {FIRST} is there with another reason",
            ),
            ({"orders": [FIRST, FIRST + 1, FIRST + 2], "max_orders": 2}, "more orders than the 2"),
            ({"orders": [FIRST], "max_orders": 0}, "max_orders must be"),
            ({"orders": [FIRST], "max_workers": 0}, "max_workers must be"),
            ({"orders": [FIRST], "max_workers": 129}, "max_workers must be at most"),
            ({"orders": [FIRST], "tolerated_failures": "some"}, "tolerated_failures must be"),
            ({"orders": [FIRST], "tolerated_failures": True}, "tolerated_failures must be"),
            ({"orders": [FIRST], "stop_after_failures": True}, "stop_after_failures must be"),
            ({"orders": [FIRST], "max_workers": True}, "max_workers must be"),
            ({"orders": [FIRST], "requests_per_second": True}, "requests_per_second must be"),
            ({"orders": [FIRST], "stop_after_failures": 0}, "stop_after_failures must be"),
            ({"orders": [FIRST], "requests_per_second": "0"}, "requests_per_second must be"),
            ({"orders": [FIRST], "dry_run": "None"}, "dry_run must be"),
            ({"orders": [FIRST], "only_if_states": []}, "only_if_states must be"),
        ],
    )  # fmt: skip
    def test_a_set_that_cannot_be_used_is_refused_whole(
        self, oms: EmulatorProcess, arguments: dict[str, Any], says: str
    ) -> None:
        with pytest.raises(OmsInvalidInputError) as refusal:
            Attempt().run(**arguments)
        assert says in str(refusal.value)
        assert "Nothing was sent" in str(refusal.value)
        assert oms.requests() == []

    @pytest.mark.parametrize(
        "guard", ["only_if_states", "stop_after_failures", "requests_per_second"]
    )
    def test_a_guard_that_renders_to_none_does_not_vanish(
        self, oms: EmulatorProcess, guard: str
    ) -> None:
        guards: dict[str, Any] = {guard: "{{ none }}"}
        task = OmsBulkCancelOrdersOperator(
            task_id="cancel", orders=[FIRST], disposition_reason="created_by_mistake", **guards
        )
        setattr(task, guard, None)
        with pytest.raises(OmsInvalidInputError, match=f"{guard} must be"):
            task.execute({"ti": Attempt().ti})
        assert oms.requests() == []

    @pytest.mark.parametrize(
        ("source", "came_out_as", "says"),
        [
            (
                "orders",
                None,
                "a list of orders; let the task .* return \\[\\] where there are none; ",
            ),
            ("orders_path", None, "the path of a file; correct the template or the task .*empty"),
            ("orders_path", "", "the path of a file; correct the template or the task .*empty"),
        ],
    )
    def test_a_set_that_came_out_as_nothing_is_not_said_to_be_left_out(
        self, oms: EmulatorProcess, source: str, came_out_as: str | None, says: str
    ) -> None:
        with DAG("nothing", schedule=None):
            task = OmsBulkCancelOrdersOperator(
                task_id="cancel", disposition_reason="created_by_mistake", **{source: "{{ … }}"}
            )
        # As Airflow leaves the output of a task that returned nothing.
        setattr(task, source, came_out_as)
        with pytest.raises(OmsInvalidInputError, match=f"^{source} must be {says}") as refusal:
            task.execute({"ti": Attempt().ti})
        assert "neither" not in str(refusal.value)
        assert oms.requests() == []

    @pytest.mark.parametrize("path", ["None", " ", 7])
    def test_a_results_path_that_is_none_is_refused(self, oms: EmulatorProcess, path: Any) -> None:
        with pytest.raises(OmsInvalidInputError, match=r"results_path must be a path.*Nothing was"):
            Attempt().run([FIRST], results_path=path)
        assert oms.requests() == []

    def test_a_folder_for_the_results_is_refused(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        with pytest.raises(
            OmsInvalidInputError, match=r"results_path must be .* a folder.*Nothing"
        ):
            Attempt().run([FIRST], results_path=str(tmp_path))
        assert list(tmp_path.iterdir()) == []
        assert oms.requests() == []

    def test_results_never_replace_the_orders(self, oms: EmulatorProcess, tmp_path: Path) -> None:
        path = tmp_path / "orders.jsonl"
        path.write_text(f"{FIRST}\n", "utf-8")
        with pytest.raises(
            OmsInvalidInputError, match=r"the file at orders_path.*Nothing was sent"
        ):
            Attempt().run(orders_path=str(path), results_path=f"file://{path}")
        assert path.read_text("utf-8") == f"{FIRST}\n"
        assert oms.requests() == []

    def test_a_flood_of_bad_lines_is_read_no_further_than_a_hundred(
        self, oms: EmulatorProcess, tmp_path: Path
    ) -> None:
        path = tmp_path / "orders.csv"
        path.write_text("order_id\n" + "1.0\n" * 5000, "utf-8")
        with pytest.raises(OmsInvalidInputError, match="100 of the first 100 entries") as refusal:
            Attempt().run(orders_path=str(path))
        assert "and 80 more" in str(refusal.value)
        assert oms.requests() == []

    def test_every_bad_line_of_a_file_is_named(self, oms: EmulatorProcess, tmp_path: Path) -> None:
        path = tmp_path / "orders.jsonl"
        path.write_text(f'{FIRST}\n\n"x"\n{{"order_id": {FIRST + 1}}}\nnot json\n', "utf-8")
        with pytest.raises(OmsInvalidInputError, match=r"2 of 4 .* line 3: .* line 5: "):
            Attempt().run(orders_path=str(path))
        path = tmp_path / "orders.csv"
        path.write_text(f"order_id,verdict\n{FIRST},accepted\n", "utf-8")
        with pytest.raises(OmsInvalidInputError, match="column 2 is 'verdict'"):
            Attempt().run(orders_path=str(path))
        assert oms.requests() == []

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("orders.csv", "order_id\n1,234\n{first}\n"),
            ("orders.csv", "order_id,disposition_reason\n{first}\n"),
            ("orders.jsonl", "[1, 234]\n{first}\n"),
            ("orders.jsonl", "{first}"),
        ],
    )
    def test_a_bad_line_is_refused_too_when_a_task_reads_the_file_and_passes_it_on(
        self, tmp_path: Path, name: str, text: str
    ) -> None:
        (tmp_path / name).write_text(text.format(first=FIRST), encoding="utf-8")
        with pytest.raises(OmsOrderSetError, match=r"line \d: .*Nothing was sent"):
            read_orders(str(tmp_path / name))

    def test_the_cap_counts_each_order_once(self, oms: EmulatorProcess) -> None:
        assert Attempt().run([FIRST, FIRST, str(FIRST)], max_orders=1)["duplicates"] == 2
