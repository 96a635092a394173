// The vocoder of notebook 10 in the page: from 80 mel bands to sound. The same calculation as
// lecture_utils.fourier_vocoder for up to eight seconds. Needs fft.js and models.js.

const FLOOR = 1e-5;

// The tensors of a safetensors file; matrices of int8 have a scale for each row, the rest is float16.
function readWeights(buffer) {
  const view = new DataView(buffer), length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const read = (name) => {
    const { dtype, data_offsets: [from, to] } = header[name], at = 8 + length + from;
    if (dtype === "I8") return new Int8Array(buffer, at, to - from);
    if (dtype === "F32") return new Float32Array(buffer.slice(at, 8 + length + to));
    return Float32Array.from({ length: (to - from) / 2 }, (_, i) => half(view.getUint16(at + 2 * i, true)));
  };
  const tensors = {};
  for (const name of Object.keys(header)) {
    if (name === "__metadata__" || name.endsWith(":scales")) continue;
    const values = read(name), scales = header[`${name}:scales`] && read(`${name}:scales`);
    tensors[name] = scales ? Float32Array.from(values, (v, i) =>
      v * scales[Math.floor((i * scales.length) / values.length)]) : values;
  }
  return tensors;
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, power = (bits >> 10) & 31, rest = bits & 1023;
  return sign * (power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -14 * (rest / 1024));
}

// x / 2 (1 + erf(x / sqrt 2)); erf by Abramowitz and Stegun 7.1.26, to 1.5e-7.
function gelu(x) {
  const z = Math.abs(x) * Math.SQRT1_2, t = 1 / (1 + 0.3275911 * z);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 +
    t * 1.061405429)))) * Math.exp(-z * z);
  return x >= 0 ? x * (1 - tail / 2) : (x * tail) / 2;
}

function layerNorm(x, weight, bias) {
  const n = weight.length, y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += n) {
    let mean = 0, square = 0;
    for (let i = 0; i < n; i++) mean += x[row + i] / n;
    for (let i = 0; i < n; i++) square += (x[row + i] - mean) ** 2 / n;
    const scale = 1 / Math.sqrt(square + 1e-5);
    for (let i = 0; i < n; i++) y[row + i] = (x[row + i] - mean) * scale * weight[i] + bias[i];
  }
  return y;
}

// A convolution over 7 frames of each channel on its own; beyond the ends are zeros.
function alongTime(x, weight, bias) {
  const n = bias.length, frames = x.length / n, y = new Float32Array(x.length);
  for (let t = 0; t < frames; t++) {
    for (let c = 0; c < n; c++) {
      let sum = bias[c];
      for (let k = Math.max(0, 3 - t); k < 7 && t + k - 3 < frames; k++)
        sum += weight[7 * c + k] * x[(t + k - 3) * n + c];
      y[t * n + c] = sum;
    }
  }
  return y;
}

// Trunk of both networks: rows (frames, inputs) to rows (frames, outputs).
function trunk(w, x, inputs) {
  const get = (name) => [w[`trunk.${name}.weight`], w[`trunk.${name}.bias`]];
  const [weight, bias] = get("first"), channels = bias.length;
  const kernel = weight.length / channels / inputs, frames = x.length / inputs;
  let rows = x;
  if (kernel > 1) { // each frame with its neighbours in one row
    rows = new Float32Array(frames * inputs * kernel);
    for (let t = 0; t < frames; t++)
      for (let k = 0; k < kernel; k++) {
        const from = t + k - (kernel >> 1);
        if (from < 0 || from >= frames) continue;
        for (let i = 0; i < inputs; i++)
          rows[(t * inputs + i) * kernel + k] = x[from * inputs + i];
      }
  }
  let h = layerNorm(linear(rows, inputs * kernel, weight, bias), ...get("norm"));
  for (let b = 0; w[`trunk.blocks.${b}.scale`]; b++) {
    const part = (name) => get(`blocks.${b}.${name}`), scale = w[`trunk.blocks.${b}.scale`];
    const wide = linear(layerNorm(alongTime(h, ...part("along_time")), ...part("norm")), channels,
      ...part("wide"), gelu);
    const narrow = linear(wide, 3 * channels, ...part("narrow"));
    h = h.map((v, i) => v + scale[i % channels] * narrow[i]);
  }
  return linear(layerNorm(h, ...get("last_norm")), channels, ...get("last"));
}

const normalised = (level) => (level + 5) / 3;

// `bands` are the mel filters: for each the first bin and its weights.
class FourierVocoder {
  constructor(bands, magnitude, repair, rounds = 16) {
    Object.assign(this, { bands, magnitude, repair, rounds, bins: 513 });
    this.perBin = new Float64Array(this.bins);
    this.perBand = bands.map(([, weights]) => weights.reduce((a, v) => a + v));
    bands.forEach(([first, weights]) => weights.forEach((v, i) => { this.perBin[first + i] += v; }));
  }

  // Magnitudes (frames, bins) in mel bands (frames, 80), and levels of bands back in bins.
  toBands(values, frames) {
    const out = new Float64Array(frames * this.bands.length);
    for (let t = 0, at = 0; t < frames; t++)
      for (const [first, weights] of this.bands)
        out[at++] = weights.reduce((sum, v, i) => sum + v * values[t * this.bins + first + i], 0);
    return out;
  }

  toBins(levels, frames) {
    const out = new Float64Array(frames * this.bins), n = this.bands.length;
    for (let t = 0; t < frames; t++)
      this.bands.forEach(([first, weights], band) => weights.forEach((v, i) => {
        out[t * this.bins + first + i] += (v * levels[t * n + band]) / Math.max(this.perBin[first + i], 1e-8);
      }));
    return out;
  }

  logMel(stft, x) {
    const { re, im } = stft.forward(x), magnitude = re.map((v, i) => Math.hypot(v, im[i]));
    return this.toBands(magnitude, stft.frames).map((v) => Math.log(Math.max(v, FLOOR)));
  }

  // Log magnitudes (frames, bins).
  logMagnitude(logMel, frames) {
    const n = this.bands.length;
    const smooth = this.toBins(logMel.map((v, i) => Math.exp(v) / this.perBand[i % n]), frames);
    const change = trunk(this.magnitude, Float32Array.from(logMel, normalised), n);
    return smooth.map((v, i) => Math.log(Math.max(v, FLOOR)) + 4 * Math.tanh(change[i] / 4));
  }

  // As phase_search.start_phase: each partial goes on by its frequency.
  startPhase(log, frames, hop, nFft) {
    const { bins } = this, phase = new Float64Array(frames * bins);
    let earlier = null; // the frequencies one frame before
    for (let t = 0; t < frames; t++) {
      const row = log.subarray(t * bins, (t + 1) * bins).map((v) => Math.max(v, Math.log(1e-6)));
      const frequency = new Float64Array(bins), nearest = this.nearestPeaks(row, frequency);
      for (let k = 0; k < bins; k++) {
        const peak = nearest[k], now = frequency[peak];
        const middle = earlier ? (now + earlier[peak]) / 2 : now;
        const last = t ? phase[(t - 1) * bins + peak] : 0;
        phase[t * bins + k] = last + 2 * Math.PI * (hop / nFft) * middle + Math.PI * (k - peak);
      }
      earlier = Float64Array.from(nearest, (peak) => frequency[peak]);
    }
    return phase;
  }

  nearestPeaks(row, frequency) {
    const { bins } = this, nearest = new Int32Array(bins), far = 2 * bins;
    const is = (k) => k > 0 && k < bins - 1 && row[k] > row[k - 1] && row[k] >= row[k + 1];
    const below = new Int32Array(bins), above = new Int32Array(bins);
    for (let k = 0, last = -far; k < bins; k++) below[k] = is(k) ? (last = k) : last;
    for (let k = bins - 1, next = far; k >= 0; k--) above[k] = is(k) ? (next = k) : next;
    for (let k = 0; k < bins; k++) {
      const near = k - below[k] <= above[k] - k ? below[k] : above[k];
      nearest[k] = Math.abs(near) < far ? near : k;
      frequency[k] = k;
      if (k === 0 || k === bins - 1) continue;
      const bend = Math.min(row[k - 1] - 2 * row[k] + row[k + 1], -1e-6);
      frequency[k] += Math.max(-0.5, Math.min(0.5, (0.5 * (row[k - 1] - row[k + 1])) / bend));
    }
    return nearest;
  }

  // A gain and a rotation for every bin of what Griffin-Lim found.
  repaired({ re, im }, log, frames) {
    const { bins } = this, x = new Float32Array(frames * 6 * bins);
    const size = re.map((v, i) => Math.hypot(v, im[i]));
    const pr = re.map((v, i) => v / (size[i] + FLOOR)), pi = im.map((v, i) => v / (size[i] + FLOOR));
    for (let t = 0; t < frames; t++) {
      for (let k = 0; k < bins; k++) {
        const at = t * bins + k, row = t * 6 * bins + k, turn = (-Math.PI / 2) * (k % 4);
        x[row] = normalised(log[at]);
        x[row + bins] = normalised(Math.log(size[at] + 10 * FLOOR));
        if (t) {
          const a = pr[at] * pr[at - bins] + pi[at] * pi[at - bins];
          const b = pi[at] * pr[at - bins] - pr[at] * pi[at - bins];
          x[row + 2 * bins] = a * Math.cos(turn) - b * Math.sin(turn);
          x[row + 3 * bins] = a * Math.sin(turn) + b * Math.cos(turn);
        }
        if (k) {
          x[row + 4 * bins] = -(pr[at] * pr[at - 1] + pi[at] * pi[at - 1]);
          x[row + 5 * bins] = -(pi[at] * pr[at - 1] - pr[at] * pi[at - 1]);
        }
      }
    }
    const made = trunk(this.repair, x, 6 * bins), out = { re: re.slice(), im: im.slice() };
    for (let t = 0; t < frames; t++)
      for (let k = 0; k < bins; k++) {
        const at = t * bins + k, gain = Math.exp(2 * Math.tanh(made[2 * t * bins + k]));
        const angle = made[(2 * t + 1) * bins + k], c = gain * Math.cos(angle), s = gain * Math.sin(angle);
        out.re[at] = re[at] * c - im[at] * s;
        out.im[at] = re[at] * s + im[at] * c;
      }
    return out;
  }

  // Bring the level of each mel band back to what the mel says.
  withBands(spectrum, logMel, stft) {
    const { re, im } = stft.forward(stft.inverse(spectrum)), { frames } = stft;
    const found = this.toBands(re.map((v, i) => Math.hypot(v, im[i])), frames);
    const factors = this.toBins(found.map((v, i) => Math.exp(
      Math.max(-1, Math.min(1, logMel[i] - Math.log(Math.max(v, FLOOR)))))), frames);
    const factor = (i) => (this.perBin[i % this.bins] > 1e-8 ? factors[i] : 1);
    return { re: re.map((v, i) => v * factor(i)), im: im.map((v, i) => v * factor(i)) };
  }

  // Sound from a log-mel (frames, 80). Yields the name of each step, returns the sound.
  *vocode(logMel) {
    const frames = logMel.length / this.bands.length, stft = new Stft(256 * frames, 1024, 256, true);
    yield "first network";
    const log = this.logMagnitude(logMel, frames), magnitude = log.map(Math.exp);
    const search = griffinLim(stft, magnitude, this.startPhase(log, frames, 256, 1024), this.rounds);
    let step, round = 0;
    while (!(step = search.next()).done) yield `round ${++round} of ${this.rounds}`;
    yield "second network";
    let spectrum = this.repaired(stft.forward(step.value), log, frames);
    for (let i = 0; i < 2; i++) spectrum = this.withBands(spectrum, logMel, stft);
    return stft.inverse(spectrum);
  }
}
