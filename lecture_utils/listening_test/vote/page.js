// The page of a phone: shows the test, keeps each rating on the phone until the server has it.

const $ = (id) => document.getElementById(id);
const EVERY_MS = 4000, LONGEST_WAIT_MS = 15000, DAY_MS = 86400000;
const GONE = "The server does not answer. Your ratings are kept on this phone and sent when it does. " +
  "If the class is over, you can close this page.";

// What stays on the phone; a browser that stores nothing keeps it as long as the page is open.
const kept = (() => {
  const own = new Map();
  try {
    localStorage.setItem("vote.works", "1");
    return localStorage;
  } catch {
    return {
      getItem: (key) => own.get(key) ?? null, setItem: (key, value) => own.set(key, value),
      removeItem: (key) => own.delete(key), get length() { return own.size; },
      key: (index) => [...own.keys()][index],
    };
  }
})();

// The phone's random code: the same in all tabs, and after the page is loaded again.
function listener() {
  let code = kept.getItem("vote.listener");
  if (!/^[0-9a-f]{16}$/.test(code ?? "")) {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    code = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    kept.setItem("vote.listener", code);
  }
  return code;
}

let test = null, place = kept.getItem("vote.place"), page = 0, since = Date.now();
let sounds = null, over = false, stale = false, sending = false, wait = 0, heard = new Set();

const headers = () => ({ "X-Vote": "1", "X-Listener": listener(), "X-Place": place ?? "own" });

// ------------------------------------------------------------- ratings that wait for the server

const keyOf = (trial, label) => JSON.stringify(["vote", test.round, place, trial, label]);

function waiting() {
  const keys = Array.from({ length: kept.length }, (_, i) => kept.key(i));
  return keys.filter((key) => key.startsWith(`["vote","${test.round}"`))
    .map((key) => [key, kept.getItem(key)]);
}

// Forget what waited for a vote that is over.
function forgetOthers() {
  const keys = Array.from({ length: kept.length }, (_, i) => kept.key(i));
  for (const key of keys) {
    if (key.startsWith('["vote",') && !key.startsWith(`["vote","${test.round}"`)) kept.removeItem(key);
  }
}

// Keep a rating, with a number that grows in all tabs of this phone: the newest one counts.
function rate(trial, label, score) {
  const stamp = Math.max(Date.now(), 1 + Number(kept.getItem("vote.stamp") ?? 0));
  kept.setItem("vote.stamp", stamp);
  const time = Math.min(Math.max(0, Date.now() - since), DAY_MS);
  kept.setItem(keyOf(trial, label), JSON.stringify({ score, stamp, time_ms: time }));
  test.trials[page].scores[label] = score;
  send();
}

// Send what waits, one after another; what fails is tried again, after longer and longer pauses.
async function send() {
  if (sending || over) return;
  sending = true;
  let failed = false;
  for (let found; !failed && !over && (found = waiting()).length;) {
    for (const [key, text] of found) {
      failed = !(await sendOne(key, text));
      if (failed || over) break;
    }
  }
  sending = false;
  wait = failed ? Math.min(LONGEST_WAIT_MS, 2 * wait || 1000) : 0;
  if (failed && !over) setTimeout(send, wait * (0.5 + Math.random()));
  report();
}

// Tell whether the server has answered for good.
async function sendOne(key, text) {
  const [, round, where, trial, label] = JSON.parse(key);
  const stopped = new AbortController(), timer = setTimeout(() => stopped.abort(), 10000);
  report();
  try {
    const answer = await fetch("/api/vote", {
      method: "POST", signal: stopped.signal,
      headers: { ...headers(), "X-Place": where, "Content-Type": "application/json" },
      body: JSON.stringify({ round, trial, label, ...JSON.parse(text) }),
    });
    const { sentence } = await answer.json();
    if (answer.status === 429 || answer.status >= 500) {
      say(sentence);
      return false;
    }
    if (kept.getItem(key) === text) kept.removeItem(key);
    if (!answer.ok) {
      stale = true; // show what the server has
      await look();
    }
    say(answer.ok ? "" : sentence);
    return true;
  } catch {
    say(GONE);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

// ------------------------------------------------------------------------------ what is shown

function say(sentence) {
  $("trouble").hidden = !sentence;
  if ($("trouble").textContent !== sentence) $("trouble").textContent = sentence;
}

function report() {
  if (!test || over) return;
  const scores = test.trials.flatMap((trial) => Object.values(trial.scores));
  const rated = scores.filter((score) => score !== null).length, n = waiting().length;
  const sentence = n ? `${n} of your ratings ${n > 1 ? "wait" : "waits"} to be stored.` :
    !rated ? "Nothing rated yet." : rated < scores.length ?
      `${rated} of ${scores.length} rated and stored.` : "All rated and stored. Thank you!";
  if ($("status").textContent !== sentence) $("status").textContent = sentence;
}

function end(sentence) {
  over = true;
  $("status").textContent = sentence;
  for (const slider of document.querySelectorAll("#rows input")) slider.disabled = true;
}

// One stimulus: a button to play it, a slider, and what was given.
function row(trial, label) {
  const name = place === "room" ? `Sound ${label}` : label, score = trial.scores[label];
  const value = make("output", { id: `value-${label}` });
  const slider = make("input", { type: "range", min: 0, max: 100, step: 1, id: `slider-${label}`,
    "aria-label": `Rating of ${name}, 0 to 100`, "aria-describedby": value.id });
  slider.disabled = over || (place === "own" && score === null && !heard.has(`${page} ${label}`));
  const show = (score) => { value.textContent = score === null ? "not rated" : score; };
  slider.value = score ?? 50;
  show(score);
  slider.oninput = () => show(+slider.value);
  slider.onchange = () => rate(trial.trial, label, +slider.value);
  slider.onclick = () => { // fifty is a rating, too: the slider stands there already
    if (trial.scores[label] !== +slider.value) { show(+slider.value); slider.onchange(); }
  };
  const play = place === "own" ? playButton(label, `Play ${label}`, slider) : make("b", {}, name);
  const item = make("li", {}, play, slider, value);
  if (trial.names) {
    const mean = trial.means[trial.names[label]];
    const told = mean === undefined ? "" : `, the class's mean is ${mean.toFixed(0)}`;
    item.append(make("p", { class: "name" }, `${name} is ${trial.names[label]}${told}.`));
  }
  return item;
}

function playButton(label, name, slider) {
  const button = make("button", { type: "button", class: "play", "aria-label": name,
    "aria-pressed": sounds.current === label, "data-label": label },
    label === "reference" ? "Reference" : label);
  button.disabled = !sounds.players.has(label);
  button.onclick = async () => {
    heard.add(`${page} ${label}`);
    if (slider && !over) slider.disabled = false;
    try {
      await sounds.toggle(label);
    } catch (error) {
      say(`This phone can't play the sound (${error.message}); listen to the room's loudspeakers.`);
    }
  };
  return button;
}

// Load the sounds of this page of the test, unless they are there.
async function loadSounds(trial) {
  const key = JSON.stringify([test.round, place, page]);
  if (sounds?.key === key) return;
  sounds?.close();
  const mine = sounds = new Sounds("/api/sound", headers(), (label) => {
    for (const button of document.querySelectorAll(".play")) {
      button.setAttribute("aria-pressed", button.dataset.label === label);
    }
  });
  sounds.key = key;
  const number = page;
  const labels = [...(trial.reference ? ["reference"] : []), ...Object.keys(trial.scores)];
  for (const label of labels) {
    for (let pause = 1000; mine === sounds; pause = Math.min(2 * pause, LONGEST_WAIT_MS)) {
      try {
        await mine.load(number, label);
        break;
      } catch {
        if (mine === sounds) say(GONE);
        await new Promise((done) => setTimeout(done, pause));
      }
    }
    if (mine !== sounds) return;
    document.querySelector(`.play[data-label="${label}"]`).disabled = false;
  }
}

function draw() {
  $("title").textContent = document.title = test.title;
  $("test").hidden = false;
  for (const choice of document.querySelectorAll("[name=place]")) {
    choice.checked = choice.value === place;
  }
  $("trial").hidden = !place;
  if (!place) return;
  const trial = test.trials[page], many = test.trials.length, own = place === "own";
  $("heading").textContent = `${page + 1} of ${many}: ${trial.trial}`;
  $("task").textContent = own ? "Play every sound, then rate it from 0 (bad) to 100 (excellent)." :
    "Rate each sound from 0 (bad) to 100 (excellent). The number stands on the screen.";
  if (trial.reference) {
    $("task").textContent += " The reference is the original; one of the sounds is the same as it.";
  }
  if (own) loadSounds(trial);
  else { sounds?.close(); sounds = null; }
  const open = own && trial.reference ? [playButton("reference", "Play the reference")] : [];
  $("open").replaceChildren(...open);
  $("rows").replaceChildren(...Object.keys(trial.scores).map((label) => row(trial, label)));
  $("back").disabled = page === 0;
  $("next").disabled = page === many - 1;
  report();
}

function turn(step) {
  page += step;
  since = Date.now();
  draw();
  $("heading").focus();
}

// ------------------------------------------------------------------------- the server's answers

async function ask(path) {
  const answer = await fetch(path, { headers: headers(), cache: "no-store" });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.sentence);
  return found;
}

// Get the test with this phone's ratings; those that still wait are newer than the server's.
async function load() {
  const found = await ask("/api/test");
  test = found;
  stale = false;
  forgetOthers();
  page = Math.min(page, test.trials.length - 1);
  for (const [key, text] of waiting()) {
    const [, , where, trial, label] = JSON.parse(key);
    const scores = test.trials.find((one) => one.trial === trial)?.scores;
    if (where === place && scores) scores[label] = JSON.parse(text).score;
  }
  if (test.revealed) end("The names are revealed, so votes are no longer taken. Thank you!");
  draw();
  send();
}

// Is it still the same vote? Asked every few seconds, and at once when the page is seen again.
async function look() {
  if (document.hidden) return;
  try {
    const state = await ask("/api/state");
    if (!test) await load();
    else if (state.round !== test.round) {
      end("This page belongs to a vote that is over. Load it again to take part in the present one.");
      $("reload").hidden = false;
    } else if (stale || state.revealed && !test.revealed) await load();
    if ($("trouble").textContent === GONE) say("");
  } catch (error) {
    say(error instanceof TypeError ? GONE : error.message);
  }
}

for (const choice of document.querySelectorAll("[name=place]")) {
  choice.onchange = async () => {
    place = choice.value;
    kept.setItem("vote.place", place);
    try {
      await load();
    } catch {
      say(GONE);
    }
  };
}
$("back").onclick = () => turn(-1);
$("next").onclick = () => turn(1);
$("reload").onclick = () => location.reload();
document.addEventListener("visibilitychange", look);
// Another tab of this phone has rated: show it when this one is looked at.
window.addEventListener("storage", (event) => {
  stale ||= Boolean(event.key?.startsWith('["vote"'));
});
look();
setInterval(look, EVERY_MS);
