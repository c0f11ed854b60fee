// The Orders page. Airflow imports this file, and shows the component that it leaves as
// AirflowPlugin; React is the one that Airflow provides.

import { apiAt, eachOf, read } from "./api.mjs";
import { csvOf } from "./csv.mjs";
import { addressOf, emptiness, meaningOf, missingFrom, startOf, statesOf, wordsOf } from "./notices.mjs";
import { placesOf } from "./places.mjs";
import { countsOf, deviates, filtered, isDryRun, isWarned, nameOf, rowsOf, sorted } from "./rows.mjs";
import { Details, Table } from "./table.mjs";
import { lastTasks, summaryOf } from "./tasks.mjs";
import { DOUBT, meaningOf as whatIs } from "./words.mjs";

const { createElement: h, useEffect, useMemo, useRef, useState } = globalThis.React;

const OPERATORS = [
  "OmsBulkCancelOrdersOperator",
  "OmsCancelDecoratedOperator",
  "OmsCancelOrderOperator",
];
const SECONDS = 3;
const STYLE = new URL("./orders.css", import.meta.url).href;

const numberOf = (number) => number.toLocaleString("en-US");
const get = apiAt(document.baseURI, (...request) => fetch(...request));

/** Return the orders of a task, read again and again until it is over. */
function useParts(target) {
  const [found, setFound] = useState({ parts: null, error: null, at: null });
  const key = JSON.stringify(target);
  useEffect(() => {
    let isGone = false;
    let timer;
    let parts = [];
    const look = async () => {
      const began = Date.now();
      let isDone = false;
      try {
        if (!document.hidden) {
          parts = await read(get, target, parts);
          if (isGone) return;
          setFound({ parts, error: null, at: new Date() });
          isDone = parts.length > 0 && parts.every((part) => part.isSettled);
        }
      } catch (error) {
        if (isGone) return;
        setFound((old) => ({ ...old, error }));
        isDone = error.status === 401 || error.status === 403;
      }
      // A large set takes the browser and the API server a while.
      const pause = Math.max(SECONDS * 1000, 5 * (Date.now() - began));
      if (!isDone) timer = setTimeout(look, pause);
    };
    look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [key]);
  return found;
}

function Bar({ counts }) {
  const said = counts.map(([outcome, number]) => `${numberOf(number)} ${nameOf(outcome)}`);
  return h(
    "div",
    { className: "oms-bar", role: "img", "aria-label": `Orders by outcome: ${said.join(", ")}` },
    counts.map(([outcome, number]) =>
      h("span", { key: outcome, className: `oms-fill oms-${outcome}`, style: { flexGrow: number } }),
    ),
  );
}

function Chip({ color, isOn, onClick, title, children }) {
  return h(
    "li",
    null,
    h(
      "button",
      { type: "button", "aria-pressed": isOn, onClick, title },
      h("i", { className: `oms-fill ${color}`, "aria-hidden": true }),
      children,
    ),
  );
}

function Legend({ counts, outcomes, onToggle, inDoubt, onlyDoubt, onDoubt }) {
  return h(
    "ul",
    { className: "oms-legend", "aria-label": "Show only orders with these outcomes" },
    inDoubt > 0 &&
      h(
        Chip,
        { color: "oms-unknown", isOn: onlyDoubt, onClick: onDoubt, title: DOUBT },
        `${numberOf(inDoubt)} in doubt`,
      ),
    counts.map(([outcome, number]) =>
      h(
        Chip,
        {
          key: outcome,
          color: `oms-${outcome}`,
          isOn: outcomes.has(outcome),
          onClick: () => onToggle(outcome),
          title: whatIs(outcome),
        },
        `${numberOf(number)} ${nameOf(outcome)}`,
      ),
    ),
  );
}

function Words({ counts, inDoubt }) {
  const word = (color, name, meaning) =>
    h("div", { key: name }, h("dt", { className: `oms-outcome ${color}` }, name), h("dd", null, meaning));
  return h(
    "details",
    { className: "oms-words" },
    h("summary", null, "Words and colors"),
    h(
      "dl",
      null,
      inDoubt > 0 && word("oms-unknown", "in doubt", DOUBT),
      counts.map(([outcome]) => word(`oms-${outcome}`, nameOf(outcome), whatIs(outcome))),
    ),
  );
}

function Banner({ parts }) {
  if (!isDryRun(parts)) return null;
  const warnings = parts.map((part) => part.summary?.warning).filter(Boolean);
  return h(
    "div",
    { className: "oms-dry-run" },
    h("p", null, h("strong", null, "Dry run"), " Nothing was canceled."),
    warnings.map((warning) => h("p", { key: warning, className: "oms-notice" }, warning)),
  );
}

function download(parts, rows, { dagId, runId, taskId }) {
  const name = `${dagId} ${runId} ${taskId}`.replace(/[^\w.-]+/g, "_");
  const text = csvOf(rows, { isDryRun: isDryRun(parts) });
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: `${name}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function Orders({ target }) {
  const { parts, error, at } = useParts(target);
  const [sort, setSort] = useState({ column: "outcome", descending: false });
  const [text, setText] = useState("");
  const [outcomes, setOutcomes] = useState(new Set());
  const [onlyDoubt, setOnlyDoubt] = useState(false);
  const [chosenKey, setChosen] = useState(null);

  const { rows, counts } = useMemo(() => {
    const byPart = (parts ?? []).map(rowsOf);
    return { rows: byPart.flat(), counts: countsOf(parts ?? [], byPart) };
  }, [parts]);
  const shown = useMemo(
    () => sorted(filtered(rows, { text, outcomes, onlyDoubt }), sort),
    [rows, text, outcomes, onlyDoubt, sort],
  );

  const failure = error && h("p", { className: "oms-notice oms-error", role: "alert" }, meaningOf(error));
  if (!parts) return failure ?? h("p", { role: "status" }, "Reading the orders …");

  const keyOf = (row) => row && `${row.map} ${row.id}`;
  const chosen = chosenKey === null ? null : (shown.find((row) => keyOf(row) === chosenKey) ?? null);
  const toggle = (outcome) => {
    const next = new Set(outcomes);
    if (!next.delete(outcome)) next.add(outcome);
    setOutcomes(next);
  };
  const onSort = (column) =>
    setSort({ column, descending: sort.column === column && !sort.descending });
  const isOver = parts.every((part) => part.isOver);
  const counted = counts.reduce((sum, [, number]) => sum + number, 0);
  const accepted = new Set(parts.flatMap((part) => part.page?.accepted ?? []));
  const isToLookAt = (row) =>
    isWarned(row) || (deviates(row.outcome) && !accepted.has(row.outcome));
  const toLookAt = rows.filter(isToLookAt).length;
  const inDoubt = rows.filter((row) => row.inDoubt).length;
  const empty = emptiness(rows, shown);
  const tenant = parts.map((part) => part.page?.tenant ?? part.tenant).find(Boolean);
  const stopped = parts.map((part) => part.page?.stopped).filter(Boolean);

  return [
    h(Banner, { key: "banner", parts }),
    h(
      "p",
      { key: "facts", className: "oms-facts" },
      h("strong", null, `${numberOf(counted)} ${counted === 1 ? "order" : "orders"}`),
      tenant && h("span", null, tenant),
      h("span", null, statesOf(parts)),
      h("span", null, startOf(parts)),
      !isOver && h("span", { className: "oms-live" }, `live, read at ${at.toLocaleTimeString()}`),
    ),
    failure && h("div", { key: "failure" }, failure),
    stopped.length > 0 &&
      h("p", { key: "stopped", className: "oms-notice" }, `The run stopped early: ${stopped[0]}`),
    ...missingFrom(parts, rows, counts).map((said) =>
      h("p", { key: said, className: "oms-notice" }, said),
    ),
    counts.length > 0 && h(Bar, { key: "bar", counts }),
    counts.length > 0 &&
      h(Legend, {
        key: "legend",
        counts,
        outcomes,
        onToggle: toggle,
        inDoubt,
        onlyDoubt,
        onDoubt: () => setOnlyDoubt(!onlyDoubt),
      }),
    counts.length > 0 && h(Words, { key: "words", counts, inDoubt }),
    h(
      "form",
      { key: "tools", className: "oms-tools", role: "search", onSubmit: (event) => event.preventDefault() },
      h("label", { htmlFor: "oms-search" }, "Search"),
      h("input", {
        id: "oms-search",
        type: "search",
        value: text,
        placeholder: "ids, outcome, in doubt, state, reason, correlation id",
        onChange: (event) => setText(event.target.value),
      }),
      h(
        "span",
        { role: "status" },
        `${numberOf(shown.length)} of ${numberOf(rows.length)} listed` +
          (toLookAt > 0 ? `, ${numberOf(toLookAt)} to look at` : ""),
      ),
      h(
        "button",
        { type: "button", disabled: shown.length === 0, onClick: () => download(parts, shown, target) },
        "Download CSV",
      ),
    ),
    empty && h("p", { key: "empty", className: "oms-notice" }, empty),
    h(
      "div",
      { key: "orders", className: "oms-orders" },
      h(Table, {
        rows: shown,
        sort,
        onSort,
        chosen,
        onChoose: (row) => setChosen(keyOf(row)),
        isMapped: parts.some((part) => part.mapIndex >= 0),
      }),
      chosen &&
        h(Details, {
          row: chosen,
          address: addressOf(chosen, parts.find((part) => part.mapIndex === chosen.map)),
          log: placesOf(document.baseURI, target, chosen.map).task,
          onClose: () => setChosen(null),
        }),
    ),
  ];
}

function Tasks() {
  const [found, setFound] = useState({ tasks: null, error: null });
  const [summaries, setSummaries] = useState({});
  useEffect(() => {
    let isGone = false;
    lastTasks(get, OPERATORS).then(
      async (tasks) => {
        setFound({ tasks, error: null });
        await eachOf(tasks, async (task) => {
          if (isGone) return;
          const summary = await summaryOf(get, task);
          setSummaries((old) => ({ ...old, [task.key]: summary }));
        });
      },
      (error) => setFound({ tasks: null, error }),
    );
    return () => (isGone = true);
  }, []);
  if (found.error) return h("p", { role: "alert" }, meaningOf(found.error));
  if (!found.tasks) return h("p", { role: "status" }, "Reading the tasks …");
  if (found.tasks.length === 0) return h("p", null, "No task has canceled orders yet.");
  const addressOfTask = (task) => {
    const query = new URLSearchParams({
      dag_id: task.dag_id,
      run_id: task.dag_run_id,
      task_id: task.task_id,
      map_index: task.map_index,
    });
    return `${location.pathname}?${query}`;
  };
  return h(
    "ul",
    { className: "oms-tasks" },
    found.tasks.map((task) =>
      h(
        "li",
        { key: task.key },
        h("a", { href: addressOfTask(task) }, `${task.dag_id}, ${task.task_id}, ${task.dag_run_id}`),
        h("span", null, wordsOf(task, summaries[task.key])),
      ),
    ),
  );
}

function targetOf(properties) {
  if (properties.dagId && properties.runId && properties.taskId) return properties;
  const query = new URLSearchParams(location.search);
  const [dagId, runId, taskId] = ["dag_id", "run_id", "task_id"].map((name) => query.get(name));
  return dagId && runId && taskId ? { dagId, runId, taskId, mapIndex: query.get("map_index") } : null;
}

/** Lead to the run and the task; a tab of the task is there already. */
function Ways({ target }) {
  const { run, task, instances } = placesOf(document.baseURI, target);
  // The page shows a mapped task as a whole, and each row leads to the log of its instance.
  const isMapped = Number(target.mapIndex ?? -1) >= 0;
  return h(
    "nav",
    { className: "oms-facts", "aria-label": "Where these orders come from" },
    h("a", { href: location.pathname }, "All tasks"),
    h("span", null, "Run ", h("a", { href: run }, target.runId)),
    h(
      "span",
      null,
      "Task ",
      h("a", { href: isMapped ? instances : task }, `${target.taskId} and its log`),
    ),
  );
}

function Page({ dagId, runId, taskId, mapIndex }) {
  const target = targetOf({ dagId, runId, taskId, mapIndex });
  const heading = useRef(null);
  const isPage = Boolean(target && !dagId);
  // A link of the list loads the page, and the focus is lost.
  useEffect(() => {
    if (isPage) heading.current.focus();
  }, []);
  return h(
    "div",
    { className: "oms-page" },
    h("link", { rel: "stylesheet", href: STYLE, precedence: "default" }),
    h(
      "h2",
      { ref: heading, tabIndex: -1 },
      isPage ? `Orders of ${target.dagId}, ${target.taskId}` : "Orders",
    ),
    isPage && h(Ways, { target }),
    target ? h(Orders, { key: JSON.stringify(target), target }) : h(Tasks),
  );
}

globalThis.AirflowPlugin = Page;
