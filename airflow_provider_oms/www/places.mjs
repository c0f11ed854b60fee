// Where in Airflow's web UI a run, a task and its log are.

/** Return the addresses of a task's run, of the task, which begins with its log, and of its instances. */
export function placesOf(base, { dagId, runId, taskId }, mapIndex = -1) {
  const [dag, run, task] = [dagId, runId, taskId].map(encodeURIComponent);
  const ofRun = `dags/${dag}/runs/${run}`;
  const mapped = mapIndex < 0 ? "" : `/mapped/${mapIndex}`;
  const at = (path) => new URL(path, base).href;
  const ofTask = `${ofRun}/tasks/${task}`;
  return { run: at(ofRun), task: at(`${ofTask}${mapped}`), instances: at(`${ofTask}/mapped`) };
}

/** Return a time as people here read it; empty where there is none. */
export const momentOf = (time) =>
  time
    ? new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })
    : "";
