// The table's content, without drawing: rows from the values read, counts, filters, sorting.

import { isInDoubt } from "./journal.mjs";

/** The outcomes, first those that a person has to look at. */
export const OUTCOMES = [
  "no_outcome",
  "unknown",
  "not_canceled",
  "partially_canceled",
  "forbidden",
  "refused",
  "not_cancelable",
  "not_found",
  "not_attempted",
  "under_way",
  "not_begun",
  "no_record",
  "would_cancel",
  "canceled",
  "already_canceled",
];

const SUCCESSES = new Set(["canceled", "already_canceled", "would_cancel"]);
const UNFINISHED = new Set(["under_way", "not_begun", "no_record"]);
const RANKS = new Map(OUTCOMES.map((outcome, rank) => [outcome, rank]));

/** Return whether an order with this outcome is one that a person looks for. */
export const deviates = (outcome) => !SUCCESSES.has(outcome) && !UNFINISHED.has(outcome);

/** Return whether a real run would probably not cancel an order that a dry run would. */
export const isWarned = (row) => row.outcome === "would_cancel" && Boolean(row.remark);

/** Return an outcome as people read it. */
export const nameOf = (outcome) =>
  ({ no_record: "not on record" })[outcome] ?? outcome.replaceAll("_", " ");

// How the journal names the cancellation of parts of an order; cancellation/bulk/part_entries.py.
const OF_PARTS = /\/parts:[0-9a-f]*$/;

/** Return the journal's name for the subject of a result, except for the digest. */
const nameIn = (known) => `${known.order_id}${known.parts ? "/parts:" : ""}`;

/** Return the rows of one task instance. */
export function rowsOf(part) {
  const rows = new Map();
  const row = (name) => {
    const key = name.replace(OF_PARTS, "/parts:");
    const id = name.replace(OF_PARTS, "");
    let found = rows.get(key);
    if (!found) rows.set(key, (found = { id, map: part.mapIndex, outcome: "", inDoubt: false }));
    if (key !== id) found.parts ??= [];
    return found;
  };
  for (const page of part.pages) {
    for (const [recorded, ids] of page) {
      const outcome = recorded === "no_outcome" && !part.isOver ? "under_way" : recorded;
      for (const id of ids) {
        Object.assign(row(id), { outcome, inDoubt: isInDoubt(outcome) });
      }
    }
  }
  // While an attempt runs, the report of the one before holds for outcomes that are still the same.
  for (const known of detailsOf(part.isOver ? null : part.earlier)) {
    const found = rows.get(nameIn(known));
    if (found?.outcome === known.outcome) {
      Object.assign(found, known, { id: String(known.order_id) });
    }
  }
  for (const known of [...part.results, ...detailsOf(part.page)]) {
    const found = row(nameIn(known));
    // The journal keeps an earlier doubt that the last attempt has not settled.
    const inDoubt = found.inDoubt || isInDoubt(known.outcome);
    Object.assign(found, known, { id: String(known.order_id), inDoubt });
  }
  const remarks = part.page?.remarks ?? {};
  for (const found of rows.values()) {
    // An attempt that ended without an outcome leaves the same doubt as an unknown one.
    found.remark ??= remarks[found.outcome === "no_outcome" ? "unknown" : found.outcome];
  }
  return [...rows.values()];
}

function detailsOf(page) {
  if (!page) return [];
  return page.rows.map((values) => {
    const row = Object.fromEntries(page.columns.map((name, at) => [name, values[at]]));
    return { ...row, reason: page.reasons[row.reason], remark: page.reasons[row.remark] };
  });
}

/** Return whether a task only shows the orders it would cancel. */
export const isDryRun = (parts) =>
  parts.some(({ page, summary, results }) =>
    Boolean((page ?? summary)?.dry_run || results.some((row) => row.outcome === "would_cancel")),
  );

/** Return how many orders a task instance has; null while that is not known. */
function totalOf(part) {
  return part.page?.orders ?? part.summary?.orders ?? (part.isSingle ? 1 : null);
}

/** Return how many orders of all task instances have which outcome. */
export function countsOf(parts, rowsByPart) {
  const counts = new Map();
  const add = (outcome, number) => {
    if (number > 0) counts.set(outcome, (counts.get(outcome) ?? 0) + number);
  };
  parts.forEach((part, at) => {
    const reported = part.isOver && (part.page?.outcomes ?? part.summary?.outcomes);
    if (reported) {
      Object.entries(reported).forEach(([outcome, number]) => add(outcome, number));
    } else {
      rowsByPart[at].forEach((row) => add(row.outcome, 1));
      // That an order is not on record says nothing unless the record is whole.
      add(part.isWhole ? "not_begun" : "no_record", (totalOf(part) ?? 0) - rowsByPart[at].length);
    }
  });
  return OUTCOMES.filter((outcome) => counts.has(outcome)).map((outcome) => [
    outcome,
    counts.get(outcome),
  ]);
}

const SEARCHED = [
  "id",
  "looked_up_id",
  "order_state",
  "order_status",
  "reason",
  "remark",
  "oms_code",
  "correlation_id",
];

/** Return a test for a text that a person searches for: words in a row, or ids in a list. */
function searchFor(text) {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return () => true;
  const ids = new Set(wanted.split(/[\s,;]+/));
  const isNamed = (id) => id != null && ids.has(String(id).toLowerCase());
  const has = (value) => value != null && String(value).toLowerCase().includes(wanted);
  return (row) =>
    has(nameOf(row.outcome)) ||
    (row.inDoubt && has("in doubt")) ||
    SEARCHED.some((name) => has(row[name])) ||
    (ids.size > 1 && (isNamed(row.id) || isNamed(row.looked_up_id)));
}

/** Return the rows that a person has asked for. */
export function filtered(rows, { text = "", outcomes = new Set(), onlyDoubt = false }) {
  const isFound = searchFor(text);
  return rows.filter(
    (row) =>
      (!onlyDoubt || row.inDoubt) &&
      (outcomes.size === 0 || outcomes.has(row.outcome)) &&
      isFound(row),
  );
}

function compareTexts(one, other) {
  const areNumbers = /^\d+$/.test(one) && /^\d+$/.test(other);
  if (areNumbers && one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : Number(one > other);
}

function compareValues(one, other) {
  // Rows that have no such value come last.
  if (one == null || other == null) return Number(one == null) - Number(other == null);
  return compareTexts(String(one), String(other));
}

function rankOf(row) {
  if (row.inDoubt) return 0;
  return RANKS.get(isWarned(row) ? "not_attempted" : row.outcome) ?? 0;
}

/** Return rows in the sequence of a column; by outcome, those to look at come first. */
export function sorted(rows, { column = "outcome", descending = false } = {}) {
  const sign = descending ? -1 : 1;
  const compare = (one, other) =>
    column === "outcome"
      ? rankOf(one) - rankOf(other)
      : column === "inDoubt"
        ? Number(other.inDoubt) - Number(one.inDoubt)
        : compareValues(one[column], other[column]);
  return [...rows].sort(
    (one, other) =>
      sign * compare(one, other) || one.map - other.map || compareTexts(one.id, other.id),
  );
}

// Browsers draw no element that is much higher.
const HIGHEST = 15_000_000;

/** Return which rows are in sight, and the room above and below them, in pixels. */
export function windowOf({ count, rowHeight, viewHeight, scrollTop, more = 8 }) {
  const full = count * rowHeight;
  const height = Math.min(full, HIGHEST);
  const scale = height > viewHeight ? (full - viewHeight) / (height - viewHeight) : 1;
  const top = Math.max(0, Math.min(scrollTop, height - viewHeight)) * scale;
  const first = Math.max(0, Math.floor(top / rowHeight) - more);
  const last = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + more);
  const shown = (last - first) * rowHeight;
  const before = Math.max(0, first * rowHeight - (top - top / scale));
  return { first, last, before, after: Math.max(0, height - before - shown) };
}

/** Return how far to scroll so that a row is in sight. */
export function scrollTo({ row, count, rowHeight, viewHeight, scrollTop }) {
  const full = count * rowHeight;
  const height = Math.min(full, HIGHEST);
  const scale = height > viewHeight ? (full - viewHeight) / (height - viewHeight) : 1;
  const top = scrollTop * scale;
  const highest = row * rowHeight;
  const lowest = Math.max(0, highest + rowHeight - viewHeight);
  return Math.min(Math.max(top, lowest), highest) / scale;
}
