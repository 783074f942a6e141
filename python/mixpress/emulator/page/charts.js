// The last five minutes: events, and replies by status, as bars of five seconds.

import { el, svg } from "/page/dom.js";
import { clock, number, plural, short } from "/page/format.js";

const BUCKET = 5000;
const SPAN = 300000;
const HEIGHT = 100;
const STEP = 10;
const BARS = SPAN / BUCKET;
const CLASSES = [["2", "2xx"], ["4", "4xx"], ["5", "5xx"], ["0", "closed"]];

export class Overview {
  constructor() {
    this.figures = el("span", { class: "figures" });
    this.events = new Chart("Events", [["imported", "imported"], ["refused", "refused"]]);
    this.replies = new Chart("Replies", CLASSES.map(([digit, name]) => [`s${digit}`, name]));
    this.element = el(
      "details",
      { class: "overview", open: matchMedia("(min-width: 50rem) and (min-height: 40rem)").matches },
      el("summary", {}, this.figures),
      el("div", { class: "charts" }, this.events.element, this.replies.element),
    );
  }

  show(stats) {
    const refused = stats.refused + stats.updates.refused; // the list has both
    const shown = [["stored", stats.stored, ""], ["refused", refused, refused ? "bad" : ""], ["requests", stats.requests, ""], ["duplicates", stats.duplicates, ""]];
    if (stats.dropped) shown.push(["dropped, the oldest", stats.dropped, "wait"]);
    this.figures.replaceChildren(...shown.map(([name, value, kind]) => el("span", { class: `figure ${kind}`, title: number(value) }, el("b", {}, short(value)), ` ${name}`)));
    const timeline = stats.timeline ?? [];
    const buckets = spread(timeline, timeline.at(-1)?.at ?? Math.floor(Date.now() / BUCKET) * BUCKET);
    this.events.draw(buckets, ({ imported, refused }) => [imported, refused]);
    this.replies.draw(buckets, ({ statuses }) => CLASSES.map(([digit]) => sum(statuses, digit)));
  }
}

/** Return one bucket for each five seconds, oldest first, also where nothing came. */
function spread(timeline, last) {
  const first = last - (BARS - 1) * BUCKET;
  const buckets = Array.from({ length: BARS }, (_, index) => ({ at: first + index * BUCKET, imported: 0, refused: 0, statuses: {} }));
  for (const one of timeline) {
    const bucket = buckets[Math.floor((one.at - first) / BUCKET)];
    if (!bucket) continue;
    bucket.imported += one.imported;
    bucket.refused += one.refused;
    for (const [status, count] of Object.entries(one.statuses)) bucket.statuses[status] = (bucket.statuses[status] ?? 0) + count;
  }
  return buckets;
}

function sum(statuses, digit) {
  let total = 0;
  for (const [status, count] of Object.entries(statuses)) if (status.startsWith(digit)) total += count;
  return total;
}

class Chart {
  constructor(title, series) {
    this.title = title;
    this.series = series;
    this.image = svg("svg", { viewBox: `0 0 ${BARS * STEP} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": title });
    this.most = el("span", { class: "most" });
    this.legend = el("span", { class: "legend" }, series.map(([kind, name]) => el("span", {}, el("i", { class: kind }), name)));
    this.element = el(
      "figure",
      { class: "chart" },
      el("figcaption", {}, el("b", {}, title), this.legend, this.most),
      this.image,
      el("p", { class: "axis", "aria-hidden": "true" }, el("span", {}, "5 min ago"), el("span", {}, "now")),
    );
  }

  draw(buckets, valuesOf) {
    const all = buckets.map(valuesOf);
    const most = Math.max(...all.map((values) => values.reduce((one, other) => one + other, 0)));
    this.image.replaceChildren(...all.flatMap((values, index) => this.bar(values, index, most, buckets[index].at)));
    this.most.textContent = most ? `max ${short(most)} in 5 s` : "";
    const totals = this.series.map(([, name], at) => `${number(all.reduce((total, values) => total + values[at], 0))} ${name}`);
    this.image.setAttribute("aria-label", `${this.title} in the last five minutes: ${totals.join(", ")}`);
  }

  bar(values, index, most, at) {
    if (!values.some(Boolean)) return [svg("rect", { class: "rest", x: index * STEP + 1, y: HEIGHT - 2, width: STEP - 2, height: 2 })];
    const group = svg("g", {}, svg("title", {}, `${clock(at)}: ${this.text(values)}`));
    let top = HEIGHT;
    values.forEach((value, series) => {
      if (!value) return;
      const height = Math.max((value / most) * HEIGHT, 2);
      top -= height;
      group.append(svg("rect", { class: this.series[series][0], x: index * STEP + 1, y: Math.max(top, 0), width: STEP - 2, height }));
    });
    return [group];
  }

  text(values) {
    return values.map((value, at) => (value ? plural(value, this.series[at][1], this.series[at][1]) : "")).filter(Boolean).join(", ");
  }
}
