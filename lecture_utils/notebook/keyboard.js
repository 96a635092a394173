// A piano keyboard in the page for learned instruments: computer keys, mouse, touch, MIDI, and a voice.
// Needs sound.js, player.js (make) and instrument.js.

// Two rows of computer keys, by place: what is printed on them differs from country to country.
const ROWS = [
  ["KeyZ", "KeyS", "KeyX", "KeyD", "KeyC", "KeyV", "KeyG", "KeyB", "KeyH", "KeyN", "KeyJ", "KeyM"],
  ["KeyQ", "Digit2", "KeyW", "Digit3", "KeyE", "KeyR", "Digit5", "KeyT", "Digit6", "KeyY", "Digit7", "KeyU",
    "KeyI", "Digit9", "KeyO", "Digit0", "KeyP"],
];
const OFFSETS = new Map(ROWS.flatMap((row, octave) => row.map((code, k) => [code, 12 * octave + k])));
const TOO_SLOW = "This computer is too slow for so many notes at once: the sound may break up.";
const NAMES = ["C", "C\u266f", "D", "D\u266f", "E", "F", "F\u266f", "G", "G\u266f", "A", "A\u266f", "B"];
const noteName = (midi) => NAMES[midi % 12] + (Math.floor(midi / 12) - 1);
const isBlack = (midi) => NAMES[midi % 12].length > 1;

function mountKeyboard(host, spec, engine) {
  const names = Object.keys(spec.instruments);
  let base, low, high, keys = new Map(), letters = {}, singing = false;
  const pressed = new Map(); // what sounds: name of a key or number of a finger -> MIDI number
  const alert = make("p", { class: "lp-trouble", role: "alert", hidden: "" });
  const status = make("p", { class: "lp-keys", role: "status" });
  const measured = make("span", { class: "lp-time" });
  const piano = make("div", { class: "lp-piano", tabindex: 0, role: "application",
    onpointerdown: point, onpointermove: point, onpointerup: lift, onpointercancel: lift });
  const choices = make("div", { class: "lp-row", role: "group", "aria-label": "instrument" },
    ...names.map((name) => make("button", { onclick: () => choose(name) }, name)));
  const octave = (step, text, label) =>
    make("button", { "aria-label": label, onclick: () => shift(step) }, text);
  const range = (label, unit, min, max, value, act) => {
    const text = make("output", {}, `${value} ${unit}`);
    const input = make("input", { type: "range", min, max, step: 1, value, "aria-label": label,
      oninput: () => (text.textContent = `${input.value} ${unit}`, act(+input.value)) });
    return make("label", { class: "lp-volume" }, `${label} `, input, text);
  };
  const vibrato = range("vibrato", "cents", 0, 50, 15, (cents) => player.set({ vibrato: cents }));
  const touch = range("loudness", "of 127", 1, 127, 100, () => {});
  const volume = range("volume", "dB", -40, 0, 0, (db) => player.setVolume(db));
  const voice = make("button", { "aria-pressed": "false", onclick: sing }, "sing (microphone)");
  const root = make("div", { class: "lp lp-keyboard", role: "group", "aria-label": spec.caption,
    "data-lm-suppress-shortcuts": "true", onkeydown: keyDown, onkeyup: keyUp, onfocusout: leave,
    onfocusin: () => player.prepare().catch(() => {}) },
  make("p", { class: "lp-caption" }, spec.caption),
  make("div", { class: "lp-row" }, choices, octave(-12, "\u2212 octave", "an octave lower"),
    octave(12, "+ octave", "an octave higher"), voice,
    make("button", { onclick: () => player.connectMidi() }, "MIDI keyboard")),
  piano, make("div", { class: "lp-row" }, vibrato, touch, volume, measured), alert, status);

  const player = new LearnedInstrument(spec, engine, tell, hear);
  player.settings.vibrato = 15;
  player.onsilence = () => {
    pressed.clear();
    for (const key of keys.values()) key.classList.remove("lp-down");
  };
  player.onsinging = (on) => {
    singing = on;
    voice.setAttribute("aria-pressed", on);
    voice.textContent = on ? "stop singing" : "sing (microphone)";
    measured.textContent = "";
  };
  player.onmidi = (midi, down) => keys.get(midi)?.classList.toggle("lp-down", down);
  player.onvibrato = (cents) => {
    vibrato.children[0].value = cents;
    vibrato.children[0].dispatchEvent(new Event("input"));
  };

  function tell(text) {
    alert.hidden = !text;
    alert.textContent = text;
  }

  function hear({ latency, share, sung }) {
    if (latency !== undefined) measured.textContent = `key to sound ${Math.round(latency)} ms`;
    if (share > 0.9 && alert.hidden) tell(TOO_SLOW);
    if (share < 0.7 && alert.textContent === TOO_SLOW) tell("");
    if (singing && share !== undefined)
      measured.textContent = sung ? `your voice ${Math.round(sung)} Hz` : "no pitch heard";
  }

  function choose(name) {
    player.choose(name);
    [...choices.children].forEach((button, i) => button.setAttribute("aria-pressed", names[i] === name));
    const { lowest_hz, highest_hz } = spec.instruments[name].facts;
    const midi = (hz) => Math.round(69 + 12 * Math.log2(hz / 440));
    [low, high] = [midi(lowest_hz), midi(highest_hz)];
    if (isBlack(low)) low--;
    if (isBlack(high)) high++;
    base = 12 * Math.round(((low + high) / 2 - 14) / 12); // its middle is the middle of the two rows
    draw();
  }

  function shift(step) {
    base = Math.max(12 * Math.floor(low / 12), Math.min(12 * Math.floor(high / 12), base + step));
    player.held.forEach((_, id) => OFFSETS.has(id) && up(id));
    draw();
  }

  // White keys side by side, black ones over the gaps; each says which computer key plays it.
  function draw() {
    player.silence();
    keys = new Map();
    const codes = new Map([...OFFSETS].map(([code, offset]) => [base + offset, code]));
    const whites = [], narrow = matchMedia("(max-width: 700px)").matches; // one octave, for fingers
    const [from, to] = narrow ? [Math.max(low, base), Math.min(high, base + 12)] : [low, high];
    for (let midi = from; midi <= to; midi++) {
      const letter = codes.has(midi) ? letterOf(codes.get(midi)) : "";
      const key = make("button", { class: isBlack(midi) ? "lp-black" : "lp-white", tabindex: -1,
        "data-midi": midi, // what is seen is a part of the name: who controls by voice says that
        "aria-label": (letter && `key ${letter} `) + noteName(midi).replace("\u266f", " sharp "),
        onclick: (event) => event.detail === 0 && tap(midi) }, // a click without a pointer
      make("kbd", {}, letter), ...(midi % 12 ? [] : [" ", make("small", {}, noteName(midi))]));
      keys.set(midi, key);
      if (!isBlack(midi)) whites.push(make("div", {}, key));
      else whites.at(-1)?.append(key);
    }
    piano.replaceChildren(...whites);
    const first = noteName(base), last = noteName(Math.min(high, base + 28));
    piano.setAttribute("aria-label", `piano keyboard; the computer keys play ${first} to ${last}, ` +
      "arrows up and down change the octave");
    status.textContent = `computer keys: two rows from ${letterOf("KeyZ")} (${first}) and ${letterOf("KeyQ")} ` +
      `(${noteName(base + 12)}); \u2191 \u2193 octave; click into the piano first`;
  }

  const letterOf = (code) => (letters[code] ?? code.replace(/Key|Digit/, "")).toUpperCase();
  navigator.keyboard?.getLayoutMap?.().then((map) => { // what is printed on this computer's keys
    letters = Object.fromEntries([...OFFSETS.keys()].map((code) => [code, map.get(code)]));
    draw();
  }).catch(() => {});

  function down(id, midi, velocity, since) {
    if (player.held.has(id)) return;
    keys.get(midi)?.classList.add("lp-down");
    pressed.set(id, midi);
    player.begin(id, midi, velocity, since);
  }

  function up(id) {
    keys.get(pressed.get(id))?.classList.remove("lp-down");
    pressed.delete(id);
    player.end(id);
  }

  function tap(midi) {
    down("tap", midi, +touch.children[0].value);
    setTimeout(() => up("tap"), 500);
  }

  function keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowUp: 12, ArrowDown: -12 }[event.key], midi = base + OFFSETS.get(event.code);
    const isSlider = event.target.tagName === "INPUT";
    if (arrow && !isSlider) shift(arrow);
    else if (event.key === "Escape") player.stop();
    else if (!OFFSETS.has(event.code)) return;
    else if (midi >= low && midi <= high && !event.repeat)
      down(event.code, midi, +touch.children[0].value, event.timeStamp);
    event.stopPropagation();
    if (!isSlider || !arrow) event.preventDefault();
  }

  function keyUp(event) {
    if (pressed.has(event.code)) up(event.code);
  }

  // A finger or the mouse: the note under it sounds; the lower on the key, the louder.
  function point(event) {
    if (event.type === "pointerdown") {
      piano.setPointerCapture(event.pointerId);
      piano.focus({ preventScroll: true });
      event.preventDefault();
    } else if (!pressed.has(event.pointerId)) return;
    const key = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-midi]");
    const midi = key && piano.contains(key) ? +key.dataset.midi : null;
    if (midi === null || midi === pressed.get(event.pointerId)) return;
    const { top, height } = key.getBoundingClientRect();
    up(event.pointerId);
    down(event.pointerId, midi, Math.round(60 + (67 * (event.clientY - top)) / height), event.timeStamp);
  }

  function lift(event) {
    if (pressed.has(event.pointerId)) up(event.pointerId);
  }

  function leave(event) {
    if (!root.contains(event.relatedTarget)) letGo();
  }

  // Keys that are let go elsewhere send nothing here.
  function letGo() {
    for (const id of [...pressed.keys()]) up(id);
  }

  function sing() {
    if (singing) player.stop();
    else player.sing();
  }

  // While there is sound: it ends where nobody could let the keys go, and when the cell runs again.
  player.watch = (signal) => {
    window.addEventListener("blur", () => player.silence(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && player.stop(), { signal });
    const observer = new MutationObserver(() => root.isConnected || player.close());
    observer.observe(document.documentElement, { childList: true, subtree: true });
    signal.onabort = () => observer.disconnect();
  };
  host.replaceChildren(root);
  root.keyboard = player;
  choose(names[0]);
  return player;
}
