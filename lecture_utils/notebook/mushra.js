// A page of a MUSHRA test (ITU-R BS.1534): every hidden version gets 0 to 100 points beside the open
// reference. And pairs: which of two was written by people?

const SCALE = ["bad", "poor", "fair", "good", "excellent"];
const HIDDEN = { reference: "hidden original", anchor35: "anchor, 3.5 kHz",
  anchor70: "anchor, 7 kHz" };
const openName = (label) => HIDDEN[label] ?? label;

// What both kinds of page say at the end, and two buttons: again, and the next listener.
function finished(player, spec, kept, columns, sentence, start) {
  const status = make("p", { class: "lp-status", role: "status" }, sentence);
  const rows = [columns, ...kept.rows(null, columns.length)];
  const parts = reveal(player, spec, rows, start, hiddenLabels(spec).map(openName),
    `${spec.test}_${kept.listener}.csv`.replaceAll(/[^\w.-]/g, "_"));
  parts.at(-1).append(make("button", { class: "lp-next", onclick: () => {
    kept.nextListener();
    start();
  } }, "next listener"));
  player.panel.replaceChildren(status, ...parts);
  player.root.focus({ preventScroll: true });
}

const KEEPING = (kept) => (kept.forgets ?
  "This page can't keep your answers: export them before you leave it." :
  "Your answers stay in this browser until you export them.");

function mushraTest(player, spec, report) {
  const labels = hiddenLabels(spec), random = randomNumbers(spec.seed);
  const kept = new Kept(spec.test, spec.trial);
  const status = make("p", { class: "lp-status", role: "status" });
  let order, scores, heard, clock, rows; // of stimuli, by label

  function start() {
    const draft = spec.training ? null : kept.draft;
    clock = new Clock(draft?.time);
    scores = { ...draft?.scores };
    heard = new Set(draft?.heard);
    const known = draft?.order?.length === labels.length && labels.every((l) => draft.order.includes(l));
    order = known ? draft.order : spec.training ? [...labels] :
      shuffled(labels.length, random).map((clip) => labels[clip]);
    player.root.classList.add("lp-blind", "lp-mushra");
    const name = (label, i) => (spec.training ? openName(label) : "ABCDEFGHIJKL"[i]);
    rows = order.map((label, i) => rowOf(name(label, i), i));
    player.setVoices([{ name: "reference", key: "0", clip: spec.reference },
      ...order.map((label, i) => ({ name: name(label, i), clip: labels.indexOf(label),
        key: i < 9 ? `${i + 1}` : "" }))]);
    player.keys.textContent = "keys: 0 reference, 1\u20139 version, N and P next and previous, " +
      "\u2191 \u2193 rate (with Shift by 10), space play or pause, \u2190 \u2192 half a second, " +
      "I and O loop from and to here, L loop";
    player.panel.replaceChildren(loopRow(player),
      make("div", { class: "lp-rating lp-scale", "aria-hidden": "true" }, "",
        make("span", {}, ...SCALE.map((word) => make("span", {}, word)))),
      ...rows.map(({ row }) => row),
      make("div", { class: "lp-row" }, ...(spec.training ? [] :
        [make("button", { class: "lp-finish", onclick: finish }, "finish and show the names")])),
      status);
    order.forEach((label, i) => show(i, label));
    status.textContent = spec.training ?
      "Training: names are shown and nothing is kept. Hear them all, and try keys and scale." :
      `Play every version and rate it. One is the reference itself. ${KEEPING(kept)}`;
    mark(player.state.active);
  }

  function rowOf(name, i) {
    const value = make("span", { class: "lp-score", "aria-hidden": "true" }); // the slider tells it
    const slider = make("input", { type: "range", min: 0, max: 100, step: 1, value: 50,
      "aria-label": `score of ${name}, 0 bad to 100 excellent`,
      onfocus: () => player.select(i + 1), oninput: () => rate(i, +slider.value) });
    const row = make("div", { class: "lp-rating" }, make("button", { class: "lp-choose", tabindex: -1,
      "aria-label": `hear ${i < 9 ? `${i + 1} ` : ""}${name}`, onclick: () => player.select(i + 1) },
      make("kbd", {}, i < 9 ? `${i + 1}` : ""), ` ${name}`), slider, value);
    return { row, slider, value };
  }

  function show(i, label) {
    const { slider, value } = rows[i], score = scores[label];
    slider.value = score ?? 50;
    value.textContent = score === undefined ? "not rated" : `${score}`;
    slider.setAttribute("aria-valuetext", score === undefined ? "not rated" :
      `${score}, ${SCALE[Math.min(4, Math.floor(score / 20))]}`);
  }

  function rate(i, score) {
    scores[order[i]] = Math.max(0, Math.min(100, score));
    show(i, order[i]);
    keep();
  }

  function keep() {
    const active = player.state.active;
    if (player.heard.has(active) && active > 0) heard.add(order[active - 1]);
    const time = clock.touch();
    if (!spec.training) kept.draft = { order, scores, heard: [...heard], time };
  }

  function mark(active) {
    rows.forEach(({ row }, i) => row.classList.toggle("lp-active", i + 1 === active));
  }

  player.onselect = (active) => {
    if (player.root.classList.contains("lp-blind")) mark(active);
  };

  player.onkey = ({ key, shiftKey, target }) => {
    if (!player.root.classList.contains("lp-blind")) return false;
    const { active, position } = player.state, step = shiftKey ? 10 : 1, n = order.length + 1;
    if (key === "ArrowUp" || key === "ArrowDown") {
      if (active === 0 || target.tagName === "INPUT") return false; // sliders have keys of their own
      rate(active - 1, (scores[order[active - 1]] ?? 50) + (key === "ArrowUp" ? step : -step));
    } else if (key.toLowerCase() === "n") player.select((active + 1) % n);
    else if (key.toLowerCase() === "p") player.select((active + n - 1) % n);
    else if (key.toLowerCase() === "i") player.loopFrom(position);
    else if (key.toLowerCase() === "o") player.loopTo(position);
    else return false;
    return true;
  };

  function finish() {
    [...player.heard].filter((i) => i > 0).forEach((i) => heard.add(order[i - 1]));
    const missing = order.map((label, i) => [label, "ABCDEFGHIJKL"[i]])
      .filter(([label]) => !(label in scores) || !heard.has(label)).map(([, letter]) => letter);
    if (missing.length) {
      status.textContent = `Play and rate ${missing.join(", ")} first.`;
      return;
    }
    const time = clock.touch();
    kept.finish(order.map((label) =>
      [spec.test, kept.listener, spec.trial, label, scores[label], time, ""]));
    end();
  }

  function end() {
    report(kept.rows(spec.trial, RATING_COLUMNS.length));
    const own = kept.rows(spec.trial, RATING_COLUMNS.length).filter((row) => row[1] === kept.listener);
    const told = [...own].sort((a, b) => b[4] - a[4]).map((row) => `${openName(row[3])} ${row[4]}`);
    player.root.classList.remove("lp-mushra");
    player.setPart(null);
    finished(player, spec, kept, RATING_COLUMNS, `Your scores: ${told.join(", ")}.`, start);
  }

  const begin = () => (!spec.training && kept.isFinished && !kept.draft ? end() : start());
  begin();
  if (!spec.training) kept.watch(player.root, begin);
}

// Two sliders choose the seconds that the loop goes round.
function loopRow(player) {
  const { duration } = player.transport, seconds = (value) => `${value.toFixed(1)} s`;
  const ends = [0, duration].map((value, k) => {
    const text = make("span", { "aria-hidden": "true" }, seconds(value));
    const slider = make("input", { type: "range", min: 0, max: duration.toFixed(2), step: 0.05, value,
      "aria-label": k ? "loop to, seconds" : "loop from, seconds", oninput: () => set(k, +slider.value) });
    return { slider, text };
  });
  const part = [0, duration];

  function set(k, value) { // at least a fifth of a second
    part[k] = k ? Math.max(value, part[0] + 0.2) : Math.min(value, part[1] - 0.2);
    part[k] = Math.max(0, Math.min(duration, part[k]));
    show();
    player.setPart([...part]);
  }

  function show() {
    ends.forEach(({ slider, text }, k) => {
      slider.value = part[k];
      slider.setAttribute("aria-valuetext", seconds(part[k]));
      text.textContent = seconds(part[k]);
    });
  }

  player.loopFrom = (position) => set(0, position);
  player.loopTo = (position) => set(1, position);
  return make("div", { class: "lp-row lp-loop" },
    ...ends.map(({ slider, text }, k) => make("label", {}, k ? "to" : "loop from", slider, text)),
    make("button", { class: "lp-whole", onclick: () => {
      [part[0], part[1]] = [0, duration];
      show();
      player.setPart(null);
    } }, "whole sound"));
}

// Pairs: one sound of each was written by people. Which?
function pairsTest(player, spec, report) {
  const labels = hiddenLabels(spec), random = randomNumbers(spec.seed);
  const kept = new Kept(spec.test, spec.trial);
  const status = make("p", { class: "lp-status", role: "status" });
  const people = labels.slice(0, spec.people), machines = labels.slice(spec.people);
  let trials, answers, clock, first; // first: is A the one by people?

  function start() {
    const partners = shuffled(people.length, random);
    trials = shuffled(machines.length, random).map((k, i) =>
      [people[partners[i % people.length]], machines[k]]);
    [answers, clock] = [[], new Clock()];
    player.root.classList.add("lp-blind");
    player.panel.replaceChildren(make("div", { class: "lp-row" },
      make("button", { class: "lp-answer", onclick: () => answer(true) }, "A was written by people"),
      make("button", { class: "lp-answer", onclick: () => answer(false) }, "B was written by people")),
      status);
    draw();
    status.textContent = `Pair 1 of ${trials.length}: one was written by people, one by a machine.`;
  }

  function draw() {
    first = random() < 0.5;
    const pair = trials[answers.length];
    player.setVoices((first ? pair : [...pair].reverse())
      .map((label, i) => ({ name: "AB"[i], clip: labels.indexOf(label) })));
    player.seek(0);
  }

  function answer(isFirst) {
    if (player.heard.size < 2) {
      status.textContent = "Play both first (keys 1 and 2), then answer.";
      return;
    }
    const right = isFirst === first, [person, machine] = trials[answers.length];
    answers.push([spec.test, kept.listener, spec.trial, person, machine,
      right ? "correct" : "incorrect", clock.touch(), ""]);
    if (answers.length < trials.length) {
      draw();
      status.textContent = `Pair ${answers.length + 1} of ${trials.length}.`;
      return;
    }
    kept.finish(answers);
    end();
  }

  function end() {
    const rows = kept.rows(spec.trial, PAIR_COLUMNS.length), own = rows.filter((row) => row[1] === kept.listener);
    const right = own.filter((row) => row[5] === "correct").length, p = coinChance(own.length, right);
    report(rows);
    finished(player, spec, kept, PAIR_COLUMNS, `${right} of ${own.length} right; guessing does this ` +
      `well or better with probability p = ${p.toFixed(3)}.`, start);
  }

  if (kept.isFinished) end(); else start();
  kept.watch(player.root, () => kept.isFinished && end());
}

// The page as a widget: what is finished goes to Python.
function renderTest({ model, el }) {
  const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const report = (rows) => {
    model.set("rows", rows);
    model.save_changes();
  };
  const player = mountPlayer(el, model.get("spec"), model.get("clips").map(bytes), report);
  return () => {
    player.transport.stop();
    el.replaceChildren();
  };
}
