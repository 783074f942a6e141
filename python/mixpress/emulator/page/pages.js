// A window onto a long list of the server: pages of 100 rows, fetched where the reader looks, and a bounded cache.
//
// Newest first is shown by counting ascending positions from the end. An ascending position keeps its row while
// others arrive, so the cache stays right and the rows that are read don't move.

const SIZE = 100;
const KEEP = 40;
const PARALLEL = 2;

export class Pages {
  /** `load(parameters, signal)` returns {rows, total}; `onChange()` is called after rows or the total came. */
  constructor(load, onChange) {
    this.load = load;
    this.onChange = onChange;
    this.abort = new AbortController();
    this.forget();
  }

  /** Show another list: other filters or another order. `reversed` shows an ascending list from its end. */
  reset(query, reversed) {
    const same = JSON.stringify([query, reversed]);
    if (same === this.same) return false;
    this.same = same;
    this.query = query;
    this.reversed = reversed;
    this.forget();
    this.count();
    return true;
  }

  forget() {
    this.abort.abort();
    this.abort = new AbortController();
    this.pages = new Map();
    this.loading = new Set();
    this.total = null;
    this.error = "";
    this.counting = false;
    this.first = 0;
    this.last = -1;
  }

  /** Have everything fetched again when it is looked at; until then the old rows are shown. Resolves with the total. */
  refresh() {
    this.error = "";
    for (const page of this.pages.values()) page.stale = true;
    return this.count();
  }

  /** Ask how long the list is. Rows that come on top are fetched before they are shown, so that none is blank. */
  async count() {
    if (!this.query || this.counting) return;
    this.counting = true;
    const found = await this.ask(0, 1);
    if (found === null) return;
    const grows = this.reversed && this.total !== null && found.total > this.total;
    if (grows && this.first === 0) {
      const lowest = Math.max(0, Math.floor((found.total - 1 - this.last) / SIZE));
      const numbers = Array.from({ length: Math.floor((found.total - 1) / SIZE) - lowest + 1 }, (_, at) => lowest + at);
      const pages = await Promise.all(numbers.map((number) => this.ask(number * SIZE, SIZE)));
      if (pages.includes(null)) return;
      pages.forEach((page, at) => this.keep(numbers[at], page));
    }
    this.counting = false;
    this.resize(found.total);
    this.onChange();
  }

  resize(total) {
    this.total = total;
    for (const number of this.pages.keys()) if (number * SIZE >= total) this.pages.delete(number);
  }

  /** Return the row shown at an index, or undefined while it is not here. */
  row(index) {
    const position = this.position(index);
    return this.pages.get(Math.floor(position / SIZE))?.rows[position % SIZE];
  }

  position(index) {
    return this.reversed ? this.total - 1 - index : index;
  }

  /** Fetch what is missing or stale of the rows from `first` to `last`. */
  want(first, last) {
    if (this.total === null || last < first) return;
    [this.first, this.last] = [first, last];
    this.pump();
  }

  pump() {
    if (this.error || this.total === null) return;
    const ends = [this.position(this.first), this.position(this.last)].map((at) => Math.floor(at / SIZE));
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    for (let number = low; number <= high && this.loading.size < PARALLEL; number += 1) {
      const page = this.pages.get(number);
      const here = page && !page.stale && (page.rows.length === SIZE || page.total >= this.total);
      if (!here && !this.loading.has(number)) this.fetchPage(number);
    }
    this.evict((low + high) / 2);
  }

  evict(middle) {
    if (this.pages.size <= KEEP) return;
    const far = [...this.pages.keys()].sort((one, other) => Math.abs(other - middle) - Math.abs(one - middle));
    for (const number of far.slice(0, this.pages.size - KEEP)) this.pages.delete(number);
  }

  async fetchPage(number) {
    this.loading.add(number);
    const found = await this.ask(number * SIZE, SIZE);
    if (found === null) return;
    this.loading.delete(number);
    this.keep(number, found);
    // A list that grows is counted again at the next change; one that shrank has no such rows any more.
    if (found.total < this.total || !this.reversed) this.resize(found.total);
    this.onChange();
    this.pump();
  }

  keep(number, { rows, total }) {
    this.pages.set(number, { rows: unchanged(this.pages.get(number)?.rows ?? [], rows), total, stale: false });
  }

  /** Return {rows, total}, or null if the list was reset meanwhile or the server refused. */
  async ask(offset, limit) {
    const { signal } = this.abort;
    try {
      let { rows, total } = await this.part(offset, limit, signal);
      // The server ends a page of large rows early.
      while (rows.length > 0 && rows.length < limit && offset + rows.length < total && !signal.aborted) {
        const next = await this.part(offset + rows.length, limit - rows.length, signal);
        if (next.rows.length === 0) break;
        [rows, total] = [[...rows, ...next.rows], next.total];
      }
      return signal.aborted ? null : { rows, total };
    } catch (error) {
      if (!signal.aborted) this.fail(error.message);
      return null;
    }
  }

  part(offset, limit, signal) {
    return this.load([...this.query, ["limit", limit], ["offset", offset]], signal);
  }

  fail(message) {
    this.error = message;
    this.loading.clear();
    this.counting = false;
    this.onChange();
  }
}

/** Return the rows, where they are as before the same objects: their nodes in the document can stay. */
function unchanged(before, rows) {
  return rows.map((row, index) => {
    const old = before[index];
    return old !== undefined && JSON.stringify(old) === JSON.stringify(row) ? old : row;
  });
}
