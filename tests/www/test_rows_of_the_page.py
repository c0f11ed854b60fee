"""The content of the table: rows, counts, search, sequence, and which rows are drawn."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from node import in_node, needs_node

from airflow_provider_oms.cancellation.outcomes import Outcome

pytestmark = needs_node

COLUMNS = ["order_id", "outcome", "order_state", "reason"]


def page(**facts: Any) -> dict[str, Any]:
    empty = {"orders": 5, "outcomes": None, "columns": COLUMNS, "reasons": [], "rows": []}
    return {"accepted": [], "orders_that_deviate": 0, "dry_run": False, **empty, **facts}


def part(**facts: Any) -> dict[str, Any]:
    empty = {"mapIndex": -1, "isOver": True, "pages": [], "results": [], "page": None}
    return {
        **empty,
        "isWhole": False,
        "summary": None,
        "isSingle": False,
        "state": "success",
        **facts,
    }


def rows_of(one: dict[str, Any]) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = in_node("return rows.rowsOf(given);", one)
    return read


def row(order_id: Any, outcome: str = "canceled", **facts: Any) -> dict[str, Any]:
    return {"id": str(order_id), "map": -1, "outcome": outcome, "inDoubt": False, **facts}


def test_each_outcome_has_its_place_and_what_is_no_success_is_to_look_at() -> None:
    code = "return rows.OUTCOMES.map((outcome) => [outcome, rows.deviates(outcome)]);"
    known = dict(in_node(code))
    assert {one.value: not one.is_success for one in Outcome}.items() <= known.items()


def test_each_outcome_has_a_meaning() -> None:
    outcomes, meanings = in_node("return [rows.OUTCOMES, words.MEANINGS];")
    assert list(meanings) == outcomes
    assert all(meanings.values())


class TestRows:
    def test_the_report_adds_to_the_journal(self) -> None:
        details = [[2, "not_cancelable", "SHIPPED", 0]]
        reported = page(rows=details, reasons=["it has shipped"])
        known = [[["canceled", ["1"]], ["not_cancelable", ["2"]]]]
        one, other = rows_of(part(pages=known, page=reported))
        assert (one["id"], one["outcome"]) == ("1", "canceled")
        assert (other["id"], other["order_state"], other["reason"]) == (
            "2",
            "SHIPPED",
            "it has shipped",
        )

    @pytest.mark.parametrize(
        ("is_over", "outcome", "doubt"), [(True, "no_outcome", True), (False, "under_way", False)]
    )
    def test_an_intent_is_in_doubt_once_the_task_is_over(
        self, is_over: bool, outcome: str, doubt: bool
    ) -> None:
        (one,) = rows_of(part(pages=[[["no_outcome", ["1"]]]], isOver=is_over))
        assert (one["outcome"], one["inDoubt"]) == (outcome, doubt)

    def test_a_doubt_that_the_last_attempt_did_not_settle_stays(self) -> None:
        reported = page(rows=[["1", "not_attempted", None, 0]], reasons=["the run stopped"])
        (one,) = rows_of(part(pages=[[["unknown", ["1"]]]], page=reported))
        assert (one["outcome"], one["inDoubt"]) == ("not_attempted", True)

    def test_each_order_says_what_to_do(self) -> None:
        reported = page(
            columns=[*COLUMNS, "remark"],
            rows=[
                [2, "not_cancelable", "SHIPPED", 0, 1],
                [3, "not_cancelable", "HELD", 0, None],
                [4, "would_cancel", "SHIPPED", 0, 1],
            ],
            reasons=["because", "A shipped order needs a return."],
            remarks={"not_cancelable": "Look at the order.", "unknown": "Clear the task."},
        )
        known = [[["canceled", ["1"]], ["no_outcome", ["5"]]]]
        remarks = {
            row["id"]: row.get("remark") for row in rows_of(part(pages=known, page=reported))
        }
        assert remarks == {
            "1": None,
            "2": "A shipped order needs a return.",
            "3": "Look at the order.",
            "4": "A shipped order needs a return.",
            "5": "Clear the task.",
        }

    def test_what_the_attempt_before_told_holds_for_the_same_outcome_while_the_next_one_runs(
        self,
    ) -> None:
        told = page(
            rows=[[1, "not_cancelable", "SHIPPED", 0], [2, "unknown", None, 0]], reasons=["because"]
        )
        known = [[["not_cancelable", ["1"]], ["canceled", ["2"]]]]
        running = part(pages=known, page=page(), earlier=told, isOver=False)
        one, other = rows_of(running)
        assert (one["order_state"], one["reason"]) == ("SHIPPED", "because")
        assert (other["outcome"], other.get("reason")) == ("canceled", None)
        assert "reason" not in rows_of(running | {"isOver": True})[0]

    def test_a_single_order_is_a_row(self) -> None:
        (one,) = rows_of(part(results=[{"order_id": 7, "outcome": "canceled"}], isSingle=True))
        assert (one["id"], one["outcome"]) == ("7", "canceled")


class TestCounts:
    def counts(self, *parts: dict[str, Any]) -> dict[str, int]:
        code = "return rows.countsOf(given, given.map(rows.rowsOf));"
        return dict(in_node(code, list(parts)))

    def test_while_the_task_runs_they_are_those_of_the_journal(self) -> None:
        known = [[["canceled", ["1", "2"]], ["no_outcome", ["3"]]]]
        running = part(pages=known, page=page(orders=10), isOver=False, isWhole=True)
        assert self.counts(running) == {"canceled": 2, "under_way": 1, "not_begun": 7}
        assert self.counts(running | {"isOver": True})["not_begun"] == 7

    def test_without_a_whole_journal_an_order_that_it_does_not_name_may_be_begun(self) -> None:
        assert self.counts(part(page=page(orders=10), isOver=False)) == {"no_record": 10}

    def test_then_they_are_those_of_the_report(self) -> None:
        reported = page(outcomes={"canceled": 90, "not_attempted": 10})
        assert self.counts(part(page=reported)) == {"canceled": 90, "not_attempted": 10}

    def test_those_of_mapped_tasks_are_added_up(self) -> None:
        one = part(page=page(outcomes={"canceled": 3}))
        other = part(page=page(outcomes={"canceled": 4, "unknown": 1}), mapIndex=1)
        assert self.counts(one, other) == {"unknown": 1, "canceled": 7}

    def test_of_an_older_version_they_are_those_of_the_summary(self) -> None:
        assert self.counts(part(summary={"orders": 2, "outcomes": {"canceled": 2}})) == {
            "canceled": 2
        }


class TestSequence:
    def ids(self, rows: list[dict[str, Any]], sort: dict[str, Any]) -> list[str]:
        code = "return rows.sorted(given.rows, given.sort).map((row) => row.id);"
        found: list[str] = in_node(code, {"rows": rows, "sort": sort})
        return found

    def test_orders_to_look_at_come_first_and_those_in_doubt_before_them(self) -> None:
        rows = [
            row(1),
            row(2, "not_found"),
            row(3, "unknown", inDoubt=True),
            row(4, "not_attempted", inDoubt=True),
            row(5, "forbidden"),
        ]
        assert self.ids(rows, {}) == ["3", "4", "5", "2", "1"]

    def test_what_a_real_run_would_probably_not_cancel_comes_before_what_it_would(self) -> None:
        rows = [row(1, "would_cancel"), row(2, "would_cancel", remark="Remove it.")]
        assert self.ids(rows, {}) == ["2", "1"]

    def test_numbers_follow_each_other_as_numbers(self) -> None:
        rows = [row(order_id) for order_id in ("10", "9", "12345678901234567890", "b", "a")]
        expected = ["9", "10", "12345678901234567890", "a", "b"]
        assert self.ids(rows, {"column": "id"}) == expected
        assert self.ids(rows, {"column": "id", "descending": True}) == expected[::-1]

    def test_orders_without_a_value_come_last(self) -> None:
        rows = [row(1), row(2, order_state="SHIPPED"), row(3, order_state="OPEN")]
        assert self.ids(rows, {"column": "order_state"}) == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["1", "2", "34"]),
        (" 3 ", ["34"]),
        ("shipped", ["2"]),
        ("Not Cancelable", ["2"]),
        ("corr-9", ["34"]),
        ("undefined", []),
        ("in doubt", ["2"]),
        ("Doubt", ["2"]),
        ("1, 34", ["1", "34"]),
        ("1 2\n34", ["1", "2", "34"]),
        ("1;abc", ["1", "2"]),
        ("1, 3", ["1"]),
    ],
)
def test_a_search_looks_into_each_column(text: str, found: list[str]) -> None:
    rows = [
        row(1),
        row(2, "not_cancelable", reason="it has SHIPPED", inDoubt=True, looked_up_id="ABC"),
        row(34, correlation_id="corr-9"),
    ]
    code = "return rows.filtered(given.rows, { text: given.text }).map((row) => row.id);"
    assert in_node(code, {"rows": rows, "text": text}) == found


def test_outcomes_can_be_chosen() -> None:
    code = "return rows.filtered(given, { outcomes: new Set(['unknown']) }).map((row) => row.id);"
    assert in_node(code, [row(1), row(2, "unknown")]) == ["2"]


def test_those_in_doubt_can_be_chosen_whatever_their_outcome() -> None:
    code = "return rows.filtered(given, { onlyDoubt: true }).map((row) => row.id);"
    found = [row(1), row(2, "unknown", inDoubt=True), row(3, "not_attempted", inDoubt=True)]
    assert in_node(code, found) == ["2", "3"]


@pytest.mark.parametrize(
    ("listed", "shown", "said"),
    [
        (0, 0, "No order is listed."),
        (3, 1, None),
        (1200, 0, "None of the 1,200 listed orders matches the search and the filters."),
    ],
)
def test_an_empty_table_says_why(listed: int, shown: int, said: str | None) -> None:
    code = "return notices.emptiness(Array(given[0]), Array(given[1]));"
    assert in_node(code, [listed, shown]) == said


@pytest.mark.parametrize("count", [0, 1, 15, 100_000, 2_000_000])
def test_the_rows_in_sight_are_drawn_where_they_belong(count: int) -> None:
    code = """
    const place = { count: given, rowHeight: 34, viewHeight: 500, more: 8 };
    const height = Math.min(given * 34, 15_000_000);
    const found = [];
    for (let step = 0; step <= 50; step += 1) {
      const scrollTop = (Math.max(0, height - 500) * step) / 50;
      found.push({ ...rows.windowOf({ ...place, scrollTop }), scrollTop, height });
    }
    return found;
    """
    found = in_node(code, count)
    for one in found:
        drawn = one["last"] - one["first"]
        assert 0 <= one["first"] <= one["last"] <= count
        assert drawn <= 500 / 34 + 18
        # The view is covered by drawn rows, or holds all there are.
        assert one["before"] <= one["scrollTop"] + 1e-6
        end = one["before"] + drawn * 34
        assert end >= min(one["scrollTop"] + 500, one["height"]) - 1e-3
        assert one["before"] + drawn * 34 + one["after"] >= one["height"] - 1e-3
    assert found[0]["first"] == 0
    assert found[-1]["last"] == count


@pytest.mark.parametrize("row_chosen", [0, 7, 99_999, 1_234_567])
def test_a_chosen_row_is_scrolled_into_sight(row_chosen: int) -> None:
    code = """
    const place = { count: 2_000_000, rowHeight: 34, viewHeight: 500, more: 0 };
    const scrollTop = rows.scrollTo({ ...place, scrollTop: 3_000_000, row: given });
    return rows.windowOf({ ...place, scrollTop });
    """
    found = in_node(code, row_chosen)
    assert found["first"] <= row_chosen < found["last"]


class TestCsv:
    def read(self, *rows: dict[str, Any], dry_run: bool = False) -> list[dict[str, str]]:
        given = {"rows": rows, "isDryRun": dry_run}
        text = in_node("return csv.csvOf(given.rows, given);", given)
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def test_it_holds_what_is_known(self) -> None:
        (one,) = self.read(row(7, "unknown", inDoubt=True, reason='a "b", c\nd', http_status=409))
        assert one["Order"] == "7"
        assert one["Outcome"] == "unknown"
        assert one["In doubt"] == "true"
        assert one["Reason"] == 'a "b", c\nd'
        assert one["HTTP error"] == "409"
        assert one["State"] == ""

    def test_its_columns_are_called_as_the_details_of_an_order_are(self) -> None:
        (one,) = self.read(row(7) | {"map": 0})
        titles = in_node("return Object.keys(fields.FIELDS);")
        assert list(one) == ["Order", *(title for title in titles if title != "Meaning"), "Dry run"]

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1"])
    def test_no_text_is_a_formula(self, text: str) -> None:
        (one,) = self.read(row(7, reason=text))
        assert one["Reason"] == f"'{text}"

    def test_a_number_is_left_alone(self) -> None:
        one, other = self.read(row(7) | {"map": 0}, row(8, posts=-1))
        assert (one["Map index"], other["Map index"]) == ("0", "")
        assert other["Cancels sent in it"] == "-1"

    def test_a_task_that_is_not_mapped_has_no_map_index(self) -> None:
        assert "Map index" not in self.read(row(7))[0]

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_it_says_whether_it_was_a_dry_run(self, dry_run: bool) -> None:
        assert self.read(row(7), dry_run=dry_run)[0]["Dry run"] == str(dry_run).lower()


@pytest.mark.parametrize(
    ("facts", "dry_run"),
    [
        ({"page": page(dry_run=True)}, True),
        ({"page": page()}, False),
        ({"summary": {"dry_run": True}}, True),
        ({"results": [{"order_id": 7, "outcome": "would_cancel"}]}, True),
        ({}, False),
    ],
)
def test_a_dry_run_is_known_from_whatever_is_there(facts: dict[str, Any], dry_run: bool) -> None:
    assert in_node("return rows.isDryRun([given]);", part(**facts)) == dry_run


@pytest.mark.parametrize(
    ("status", "shown"), [(200, None), (None, None), (404, 404), (409, 409), (503, 503)]
)
def test_a_status_that_is_no_error_is_not_shown(status: int | None, shown: int | None) -> None:
    assert in_node("return fields.httpErrorOf(given);", row(7, http_status=status)) == shown


class TestTheLinkToKibo:
    @pytest.mark.parametrize(
        ("admin_url", "facts", "address"),
        [
            ("https://a.example/{order_id}#{order_id}", {}, "https://a.example/7#7"),
            ("https://a.example/", {}, "https://a.example/"),
            ("javascript:alert({order_id})", {}, None),
            (None, {}, None),
            ("https://a.example/{order_id}", {"id": "number:12"}, None),
            (
                "https://a.example/{order_id}",
                {"id": "number:12", "looked_up_id": "ab"},
                "https://a.example/ab",
            ),
        ],
    )
    def test_it_leads_to_a_web_page_of_the_order_only(
        self, admin_url: str | None, facts: dict[str, Any], address: str | None
    ) -> None:
        code = "return notices.addressOf(given.row, { page: { admin_url: given.admin_url } });"
        assert in_node(code, {"row": {**row(7), **facts}, "admin_url": admin_url}) == address


class TestWhatIsMissing:
    def said(self, *parts: dict[str, Any]) -> str:
        code = """
        const parts = given.map((part) => ({ ...part, missing: new Set(part.missing) }));
        const byPart = parts.map(rows.rowsOf);
        return notices.missingFrom(parts, byPart.flat(), rows.countsOf(parts, byPart));
        """
        return "\n".join(in_node(code, [{"missing": [], **one} for one in parts]))

    def test_nothing_is_said_where_all_is_there(self) -> None:
        known = [[["canceled", ["1"]]]]
        assert self.said(part(pages=known, page=page(outcomes={"canceled": 1}))) == ""

    def test_a_dry_run_says_why_orders_are_not_listed(self) -> None:
        reported = page(outcomes={"would_cancel": 2000}, dry_run=True)
        said = self.said(part(page=reported))
        assert "2,000 of the 2,000 orders are counted but not listed: a dry run" in said

    def test_orders_that_a_whole_journal_does_not_name_were_not_sent(self) -> None:
        reported = page(outcomes={"not_attempted": 3})
        whole, cut = part(page=reported, isWhole=True), part(page=reported, mapIndex=1)
        assert "not listed: no cancel was sent for them" in self.said(whole)
        assert "not listed: nothing about them is on record here" in self.said(whole, cut)

    def test_details_that_come_with_the_end_of_an_attempt_are_announced(self) -> None:
        known = [[["canceled", ["1"]], ["not_cancelable", ["2"]]]]
        announced = "are shown when the attempt ends"
        assert announced in self.said(part(pages=known, isOver=False))
        assert announced not in self.said(part(pages=known, isOver=True))
        assert announced not in self.said(part(pages=known[:0], isOver=False))

    def test_reasons_that_were_left_out_are_counted(self) -> None:
        said = self.said(part(page=page(orders_that_deviate=1500)))
        assert "Reasons are kept for 0 of the 1,500 orders" in said

    def test_what_the_viewer_may_not_read_is_named(self) -> None:
        said = self.said(part(missing=["report forbidden", "journal elsewhere"]))
        assert "You may not read this task's XComs" in said
        assert "[state_store] backend" in said
