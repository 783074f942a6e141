// Starts the page: the views, the panel of details, and what follows the emulator live.

import { fresh, go, onChange, state, VIEWS } from "/page/address.js";
import * as api from "/page/api.js";
import { copyButton } from "/page/copy.js";
import { Detail } from "/page/detail.js";
import { button, el, say } from "/page/dom.js";
import { EventsView } from "/page/events.js";
import { FaultsView } from "/page/faults.js";
import { number } from "/page/format.js";
import { link } from "/page/links.js";
import { Live } from "/page/live.js";
import { LookupView } from "/page/lookup.js";
import { stateViews } from "/page/profiles.js";
import { RequestsView } from "/page/requests.js";
import { SqlView } from "/page/sql.js";

const LEAST = 400; // milliseconds between two looks at the emulator
const MOST = 1000;
const TICK = 5000;
const TITLES = { events: "Events", profiles: "Profiles", groups: "Groups", identities: "Identities", lookup: "Lookup tables", requests: "Requests", sql: "SQL", faults: "Faults" };

const content = document.getElementById("content");
const banner = document.getElementById("banner");
const badge = el("span", { class: "count", hidden: true });
const views = { events: new EventsView(), ...stateViews(), lookup: new LookupView(), requests: new RequestsView(), sql: new SqlView(), faults: new FaultsView(showFaults) };
const detail = new Detail(() => views[state.view].gridOf(opened)?.root.focus());
const links = VIEWS.map((view) => link("/", view === "faults" ? [TITLES[view], " ", badge] : TITLES[view], { "data-view": view }));

let opened = "event"; // the kind of the entry that was opened last
let seen = null; // the figures that are shown
let busy = false;
let again = false;

document.getElementById("views").append(...links);
document.getElementById("address").append(el("code", {}, location.origin), copyButton(location.origin));
content.replaceChildren(...Object.values(views).map((view) => view.element), detail.element);

function show() {
  for (const [name, view] of Object.entries(views)) view.element.hidden = name !== state.view;
  for (const link of links) {
    if (link.dataset.view === state.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    link.href = fresh({ view: link.dataset.view });
  }
  reveal(document.querySelector("#views [aria-current]"));
  document.title = `${TITLES[state.view]} · mixpress emulator`;
  views[state.view].show();
  if (state.open) opened = state.open.split(":")[0];
  detail.show(find);
}

/** Scroll the links of the views to this one, on a phone. `scrollIntoView` would change where Tab continues. */
function reveal(link) {
  const nav = document.getElementById("views");
  const [inner, outer] = [link, nav].map((node) => node.getBoundingClientRect());
  nav.scrollLeft += Math.max(0, inner.right - outer.right) + Math.min(0, inner.left - outer.left);
}

/** Return a row that a list of the view already has. */
function find(kind, id) {
  const grid = views[state.view].gridOf(kind);
  const row = grid && [...grid.rows.values()].find(({ data }) => data !== undefined && grid.keyOf(data) === id);
  return grid?.id.startsWith(kind === "event" ? "valid" : kind) ? row?.data : undefined;
}

onChange((now, before) => {
  show();
  if (now.view !== before.view) views[now.view].refresh();
});

function showFaults(text) {
  const count = text.includes("[[") ? 1 : text.split(/[,;]/).filter((item) => item.trim() && !item.trim().startsWith("seed")).length;
  badge.textContent = number(count);
  badge.hidden = count === 0;
  badge.title = text;
}

/** Look at the emulator again: one look at a time, with a pause twice as long. */
async function look() {
  if (busy || document.hidden) {
    again = true;
    return;
  }
  busy = true;
  again = false;
  const started = performance.now();
  await figures();
  await views[state.view].refresh();
  await detail.follow();
  setTimeout(rested, Math.min(MOST, Math.max(LEAST, 2 * (performance.now() - started))));
}

async function figures() {
  try {
    seen = await api.stats();
    views.events.stats(seen);
    showFaults(seen.faults ?? "");
    banner.hidden = true;
  } catch (error) {
    banner.textContent = error.message;
    banner.hidden = false;
  }
  pending();
}

function rested() {
  busy = false;
  if (again && !live.paused) look();
}

// The timeline moves on although nothing comes.
setInterval(() => document.hidden || busy || live.paused || live.lost || figures(), TICK);

document.addEventListener("visibilitychange", () => !document.hidden && again && !live.paused && look());

const light = el("span", { class: "light", "aria-hidden": "true" });
const word = el("span", { role: "status" });
const pause = button("Pause", () => live.pause(!live.paused), { class: "pause" });
const wipe = button("Clear", () => ask.showModal(), { "aria-haspopup": "dialog" });
document.getElementById("live").append(el("span", { class: "state" }, light, word), pause, wipe);

function pending() {
  const { latest } = live;
  const more = live.paused && latest && seen ? latest.stored - seen.stored + (latest.refused - seen.refused) : 0;
  pause.textContent = live.paused ? (more > 0 ? `Resume (${number(more)} new)` : "Resume") : "Pause";
}

function showState(now) {
  document.body.dataset.live = now;
  word.textContent = { live: "Live", paused: "Paused", lost: "Reconnecting" }[now];
  pending();
}

const ask = el(
  "dialog",
  { class: "ask", "aria-labelledby": "ask-title" },
  el("h2", { id: "ask-title" }, "Delete everything?"),
  el("p", {}, "All stored events, profiles, rows of lookup tables, refused events and requests are deleted, also from the file of ", el("code", {}, "--db"), "."),
  el("p", { class: "end" }, button("Cancel", () => ask.close()), button("Delete", () => wipeAll(), { class: "main bad" })),
);
document.body.append(ask);

async function wipeAll() {
  ask.close();
  try {
    await api.reset();
    say("Everything is deleted");
    go({ open: "" });
    look();
  } catch (error) {
    banner.textContent = error.message;
    banner.hidden = false;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && state.open && !ask.open) detail.leave();
  const typing = event.target.closest?.("input, textarea, select");
  const search = views[state.view].search ?? (state.view === "events" ? views.events.filters.inputs.search : null);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && search) {
    event.preventDefault();
    search.focus();
  }
});

const live = new Live((paused) => (paused ? pending() : look()), showState);
showState("live");
word.textContent = "Connecting";
show();
look();
