// The page "Models in your browser": controls for the models of models.js. It loads sounds and the
// network's numbers from this site alone, when a model is first used.

const { make, mountPlayer, packWav, readWav, clip, randomNumbers, media } = window.lectureCourse;
const pause = () => new Promise((done) => setTimeout(done)); // lets the page draw and answer
const seconds = (ms) => `${(ms / 1000).toPrecision(2)} s`;

// Numbers of a normal distribution, from numbers in [0, 1) (Box and Muller).
function normal(random) {
  return (n) => Float32Array.from({ length: n }, () =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

// At the level (root mean square) of another sound, as audio.match_level does.
function matched(x, other) {
  const power = (y) => y.reduce((a, v) => a + v * v, 0) / y.length;
  const gain = Math.sqrt(power(other) / power(x) || 1);
  return x.map((v) => gain * v);
}

// A slider from `min` to `max`; `act` gets its value when it is let go, or at once (`live`).
function slider(label, max, value, act, { min = 0, step = 1, live = false, text = String } = {}) {
  const output = make("output");
  const input = make("input", { type: "range", min, max, step, value, "aria-label": label });
  const told = () => {
    output.textContent = text(+input.value);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.oninput = () => { told(); if (live) act(+input.value); };
  input.onchange = () => { if (!live) act(+input.value); };
  const row = make("label", { class: "lp-steps lp-row" }, `${label} `, input, output);
  row.set = (v) => { input.value = v; told(); };
  told();
  return row;
}

function choice(label, values, value, onclick) {
  const buttons = values.map((v) => make("button", { "aria-pressed": `${v === value}`, onclick: () => {
    buttons.forEach((b, i) => b.setAttribute("aria-pressed", values[i] === v));
    onclick(v);
  } }, `${v}`));
  return make("div", { class: "lp-row", role: "group", "aria-label": label }, `${label} `, ...buttons);
}

// A sound, a model and a player: `compute` gets the sound, says how far it is, and returns sounds.
// While it works, the newest wish counts: older ones stop.
function soundModel(host, compute, controls) {
  const sounds = JSON.parse(host.dataset.sounds), names = Object.keys(sounds);
  const told = make("p", { class: "lp-setting", role: "status" }, "Move a control: then it begins.");
  const place = make("div"), panel = make("div", { class: "lp lp-controls" });
  let name = names[0], player = null, turn = 0;

  async function run() {
    const mine = ++turn;
    told.textContent = "computing ...";
    try {
      const { rate, samples } = readWav(await clip(sounds[name])), x = Float64Array.from(samples);
      const begun = performance.now(), goes = async (text) => {
        told.textContent = text;
        await pause();
        return mine === turn;
      };
      const made = await compute(x, goes);
      if (!made || mine !== turn) return;
      const took = performance.now() - begun;
      told.textContent = `${made.told ?? ""} Computed in ${seconds(took)} by this page: ` +
        `${seconds(took / (x.length / rate))} for a second of sound.`;
      const all = { original: x, [made.label]: matched(made.sound, x) };
      const peak = Math.max(1, ...Object.values(all).flatMap((y) => [y.reduce((a, v) => Math.max(a, Math.abs(v)), 0)]));
      const wavs = Object.values(all).map((y) => packWav(y.map((v) => v / peak), rate));
      const spec = { caption: host.dataset.caption, labels: Object.keys(all), levels: [], gains: null,
        seconds: [], notes: ["Levels are matched."], volume: 0 };
      if (player) await player.load(spec, wavs);
      else {
        player = mountPlayer(place, spec, wavs);
        player.select(1);
      }
    } catch (error) {
      told.textContent = `It could not be computed: ${error.message}.`;
    }
  }

  panel.append(choice("sound", names, name, (v) => { name = v; run(); }), ...controls(run));
  host.replaceChildren(panel, told, place);
  host.run = run; // for tests
}

function mountPhase(host) {
  let amount = 50;
  soundModel(host, async (x, goes) => {
    if (!await goes("computing ...")) return null;
    const random = randomNumbers(0), frames = 1 + Math.floor(x.length / 256);
    const other = Float64Array.from({ length: 513 * frames }, () => 2 * Math.PI * random() - Math.PI);
    return { sound: scramblePhase(x, amount / 100, other), label: `${amount} % random phase` };
  }, (run) => [slider("random phase, %", 100, amount, (v) => { amount = v; run(); })]);
}

function mountGriffinLim(host) {
  let rounds = 16, nFft = 1024, momentum = 0.99;
  soundModel(host, async (x, goes) => {
    const stft = new Stft(x.length, nFft, nFft / 4), { re, im } = stft.forward(x);
    const magnitude = re.map((v, i) => Math.hypot(v, im[i])), random = randomNumbers(0);
    const start = magnitude.map(() => 2 * Math.PI * random());
    const search = griffinLim(stft, magnitude, start, rounds, momentum);
    for (let round = 1, step = search.next(); ; step = search.next(), round++) {
      if (step.done) return { sound: step.value, label: `found in ${rounds} rounds`, told: rounds ? host.error : "" };
      host.error = `The spectrogram was still ${(100 * step.value).toFixed(1)} % off.`;
      if (!await goes(`round ${round} of ${rounds}: ${(100 * step.value).toFixed(1)} % off`)) return null;
    }
  }, (run) => [
    slider("rounds", 64, rounds, (v) => { rounds = v; run(); }),
    choice("window", [512, 1024, 2048], nFft, (v) => { nFft = v; run(); }),
    choice("momentum", [0, 0.99], momentum, (v) => { momentum = v; run(); }),
  ]);
}

const toBytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;

// A network comes as a script, as sounds do; the script hands its numbers to `window[taker]`.
const fetched = {};
function fetchNetwork(file, taker, build) {
  return (fetched[file] ??= new Promise((resolve, reject) => {
    window[taker] = (numbers) => resolve(build(numbers));
    const script = document.createElement("script");
    script.onerror = () => {
      delete fetched[file]; // the next try may succeed
      reject(new Error("the network is not there"));
    };
    script.src = `${media}/${file}`;
    document.head.append(script);
  }));
}

const toNumbers = (text) => new Float32Array(toBytes(text));
const toLayers = (layers) => layers.map(({ weight, bias }) =>
  ({ weight: toNumbers(weight), bias: toNumbers(bias) }));

const fetchDenoiser = () => fetchNetwork("denoiser.js", "lectureDenoiser", (layers) =>
  new Denoiser(toLayers(layers)));

// Games by name: real points, and both networks by training step.
const fetchGames = () => fetchNetwork("games.js", "lectureGames", (games) => {
  for (const game of Object.values(games)) {
    game[0] = toNumbers(game[0]);
    for (const step of Object.keys(game[1])) game[1][step] = game[1][step].map(toLayers);
  }
  return games;
});

const fetchVocoder = () => fetchNetwork("vocoder.js", "lectureVocoder", ({ bands, magnitude, repair }) =>
  new FourierVocoder(bands, readWeights(toBytes(magnitude)), readWeights(toBytes(repair))));

function mountVocoder(host) {
  let moved = 0;
  soundModel(host, async (x, goes) => {
    if (!await goes("loading the networks ...")) return null;
    const vocoder = await fetchVocoder(), whole = x.slice(0, 256 * Math.floor(x.length / 256));
    const mel = vocoder.logMel(new Stft(whole.length, 1024, 256, true), whole);
    const making = vocoder.vocode(shifted(mel, moved, vocoder.bands.length));
    for (let step = making.next(); ; step = making.next()) {
      if (step.done) return { sound: step.value, label: "made from the 80 bands" };
      if (!await goes(`${step.value} ...`)) return null;
    }
  }, (run) => [slider("bands moved up", 8, moved, (v) => { moved = v; run(); })]);
}

// A mel whose bands are moved up: each band gets what the one below by so many had.
const shifted = (mel, by, n) => mel.map((_, i) => (i % n >= by ? mel[i - by] : Math.log(FLOOR)));

function mountDiffusion(host) {
  const canvas = make("canvas", { width: 880, height: 560, role: "img", class: "live-points",
    "aria-label": "Points: first a round cloud, at the end an eighth note" });
  const told = make("p", { class: "lp-setting", role: "status" }, "Press a button: then it begins.");
  const ways = { "1000 steps, fresh noise (DDPM)": null, "100 jumps (DDIM)": 100, "20 jumps": 20,
    "4 jumps": 4 };
  let turn = 0, seed = 0;

  function draw(points) {
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = "#d55e00";
    for (let i = 0; i < points.length; i += 2)
      context.fillRect(440 + 120 * points[i] - 2, 280 - 120 * points[i + 1] - 2, 5, 5);
  }

  async function run(jumps) {
    const mine = ++turn, noise = normal(randomNumbers(++seed)), start = noise(2 * 300);
    draw(start);
    told.textContent = "computing ...";
    try {
      const network = await fetchDenoiser();
      let took = 0, count = 0, begun = performance.now(), x = start, t;
      for ([t, x] of denoise(network, noiseSchedule(), start, jumps, noise)) {
        count++;
        if (performance.now() - begun < 40 && t >= 0 && !(jumps && jumps < 50)) continue;
        took += performance.now() - begun;
        draw(x);
        told.textContent = `${count} of ${jumps ?? 1000}: at step ${Math.max(t, 0)}`;
        await new Promise((done) => setTimeout(done, jumps && jumps < 50 ? 1200 / jumps : 0));
        if (mine !== turn) return;
        begun = performance.now();
      }
      told.textContent = `300 points in ${jumps ?? 1000} steps, computed in ${seconds(took)} by this page.`;
      host.points = x; // for tests
    } catch (error) {
      told.textContent = `It could not be computed: ${error.message}.`;
    }
  }

  host.run = () => run(4); // for tests
  const buttons = Object.entries(ways).map(([name, jumps]) =>
    make("button", { onclick: () => run(jumps) }, name));
  const panel = make("div", { class: "lp lp-controls" }, make("div", { class: "lp-row", role: "group",
    "aria-label": "ways from noise to points" }, ...buttons));
  host.replaceChildren(panel, told, canvas);
  draw(normal(randomNumbers(0))(2 * 300));
}

// Colours of the discriminator's answer from 0 to 1, as matplotlib's PuOr.
const ANSWERS = [[127, 59, 8], [224, 130, 20], [254, 224, 182], [246, 246, 247], [216, 218, 235],
  [128, 115, 172], [45, 0, 75]];
const PLACES = Float32Array.from({ length: 16 }, (_, i) =>
  (i % 2 ? Math.sin : Math.cos)((Math.PI * (i >> 1)) / 4)); // x, y of the eight places

function mountGames(host) {
  const size = 480, cells = 60;
  const canvas = make("canvas", { width: 2 * size + 20, height: size, role: "img", class: "live-points",
    "aria-label": "Left, noise. Right, the points that the generator makes of it, over the data" });
  const told = make("p", { class: "lp-setting", role: "status" }, "Move a control: then it begins.");
  const chosen = Float32Array.of(1, 0), draw = canvas.getContext("2d");
  const steps = JSON.parse(host.dataset.steps), names = Object.keys(steps), moment = make("div");
  let seed = 0, noise = normal(randomNumbers(0))(2 * 400), name = names[0], at = 0, turn = 0;

  // Points of a plane from -reach to reach, the left or the right one.
  function dots(points, reach, right, colour, width) {
    draw.fillStyle = colour;
    for (let i = 0; i < points.length; i += 2) {
      const x = size * (points[i] / reach + 1) / 2, y = size * (1 - points[i + 1] / reach) / 2;
      if (Math.min(x, y) < 0 || Math.max(x, y) > size) continue;
      draw.fillRect(right * (size + 20) + x - width / 2, y - width / 2, width, width);
    }
  }

  function plane(right) {
    draw.fillStyle = "#fff";
    draw.fillRect(right * (size + 20), 0, size, size);
  }

  function answers(discriminator) {
    const grid = Float32Array.from({ length: 2 * cells * cells }, (_, i) => {
      const cell = i >> 1, place = i % 2 ? cells - 1 - Math.floor(cell / cells) : cell % cells;
      return (4 * (place + 0.5)) / cells - 2;
    });
    reluNetwork(discriminator, grid).forEach((score, cell) => {
      const where = (ANSWERS.length - 1) / (1 + Math.exp(-score)), low = Math.min(5, Math.floor(where));
      const mixed = ANSWERS[low].map((v, c) => v + (where - low) * (ANSWERS[low + 1][c] - v));
      draw.fillStyle = `rgb(${mixed.map((v) => Math.round(127 + v / 2)).join()})`;
      draw.fillRect(size + 20 + (size / cells) * (cell % cells),
        (size / cells) * Math.floor(cell / cells), size / cells, size / cells);
    });
  }

  function drawNoise() {
    plane(0);
    dots(noise, 3.5, 0, "#777", 4);
    dots(chosen, 3.5, 0, "#0072b2", 14);
  }

  async function run() {
    const mine = ++turn;
    drawNoise();
    try {
      const games = await fetchGames();
      if (mine !== turn) return;
      const step = steps[name][at], [real, moments] = games[name];
      const [generator, discriminator] = moments[step];
      const made = reluNetwork(generator, noise), point = reluNetwork(generator, chosen);
      const answer = 1 / (1 + Math.exp(-reluNetwork(discriminator, point)[0]));
      answers(discriminator);
      dots(real, 2, 1, "rgba(0, 0, 0, 0.4)", 3);
      dots(made, 2, 1, "#d55e00", 5);
      dots(point, 2, 1, "#0072b2", 14);
      const where = (p) => [...p].map((v) => (Math.round(10 * v) / 10 + 0).toFixed(1)).join(", "); // no -0.0
      told.textContent = `Step ${step}. The blue noise (${where(chosen)}) becomes the point ` +
        `(${where(point)}); the discriminator's answer there is ${answer.toFixed(2)}.` +
        (name.startsWith("eight") ? ` ${modesFound(made, PLACES)} of 8 places are found.` : "");
      host.made = made; // for tests
    } catch (error) {
      told.textContent = `It could not be computed: ${error.message}.`;
    }
  }

  // A game from its last moment on.
  function choose(wanted) {
    name = wanted;
    at = steps[name].length - 1;
    moment.replaceChildren(slider("training step", at, at, (v) => { at = v; run(); },
      { live: true, text: (v) => `${steps[name][v]}` }));
  }

  const across = ["across", "up"].map((way, i) => slider(`blue noise, ${way}`, 3, chosen[i],
    (v) => { chosen[i] = v; run(); }, { min: -3, step: 0.1, live: true }));
  const fresh = make("button", { onclick: () => {
    noise = normal(randomNumbers(++seed))(2 * 400);
    run();
  } }, "new noise");
  const panel = make("div", { class: "lp lp-controls" },
    choice("data", names, name, (v) => { choose(v); run(); }), moment, ...across, fresh);
  choose(name);
  canvas.onclick = (event) => {
    const { left, top, width } = canvas.getBoundingClientRect(), scale = canvas.width / width;
    const x = (event.clientX - left) * scale, y = (event.clientY - top) * scale;
    if (x > size) return;
    chosen.set([7 * x / size - 3.5, 3.5 - 7 * y / size]);
    across.forEach((row, i) => row.set(chosen[i]));
    run();
  };
  host.replaceChildren(panel, told, canvas);
  plane(1);
  drawNoise();
  host.run = run; // for tests
}

const models = { games: mountGames, phase: mountPhase, griffinLim: mountGriffinLim, vocoder: mountVocoder, diffusion: mountDiffusion };
document.querySelectorAll("[data-live]").forEach((host) => models[host.dataset.live](host));
