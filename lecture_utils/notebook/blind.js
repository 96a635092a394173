// Blind listening tests on top of player.js: A/B/X and rating. Labels stay hidden until the end.

// Numbers in [0, 1): from `seed` (mulberry32), or unpredictable without one.
function randomNumbers(seed) {
  let state = seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(count, random) {
  const order = [...Array(count).keys()];
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const LETTERS = "ABCDEFGHI";

// Labels travel back to front and in base64, so that a look at the page gives nothing away.
const hiddenLabels = (spec) => JSON.parse(
  new TextDecoder().decode(new Uint8Array(fromBase64([...spec.hidden].reverse().join("")))));

// Chance of at least `right` hits in `trials` by tossing a coin.
function coinChance(trials, right) {
  let ways = 1, sum = 0;
  for (let k = 0; k <= trials; k++) {
    if (k >= right) sum += ways;
    ways = (ways * (trials - k)) / (k + 1);
  }
  return sum / 2 ** trials;
}

// Name the versions, show levels and pictures, and give the answers out as CSV.
function reveal(player, spec, rows, start, labels = hiddenLabels(spec), file = "listening_test.csv") {
  player.root.classList.remove("lp-blind");
  player.setVoices(openVoices(labels, spec));
  const cell = (v) => (/[",\n]/.test(v) ? `"${String(v).replaceAll('"', '""')}"` : v);
  const csv = rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  const text = make("textarea", { class: "lp-csv", readonly: "", "aria-label": "results as CSV",
    rows: Math.min(rows.length + 1, 12) });
  text.value = csv;
  const copy = make("button", { onclick: () => {
    text.select();
    (navigator.clipboard?.writeText(csv) ?? Promise.reject()).catch(() => document.execCommand("copy"));
    copy.textContent = "copied";
  } }, "copy CSV");
  const download = make("a", { class: "lp-button", download: file,
    href: `data:text/csv;charset=utf-8,${encodeURIComponent(csv)}` }, "download CSV");
  return [text, make("div", { class: "lp-row" }, copy, download,
    make("button", { onclick: start }, "start again"))];
}

// A/B/X: X is A or B, drawn anew for each trial; the listener says which.
function abxTest(player, spec) {
  const labels = hiddenLabels(spec), random = randomNumbers(spec.seed);
  const status = make("p", { class: "lp-status", role: "status" });
  let order, x, answers;

  function draw() {
    x = random() < 0.5 ? 0 : 1;
    player.setVoices([...order, order[x]].map((clip, i) => ({ name: "ABX"[i], clip })));
  }

  function answer(choice) {
    if (!player.heard.has(2)) {
      status.textContent = "Play X first (key 3), then answer.";
      return;
    }
    answers.push([answers.length + 1, labels[order[0]], labels[order[1]], "AB"[x], "AB"[choice],
      choice === x ? 1 : 0]);
    if (answers.length === spec.trials) finish();
    else { draw(); report(`Trial ${answers.length + 1} of ${spec.trials}.`); }
  }

  function report(sentence) {
    const right = answers.filter((row) => row[5]).length, n = answers.length;
    const p = coinChance(n, right);
    status.textContent = sentence + (n ? ` ${right} of ${n} right; guessing gets ${n / 2} on average` +
      ` and does this well or better with probability p = ${p.toFixed(3)}.` : "");
    return p;
  }

  function finish() {
    const p = report("Done.");
    status.textContent += !answers.length ? " No answers." : p < 0.05 ?
      " That is hard to reach by guessing: the two can be told apart." :
      " Guessing explains that: no sign that the two can be told apart.";
    player.panel.replaceChildren(status,
      ...reveal(player, spec, [["trial", "A", "B", "X", "answer", "correct"], ...answers], start));
  }

  function start() {
    answers = [];
    order = shuffled(2, random);
    player.root.classList.add("lp-blind");
    player.panel.replaceChildren(make("div", { class: "lp-row" },
      make("button", { class: "lp-answer", onclick: () => answer(0) }, "X is A"),
      make("button", { class: "lp-answer", onclick: () => answer(1) }, "X is B"),
      make("button", { class: "lp-finish", onclick: finish }, "stop and reveal")), status);
    draw();
    report(`Which one is X? Trial 1 of ${spec.trials}.`);
  }
  start();
}

// Rating: 0 to 100 for every hidden version, beside an open reference if there is one.
function ratingTest(player, spec) {
  const labels = hiddenLabels(spec), random = randomNumbers(spec.seed);
  const status = make("p", { class: "lp-status", role: "status" });
  const open = spec.reference == null ? [] : [{ name: "reference", clip: spec.reference }];

  function start() {
    const order = shuffled(labels.length, random), ratings = {};
    player.root.classList.add("lp-blind");
    player.setVoices([...open, ...order.map((clip, i) => ({ name: LETTERS[i], clip }))]);
    const rows = order.map((_, i) => {
      const value = make("output", {}, "not rated");
      const slider = make("input", { type: "range", min: 0, max: 100, step: 1, value: 50,
        "aria-label": `rating of ${LETTERS[i]}, 0 to 100`,
        oninput: () => { value.textContent = ratings[i] = +slider.value; } });
      return make("label", { class: "lp-rating" }, LETTERS[i], slider, value);
    });

    function finish() {
      const missing = order.map((_, i) => i).filter((i) => !(i in ratings) || !player.heard.has(i + open.length));
      if (missing.length) {
        status.textContent = `Play and rate ${missing.map((i) => LETTERS[i]).join(", ")} first.`;
        return;
      }
      const table = order.map((clip, i) => [LETTERS[i], labels[clip], ratings[i]]);
      status.textContent = "Your ratings: " + [...table].sort((a, b) => b[2] - a[2])
        .map(([letter, label, rating]) => `${label} (${letter}) ${rating}`).join(", ") + ".";
      player.panel.replaceChildren(status,
        ...reveal(player, spec, [["version", "label", "rating"], ...table], start));
    }
    status.textContent = "Play every version, then rate it.";
    player.panel.replaceChildren(
      make("div", { class: "lp-rating lp-scale", "aria-hidden": "true" }, "", make("span", {},
        ...["bad", "poor", "fair", "good", "excellent"].map((word) => make("span", {}, word)))),
      ...rows, make("div", { class: "lp-row" },
        make("button", { class: "lp-finish", onclick: finish }, "show labels and results")), status);
  }
  start();
}
