// The player of the course: N versions of one sound that run in step, so that switching keeps the
// position. A plain script: listen.py puts it into the page after sound.js, with or without a kernel.
// The page is built without innerHTML, which hosts with Trusted Types (VS Code) refuse.

const MAGMA = [
  [0, 0, 4], [18, 13, 49], [51, 16, 103], [89, 21, 126], [126, 36, 130], [163, 48, 126],
  [200, 62, 115], [233, 84, 98], [250, 125, 94], [254, 169, 115], [254, 211, 149], [252, 253, 191],
];
const TOP_DB = 80; // range of the spectrogram below its loudest point in any version
const COLUMNS = 600, ROWS = 256; // its resolution in the page

function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  // else JupyterLab takes the arrow keys of a slider
  if (tag === "input") node.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const signed = (value) => value.toFixed(1).replace("-", "\u2212");

// Measured loudness of a version, and what was added to match it to the first.
function levelText({ level, gain }) {
  if (level === undefined) return ""; // a blind test is running
  return (level === null ? "silent" : `${signed(level)} LUFS`) +
    (gain ? ` (${gain > 0 ? "+" : ""}${signed(gain)} dB)` : "");
}

// The versions by name, for everybody to see.
const openVoices = (labels, { levels, gains }) =>
  labels.map((name, clip) => ({ name, clip, level: levels[clip], gain: gains?.[clip] }));

// ---------------------------------------------------------------------------- pictures

function makeFft(size) {
  const cos = new Float32Array(size / 2), sin = new Float32Array(size / 2);
  for (let i = 0; i < size / 2; i++) {
    cos[i] = Math.cos((2 * Math.PI * i) / size);
    sin[i] = Math.sin((2 * Math.PI * i) / size);
  }
  return (re, im) => {
    for (let i = 1, j = 0; i < size; i++) { // bit-reversed order
      let bit = size >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) [re[i], re[j]] = [re[j], re[i]];
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const a = start + k, b = a + half, c = cos[k * step], s = sin[k * step];
          const x = re[b] * c + im[b] * s, y = im[b] * c - re[b] * s;
          re[b] = re[a] - x; im[b] = im[a] - y;
          re[a] += x; im[a] += y;
        }
      }
    }
  };
}

// Levels in dB, column after column; `length` samples fill the width (shorter sounds end early).
function spectrogram(samples, rate, length) {
  const size = 2 ** Math.min(12, Math.max(6, Math.round(Math.log2(0.064 * rate)))); // about 64 ms
  const fft = makeFft(size), re = new Float32Array(size), im = new Float32Array(size);
  const hann = re.map((_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const levels = new Float32Array(COLUMNS * ROWS).fill(-Infinity);
  for (let column = 0; column < COLUMNS; column++) {
    const first = Math.round(((column + 0.5) / COLUMNS) * length - size / 2);
    if (first >= samples.length) break;
    for (let i = 0; i < size; i++) re[i] = hann[i] * (samples[first + i] || 0);
    im.fill(0);
    fft(re, im);
    for (let row = 0; row < ROWS; row++) { // the strongest of the bins that share a row
      const from = Math.floor((row * size) / 2 / ROWS);
      const to = Math.max(from + 1, Math.floor(((row + 1) * size) / 2 / ROWS));
      let power = 0;
      for (let k = from; k < to; k++) power = Math.max(power, re[k] * re[k] + im[k] * im[k]);
      levels[column * ROWS + row] = 10 * Math.log10(power / size / size + 1e-20);
    }
  }
  return levels;
}

function paintSpectrogram(canvas, levels, top) {
  const context = canvas.getContext("2d"), image = context.createImageData(COLUMNS, ROWS);
  for (let column = 0; column < COLUMNS; column++) {
    for (let row = 0; row < ROWS; row++) {
      const level = Math.max(0, 1 + (levels[column * ROWS + row] - top) / TOP_DB);
      const place = Math.min(level, 0.9999) * (MAGMA.length - 1), k = Math.floor(place);
      const at = 4 * ((ROWS - 1 - row) * COLUMNS + column);
      for (let c = 0; c < 3; c++)
        image.data[at + c] = MAGMA[k][c] + (place - k) * (MAGMA[k + 1][c] - MAGMA[k][c]);
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

function paintWaveform(canvas, samples, length, peak) {
  const context = canvas.getContext("2d"), { width, height } = canvas, step = length / width;
  context.clearRect(0, 0, width, height);
  context.fillStyle = "#3b8bd6";
  for (let column = 0; column < width; column++) {
    const end = Math.min(samples.length, Math.max((column + 1) * step, column * step + 1));
    let low = 0, high = 0;
    for (let i = Math.floor(column * step); i < end; i++) {
      if (samples[i] < low) low = samples[i];
      if (samples[i] > high) high = samples[i];
    }
    const y = (value) => (height / 2) * (1 - (0.96 * value) / peak);
    context.fillRect(column, y(high), 1, Math.max(2, y(low) - y(high)));
  }
}

// ---------------------------------------------------------------------------- the page

// Build a player in `host`. `spec` is made by listen.py, `wavs` are ArrayBuffers; a listening test
// hands its answers to `report`.
function mountPlayer(host, spec, wavs, report = () => {}) {
  const transport = new Transport();
  let voices = []; // what can be chosen: {name, clip, level}
  let active = 0, sounds = [], pictures = null, visible = false;
  const heard = new Set(); // voices that were played, for the blind tests

  const play = make("button", { class: "lp-play", onclick: toggle });
  const loop = make("button", { "aria-pressed": "false", onclick: () => setLoop(!transport.loop) },
    "loop");
  const volumeText = make("output");
  const volume = make("input", { type: "range", min: -40, max: 0, step: 1,
    "aria-label": "volume in decibels, the same for all versions",
    oninput: () => setVolume(+volume.value) });
  const time = make("span", { class: "lp-time" });
  const caption = make("p", { class: "lp-caption" });
  const choices = make("div", { class: "lp-row", role: "group", "aria-label": "versions" });
  const wave = make("canvas", { class: "lp-wave", width: 1200, height: 140 });
  const spectrum = make("canvas", { class: "lp-spectrum", width: COLUMNS, height: ROWS });
  const cursor = make("div", { class: "lp-cursor" });
  const part = make("div", { class: "lp-part", hidden: "" }); // of the sound, that the loop takes
  const area = make("div", { class: "lp-area", role: "slider", tabindex: 0, "aria-valuemin": 0,
    onpointerdown: drag, onpointermove: drag }, wave, spectrum, part, cursor);
  const amplitude = make("span"), topKilohertz = make("span"), ticks = make("div", { class: "lp-ticks" });
  const image = make("img", { class: "lp-image" });
  const notes = make("ul", { class: "lp-notes" });
  const panel = make("div", { class: "lp-panel" });
  const trouble = make("p", { class: "lp-trouble", role: "alert", hidden: "" });
  const keys = make("p", { class: "lp-keys" });
  const plot = make("div", { class: "lp-plot" },
    make("div", { class: "lp-axis" }, amplitude, topKilohertz, make("span", {}, "0 kHz")),
    area, ticks);
  const controls = make("div", { class: "lp-row" }, play, loop,
    make("label", { class: "lp-volume" }, "volume ", volume, volumeText), time);
  const root = make("div", { class: "lp", tabindex: 0, role: "group",
    "data-lm-suppress-shortcuts": "true", onkeydown: onKey, onclick: onClick },
    caption, choices, controls, trouble, image, plot, notes, panel, keys);
  transport.onsilence = (silent) => {
    trouble.hidden = !silent;
    trouble.textContent = silent ? "No sound output found. Connect headphones or loudspeakers, " +
      "then press play again." : "";
  };

  const keyOf = (index) => voices[index].key ?? `${index + 1}`;

  function setVoices(list) {
    voices = list;
    heard.clear();
    if (spec.mode === "steps") {
      const slider = make("input", { type: "range", min: 0, max: list.length - 1, step: 1,
        value: active, "aria-label": spec.step_name, oninput: () => select(+slider.value) });
      choices.replaceChildren(make("label", { class: "lp-steps" }, `${spec.step_name} `, slider),
        make("output", { class: "lp-step" }));
    } else {
      choices.replaceChildren(...list.map((voice, i) =>
        make("button", { class: "lp-version", onclick: () => select(i) },
          make("kbd", {}, keyOf(i)), ` ${voice.name} `,
          make("small", {}, levelText(voice)))));
    }
    keys.textContent = "keys: " + (list.length > 1 && spec.mode !== "steps" ?
      `1\u2013${list.length} version, ` : "") + "space play or pause, \u2190 \u2192 half a second, L loop";
    select(Math.min(active, list.length - 1));
  }

  function select(index) {
    if (!voices[index]) return;
    active = index;
    const { name, clip } = voices[index];
    transport.select(clip);
    if (spec.mode === "steps") {
      const slider = choices.querySelector("input");
      slider.value = index;
      slider.setAttribute("aria-valuetext", name);
      choices.querySelector("output").textContent = `${name} (${levelText(voices[index])})`;
    } else {
      [...choices.children].forEach((b, i) => b.setAttribute("aria-pressed", i === index));
    }
    area.setAttribute("aria-label", `position in ${name}; waveform above, spectrogram below`);
    const picture = spec.pictures?.[clip];
    image.hidden = !picture;
    if (picture) Object.assign(image, { src: picture.source, alt: picture.alt });
    paint();
    show();
    player?.onselect?.(index);
  }

  // Pictures are made when the player is first seen; a blind test shows them at its end.
  function paint() {
    if (!visible || !voices.length || root.classList.contains("lp-blind")) return;
    const length = sounds.duration * sounds[0].rate;
    if (!pictures) {
      pictures = sounds.map(({ samples, rate }) => spectrogram(samples, rate, length));
      pictures.top = pictures.reduce((top, p) => p.reduce((a, b) => Math.max(a, b), top), -120);
    }
    paintWaveform(wave, sounds[voices[active].clip].samples, length, sounds.peak);
    paintSpectrogram(spectrum, pictures[voices[active].clip], pictures.top);
  }

  function show() {
    const { position, duration, playing } = transport, seconds = position.toFixed(1);
    time.textContent = `${position.toFixed(2)} / ${duration.toFixed(2)} s`;
    cursor.style.left = `${(100 * position) / duration}%`;
    if (area.getAttribute("aria-valuenow") !== seconds) {
      area.setAttribute("aria-valuenow", seconds);
      area.setAttribute("aria-valuetext", `${seconds} seconds`);
    }
    play.textContent = playing ? "\u275a\u275a pause" : "\u25b6 play";
  }

  function tick() {
    if (!root.isConnected) transport.stop(); // the output was cleared
    if (transport.playing) heard.add(active);
    show();
    if (transport.playing) requestAnimationFrame(tick);
  }

  function toggle() {
    if (transport.playing) transport.stop();
    else return transport.play().then(tick);
    show();
  }

  function setLoop(on) {
    transport.setLoop(on);
    loop.setAttribute("aria-pressed", on);
  }

  function setPart(seconds) {
    transport.setPart(seconds);
    const [from, to] = seconds ?? [0, 0], percent = (s) => `${(100 * s) / transport.duration}%`;
    part.hidden = !seconds;
    Object.assign(part.style, { left: percent(from), width: percent(to - from) });
    setLoop(transport.loop || seconds !== null);
  }

  function setVolume(db) {
    transport.setVolume(db);
    volume.value = db;
    volumeText.textContent = `${String(db).replace("-", "\u2212")} dB`;
  }

  function seek(seconds) {
    transport.seek(seconds);
    show();
  }

  function drag(event) {
    if (!(event.buttons & 1)) return;
    if (event.type === "pointerdown") area.setPointerCapture(event.pointerId);
    const box = area.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * transport.duration);
  }

  function onClick(event) { // after a mouse click on a button, space means play again
    if (event.detail && event.target.closest("button")) root.focus({ preventScroll: true });
  }

  function onKey(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "TEXTAREA") return;
    const slider = target.tagName === "INPUT";
    const chosen = /^[0-9]$/.test(key) ? voices.findIndex((_, i) => keyOf(i) === key) : -1;
    if (chosen >= 0) select(chosen);
    else if (player.onkey?.(event)) { /* a listening test has keys of its own */ }
    else if (key === " " && target.tagName !== "BUTTON") toggle();
    else if (key.toLowerCase() === "l") setLoop(!transport.loop);
    else if (key === "ArrowLeft" && !slider) seek(transport.position - 0.5);
    else if (key === "ArrowRight" && !slider) seek(transport.position + 0.5);
    else if (key === "Home" && !slider) seek(0);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function ruler(duration) {
    const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((s) => duration / s <= 9) ?? 20;
    ticks.replaceChildren();
    for (let k = 0; k * step <= duration + 1e-9; k++) {
      const text = `${+(k * step).toFixed(2)}${k ? "" : " s"}`;
      ticks.append(make("span", { style: `left:${(100 * k * step) / duration}%` }, text));
    }
  }

  // Take new sounds (and their labels, levels and notes) at the same position.
  function load(newSpec, newWavs) {
    spec = newSpec;
    sounds = newWavs.map(readWav);
    sounds.peak = sounds.reduce((p, s) => s.samples.reduce((a, b) => Math.max(a, Math.abs(b)), p), 1e-4);
    pictures = null;
    const { rate } = sounds[0], duration = Math.max(...sounds.map((s) => s.samples.length)) / rate;
    const loading = transport.load(newWavs, duration);
    sounds.duration = duration;
    caption.textContent = spec.caption || "";
    root.setAttribute("aria-label", `player: ${spec.caption || "sound"}`);
    notes.replaceChildren(...spec.notes.map((note) => make("li", {}, note)));
    amplitude.textContent = `\u00b1${sounds.peak.toPrecision(2)}`;
    topKilohertz.textContent = `${rate / 2000} kHz`;
    area.setAttribute("aria-valuemax", duration.toFixed(1));
    ruler(duration);
    setVolume(Math.min(transport.volume, spec.volume)); // never louder than the listener chose
    if (!spec.blind) setVoices(openVoices(spec.labels, spec));
    return loading;
  }

  host.replaceChildren(root);
  let player = null;
  const ready = load(spec, wavs);
  player = { ready, load, select, toggle, seek, setVoices, setPart, heard, root, panel, keys, transport,
    get state() {
      return { active, playing: transport.playing, position: transport.position,
        duration: transport.duration, loop: transport.loop, volume: transport.volume,
        gains: transport.voices.map(({ gain }) => gain.gain.value) };
    } };
  root.player = player; // for tests and for the curious
  const tests = { abx: () => abxTest, rate: () => ratingTest, mushra: () => mushraTest,
    pairs: () => pairsTest }; // looked up late: a page brings only the scripts that it needs
  if (spec.blind) tests[spec.blind]()(player, spec, report);
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    visible = true;
    paint();
  }).observe(root);
  return player;
}

// ---------------------------------------------------------------------------- two ways in

// Static page: the sounds are the audio elements that stand there for pages without scripts.
function mountAll(id) {
  for (const host of document.querySelectorAll(`#${id}:not([data-on])`)) {
    host.setAttribute("data-on", "");
    const wavs = [...host.querySelectorAll("audio")].map((a) => fromBase64(a.src.split(",")[1]));
    mountPlayer(host, JSON.parse(host.dataset.spec), wavs);
  }
}

// Live widget: Python replaces the sounds. Once it is gone, nothing here holds sound or picture: hosts
// keep what is left of a widget for as long as the page is open.
function renderLive({ model, el }) {
  const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const wavs = () => model.get("clips").map(bytes);
  let player = mountPlayer(el, model.get("spec"), wavs());
  const update = () => player?.load(model.get("spec"), wavs());
  model.on("change:count", update);
  return () => {
    model.off("change:count", update);
    player.transport.stop();
    player = null;
    el.replaceChildren();
  };
}
