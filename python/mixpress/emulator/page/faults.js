// The view of the faults: a switch for each kind, and the text that describes them all.

import * as api from "/page/api.js";
import { copyButton } from "/page/copy.js";
import { button, el, field, say } from "/page/dom.js";
import { plain } from "/page/format.js";

const LARGER = "larger"; // of a limit of size: it falls on the requests that are larger
const HOW = ["100%", "50%", "20%", "10%", "1%", "1x", "3x"];
const MEANING = {
  400: "Some events of a request are refused",
  401: "Invalid credentials",
  403: "Forbidden",
  408: "Request timeout",
  413: "The request is too large",
  414: "The URL is too long",
  429: "Rate limit",
  500: "The server failed",
  502: "Bad gateway",
  503: "Unavailable",
  504: "Gateway timeout",
  taken: "Stored, then closed without a reply",
  "drop-reply": "Stored, then closed without a reply",
  reset: "The connection is reset",
  slow: "The usual reply, later",
  latency: "The usual reply, later",
};
const SAMPLES = { SECONDS: "2", BYTES: "100000", POSITION: "0", TIME: "200ms", JITTER: "50" };

/** Return a kind such as `429:SECONDSs` with sample values, as it could be switched on. */
const sample = (kind) => kind.replace(/(?:\+POSITION)/g, "").replace(/[A-Z]{2,}/g, (word) => SAMPLES[word] ?? "1");

function meaning(fault) {
  const [kind, detail] = fault.split(":");
  const what = MEANING[kind] ?? "";
  if (detail === "html") return `${what}, as a page of HTML`;
  return kind === "429" && detail ? `${what}, with Retry-After` : what;
}

/** Return a rule as text. A share is written as a fraction: behind a colon, a number would be a count. */
function written({ fault, how }) {
  const percent = /^([\d.]+)%$/.exec(how);
  if (percent) return `${fault}=${Number((percent[1] / 100).toPrecision(12))}`;
  return how && how !== LARGER ? `${fault}=${how}` : fault;
}

export class FaultsView {
  /** `onFaults(text)` is called with the faults in effect whenever they are known. */
  constructor(onFaults) {
    this.onFaults = onFaults;
    this.rules = [];
    this.input = el("textarea", { rows: 1, name: "faults", spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-describedby": "faults-problem" });
    this.input.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && this.submit(event));
    this.problem = el("p", { class: "bad", id: "faults-problem", role: "alert" });
    this.switches = el("ul", { class: "switches", "aria-label": "Faults" });
    this.element = el(
      "div",
      { class: "view faults" },
      el(
        "section",
        { class: "pane padded", "aria-labelledby": "title-faults" },
        el("h2", { id: "title-faults" }, "Faults on demand"),
        el("p", { class: "soft" }, "A fault falls on a share of the requests, such as 10%, or on a number of the next ones, such as 3x. With the same seed the same requests fail."),
        el("form", { class: "row-of", submit: (event) => this.submit(event) }, field("In effect", this.input, { class: "field wide" }), el("button", { class: "main" }, "Apply"), button("No faults", () => this.put(this.seed()))),
        (this.repeat = el("p", { class: "soft", hidden: true }, "The same on the command line: ", (this.command = el("code")), " ", copyButton(() => this.command.textContent))),
        this.problem,
        this.switches,
      ),
    );
  }

  async show() {
    if (this.asked) return;
    await this.refresh();
  }

  async refresh() {
    this.asked = true;
    try {
      this.came(await api.faults());
    } catch (error) {
      this.problem.textContent = error.message;
    }
  }

  gridOf() {
    return null;
  }

  submit(event) {
    event.preventDefault();
    this.put(this.input.value.trim());
  }

  async put(text) {
    try {
      this.came(await api.setFaults(text), true);
      this.problem.textContent = "";
      say(`Faults in effect: ${this.text || "none"}`);
    } catch (error) {
      this.problem.textContent = error.message;
      this.draw();
    }
  }

  came({ faults, rules, kinds }, ours = false) {
    this.kinds = kinds ?? this.kinds ?? [];
    if (!ours && faults === this.text) return;
    this.text = faults;
    this.rules = rules;
    if (ours || document.activeElement !== this.input) this.input.value = faults;
    this.input.rows = Math.min(faults.trim().split("\n").length, 12);
    this.command.textContent = `mixpress emulator --fault '${faults}'`;
    this.repeat.hidden = rules.length === 0;
    this.onFaults(faults);
    this.draw();
  }

  seed() {
    return /(?:^|[,;]\s*)(seed=-?\d+)/.exec(this.text ?? "")?.[1] ?? "";
  }

  /** Put these rules into effect. */
  set(rules) {
    this.put([...rules.map(written), this.seed()].filter(Boolean).join(","));
  }

  draw() {
    const focused = document.activeElement?.dataset?.fault;
    const on = this.rules.map((rule, index) => this.row(rule, index));
    const used = new Set(this.rules.map(({ fault }) => fault));
    const off = this.kinds.map(sample).filter((fault) => !used.has(fault)).map((fault) => this.row({ fault, how: fault.startsWith("413:") ? LARGER : "100%" }, null));
    this.switches.replaceChildren(...on, ...off);
    if (focused) [...this.switches.querySelectorAll("[data-fault]")].find((node) => node.dataset.fault === focused)?.focus();
  }

  row({ fault, how }, index) {
    const on = index !== null;
    const name = el("input", { type: "text", value: fault, "aria-label": `Fault ${fault}`, spellcheck: "false", class: "fault" });
    const often = el("select", { "aria-label": `How often ${fault}` }, [...new Set([how, ...(fault.startsWith("413:") ? [LARGER] : []), ...HOW])].map((one) => el("option", {}, one)));
    often.value = how;
    const rule = () => ({ fault: name.value.trim(), how: often.value });
    const replace = () => on && this.set(this.rules.map((one, at) => (at === index ? rule() : one)));
    name.addEventListener("change", replace);
    often.addEventListener("change", replace);
    const toggle = () => this.set(on ? this.rules.filter((_, at) => at !== index) : [...this.rules, rule()]);
    const flip = el("button", { type: "button", role: "switch", class: "switch", "aria-checked": String(on), "aria-label": `${fault}: ${meaning(fault) || "fault"}`, "data-fault": fault, click: toggle }, el("span", {}));
    return el("li", { class: on ? "on" : "" }, flip, name, often, el("span", { class: "soft" }, plain(meaning(fault))));
  }
}
