// The views of users' profiles, groups' profiles and merged ids: a list with a search, newest first.

import { go, state } from "/page/address.js";
import * as api from "/page/api.js";
import { debounce, el, field } from "/page/dom.js";
import { clock, number, plain } from "/page/format.js";
import { counted, Grid } from "/page/grid.js";
import { Pages } from "/page/pages.js";

const WAIT = 250; // milliseconds after the last key
const SHOWN = 12; // properties in the summary, and ids of a user; a cell has no room for more

const NUMBER = { label: "No.", width: "4rem", least: 4, kind: "number minor", cell: (row) => number(row.id) };
const OF_PROFILES = [
  { label: "Updated", width: "minmax(5rem, max-content)", least: 5, kind: "when", cell: (row) => clock(row.updated) },
  { label: "Updates", width: "5rem", least: 4, kind: "number minor", cell: (row) => number(row.updates) },
  { label: "Properties", width: "minmax(10rem, 3fr)", least: 10, kind: "summary", cell: (row) => summary(row.properties) },
];
const LAST_SEEN = { label: "Last seen", width: "minmax(5rem, max-content)", least: 5, kind: "when minor", cell: (row) => (row.last_seen === null ? "" : clock(row.last_seen)) };
const LOCATION = { label: "Location of", width: "8rem", least: 7, kind: "minor", cell: (row) => plain(row.ip ?? "") };
const text = (label, value, kind = "name") => ({ label, width: "minmax(7rem, 1fr)", least: 7, kind, cell: (row) => plain(value(row)) });

const USERS = [NUMBER, text("distinct_id", (row) => row.distinct_id), ...OF_PROFILES.slice(0, 2), LAST_SEEN, LOCATION, OF_PROFILES[2]];
const GROUPS = [NUMBER, text("Group key", (row) => row.group_key, ""), text("Group id", (row) => row.group_id), ...OF_PROFILES];
const MERGED = [
  NUMBER,
  { label: "Ids", width: "5rem", least: 4, kind: "number", cell: (row) => number(row.distinct_ids.length) },
  { label: "Ids of one user", width: "minmax(10rem, 4fr)", least: 10, kind: "summary", cell: (row) => ids(row.distinct_ids) },
];

function summary(properties) {
  return Object.entries(properties).slice(0, SHOWN).flatMap(([name, value]) => [el("b", {}, plain(name)), ` ${plain(value)}  `]);
}

const ids = (all) => all.slice(0, SHOWN).map(plain).join(", ") + (all.length > SHOWN ? ", …" : "");

class StateView {
  /** `kind` is the word for an entry in the address, `load` fetches rows, `title` and `nothing` are for the reader. */
  constructor({ name, kind, title, hint, nothing, load, columns }) {
    Object.assign(this, { kind, nothing });
    this.pages = new Pages(load, () => this.came());
    this.grid = new Grid({
      id: name,
      label: title,
      pages: this.pages,
      keyOf: (row) => row.id,
      onOpen: (row, { follow = false } = {}) => go({ open: `${kind}:${row.id}` }, { push: !follow }),
    });
    this.grid.setColumns(columns, "");
    const changed = debounce(() => go({ search: this.search.value.trim() }), WAIT);
    this.search = el("input", { name: "search", type: "search", placeholder: hint, autocomplete: "off", spellcheck: "false", maxlength: 1000, input: changed });
    this.count = el("span", { class: "count" });
    this.element = el(
      "div",
      { class: "view list-of" },
      el("form", { class: "filters", role: "search", "aria-label": `Find ${title.toLowerCase()}`, submit: (event) => event.preventDefault() }, field("Find", this.search)),
      el("section", { class: "pane", "aria-labelledby": `title-${name}` }, el("h2", { id: `title-${name}` }, `${title} `, this.count), this.grid.element),
    );
  }

  show() {
    if (document.activeElement !== this.search) this.search.value = state.search;
    const query = state.search ? [["search", state.search]] : [];
    if (this.pages.reset([...query, ["sort", "id"]], true)) this.grid.restart();
    const [kind, id] = state.open.split(":");
    this.grid.setOpened(kind === this.kind ? Number(id) : null);
  }

  refresh() {
    return this.pages.refresh();
  }

  came() {
    this.grid.update();
    this.count.textContent = counted(this.pages);
    this.grid.explain(state.search ? "No id matches." : this.nothing);
  }

  gridOf() {
    return this.grid;
  }
}

export const stateViews = () => ({
  profiles: new StateView({ name: "profiles", kind: "profile", title: "Profiles", hint: "A part of an id", nothing: "No profile yet: POST /engage makes one.", load: api.profiles, columns: USERS }),
  groups: new StateView({ name: "groups", kind: "group", title: "Groups", hint: "A part of a key or an id", nothing: "No group yet: POST /groups makes one.", load: api.groups, columns: GROUPS }),
  identities: new StateView({ name: "merged", kind: "merged", title: "Identities", hint: "A part of an id", nothing: "No ids were merged yet: $identify, $create_alias and $merge do it.", load: api.identities, columns: MERGED }),
});
