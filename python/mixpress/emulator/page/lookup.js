// The view of lookup tables: a list of them, and the rows of the chosen one with a search by their ids.

import { fresh, go, state } from "/page/address.js";
import * as api from "/page/api.js";
import { copyButton } from "/page/copy.js";
import { csv } from "/page/csv.js";
import { debounce, el, field } from "/page/dom.js";
import { clock, number, plain, plural } from "/page/format.js";
import { counted, Grid } from "/page/grid.js";
import { pretty, view } from "/page/json.js";
import { link } from "/page/links.js";
import { Pages } from "/page/pages.js";

const WAIT = 250; // milliseconds after the last key
const SHOWN = 40; // columns: more would make a row slow, and the details have them all
const COPIED = 10_000; // rows of "Copy CSV": a clipboard is no place for 100 MB
const STEP = 1000; // rows of a request for the clipboard, the most that the emulator returns

const known = (value, text) => (value === null ? "" : text(value));
const TABLES = [
  { label: "Id", width: "minmax(5rem, 1fr)", least: 5, kind: "name", cell: (row) => plain(row.id) },
  { label: "Name", width: "minmax(5rem, 1fr)", least: 5, kind: "title", cell: (row) => plain(row.name) },
  { label: "Rows", width: "5.5rem", least: 4, kind: "number rowcount", cell: (row) => known(row.rows, number) },
  { label: "Columns", width: "4.8rem", least: 4, kind: "number minor", cell: (row) => known(row.columns, number) },
  { label: "Replaced", width: "minmax(5rem, max-content)", least: 5, kind: "when", cell: (row) => known(row.replaced, clock) },
];
const NUMBER = { label: "Row", width: "5rem", least: 4, kind: "number", cell: (row) => number(row.number) };
const column = (name, at) => ({ label: plain(name), width: "minmax(7rem, 1fr)", least: 7, kind: at ? "" : "name", cell: (row) => plain(row.values[name]) });

export class LookupView {
  constructor() {
    this.names = [];
    this.tables = this.list("tables", "Lookup tables", api.lookupTables, TABLES, (row, options) => this.choose(row, options), (row) => row.id);
    this.rows = this.list("rows", "Rows of the table", (parameters, signal) => this.load(parameters, signal), [NUMBER], (row, { follow = false } = {}) => go({ open: `row:${row.number}` }, { push: !follow }), (row) => row.number);
    this.search = el("input", { name: "search", type: "search", placeholder: "A part of an id, in the first column", autocomplete: "off", spellcheck: "false", maxlength: 1000, input: debounce(() => go({ search: this.search.value }), WAIT) });
    this.find = el("form", { class: "filters", role: "search", "aria-label": "Find rows", submit: (event) => event.preventDefault() }, field("Find", this.search), copyButton(() => this.copied(), "Copy CSV"));
    this.back = link("/", "All lookup tables");
    this.all = el("p", { class: "all" }, this.back);
    this.cut = el("p", { class: "cut soft" });
    this.title = el("span");
    this.content = el("section", { class: "pane rows-of", "aria-labelledby": "title-rows" }, el("h2", { id: "title-rows" }, this.title, " ", this.rows.count), this.cut, this.rows.grid.element);
    const list = el("section", { class: "pane tables-of", "aria-labelledby": "title-tables" }, el("h2", { id: "title-tables" }, "Lookup tables ", this.tables.count), this.tables.grid.element);
    this.element = el("div", { class: "view lookup" }, this.all, this.find, el("div", { class: "panes" }, list, this.content));
  }

  list(id, label, load, columns, onOpen, keyOf) {
    const pages = new Pages(load, () => this.came());
    const grid = new Grid({ id, label, pages, keyOf, onOpen });
    grid.setColumns(columns, "");
    return { pages, grid, count: el("span", { class: "count" }) };
  }

  choose(row, { follow = false } = {}) {
    go({ table: row.id, search: "", open: "" }, { push: !follow });
    const list = this.tables.grid.root;
    if (!list.clientHeight) this.rows.grid.root.focus(); // a phone has room for one of the two
  }

  /** Return rows of the table that the query names, and remember the names of its columns. */
  async load(parameters, signal) {
    try {
      const found = await api.lookupRows(parameters, signal);
      if (!signal.aborted) this.names = found.columns;
      return found;
    } catch (error) {
      if (error.status === 404 && !signal.aborted) this.rows.pages.resize(0); // the table was deleted
      throw error;
    }
  }

  show() {
    const { table, search } = state;
    if (document.activeElement !== this.search) this.search.value = search;
    this.element.classList.toggle("chosen", table !== "");
    for (const node of [this.all, this.find, this.content]) node.hidden = table === "";
    this.back.href = fresh({ view: "lookup" });
    this.title.textContent = `Rows of ${plain(table)}`;
    this.tables.pages.reset([], false);
    this.tables.grid.setOpened(table || null);
    this.tables.grid.render();
    if (!table) return;
    if (this.rows.pages.reset(this.query(), false)) this.rows.grid.restart();
    const [kind, id] = state.open.split(":");
    this.rows.grid.setOpened(kind === "row" ? Number(id) : null);
    this.rows.grid.render();
  }

  query() {
    return [["table", state.table], ...(state.search ? [["search", state.search]] : [])];
  }

  refresh() {
    return Promise.all([this.tables.pages.refresh(), state.table && this.rows.pages.refresh()]);
  }

  came() {
    const names = JSON.stringify(this.names);
    if (names !== this.shown) {
      this.shown = names;
      this.rows.grid.setColumns([NUMBER, ...this.names.slice(0, SHOWN).map(column)], "");
      this.cut.textContent = this.names.length > SHOWN ? `The first ${SHOWN} of ${plural(this.names.length, "column")}. A row's details have all.` : "";
    }
    for (const { pages, grid, count } of [this.tables, this.rows]) {
      grid.update();
      count.textContent = counted(pages);
    }
    this.tables.grid.explain("No lookup table yet: start the emulator with --lookup-table ID.");
    this.rows.grid.explain(state.search ? "No id matches." : "This table has no rows yet.");
  }

  /** Return the selected rows as CSV. */
  async copied() {
    const query = this.query();
    const rows = [];
    let found;
    do {
      found = await api.lookupRows([...query, ["limit", STEP], ["offset", rows.length]]);
      rows.push(...found.rows);
    } while (found.rows.length && rows.length < Math.min(COPIED, found.total));
    const what = rows.length < found.total ? `the first ${plural(rows.length, "row")} of ${number(found.total)}` : plural(rows.length, "row");
    return { text: csv([found.columns, ...rows.map(({ values }) => found.columns.map((name) => values[name]))]), what };
  }

  gridOf(kind) {
    return kind === "row" ? this.rows.grid : this.tables.grid;
  }
}

/** Return the details of a row. */
export const ofRow = (row) => [[copyButton(() => pretty(row.values), "Copy JSON")], [view(row.values)]];
