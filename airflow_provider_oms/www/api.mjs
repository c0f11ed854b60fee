// Read what Airflow knows of a task's orders, over its own API and as the person who looks at it.

import { decodePage } from "./journal.mjs";

const JOURNAL = "oms_journal";
const PAGE = "oms_orders";
const MOST = 100;
const AT_A_TIME = 6;
const SETTLES = 20_000;
const OVER = new Set(["success", "failed", "skipped", "upstream_failed", "removed"]);

/** Report an answer of Airflow's API that is none. */
export class ApiError extends Error {
  constructor(status) {
    super(`Airflow's API answered with status ${status}`);
    this.status = status;
  }
}

const TOKENS = /"(?:[^"\\]+|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parse JSON; an integer that JavaScript would round becomes a text, for it may be an order's id. */
export const parsed = (json) =>
  JSON.parse(json.replace(TOKENS, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token)));

/** Return what reads one path of Airflow's API. */
export function apiAt(base, fetch) {
  return async (path, query = {}) => {
    const url = new URL(`api/v2/${path}`, base);
    Object.entries(query).forEach(([name, value]) => url.searchParams.append(name, value));
    const headers = { accept: "application/json" };
    const answer = await fetch(url, { credentials: "same-origin", headers });
    if (!answer.ok) throw new ApiError(answer.status);
    return parsed(await answer.text());
  };
}

/** Return the value of a promise, or null where Airflow has no such thing. */
async function orNull(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

async function all(get, path, query, name) {
  const found = [];
  for (;;) {
    const answer = await get(path, { ...query, limit: MOST, offset: found.length });
    found.push(...answer[name]);
    if (answer[name].length === 0 || found.length >= answer.total_entries) return found;
  }
}

/** Return what some work gives for each item, a few at a time. */
export async function eachOf(items, work) {
  const left = items.map((item, at) => [item, at]);
  const results = [];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      results[next[1]] = await work(next[0]);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return results;
}

/** Return the path of a task in a run. */
export const pathOf = ({ dagId, runId, taskId }) =>
  `dags/${encodeURIComponent(dagId)}/dagRuns/${encodeURIComponent(runId)}` +
  `/taskInstances/${encodeURIComponent(taskId)}`;

/** Return the instances of a task: one, or all of a mapped task. */
async function instancesOf(get, path, target) {
  if (!(Number(target.mapIndex ?? -1) >= 0)) {
    const one = await orNull(get(path));
    if (one) return [one];
  }
  return all(get, `${path}/listMapped`, {}, "task_instances");
}

/** Read all that Airflow knows; earlier results are read again where they can change. */
export async function read(get, target, earlier = []) {
  const path = pathOf(target);
  const known = new Map(earlier.map((part) => [part.mapIndex, part]));
  const instances = await instancesOf(get, path, target);
  return eachOf(instances, (instance) => partOf(get, path, instance, known.get(instance.map_index)));
}

/** Return whether a task has ended, and no further attempt follows. */
export const isOver = (instance) => OVER.has(instance.state);

// A task that was marked failed goes on for some seconds, and may still write its results.
const isSettled = (instance) =>
  isOver(instance) && !(Date.now() - Date.parse(instance.end_date) < SETTLES);

/** Return the report of an earlier attempt, which Airflow removes when the next one begins. */
function reportBefore(known, instance) {
  if (!known) return null;
  const isNew = known.tryNumber !== instance.try_number;
  return isNew && known.page?.rows.length > 0 ? known.page : known.earlier;
}

async function partOf(get, path, instance, known) {
  const attempt = `${instance.try_number} ${instance.state} ${instance.end_date}`;
  if (known?.attempt === attempt && known.isSettled) return known;
  const part = {
    mapIndex: instance.map_index,
    state: instance.state,
    tryNumber: instance.try_number,
    runAfter: instance.run_after,
    startedAt: instance.start_date,
    isOver: isOver(instance),
    isSettled: isSettled(instance),
    attempt,
    isWhole: false,
    pages: [],
    page: null,
    earlier: reportBefore(known, instance),
    summary: null,
    results: [],
    isSingle: false,
    missing: new Set(),
  };
  await Promise.all([
    readJournal(get, path, part, known).catch(missingTo(part, "journal")),
    readReport(get, path, part).catch(missingTo(part, "report")),
  ]);
  return part;
}

const missingTo = (part, what) => (error) => {
  if (error.status !== 403 && error.status !== 401) throw error;
  part.missing.add(`${what} forbidden`);
};

async function readJournal(get, path, part, known) {
  const query = { map_index: part.mapIndex };
  const one = (key) => orNull(get(`${path}/state-store/${key}`, query));
  const head = (await one(JOURNAL))?.value;
  if (head === undefined) {
    // An Airflow that has the journal has an empty list of them, too.
    if (!(await orNull(get(`${path}/state-store`, { ...query, limit: 1 })))) {
      part.missing.add("journal unknown");
    }
    return;
  }
  if (isElsewhere(head) || !Number.isInteger(head.pages)) {
    part.missing.add(isElsewhere(head) ? "journal elsewhere" : "journal damaged");
    return;
  }
  // As the journal has it: an order that it does not name was certainly never sent.
  part.isWhole = head.whole === true;
  part.first = head.first;
  part.tenant = head.tenant;
  // A page is written again until the next one is begun, and never after that.
  const isSame = !part.isOver && known?.first === head.first && known.missing.size === 0;
  const same = isSame ? known.pages.slice(0, -1) : [];
  const values = [];
  if (same.length === 0) {
    values.push(...(await pagesInList(get, path, query, head.first)));
  } else {
    const numbers = Array.from(
      { length: head.pages - head.first - same.length },
      (_, at) => head.first + same.length + at,
    );
    const read = await eachOf(numbers, async (number) => (await one(`${JOURNAL}_${number}`))?.value);
    values.push(...read);
  }
  part.pages = [...same, ...(await Promise.all(values.map((value) => decoded(value, part))))];
}

async function pagesInList(get, path, query, first) {
  const entries = await all(get, `${path}/state-store`, query, "task_state_store");
  const found = [];
  for (const { key, value } of entries) {
    const number = new RegExp(`^${JOURNAL}_(\\d+)$`).exec(key)?.[1];
    if (number !== undefined && Number(number) >= first) found[Number(number) - first] = value;
  }
  return Array.from(found);
}

async function decoded(value, part) {
  try {
    return await decodePage(value);
  } catch {
    part.isWhole = false;
    part.missing.add(isElsewhere(value) ? "journal elsewhere" : "journal damaged");
    return [];
  }
}

/** Return a value of XCom as it is; undefined where there is none. */
export async function readXcom(get, path, mapIndex, key) {
  const query = { map_index: mapIndex, deserialize: false, stringify: false };
  const entry = await orNull(get(`${path}/xcomEntries/${key}`, query));
  return entry === null ? undefined : valueOf(entry.value);
}

async function readReport(get, path, part) {
  const xcom = (key) => readXcom(get, path, part.mapIndex, key);
  const page = await xcom(PAGE);
  if (isObject(page) && page.version === 1) part.page = page;
  else if (page !== undefined) part.missing.add("report elsewhere");
  if (!part.isOver) return;
  const summary = await xcom("return_value");
  if (isObject(summary) && "order_id" in summary) {
    Object.assign(part, { results: [summary], isSingle: true });
    part.link = await xcom("oms_order_link");
  } else if (isObject(summary)) {
    part.summary = summary;
    const results = await xcom("results");
    if (Array.isArray(results)) part.results = results;
  } else if (page === undefined) {
    part.missing.add(summary === undefined ? "report" : "report elsewhere");
  }
}

/** Return whether a value is a custom backend's reference in Airflow's database. */
const isElsewhere = (value) => !isObject(value) || "__airflow_state_ref__" in value;

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Return a value of XCom; some Airflows give it as JSON in a text. */
function valueOf(value) {
  if (typeof value !== "string") return value;
  try {
    return parsed(value);
  } catch {
    return value;
  }
}
