// The filters of the events, the choice of columns and, on a phone, of the order.

import { button, debounce, el, field } from "/page/dom.js";
import { plural, visible } from "/page/format.js";
import { go, state } from "/page/address.js";
import { chosen, column, ofProperty, own, toggled } from "/page/columns.js";

const WAIT = 250; // milliseconds after the last key
const ORDERS = [
  ["", "Newest first"],
  ["id", "Oldest first"],
  ["-time", "Latest time first"],
  ["time", "Earliest time first"],
  ["event", "Event, A to Z"],
  ["distinct_id", "distinct_id, A to Z"],
];

export class Filters {
  constructor() {
    this.names = new Set();
    this.inputs = {};
    this.list = el("datalist", { id: "event-names" });
    this.known = el("datalist", { id: "property-names" });
    this.chips = el("ul", { class: "chips", "aria-label": "Filters in effect" });
    this.columns = new Columns(this.names);
    const property = this.propertyInput();
    this.fields = el(
      "div",
      { class: "fields", id: "filter-fields" },
      field("Event", this.textInput("event", { list: "event-names", placeholder: "Any" })),
      field("distinct_id", this.textInput("distinct_id", { placeholder: "Any" })),
      field("Property", property),
    );
    this.more = button("Filters", () => this.unfold(), { class: "more", "aria-expanded": "false", "aria-controls": "filter-fields" });
    this.element = el(
      "form",
      { class: "filters", role: "search", "aria-label": "Filter events", submit: (event) => event.preventDefault() },
      field("Search", this.textInput("search", { type: "search", placeholder: "Any text in the event" }), { class: "field search" }),
      this.more,
      this.fields,
      this.columns.element,
      this.list,
      this.known,
      this.chips,
    );
    this.show();
  }

  textInput(name, attributes) {
    const input = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes, name });
    const apply = () => go({ [name]: input.value });
    input.addEventListener("input", debounce(apply, WAIT));
    input.addEventListener("change", apply);
    this.inputs[name] = input;
    return input;
  }

  propertyInput() {
    const input = el("input", { type: "text", autocomplete: "off", spellcheck: "false", list: "property-names", placeholder: "NAME or NAME:VALUE", name: "property" });
    const add = () => {
      const value = input.value.trim();
      input.value = "";
      if (value && !state.property.includes(value)) go({ property: [...state.property, value] });
    };
    input.addEventListener("keydown", (event) => event.key === "Enter" && add());
    input.addEventListener("change", add);
    return input;
  }

  unfold() {
    const open = this.element.classList.toggle("unfolded");
    this.more.setAttribute("aria-expanded", String(open));
  }

  /** Show the filters of the address. */
  show() {
    for (const [name, input] of Object.entries(this.inputs)) if (document.activeElement !== input) input.value = state[name];
    const chips = state.property.map((value) => chip(value, { property: state.property.filter((one) => one !== value) }));
    if (state.request) chips.push(chip(`request #${state.request}`, { request: "" }));
    const active = chips.length + ["event", "distinct_id", "search"].filter((name) => state[name]).length;
    if (active) chips.push(el("li", {}, button("Clear all", () => clear(), { class: "small" })));
    this.chips.replaceChildren(...chips);
    this.chips.hidden = !chips.length;
    this.more.textContent = active ? `Filters (${active})` : "Filters";
    this.columns.show();
  }

  /** Offer these event names and the properties of these rows. */
  offer(byEvent, rows) {
    if (byEvent) this.list.replaceChildren(...byEvent.map(({ event }) => el("option", { value: String(event) })));
    const before = this.names.size;
    for (const row of rows) for (const name of Object.keys(row?.properties ?? {})) if (this.names.size < 500) this.names.add(name);
    if (this.names.size === before) return;
    this.known.replaceChildren(...[...this.names].sort().map((name) => el("option", { value: name })));
    this.columns.show();
  }
}

export const active = () => Boolean(state.event || state.distinct_id || state.search || state.request || state.property.length);

export function clear() {
  go({ event: "", distinct_id: "", search: "", request: "", property: [] });
}

function chip(text, without) {
  const shown = visible(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  return el("li", { class: "chip" }, el("bdi", {}, shown), button("×", () => go(without), { "aria-label": `Remove the filter ${shown}` }));
}

/** A button that shows which columns there are. */
class Columns {
  constructor(names) {
    this.names = names;
    this.button = button("Columns", () => this.toggle(), { "aria-expanded": "false", "aria-controls": "columns" });
    this.order = el("select", { change: () => go({ sort: this.order.value }) }, ORDERS.map(([value, text]) => el("option", { value }, text)));
    this.boxes = el("div", { class: "boxes", role: "group", "aria-label": "Columns shown" });
    this.input = el("input", { type: "text", list: "property-names", placeholder: "Any property", autocomplete: "off", name: "column" });
    this.input.addEventListener("keydown", (event) => event.key === "Enter" && this.add());
    this.panel = el(
      "div",
      { class: "popover", id: "columns", hidden: true },
      field("Order", this.order),
      el("div", { class: "row-of" }, field("Add a column", this.input), button("Add", () => this.add())),
      this.boxes,
      el("p", { class: "end" }, button("Default columns", () => go({ column: [] }), { class: "small" })),
    );
    this.element = el("div", { class: "columns" }, this.button, this.panel);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.panel.hidden) return;
      event.stopPropagation();
      this.toggle(false);
      this.button.focus();
    });
    document.addEventListener("pointerdown", (event) => this.element.contains(event.target) || this.toggle(false));
  }

  toggle(open = this.panel.hidden) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.show();
  }

  add() {
    const name = this.input.value.trim();
    this.input.value = "";
    const keys = chosen(state.column);
    if (name && !keys.includes(ofProperty(name))) go({ column: toggled(keys, ofProperty(name)) });
  }

  show() {
    if (this.panel.hidden) return;
    this.order.value = ORDERS.some(([value]) => value === state.sort) ? state.sort : "";
    const keys = chosen(state.column);
    const all = [...new Set([...keys, ...own, ...[...this.names].sort().map(ofProperty)])];
    const focused = document.activeElement?.dataset?.column;
    this.boxes.replaceChildren(...all.map((key) => this.box(key, keys)));
    if (focused) [...this.boxes.querySelectorAll("input")].find((box) => box.dataset.column === focused)?.focus();
    this.button.title = plural(keys.length, "column");
  }

  box(key, keys) {
    const box = el("input", { type: "checkbox", "data-column": key, change: () => go({ column: toggled(keys, key) }) });
    box.checked = keys.includes(key);
    return el("label", { class: own.includes(key) ? "own" : "" }, box, el("span", {}, column(key).label));
  }
}
