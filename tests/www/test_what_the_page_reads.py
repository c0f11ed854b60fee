"""The page's requests to Airflow's API, and its handling of missing and refused answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from journal_store import Store
from journal_writer import Writer, canceled, ended
from node import in_node, needs_node

from airflow_provider_oms.cancellation.outcomes import Outcome

pytestmark = needs_node

TARGET = {"dagId": "d", "runId": "manual__2026-11-28T01:02:03+00:00", "taskId": "group.cancel"}
PATH = "dags/d/dagRuns/manual__2026-11-28T01%3A02%3A03%2B00%3A00/taskInstances/group.cancel"
HARNESS = """
const asked = [];
const answerTo = (answers) => async (path, query = {}) => {
  const at = query.map_index === undefined ? "" : ` ${query.map_index}`;
  const key = `${path}${at}`.replace(given.path, "");
  asked.push(key);
  const answer = answers[key];
  if (answer === undefined) throw new api.ApiError(404);
  if (typeof answer === "number") throw new api.ApiError(answer);
  const list = ["task_state_store", "task_instances"].find((name) => name in answer);
  if (!list) return answer;
  const page = answer[list].slice(query.offset ?? 0, (query.offset ?? 0) + query.limit);
  return { [list]: page, total_entries: answer[list].length };
};
let parts = [];
for (const answers of given.answers) {
  asked.length = 0;
  parts = await api.read(answerTo(answers), given.target, parts);
}
return {
  asked: [...asked],
  parts: parts.map((part) => ({
    ...part,
    missing: [...part.missing],
    rows: rows.rowsOf(part).map((row) => row.id),
  })),
};
"""


def instance(state: str = "success", map_index: int = -1, try_number: int = 1) -> dict[str, Any]:
    return {"state": state, "map_index": map_index, "try_number": try_number, "end_date": None}


def answers_of(
    one: dict[str, Any], store: Store | None = None, xcoms: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what Airflow answers about a task instance, by path."""
    at = one["map_index"]
    found: dict[str, Any] = {} if at >= 0 else {"": one}
    if store is not None:
        entries = [{"key": key, "value": store[key]} for key in sorted(store)]
        found[f"/state-store {at}"] = {"task_state_store": entries}
        found |= {f"/state-store/{entry['key']} {at}": entry for entry in entries}
    for key, value in (xcoms or {}).items():
        found[f"/xcomEntries/{key} {at}"] = {"value": value}
    return found


def read(*answers: dict[str, Any], map_index: Any = None) -> dict[str, Any]:
    target = TARGET | ({} if map_index is None else {"mapIndex": map_index})
    found: dict[str, Any] = in_node(HARNESS, {"answers": answers, "target": target, "path": PATH})
    return found


def read_one(*answers: dict[str, Any]) -> dict[str, Any]:
    (part,) = read(*answers)["parts"]
    found: dict[str, Any] = part
    return found


PAGE = {"version": 1, "orders": 2, "rows": [], "columns": [], "reasons": []}
SUMMARY = {"orders": 2, "outcomes": {"canceled": 2}}


def journal_of(*order_ids: int) -> Store:
    store = Store()
    writer = Writer(store, order_ids=range(1, 200))
    writer.write([], map(canceled, order_ids))
    return store


class TestAFinishedTask:
    def test_journal_and_report_are_read(self) -> None:
        xcoms = {"oms_orders": PAGE, "return_value": SUMMARY}
        part = read_one(answers_of(instance(), journal_of(1, 2), xcoms))
        assert part["rows"] == ["1", "2"]
        assert part["page"] == PAGE
        assert part["missing"] == []
        assert part["isWhole"]

    def test_a_journal_that_is_not_whole_is_none(self) -> None:
        store = journal_of(1)
        Writer(store, attempt=2, order_ids=[1, 2, 3]).write([2])
        assert not read_one(answers_of(instance(), store))["isWhole"]

    def test_a_journal_of_many_pages_is_read_in_their_sequence(self) -> None:
        store = Store()
        writer = Writer(store, order_ids=range(1, 40_000))
        for first in range(1, 40_000, 1000):
            writer.write([], map(canceled, range(first, min(first + 1000, 40_000))))
        assert store["oms_journal"]["pages"] > 10
        store.update({f"a_key_of_the_users_own_{number:03}": 1 for number in range(150)})
        part = read_one(answers_of(instance(), store, {"oms_orders": PAGE}))
        assert sorted(map(int, part["rows"])) == list(range(1, 40_000))

    def test_it_is_not_read_again(self) -> None:
        answers = answers_of(instance(), journal_of(1), {"oms_orders": PAGE})
        assert read(answers, answers)["asked"] == [""]

    def test_unless_it_has_ended_just_now_and_may_still_write(self) -> None:
        ended_at = datetime.now(UTC).isoformat()
        failed = instance("failed") | {"end_date": ended_at}
        before = answers_of(failed, journal_of(1))
        after = answers_of(failed, journal_of(1, 2), {"oms_orders": PAGE})
        part = read_one(before, after)
        assert (part["rows"], part["page"]) == (["1", "2"], PAGE)

    def test_a_single_order_needs_no_journal(self) -> None:
        result = {"order_id": 7, "outcome": "canceled"}
        link = "https://admin.example.com/7"
        xcoms = {"return_value": result, "oms_order_link": link}
        part = read_one(answers_of(instance(), Store(), xcoms))
        assert part["rows"] == ["7"]
        assert (part["isSingle"], part["link"]) == (True, link)


class TestATaskThatRuns:
    def test_only_what_can_change_is_read_again(self) -> None:
        store = Store()
        writer = Writer(store, order_ids=range(1, 20_000))
        for first in (1, 2001, 4001):
            writer.write([], map(canceled, range(first, first + 2000)))
        before = answers_of(instance("running"), store, {"oms_orders": PAGE})
        writer.write([], map(canceled, range(6001, 8001)))
        after = answers_of(instance("running"), store, {"oms_orders": PAGE})
        last = store["oms_journal"]["pages"] - 1
        assert last > 1
        found = read(before, after)
        assert sorted(map(int, found["parts"][0]["rows"])) == list(range(1, 8001))
        pages = [key for key in found["asked"] if "oms_journal_" in key]
        assert pages == [f"/state-store/oms_journal_{n} -1" for n in range(last - 1, last + 1)]

    def test_all_of_it_is_read_once_more_when_it_is_over(self) -> None:
        store = journal_of(1, 2)
        running, done = (answers_of(instance(state), store) for state in ("running", "failed"))
        assert "/state-store -1" in read(running, done)["asked"]

    def test_another_attempts_report_replaces_that_of_the_one_before(self) -> None:
        first = answers_of(instance("up_for_retry"), Store(), {"oms_orders": PAGE})
        second = answers_of(instance("running", try_number=2), Store())
        assert read_one(first, second)["page"] is None

    def test_what_the_attempt_before_told_is_kept_until_it_ends(self) -> None:
        told = PAGE | {
            "columns": ["order_id", "outcome", "order_state", "reason", "remark"],
            "rows": [[1, "not_cancelable", "SHIPPED", 0, None]],
            "reasons": ["because"],
        }
        store = Store()
        Writer(store).write([], [ended(1, Outcome.NOT_CANCELABLE), ended(2, Outcome.NOT_FOUND)])
        first = answers_of(instance("up_for_retry"), store, {"oms_orders": told})
        second = answers_of(instance("running", try_number=2), store, {"oms_orders": PAGE})
        part = read_one(first, second, second)
        assert part["page"]["rows"] == []
        assert part["earlier"] == told


class TestAMappedTask:
    def test_it_is_shown_as_a_whole(self) -> None:
        instances = [instance(map_index=number) for number in range(130)]
        answers = {"/listMapped": {"task_instances": instances}}
        for number, one in enumerate(instances):
            answers |= answers_of(one, journal_of(number + 1))
        for map_index in (None, "-1", "3"):
            parts = read(answers, map_index=map_index)["parts"]
            rows = [(part["mapIndex"], part["rows"]) for part in parts]
            assert rows == [(number, [str(number + 1)]) for number in range(130)]


class TestWhatIsMissing:
    def missing(self, answers: dict[str, Any]) -> list[str]:
        found: list[str] = read_one(answers)["missing"]
        return found

    def test_an_airflow_without_a_journal(self) -> None:
        assert self.missing(answers_of(instance(), None, {"oms_orders": PAGE})) == [
            "journal unknown"
        ]

    def test_a_task_that_keeps_no_journal_lacks_none(self) -> None:
        assert self.missing(answers_of(instance(), Store(), {"oms_orders": PAGE})) == []

    def test_a_journal_in_another_backend(self) -> None:
        store = Store()
        keys = ("oms_journal", "oms_journal_0")
        store.update({key: {"__airflow_state_ref__": f"s3://bucket/{key}"} for key in keys})
        answers = answers_of(instance(), store, {"oms_orders": PAGE})
        assert self.missing(answers) == ["journal elsewhere"]

    def test_a_report_in_another_backend(self) -> None:
        xcoms = {"oms_orders": "s3://bucket/xcom/1", "return_value": "s3://bucket/xcom/2"}
        assert self.missing(answers_of(instance(), Store(), xcoms)) == ["report elsewhere"]

    def test_a_report_that_never_came(self) -> None:
        assert self.missing(answers_of(instance("failed"), Store())) == ["report"]

    def test_a_page_that_is_damaged(self) -> None:
        store = journal_of(1)
        store["oms_journal_0"] = {"canceled:": "n???"}
        answers = answers_of(instance(), store, {"oms_orders": PAGE})
        assert self.missing(answers) == ["journal damaged"]

    @pytest.mark.parametrize("status", [401, 403])
    def test_what_the_viewer_may_not_read(self, status: int) -> None:
        answers = answers_of(instance(), journal_of(1), {"oms_orders": PAGE})
        answers["/xcomEntries/oms_orders -1"] = status
        part = read_one(answers)
        assert part["missing"] == ["report forbidden"]
        assert part["rows"] == ["1"]

    def test_an_api_that_fails_is_no_gap_but_an_error(self) -> None:
        answers = answers_of(instance(), journal_of(1))
        answers["/xcomEntries/oms_orders -1"] = 500
        given = {"answers": [answers], "target": TARGET, "path": PATH}
        code = f"try {{ {HARNESS} }} catch (error) {{ return error.message; }}"
        assert in_node(code, given) == "Airflow's API answered with status 500"


def test_a_json_value_that_comes_as_a_text_is_read() -> None:
    xcoms = {"oms_orders": '{"version": 1, "orders": 2, "rows": [], "columns": []}'}
    assert read_one(answers_of(instance(), Store(), xcoms))["page"]["orders"] == 2


def test_it_asks_under_the_base_path_and_with_the_session_of_the_viewer() -> None:
    code = """
    const seen = [];
    const fake = async (url, options) => {
      seen.push(String(url), options.credentials);
      return { ok: true, text: async () => '"answer"' };
    };
    const answer = await api.apiAt("https://airflow.example/base/", fake)("dags/d", { limit: 1 });
    return [...seen, answer];
    """
    assert in_node(code) == [
        "https://airflow.example/base/api/v2/dags/d?limit=1",
        "same-origin",
        "answer",
    ]


def test_no_order_id_is_rounded() -> None:
    value = {
        "ids": [9_007_199_254_740_993, 10**18 + 1, -(10**17), 7],
        "float": 0.12345678901234568,
        "text": 'a "1234567890123456789" \\ [1234567890123456789, 5]',
        "nested": {"order_id": 1_234_567_890_123_456_789},
    }
    read = in_node("return api.parsed(given);", json.dumps(value))
    assert read == value | {
        "ids": ["9007199254740993", "1000000000000000001", "-100000000000000000", 7],
        "nested": {"order_id": "1234567890123456789"},
    }


@pytest.mark.slow
def test_a_large_page_of_the_journal_is_parsed() -> None:
    value = {"value": {"canceled:": "n" + "x`{|}~" * 5000}}
    assert in_node("return api.parsed(given);", json.dumps(value)) == value
