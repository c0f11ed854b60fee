"""How the orders of a task stand: by its results and its journal together."""

from __future__ import annotations

from typing import Any

import pytest
from airflow_record import row
from journal_store import Store

from airflow_provider_oms.cancellation.bulk.journal import Journal
from airflow_provider_oms.cancellation.outcomes import CancellationResult, Outcome
from airflow_provider_oms.cli.standings import (
    KeptValues,
    Standing,
    TaskRecord,
    counts_of,
    record_of_one,
    record_of_set,
)

NOW = 1_790_000_000.0


def journal_of(
    *ends: tuple[int | str, Outcome], intents: tuple[int | str, ...] = ()
) -> dict[str, Any]:
    """Return the store of a task that was killed after it had written its journal."""
    store = Store()
    order_ids = [*(order_id for order_id, _ in ends), *intents]
    journal = Journal(store, now=NOW, tenant="a tenant", order_ids=order_ids)
    results = [CancellationResult(order_id, outcome) for order_id, outcome in ends]
    journal.write([order_id for order_id, _ in ends], (), posted_by=NOW + 2, now=NOW)
    journal.write(intents, results, posted_by=NOW + 5, now=NOW + 1)
    return dict(store)


def outcomes(record: TaskRecord) -> dict[str, tuple[str, bool]]:
    return {one.order_id: (one.outcome.value, one.is_in_doubt) for one in record.standings}


class TestTheJournal:
    def test_its_orders_are_named_without_knowing_the_set_or_the_tenant(self) -> None:
        kept = journal_of((1, Outcome.CANCELED), (2, Outcome.NOT_FOUND), intents=(3,))
        record = record_of_set(None, None, kept)
        assert outcomes(record) == {
            "1": ("canceled", False),
            "2": ("not_found", False),
            "3": ("unknown", True),
        }
        assert record.lacking == ""
        assert [one.posted_by for one in record.standings if one.is_in_doubt] == [NOW + 5]

    def test_looking_at_it_writes_nothing(self) -> None:
        kept = KeptValues(journal_of(intents=(3,)))
        before = dict(kept)
        assert Journal.opened_to_look_at(kept) is not None
        assert kept == before
        with pytest.raises(TypeError):
            kept.set("oms_journal", {})

    def test_native_orders_have_their_names(self) -> None:
        kept = journal_of(("number:1042", Outcome.CANCELED), intents=("0" * 32,))
        assert set(outcomes(record_of_set(None, None, kept))) == {"number:1042", "0" * 32}

    def test_parts_of_an_order_are_found_by_its_id(self) -> None:
        kept = journal_of(("1042/parts:0123456789abcdef", Outcome.PARTIALLY_CANCELED))
        results = [row("1042", "partially_canceled", parts=[])]
        for given in (None, results):
            found = record_of_set(None, given, kept)
            assert outcomes(found) == {"1042": ("partially_canceled", False)}
            # That they are canceled would say nothing of the order.
            assert [one.is_of_parts for one in found.standings] == [True]

    def test_of_parts_in_doubt_no_time_is_known(self) -> None:
        kept = journal_of((7, Outcome.CANCELED), intents=(8, "1042/parts:0123456789abcdef"))
        record = record_of_set(None, None, kept)
        bounds = {one.order_id: one.posted_by for one in record.standings if one.is_in_doubt}
        assert bounds == {"8": NOW + 5, "1042": None}

    def test_a_task_without_one_has_no_orders(self) -> None:
        assert record_of_set(None, None, {}) == TaskRecord()
        assert record_of_set(None, None, {"of_another": 1}) == TaskRecord()
        assert record_of_set(None, None, None) == TaskRecord()

    @pytest.mark.parametrize("page", [None, "s3://elsewhere", {"?1.000": "damaged"}])
    def test_a_part_that_is_lost_is_said(self, page: Any) -> None:
        kept = journal_of(intents=(3,))
        kept["oms_journal_0"] = page
        record = record_of_set(None, None, kept)
        assert record.standings == []
        assert record.lacking.startswith("a part of the journal is lost")

    def test_so_is_a_head_that_a_custom_backend_keeps(self) -> None:
        kept = {**journal_of(intents=(3,)), "oms_journal": "s3://elsewhere"}
        assert "kept elsewhere" in record_of_set(None, None, kept).lacking


class TestTheResults:
    def test_they_add_the_state_and_keep_the_sequence_of_the_set(self) -> None:
        kept = journal_of((1, Outcome.CANCELED), (2, Outcome.NOT_CANCELABLE))
        results = [row(2, "not_cancelable", "SHIPPED"), row(1, "canceled", "CANCELED")]
        record = record_of_set({"accepted": {}}, results, kept)
        assert [one.order_id for one in record.standings] == ["2", "1"]
        assert record.standings[0] == Standing(
            "2", Outcome.NOT_CANCELABLE, order_state="SHIPPED", order_status="SHIPPED"
        )

    def test_before_airflow_3_3_they_stand_alone(self) -> None:
        record = record_of_set({}, [row(1, "unknown"), row(2, "not_canceled", "READY")], None)
        assert outcomes(record) == {"1": ("unknown", True), "2": ("not_canceled", True)}

    def test_what_is_no_row_of_ours_is_passed_over(self) -> None:
        record = record_of_set(
            {}, [None, 7, {"order_id": 1}, row(1, "lost"), row(2, "canceled")], None
        )
        assert list(outcomes(record)) == ["2"]

    def test_a_set_too_large_for_them_is_said(self) -> None:
        record = record_of_set({"orders": 12_000}, None, None)
        assert record.lacking.startswith("12000 orders, and no list of them is in Airflow")

    def test_a_reference_of_a_custom_backend_is_said(self) -> None:
        assert "custom XCom backend" in record_of_set({"orders": 2}, "s3://x", None).lacking
        assert "custom XCom backend" in record_of_one("s3://x").lacking

    def test_one_order_is_a_set_of_one(self) -> None:
        result = {**row(7, "canceled", "CANCELED"), "confirmed_by": "answer", "correlation_id": "c"}
        assert outcomes(record_of_one(result)) == {"7": ("canceled", False)}
        assert record_of_one(None) == TaskRecord()


class TestAttention:
    RECORD = record_of_set(
        {"accepted": {"not_found": [4]}},
        [
            row(1, "canceled", "CANCELED"),
            row(2, "not_cancelable", "SHIPPED"),
            row(3, "unknown"),
            row(4, "not_found"),
        ],
        None,
    )

    def test_orders_in_doubt_come_first_and_those_that_are_fine_last(self) -> None:
        assert [one.order_id for one in self.RECORD.urgent_first()] == ["3", "2", "1", "4"]

    def test_an_accepted_outcome_needs_none(self) -> None:
        needing = [
            one.order_id for one in self.RECORD.standings if self.RECORD.needs_attention(one)
        ]
        assert needing == ["2", "3"]

    def test_the_counts_set_orders_in_doubt_apart(self) -> None:
        counts = counts_of([self.RECORD, self.RECORD])
        assert counts["unknown", True] == 2
        assert counts["canceled", False] == 2

    def test_an_order_is_found_by_the_name_and_by_the_id_it_led_to(self) -> None:
        one = Standing("number:1042", Outcome.CANCELED, looked_up_id="ab12")
        assert one.is_about({"number:1042"})
        assert one.is_about({"ab12"})
        assert not one.is_about({"1042"})
