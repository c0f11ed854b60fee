// Write rows as CSV.

import { FIELDS } from "./fields.mjs";

/** Return one field. A spreadsheet takes a text that begins with such a character for a formula. */
export function fieldOf(value) {
  const text = value == null ? "" : String(value);
  const isText = typeof value === "string";
  const plain = isText && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Return rows as CSV with a header line; lines end as RFC 4180 has it. */
export function csvOf(rows, { isDryRun = false } = {}) {
  const columns = {
    Order: (row) => row.id,
    ...FIELDS,
    // As results files have it.
    Outcome: (row) => row.outcome,
    "In doubt": (row) => row.inDoubt,
    "Dry run": () => isDryRun,
  };
  delete columns.Meaning;
  if (rows.every((row) => row.map < 0)) delete columns["Map index"];
  const lines = [
    Object.keys(columns),
    ...rows.map((row) => Object.values(columns).map((of) => of(row))),
  ];
  return lines.map((values) => `${values.map(fieldOf).join(",")}\r\n`).join("");
}
