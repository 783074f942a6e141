// The columns of events: some of the emulator's own, and any property by its name.

import { el } from "/page/dom.js";
import { clock, eventTime, number, plain } from "/page/format.js";

const PREFIX = "properties.";
export const DEFAULT = ["received", "event", "properties.distinct_id", "properties"];
const SHOWN = 12; // properties in the summary; a cell has no room for more

const OWN = {
  id: { label: "No.", width: "4.5rem", least: 4, kind: "number", sort: "id", cell: (row) => number(row.id) },
  received: { label: "Received", width: "minmax(5rem, max-content)", least: 5, kind: "when", sort: "received", cell: (row) => clock(row.received) },
  event: { label: "Event", width: "minmax(8rem, 1.1fr)", least: 8, kind: "name", sort: "event", cell: (row) => plain(row.event) },
  endpoint: { label: "Endpoint", width: "5rem", least: 5, cell: (row) => plain(row.endpoint) },
  request: { label: "Request", width: "5rem", least: 5, kind: "number", cell: (row) => `#${row.request}` },
  properties: { label: "Properties", width: "minmax(10rem, 2.4fr)", least: 10, kind: "summary", cell: (row) => summary(row.properties) },
};
const SORTS = { "properties.time": "time", "properties.distinct_id": "distinct_id" };
const HIDDEN = new Set(["time", "distinct_id", "$insert_id", "token"]);

/** Return the column with this key, such as `event` or `properties.plan`. */
export function column(key) {
  if (Object.hasOwn(OWN, key)) return { key, ...OWN[key] };
  const name = key.slice(PREFIX.length);
  const sort = SORTS[key];
  const show = name === "time" ? eventTime : plain;
  return { key, label: plain(name), width: "minmax(7rem, 1fr)", least: 7, sort, cell: (row) => show(row.properties?.[name]) };
}

/** Return the chosen columns; unknown keys are left out. */
export function chosen(keys) {
  const known = keys.filter((key) => Object.hasOwn(OWN, key) || (key.startsWith(PREFIX) && key.length > PREFIX.length));
  return known.length ? [...new Set(known)] : DEFAULT;
}

export const ofProperty = (name) => PREFIX + name;
export const own = Object.keys(OWN);

function summary(properties) {
  const shown = Object.entries(properties ?? {}).filter(([name]) => !HIDDEN.has(name));
  return shown.slice(0, SHOWN).flatMap(([name, value]) => [el("b", {}, plain(name)), ` ${plain(value)}  `]);
}

/** Return the columns with this one put in, before the summary, or taken out. */
export function toggled(keys, key) {
  if (keys.includes(key)) return keys.length > 1 ? keys.filter((one) => one !== key) : keys;
  const at = keys.indexOf("properties");
  return at < 0 ? [...keys, key] : keys.toSpliced(at, 0, key);
}
