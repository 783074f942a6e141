// What the page shows before the first event: how to send one.

import { copyButton } from "/page/copy.js";
import { el } from "/page/dom.js";
import { plural } from "/page/format.js";

export class Start {
  constructor() {
    const url = location.origin;
    const body = `[{"event": "Signed Up", "properties": {"time": ${Math.floor(Date.now() / 1000)}, "distinct_id": "ada", "$insert_id": "first-1", "plan": "pro"}}]`;
    this.requests = el("p", { class: "soft" });
    this.element = el(
      "section",
      { class: "start", "aria-labelledby": "start-title", hidden: true },
      el("h2", { id: "start-title" }, "No events yet"),
      el("p", {}, "The emulator listens at ", el("code", {}, url), ". Send it an event, and it appears here at once."),
      this.requests,
      el(
        "ol",
        {},
        step("With curl", `curl '${url}/import?strict=1' -u any-token: -H 'Content-Type: application/json' \\\n  -d '${body}'`),
        step("A file, with mixpress", `mixpress import events.ndjson --to ${url}`),
        step("From Python", `from mixpress import Client, ProjectToken\n\nwith Client(ProjectToken("any-token"), base_url="${url}") as client:\n    client.track("Signed Up", "ada", {"plan": "pro"})`),
      ),
      el("p", { class: "soft" }, "For any other client of Mixpanel, replace the address of the API, such as https://api.mixpanel.com, by the address above."),
    );
  }

  /** Requests without events are a sign that something else is wrong. */
  stats(stats) {
    const text = stats.requests ? `${plural(stats.requests, "request")} came, without an event that was stored or refused: see Requests.` : "";
    this.requests.textContent = text;
    this.requests.hidden = !text;
  }
}

function step(title, text) {
  return el("li", {}, el("div", { class: "step" }, el("h3", {}, title), copyButton(text)), el("pre", { class: "snippet", tabindex: 0, role: "region", "aria-label": title }, text));
}
