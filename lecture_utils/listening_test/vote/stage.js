// The projector's page: how many have voted, the sounds for the room, and the names at the end.

const $ = (id) => document.getElementById(id);
let drawn = "";

function say(sentence) {
  $("trouble").hidden = !sentence;
  $("trouble").textContent = sentence;
}

function count(state) {
  const { listeners, finished, votes, trials } = state.counts;
  const each = Object.entries(trials).map(([trial, n]) => `${trial} ${n}`).join(", ");
  const sentence = `Phones: ${listeners}; of these, with everything rated: ${finished}. ` +
    `Ratings: ${votes} (${each}).`;
  if ($("status").textContent !== sentence) $("status").textContent = sentence;
}

// Buttons that play a trial's sounds in the room, by number.
function roomPlayer(state, trial, index) {
  const buttons = make("div", { class: "numbers" });
  const labels = [...(state.reference.includes(trial) ? ["reference"] : []), ...state.numbers[trial]];
  const sounds = new Sounds("/stage/sound", { "X-Vote": "1" }, (label) => {
    for (const button of buttons.children) {
      button.setAttribute("aria-pressed", button.dataset.label === label);
    }
  });
  for (const label of labels) {
    const name = label === "reference" ? "Reference" : label;
    buttons.append(make("button", { type: "button", "aria-pressed": "false", "data-label": label,
      "aria-label": label === "reference" ? "Play the reference" : `Play sound ${label}`,
      onclick: async () => {
        try {
          if (!sounds.players.has(label)) await sounds.load(index, label);
          await sounds.toggle(label);
          say("");
        } catch (error) {
          say(`The sound can't be played: ${error.message}`);
        }
      } }, name));
  }
  return buttons;
}

// The class's mean of each stimulus, best first, with its number in the room.
function results(state, trial) {
  const numbers = Object.fromEntries(Object.entries(state.names[trial]).map(([n, name]) => [name, n]));
  const found = Object.entries(state.means[trial]).sort((a, b) => b[1] - a[1]);
  return make("ul", { class: "results" }, ...found.map(([name, mean]) => {
    const bar = make("div", { class: "bar" });
    bar.style.width = `${mean}%`;
    return make("li", {}, `${numbers[name]}: ${name}`, bar, mean.toFixed(0));
  }));
}

function draw(state) {
  const now = JSON.stringify([state.title, state.numbers, state.means, state.url]);
  if (now === drawn) return;
  drawn = now;
  $("title").textContent = document.title = state.title;
  $("address").textContent = state.url;
  $("closed").hidden = state.open;
  $("reveal").hidden = !state.may_reveal || state.means !== null;
  $("keyless").hidden = state.may_reveal || state.means !== null;
  const trials = Object.keys(state.numbers);
  $("trials").replaceChildren(...trials.flatMap((trial, index) => [
    make("h2", {}, trial), roomPlayer(state, trial, index),
    ...(state.means ? [results(state, trial)] : []),
  ]));
}

async function ask(path, method = "GET") {
  const answer = await fetch(path, { method, headers: { "X-Vote": "1" } });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.sentence);
  return found;
}

async function look() {
  try {
    const state = await ask("/stage/progress");
    draw(state);
    count(state);
    if ($("trouble").textContent.startsWith("The server")) say("");
  } catch (error) {
    say(error instanceof TypeError ? "The server does not answer; is make vote still running?" : error.message);
  }
}

$("reveal").onclick = async () => {
  if (!confirm("End the vote? After that, nobody can change a rating.")) return;
  try {
    await ask("/stage/reveal", "POST");
    await look();
  } catch (error) {
    say(error.message);
  }
};
look();
setInterval(look, 1000);
