// Write rows as CSV.

const COLUMNS = {
  order_id: (row) => row.id,
  map_index: (row) => row.map,
  outcome: (row) => row.outcome,
  in_doubt: (row) => row.inDoubt,
  looked_up_id: (row) => row.looked_up_id,
  order_state: (row) => row.order_state,
  order_status: (row) => row.order_status,
  reason: (row) => row.reason,
  http_status: (row) => row.http_status,
  oms_code: (row) => row.oms_code,
  correlation_id: (row) => row.correlation_id,
  attempts: (row) => row.attempts,
  posts: (row) => row.posts,
  started_at: (row) => row.started_at,
  finished_at: (row) => row.finished_at,
};

/** Return one field. A spreadsheet takes a text that begins with such a character for a formula. */
export function fieldOf(value) {
  const text = value == null ? "" : String(value);
  const plain = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Return rows as CSV with a header line; lines end as RFC 4180 has it. */
export function csvOf(rows) {
  const lines = [Object.keys(COLUMNS), ...rows.map((row) => Object.values(COLUMNS).map((of) => of(row)))];
  return lines.map((values) => `${values.map(fieldOf).join(",")}\r\n`).join("");
}
