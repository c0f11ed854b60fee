// The last tasks that cancel orders, for a page that was asked for none.

import { eachOf, isOver, pathOf, readXcom } from "./api.mjs";
import { deviates } from "./rows.mjs";

const LISTED = 50;
// Instances of a mapped task are listed as one, so that more of them are asked for.
const ASKED = 100;

/** Return the last tasks of these operators, a mapped one once. */
export async function lastTasks(get, operators) {
  const query = { order_by: "-start_date", limit: ASKED };
  const found = await eachOf(operators, (operator) =>
    get("dags/~/dagRuns/~/taskInstances", { ...query, operator }),
  );
  const instances = found
    .flatMap((answer) => answer.task_instances)
    .filter((task) => operators.includes(task.operator ?? task.operator_name))
    .sort((one, other) => (other.start_date ?? "").localeCompare(one.start_date ?? ""));
  const tasks = new Map();
  for (const instance of instances) {
    const key = JSON.stringify([instance.dag_id, instance.dag_run_id, instance.task_id]);
    if (!tasks.has(key)) tasks.set(key, { ...instance, key, states: new Set() });
    tasks.get(key).states.add(instance.state ?? "no state");
  }
  return [...tasks.values()].slice(0, LISTED);
}

/**
 * Return whether a task is a dry run and how many orders of it are to be looked at; null where it
 * is not known. One small value is read: the summary, or while the task runs, the page.
 */
export async function summaryOf(get, task) {
  const path = pathOf({ dagId: task.dag_id, runId: task.dag_run_id, taskId: task.task_id });
  const key = isOver(task) ? "return_value" : "oms_orders";
  let told;
  try {
    told = await readXcom(get, path, task.map_index, key);
  } catch {
    // The list is worth more than this.
  }
  const outcomes = told?.order_id === undefined ? told?.outcomes : { [told.outcome]: 1 };
  const accepted = Object.keys(told?.accepted ?? {});
  const counted = Object.entries(outcomes ?? {})
    .filter(([outcome]) => deviates(outcome) && !accepted.includes(outcome))
    .reduce((sum, [, number]) => sum + number, 0);
  return {
    isDryRun: told?.dry_run ?? (told?.outcome === "would_cancel" ? true : null),
    // Those of a mapped task would be one value for each instance.
    toLookAt: outcomes && !(task.map_index >= 0) ? counted : null,
  };
}
