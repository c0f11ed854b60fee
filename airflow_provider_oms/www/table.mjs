// Draw the table: a grid of which only the rows in sight are there.

import { FIELDS, httpErrorOf, stateOf } from "./fields.mjs";
import { nameOf, scrollTo, windowOf } from "./rows.mjs";
import { meaningIn } from "./words.mjs";

const { createElement: h, useEffect, useRef, useState } = globalThis.React;

const ROW = 34;
const HEAD = 36;
const LOWEST = 260;
const BELOW = 24;

const COLUMNS = [
  { name: "id", title: "Order", width: 150 },
  { name: "map", title: "Map index", width: 116, isMapped: true },
  { name: "outcome", title: "Outcome", width: 150 },
  { name: "inDoubt", title: "In doubt", width: 104 },
  { name: "order_state", title: "State", width: 130 },
  { name: "remark", title: "What to do", width: 264 },
  { name: "reason", title: "Reason", width: 0 },
  { name: "http_status", title: "HTTP error", width: 120 },
  { name: "attempts", title: "Attempt", width: 104 },
];

function cellOf(row, column) {
  switch (column.name) {
    case "outcome":
      return h(
        "span",
        { className: `oms-outcome oms-${row.outcome}`, title: meaningIn(row) },
        nameOf(row.outcome) + (row.parts ? ", of parts" : ""),
      );
    case "inDoubt":
      return row.inDoubt ? h("strong", { className: "oms-doubt" }, "in doubt") : "";
    case "order_state":
      return stateOf(row);
    case "http_status":
      return httpErrorOf(row) ?? "";
    default:
      return row[column.name] ?? "";
  }
}

/** Columns whose texts may be longer than there is room for. */
const LONG = new Set(["remark", "reason"]);

/** Return the sign of a column: that it sorts, or how it is sorted. */
function signOf(column, sort) {
  if (sort.column !== column.name) return " ↕";
  return sort.descending ? " ▼" : " ▲";
}

export function Head({ column, sort, onSort }) {
  const isSorted = sort.column === column.name;
  const direction = sort.descending ? "descending" : "ascending";
  return h(
    "th",
    {
      scope: "col",
      "aria-sort": isSorted ? direction : "none",
      style: column.width ? { width: column.width } : undefined,
    },
    h(
      "button",
      { type: "button", onClick: () => onSort(column.name) },
      column.title,
      h("span", { "aria-hidden": true }, signOf(column, sort)),
    ),
  );
}

/** Show rows; the arrow keys choose one of them. */
export function Table({ rows, sort, onSort, chosen, onChoose, isMapped }) {
  const box = useRef(null);
  const [view, setView] = useState({ scrollTop: 0, viewHeight: 480 });
  useEffect(() => {
    const look = () => {
      const room = innerHeight - box.current.getBoundingClientRect().top - BELOW;
      box.current.style.height = `${Math.max(LOWEST, room)}px`;
      const { clientHeight, scrollTop } = box.current;
      setView({ scrollTop, viewHeight: clientHeight - HEAD });
    };
    look();
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, [rows.length]);

  const columns = COLUMNS.filter((column) => isMapped || !column.isMapped);
  const place = { count: rows.length, rowHeight: ROW, ...view };
  const { first, last, before, after } = windowOf(place);
  const at = rows.findIndex((row) => row === chosen);

  const choose = (row) => {
    const next = Math.max(0, Math.min(rows.length - 1, row));
    onChoose(rows[next]);
    box.current.scrollTop = scrollTo({ ...place, row: next });
  };
  const onKeyDown = (event) => {
    const page = Math.max(1, Math.floor(view.viewHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const ends = { Home: 0, End: rows.length - 1 };
    if (event.target.closest("button, a") || rows.length === 0) return;
    if (event.key in steps) choose(at < 0 ? 0 : at + steps[event.key]);
    else if (event.key in ends) choose(ends[event.key]);
    else if (event.key === "Escape") onChoose(null);
    else return;
    event.preventDefault();
  };

  const body = rows.slice(first, last).map((row, offset) => {
    const index = first + offset;
    return h(
      "tr",
      {
        key: `${row.map} ${row.id}`,
        id: `oms-row-${index}`,
        "aria-rowindex": index + 2,
        "aria-selected": row === chosen,
        className: row.inDoubt ? "oms-is-doubt" : undefined,
        onClick: () => onChoose(row),
      },
      columns.map((column, number) =>
        h(
          number === 0 ? "th" : "td",
          {
            key: column.name,
            scope: number === 0 ? "row" : undefined,
            title: LONG.has(column.name) ? row[column.name] : undefined,
          },
          cellOf(row, column),
        ),
      ),
    );
  });
  const room = (key, height) =>
    h("tr", { key, "aria-hidden": true, className: "oms-room" }, h("td", { colSpan: columns.length, style: { height } }));

  return h(
    "div",
    {
      className: "oms-box",
      ref: box,
      onScroll: () => setView((old) => ({ ...old, scrollTop: box.current.scrollTop })),
    },
    h(
      "table",
      {
        role: "grid",
        tabIndex: 0,
        "aria-label": "Orders",
        "aria-rowcount": rows.length + 1,
        "aria-colcount": columns.length,
        "aria-activedescendant": at >= first && at < last ? `oms-row-${at}` : undefined,
        onKeyDown,
      },
      h(
        "thead",
        null,
        h(
          "tr",
          { "aria-rowindex": 1 },
          columns.map((column) => h(Head, { key: column.name, column, sort, onSort })),
        ),
      ),
      h("tbody", null, room("before", before), body, room("after", after)),
    ),
  );
}

/** Show all that is known of one order. */
export function Details({ row, address, log, onClose }) {
  const known = Object.entries(FIELDS)
    .map(([name, of]) => [name, of(row)])
    .filter(([, value]) => value != null && value !== "");
  return h(
    "section",
    { className: "oms-details", "aria-label": `Order ${row.id}`, "aria-live": "polite" },
    h(
      "header",
      null,
      h("h3", null, `Order ${row.id}`),
      address &&
        h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, "Open in Kibo"),
      h("a", { href: log }, "Log"),
      h("button", { type: "button", onClick: onClose, "aria-label": "Close the details" }, "×"),
    ),
    h(
      "dl",
      null,
      known.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
    ),
  );
}
