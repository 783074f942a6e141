// Writes CSV by RFC 4180.

const QUOTED = /[",\r\n]/;

const written = (text) => (QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Return lists of texts as lines. */
export const csv = (rows) => rows.map((row) => `${row.map(written).join(",")}\r\n`).join("");
