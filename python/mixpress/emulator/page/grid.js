// A list of any length as an ARIA grid: rows of one height, of which only those in view are in the document.

import { el } from "/page/dom.js";
import { number } from "/page/format.js";

const TALLEST = 12e6; // browsers limit the height of an element; a longer list scrolls proportionally faster
const MARGIN = 8; // rows above and below the view

export class Grid {
  /**
   * `id` is unique in the page, `label` names the grid, `pages` has the rows, `keyOf(row)` their number.
   * `onOpen(row)` opens a row; `onSort(sort)` orders by a column.
   */
  constructor({ id, label, pages, keyOf, onOpen, onSort }) {
    Object.assign(this, { id, pages, keyOf, onOpen, onSort });
    this.head = el("div", { role: "rowgroup", class: "head" });
    this.body = el("div", { role: "rowgroup", class: "rows" });
    this.root = el(
      "div",
      { class: "grid", role: "grid", tabindex: 0, "aria-label": label, "aria-readonly": "true", scroll: () => this.scrolled(), keydown: (event) => this.press(event), focus: () => this.focused() },
      this.head,
      this.body,
    );
    this.note = el("p", { class: "note" });
    this.element = el("div", { class: "list" }, this.root, this.note);
    this.rows = new Map();
    this.columns = [];
    this.active = -1;
    this.opened = null;
    this.newest = null;
    this.known = 0;
    this.waiting = null;
    new ResizeObserver(() => this.render()).observe(this.root);
  }

  setColumns(columns, sort) {
    this.columns = columns;
    this.root.style.setProperty("--columns", columns.map((column) => column.width).join(" "));
    this.root.style.setProperty("--least", `${columns.reduce((sum, column) => sum + (column.least ?? 6), 1)}rem`);
    this.root.setAttribute("aria-colcount", columns.length);
    this.head.replaceChildren(el("div", { role: "row", class: "row", "aria-rowindex": 1 }, columns.map((column) => this.header(column, sort))));
    this.clear();
    this.render();
  }

  header(column, sort) {
    if (!column.sort) return el("div", { role: "columnheader", class: `cell ${column.kind ?? ""}` }, column.label);
    const [up, down] = [column.sort, `-${column.sort}`];
    const order = sort === up ? "ascending" : sort === down ? "descending" : "none";
    return el(
      "div",
      { role: "columnheader", class: `cell ${column.kind ?? ""}`, "aria-sort": order },
      el("button", { type: "button", class: "sort", click: () => this.onSort(sort === down ? up : down) }, column.label),
    );
  }

  /** Forget where the reader was: the list is another one. */
  restart() {
    this.active = -1;
    this.newest = null;
    this.known = 0;
    this.waiting = null;
    this.root.scrollTop = 0;
    this.clear();
  }

  clear() {
    this.rows.clear();
    this.body.replaceChildren();
  }

  /** Show what came. Rows that are read stay where they are when newer ones are put above them. */
  update() {
    const total = this.pages.total ?? 0;
    const more = total - this.known;
    this.known = total;
    if (total === 0) this.newest = null; // numbers start again after everything was deleted
    if (more > 0 && this.pages.reversed && total > more) this.makeRoom(more);
    this.render();
  }

  makeRoom(more) {
    const away = this.root.scrollTop > 4;
    if (this.active >= 0) this.active += more;
    this.resize();
    if (away) this.scrollTo(this.top() + more * this.rowHeight);
  }

  resize() {
    this.rowHeight = parseFloat(getComputedStyle(this.root).getPropertyValue("--row")) || 32;
    const content = (this.pages.total ?? 0) * this.rowHeight;
    const view = this.root.clientHeight - this.head.offsetHeight;
    this.height = Math.min(content, TALLEST);
    this.view = Math.max(view, 0);
    this.scale = this.height > this.view ? (content - this.view) / (this.height - this.view) : 1;
    this.body.style.height = `${this.height}px`;
    this.root.setAttribute("aria-rowcount", (this.pages.total ?? 0) + 1);
  }

  /** Return how much of the list, in pixels, is above the view. */
  top() {
    return this.root.scrollTop * this.scale;
  }

  scrollTo(top) {
    this.root.scrollTop = top / this.scale;
  }

  scrolled() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.render();
    });
  }

  render() {
    if (!this.root.clientHeight) return; // the view is hidden
    this.resize();
    const total = this.pages.total ?? 0;
    const first = Math.max(0, Math.floor(this.top() / this.rowHeight) - MARGIN);
    const last = Math.min(total - 1, Math.ceil((this.top() + this.view) / this.rowHeight) + MARGIN);
    const kept = new Set();
    let next = null;
    for (let index = last; index >= first; index -= 1) {
      next = this.show(index, next);
      kept.add(next);
    }
    for (const [position, row] of this.rows) {
      if (kept.has(row)) continue;
      row.remove();
      this.rows.delete(position);
    }
    this.greeted();
    this.mark();
    this.pages.want(first, last);
    if (this.waiting) this.openWhatCame();
  }

  /** Put a row in front of the next one. It is known by its position in the list of the server, which is stable. */
  show(index, next) {
    const position = this.pages.position(index);
    const data = this.pages.row(index);
    let row = this.rows.get(position);
    if (!row || row.data !== data) {
      row?.remove();
      row = this.makeRow(position, data);
      this.rows.set(position, row);
      this.body.insertBefore(row, next);
    }
    row.index = index;
    row.setAttribute("aria-rowindex", index + 2);
    row.style.transform = `translateY(${index * this.rowHeight - this.top() + this.root.scrollTop}px)`;
    return row;
  }

  makeRow(position, data) {
    const cells = this.columns.map((column) => cell(column, data));
    const row = el("div", { role: "row", class: "row", id: `${this.id}-${position}`, click: (event) => this.clicked(event, row.index) }, cells);
    row.data = data;
    if (data === undefined) row.setAttribute("aria-busy", "true");
    if (data && this.pages.reversed && this.newest !== null && this.keyOf(data) > this.newest && performance.now() > this.settled) row.classList.add("fresh");
    return row;
  }

  /** Remember the newest row that was shown: those after it are marked when they arrive. */
  greeted() {
    for (const { data } of this.rows.values()) {
      if (data === undefined) continue;
      if (this.newest === null) this.settled = performance.now() + 500;
      this.newest = Math.max(this.newest ?? 0, this.keyOf(data));
    }
  }

  clicked(event, index) {
    if (event.target.closest("a")) return;
    this.active = index;
    this.mark();
    this.open();
  }

  focused() {
    if (this.active < 0 && this.pages.total) this.active = Math.floor(this.top() / this.rowHeight);
    this.mark();
  }

  press(event) {
    if (event.target !== this.root || event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.view / this.rowHeight) - 1);
    const last = (this.pages.total ?? 0) - 1;
    const to = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page, PageUp: this.active - page, Home: 0, End: last }[event.key];
    if (to !== undefined) this.activate(Math.min(Math.max(to, 0), last));
    else if (event.key === "Enter" || event.key === " ") this.open();
    else return;
    event.preventDefault();
  }

  activate(index) {
    if (index < 0) return;
    this.active = index;
    this.waiting = null;
    const [top, bottom] = [index * this.rowHeight, (index + 1) * this.rowHeight];
    if (top < this.top()) this.scrollTo(top);
    else if (bottom > this.top() + this.view) this.scrollTo(bottom - this.view);
    this.render();
    if (this.opened !== null) this.open({ follow: true });
  }

  /** Open the active row, at once or when it comes. */
  open(options = {}) {
    const row = this.pages.row(this.active);
    this.waiting = row ? null : options;
    if (row) this.onOpen(row, options);
  }

  openWhatCame() {
    if (this.pages.total === 0) this.waiting = null;
    if (this.active < 0) this.focused();
    if (this.pages.row(this.active)) this.open(this.waiting);
  }

  /** Mark the row with this number as the one whose details are shown; null for none. */
  setOpened(key) {
    this.opened = key;
    this.mark();
  }

  mark() {
    let active = null;
    for (const row of this.rows.values()) {
      if (row.index === this.active) active = row;
      row.classList.toggle("active", row.index === this.active);
      const opened = this.opened !== null && row.data !== undefined && this.keyOf(row.data) === this.opened;
      row.setAttribute("aria-selected", String(opened));
    }
    if (active) this.root.setAttribute("aria-activedescendant", active.id);
    else this.root.removeAttribute("aria-activedescendant");
  }

  /** Say why there are no rows. */
  explain(text) {
    const shown = this.pages.error || (this.pages.total === 0 ? text : "");
    this.note.textContent = shown;
    this.note.classList.toggle("bad", Boolean(this.pages.error));
    this.root.classList.toggle("empty", this.pages.total === 0);
  }
}

function cell(column, data) {
  const content = data === undefined ? "" : column.cell(data);
  return el("div", { role: "gridcell", class: `cell ${column.kind ?? ""}` }, content);
}

export const counted = (pages) => (pages.total === null ? "" : number(pages.total));
