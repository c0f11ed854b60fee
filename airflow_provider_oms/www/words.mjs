// The meaning of the words for outcomes.

/** What "in doubt" means. */
export const DOUBT = "A cancel may have taken effect without a record of it.";

/** One sentence for each outcome. */
export const MEANINGS = {
  no_outcome: "The task ended before it learned the result of its cancel.",
  unknown: "A cancel was sent, and no response or read has shown its result.",
  not_canceled: "The order was still open after every cancel that the task may send.",
  partially_canceled: "Some parts of the order are canceled and others are not.",
  forbidden: "The connection may not cancel this order.",
  refused: "The OMS refused the request itself.",
  not_cancelable: "The OMS does not cancel the order in its present state.",
  not_found: "The OMS of this tenant has no such order.",
  not_attempted: "No cancel took effect: none was sent, or none was acted on.",
  under_way: "The task works on the order now.",
  not_begun: "No cancel was sent for the order.",
  no_record: "The order is counted, and nothing about it is on record here.",
  would_cancel: "A dry run: a real run would send a cancel.",
  canceled: "The order is canceled, after a cancel of this task.",
  already_canceled: "The order was canceled before, not by a cancel of this task.",
};

/** Return the meaning of an outcome's word. */
export const meaningOf = (outcome) => MEANINGS[outcome] ?? "";

/** Return the meaning of a row's outcome. */
export const meaningIn = (row) =>
  [meaningOf(row.outcome), row.parts && "This is about parts of the order only."]
    .filter(Boolean)
    .join(" ");
