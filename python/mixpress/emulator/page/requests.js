// The view of the requests: status, events, sizes and what was wrong.

import { go, state } from "/page/address.js";
import * as api from "/page/api.js";
import { el, field } from "/page/dom.js";
import { bytes, clock, duration, number, plain, ratio } from "/page/format.js";
import { counted, Grid } from "/page/grid.js";
import { Pages } from "/page/pages.js";

const STATUSES = [
  ["", "All"],
  ["200", "200"],
  ["failed", "Failed"],
  ["4xx", "4xx"],
  ["429", "429"],
  ["5xx", "5xx"],
  ["0", "Closed without a reply"],
];

const COLUMNS = [
  { label: "No.", width: "4rem", least: 4, kind: "number minor", cell: (row) => number(row.number) },
  { label: "Received", width: "minmax(5rem, max-content)", least: 5, kind: "when", cell: (row) => clock(row.received) },
  { label: "Request", width: "minmax(8rem, 1fr)", least: 8, kind: "name", cell: (row) => `${plain(row.method)} ${plain(row.path)}` },
  { label: "Status", width: "5rem", least: 5, kind: "status", cell: (row) => badge(row.status) },
  { label: "Events", width: "5rem", least: 4, kind: "number events", cell: (row) => number(row.events) },
  { label: "Refused", width: "5rem", least: 4, kind: "number refusals", cell: (row) => (row.refused ? el("span", { class: "bad" }, number(row.refused)) : "") },
  { label: "Sent", width: "5.5rem", least: 5, kind: "number", cell: (row) => bytes(row.body_bytes) },
  { label: "Unpacked", width: "5.5rem", least: 5, kind: "number minor", cell: (row) => (row.unpacked_bytes ? bytes(row.unpacked_bytes) : "") },
  { label: "Ratio", width: "4rem", least: 3, kind: "number", cell: (row) => ratio(row.unpacked_bytes, row.body_bytes) },
  { label: "Took", width: "5rem", least: 4, kind: "number minor", cell: (row) => duration(row.seconds) },
  { label: "Fault or error", width: "minmax(7rem, 2fr)", least: 7, kind: "reason", cell: (row) => plain(row.fault || row.error || "") },
];

/** Return a status with the colour of its class; 0 is a connection that was closed. */
export function badge(status) {
  return el("span", { class: `badge s${Math.floor(status / 100)}` }, status === 0 ? "closed" : String(status));
}

export class RequestsView {
  constructor() {
    this.pages = new Pages(api.requests, () => this.came());
    this.grid = new Grid({
      id: "requests",
      label: "Requests",
      pages: this.pages,
      keyOf: (row) => row.number,
      onOpen: (row, { follow = false } = {}) => go({ open: `request:${row.number}` }, { push: !follow }),
    });
    this.grid.setColumns(COLUMNS, "");
    this.status = el("select", { name: "status", change: () => go({ status: this.status.value }) }, STATUSES.map(([value, text]) => el("option", { value }, text)));
    this.endpoint = el("select", { name: "endpoint", change: () => go({ endpoint: this.endpoint.value }) }, ["", "/import", "/track", "/engage", "/groups"].map((value) => el("option", { value }, value || "All")));
    this.count = el("span", { class: "count" });
    this.element = el(
      "div",
      { class: "view requests" },
      el("form", { class: "filters", role: "search", "aria-label": "Filter requests", submit: (event) => event.preventDefault() }, field("Status", this.status), field("Endpoint", this.endpoint)),
      el("section", { class: "pane", "aria-labelledby": "title-requests" }, el("h2", { id: "title-requests" }, "Requests ", this.count), this.grid.element),
    );
  }

  show() {
    this.status.value = state.status;
    this.endpoint.value = state.endpoint;
    const query = ["status", "endpoint"].filter((name) => state[name]).map((name) => [name, state[name]]);
    if (this.pages.reset([...query, ["sort", "number"]], true)) this.grid.restart();
    const [kind, id] = state.open.split(":");
    this.grid.setOpened(kind === "request" ? Number(id) : null);
  }

  refresh() {
    return this.pages.refresh();
  }

  came() {
    this.grid.update();
    this.count.textContent = counted(this.pages);
    this.grid.explain(state.status || state.endpoint ? "No request matches." : "No request came yet.");
  }

  gridOf() {
    return this.grid;
  }
}
