// Models that run in the page, without Python: spectrograms and their inverse, random phase, Griffin-Lim,
// the two networks of a game in notebook 01, the denoiser of notebook 02. The same calculations as
// lecture_utils.audio, .phase, .griffin_lim, .gan and .diffusion; a test compares them. Needs makeFft
// of fft.js.

// STFT and its least-squares inverse for one length: periodic Hann window, mirrored edges. Frame t is
// centred on sample t * hop, or half a hop later (`late`), as those of the vocoders' mel. A spectrum is
// { re, im }, each (frames, bins) in one row.
class Stft {
  constructor(length, nFft, hop, late = false) {
    Object.assign(this, { length, nFft, hop, late, bins: nFft / 2 + 1,
      frames: Math.floor(length / hop) + (late ? 0 : 1), lead: nFft / 2 - (late ? hop / 2 : 0) });
    this.fft = makeFft(nFft, Float64Array);
    this.window = Float64Array.from({ length: nFft }, (_, i) =>
      0.5 - 0.5 * Math.cos((2 * Math.PI * i) / nFft));
    this.windowSum = new Float64Array(length);
    for (let t = 0; t < this.frames; t++) this.add(this.windowSum, t, this.window, this.window);
    this.windowPeak = this.windowSum.reduce((a, b) => Math.max(a, b));
    this.a = new Float64Array(nFft);
    this.b = new Float64Array(nFft);
  }

  // Add frame t, times the window, to a sound.
  add(sound, t, frame, window) {
    const first = t * this.hop - this.lead;
    const from = Math.max(0, -first), to = Math.min(this.nFft, this.length - first);
    for (let i = from; i < to; i++) sound[first + i] += frame[i] * window[i];
  }

  // Frame t of a sound, times the window, into a row; the edges are mirrored.
  cut(x, t, row) {
    const first = t * this.hop - this.lead, last = this.length - 1;
    for (let i = 0; i < this.nFft; i++) {
      let at = Math.abs(first + i);
      if (at > last) at = 2 * last - at;
      row[i] = x[at] * this.window[i];
    }
  }

  forward(x) {
    const { frames, bins, nFft, a, b } = this;
    const re = new Float64Array(frames * bins), im = new Float64Array(frames * bins);
    for (let t = 0; t < frames; t += 2) { // two real frames make one complex one
      const pair = t + 1 < frames;
      this.cut(x, t, a);
      if (pair) this.cut(x, t + 1, b); else b.fill(0);
      this.fft(a, b);
      for (let k = 0, m = 0; k < bins; k++, m = nFft - k) {
        const at = t * bins + k, next = at + bins;
        re[at] = (a[k] + a[m]) / 2;
        im[at] = (b[k] - b[m]) / 2;
        if (pair) {
          re[next] = (b[k] + b[m]) / 2;
          im[next] = (a[m] - a[k]) / 2;
        }
      }
    }
    return { re, im };
  }

  // The sound whose STFT is nearest to a spectrum (Griffin and Lim 1984, equation 6).
  inverse({ re, im }) {
    const { frames, bins, nFft, a, b } = this, sum = new Float64Array(this.length);
    for (let t = 0; t < frames; t += 2) {
      const pair = t + 1 < frames;
      for (let k = 0; k < bins; k++) {
        const at = t * bins + k, next = at + bins, edge = k === 0 || k === bins - 1;
        const ar = re[at], ai = edge ? 0 : im[at];
        const br = pair ? re[next] : 0, bi = pair && !edge ? im[next] : 0;
        // real and imaginary part change places: so the forward transform goes back
        b[k] = ar - bi;
        a[k] = ai + br;
        if (!edge) {
          b[nFft - k] = ar + bi;
          a[nFft - k] = br - ai;
        }
      }
      this.fft(a, b);
      this.add(sum, t, b.map((v) => v / nFft), this.window);
      if (pair) this.add(sum, t + 1, a.map((v) => v / nFft), this.window);
    }
    return this.divide(sum);
  }

  // As audio.divide_by_windows: where hardly a frame holds a sample, the sound fades out.
  divide(sum) {
    const exact = sum.map((v, i) => v / Math.max(this.windowSum[i], 1e-15));
    if (this.late) return exact; // its frames reach far beyond both ends
    const faded = sum.map((v, i) => v / Math.max(this.windowSum[i], 0.5 * this.windowPeak));
    const peak = (y) => y.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    return peak(exact) <= 1.25 * peak(faded) ? exact : faded;
  }
}

const turn = (angle) => angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI)); // to -pi .. pi

// Turn the phases of a sound towards others, by a share of 0 to 1; `other` is (frames, bins).
function scramblePhase(x, amount, other, nFft = 1024, hop = 256) {
  const stft = new Stft(x.length, nFft, hop), { re, im } = stft.forward(x);
  for (let i = 0; i < re.length; i++) {
    const magnitude = Math.hypot(re[i], im[i]), phase = Math.atan2(im[i], re[i]);
    const mixed = phase + amount * turn(other[i] - phase);
    re[i] = magnitude * Math.cos(mixed);
    im[i] = magnitude * Math.sin(mixed);
  }
  return stft.inverse({ re, im });
}

// Search a phase for a magnitude (frames, bins) from a start phase. A generator: after each round it
// yields how far the magnitude still is (spectral convergence), at the end it returns the sound.
function* griffinLim(stft, magnitude, phase, rounds, momentum = 0.99) {
  const n = magnitude.length, alpha = momentum / (1 + momentum);
  let re = phase.map((v, i) => magnitude[i] * Math.cos(v));
  let im = phase.map((v, i) => magnitude[i] * Math.sin(v)), last = null;
  const norm = Math.sqrt(magnitude.reduce((a, v) => a + v * v, 0));
  for (let round = 0; round < rounds; round++) {
    const now = stft.forward(stft.inverse({ re, im }));
    let error = 0;
    for (let i = 0; i < n; i++) {
      error += (Math.hypot(now.re[i], now.im[i]) - magnitude[i]) ** 2;
      const x = last && momentum ? now.re[i] - alpha * last.re[i] : now.re[i];
      const y = last && momentum ? now.im[i] - alpha * last.im[i] : now.im[i];
      const length = Math.hypot(x, y), share = length ? magnitude[i] / length : 0;
      re[i] = share * x;
      im[i] = share * y;
    }
    last = now;
    yield Math.sqrt(error) / norm;
  }
  return stft.inverse({ re, im });
}

// Rows of numbers through a linear layer: weight (outputs, inputs). Four rows at a time are twice as fast;
// what lies beyond the last row is not kept.
function linear(x, inputs, weight, bias, act = (v) => v) {
  const outputs = bias.length, n = x.length / inputs, y = new Float32Array(n * outputs);
  for (let o = 0; o < outputs; o++) {
    for (let p = 0; p < n; p += 4) {
      let s0 = bias[o], s1 = s0, s2 = s0, s3 = s0;
      for (let i = 0, at = o * inputs, row = p * inputs; i < inputs; i++, row++) {
        const w = weight[at + i];
        s0 += w * x[row];
        s1 += w * x[row + inputs];
        s2 += w * x[row + 2 * inputs];
        s3 += w * x[row + 3 * inputs];
      }
      y[p * outputs + o] = act(s0);
      y[(p + 1) * outputs + o] = act(s1);
      y[(p + 2) * outputs + o] = act(s2);
      y[(p + 3) * outputs + o] = act(s3);
    }
  }
  return y;
}

// The networks of notebook 01: layers of { weight (outputs, inputs), bias }, ReLU between them.
const reluNetwork = (layers, points) => layers.reduce((x, { weight, bias }, layer) =>
  linear(x, weight.length / bias.length, weight, bias,
    layer + 1 < layers.length ? (v) => Math.max(0, v) : undefined), points);

// How many places (x, y, x, y, ...) have a share of the points nearer than a radius.
function modesFound(points, places, radius = 0.2, share = 0.02) {
  let found = 0;
  for (let k = 0; k < places.length; k += 2) {
    let near = 0;
    for (let i = 0; i < points.length; i += 2)
      near += Math.hypot(points[i] - places[k], points[i + 1] - places[k + 1]) < radius;
    found += near >= (share * points.length) / 2;
  }
  return found;
}

// The network of notebook 02: layers of { weight (outputs, inputs), bias }, SiLU between them. Points
// are x, y, x, y, ...; the step is the same for all of them.
class Denoiser {
  constructor(layers) { this.layers = layers; }

  embedding(t, size = 32) {
    const half = size / 2, angles = Float64Array.from({ length: half }, (_, k) =>
      t * Math.exp((-Math.log(10000) * k) / (half - 1)));
    return [...angles.map(Math.sin), ...angles.map(Math.cos)];
  }

  guess(points, t) {
    const told = this.embedding(t), last = this.layers.length - 1;
    const silu = (v) => v / (1 + Math.exp(-v));
    return this.layers.reduce((x, { weight, bias }, layer) => {
      const inputs = weight.length / bias.length;
      if (layer > 0) return linear(x, inputs, weight, bias, layer < last ? silu : undefined);
      // the step is the same for all points: a part of the bias
      const own = Float32Array.from({ length: 2 * bias.length }, (_, i) =>
        weight[(i >> 1) * inputs + (i & 1)]);
      const shared = bias.map((b, o) =>
        told.reduce((sum, v, k) => sum + weight[o * inputs + 2 + k] * v, b));
      return linear(x, 2, own, shared, silu);
    }, points);
  }
}

// What is left of the data's variance after each step (linear betas, Ho et al. 2020).
function noiseSchedule(steps = 1000, first = 1e-4, last = 0.02) {
  let product = 1;
  const betas = Float64Array.from({ length: steps }, (_, t) => first + ((last - first) * t) / (steps - 1));
  return { betas, left: betas.map((beta) => (product *= 1 - beta)) };
}

// Noise to points. `jumps`: null is every step with fresh noise (DDPM), else so many without (DDIM).
// Yields [t, points] of every step reached; -1 is the end.
function* denoise(model, { betas, left }, start, jumps, noise) {
  const last = betas.length - 1, count = jumps ?? betas.length;
  const steps = Array.from({ length: count }, (_, i) =>
    Math.round(count > 1 ? last - (last * i) / (count - 1) : last));
  let x = Float32Array.from(start);
  for (let i = 0; i < count; i++) {
    const t = steps[i], next = i + 1 < count ? steps[i + 1] : -1, before = next < 0 ? 1 : left[next];
    const guess = model.guess(x, t), of = Math.sqrt(left[t]), off = Math.sqrt(1 - left[t]);
    const fresh = jumps === null && t > 0 ? noise(x.length) : null;
    const spread = Math.sqrt((betas[t] * (1 - before)) / (1 - left[t]));
    x = x.map((v, k) => {
      const clean = (v - off * guess[k]) / of;
      if (jumps !== null) return Math.sqrt(before) * clean + Math.sqrt(1 - before) * guess[k];
      const mean = (Math.sqrt(before) * betas[t] * clean + Math.sqrt(1 - betas[t]) * (1 - before) * v) /
        (1 - left[t]);
      return fresh ? mean + spread * fresh[k] : mean;
    });
    yield [next, x];
  }
}
