// Read the pages of a task's journal. cancellation/bulk/journal.py and packing.py define them.

const ALPHABET =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]));

/** Return the bytes of a text in base85, as Python's b85encode writes it. */
export function base85(text) {
  const missing = (5 - (text.length % 5)) % 5;
  const padded = text + "~".repeat(missing);
  const bytes = new Uint8Array((padded.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < padded.length; at += 5) {
    let number = 0;
    for (let place = at; place < at + 5; place += 1) {
      const value = VALUES.get(padded[place]);
      if (value === undefined) throw new Error("not in base85");
      number = number * 85 + value;
    }
    if (number > 0xffffffff) throw new Error("not in base85");
    view.setUint32((at / 5) * 4, number);
  }
  return bytes.subarray(0, bytes.length - missing);
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Return the order ids of a packed text. */
export async function unpack(packed) {
  const bytes = await inflate(base85(packed.slice(1)));
  if (packed[0] === "h") {
    const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return digits.match(/.{32}/g) ?? [];
  }
  const parts = new TextDecoder().decode(bytes).split(",");
  if (packed[0] === "t") return parts;
  if (packed[0] !== "n") throw new Error("packed in another way");
  // An id may have 19 digits, which a JavaScript number does not hold.
  let sum = 0n;
  return parts.map((step) => String((sum += BigInt(step))));
}

const IN_DOUBT = new Set(["unknown", "not_canceled", "no_outcome"]);

/** Return whether a cancel may have taken effect without a record of it. */
export const isInDoubt = (outcome) => IN_DOUBT.has(outcome);

/** Return the content of one page: a list of order ids for each outcome; an intent has no_outcome. */
export async function decodePage(page) {
  const states = Object.entries(page).map(async ([state, packed]) => {
    const outcome = state.startsWith("?") ? "no_outcome" : state.split(":")[0];
    return [outcome, await unpack(packed)];
  });
  return Promise.all(states);
}
