// The fields shown of one order, in the details of a row and in the CSV.

import { nameOf } from "./rows.mjs";
import { DOUBT, meaningIn } from "./words.mjs";

/** Return state and status of an order, once where they are the same. */
export const stateOf = (row) =>
  [...new Set([row.order_state, row.order_status].filter(Boolean))].join("/");

/** Return the HTTP status that decided, where it is an error; a read with 200 decides, too. */
export const httpErrorOf = (row) => (row.http_status >= 400 ? row.http_status : null);

function nameOfPart({ shipment, lines }) {
  const places = shipment == null ? [] : [`shipment ${shipment}`];
  const amounts = lines.map(({ line, quantity }) =>
    quantity == null ? `line ${line}` : `${quantity} of line ${line}`,
  );
  return [...places, ...amounts].join(", ");
}

/** Return the parts of an order that were to be canceled, one by one; null for all of it. */
export const partsOf = (row) =>
  row.parts?.map((part) => `${nameOfPart(part)}: ${nameOf(part.outcome)}`).join("; ") ?? null;

/** The fields by their titles. */
export const FIELDS = {
  Outcome: (row) => nameOf(row.outcome),
  Meaning: meaningIn,
  "What to do": (row) => row.remark,
  Parts: partsOf,
  "In doubt": (row) => (row.inDoubt ? DOUBT : "no"),
  "Its id": (row) => row.looked_up_id,
  State: stateOf,
  Reason: (row) => row.reason,
  "HTTP error": httpErrorOf,
  "OMS error code": (row) => row.oms_code,
  "Correlation id": (row) => row.correlation_id,
  "Ended in attempt": (row) => row.attempts,
  "Cancels sent in it": (row) => row.posts,
  "Begun at": (row) => row.started_at,
  "Ended at": (row) => row.finished_at,
  "Map index": (row) => (row.map >= 0 ? row.map : null),
};
