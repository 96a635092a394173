// Players, flipbooks and sliders of the site. The builder puts this file after the scripts of
// lecture_utils/notebook. A sound is a script beside the page, which holds it as FLAC in base64 and is
// loaded when its player is played: so pages work from a disk, too, where a page may fetch nothing.

const clips = new Map(); // name -> promise of a WAV file
const arrivals = new Map(); // name -> function that takes the text
window.lectureSound = (name, text) => arrivals.get(name)?.(text);
const media = document.currentScript.dataset.media ?? "_media";

// The script of a sound; the browser runs it, and it calls lectureSound.
function arrive(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    arrivals.set(name, resolve);
    script.onerror = () => reject(new Error("the sound is not there"));
    script.src = `${media}/${name}.js`;
    document.head.append(script);
  }).finally(() => arrivals.delete(name));
}

// A 16-bit mono WAV file, as the player takes them.
function packWav(samples, rate) {
  const wav = new ArrayBuffer(44 + 2 * samples.length), view = new DataView(wav);
  const text = (at, letters) => [...letters].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  const whole = new Int16Array(wav, 44);
  for (let i = 0; i < samples.length; i++)
    whole[i] = Math.max(-32768, Math.min(32767, Math.round(32768 * samples[i])));
  return wav;
}

// FLAC says its sample rate in bits 80 to 99 of its first block (STREAMINFO).
function rateOf(flac) {
  const bytes = new Uint8Array(flac, 18, 3);
  return (bytes[0] << 12) | (bytes[1] << 4) | (bytes[2] >> 4);
}

async function fetchWav(name) {
  const flac = fromBase64(await arrive(name)), rate = rateOf(flac);
  const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(flac);
  return packWav(buffer.getChannelData(0), rate);
}

function clip(name) {
  if (!clips.has(name))
    clips.set(name, fetchWav(name).catch((error) => {
      clips.delete(name); // the next try may succeed
      throw error;
    }));
  return clips.get(name);
}

// What stands in a host for pages without scripts: labels, sounds and pictures.
function readHost(host) {
  const spec = JSON.parse(host.dataset.spec);
  readPictures(host, spec);
  const names = [...host.querySelectorAll("audio")].map((audio) => audio.dataset.clip);
  return { spec, names, view: host.dataset.view };
}

// Until the sounds are there: silence of the same lengths.
const silence = (spec) => spec.seconds.map((s) => packWav(new Float32Array(Math.round(100 * s)), 100));

// Mount a player whose sounds come when it is first played. `become` gives it others.
function mountLater(host, first) {
  let wanted = first, loading = null;
  const player = mountPlayer(host, { ...first.spec, later: true }, silence(first.spec));
  const { root, transport } = player, play = transport.play.bind(transport);
  const area = root.querySelector(".lp-area"), trouble = root.querySelector(".lp-trouble");
  root.classList.add("lp-later");

  async function fetchWanted() {
    let now, wavs;
    do { // others may be wanted meanwhile
      now = wanted;
      wavs = await Promise.all(now.names.map(clip));
    } while (now !== wanted);
    const { part } = transport;
    root.classList.remove("lp-later");
    area.style.backgroundImage = "";
    await player.load(now.spec, wavs);
    if (part) player.setPart(part);
  }

  function load() {
    return (loading ??= fetchWanted().catch((error) => {
      loading = null;
      trouble.hidden = false;
      trouble.textContent = "The sound could not be loaded. If you have opened this page from a ZIP " +
        `file, unpack the whole folder first. (${error.message})`;
      throw error;
    }));
  }

  transport.play = async () => {
    transport.context.resume(); // at once, while the browser knows that somebody pressed a key
    try {
      await load();
    } catch {
      return;
    }
    return play();
  };

  function preview() {
    const there = root.classList.contains("lp-later") && wanted.view;
    area.style.backgroundImage = there ? `url("${wanted.view}")` : "";
  }
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    preview();
  }, { rootMargin: "300px" }).observe(root);

  window.addEventListener("beforeprint", preview);

  player.become = (next) => {
    const heard = loading !== null;
    wanted = next;
    loading = null;
    if (heard) return load().catch(() => {});
    preview();
    return player.load({ ...next.spec, later: true }, silence(next.spec));
  };
  return player;
}

// States of an explorer that were computed beforehand: its sliders and buttons choose among them.
function mountStates(host) {
  const grid = JSON.parse(host.dataset.grid), states = new Map();
  for (const state of host.querySelectorAll(".lp-state")) states.set(state.dataset.at, state);
  const shown = host.querySelector(".lp-state:not([hidden])") ?? states.values().next().value;
  const start = shown.dataset.at.split(" ").map(Number);
  let at = [...start];
  const read = (state) => {
    const inner = state.querySelector("[data-spec]");
    return inner ? readHost(inner) : { page: [...state.childNodes] };
  };
  const contents = new Map([...states].map(([place, state]) => [place, read(state)]));
  const place = make("div"), controls = make("div", { class: "lp lp-controls" });
  const setting = host.querySelector(".lp-setting");
  const first = contents.get(shown.dataset.at);
  host.replaceChildren(controls, setting, place);
  const player = first.spec ? mountLater(place, first) : null;
  if (!player) place.replaceChildren(...first.page);

  function show() {
    const next = contents.get(at.join(" "));
    if (next.spec) player.become(next);
    else if (!player) place.replaceChildren(...next.page);
    setting.textContent = "Here at " + grid.names.map((n, k) => `${n} ${grid.values[k][at[k]]}`).join(", ") +
      ". In a notebook these controls take every value.";
    if (player && !next.spec) setting.replaceChildren(...next.page);
    rows.forEach((row, k) => row(at[k]));
  }

  function move(k, to) {
    at[k] = to;
    if (!contents.has(at.join(" "))) at = start.map((i, other) => (other === k ? to : i));
    show();
  }

  const rows = grid.names.map((name, k) => {
    const values = grid.values[k];
    if (grid.buttons[k]) {
      const buttons = values.map((value, i) => make("button", { onclick: () => move(k, i) }, value));
      controls.append(make("div", { class: "lp-row", role: "group", "aria-label": name }, `${name} `,
        ...buttons));
      return (i) => buttons.forEach((b, j) => b.setAttribute("aria-pressed", i === j));
    }
    const slider = make("input", { type: "range", min: 0, max: values.length - 1, step: 1,
      "aria-label": name, oninput: () => move(k, +slider.value) });
    const output = make("output");
    controls.append(make("label", { class: "lp-steps lp-row" }, `${name} `, slider, output));
    return (i) => {
      slider.value = i;
      slider.setAttribute("aria-valuetext", values[i]);
      output.textContent = values[i];
    };
  });
  rows.forEach((row, k) => row(at[k]));
}

// Large scripts of a cell, such as a keyboard with its network, wait until the reader gets near them.
function runLater(host) {
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    document.head.append(make("script", { src: host.dataset.script }));
  }, { rootMargin: "600px" }).observe(host);
}

// What has to be scrolled sideways on a narrow screen is reached by keyboard, too.
function reachScrolled() {
  const boxes = "div.math, .table-wrapper, figure, p:has(> img)";
  for (const box of document.querySelectorAll(`article :is(${boxes})`))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
}
window.addEventListener("resize", reachScrolled);
document.addEventListener("toggle", reachScrolled, true); // what was folded

function mountPage() {
  reachScrolled();
  document.querySelectorAll(".lp-script").forEach(runLater);
  document.querySelectorAll(".lp-states").forEach(mountStates);
  for (const host of document.querySelectorAll("[data-spec]:not([data-on])")) {
    host.setAttribute("data-on", "");
    mountLater(host, readHost(host));
  }
  document.querySelectorAll(".lp-frames").forEach(mountFrames);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountPage);
else mountPage();

window.lectureCourse = { make, mountPlayer, packWav, readWav, clip, randomNumbers, media };
