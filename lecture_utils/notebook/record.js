// A sound of one's own: recorded here, or a file. The page brings it to one channel at the wanted rate, lets
// the student hear it and choose a part, and sends that part in pieces, each when the one before has
// arrived: a server takes messages of 10 MB at most. A file that the browser can't decode goes to Python,
// which sends its sound back. The page of record.py's widget, after player.js and take.js.

const PIECE = 2 ** 20; // bytes of one message

function renderRecorder({ model, el }) {
  const rate = model.get("rate"), most = model.get("most"), seconds = model.get("seconds");
  const transport = new Transport(); // to hear the take
  let turn = 0; // of whatever was begun last: what comes late from an earlier one is dropped
  let sent = 0; // the turn on which Python works
  let microphone = null, blocks = [], from = 48000, outgoing = null, take = null, timer = 0;

  const record = make("button", { class: "lp-record",
    onclick: () => (microphone ? finish() : begin()) });
  const input = make("input", { type: "file", accept: model.get("accept"),
    onclick: () => { input.value = ""; }, // the same file may be chosen again
    onchange: () => input.files[0] && read(input.files[0]) });
  const level = make("meter", { min: -60, low: -36, high: -1, max: 0, optimum: -12, hidden: "",
    "aria-label": "level of the microphone in decibels" });
  const clock = make("span", { class: "lp-clock" });
  const status = make("p", { role: "status" });
  const wait = make("progress", { hidden: "" }); // moves while nobody knows how long it takes
  const canvas = make("canvas", { width: 900, height: 80 });
  const part = make("div", { class: "lp-part" }), cursor = make("div", { class: "lp-cursor" });
  const area = make("div", { class: "lp-take", onpointerdown: drag, onpointermove: drag },
    canvas, part, cursor);
  const start = make("input", { type: "range", min: 0, step: 0.1, value: 0, oninput: showPart,
    "aria-label": `start of the ${seconds} seconds that are used` });
  const startText = make("output");
  const startLabel = make("label", {}, "start ", start, startText);
  const hear = make("button", { onclick: listen });
  const useIt = make("button", { onclick: use }, "use it");
  const again = make("button", { onclick: begin }, "again");
  const panel = make("div", { hidden: "" }, area,
    make("div", { class: "lp-row" }, hear, useIt, again, startLabel));
  el.append(make("div", { class: "lp-recorder" },
    make("div", { class: "lp-row" }, record, level, clock,
      make("label", { class: "lp-file" }, "or a file: ", input)),
    status, wait, panel));
  showMicrophone();

  const box = () => el.closest(".lp-explore");

  function say(text, isError = false) {
    status.textContent = text;
    status.className = isError ? "lp-error" : "";
  }

  // While a new sound is made or worked on, the old result is out of sight and silent.
  function setWorking(on) {
    box()?.classList.toggle("lp-working", on);
    if (on) box()?.querySelector(".lp")?.player?.transport.stop();
  }

  // Something new begins, whatever was going on.
  function next(text) {
    release();
    transport.stop();
    clearTimeout(timer);
    Object.assign(panel, { hidden: true });
    outgoing = null;
    setWorking(true);
    say(text);
    return ++turn;
  }

  function end(text, isError = false) {
    clearTimeout(timer);
    outgoing = null;
    wait.hidden = true;
    say(text, isError);
    setWorking(false);
  }

  // ------------------------------------------------------------------------ recording

  function showMicrophone(text = "") {
    record.textContent = microphone ? "\u25a0 stop" : "\u25cf record";
    record.setAttribute("aria-pressed", microphone !== null);
    level.hidden = !microphone;
    clock.textContent = text;
  }

  function release() {
    microphone?.close();
    microphone = null;
    showMicrophone();
  }

  async function begin() {
    const mine = next("The browser asks whether this page may use the microphone \u2026");
    if (window.lectureRecorder !== finish) window.lectureRecorder?.("Another recorder began.");
    window.lectureRecorder = finish;
    claimSound(transport); // players are silent now
    blocks = [];
    microphone = new Microphone();
    showMicrophone();
    let heard = 0;
    const onblock = (block, newRate) => {
      from = newRate;
      heard += block.length;
      level.value = Math.max(-60, 20 * Math.log10(highest(block) + 1e-6));
      const recorded = heard / from - COUNT;
      if (recorded < 0) return showMicrophone(`${Math.ceil(-recorded)} \u2026`);
      if (!blocks.length) say("Recording. Press stop when you have finished.");
      blocks.push(block);
      showMicrophone(`${recorded.toFixed(1)} of ${most} s`);
      if (recorded >= most) finish(`Ended after ${most} s: that is the most.`);
    };
    try {
      await microphone.open(onblock, () => finish("The microphone was unplugged or switched off."));
      if (mine === turn && microphone) say("Wait for the count.");
    } catch (error) {
      if (mine !== turn) return;
      release();
      end(REFUSALS[error.name] ?? REFUSALS.NotReadableError, true);
    }
  }

  async function finish(why = "") {
    if (!microphone) return;
    release();
    const mine = ++turn, x = new Float32Array(blocks.reduce((n, block) => n + block.length, 0));
    blocks.reduce((n, block) => (x.set(block, n), n + block.length), 0);
    blocks = [];
    const stops = why ? `${why} ` : "", peak = highest(x);
    if (x.length < 0.3 * from)
      return end(`${stops}Nothing was recorded: press record, wait for the count, then sing.`, true);
    if (peak < SILENT)
      return end(`${stops}The recording is silent: the microphone may be muted, or the browser listens to ` +
        "another one. Choose it at the left end of the address line, then press record again.", true);
    const clipped = x.reduce((n, value) => n + (Math.abs(value) >= FULL), 0) / x.length;
    const notes = clipped > 1e-4 ? ["It is clipped: too loud for the microphone."] : [];
    const y = await resampled(x, from, rate);
    if (mine !== turn) return;
    say(`${stops}${notes.length ? `${notes[0]} Better go further away and record it again.` :
      "Listen to it. Then use it, or record it again."}`, notes.length > 0);
    setTake({ x: y, notes, name: "your recording" }, true);
  }

  // ------------------------------------------------------------------------ files

  async function read(file) {
    const mine = next(`Reading ${file.name} \u2026`), limit = model.get("limit");
    const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
    if (!file.size) return end(`${file.name} is empty; choose another file.`, true);
    if (file.size > limit)
      return end(`${file.name} has ${megabytes(file.size)} MB; at most ${megabytes(limit)} MB can be ` +
        "read here. Cut it to the part that you want, or save it as FLAC or MP3.", true);
    wait.hidden = false;
    const sound = await decoded(file, rate);
    if (mine !== turn) return;
    if (!sound.x) return send("file", file, file.name, { seconds: sound.seconds });
    setTake({ ...sound, name: file.name }, false);
    use();
  }

  // ------------------------------------------------------------------------ the take

  function setTake(newTake, isRecording) {
    take = newTake;
    const more = take.x.length / rate - seconds; // than is used
    start.max = Math.max(0, more).toFixed(1);
    part.hidden = more <= 0;
    start.value = 0;
    startLabel.hidden = more <= 0;
    useIt.hidden = !isRecording && more <= 0; // a short file is used at once, and whole
    again.hidden = !isRecording;
    paintWaveform(canvas, take.x, take.x.length, Math.max(1e-4, highest(take.x)));
    panel.hidden = false;
    showPart();
    tick();
  }

  const chosen = () => {
    const first = Math.round(+start.value * rate);
    return take.x.subarray(first, first + Math.round(seconds * rate));
  };

  function showPart() {
    const percent = (samples) => `${(100 * samples) / take.x.length}%`;
    Object.assign(part.style, { left: percent(start.value * rate), width: percent(chosen().length) });
    startText.textContent = `${(+start.value).toFixed(1)} s`;
    transport.stop();
  }

  function drag(event) {
    if (!(event.buttons & 1) || startLabel.hidden) return;
    if (event.type === "pointerdown") area.setPointerCapture(event.pointerId);
    const { left, width } = area.getBoundingClientRect(), duration = take.x.length / rate;
    start.value = ((event.clientX - left) / width) * duration - seconds / 2;
    showPart();
  }

  function listen() {
    if (transport.playing) return transport.stop();
    const x = chosen(), buffer = transport.context.createBuffer(1, x.length, rate);
    buffer.copyToChannel(fade(x.slice(), rate), 0);
    Object.assign(transport, { buffers: [buffer], duration: x.length / rate, offset: 0 });
    transport.play().then(tick);
  }
  transport.onsilence = (silent) => {
    if (silent) say("No sound output found. Connect headphones or loudspeakers, then listen again.", true);
  };

  function tick() {
    const { playing, position } = transport;
    hear.textContent = playing ? "\u25a0 stop" : "\u25b6 listen";
    cursor.hidden = !playing;
    cursor.style.left = `${(100 * (+start.value + position) * rate) / take.x.length}%`;
    if (playing) requestAnimationFrame(tick);
  }

  // ------------------------------------------------------------------------ to Python and back

  function use() {
    transport.stop();
    const whole = Int16Array.from(chosen(), (v) => Math.max(-32768, Math.min(32767, Math.round(32768 * v))));
    send("sound", new Blob([whole]), take.name, { notes: take.notes, start: +start.value });
  }

  function send(what, blob, name, more = {}) {
    outgoing = { blob, name };
    sent = ++turn;
    wait.hidden = false;
    setWorking(true);
    say(`Sending ${name} \u2026`);
    clearTimeout(timer);
    timer = setTimeout(() => say(`${name} waits until the notebook has finished the cells that it is ` +
      "running \u2026"), 3000);
    model.send({ kind: "begin", what, turn, name, size: blob.size, ...more });
  }

  const onMessage = async (message, buffers) => {
    if (message.turn !== turn) return;
    clearTimeout(timer);
    if (message.notes) { // Python has decoded the file
      const { buffer, byteOffset, byteLength } = buffers[0];
      const x = Float32Array.from(new Int16Array(buffer.slice(byteOffset, byteOffset + byteLength)),
        (v) => v / 32768);
      setTake({ x, notes: message.notes, name: message.name }, false);
      return use();
    }
    if (!outgoing) return;
    const { blob, name } = outgoing; // the kernel asks for the next piece
    try {
      const piece = await blob.slice(message.from, message.from + PIECE).arrayBuffer();
      if (message.turn !== turn) return;
      if (blob.size > PIECE) say(`Sending ${name}: ${Math.round((100 * message.from) / blob.size)} % \u2026`);
      if (message.from + PIECE >= blob.size) outgoing = null; // the last one
      model.send({ kind: "piece", turn, from: message.from }, undefined, [piece]);
    } catch {
      end(`The browser could not read ${name}; choose it again.`, true);
    }
  };
  const onWork = () => {
    const name = model.get("working");
    if (outgoing || sent !== turn) return; // the next one is already on its way
    if (!name) return end("");
    clearTimeout(timer);
    wait.hidden = false;
    setWorking(true);
    say(`Working on ${name} \u2026`);
  };
  const onHide = () => document.hidden &&
    finish("The recording ended because this page went out of sight.");
  model.on("msg:custom", onMessage);
  model.on("change:working", onWork);
  document.addEventListener("visibilitychange", onHide);
  return () => {
    turn += 1;
    clearTimeout(timer);
    release();
    transport.stop();
    if (window.lectureRecorder === finish) window.lectureRecorder = null;
    model.off("msg:custom", onMessage);
    model.off("change:working", onWork);
    document.removeEventListener("visibilitychange", onHide);
  };
}
