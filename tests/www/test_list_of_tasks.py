"""The page that was asked for no task lists the last ones, and says where a task is."""

from __future__ import annotations

from typing import Any

import pytest
from node import in_node, needs_node

pytestmark = needs_node

RUN = "manual__2026-11-28T01:02:03+00:00"


def task(**facts: Any) -> dict[str, Any]:
    known = {"dag_id": "d", "dag_run_id": RUN, "task_id": "t", "map_index": -1, "state": "success"}
    return {**known, "operator_name": "A", "start_date": "2026-01-02T00:00:00Z", **facts}


class TestTheLastTasks:
    def last(self, **by_operator: list[dict[str, Any]]) -> list[dict[str, Any]]:
        code = """
        const get = async (path, query) => ({ task_instances: given[query.operator] });
        const last = await tasks.lastTasks(get, Object.keys(given));
        return last.map((task) => ({ ...task, states: [...task.states] }));
        """
        found: list[dict[str, Any]] = in_node(code, by_operator)
        return found

    def test_they_are_those_of_our_operators(self) -> None:
        one = task(run_id="1")
        other = task(task_id="u", operator_name=None, operator="B", start_date="2026-01-03")
        # An Airflow that does not know the filter gives every task.
        found = self.last(A=[one], B=[other, task(operator_name="Other")])
        assert [each["start_date"] for each in found] == ["2026-01-03", one["start_date"]]

    def test_a_mapped_task_is_one_line(self) -> None:
        mapped = [task(map_index=n, state="failed" if n == 7 else "success") for n in range(60)]
        found = self.last(A=[*mapped, task(task_id="u", start_date="2025-01-01")])
        assert [each["task_id"] for each in found] == ["t", "u"]
        assert found[0]["states"] == ["success", "failed"]

    def test_they_are_fifty_at_most(self) -> None:
        assert len(self.last(A=[task(task_id=f"t{n}") for n in range(100)])) == 50


class TestWhatATaskTold:
    def told(self, one: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        code = """
        const get = async (path, query) => {
          const key = path.split("/").at(-1);
          if (!(key in given.values)) throw new api.ApiError(403);
          return { value: given.values[key] };
        };
        return tasks.summaryOf(get, given.task);
        """
        found: dict[str, Any] = in_node(code, {"task": one, "values": values})
        return found

    def test_its_summary_has_what_is_to_be_looked_at(self) -> None:
        summary = {
            "dry_run": False,
            "outcomes": {"canceled": 9, "not_found": 2, "unknown": 1},
            "accepted": {"not_found": [1, 2]},
        }
        assert self.told(task(), {"return_value": summary}) == {"isDryRun": False, "toLookAt": 1}

    def test_while_it_runs_its_outcomes_are_not_known(self) -> None:
        page: dict[str, Any] = {"dry_run": True, "outcomes": None, "accepted": []}
        told = self.told(task(state="running"), {"oms_orders": page})
        assert told == {"isDryRun": True, "toLookAt": None}

    def test_a_mapped_task_is_not_counted(self) -> None:
        summary = {"dry_run": False, "outcomes": {"unknown": 1}, "accepted": {}}
        told = self.told(task(map_index=3), {"return_value": summary})
        assert told == {"isDryRun": False, "toLookAt": None}

    @pytest.mark.parametrize(
        ("outcome", "dry_run", "count"),
        [("canceled", None, 0), ("not_found", None, 1), ("would_cancel", True, 0)],
    )
    def test_a_single_order_tells_by_its_outcome(
        self, outcome: str, dry_run: bool | None, count: int
    ) -> None:
        told = self.told(task(), {"return_value": {"order_id": 1, "outcome": outcome}})
        assert told == {"isDryRun": dry_run, "toLookAt": count}

    def test_one_that_cannot_be_read_is_listed_all_the_same(self) -> None:
        assert self.told(task(), {}) == {"isDryRun": None, "toLookAt": None}


def test_a_line_of_the_list_says_what_is_known() -> None:
    code = """
    process.env.TZ = "Europe/Berlin";
    const task = { ...given.task, states: new Set(given.states) };
    return notices.wordsOf(task, given.summary);
    """
    given = {"task": task(), "states": ["success"], "summary": {"isDryRun": True, "toLookAt": 3}}
    state, kind, start, count = in_node(code, given).split(" · ")
    assert (state, kind, count) == ("success", "dry run", "3 to look at")
    assert "1:00:00" in start
    mapped = {"task": task(map_index=1, start_date=None), "states": ["success", "failed"]}
    assert in_node(code, mapped) == "mapped: success, failed"


def test_a_start_is_readable_and_in_local_time() -> None:
    code = """
    process.env.TZ = "Europe/Berlin";
    return notices.startOf(given);
    """
    parts = [
        {"runAfter": "2026-11-28T01:02:03Z", "startedAt": "2026-11-28T05:00:00Z"},
        {"runAfter": "2026-11-28T01:02:03Z", "startedAt": "2026-11-28T04:00:00Z"},
        {"runAfter": "2026-11-28T01:02:03Z", "startedAt": None},
    ]
    run, start = in_node(code, parts).split(", started ")
    assert "2:02:03" in run
    assert "5:00:00" in start
    assert in_node(code, [{}]) == ""


@pytest.mark.parametrize("base", ["https://airflow.example/", "https://h/team/airflow/"])
def test_run_and_task_are_found_under_the_base_path(base: str) -> None:
    code = "return places.placesOf(given.base, given.target, given.mapIndex);"
    target = {"dagId": "d e", "runId": RUN, "taskId": "group.cancel"}
    run = f"{base}dags/d%20e/runs/manual__2026-11-28T01%3A02%3A03%2B00%3A00"
    places = in_node(code, {"base": base, "target": target})
    task_at = f"{run}/tasks/group.cancel"
    assert places == {"run": run, "task": task_at, "instances": f"{task_at}/mapped"}
    mapped = in_node(code, {"base": base, "target": target, "mapIndex": 7})
    assert mapped["task"] == f"{task_at}/mapped/7"
