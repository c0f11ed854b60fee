"""Files of orders in each shape that people export, alone and several as one set."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_oms import order_files
from airflow_provider_oms.api.errors import OmsInputError
from airflow_provider_oms.cancellation.bulk.columns import Columns
from airflow_provider_oms.cancellation.bulk.refusals import OmsOrderSetError
from airflow_provider_oms.cancellation.bulk.rows import Rows
from airflow_provider_oms.storage import OmsFileError, ResultsFile, read_entries, read_orders

EXPORTS = Path(__file__).parent / "exports"
GOLDEN = sorted(path.name for path in EXPORTS.iterdir())
COLUMN = "Order Number"
WHERE = {"Decision": {"cancel": ["Rejected"], "ignore": ["Approved", "Pending"]}}


def rows_of() -> Rows:
    return Rows(Columns.checked(COLUMN, WHERE))


def ids(path: Path | str) -> list[Any]:
    return [entry["order_id"] for entry in read_orders(str(path))]


class TestEachShape:
    @pytest.mark.parametrize("name", GOLDEN)
    def test_it_gives_the_same_orders_and_counts(self, name: str) -> None:
        rows = rows_of()
        entries = [entry for _, entry in read_entries(str(EXPORTS / name), rows)]
        # The first one has two items.
        assert entries == [{"order_id": each} for each in ("4000001", "4000001", "4000003")]
        assert rows.counts == {"Decision": {"Rejected": 3, "Approved": 1, "Pending": 1}}

    def test_every_kind_has_a_golden_file(self) -> None:
        kinds = {name[name.index(".") :] for name in GOLDEN}
        assert kinds == {
            ".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".tsv", ".tsv.gz", ".xlsx"
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "fact"),
        [
            ("semicolon-bom.csv", "fields are separated by semicolons"),
            ("sep-line.csv", "fields are separated by vertical bars"),
            ("utf-16.csv", "fields are separated by tabs"),
        ],
    )
    def test_a_delimiter_that_was_found_out_is_said(self, name: str, fact: str) -> None:
        rows = rows_of()
        list(read_entries(str(EXPORTS / name), rows))
        assert rows.facts == [fact, "3 of 5 columns are ignored"]

    @pytest.mark.parametrize("name", ["a.xls", "a.xlsx.gz", "a.gz", "a.csv.zip", "csv", "a.txt"])
    def test_another_kind_is_refused_by_its_name(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("order_id\n7\n", "utf-8")
        with pytest.raises(OmsOrderSetError, match=rf"or in \.xlsx; {name} does not\. Nothing was"):
            read_orders(str(tmp_path / name))

    def test_letter_case_of_a_name_does_not_count(self, tmp_path: Path) -> None:
        (tmp_path / "A.CSV.GZ").write_bytes(gzip.compress(b"order_id\n7\n"))
        assert ids(tmp_path / "A.CSV.GZ") == ["7"]

    @pytest.mark.parametrize("name", [name for name in GOLDEN if "jsonl" not in name])
    def test_without_the_name_of_a_column_it_is_refused(self, name: str) -> None:
        with pytest.raises(OmsOrderSetError, match=r"column 1 is 'Order Number'.*order_id_column"):
            read_orders(str(EXPORTS / name))

    def test_a_task_reads_it_with_the_same_arguments(self) -> None:
        found = read_orders(
            str(EXPORTS / "comma.csv"), order_id_column=COLUMN, where=WHERE, delimiter=","
        )
        assert [entry["order_id"] for entry in found] == ["4000001", "4000001", "4000003"]
        with pytest.raises(OmsInputError, match="delimiter must be one character"):
            read_orders(str(EXPORTS / "comma.csv"), delimiter="::")


class TestPacked:
    def test_what_a_storage_unpacked_is_read_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "orders.csv.gz").write_text("order_id\n7\n", "utf-8")
        (tmp_path / "orders.csv").write_bytes(gzip.compress(b"order_id\n7\n"))
        assert ids(tmp_path / "orders.csv.gz") == ids(tmp_path / "orders.csv") == ["7"]

    @given(data=st.data())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_part_of_one_names_no_order(self, tmp_path: Path, data: st.DataObject) -> None:
        whole = gzip.compress(b"order_id\n" + b"".join(b"%d\n" % n for n in range(7, 90)))
        path = tmp_path / "orders.csv.gz"
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises((OmsFileError, OmsOrderSetError)):
            read_orders(str(path))

    @given(data=st.data())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_damaged_one_names_no_other_order(self, tmp_path: Path, data: st.DataObject) -> None:
        whole = bytearray(gzip.compress(b"order_id\n4000001\n4000002\n"))
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path = tmp_path / "orders.csv.gz"
        path.write_bytes(whole)
        try:
            found = ids(path)
        except (OmsFileError, OmsOrderSetError):
            return
        assert found == ["4000001", "4000002"]

    def test_a_damaged_one_is_refused_and_one_that_is_not_whole_may_be_later(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "orders.csv.gz"
        whole = gzip.compress(b"order_id\n7\n")
        path.write_bytes(whole[:-8] + b"\0" * 8)
        with pytest.raises(OmsOrderSetError, match=r"damaged and cannot be unpacked \(CRC check"):
            read_orders(str(path))
        path.write_bytes(whole[:-9])
        with pytest.raises(OmsFileError, match=r"cannot be read \(EOFError"):
            read_orders(str(path))

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz"])
    def test_one_without_end_is_read_no_further(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr(order_files, "_MOST_BYTES", 2**20)
        text = b"order_id\n" + b"\n" * 2**20
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
        with pytest.raises(OmsOrderSetError, match="has more than the 1 MiB that are read"):
            read_orders(str(tmp_path / name))

    def test_a_line_without_end_is_read_no_further(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(order_files, "_LONGEST_LINE", 100)
        (tmp_path / "orders.jsonl").write_text("7\n" + "[" * 101, "utf-8")
        with pytest.raises(OmsOrderSetError, match="more than 100 characters in line 2"):
            read_orders(str(tmp_path / "orders.jsonl"))


class TestAPattern:
    def test_several_files_are_one_set_by_name(self, tmp_path: Path) -> None:
        for name, number in (("b-2.csv", 8), ("a-1.csv", 7)):
            (tmp_path / name).write_text(f"No;x\n{number};y\n", "utf-8")
        (tmp_path / "c-3.jsonl").write_text('{"No": 9}\n', "utf-8")
        rows = Rows(Columns.checked("No"))
        assert list(read_entries(f"{tmp_path}/*-[123].*", rows)) == [
            ("a-1.csv, line 2", {"order_id": "7"}),
            ("b-2.csv, line 2", {"order_id": "8"}),
            ("c-3.jsonl, line 1", {"order_id": 9}),
        ]
        assert rows.facts == [
            "a-1.csv, fields are separated by semicolons",
            "a-1.csv, 1 of 2 columns are ignored",
            "b-2.csv, fields are separated by semicolons",
            "b-2.csv, 1 of 2 columns are ignored",
        ]

    def test_what_two_files_say_of_an_order_must_be_the_same(self, tmp_path: Path) -> None:
        for name, word in (("a.csv", "Rejected"), ("b.csv", "Approved")):
            (tmp_path / name).write_text(f"{COLUMN},Decision\n7,{word}\n", "utf-8")
        with pytest.raises(OmsOrderSetError, match=r"b\.csv, line 2: another row of the same"):
            read_orders(f"{tmp_path}/*.csv", order_id_column=COLUMN, where=WHERE)

    def test_a_file_does_not_go_on_where_the_one_before_ended(self, tmp_path: Path) -> None:
        for name, word in (("a.csv", "Rejected"), ("b.csv", "")):
            (tmp_path / name).write_text(f"{COLUMN},Decision\n7,{word}\n", "utf-8")
        with pytest.raises(OmsOrderSetError, match=r"b\.csv, line 2: the field Decision is blank"):
            read_orders(f"{tmp_path}/*.csv", order_id_column=COLUMN, where=WHERE)

    def test_none_that_matches_may_come_later(self, tmp_path: Path) -> None:
        with pytest.raises(OmsFileError, match=r"/\*\.csv matches no file"):
            read_orders(f"{tmp_path}/*.csv")

    def test_one_of_another_kind_refuses_the_set(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("order_id\n7\n", "utf-8")
        (tmp_path / "b.pdf").write_text("8", "utf-8")
        with pytest.raises(OmsOrderSetError, match=r"must end in \.jsonl.*; b\.pdf does not"):
            list(read_entries(f"{tmp_path}/*"))

    def test_one_that_cannot_be_used_is_named(self, tmp_path: Path) -> None:
        for name, header in (("a.csv", "order_id"), ("b.csv", "Order")):
            (tmp_path / name).write_text(f"{header}\n7\n", "utf-8")
        with pytest.raises(OmsOrderSetError, match=r"^Of b\.csv: The CSV file's header cannot"):
            list(read_entries(f"{tmp_path}/*.csv"))

    def test_a_file_of_that_very_name_is_that_file(self, tmp_path: Path) -> None:
        for name in ("orders[1].csv", "orders1.csv"):
            (tmp_path / name).write_text(f"order_id\n{len(name)}\n", "utf-8")
        assert ids(f"{tmp_path}/orders[1].csv") == ["13"]

    @pytest.mark.parametrize("pattern", ["*.jsonl", "res*", "*/../*.jsonl", "**/*.jsonl"])
    def test_results_are_not_written_where_orders_are_read(
        self, tmp_path: Path, pattern: str
    ) -> None:
        file = ResultsFile(f"{tmp_path}/results.jsonl")
        with pytest.raises(OmsInputError, match="the file at orders_path"):
            file.prepare(f"{tmp_path}/{pattern}")
        file.prepare(f"{tmp_path}/*.csv")
