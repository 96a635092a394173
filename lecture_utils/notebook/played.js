// A learned instrument that is played: notes, or a voice, become the curves of pitch and loudness that
// the network was trained on. With fft.js, ddsp.js and tracker.js before it this is an AudioWorklet.

const VOICES = 6, DYING = 2; // notes at once, and notes that make room for new ones
const HEADROOM = 0.75, CEILING = 0.95; // two loud notes do not reach the ceiling, six are held below it
// What the instruments of the course do in their training sound: a note of the violin or the flute
// reaches its level in 13 frames (52 ms), one of the cello in 18 (72 ms); in 24 each dies away; 26 dB lie
// between dynamics 0 and 1.
const ATTACK = { cello: 18, other: 13 }, RELEASE = 24, RANGE_DB = 26;
const onGrid = (db) => Math.round(32 * db) / 32; // values that the network looks up fastest

class Instrument {
  constructor(model) {
    this.facts = model.facts;
    this.attack = ATTACK[model.facts.sound] ?? ATTACK.other;
    this.decoder = new Decoder(model);
    this.room = new Room(model.tensors["reverb.response"]);
    this.noise = new Float32Array(HOP);
    Object.assign(this, { notes: [], vibrato: 0, bend: 0, idle: Infinity, singer: null });
    const silence = new Voice(this.decoder); // a note begins after silence, as in training
    for (let i = 0; i < 25; i++)
      this.decoder.step(silence.memory, 0, SILENCE_DB, silence.next);
    this.rested = silence.memory;
    this.warming = this.warm();
  }

  // Fill the network's tables where they will be needed, one row at a time.
  *warm() {
    const semitone = (hz) => Math.round(69 + 12 * Math.log2(hz / 440));
    for (let m = semitone(this.facts.lowest_hz); m <= semitone(this.facts.highest_hz); m++)
      yield this.decoder.gridPoint(0, 16 * m);
    for (let k = 0, top = Math.round(32 * (80 + this.facts.loud_db)); k < top; k++)
      yield this.decoder.gridPoint(1, top - k);
  }

  begin(id, midi, velocity) {
    this.end(id);
    const held = this.notes.filter((note) => note.release === null);
    if (held.length >= VOICES) Object.assign(held[0], { release: RELEASE / 2, id: null });
    if (this.notes.length >= VOICES + DYING) this.notes.shift();
    const voice = new Voice(this.decoder);
    voice.memory.set(this.rested);
    const level = this.facts.loud_db + RANGE_DB * 0.75 * (velocity / 127 - 1);
    const rate = 5 + Math.random(); // of the vibrato, Hz
    this.notes.push({ id, midi, level, voice, rate, age: 0, release: null });
  }

  end(id) {
    for (const note of this.notes) if (note.id === id && note.release === null) note.release = 0;
  }

  silence() {
    for (const note of this.notes) note.release ??= 0;
  }

  // The next frame of a note: its pitch in Hz (0 when it is over) and loudness in dB.
  curve(note) {
    const seconds = (note.age * HOP) / CONTROL_RATE;
    const depth = this.vibrato * Math.min(1, Math.max(0, (seconds - 0.12) / 0.3));
    const beat = depth * Math.sin(2 * Math.PI * note.rate * seconds);
    const hz = 440 * 2 ** ((note.midi - 69 + this.bend + beat / 100) / 12);
    let db = note.level + 0.03 * beat + 30 * Math.log10(Math.min(1, ++note.age / this.attack));
    if (note.release !== null) {
      if (note.release >= RELEASE) return [0, SILENCE_DB];
      db += 60 * Math.log10(Math.cos((Math.PI / 2) * (note.release++ / RELEASE)));
    }
    return [hz, onGrid(Math.max(SILENCE_DB, db))];
  }

  // Add the next 64 samples to `out`.
  hop(out) {
    const draw = () => {
      for (let i = 0; i < HOP; i++) this.noise[i] = 2 * Math.random() - 1;
      return this.noise;
    };
    for (const note of this.notes) {
      const [hz, db] = this.curve(note);
      note.over = !hz;
      note.voice.push(hz, db, draw(), out);
    }
    this.notes = this.notes.filter((note) => !note.over);
    this.idle = this.notes.length || this.singer ? 0 : this.idle + 1;
    if (this.singer) this.singer.voice.push(...this.singer.curve(), draw(), out);
    if (this.idle <= this.room.parts.length + 2) this.room.add(out);
    else this.warming.next();
  }
}

// A voice that plays an instrument: its pitch by whole octaves into the instrument's range, its loudness
// so that its loudest is the instrument's, as fit_controls does.
class Singer {
  constructor(tracker, { decoder, rested, facts }) {
    Object.assign(this, { tracker, facts, octaves: 0, loudest: -40, held: 0, hz: 0, sung: 0 });
    this.voice = new Voice(decoder);
    this.voice.memory.set(rested);
  }

  curve() {
    const { tracker, facts } = this, db = tracker.loudness();
    let { hz, unsure } = tracker.pitch();
    if (unsure < 0.2 && db > this.loudest - 40 && db > -65) {
      this.loudest = Math.max(this.loudest, db);
      this.sung = hz;
      hz *= 2 ** this.octaves;
      while (hz < facts.lowest_hz * 0.97) hz *= 2, this.octaves++;
      while (hz > facts.highest_hz * 1.03) hz /= 2, this.octaves--;
      Object.assign(this, { hz, held: 0 });
    } else if (++this.held > 25) { // a note rings on a little: hold_pitch
      this.hz = this.sung = 0;
      this.loudest = Math.max(-50, this.loudest - 0.002); // 0.5 dB a second
    }
    return [this.hz, Math.max(SILENCE_DB, Math.min(facts.loud_db + 3, db - this.loudest + facts.loud_db))];
  }
}

// Bring samples from one rate to another: a windowed sinc for each place between two samples.
class Resampler {
  constructor(from, to) {
    const divisor = (a, b) => (b ? divisor(b, a % b) : a), common = divisor(from, to);
    const cutoff = 0.92 * Math.min(1, to / from), half = Math.ceil(14 / Math.min(1, to / from));
    Object.assign(this, { phases: to / common, step: from / common, half, place: 0, count: 0 });
    this.table = Array.from({ length: this.phases }, (_, phase) =>
      Float64Array.from({ length: 2 * half }, (_, i) => {
        const x = i - half + 1 - phase / this.phases, angle = Math.PI * cutoff * x;
        return (x ? Math.sin(angle) / (angle / cutoff) : cutoff) * Math.cos((Math.PI * x) / (2 * half)) ** 2;
      }));
    this.past = new Float64Array(2 * half + 4096);
    this.filled = 2 * half - 1; // zeros before the first sample
    this.out = new Float32Array(Math.ceil((4096 * to) / from) + 4);
  }

  // Take samples; afterwards `out` holds `count` new ones. The delay is `half` samples of the input.
  push(samples) {
    const { past, table, phases, step, half } = this;
    past.set(samples, this.filled);
    this.filled += samples.length;
    let at = 0;
    for (this.count = 0; at + 2 * half <= this.filled; this.count++) {
      const kernel = table[this.place];
      let sum = 0;
      for (let i = 0; i < 2 * half; i++) sum += kernel[i] * past[at + i];
      this.out[this.count] = sum;
      this.place += step;
      at += Math.floor(this.place / phases);
      this.place %= phases;
    }
    past.copyWithin(0, at, this.filled);
    this.filled -= at;
  }
}

if (typeof registerProcessor === "function") {
  registerProcessor("learned-instrument", class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.instruments = {};
      this.block = new Float64Array(HOP);
      this.upward = new Resampler(CONTROL_RATE, sampleRate);
      Object.assign(this, { at: 0, gain: 1, begun: [], sounding: [], busy: 0, hops: 0, downward: null });
      this.port.onmessage = ({ data }) => this[data.call](...data.with);
    }

    load(name, model) {
      this.instruments[name] = new Instrument(model);
    }

    choose(name) {
      this.current?.silence();
      this.last = this.current !== this.instruments[name] ? this.current : null; // it may ring on
      this.current = this.instruments[name];
      this.set(this.settings ?? {});
      this.sing(!!this.downward);
    }

    set(settings) {
      this.settings = { ...this.settings, ...settings };
      if (this.current) Object.assign(this.current, this.settings);
    }

    begin(id, midi, velocity) {
      this.current.begin(id, midi, velocity);
      this.begun.push(id);
    }

    end(id) {
      this.current?.end(id);
    }

    silence() {
      this.current?.silence();
    }

    sing(on) {
      if (this.last) this.last.singer = null;
      this.downward = on ? (this.downward ?? new Resampler(sampleRate, CONTROL_RATE)) : null;
      this.current.singer = on ? new Singer(new Tracker(CONTROL_RATE), this.current) : null;
    }

    next() {
      const started = Date.now();
      this.block.fill(0);
      this.current?.hop(this.block);
      if (this.last && this.last.idle < this.last.room.parts.length) this.last.hop(this.block);
      this.upward.push(this.block);
      this.at = 0;
      this.sounding.push(...this.begun.splice(0));
      this.busy += Date.now() - started;
      if (++this.hops % 25) return;
      const singer = this.current?.singer;
      const share = this.busy / ((1000 * this.hops * HOP) / CONTROL_RATE);
      this.port.postMessage({ share, hz: singer?.hz, sung: singer?.sung, notes: this.current?.notes.length });
      if (this.hops >= 500) this.hops = this.busy = 0;
    }

    process([[input]], [[out]]) {
      if (this.downward && input) {
        this.downward.push(input);
        this.current.singer.tracker.write(this.downward.out, this.downward.count);
      }
      for (let i = 0; i < out.length; i++) {
        if (this.at === this.upward.count) this.next();
        this.gain = Math.min(1, this.gain + 3 / sampleRate); // a limiter: down at once, up in a third of a second
        const x = HEADROOM * this.upward.out[this.at++];
        if (Math.abs(x) * this.gain > CEILING) this.gain = CEILING / Math.abs(x);
        out[i] = x * this.gain;
        if (this.sounding.length && Math.abs(x) > 1e-6) { // the first sample that is not silence
          const at = (currentFrame + i) / sampleRate;
          for (const id of this.sounding.splice(0)) this.port.postMessage({ begun: id, at });
        }
      }
      return true;
    }
  });
}
