// The sentences of the page: its content, the missing parts, and the reasons.

import { momentOf } from "./places.mjs";
import { deviates } from "./rows.mjs";

const numberOf = (number) => number.toLocaleString("en-US");

const SAID = {
  "journal forbidden": "You may not read this task's instances in Airflow, so its journal is not shown.",
  "journal unknown":
    "This Airflow keeps no journal (Airflow 3.3 and later do), so only orders that the task " +
    "reported at its end are listed.",
  "journal elsewhere":
    "The journal is kept outside Airflow's database ([state_store] backend), where this page " +
    "cannot read it.",
  "journal damaged": "A part of the journal cannot be read, so orders may be missing.",
  "report forbidden":
    "You may not read this task's XComs in Airflow, so reasons and states are not shown.",
  "report elsewhere":
    "The report is kept outside Airflow's database (a custom XCom backend), where this page " +
    "cannot read it.",
  report:
    "The task left no report: it was ended before it could, or do_xcom_push is off. Outcomes come " +
    "from the journal.",
};

/** Return the sentences about missing parts. */
export function missingFrom(parts, rows, counts) {
  const said = [...new Set(parts.flatMap((part) => [...part.missing]))].map((what) => SAID[what]);
  const deviating = parts.reduce((sum, part) => sum + (part.page?.orders_that_deviate ?? 0), 0);
  const detailed = parts.reduce((sum, part) => sum + (part.page?.rows.length ?? 0), 0);
  if (detailed < deviating) {
    said.push(
      `Reasons are kept for ${numberOf(detailed)} of the ${numberOf(deviating)} orders that are ` +
        "not canceled.",
    );
  }
  const isRunning = parts.some((part) => !part.isOver);
  if (isRunning && rows.some((row) => deviates(row.outcome) && row.reason == null)) {
    said.push("State, reason and HTTP error of some orders are shown when the attempt ends.");
  }
  const counted = counts.reduce((sum, [, number]) => sum + number, 0);
  const isOver = parts.length > 0 && parts.every((part) => part.isOver);
  if (isOver && rows.length < counted) {
    said.push(
      `${numberOf(counted - rows.length)} of the ${numberOf(counted)} orders are counted but not ` +
        `listed: ${whyNotListed(parts)}`,
    );
  }
  return said;
}

function whyNotListed(parts) {
  if (parts.some((part) => part.page?.dry_run)) {
    return "a dry run keeps no journal. Give results_path for a file with all of them.";
  }
  return parts.every((part) => part.isWhole)
    ? "no cancel was sent for them, so the journal does not name them."
    : "nothing about them is on record here.";
}

/** Return why the table is empty, or null where it is not. */
export function emptiness(rows, shown) {
  if (shown.length > 0) return null;
  if (rows.length === 0) return "No order is listed.";
  return `None of the ${numberOf(rows.length)} listed orders matches the search and the filters.`;
}

/** Return the meaning of an error in a sentence. */
export function meaningOf(error) {
  if (error.status === 401) return "Your session has ended. Log in again.";
  if (error.status === 403) return "Airflow does not let you read this task.";
  return `The orders cannot be read: ${error.message}`;
}

/** Return how many task instances are in which state. */
export function statesOf(parts) {
  const counts = new Map();
  parts.forEach(({ state }) => {
    const name = state ?? "no state";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  if (parts.length === 1) return `Task: ${[...counts.keys()][0]}, attempt ${parts[0].tryNumber}`;
  const each = [...counts].map(([state, number]) => `${number} ${state}`);
  return `${parts.length} mapped tasks: ${each.join(", ")}`;
}

/** Return when the run was due and the attempt began; the earliest one of a mapped task. */
export function startOf(parts) {
  const run = parts.map((part) => part.runAfter).find(Boolean);
  const [start] = parts.map((part) => part.startedAt).filter(Boolean).sort();
  const said = [run && `run of ${momentOf(run)}`, start && `started ${momentOf(start)}`];
  return said.filter(Boolean).join(", ");
}

/** Return the known facts about a task in the list, in words. */
export function wordsOf(task, { isDryRun = null, toLookAt = null } = {}) {
  const states = [...task.states].join(", ");
  return [
    task.map_index >= 0 ? `mapped: ${states}` : states,
    isDryRun !== null && (isDryRun ? "dry run" : "real run"),
    task.start_date && `started ${momentOf(task.start_date)}`,
    toLookAt !== null && `${numberOf(toLookAt)} to look at`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Return the address of an order in Kibo's admin, or null. */
export function addressOf(row, part) {
  // A number is no id, so that the admin may not know it.
  const id = row.looked_up_id ?? (row.id.includes(":") ? null : row.id);
  const template = part?.link ?? part?.page?.admin_url;
  if (!template || id === null) return null;
  const address = template.replaceAll("{order_id}", encodeURIComponent(id));
  return /^https?:\/\//i.test(address) ? address : null;
}
