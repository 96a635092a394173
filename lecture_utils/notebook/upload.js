// The button for a file of one's own. The file travels in pieces, each sent when the one before has
// arrived: a server takes messages of 10 MB at most, and drops the connection at a larger one.

const PIECE = 2 ** 20; // bytes

function render({ model, el }) {
  const input = document.createElement("input"), label = document.createElement("label");
  const status = document.createElement("p");
  Object.assign(input, { type: "file", accept: model.get("accept") });
  const wait = document.createElement("progress"); // moves while nobody knows how long it takes
  label.className = "lp-file";
  label.append("your file: ", input);
  status.setAttribute("role", "status");
  wait.hidden = true;
  el.append(label, status, wait);
  let file = null, turn = 0, timer = 0;

  const say = (text) => { status.textContent = text; };
  const box = () => el.closest(".lp-explore");

  // While a new file is worked on, the old result is out of sight and silent.
  function setWorking(on) {
    box()?.classList.toggle("lp-working", on);
    wait.hidden = !on;
    if (on) box()?.querySelector(".lp")?.player?.transport.stop();
  }

  function end(text) {
    clearTimeout(timer);
    file = null;
    say(text);
    setWorking(false);
  }

  input.onchange = () => {
    file = input.files[0];
    if (!file) return;
    const megabytes = (bytes) => (bytes / 1e6).toFixed(0), limit = model.get("limit");
    if (file.size > limit) {
      end(`${file.name} has ${megabytes(file.size)} MB; at most ${megabytes(limit)} MB can be ` +
        "read here. Cut it to the part that you want, or save it as FLAC or MP3.");
      return;
    }
    turn += 1;
    setWorking(true);
    say(`Reading ${file.name} \u2026`);
    timer = setTimeout(() => say(`Reading ${file.name} as soon as the notebook has finished ` +
      "the cells that it is running \u2026"), 3000);
    model.send({ kind: "begin", turn, name: file.name, size: file.size });
    if (!file.size) file = null; // the kernel says so
  };
  input.onclick = () => { input.value = ""; }; // the same file may be chosen again

  const onMessage = async (message) => { // the kernel asks for the next piece
    if (message.turn !== turn || !file) return;
    clearTimeout(timer);
    const { name, size } = file;
    try {
      const piece = await file.slice(message.from, message.from + PIECE).arrayBuffer();
      if (message.turn !== turn) return;
      if (size > PIECE) say(`Reading ${name}: ${Math.round((100 * message.from) / size)} % \u2026`);
      if (message.from + PIECE >= size) file = null; // the last one
      model.send({ kind: "piece", turn, from: message.from }, undefined, [piece]);
    } catch {
      end(`The browser could not read ${name}; choose it again.`);
    }
  };
  const onWork = () => {
    const name = model.get("working");
    if (file) return; // the next one is already on its way
    if (!name) return end("");
    clearTimeout(timer);
    setWorking(true);
    say(`Working on ${name} \u2026`);
  };
  model.on("msg:custom", onMessage);
  model.on("change:working", onWork);
  return () => {
    clearTimeout(timer);
    model.off("msg:custom", onMessage);
    model.off("change:working", onWork);
  };
}

export default { render };
