// Links within the page: followed without loading it again, or as any link in a new tab.

import { fresh, visit } from "/page/address.js";
import { el } from "/page/dom.js";

export function link(address, content, attributes = {}) {
  const follow = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    visit(event.currentTarget.getAttribute("href"));
  };
  return el("a", { href: address, click: follow, ...attributes }, content);
}

/** Return a link to the details of a request. */
export const requestLink = (number, attributes) => link(fresh({ view: "requests", open: `request:${number}` }), `#${number}`, attributes);
