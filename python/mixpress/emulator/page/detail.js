// The panel with everything about one event, refused event, request, profile or row of a lookup table.

import { fresh, go, state } from "/page/address.js";
import * as api from "/page/api.js";
import { chosen, column, ofProperty, toggled } from "/page/columns.js";
import { copyButton } from "/page/copy.js";
import { button, el, say } from "/page/dom.js";
import { facts, part } from "/page/facts.js";
import { bytes, clock, duration, number, plain, ratio } from "/page/format.js";
import { pretty, view } from "/page/json.js";
import { link, requestLink } from "/page/links.js";
import { ofRow } from "/page/lookup.js";
import { ofGroup, ofMerged, ofProfile } from "/page/profile.js";
import { badge } from "/page/requests.js";

const NARROW = matchMedia("(max-width: 50rem)");
const TITLES = { event: "Event", refused: "Refused event", request: "Request", profile: "Profile", group: "Group", merged: "Merged ids", row: "Row" };
const GONE = "The emulator does not keep it any more.";
const PARTS = { event: ofEvent, refused: ofRefused, request: ofRequest, profile: ofProfile, group: ofGroup, merged: ofMerged, row: ofRow };
const CHANGING = new Set(["profile", "group", "merged", "row"]);

/** Return what tells one entry from others: the rows of each lookup table have the same numbers. */
const address = () => state.open && `${state.open} ${state.table}`;

export class Detail {
  /** `onClosed()` is called after the reader closed the panel. */
  constructor(onClosed) {
    this.onClosed = onClosed;
    this.title = el("h2", { id: "detail-title", tabindex: -1, autofocus: true });
    this.tools = el("div", { class: "tools" });
    this.body = el("div", { class: "body", tabindex: 0, role: "region", "aria-labelledby": "detail-title" });
    this.element = el(
      "dialog",
      { class: "detail", "aria-labelledby": "detail-title" },
      el("header", {}, this.title, this.tools, button("×", () => this.leave(), { class: "close", "aria-label": "Close the details" })),
      this.body,
    );
    this.element.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.leave();
    });
    NARROW.addEventListener("change", () => {
      if (!this.element.open) return;
      this.element.close();
      this.unfold();
    });
  }

  leave() {
    go({ open: "" });
    this.onClosed();
  }

  /** Show what the address says is open; `find(kind, id)` returns a row that is already here. */
  async show(find) {
    const open = address();
    if (open === this.shown) return this.body.querySelector(".json") && this.mark();
    this.shown = open;
    if (!open) return this.element.close();
    const [kind, text] = state.open.split(":");
    if (!Object.hasOwn(TITLES, kind)) return go({ open: "" });
    const id = Number(text);
    let row = find(kind, id);
    let error = "";
    try {
      row ??= await api.one(kind, id, state.table);
    } catch (caught) {
      error = caught.message;
    }
    if (address() !== open) return undefined; // another one was opened meanwhile
    this.title.textContent = `${TITLES[kind]} ${kind === "request" ? "#" : "No. "}${Number.isNaN(id) ? "" : number(id)}`;
    this.fill(kind, row, error || GONE);
    this.unfold();
    return undefined;
  }

  /** Show the present state of an open profile or row. */
  async follow() {
    const open = address();
    const [kind, text] = state.open.split(":");
    if (!CHANGING.has(kind) || open !== this.shown) return;
    try {
      const row = await api.one(kind, Number(text), state.table);
      if (address() === open && JSON.stringify(row) !== this.content) this.fill(kind, row, GONE);
    } catch {
      // the banner says that the emulator does not answer
    }
  }

  fill(kind, row, missing) {
    this.content = JSON.stringify(row);
    const [tools, nodes] = row ? PARTS[kind](row) : [[], [el("p", { class: "bad" }, missing)]];
    this.tools.replaceChildren(...tools);
    this.body.replaceChildren(...nodes);
    this.body.scrollTop = 0;
    this.mark();
    if (this.element.open) say(this.title.textContent);
  }

  /** Mark the properties that are columns. */
  mark() {
    const keys = chosen(state.column);
    for (const key of this.body.querySelectorAll("button.key")) key.setAttribute("aria-pressed", String(keys.includes(ofProperty(JSON.parse(key.textContent)))));
  }

  unfold() {
    if (this.element.open) return;
    if (NARROW.matches) this.element.showModal();
    else this.element.show();
  }
}

function ofEvent(row) {
  const event = { event: row.event, properties: row.properties };
  return [
    [copyButton(() => pretty(event), "Copy JSON")],
    [
      facts([["Event", plain(row.event)], ["Received", clock(row.received)], ["Endpoint", row.endpoint], ["Request", requestLink(row.request)]]),
      ...part("JSON", view(event, ACTIONS)),
      el("p", { class: "soft" }, "A property's name adds it as a column; its value filters by it."),
    ],
  ];
}

const inProperties = (path) => path.length === 1 && path[0] === "properties";

const ACTIONS = {
  key(path, name) {
    if (!inProperties(path)) return null;
    return { title: `Show or hide the column ${plain(name)}`, run: () => go({ column: toggled(chosen(state.column), ofProperty(name)) }) };
  },
  value(path, name, value) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (!path.length && name === "event") return { title: "Filter by this event", run: () => go({ event: value }, { push: true }) };
    if (!inProperties(path) || (value !== null && typeof value === "object") || text === "" || text.length > 200) return null;
    if (name === "distinct_id") return { title: "Filter by this distinct_id", run: () => go({ distinct_id: text }, { push: true }) };
    const filter = `${/[:"]/.test(name) ? JSON.stringify(name) : name}:${text}`;
    return { title: `Filter by this value of ${column(ofProperty(name)).label}`, run: () => state.property.includes(filter) || go({ property: [...state.property, filter] }, { push: true }) };
  },
};

function ofRefused(row) {
  return [
    [copyButton(() => pretty(row.event), "Copy JSON")],
    [
      el("p", { class: "why" }, row.message.includes(row.field) ? null : el("b", {}, `${plain(row.field)} `), plain(row.message)),
      facts([["Received", clock(row.received)], ["Endpoint", row.endpoint], ["Request", requestLink(row.request)], ["Position in it", number(row.index)], ["$insert_id", plain(row.insert_id ?? "")]]),
      ...part("As sent", view(row.event)),
    ],
  ];
}

function ofRequest(row) {
  return [
    [],
    [
      facts([
        ["Request", `${plain(row.method)} ${plain(row.path)}`],
        ["Reply", badge(row.status)],
        ["Received", clock(row.received)],
        ["Took", duration(row.seconds)],
        ["Events", number(row.events)],
        ["Imported", number(row.imported)],
        ["Refused", number(row.refused)],
        ["Sent", bytes(row.body_bytes)],
        ["Unpacked", row.unpacked_bytes ? bytes(row.unpacked_bytes) : "not read"],
        ["Ratio", ratio(row.unpacked_bytes, row.body_bytes)],
        ["Encoding", plain(row.content_encoding || "none")],
        ["Fault", plain(row.fault ?? "")],
      ]),
      row.error ? el("p", { class: "why" }, plain(row.error)) : null,
      row.events && !row.path.startsWith("/engage") && !row.path.startsWith("/groups") ? el("p", {}, link(fresh({ request: String(row.number) }), "Show the events of this request")) : null,
      ...pairs("Query", row.query),
      ...pairs("Headers", row.headers),
    ].filter(Boolean),
  ];
}

function pairs(title, values) {
  const entries = Object.entries(values ?? {});
  if (!entries.length) return [];
  const lines = entries.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, plain(name)), el("td", {}, plain(value))));
  return part(title, el("table", { class: "pairs", "aria-label": title }, el("tbody", {}, lines)));
}
