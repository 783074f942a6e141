// The details of a profile, a group or merged ids: its properties and the updates that made it.

import { fresh } from "/page/address.js";
import * as api from "/page/api.js";
import { copyButton } from "/page/copy.js";
import { el } from "/page/dom.js";
import { clock, number, plain } from "/page/format.js";
import { pretty, view } from "/page/json.js";
import { facts, part } from "/page/facts.js";
import { link, requestLink } from "/page/links.js";

const SHOWN = 20; // updates

export function ofProfile(row) {
  const others = row.distinct_ids.filter((id) => id !== row.distinct_id);
  return profile(row, [["distinct_id", plain(row.distinct_id)], ["Other ids", others.map(plain).join(", ")]], [["distinct_id", row.distinct_id]]);
}

export function ofGroup(row) {
  const ids = [["group_key", row.group_key], ["group_id", row.group_id]];
  return profile(row, ids.map(([name, id]) => [name, plain(id)]), ids);
}

export function ofMerged(row) {
  return [
    [copyButton(() => pretty(row.distinct_ids), "Copy JSON")],
    [facts([["Ids", number(row.distinct_ids.length)]]), ...part("Ids of one user", view(row.distinct_ids)), el("p", {}, link(fresh({ view: "profiles", search: row.distinct_ids[0] }), "Show the profile"))],
  ];
}

function profile(row, ids, query) {
  const history = el("ol", { class: "history" });
  fillHistory(history, query);
  return [
    [copyButton(() => pretty(row.properties), "Copy JSON")],
    [
      facts([
        ...ids,
        ["Updates", number(row.updates)],
        ["Created", clock(row.created)],
        ["Updated", clock(row.updated)],
        ["Last seen", row.last_seen === null ? "" : clock(row.last_seen)],
        ["Location of", plain(row.ip ?? "")],
      ]),
      ...part("Properties", view(row.properties)),
      ...part("Last updates", history),
    ],
  ];
}

async function fillHistory(list, query) {
  try {
    const { rows, total } = await api.updates([...query, ["limit", SHOWN]]);
    list.replaceChildren(...rows.map(entry));
    const left = total - rows.length;
    if (left > 0) list.append(el("li", { class: "soft" }, `and ${number(left)} before`));
    if (!total) list.append(el("li", { class: "soft" }, "The emulator does not keep them any more."));
  } catch (error) {
    list.replaceChildren(el("li", { class: "bad" }, error.message));
  }
}

function entry(row) {
  const changes = Object.entries(row.update).filter(([name]) => !["$distinct_id", "$group_key", "$group_id"].includes(name));
  return el("li", {}, el("span", { class: "soft" }, clock(row.received), " ", requestLink(row.request), " "), el("code", {}, changes.map(([name, value]) => `${plain(name)} ${plain(value)}`).join("  ")));
}
