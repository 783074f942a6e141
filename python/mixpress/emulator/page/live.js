// Follows the server-sent events of the emulator: each says that something changed, not what.
// Only while the page is visible: a browser opens six connections to one host, for all its tabs together.

const RETRY = 2000;

export class Live {
  /** `onChange(data)` after a change, `onState("live" | "paused" | "lost")` when that changes. */
  constructor(onChange, onState) {
    this.onChange = onChange;
    this.onState = onState;
    this.paused = false;
    this.lost = false;
    this.connected = false;
    this.latest = null;
    this.source = null;
    this.timer = null;
    this.missed = false; // whether changes may have come while there was no connection
    document.addEventListener("visibilitychange", () => this.follow());
    this.follow();
  }

  /** Connect if the page is visible, and disconnect if it is hidden. */
  follow() {
    if (document.visibilityState === "hidden") this.disconnect();
    else if (!this.source) this.connect();
  }

  disconnect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.source?.close();
    this.source = null;
    this.connected = false;
    this.missed = true;
  }

  connect() {
    clearTimeout(this.timer);
    const source = new EventSource("/_emulator/live");
    this.source = source;
    source.addEventListener("open", () => {
      const again = this.missed;
      this.connected = true;
      this.missed = this.lost = false;
      this.tell();
      if (again) this.changed(null); // what came in between
    });
    source.addEventListener("change", (event) => this.changed(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      this.disconnect();
      this.lost = true;
      this.tell();
      this.timer = setTimeout(() => this.follow(), RETRY);
    });
  }

  changed(data) {
    this.latest = data ?? this.latest;
    this.onChange(this.paused);
  }

  pause(paused) {
    this.paused = paused;
    this.tell();
    if (!paused) this.onChange(false);
  }

  tell() {
    this.onState(this.lost ? "lost" : this.paused ? "paused" : "live");
  }
}
