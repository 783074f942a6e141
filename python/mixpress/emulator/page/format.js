// Numbers, sizes, times and hostile texts as a person reads them.

const NUMBER = new Intl.NumberFormat("en-US");
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export const number = (value) => NUMBER.format(value ?? 0);
export const short = (value) => (value < 1e7 ? number(value) : SHORT.format(value));

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

export function bytes(value) {
  if (!value) return "0 B";
  if (value < 1000) return `${value} B`;
  if (value < 1e6) return `${(value / 1e3).toPrecision(3)} kB`;
  return `${(value / 1e6).toPrecision(3)} MB`;
}

export function ratio(unpacked, sent) {
  return unpacked && sent && unpacked !== sent ? `${(unpacked / sent).toFixed(1)}×` : "";
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms` : `${seconds.toFixed(2)} s`;
}

const two = (value) => String(value).padStart(2, "0");

/** Return the local time of day, with the date if it is not today. */
export function clock(milliseconds) {
  const at = new Date(Number(milliseconds));
  if (Number.isNaN(at.getTime())) return visible(String(milliseconds));
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return at.toDateString() === new Date().toDateString() ? time : `${date(at)} ${time}`;
}

const date = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

/** Return date and time of an event's `time`, which is in seconds or milliseconds, in UTC. */
export function eventTime(value) {
  const at = new Date(Math.abs(value) < 31_536_000_000 ? value * 1000 : Number(value));
  if (typeof value !== "number" || Number.isNaN(at.getTime())) return plain(value);
  return at.toISOString().replace("T", " ").replace(/\.000Z$|Z$/, "");
}

// Control characters, and those that are invisible or turn the direction of the text around them.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Return the text with hidden characters as JSON's escapes, so that no name looks like another one. */
export function visible(text) {
  return text.replace(HIDDEN, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** The same within JSON text of an indented document, whose own line breaks stay. */
export const visibleJSON = (text) => text.replace(HIDDEN, (found) => (found === "\n" ? found : visible(found)));

const LONGEST = 200;

/** Return a value in one line, cut for a cell. */
export function plain(value) {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return visible(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}
