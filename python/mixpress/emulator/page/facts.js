// Parts of the panel of details.

import { el } from "/page/dom.js";

const LONG = 18; // characters: a longer text has a line of its own

/** Return names and values; those without a value are left out. */
export function facts(entries) {
  const shown = entries.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return el("dl", { class: "facts" }, shown.map(([name, value]) => el("div", { class: value.length > LONG ? "long" : "" }, el("dt", {}, name), el("dd", {}, value))));
}

/** Return nodes under a heading. */
export const part = (title, ...nodes) => [el("h3", {}, title), ...nodes];
