// What is heard in a player: all versions of a sound run in step, one is let through, and only one
// player sounds at a time. A part of player.js, which listen.py puts into the page after it.

const LEAD = 0.02; // seconds between asking for sound and its start
const FADE = 0.005; // seconds: a wave that is cut in the middle clicks
const PATIENCE = 2000; // milliseconds to wait for a sound output

const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;

// Samples and rate of a 16-bit mono WAV file with the 44-byte header that Python's wave writes.
function readWav(wav) {
  const rate = new DataView(wav).getUint32(24, true);
  return { rate, samples: Float32Array.from(new Int16Array(wav, 44), (v) => v / 32768) };
}

// Fade a sound in and out, in place: it ends without a click, and goes round without one.
function fade(samples, rate) {
  const n = Math.min(Math.round(FADE * rate), samples.length >> 1);
  for (let i = 0; i < n; i++) {
    samples[i] *= i / n;
    samples[samples.length - 1 - i] *= i / n;
  }
  return samples;
}

// Every window of the page, frames in frames included. This much a frame may see of a stranger's
// window, so that it works between sandboxed frames, which share no storage and no channel.
function eachWindow(visit, from = window.top) {
  visit(from);
  for (let i = 0; i < from.length; i++) eachWindow(visit, from[i]);
}

// One sound at a time: what plays elsewhere stops, in this window, in other frames and other tabs.
function claimSound(transport) {
  if (window.lecturePlayer !== transport) window.lecturePlayer?.stop();
  window.lecturePlayer = transport;
  if (!window.lecturePlayerId) { // the first player of this window listens for all of them
    window.lecturePlayerId = `${Math.random()}`;
    const hear = ({ data }) => {
      if (data?.lecturePlayer && data.lecturePlayer !== window.lecturePlayerId)
        window.lecturePlayer?.stop();
    };
    window.addEventListener("message", hear);
    try {
      window.lecturePlayerChannel = new BroadcastChannel("lecture-player");
      window.lecturePlayerChannel.onmessage = hear;
    } catch { /* a host without channels: its frames are reached all the same */ }
  }
  const claim = { lecturePlayer: window.lecturePlayerId };
  eachWindow((other) => other !== window && other.postMessage(claim, "*"));
  window.lecturePlayerChannel?.postMessage(claim);
}

class Transport {
  constructor() {
    Object.assign(this, { clip: 0, offset: 0, playing: false, loop: false, volume: 0, voices: [],
      part: null }); // part: seconds [from, to] that the loop goes round; null for the whole
    this.onsilence = () => {}; // told true when no output was found, false when one was
  }

  get context() { // one for the page, made at the first key or click: nothing plays by itself
    return (window.lecturePlayerContext ??= new AudioContext());
  }

  get position() {
    if (!this.playing || this.context.currentTime < this.start) return this.offset;
    const seconds = this.offset + this.context.currentTime - this.start;
    if (!this.loop) return Math.min(seconds, this.duration);
    const [from, to] = this.part ?? [0, this.duration];
    return seconds < to ? seconds : from + ((seconds - from) % (to - from));
  }

  // All versions as buffers of one length: shorter ones end in silence.
  async decode() {
    const wavs = this.wavs; // copied, because decoding takes the bytes away
    const all = await Promise.all(wavs.map((wav) => this.context.decodeAudioData(wav.slice(0))));
    const length = Math.max(...all.map((buffer) => buffer.length));
    if (wavs !== this.wavs) return this.decode(); // replaced meanwhile
    this.buffers = all.map((buffer) => {
      const padded = this.context.createBuffer(1, length, buffer.sampleRate);
      padded.copyToChannel(fade(buffer.getChannelData(0), buffer.sampleRate), 0);
      return padded;
    });
    this.edged = null;
  }

  // The versions, faded out and in where the loop goes round.
  withEdges() {
    return (this.edged ??= this.buffers.map((buffer) => {
      const copy = this.context.createBuffer(1, buffer.length, buffer.sampleRate);
      const samples = buffer.getChannelData(0).slice();
      const [from, to] = this.part.map((seconds) => Math.round(seconds * buffer.sampleRate));
      fade(samples.subarray(from, to), buffer.sampleRate);
      copy.copyToChannel(samples, 0);
      return copy;
    }));
  }

  async load(wavs, duration) {
    Object.assign(this, { wavs, buffers: null, part: null });
    if (this.playing) await this.decode();
    if (this.playing) this.begin((this.position + LEAD) % duration, duration);
    else Object.assign(this, { duration, offset: Math.min(this.offset, duration) });
  }

  async play() {
    claimSound(this);
    const turn = (this.turn = {});
    const given = setTimeout(() => { // Firefox without a device waits for ever
      this.turn = null;
      this.onsilence(true);
    }, PATIENCE);
    await this.context.resume();
    clearTimeout(given);
    this.onsilence(false);
    if (!this.buffers) await this.decode();
    if (this.turn === turn && !this.playing && window.lecturePlayer === this)
      this.begin(this.offset > this.duration - 0.02 ? 0 : this.offset, this.duration);
  }

  // Start every version at the same instant; only the chosen one is let through.
  begin(offset, duration) {
    const start = this.context.currentTime + LEAD, part = this.loop && this.part;
    if (part && offset >= part[1]) [offset] = part;
    this.silence(start);
    Object.assign(this, { start, offset, duration, playing: true });
    this.master = this.context.createGain();
    this.master.connect(this.context.destination);
    this.master.gain.setValueAtTime(0, start);
    this.master.gain.linearRampToValueAtTime(10 ** (this.volume / 20), start + 0.005);
    this.voices = (part ? this.withEdges() : this.buffers).map((buffer, i) => {
      const source = this.context.createBufferSource(), gain = this.context.createGain();
      Object.assign(source, { buffer, loop: this.loop });
      if (part) [source.loopStart, source.loopEnd] = part;
      gain.gain.value = i === this.clip ? 1 : 0;
      source.connect(gain).connect(this.master);
      source.start(start, offset);
      return { source, gain };
    });
    const [first] = this.voices;
    first.source.onended = () => {
      if (this.voices[0] === first) Object.assign(this, { playing: false, offset: 0, voices: [] });
    };
  }

  // Fade out within 20 ms, without a click.
  silence(when = this.context.currentTime) {
    this.master?.gain.setTargetAtTime(0, when, 0.004);
    for (const { source } of this.voices) source.stop(when + 0.03);
    this.voices = [];
  }

  stop() {
    this.turn = null; // what still waits for the output shall not begin
    if (!this.playing) return;
    Object.assign(this, { offset: this.position, playing: false });
    this.silence();
  }

  seek(seconds) {
    const offset = Math.min(Math.max(0, seconds), this.duration);
    if (this.playing) this.begin(Math.min(offset, this.duration - 0.01), this.duration);
    else this.offset = offset;
  }

  // Go round in a part of the sound, or in the whole of it (null).
  setPart(part) {
    const offset = this.position;
    Object.assign(this, { part, edged: null });
    if (this.playing && this.loop) this.begin(offset, this.duration);
  }

  setLoop(loop) {
    if (this.playing && this.part) {
      const offset = this.position;
      this.loop = loop;
      this.begin(offset, this.duration);
    } else if (this.playing) {
      const offset = this.position;
      Object.assign(this, { offset, start: this.context.currentTime });
      for (const { source } of this.voices) source.loop = loop;
    }
    this.loop = loop;
  }

  setVolume(db) {
    this.volume = db;
    if (this.playing)
      this.master.gain.setTargetAtTime(10 ** (db / 20), this.context.currentTime, 0.01);
  }

  select(clip) { // gains cross within about 10 ms
    this.clip = clip;
    this.voices.forEach(({ gain }, i) =>
      gain.gain.setTargetAtTime(i === clip ? 1 : 0, this.context.currentTime, 0.003));
  }
}
