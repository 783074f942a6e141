// The view of the events: valid and refused side by side, or as tabs where there is no room.

import { filters, go, state } from "/page/address.js";
import * as api from "/page/api.js";
import { chosen, column } from "/page/columns.js";
import { el } from "/page/dom.js";
import { active, Filters } from "/page/filters.js";
import { clock, plain } from "/page/format.js";
import { counted, Grid } from "/page/grid.js";
import { Overview } from "/page/charts.js";
import { requestLink } from "/page/links.js";
import { Pages } from "/page/pages.js";
import { Start } from "/page/start.js";

const OPERATION = /^\$(set|set_once|add|union|append|remove|unset|delete)$/;
const NARROW = matchMedia("(max-width: 50rem)");

const REFUSED = [
  { key: "received", label: "Received", width: "minmax(5rem, max-content)", least: 5, kind: "when", cell: (row) => clock(row.received) },
  { key: "event", label: "Event", width: "minmax(6rem, .7fr)", least: 6, kind: "name", cell: (row) => plain(nameOf(row)) },
  { key: "message", label: "Reason", width: "minmax(8rem, 2fr)", least: 8, kind: "reason", cell: (row) => [el("b", {}, plain(row.field.replace(/^properties\./, ""))), ` ${plain(rest(row))}`] },
  { key: "request", label: "Request", width: "4.8rem", least: 5, kind: "link", cell: (row) => requestLink(row.request, { tabindex: -1 }) },
];

/** Return the name of an event, or the operation and the id of an update. */
function nameOf({ endpoint, event }) {
  if (endpoint !== "/engage" && endpoint !== "/groups") return event?.event ?? event;
  const operation = Object.keys(event ?? {}).find((name) => OPERATION.test(name)) ?? "";
  return `${operation} ${plain(event?.$distinct_id ?? event?.$group_id)}`;
}

/** Return the reason without the name of the field, which is shown in front of it. */
function rest({ field, message }) {
  const [start, quoted] = /^'([^']*)' (?:is invalid: )?/.exec(message) ?? ["", ""];
  return field && quoted.endsWith(field) ? message.slice(start.length) : message;
}

export class EventsView {
  constructor() {
    this.filters = new Filters();
    this.overview = new Overview();
    this.start = new Start();
    this.valid = this.side("valid", "Valid", api.events, "event");
    this.refused = this.side("refused", "Refused", api.refused, "refused");
    this.tabs = el("div", { class: "tabs" }, [this.valid, this.refused].map((side) => side.tab));
    this.panes = el("div", { class: "panes" }, this.valid.element, this.refused.element);
    this.element = el("div", { class: "view events" }, this.overview.element, this.filters.element, this.tabs, this.panes, this.start.element);
    this.refused.grid.setColumns(REFUSED, "");
    this.select(this.valid);
    NARROW.addEventListener("change", () => this.arrange());
    this.arrange();
  }

  side(id, label, load, kind) {
    const side = { id, kind, label };
    side.pages = new Pages(load, () => this.came(side));
    side.grid = new Grid({
      id,
      label: `${label} events`,
      pages: side.pages,
      keyOf: (row) => row.id,
      onOpen: (row, { follow = false } = {}) => go({ open: `${kind}:${row.id}` }, { push: !follow }),
      onSort: (sort) => go({ sort: sort === "-id" ? "" : sort }),
    });
    side.count = el("span", { class: "count" });
    side.tabCount = el("span", { class: "count" });
    side.tab = el("button", { type: "button", id: `tab-${id}`, class: `tab ${id}`, click: () => this.select(side), keydown: (event) => this.pressTab(event, side) }, label, " ", side.tabCount);
    side.element = el("section", { class: `pane ${id}`, id: `pane-${id}` }, el("h2", { id: `title-${id}` }, label, " ", side.count), side.grid.element);
    return side;
  }

  select(side) {
    this.selected = side;
    this.arrange();
  }

  pressTab(event, side) {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    const other = side === this.valid ? this.refused : this.valid;
    this.select(other);
    other.tab.focus();
  }

  /** Two regions where there is room; tabs and their panels where there is not. */
  arrange() {
    if (!this.refused || !this.selected) return;
    const narrow = NARROW.matches;
    if (narrow) this.tabs.setAttribute("role", "tablist");
    else this.tabs.removeAttribute("role");
    this.tabs.hidden = !narrow;
    for (const side of [this.valid, this.refused]) {
      const chosenOne = side === this.selected;
      side.element.hidden = narrow && !chosenOne;
      side.element.setAttribute("role", narrow ? "tabpanel" : "region");
      side.element.setAttribute("aria-labelledby", narrow ? side.tab.id : `title-${side.id}`);
      if (narrow) {
        side.tab.setAttribute("role", "tab");
        side.tab.setAttribute("aria-controls", side.element.id);
        side.tab.setAttribute("aria-selected", String(chosenOne));
        side.tab.tabIndex = chosenOne ? 0 : -1;
      }
      side.grid.render();
    }
  }

  /** Show the filters, columns, order and open entry of the address. */
  show() {
    this.filters.show();
    const query = filters();
    const newest = !state.sort || state.sort === "-id";
    if (this.valid.pages.reset([...query, ["sort", newest ? "id" : state.sort]], newest)) this.valid.grid.restart();
    if (this.refused.pages.reset([...query, ["sort", "id"]], true)) this.refused.grid.restart();
    const columns = JSON.stringify([chosen(state.column), state.sort]);
    if (columns !== this.columns) {
      this.columns = columns;
      this.valid.grid.setColumns(chosen(state.column).map(column), newest ? "-id" : state.sort);
    }
    const [kind, id] = state.open.split(":");
    for (const side of [this.valid, this.refused]) side.grid.setOpened(kind === side.kind ? Number(id) : null);
    if (kind === "refused" && NARROW.matches && this.selected === this.valid && !this.opened) this.select(this.refused);
    this.opened = state.open;
  }

  refresh() {
    return Promise.all([this.valid.pages.refresh(), this.refused.pages.refresh()]);
  }

  stats(stats) {
    this.overview.show(stats);
    this.filters.offer(stats.by_event, []);
    this.start.stats(stats);
  }

  came(side) {
    side.grid.update();
    for (const count of [side.count, side.tabCount]) count.textContent = counted(side.pages);
    side.grid.explain(side === this.valid ? "No event matches." : active() ? "No refused event matches." : "No event was refused.");
    const rows = [...side.grid.rows.values()].map((row) => row.data);
    if (side === this.valid) this.filters.offer(null, rows);
    const nothing = !active() && this.valid.pages.total === 0 && this.refused.pages.total === 0;
    this.start.element.hidden = !nothing;
    for (const node of [this.panes, this.filters.element]) node.hidden = nothing;
    this.tabs.hidden = nothing || !NARROW.matches;
  }

  /** Return the grid that holds the keyboard's place of an entry. */
  gridOf(kind) {
    return kind === "refused" ? this.refused.grid : this.valid.grid;
  }
}
