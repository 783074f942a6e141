// Calls the control API. An answer that is no success becomes an ApiError with the server's own sentence.

export class ApiError extends Error {
  /** `status` is 0 without an answer. */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

const LONG_INTEGER = /^-?\d{16,}$/;

/** Parse JSON; an integer that a JavaScript number cannot hold keeps its digits, where the browser gives them. */
export function parse(text) {
  if (!JSON.rawJSON) return JSON.parse(text);
  return JSON.parse(text, (_key, value, context) =>
    typeof value === "number" && LONG_INTEGER.test(context.source) && !Number.isSafeInteger(value)
      ? JSON.rawJSON(context.source)
      : value,
  );
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(`/_emulator/${path}`, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The emulator does not answer.");
  }
  const text = await response.text();
  if (response.ok) return text;
  throw new ApiError(sentence(text) ?? `The emulator answered with status ${response.status}.`, response.status);
}

function sentence(text) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : null;
  } catch {
    return null;
  }
}

const get = async (path, parameters, signal) => parse(await call(`${path}?${new URLSearchParams(parameters)}`, { signal }));

const send = (method, path, value, headers = {}) =>
  call(path, { method, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(value) });

/** Each list returns {rows, total}. */
const list = (path, key) => async (parameters, signal) => {
  const found = await get(path, parameters, signal);
  return { rows: found[key], total: found.total };
};

export const events = list("events", "events");
export const refused = list("refused", "refused");
export const requests = list("requests", "requests");
export const profiles = list("profiles", "profiles");
export const groups = list("groups", "groups");
export const identities = list("identities", "identities");
export const updates = list("updates", "updates");
export const lookupTables = list("lookup-tables", "lookup_tables");
export const stats = (bucket = 5) => get("stats", [["bucket", bucket]]);
export const reset = () => send("POST", "reset", {});
export const faults = () => get("faults", []);
export const setFaults = async (text) => parse(await send("PUT", "faults", { faults: text }));
export const sql = async (text, limit) => parse(await send("POST", "sql", { sql: text, limit }));
export const sqlCSV = (text, limit) => send("POST", "sql", { sql: text, limit }, { Accept: "text/csv" });

/** Return {rows, total, columns} of the lookup table that the first parameter names; each row is {number, values}. */
export async function lookupRows([[, table], ...parameters], signal) {
  const { rows, numbers, total, columns } = await get(`lookup-tables/${encodeURIComponent(table)}`, parameters, signal);
  return { rows: rows.map((values, at) => ({ number: numbers[at], values })), total, columns };
}

/** Return one row of a list by its id, or null if it is no longer kept. A `row` is one of a lookup table. */
export async function one(kind, id, table = "") {
  if (!Number.isSafeInteger(id) || id < 1) return null;
  const [source, parameters, key] = {
    event: [events, [["after", id - 1], ["limit", 1]], "id"],
    refused: [refused, [["after", id - 1], ["limit", 1]], "id"],
    request: [requests, [["number", id], ["limit", 1]], "number"],
    profile: [profiles, [["after", id - 1], ["limit", 1]], "id"],
    group: [groups, [["after", id - 1], ["limit", 1]], "id"],
    merged: [identities, [["after", id - 1], ["limit", 1]], "id"],
    row: [lookupRows, [["table", table], ["offset", id - 1], ["limit", 1]], "number"],
  }[kind];
  const { rows } = await source(parameters);
  return rows.length && rows[0][key] === id ? rows[0] : null;
}
