// Makes DOM nodes. Text goes in as text nodes only: nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element with these attributes and children. A function is a listener, null and false are left out. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function button(text, onclick, attributes = {}) {
  return el("button", { type: "button", click: onclick, ...attributes }, text);
}

/** Return a labelled field: the label is visible, above or before the field. */
export function field(text, input, attributes = {}) {
  return el("label", { class: "field", ...attributes }, el("span", {}, text), input);
}

let said;

/** Have a screen reader say this. */
export function say(text) {
  said ??= document.getElementById("said");
  said.textContent = text;
}

export function debounce(run, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
}

/** Run at once, then at most once in this time; the last call always runs. */
export function throttle(run, milliseconds) {
  let timer = null;
  let again = false;
  const start = () => {
    run();
    timer = setTimeout(() => {
      timer = null;
      if (again) {
        again = false;
        start();
      }
    }, milliseconds);
  };
  return () => {
    if (timer === null) start();
    else again = true;
  };
}
