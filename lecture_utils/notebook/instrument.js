// A learned instrument in a page: sound output, microphone and MIDI keyboards around the AudioWorklet of
// played.js. It knows nothing of notebooks. Needs sound.js.

const TOO_OLD = "This browser is too old for the instrument. Open the notebook in a current Chrome, Edge, " +
  "Firefox or Safari.";
const NO_OUTPUT = "No sound output found, or the browser blocks it. Connect headphones or loudspeakers, " +
  "then press a key again.";

// Numbers as Python packs them: float16, first all low bytes, then all high ones, deflated, in base64.
async function unpackTensors(text, sizes) {
  const packed = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer()), n = bytes.length / 2;
  const tensors = {};
  let at = 0;
  for (const [name, size] of sizes) {
    tensors[name] = Float32Array.from({ length: size }, () => {
      const high = bytes[n + at], fraction = ((high & 3) << 8) | bytes[at++], power = (high >> 2) & 31;
      const value = power ? 2 ** (power - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
      return high & 128 ? -value : value;
    });
  }
  return tensors;
}

// Where a page lets no AudioWorklet in (VS Code's outputs, old browsers), the instrument runs in the page
// itself, as a node that is used like the worklet's.
function nodeInPage(context, engine) {
  const node = context.createScriptProcessor(256, 1, 1);
  let Made;
  Object.assign(window, { sampleRate: context.sampleRate, currentFrame: 0,
    AudioWorkletProcessor: class { port = { postMessage: (data) => node.port.onmessage({ data }) }; },
    registerProcessor: (name, made) => (Made = made) });
  engine();
  const processor = new Made();
  node.port = { postMessage: (data) => processor.port.onmessage({ data }) };
  node.onaudioprocess = ({ inputBuffer, outputBuffer, playbackTime }) => {
    window.currentFrame = Math.round(playbackTime * sampleRate);
    processor.process([[inputBuffer.getChannelData(0)]], [[outputBuffer.getChannelData(0)]]);
  };
  return node;
}

// `spec` is {instruments: {name: {config, facts, sizes, numbers}}}; `engine` a function that holds played.js
// and what it needs; `tell` gets a sentence for people, `hear` what the engine says.
class LearnedInstrument {
  constructor(spec, engine, tell, hear) {
    Object.assign(this, { spec, engine, tell, hear, volume: 0, loaded: {}, settings: {}, held: new Map(),
      since: new Map() }); // since when a key is down, until it is heard
    this.name = Object.keys(spec.instruments)[0];
  }

  get context() { // one for the page
    return (window.lecturePlayerContext ??= new AudioContext({ latencyHint: "interactive" }));
  }

  // Load the worklet and the chosen instrument; nothing sounds yet.
  prepare() {
    return (this.ready ??= this.load().catch((error) => {
      this.ready = null;
      console.warn(error);
      this.tell(TOO_OLD);
      throw error;
    }));
  }

  async load() {
    if (!window.DecompressionStream) throw new Error("no DecompressionStream");
    const { context } = this;
    const hasWorklet = await (context.learnedInstrument ??= this.addWorklet());
    this.node = hasWorklet ? new AudioWorkletNode(context, "learned-instrument", { outputChannelCount: [1] })
      : nodeInPage(context, this.engine);
    this.node.port.onmessage = ({ data }) => this.said(data);
    this.node.onprocessorerror = () => this.tell("The instrument has stopped with an error. Run the cell again.");
    this.gain = new GainNode(context, { gain: 10 ** (this.volume / 20) });
    this.node.connect(this.gain).connect(context.destination);
    this.watching = new AbortController();
    this.watch?.(this.watching.signal);
    await this.choose(this.name);
  }

  async addWorklet() {
    const type = "text/javascript", code = `(${this.engine})()`, { audioWorklet } = this.context;
    const url = URL.createObjectURL(new Blob([code], { type }));
    try {
      await audioWorklet.addModule(url).catch(() => // Chrome, on a page that is a file, takes only this
        audioWorklet.addModule(`data:${type},${encodeURIComponent(code)}`));
      return true;
    } catch {
      return false;
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  call(call, ...values) {
    this.node?.port.postMessage({ call, with: values });
  }

  async choose(name) {
    this.name = name;
    if (!this.node) return;
    const { config, facts, sizes, numbers } = this.spec.instruments[name];
    this.loaded[name] ??= unpackTensors(numbers, sizes).then((tensors) =>
      this.call("load", name, { config, facts, tensors }));
    await this.loaded[name];
    if (this.name === name) {
      this.call("choose", name);
      this.call("set", this.settings);
    }
  }

  set(settings) {
    Object.assign(this.settings, settings);
    this.call("set", settings);
  }

  setVolume(db) {
    this.volume = db;
    this.gain?.gain.setTargetAtTime(10 ** (db / 20), this.context.currentTime, 0.01);
  }

  // Let sound out, after a key or a click; false, and a sentence, where nothing comes out.
  async wake() {
    claimSound(this);
    if (this.context.state === "running" && this.node) return true;
    const late = setTimeout(() => this.tell(NO_OUTPUT), PATIENCE);
    try {
      const loading = this.prepare();
      await this.context.resume();
      await loading;
    } catch {
      return false;
    } finally {
      clearTimeout(late);
    }
    this.tell("");
    return true;
  }

  // `id` is a key's name; `since` is when it went down, on the page's clock.
  async begin(id, midi, velocity = 100, since = performance.now()) {
    const held = {};
    this.held.set(id, held);
    if (this.context.state === "running" && this.node) {
      claimSound(this);
      this.since.set(id, since);
      this.call("begin", id, midi, velocity);
      return;
    }
    const awake = await this.wake();
    const tapped = held.tapped && performance.now() - since < 2000; // let go while the sound woke up
    if (!awake || (this.held.get(id) !== held && !tapped)) return;
    this.call("begin", id, midi, velocity);
    if (tapped) setTimeout(() => this.call("end", id), 200);
  }

  end(id) {
    const held = this.held.get(id);
    if (!held) return;
    held.tapped = true;
    this.held.delete(id);
    this.call("end", id);
  }

  // All notes off.
  silence() {
    this.held.clear();
    this.call("silence");
    this.onsilence?.();
  }

  // Also called when something else in the page or in another tab begins to sound.
  stop() {
    this.silence();
    this.stopSinging();
  }

  said(data) {
    const since = this.since.get(data.begun);
    if (this.since.delete(data.begun)) { // seconds of the sound's clock to milliseconds of the page's
      const { contextTime, performanceTime } = this.context.getOutputTimestamp?.() ?? {};
      const { currentTime, baseLatency = 0, outputLatency = 0 } = this.context;
      data.latency = contextTime ? performanceTime + 1000 * (data.at - contextTime) - since
        : performance.now() - since + 1000 * (data.at - currentTime + baseLatency + outputLatency);
    }
    this.hear(data);
  }

  // ---- the microphone

  async sing() {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.tell("The microphone needs a secure page: https, or localhost.");
      return false;
    }
    if (!(await this.wake())) return false;
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: {
        echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 } });
    } catch (error) {
      this.tell({
        NotAllowedError: "The microphone was refused. Allow it beside the page's address, then try again.",
        NotFoundError: "No microphone found. Connect one, then try again.",
        NotReadableError: "The microphone is in use by another program. Close that, then try again.",
      }[error.name] ?? `The microphone cannot be used: ${error.message}.`);
      return false;
    }
    this.stream.getTracks()[0].onended = () => {
      this.stop();
      this.tell("The microphone was disconnected.");
    };
    this.source = this.context.createMediaStreamSource(this.stream);
    this.source.connect(this.node);
    this.call("sing", true);
    this.onsinging?.(true);
    this.tell("Use headphones: from a loudspeaker the microphone hears the instrument, and it answers itself.");
    return true;
  }

  stopSinging() {
    if (!this.stream) return;
    for (const track of this.stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    this.source?.disconnect();
    this.stream = this.source = null;
    this.call("sing", false);
    this.onsinging?.(false);
  }

  // ---- MIDI keyboards

  async connectMidi() {
    if (!navigator.requestMIDIAccess) {
      this.tell("This browser has no Web MIDI. Use Chrome, Edge or Firefox for a MIDI keyboard.");
      return;
    }
    try {
      this.midi ??= await navigator.requestMIDIAccess();
    } catch {
      this.tell("MIDI keyboards were refused. Allow them beside the page's address, then try again.");
      return;
    }
    const listen = () => this.midi.inputs.forEach((input) => {
      input.onmidimessage = ({ data, timeStamp }) => this.heardMidi(input.id, data, timeStamp);
    });
    this.midi.onstatechange = ({ port }) => {
      if (port.type !== "input") return;
      listen();
      if (port.state === "connected") this.tell(`MIDI keyboard: ${port.name}.`);
      else {
        for (const id of [...this.held.keys()]) if (id.startsWith(`${port.id}:`)) this.end(id);
        this.tell(`${port.name} was pulled out; its notes have stopped.`);
      }
    };
    listen();
    const names = [...this.midi.inputs.values()].map((input) => input.name);
    this.tell(names.length ? `MIDI keyboard: ${names.join(", ")}.` :
      "No MIDI keyboard found. Plug one in; it will be found.");
  }

  heardMidi(port, [status, number, value = 0], since) {
    const id = `${port}:${number}`, kind = status & 0xf0;
    if (kind === 0x90 && value) {
      this.onmidi?.(number, true);
      this.begin(id, number, value, since);
    } else if (kind === 0x80 || kind === 0x90) {
      this.onmidi?.(number, false);
      this.end(id);
    } else if (kind === 0xe0) this.set({ bend: ((value << 7 | number) - 8192) / 4096 }); // 2 semitones
    else if (kind === 0xb0 && number === 1) this.onvibrato?.(Math.round(value / 127 * 50));
    else if (kind === 0xb0 && (number === 120 || number === 123)) this.silence();
  }

  close() {
    this.stop();
    this.midi?.inputs.forEach((input) => (input.onmidimessage = null));
    if (this.midi) this.midi.onstatechange = null;
    this.node?.disconnect();
    this.watching?.abort();
    Object.assign(this, { midi: null, node: null, ready: null, loaded: {} });
  }
}
