// What listeners have answered, kept in this browser until it is exported: a reload or a page that
// is left open over night loses nothing. Every test has drawers of its own, by its name.

const RATING_COLUMNS = ["session_test_id", "session_uuid", "trial_id", "rating_stimulus",
  "rating_score", "rating_time", "rating_comment"]; // webMUSHRA's
const PAIR_COLUMNS = ["session_test_id", "session_uuid", "trial_id", "choice_reference",
  "choice_non_reference", "choice_answer", "choice_time", "choice_comment"];

const ACTIVE = 60_000; // milliseconds: who does nothing for longer than that is away

// Some hosts (sandboxed frames) keep nothing: then the answers live as long as the page does.
function drawers() {
  try {
    localStorage.setItem("lecture-listening", "");
    return localStorage;
  } catch {
    const map = (window.lectureKept ??= new Map());
    return { getItem: (k) => map.get(k) ?? null, setItem: (k, v) => map.set(k, v), forgets: true,
      get length() { return map.size; }, key: (i) => [...map.keys()][i] };
  }
}

// The answers to one trial of one test. `done` is what was finished, by all listeners here.
class Kept {
  constructor(test, trial) {
    Object.assign(this, { test, trial, store: drawers(), root: `lecture-listening/${test}/` });
    this.forgets = Boolean(this.store.forgets);
  }

  read(name) {
    try {
      return JSON.parse(this.store.getItem(this.root + name));
    } catch {
      return null; // not ours, or broken
    }
  }

  write(name, value) {
    try {
      this.store.setItem(this.root + name, JSON.stringify(value));
    } catch {
      this.forgets = true; // full, or no longer allowed
    }
  }

  // A random code, no name: 16 hexadecimal digits.
  get listener() {
    return this.read("listener") ?? this.code ?? this.nextListener();
  }

  nextListener() {
    const bytes = [...crypto.getRandomValues(new Uint8Array(8))];
    this.code = bytes.map((b) => b.toString(16).padStart(2, "0")).join("");
    this.write("listener", this.code);
    return this.code;
  }

  get draft() { return this.read(`draft/${this.listener}/${this.trial}`); }

  set draft(value) { this.write(`draft/${this.listener}/${this.trial}`, value); }

  finish(rows) {
    this.write(`done/${this.listener}/${this.trial}`, rows);
    this.draft = null;
  }

  // Finished rows: of one trial, or of all that have the same columns.
  rows(trial, columns) {
    const names = [...Array(this.store.length).keys()].map((i) => this.store.key(i))
      .filter((key) => key.startsWith(`${this.root}done/`)).sort();
    return names.flatMap((key) => this.read(key.slice(this.root.length)) ?? [])
      .filter((row) => row.length === columns && (trial === null || row[2] === trial));
  }

  get isFinished() { return this.read(`done/${this.listener}/${this.trial}`) !== null; }

  // Tell when another tab has changed something of this test.
  watch(root, onchange) {
    const hear = ({ key }) => {
      if (!root.isConnected) window.removeEventListener("storage", hear);
      else if (key?.startsWith(this.root)) onchange();
    };
    window.addEventListener("storage", hear);
  }
}

// Milliseconds in which something was done; longer pauses do not count.
class Clock {
  constructor(elapsed = 0) { Object.assign(this, { elapsed, last: null }); }

  touch() {
    const now = performance.now();
    if (this.last !== null && now - this.last < ACTIVE) this.elapsed += now - this.last;
    this.last = now;
    return Math.round(this.elapsed);
  }
}
