"""Files of orders and of results: which are read, and that a results file is whole or not there."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_storage import attach_memory

from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.api.translated import Translated
from airflow_provider_oms.api.validation import CancelRequest, OrderId
from airflow_provider_oms.cancellation.bulk.order_set import (
    OmsOrderSetError,
    Reasons,
    plan_orders,
)
from airflow_provider_oms.cancellation.bulk.outcome_counts import OrderEnd
from airflow_provider_oms.cancellation.bulk.results import line_of
from airflow_provider_oms.cancellation.outcomes import CancellationResult, ConfirmedBy, Outcome
from airflow_provider_oms.storage import OmsFileError, ResultsFile, read_entries, read_orders


def end_of(order_id: int, started_at: float) -> OrderEnd:
    result = CancellationResult(order_id, Outcome.CANCELED, ConfirmedBy.ANSWER)
    return OrderEnd(result, 1, 1, started_at, started_at + 1)


class TestOrders:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("orders.jsonl", '7\n\n{"order_id": 8}\n'),
            ("orders.ndjson", '7\n{"order_id": 8}\n'),
            ("ORDERS.JSONL", '7\n{"order_id": 8}'),
            ("rows.jsonl", '[7]\n{"order_id": 8}'),
            ("marked.jsonl", '\ufeff7\r\n{"order_id": 8}\r\n'),
        ],
    )
    def test_json_lines_are_entries_as_they_stand(
        self, tmp_path: Path, name: str, text: str
    ) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        assert read_orders(str(tmp_path / name)) == [7, {"order_id": 8}]

    def test_a_spreadsheets_csv_is_read_with_its_byte_order_mark(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.csv"
        path.write_text("\ufefforder_id,disposition_reason\r\n7,other\r\n", "utf-8", newline="")
        assert list(read_entries(str(path))) == [
            ("line 2", {"order_id": "7", "disposition_reason": "other"})
        ]

    def test_another_kind_of_file_is_refused_by_its_name(self, tmp_path: Path) -> None:
        with pytest.raises(OmsOrderSetError, match=r"end in \.jsonl, \.ndjson, \.csv.*Nothing was"):
            read_orders(str(tmp_path / "orders.xls"))

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize("name", ["orders.csv", "orders.jsonl"])
    def test_utf_16_is_read_if_its_mark_says_so(
        self, tmp_path: Path, name: str, encoding: str
    ) -> None:
        text = "order_id\r\n7\r\n" if name.endswith("csv") else '{"order_id": "7"}\r\n'
        mark = "" if encoding == "utf-16" else "\ufeff"
        (tmp_path / name).write_bytes((mark + text).encode(encoding))
        assert read_orders(str(tmp_path / name)) == [{"order_id": "7"}]
        if mark:
            (tmp_path / name).write_bytes(text.encode(encoding))
            with pytest.raises(OmsOrderSetError, match=r"NUL character in line 1.*as UTF-8"):
                read_orders(str(tmp_path / name))

    @pytest.mark.parametrize(
        "content",
        ["order_id\n7\n# Müller".encode("latin-1"), b"\xff\xfe7", b"\xff\xfe\x00\xd8\n\x00"],
    )
    def test_what_is_no_utf_8_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "orders.csv"
        path.write_bytes(content)
        with pytest.raises(OmsOrderSetError, match="not text in UTF-8; save it as UTF-8"):
            read_orders(str(path))

    def test_a_nul_character_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.csv"
        path.write_bytes(b"order_id\n7\n1\x008\n")
        with pytest.raises(OmsOrderSetError, match="NUL character in line 3"):
            read_orders(str(path))

    def test_a_task_that_passes_entries_on_gets_none_that_are_none(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.jsonl"
        path.write_text("7\n[8, 9]\nnot json\n10", encoding="utf-8")
        with pytest.raises(
            OmsOrderSetError, match=r"3 of 4 .* line 2: .* line 3: .* line 4: "
        ) as e:
            read_orders(str(path))
        assert len(e.value.problems) == 3

    def test_a_file_that_is_wrong_throughout_is_read_no_further(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.jsonl"
        path.write_text("x\n" * 1000, encoding="utf-8")
        with pytest.raises(OmsOrderSetError, match="100 of the first 100 entries"):
            read_orders(str(path))

    def test_a_set_that_is_too_large_closes_the_file_where_it_is_known(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "orders.csv"
        path.write_text("order_id\n" + "".join(f"{n}\n" for n in range(1, 50_000)), "utf-8")
        entries = read_entries(str(path))
        with pytest.raises(OmsOrderSetError, match="more orders than the 10"):
            plan_orders(entries, Reasons(Translated(), "created_by_mistake"), max_orders=10)
        assert next(entries) == ("line 13", {"order_id": "12"})


class TestAFileThatWasCutOff:
    """Wherever a copy broke off, no order is planned that the whole file does not name."""

    IDS = st.lists(st.integers(1, 10**6), min_size=1, max_size=5, unique=True)
    FORMS: ClassVar[dict[str, tuple[str, str, str]]] = {
        "a number in each line": (".jsonl", "", "{}\n"),
        "a text in each line": (".jsonl", "", '"{}"\r\n'),
        "an object in each line": (".jsonl", "", '{{"order_id": {}, "in_doubt": true}}\n'),
        "one column": (".csv", "order_id\r\n", "{}\r\n"),
        "one quoted column": (".csv", '"order_id"\n', '"{}"\n'),
        "the id last": (".csv", "disposition_reason,order_id\n", "other,{}\n"),
        "a doubt last": (".csv", "order_id,in_doubt\n", "{},true\n"),
        "a reason last": (".csv", "order_id,in_doubt,disposition_reason\n", "{},true,other\n"),
    }

    @pytest.mark.parametrize("form", FORMS)
    @given(ids=IDS, data=st.data())
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_no_other_order_is_planned_and_no_doubt_is_lost(
        self, tmp_path: Path, form: str, ids: list[int], data: st.DataObject
    ) -> None:
        suffix, header, row = self.FORMS[form]
        text = header + "".join(row.format(order_id) for order_id in ids)
        cut = data.draw(st.integers(0, len(text)))
        path = tmp_path / f"orders{suffix}"
        path.write_text(text[:cut], encoding="utf-8", newline="")
        try:
            orders = plan_orders(
                read_entries(str(path)), Reasons(Translated(), "other", "Fraud"), max_orders=10
            )
        except OmsOrderSetError:
            assert cut < len(text)
        else:
            assert set(orders.requests) <= set(ids)
            assert orders.in_doubt == (set(orders.requests) if "doubt" in header + row else set())

    def test_a_file_that_is_not_there_may_come_later(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.jsonl"
        with pytest.raises(OmsFileError, match=r"orders\.jsonl cannot be read \(FileNotFoundError"):
            read_orders(str(path))


class TestResults:
    def test_they_are_written_where_no_folder_was_and_nothing_else_is_left(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "a" / "b" / "results.jsonl"
        file = ResultsFile(str(path))
        file.prepare()
        assert list(path.parent.iterdir()) == []
        file.write(["1\n", "2\n"])
        assert path.read_text(encoding="utf-8") == "1\n2\n"
        assert list(path.parent.iterdir()) == [path]

    def test_a_tilde_is_the_home_of_the_user(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home, work = tmp_path / "home", tmp_path / "work"
        work.mkdir()
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.chdir(work)
        file = ResultsFile("~/out/results.jsonl")
        file.prepare()
        file.write(['{"order_id": 7}\n'])
        assert (home / "out" / "results.jsonl").read_text() == '{"order_id": 7}\n'
        (home / "orders.jsonl").write_text("7\n")
        assert read_orders("~/orders.jsonl") == [7]
        with pytest.raises(OmsInputError, match="the file at orders_path"):
            ResultsFile("~/orders.jsonl").prepare(str(home / "orders.jsonl"))
        assert list(work.iterdir()) == []

    def test_a_mapped_tasks_index_goes_into_the_name(self, tmp_path: Path) -> None:
        file = ResultsFile(str(tmp_path / "results.jsonl"), map_index=3)
        file.write(["1\n"])
        assert [path.name for path in tmp_path.iterdir()] == ["results-3.jsonl"]
        assert str(file).endswith("results-3.jsonl")

    def test_a_newer_file_takes_the_place_of_an_older_one(self, tmp_path: Path) -> None:
        path = tmp_path / "results.jsonl"
        for lines in (["1\n", "2\n"], ["3\n"]):
            ResultsFile(str(path)).write(lines)
        assert path.read_text(encoding="utf-8") == "3\n"

    def test_an_older_file_stays_whole_when_the_new_one_breaks_off(self, tmp_path: Path) -> None:
        path = tmp_path / "results.jsonl"
        path.write_text("older\n", encoding="utf-8")

        def lines() -> Iterator[str]:
            yield "newer\n"
            raise OSError("disk full")

        with pytest.raises(OmsFileError, match=r"results\.jsonl cannot be written \(OSError: disk"):
            ResultsFile(str(path)).write(lines())
        assert path.read_text(encoding="utf-8") == "older\n"

    def test_a_place_that_cannot_be_written_is_found_out_beforehand(self, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("a file, and no folder", encoding="utf-8")
        with pytest.raises(OmsFileError, match="cannot be written"):
            ResultsFile(str(tmp_path / "taken" / "results.jsonl")).prepare()

    @pytest.mark.parametrize("map_index", [-1, 3])
    def test_a_folder_is_no_file(self, tmp_path: Path, map_index: int) -> None:
        (tmp_path / "results").mkdir()
        for path in (f"{tmp_path}/results", f"file://{tmp_path}/results", f"{tmp_path}/new/"):
            with pytest.raises(OmsInputError, match=r"results_path must be the path of.*a folder"):
                ResultsFile(path, map_index).prepare()
        assert [path.name for path in tmp_path.iterdir()] == ["results"]

    def test_what_is_no_plain_file_is_not_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "plain.jsonl").write_text("kept\n", "utf-8")
        (tmp_path / "link.jsonl").symlink_to(tmp_path / "plain.jsonl")
        os.mkfifo(tmp_path / "pipe.jsonl")
        for name, kind in (("link", "a symbolic link"), ("pipe", "a device, a pipe or a socket")):
            with pytest.raises(OmsInputError, match=kind):
                ResultsFile(f"{tmp_path}/{name}.jsonl").prepare()
        assert (tmp_path / "link.jsonl").is_symlink()
        assert (tmp_path / "pipe.jsonl").is_fifo()
        assert (tmp_path / "plain.jsonl").read_text("utf-8") == "kept\n"

    def test_a_folder_of_the_name_with_the_index_is_no_file(self, tmp_path: Path) -> None:
        (tmp_path / "results-3.jsonl").mkdir()
        with pytest.raises(OmsInputError, match="a folder"):
            ResultsFile(f"{tmp_path}/results.jsonl", 3).prepare()
        ResultsFile(f"{tmp_path}/results.jsonl", 4).prepare()

    def test_a_folder_that_came_while_the_task_ran_gets_no_file_put_into_it(
        self, tmp_path: Path
    ) -> None:
        file = ResultsFile(f"{tmp_path}/results.jsonl")
        file.prepare()
        (tmp_path / "results.jsonl").mkdir()
        with pytest.raises(OmsFileError, match="cannot be written"):
            file.write(["1\n"])
        assert list((tmp_path / "results.jsonl").iterdir()) == []

    @pytest.mark.parametrize(
        ("orders", "results", "map_index"),
        [
            ("orders.jsonl", "orders.jsonl", -1),
            ("orders.jsonl", "./x/../orders.jsonl", -1),
            ("orders.jsonl", "link.jsonl", -1),
            ("orders.jsonl", "orders.jsonl", 3),
            ("orders-3.jsonl", "orders.jsonl", 3),
        ],
    )
    @pytest.mark.parametrize("scheme", ["", "file://"])
    def test_the_file_of_orders_is_never_replaced(
        self, tmp_path: Path, orders: str, results: str, map_index: int, scheme: str
    ) -> None:
        (tmp_path / "x").mkdir()
        (tmp_path / orders).write_text("7\n", encoding="utf-8")
        (tmp_path / "link.jsonl").symlink_to(tmp_path / orders)
        file = ResultsFile(f"{scheme}{tmp_path}/{results}", map_index)
        with pytest.raises(OmsInputError, match=r"results_path must.*the file at orders_path"):
            file.prepare(f"{tmp_path}/{orders}")
        assert (tmp_path / orders).read_text(encoding="utf-8") == "7\n"

    def test_beside_the_file_of_orders_is_a_place(self, tmp_path: Path) -> None:
        for index in (-1, 3):
            file = ResultsFile(f"{tmp_path}/results.jsonl", index)
            file.prepare(f"{tmp_path}/orders.jsonl")
            file.write(["1\n"])
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "results-3.jsonl",
            "results.jsonl",
        ]

    @pytest.mark.parametrize(
        ("orders", "is_same"),
        [("memory://b/r.jsonl", True), ("memory://b/s.jsonl", False), ("/b/r.jsonl", False)],
    )
    def test_in_other_storage_the_path_in_it_tells(
        self, monkeypatch: pytest.MonkeyPatch, orders: str, *, is_same: bool
    ) -> None:
        attach_memory(monkeypatch)
        file = ResultsFile("memory://b/r.jsonl")
        if is_same:
            with pytest.raises(OmsInputError, match="the file at orders_path"):
                file.prepare(orders)
        else:
            file.prepare(orders)
            file.write(["1\n"])

    def test_an_older_file_does_not_outvote_the_journal(self, tmp_path: Path) -> None:
        now = time.time()
        file = ResultsFile(f"{tmp_path}/results.jsonl")
        file.write(line_of(end_of(number, now), "other") for number in (7, 8, 9))
        recorded = OrderEnd(CancellationResult(7, Outcome.UNKNOWN))
        settled = OrderEnd(CancellationResult(8, Outcome.CANCELED))
        ends: dict[OrderId, OrderEnd] = {7: recorded, 8: settled}
        requests = {number: CancelRequest(number, "other", "Fraud") for number in ends}
        file.write_ends(ends, requests, begun_at=now - 60)
        rows = [json.loads(line) for line in Path(str(file)).read_text("utf-8").splitlines()]
        assert [(row["order_id"], row["outcome"], row["attempts"]) for row in rows] == [
            (7, "unknown", None),
            (8, "canceled", 1),
        ]

    def test_the_next_attempt_reads_what_was_written_since_the_first_began(
        self, tmp_path: Path
    ) -> None:
        now = time.time()
        file = ResultsFile(str(tmp_path / "results.jsonl"))
        ends = [end_of(7, now), end_of(8, now), end_of(9, now - 3600)]
        file.write([*(line_of(end, "other") for end in ends), "another program's line\n"])
        found = file.read_earlier({7, 9}, since=now - 60)
        assert list(found) == [7]
        assert found[7].result == ends[0].result

    def test_no_earlier_file_is_no_earlier_end(self, tmp_path: Path) -> None:
        assert ResultsFile(str(tmp_path / "none.jsonl")).read_earlier({7}, since=0) == {}
