// JSON as text, and as coloured nodes whose properties can become columns and filters.

import { el } from "/page/dom.js";
import { visibleJSON } from "/page/format.js";

const LARGEST = 100000; // characters; beyond it one text node, since colours would take too many nodes

export const pretty = (value) => visibleJSON(JSON.stringify(value, null, 2) ?? "");

/**
 * Return a <pre> of a value. `actions.key(name)` and `actions.value(name, value)` return what a click on a property
 * does, as {run, title}, or null; they are asked for the entries of `properties` and for `event`.
 */
export function view(value, actions = null) {
  const text = pretty(value);
  const code = el("code");
  if (text.length > LARGEST) code.append(text);
  else write(code, value, 0, actions, []);
  return el("pre", { class: "json" }, code);
}

const isRaw = (value) => JSON.isRawJSON?.(value) ?? false;

function write(out, value, depth, actions, path) {
  if (value !== null && typeof value === "object" && !isRaw(value)) {
    const list = Array.isArray(value);
    const entries = list ? value.map((one, index) => [index, one]) : Object.entries(value);
    if (!entries.length) return out.append(list ? "[]" : "{}");
    out.append(list ? "[" : "{");
    entries.forEach(([key, inner], index) => {
      out.append(`${index ? "," : ""}\n${"  ".repeat(depth + 1)}`);
      if (!list) out.append(name(key, actions, path), ": ");
      writeInner(out, key, inner, depth + 1, actions, path);
    });
    return out.append(`\n${"  ".repeat(depth)}${list ? "]" : "}"}`);
  }
  return out.append(el("span", { class: isRaw(value) ? "number" : typeof value }, pretty(value)));
}

function writeInner(out, key, value, depth, actions, path) {
  const action = actions?.value?.(path, key, value);
  if (!action) return write(out, value, depth, actions, [...path, key]);
  return out.append(el("button", { type: "button", class: `plain ${typeof value}`, title: action.title, click: action.run }, pretty(value)));
}

function name(key, actions, path) {
  const action = actions?.key?.(path, key);
  if (!action) return el("span", { class: "key" }, pretty(key));
  return el("button", { type: "button", class: "plain key", title: action.title, click: action.run }, pretty(key));
}
