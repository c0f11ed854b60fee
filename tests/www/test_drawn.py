"""The drawn page, as a tree of elements: a React of a few lines stands in for Airflow's."""

from __future__ import annotations

from typing import Any

import pytest
from node import WWW, in_node, needs_node

pytestmark = needs_node

# Components are called once, with the state that a test gives. Effects run where a test runs them.
# The modules keep the React that was there when they were first read, which serves every test.
REACT = """
globalThis.drawing = { given, effects: [], refOf: (current) => ({ current }) };
const stateOf = (initial) => {
  const name = ["parts", "tasks"].find((one) => Object.hasOwn(initial ?? {}, one));
  return name ? { ...initial, at: new Date(), [name]: drawing.given[name] } : initial;
};
globalThis.React ??= {
  createElement: (type, properties, ...children) =>
    typeof type === "function"
      ? type({ ...properties, children })
      : { type, ...properties, children: children.flat(Infinity).filter(Boolean) },
  useEffect: (effect) => drawing.effects.push(effect),
  useMemo: (make) => make(),
  useRef: (current) => drawing.refOf(current),
  useState: (initial) => [stateOf(initial), () => {}],
};
const table = await import(given.table);
const textOf = (node) =>
  typeof node === "object" ? node.children.map(textOf).join("") : String(node);
const allOf = (node, type) =>
  typeof node === "object"
    ? [...(node.type === type ? [node] : []), ...node.children.flatMap((one) => allOf(one, type))]
    : [];
"""


def drawn(code: str, **given: Any) -> Any:
    return in_node(REACT + code, {**given, "table": (WWW / "table.mjs").as_uri()})


def table(rows: list[dict[str, Any]], code: str, sort: dict[str, Any] | None = None) -> Any:
    draw = """
    const drawn = table.Table({ ...given, onSort: () => {}, onChoose: () => {}, chosen: null });
    """
    return drawn(draw + code, rows=rows, sort=sort or {"column": "outcome"})


def row(**facts: Any) -> dict[str, Any]:
    return {"id": "7", "map": -1, "outcome": "not_cancelable", "inDoubt": False, **facts}


def cells(one: dict[str, Any]) -> dict[str, str]:
    code = """
    const titles = allOf(drawn, "button").map((node) => node.children[0]);
    const body = allOf(drawn, "tbody")[0];
    const line = allOf(body, "tr").find((node) => node.id);
    return Object.fromEntries(line.children.map((node, at) => [titles[at], textOf(node)]));
    """
    found: dict[str, str] = table([one], code)
    return found


@pytest.mark.parametrize(
    ("sort", "signs"),
    [
        ({"column": "id", "descending": False}, ["▲", "↕", "↕"]),
        ({"column": "outcome", "descending": True}, ["↕", "▼", "↕"]),
    ],
)
def test_each_column_shows_that_it_sorts(sort: dict[str, Any], signs: list[str]) -> None:
    heads = table([], "return allOf(drawn, 'button').map(textOf);", sort)
    assert [head[-1] for head in heads[:3]] == signs
    assert all(head[-1] in "▲▼↕" for head in heads)


def test_a_status_without_an_error_is_not_beside_the_outcome() -> None:
    assert cells(row(http_status=200))["HTTP error"] == ""
    assert cells(row(http_status=409))["HTTP error"] == "409"


def test_a_dry_run_warns_in_the_row() -> None:
    warned = row(outcome="would_cancel", reason="it is open", remark="Remove it from the set.")
    assert cells(warned)["What to do"] == "Remove it from the set."
    assert cells(warned)["Reason"] == "it is open"


def test_a_word_for_an_outcome_is_explained_where_it_stands() -> None:
    code = "return allOf(drawn, 'span').filter((one) => one.title).map((one) => one.title);"
    assert table([row()], code) == ["The OMS does not cancel the order in its present state."]


def test_parts_of_an_order_are_not_shown_as_the_order() -> None:
    assert cells(row(outcome="canceled", parts=[]))["Outcome"] == "canceled, of parts"
    code = "return allOf(drawn, 'span').filter((one) => one.title).map((one) => one.title);"
    (title,) = table([row(outcome="canceled", parts=[])], code)
    assert title.endswith("This is about parts of the order only.")


def test_the_details_say_what_to_do_and_lead_to_the_log() -> None:
    code = """
    const shown = table.Details({ row: given.row, log: "https://a/log", address: null });
    return [textOf(shown), allOf(shown, "a").map((one) => [textOf(one), one.href])];
    """
    text, links = drawn(code, row=row(remark="A shipped order needs a return."))
    assert "What to doA shipped order needs a return." in text
    assert links == [["Log", "https://a/log"]]


PAGE = """
globalThis.location = { pathname: "/team/airflow/plugin/oms-orders", search: given.search };
globalThis.document = { baseURI: "https://h/team/airflow/" };
for (const part of given.parts ?? []) part.missing = new Set(part.missing);
for (const task of given.tasks ?? []) task.states = new Set(task.states);
await import(given.table.replace("table.mjs", "orders.mjs"));
const page = { children: [AirflowPlugin(given.properties ?? {})].flat(Infinity) };
const links = allOf(page, "a").map((one) => [textOf(one), one.href]);
return { text: textOf(page), links, buttons: allOf(page, "button").map(textOf) };
"""
SEARCH = "?dag_id=d&run_id=r%201&task_id=t&map_index="


def part(**facts: Any) -> dict[str, Any]:
    known = {"mapIndex": -1, "isOver": True, "state": "failed", "tryNumber": 1, "isWhole": True}
    times = {"runAfter": "2026-11-28T01:02:03Z", "startedAt": "2026-11-28T01:03:00Z"}
    empty: dict[str, Any] = {
        "pages": [],
        "results": [],
        "missing": [],
        "page": None,
        "summary": None,
    }
    return known | times | empty | facts


class TestThePage:
    def test_it_leads_back_to_the_run_and_the_task(self) -> None:
        page = drawn(PAGE, search=f"{SEARCH}-1", parts=[part()])
        assert "Orders of d, t" in page["text"]
        assert "attempt 1" in page["text"]
        assert "run of " in page["text"]
        assert page["links"] == [
            ["All tasks", "/team/airflow/plugin/oms-orders"],
            ["r 1", "https://h/team/airflow/dags/d/runs/r%201"],
            ["t and its log", "https://h/team/airflow/dags/d/runs/r%201/tasks/t"],
        ]

    def test_a_mapped_task_leads_to_its_instances(self) -> None:
        page = drawn(PAGE, search=f"{SEARCH}3", parts=[part(mapIndex=3)])
        assert page["links"][2][1].endswith("/tasks/t/mapped")

    def test_a_tab_of_a_task_has_no_way_back_to_it(self) -> None:
        target = {"dagId": "d", "runId": "r", "taskId": "t"}
        assert drawn(PAGE, search="", properties=target, parts=[part()])["links"] == []

    def test_orders_in_doubt_have_a_button_and_each_word_is_explained(self) -> None:
        pages = [[["unknown", ["1"]], ["no_outcome", ["2"]], ["canceled", ["3"]]]]
        page = drawn(PAGE, search=f"{SEARCH}-1", parts=[part(pages=pages)])
        assert page["buttons"][:4] == ["2 in doubt", "1 no outcome", "1 unknown", "1 canceled"]
        assert "Words and colors" in page["text"]
        assert "No order is listed." not in page["text"]

    def test_a_table_without_orders_says_so(self) -> None:
        assert "No order is listed." in drawn(PAGE, search=f"{SEARCH}-1", parts=[part()])["text"]

    def test_a_dry_run_shows_its_warning(self) -> None:
        summary = {"dry_run": True, "outcomes": {}, "warning": "1 of 2 would_cancel orders …"}
        page = drawn(PAGE, search=f"{SEARCH}-1", parts=[part(summary=summary)])
        assert "Nothing was canceled.1 of 2 would_cancel orders …" in page["text"]

    def test_a_dry_run_counts_what_a_real_one_would_probably_not_cancel(self) -> None:
        told = {
            "orders": 2,
            "dry_run": True,
            "columns": ["order_id", "outcome", "reason", "remark"],
            "rows": [[1, "would_cancel", 0, 1]],
            "reasons": ["it is open", "Remove it from the set."],
            "orders_that_deviate": 1,
        }
        results = [{"order_id": n, "outcome": "would_cancel"} for n in (1, 2)]
        page = drawn(PAGE, search=f"{SEARCH}-1", parts=[part(page=told, results=results)])
        assert "2 of 2 listed, 1 to look at" in page["text"]

    @pytest.mark.parametrize(("search", "count"), [(f"{SEARCH}-1", 1), ("", 0)])
    def test_after_a_link_of_the_list_the_heading_has_the_focus(
        self, search: str, count: int
    ) -> None:
        focus = """
        let focused = 0;
        drawing.refOf = () => ({ current: { focus: () => (focused += 1) } });
        """
        ran = PAGE.rpartition("const links")[0] + "drawing.effects[0](); return focused;"
        assert drawn(focus + ran, search=search, parts=[part()], tasks=[]) == count

    def test_without_a_task_it_lists_the_last_ones(self) -> None:
        ids = {"dag_id": "d", "dag_run_id": "r", "task_id": "t", "map_index": -1}
        page = drawn(PAGE, search="", tasks=[ids | {"key": "k", "states": ["success"]}])
        assert page["text"] == "Ordersd, t, rsuccess"
        ((_, address),) = page["links"]
        assert address.endswith("?dag_id=d&run_id=r&task_id=t&map_index=-1")


def test_the_focused_table_has_an_outline_that_its_box_does_not_cut_off() -> None:
    style = (WWW / "orders.css").read_text(encoding="utf-8")
    assert '.oms-box:has([role="grid"]:focus-visible) { outline: 2px' in style
