// An instrument that DDSP has learned, in plain JavaScript: pitch and loudness in, sound out, as in
// Python (lecture_utils/ddsp). It knows nothing of notebooks and needs makeFft of fft.js: a page loads both,
// one after the other, into an AudioWorklet, and talks to it as instrument.js does. A library for
// networks (onnxruntime-web) would weigh 10 MB; the network has a third of a million numbers.

const CONTROL_RATE = 16000, HOP = 64; // Hz, and samples a control frame: all instruments of the course
const SILENCE_DB = -80;
// Steps of the grids in which a network looks up what its two inputs do: 1/16 semitone and 1/32 dB, in
// the units of the inputs. Straight lines between are exact to 0.0002 of full scale in the sound.
const GRID = [1 / 16 / 127, 1 / 32 / -SILENCE_DB];

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const expSigmoid = (x) => 2 * sigmoid(x) ** Math.LN10 + 1e-7;

// out = matrix (rows after each other, `width` wide) times x: columns from `first` on.
function multiply(out, matrix, width, x, first = 0) {
  const n = x.length;
  for (let row = 0, at = first; row < out.length; row++, at += width) {
    let a = 0, b = 0, c = 0, d = 0, i = 0;
    for (; i + 3 < n; i += 4) {
      a += matrix[at + i] * x[i];
      b += matrix[at + i + 1] * x[i + 1];
      c += matrix[at + i + 2] * x[i + 2];
      d += matrix[at + i + 3] * x[i + 3];
    }
    for (; i < n; i++) a += matrix[at + i] * x[i];
    out[row] = a + b + c + d;
  }
}

// Layer normalisation and leaky ReLU, in place.
function normalise(x, weight, bias) {
  let mean = 0, power = 0;
  for (let i = 0; i < x.length; i++) mean += x[i] / x.length;
  for (let i = 0; i < x.length; i++) power += (x[i] - mean) ** 2 / x.length;
  const scale = 1 / Math.sqrt(power + 1e-5);
  for (let i = 0; i < x.length; i++) {
    const y = (x[i] - mean) * scale * weight[i] + bias[i];
    x[i] = y < 0 ? 0.01 * y : y;
  }
}

// The network. `model` is {config, facts, tensors: {name: Float32Array}}.
class Decoder {
  constructor({ config, tensors }) {
    if (config.n_z || config.sample_rate !== CONTROL_RATE || config.hop_length !== HOP)
      throw new Error("this instrument needs z, or has another sample rate or hop");
    this.get = (name) => tensors[`decoder.${name}`];
    this.hidden = config.hidden;
    this.sizes = [1, config.n_harmonics, config.n_bands];
    this.known = [new Map(), new Map()]; // what each input does, where it was computed
    this.part = [new Float32Array(4 * this.hidden), new Float32Array(4 * this.hidden)];
    this.gates = new Float32Array(3 * this.hidden);
    this.layer = new Float32Array(this.hidden);
    this.next = new Float32Array(this.hidden);
    this.raw = new Float32Array(1 + config.n_harmonics + config.n_bands);
  }

  // What the memory and the output layers get from one input: 4 numbers for each hidden one. It depends
  // on one number only, so it is computed on a grid, when it is first needed, and then looked up:
  // less than half of the work remains.
  gridPoint(input, index) {
    const known = this.known[input];
    let row = known.get(index);
    if (row) return row;
    if (known.size > 5000) known.clear();
    const { hidden, layer } = this, value = index * GRID[input];
    const weight = this.get(`inputs.${input}.0.weight`), bias = this.get(`inputs.${input}.0.bias`);
    for (let i = 0; i < hidden; i++) layer[i] = weight[i] * value + bias[i];
    this.mlpFrom(`inputs.${input}`);
    row = new Float32Array(4 * hidden);
    multiply(row.subarray(0, 3 * hidden), this.get("gru.weight_ih_l0"), 2 * hidden, layer, input * hidden);
    multiply(row.subarray(3 * hidden), this.get("output.0.0.weight"), 3 * hidden, layer, input * hidden);
    known.set(index, row);
    return row;
  }

  // The rest of an MLP after its first linear layer.
  mlpFrom(name) {
    const { layer, next } = this;
    normalise(layer, this.get(`${name}.1.weight`), this.get(`${name}.1.bias`));
    for (const place of [3, 6]) {
      multiply(next, this.get(`${name}.${place}.weight`), this.hidden, layer);
      const bias = this.get(`${name}.${place}.bias`);
      for (let i = 0; i < this.hidden; i++) layer[i] = next[i] + bias[i];
      normalise(layer, this.get(`${name}.${place + 1}.weight`), this.get(`${name}.${place + 1}.bias`));
    }
  }

  lookUp(input, value) {
    const place = value / GRID[input], index = Math.floor(place + 1e-6), share = place - index;
    const part = this.part[input], low = this.gridPoint(input, index);
    if (share < 1e-6) return low;
    const high = this.gridPoint(input, index + 1);
    for (let i = 0; i < part.length; i++) part[i] = low[i] + share * (high[i] - low[i]);
    return part;
  }

  // One frame: `memory` (hidden numbers) goes on, `controls` gets amplitude times distribution, and noise.
  step(memory, hz, loudness, controls) {
    const { hidden, gates, layer, raw } = this, [, nHarmonics, nBands] = this.sizes;
    const pitch = this.lookUp(0, hz > 0 ? (69 + 12 * Math.log2(Math.max(hz, 1) / 440)) / 127 : 0);
    const level = this.lookUp(1, 1 - loudness / SILENCE_DB);
    const bi = this.get("gru.bias_ih_l0"), bh = this.get("gru.bias_hh_l0");
    multiply(gates, this.get("gru.weight_hh_l0"), hidden, memory);
    for (let i = 0; i < hidden; i++) {
      const [r, z, n] = [i, hidden + i, 2 * hidden + i];
      const reset = sigmoid(pitch[r] + level[r] + bi[r] + gates[r] + bh[r]);
      const keep = sigmoid(pitch[z] + level[z] + bi[z] + gates[z] + bh[z]);
      const fresh = Math.tanh(pitch[n] + level[n] + bi[n] + reset * (gates[n] + bh[n]));
      memory[i] = fresh + keep * (memory[i] - fresh);
    }
    multiply(layer, this.get("output.0.0.weight"), 3 * hidden, memory, 2 * hidden);
    const bias = this.get("output.0.0.bias"), o = 3 * hidden;
    for (let i = 0; i < hidden; i++) layer[i] += pitch[o + i] + level[o + i] + bias[i];
    this.mlpFrom("output.0");
    multiply(raw, this.get("output.1.weight"), hidden, layer);
    const last = this.get("output.1.bias"), { harmonics, noise } = controls;
    let sum = 0;
    for (let k = 1; k <= nHarmonics; k++) {
      harmonics[k - 1] = k * hz < CONTROL_RATE / 2 ? expSigmoid(raw[k] + last[k]) : 0;
      sum += harmonics[k - 1];
    }
    const amplitude = hz > 0 ? expSigmoid(raw[0] + last[0]) / Math.max(sum, 1e-7) : 0;
    for (let k = 0; k < nHarmonics; k++) harmonics[k] *= amplitude;
    for (let b = 0, at = 1 + nHarmonics; b < nBands; b++, at++)
      noise[b] = hz > 0 ? expSigmoid(raw[at] + last[at] - 5) : 0;
    controls.hz = hz;
  }
}

// One note: the network's memory, an oscillator and filtered noise. `push` takes the controls of the
// next frame and adds the hop that leads to it: frames are the ends of hops.
class Voice {
  constructor(decoder) {
    const [, nHarmonics, nBands] = decoder.sizes, half = nBands - 1;
    const frame = () => ({ hz: 0, harmonics: new Float64Array(nHarmonics), noise: new Float64Array(nBands) });
    Object.assign(this, { decoder, phase: 0, half, now: frame(), next: frame() });
    this.memory = new Float32Array(decoder.hidden);
    this.response = new Float64Array(2 * half);
    this.ringing = new Float64Array(HOP + 2 * half); // noise that begins in this hop and the next ones
    this.cosine = Float64Array.from({ length: 2 * half }, (_, i) => Math.cos((Math.PI * i) / half));
  }

  push(hz, loudness, noise, out) {
    [this.now, this.next] = [this.next, this.now];
    this.decoder.step(this.memory, hz, loudness, this.next);
    this.advance(noise, out);
  }

  advance(noise, out) {
    this.addHarmonics(out);
    if (this.next.hz > 0) this.addNoise(noise);
    for (let i = 0; i < HOP; i++) out[i] += this.ringing[i];
    this.ringing.copyWithin(0, HOP);
    this.ringing.fill(0, 2 * this.half);
  }

  addHarmonics(out) {
    const { now, next } = this;
    const start = now.hz || next.hz, stop = next.hz || now.hz; // notes do not begin with a glide
    if (!start) return;
    for (let i = 0; i < HOP; i++) {
      const along = i / HOP, hz = start + (stop - start) * along;
      const angle = 2 * Math.PI * this.phase, twice = 2 * Math.cos(angle);
      const n = Math.min(now.harmonics.length, Math.ceil(CONTROL_RATE / 2 / hz) - 1);
      let sine = Math.sin(angle), before = 0, begin = 0, end = 0;
      for (let k = 0; k < n; k++) { // sin((k + 1) a) = 2 cos(a) sin(k a) - sin((k - 1) a)
        begin += now.harmonics[k] * sine;
        end += next.harmonics[k] * sine;
        [before, sine] = [sine, twice * sine - before];
      }
      out[i] += begin + (end - begin) * along;
      this.phase = (this.phase + hz / CONTROL_RATE) % 1;
    }
  }

  addNoise(noise) {
    const { half, response, ringing, cosine, next } = this, size = 2 * half;
    for (let n = 0; n < half; n++) { // the middle of the response is its time 0, under a Hann window
      let sum = next.noise[0] + (n % 2 ? -1 : 1) * next.noise[half];
      for (let k = 1; k < half; k++) sum += 2 * next.noise[k] * cosine[(k * n) % size];
      sum *= (0.5 + 0.5 * cosine[n]) / size;
      response[half + n] = response[half - n] = sum;
    }
    for (let i = 0; i < HOP; i++)
      for (let m = 1, x = noise[i]; m < size; m++) ringing[i + m] += x * response[m];
  }
}

// The learned room: the sound plus its convolution with a response, in blocks of one hop.
class Room {
  constructor(response = new Float32Array(0)) {
    const size = 2 * HOP, count = Math.ceil((response.length + 1) / HOP);
    this.fft = makeFft(size, Float64Array);
    const spectrum = () => [new Float64Array(size), new Float64Array(size)];
    this.parts = Array.from({ length: count }, (_, part) => {
      const [re, im] = spectrum();
      for (let i = 0; i < HOP; i++) re[i] = response[part * HOP + i - 1] ?? 0; // a sample after the direct
      this.fft(re, im);
      return [re, im];
    });
    this.past = Array.from({ length: count }, spectrum); // spectra of what was heard, newest at `at`
    Object.assign(this, { at: 0, before: new Float64Array(HOP), sum: spectrum() });
  }

  add(block) {
    const { fft, parts, past, before, sum: [re, im] } = this, count = parts.length;
    const [newRe, newIm] = past[(this.at = (this.at + count - 1) % count)];
    newRe.set(before);
    newRe.set(block, HOP);
    newIm.fill(0);
    before.set(block);
    fft(newRe, newIm);
    re.fill(0);
    im.fill(0);
    for (let part = 0; part < count; part++) {
      const [a, b] = parts[part], [x, y] = past[(this.at + part) % count];
      for (let i = 0; i <= HOP; i++) {
        re[i] += a[i] * x[i] - b[i] * y[i];
        im[i] += a[i] * y[i] + b[i] * x[i];
      }
    }
    // Back: the transform of the conjugate; the sound is real.
    for (let i = 1; i < HOP; i++) [re[2 * HOP - i], im[2 * HOP - i]] = [re[i], im[i]];
    for (let i = 0; i <= HOP; i++) im[i] = -im[i];
    fft(re, im);
    for (let i = 0; i < HOP; i++) block[i] += re[HOP + i] / (2 * HOP);
  }
}

// Play whole curves, as Autoencoder.forward does: `noise` has a hop for each frame.
function renderCurves(model, f0, loudness, noise) {
  const voice = new Voice(new Decoder(model)), room = new Room(model.tensors["reverb.response"]);
  const sound = new Float64Array(f0.length * HOP), controls = [], silence = new Float64Array(HOP);
  for (let t = 0; t <= f0.length; t++) {
    const block = new Float64Array(HOP);
    if (t < f0.length) {
      voice.push(f0[t], loudness[t], noise.subarray(t * HOP, (t + 1) * HOP), block);
      controls.push([...voice.next.harmonics, ...voice.next.noise]);
    } else { // the last frame is held
      voice.now = voice.next;
      voice.advance(silence, block);
    }
    if (t === 0) voice.phase = 0; // what leads to the first frame is not heard
    else room.add(block), sound.set(block, (t - 1) * HOP);
  }
  return { controls, sound };
}
