"""Files of orders and of results: which are read, and that a results file is whole or not there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_oms.cancellation.bulk.order_set import OmsOrderSetError
from airflow_provider_oms.cancellation.bulk.results import line_of
from airflow_provider_oms.cancellation.bulk.tally import OrderEnd
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
            read_orders(str(tmp_path / "orders.xlsx"))

    def test_what_is_no_utf_8_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.csv"
        path.write_bytes("order_id\n7\n# Müller".encode("latin-1"))
        with pytest.raises(OmsOrderSetError, match="not text in UTF-8"):
            read_orders(str(path))

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

    def test_the_next_attempt_reads_what_was_written_since_the_first_began(
        self, tmp_path: Path
    ) -> None:
        now = time.time()
        file = ResultsFile(str(tmp_path / "results.jsonl"))
        ends = [end_of(7, now), end_of(8, now), end_of(9, now - 3600)]
        file.write([*(line_of(end, "other") for end in ends), "no line of ours\n"])
        found = file.read_earlier({7, 9}, since=now - 60)
        assert list(found) == [7]
        assert found[7].result == ends[0].result

    def test_no_earlier_file_is_no_earlier_end(self, tmp_path: Path) -> None:
        assert ResultsFile(str(tmp_path / "none.jsonl")).read_earlier({7}, since=0) == {}
