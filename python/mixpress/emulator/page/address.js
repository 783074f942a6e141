// The state of the page is its address: view, filters, columns, sort and the open entry. So a view can be shared.

export const VIEWS = ["events", "profiles", "groups", "identities", "lookup", "requests", "sql", "faults"];
const TEXTS = ["event", "distinct_id", "search", "request", "status", "endpoint", "sort", "open", "table", "sql"];
const LISTS = ["property", "column"];
const listeners = [];

export let state = read();

function read() {
  const query = new URLSearchParams(location.search);
  const found = { view: VIEWS.includes(query.get("view")) ? query.get("view") : "events" };
  for (const name of TEXTS) found[name] = query.get(name) ?? "";
  for (const name of LISTS) found[name] = query.getAll(name);
  return found;
}

/** Return the address of a state: the present one with these changes. */
export function href(changes = {}, from = state) {
  const next = { ...from, ...changes };
  const query = new URLSearchParams();
  if (next.view !== "events") query.set("view", next.view);
  for (const name of TEXTS) if (next[name]) query.set(name, next[name]);
  for (const name of LISTS) for (const value of next[name]) query.append(name, value);
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

/** Return the address of a view without any filter. */
export const fresh = (changes) => href(changes, { view: "events", property: [], column: state.column });

/** Change the state; with `push` the browser's back button returns to the present one. */
export function go(changes, { push = false } = {}) {
  apply(href(changes), push);
}

/** Go to an address of this page. */
export function visit(address) {
  apply(address, true);
}

function apply(address, push) {
  if (address === location.pathname + location.search) return;
  history[push ? "pushState" : "replaceState"](null, "", address);
  changed();
}

function changed() {
  const before = state;
  state = read();
  for (const listener of listeners) listener(state, before);
}

/** Call this with the new and the previous state after each change. */
export function onChange(listener) {
  listeners.push(listener);
}

addEventListener("popstate", changed);

/** Return the query of the control API for the filters of the address. */
export function filters(from = state) {
  const query = [];
  for (const name of ["event", "distinct_id", "search", "request"]) if (from[name]) query.push([name, from[name]]);
  for (const value of from.property) query.push(["property", value]);
  return query;
}
