// The player of the course: N versions of one sound that run in step, so that switching keeps the
// position. A plain script: listen.py puts it into the page after sound.js and paint.js, with or without
// a kernel.
// The page is built without innerHTML, which hosts with Trusted Types (VS Code) refuse.

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

// The moments of an algorithm (see explore.steps): its beginning, then its loop for every sound.
const moments = (voices, { start, loop }) => (!loop ? voices :
  voices.flatMap((voice, i) => [...(i ? [] : start), ...loop]
    .map(([number]) => ({ ...voice, number, name: `${voice.name}, step ${number}` }))));

// ---------------------------------------------------------------------------- the page

// Build a player in `host`. `spec` is made by listen.py, `wavs` are ArrayBuffers; a listening test
// hands its answers to `report`.
function mountPlayer(host, spec, wavs, report = () => {}) {
  const transport = new Transport();
  let voices = []; // what can be chosen: {name, clip, level}
  let active = 0, sounds = [], pictures = null, visible = false;
  let span = [0, 1]; // where the sound begins and ends in the picture, as parts of its width
  const heard = new Set(); // voices that were played, for the blind tests

  const play = make("button", { class: "lp-play", onclick: toggle });
  const loop = make("button", { "aria-pressed": "false", onclick: () => setLoop(!transport.loop) },
    "loop");
  const volumeText = make("output");
  const volume = make("input", { type: "range", min: -40, max: 0, step: 1,
    "aria-label": "volume in decibels, the same for all versions",
    oninput: () => setVolume(+volume.value) });
  const save = make("a", { class: "lp-button", href: "#", onclick: takeWav }, "save WAV");
  const saveMidi = make("a", { class: "lp-button" }, "save MIDI");
  const time = make("span", { class: "lp-time" });
  const caption = make("p", { class: "lp-caption" });
  const choices = make("div", { class: "lp-row", role: "group", "aria-label": "versions" });
  const stages = make("div", { class: "lp-stages", hidden: "" }); // parts of an algorithm, one of them marked
  const walk = make("button", { class: "lp-walk", onclick: () => walkOn(!walking) });
  let walking = null; // a timer that goes on to the next step
  const wave = make("canvas", { class: "lp-wave", width: 1200, height: 140 });
  const spectrum = make("canvas", { class: "lp-spectrum", width: COLUMNS, height: ROWS });
  const cursor = make("div", { class: "lp-cursor" });
  const part = make("div", { class: "lp-part", hidden: "" }); // of the sound, that the loop takes
  const area = make("div", { class: "lp-area", role: "slider", tabindex: 0, "aria-valuemin": 0,
    onpointerdown: drag, onpointermove: drag }, wave, spectrum, part, cursor);
  const amplitude = make("span"), kilohertz = make("div"), ticks = make("div", { class: "lp-ticks" });
  const image = make("img", { class: "lp-image" });
  const pointer = make("div", { class: "lp-cursor" }); // the cursor in the picture
  const picture = make("div", { class: "lp-picture", onpointerdown: drag, onpointermove: drag },
    image, pointer);
  const notes = make("ul", { class: "lp-notes" });
  const panel = make("div", { class: "lp-panel" });
  const trouble = make("p", { class: "lp-trouble", role: "alert", hidden: "" });
  const keys = make("p", { class: "lp-keys" });
  const plot = make("div", { class: "lp-plot" },
    make("div", { class: "lp-axis" }, make("div", {}, amplitude), kilohertz), area, ticks);
  const controls = make("div", { class: "lp-row" }, play, loop,
    make("label", { class: "lp-volume" }, "volume ", volume, volumeText), save, saveMidi, time);
  const root = make("div", { class: "lp", tabindex: 0, role: "group",
    "data-lm-suppress-shortcuts": "true", onkeydown: onKey, onclick: onClick },
    caption, choices, stages, controls, trouble, picture, plot, notes, panel, keys);
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
        value: active, "aria-label": spec.step_name, oninput: () => go(+slider.value) });
      choices.replaceChildren(make("label", { class: "lp-steps" }, `${spec.step_name} `, slider),
        make("output", { class: "lp-step" }),
        make("button", { class: "lp-back", onclick: () => go(active - 1) }, "\u2190 back"),
        make("button", { class: "lp-on", onclick: () => go(active + 1) }, "next \u2192"), walk);
      walkOn(false);
    } else {
      choices.replaceChildren(...list.map((voice, i) =>
        make("button", { class: "lp-version", onclick: () => select(i) },
          make("kbd", {}, keyOf(i)), ` ${voice.name} `,
          make("small", {}, levelText(voice)))));
    }
    keys.textContent = "keys: " + (spec.mode === "steps" ? "N and P next and previous step, " :
      list.length > 1 ? `1\u2013${list.length} version, ` : "") + "space play or pause, \u2190 \u2192 half a second, L loop";
    select(Math.min(active, list.length - 1));
  }

  // A step by hand ends the walk through all of them.
  function go(index) {
    walkOn(false);
    select(index);
  }

  function walkOn(on) {
    clearInterval(walking);
    walking = on ? setInterval(() => {
      if (root.isConnected && voices[active + 1]) select(active + 1);
      else walkOn(false);
    }, 2000) : null;
    if (on) select(active + 1 < voices.length ? active + 1 : 0);
    walk.textContent = on ? "\u275a\u275a stop" : "\u25b6\u25b6 all steps";
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
      for (const part of stages.querySelectorAll("[data-number]"))
        part.setAttribute("aria-current", part.dataset.number === voices[index].number ? "step" : "false");
    } else {
      [...choices.children].forEach((b, i) => b.setAttribute("aria-pressed", i === index));
    }
    // in a blind test the name would tell; on the site a sound comes when it is first played
    save.hidden = voices[active].level === undefined || Boolean(spec.later);
    area.setAttribute("aria-label", `position in ${name}; waveform above, spectrogram below`);
    showPicture(clip);
    paint();
    show();
    player?.onselect?.(index);
  }

  // A picture for each version, or one for all. Where the place of time is known (span), the plot
  // below gets the same time axis, so that both cursors stand above each other.
  function showPicture(clip) {
    const shown = spec.pictures?.[Math.min(clip, spec.pictures.length - 1)];
    picture.hidden = !shown;
    if (shown) Object.assign(image, { src: shown.source, alt: shown.alt });
    saveMidi.hidden = !shown?.midi; // notes that the picture shows
    if (shown?.midi) Object.assign(saveMidi, { href: shown.midi,
      download: `${fileName(`${(spec.caption || "Notes").slice(0, 60)} - ${voices[active].name}`)}.mid` });
    const [left, right] = span = shown?.span ?? [0, 1];
    picture.classList.toggle("lp-timed", !!shown?.span);
    plot.style.gridTemplateColumns = shown?.span ?
      `max(3.4em, ${100 * left}%) 1fr ${100 * (1 - right)}%` : "";
  }

  // Waveforms and spectrograms are made when the player is first seen; a blind test shows them at its end.
  function paint() {
    if (!visible || !voices.length || spec.later || root.classList.contains("lp-blind")) return;
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
    pointer.style.left = `${100 * (span[0] + (span[1] - span[0]) * position / duration)}%`;
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

  // The link gets its file when it is clicked, and is then followed.
  function takeWav() {
    const { name, clip } = voices[active];
    const file = takeHome(spec, sounds[clip], { name, clip }, transport.volume);
    const url = URL.createObjectURL(new Blob([file.bytes], { type: "audio/wav" }));
    Object.assign(save, { href: url, download: file.name });
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  function seek(seconds) {
    transport.seek(seconds);
    show();
  }

  function drag(event) {
    const where = event.currentTarget, [left, right] = where === area ? [0, 1] : span;
    if (!(event.buttons & 1) || where === picture && !picture.classList.contains("lp-timed")) return;
    if (event.type === "pointerdown") {
      where.setPointerCapture(event.pointerId);
      if (where === picture) event.preventDefault(); // no dragging of the image itself
    }
    const box = where.getBoundingClientRect(), place = (event.clientX - box.left) / box.width;
    seek(((place - left) / (right - left)) * transport.duration);
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
    else if (key.toLowerCase() === "n" && spec.mode === "steps") go(active + 1);
    else if (key.toLowerCase() === "p" && spec.mode === "steps") go(active - 1);
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

  function frequencies(top) { // in kHz
    const step = [0.5, 1, 2, 2.5, 5, 10, 20].find((s) => top / s <= 5), last = Math.floor(top / step);
    kilohertz.replaceChildren(...Array.from({ length: last + 1 }, (_, k) => {
      const share = 100 * k * step / top; // the lowest and the highest label stay inside
      return make("span", { style: `bottom:${share}%;transform:translateY(${share}%)` },
        `${k * step}${k === last ? " kHz" : ""}`);
    }));
  }

  function showStages({ start, loop }) {
    const parts = (list) => list.map(([number, words]) =>
      make("div", { class: "lp-stage", "data-number": number }, make("b", {}, number), ` ${words}`));
    stages.hidden = !loop;
    if (loop) stages.replaceChildren(...parts(start),
      make("div", { class: "lp-round" }, ...parts(loop), make("i", {}, make("span", {}, "next round"))));
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
    frequencies(rate / 2000);
    area.setAttribute("aria-valuemax", duration.toFixed(1));
    ruler(duration);
    setVolume(Math.min(transport.volume, spec.volume)); // never louder than the listener chose
    showStages(spec);
    if (!spec.blind) setVoices(moments(openVoices(spec.labels, spec), spec));
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

// Put the pictures that stand in `host` for pages without scripts, and their notes, into `spec`.
function readPictures(host, spec) {
  host.querySelectorAll("img").forEach((img, i) => { spec.pictures[i].source = img.src; });
  host.querySelectorAll("a").forEach((a) => { spec.pictures[a.dataset.picture].midi = a.href; });
}

// Static page: sounds and pictures are the elements that stand there for pages without scripts.
function mountAll(id) {
  for (const host of document.querySelectorAll(`#${id}:not([data-on])`)) {
    host.setAttribute("data-on", "");
    const wavs = [...host.querySelectorAll("audio")].map((a) => fromBase64(a.src.split(",")[1]));
    const spec = JSON.parse(host.dataset.spec);
    readPictures(host, spec);
    mountPlayer(host, spec, wavs);
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
