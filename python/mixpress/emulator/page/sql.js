// A box for one query that reads the stored events and profiles; its result as a table and as CSV.
//
// A query that comes with the address is shown and not run: a link must not make the emulator work.

import { go, state } from "/page/address.js";
import * as api from "/page/api.js";
import { button, el, say } from "/page/dom.js";
import { duration, plain, plural } from "/page/format.js";

const LIMIT = 1000; // rows of the table
const CSV_LIMIT = 10000; // the most that the emulator returns
const EXAMPLES = [
  ["Events by name", "SELECT event, count(*) AS events, count(DISTINCT distinct_id) AS people\nFROM events\nGROUP BY event\nORDER BY events DESC"],
  ["By minute", "SELECT strftime('%Y-%m-%d %H:%M', time / 1000, 'unixepoch') AS minute, count(*) AS events\nFROM events\nGROUP BY minute\nORDER BY minute DESC"],
  ["Properties in use", "SELECT key AS property, type, count(*) AS events\nFROM events, json_each(properties)\nGROUP BY key, type\nORDER BY events DESC"],
  ["Missing distinct_id", "SELECT id, event, properties\nFROM events\nWHERE distinct_id = ''\nORDER BY id DESC"],
  ["Profiles by plan", "SELECT properties ->> '$.plan' AS plan, count(*) AS profiles, sum(updates) AS updates\nFROM profiles\nGROUP BY plan\nORDER BY profiles DESC"],
];
const WIDE = 700; // pixels of a screen that has room for the tables
const SCHEMA = [
  "events(id, endpoint, event, time, distinct_id, insert_id, properties, received, request)",
  "profiles(id, distinct_id, properties, last_seen, ip, created, updated, updates)",
  "groups(id, group_key, group_id, properties, created, updated, updates)",
  "identities(id, distinct_id, cluster)",
];

export class SqlView {
  constructor() {
    this.input = el("textarea", { id: "sql", name: "sql", rows: 5, spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-describedby": "schema" });
    this.input.addEventListener("input", () => go({ sql: this.input.value }));
    this.input.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.run());
    this.go = button("Run", () => this.run(), { class: "main", title: "Ctrl+Enter" });
    this.csv = button("Download CSV", () => this.download());
    this.csv.disabled = true;
    this.result = el("p", { class: "result", role: "status" });
    this.table = el("div", { class: "scroll" });
    this.element = el(
      "div",
      { class: "view sql" },
      el(
        "section",
        { class: "pane padded", "aria-labelledby": "title-sql" },
        el("h2", { id: "title-sql" }, el("label", { for: "sql" }, "SQL over events and profiles")),
        el("p", { class: "soft", id: "schema" }, "Read-only SQLite. Times are in milliseconds; properties is JSON: ", el("code", {}, "properties ->> '$.plan'")),
        el("details", { class: "tables", open: window.innerWidth > WIDE }, el("summary", {}, "Tables"), el("ul", {}, SCHEMA.map((table) => el("li", {}, el("code", {}, table))))),
        el("div", { class: "examples", role: "group", "aria-label": "Examples" }, EXAMPLES.map(([name, text]) => button(name, () => this.example(text), { class: "small" }))),
        this.input,
        el("div", { class: "actions" }, this.go, this.csv, this.result),
        this.table,
      ),
    );
  }

  show() {
    if (document.activeElement !== this.input) this.input.value = state.sql || EXAMPLES[0][1];
  }

  refresh() {}

  gridOf() {
    return null;
  }

  example(text) {
    this.input.value = text;
    go({ sql: text });
    this.run();
  }

  async run() {
    const text = this.input.value;
    this.go.disabled = true;
    try {
      this.present(await api.sql(text, LIMIT));
      this.ran = text;
      this.csv.disabled = false;
    } catch (error) {
      this.fail(error);
    } finally {
      this.go.disabled = false;
    }
  }

  fail(error) {
    this.result.textContent = error.message;
    this.result.classList.add("bad");
    this.table.replaceChildren();
    this.csv.disabled = true;
  }

  present({ columns, rows, truncated, seconds }) {
    this.result.classList.remove("bad");
    const count = truncated ? `The first ${plural(rows.length, "row")}` : plural(rows.length, "row");
    this.result.textContent = `${count}, ${duration(seconds)}`;
    const numeric = columns.map((_, at) => rows.length > 0 && rows.every((row) => row[at] === null || typeof row[at] === "number"));
    const kind = (at) => (numeric[at] ? "number" : "");
    this.table.replaceChildren(
      el(
        "table",
        { "aria-label": "Result" },
        el("thead", {}, el("tr", {}, columns.map((name, at) => el("th", { scope: "col", class: kind(at) }, plain(name))))),
        el("tbody", {}, rows.map((row) => el("tr", {}, row.map((value, at) => el("td", { class: kind(at) }, value === null ? el("span", { class: "soft" }, "NULL") : plain(value)))))),
      ),
    );
    this.table.tabIndex = 0;
    this.table.setAttribute("role", "region");
    this.table.setAttribute("aria-label", "Result of the query");
  }

  async download() {
    try {
      const text = await api.sqlCSV(this.ran, CSV_LIMIT);
      const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      el("a", { href: url, download: "rows.csv" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
      say("Downloaded rows.csv");
    } catch (error) {
      this.fail(error);
    }
  }
}
