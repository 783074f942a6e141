// Copies a text, and says so on the button.

import { button, el, say } from "/page/dom.js";

/** Return a button. `text` may be a function, which returns a text, or {text, what} with a word for it, now or later. */
export function copyButton(text, what = "Copy") {
  const made = button(what, async () => {
    let error = "The browser did not allow copying";
    let copied = { text: "", what: "" };
    try {
      const given = typeof text === "function" ? await text() : text;
      copied = typeof given === "string" ? { text: given, what: "" } : given;
    } catch (caught) {
      error = caught.message;
    }
    const done = copied.text !== "" && (await copy(copied.text));
    made.textContent = done ? "Copied" : "Not copied";
    say(done ? `Copied ${copied.what}`.trim() : error);
    setTimeout(() => (made.textContent = what), 1500);
  }, { class: "small" });
  return made;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // the clipboard is there on localhost and https only
  }
}

function copyBySelection(text) {
  const area = el("textarea", { class: "away", "aria-hidden": "true" });
  const focused = document.activeElement;
  area.value = text;
  (document.querySelector("dialog:modal") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}
