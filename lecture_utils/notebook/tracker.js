// Pitch and loudness of a voice, as it is sung: what ddsp.f0 and ddsp.loudness are in Python, without
// knowing what comes next. Needs makeFft of fft.js; a part of the AudioWorklet of played.js.

// YIN (de Cheveigne and Kawahara, 2002) on the newest 40 ms: how different is the sound from itself, a
// period earlier?
class Tracker {
  constructor(rate, lowest = 70, highest = 2400) {
    const longest = Math.ceil(rate / lowest), size = 512;
    Object.assign(this, { rate, longest, shortest: Math.floor(rate / highest), size });
    this.window = 384; // samples that are compared
    this.recent = new Float32Array(Math.max(this.window + longest + 1, size));
    this.unlike = new Float64Array(longest + 2);
    this.fft = makeFft(size, Float64Array);
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
    // The square of this window is a Hann window; its mean square is 1/2.
    this.hann = this.re.map((_, i) => Math.sin((Math.PI * i) / size));
    this.weight = Float64Array.from({ length: size / 2 + 1 }, (_, k) => aWeight(k * rate / size));
  }

  // The newest samples.
  write(samples, count) {
    this.recent.copyWithin(0, count);
    this.recent.set(samples.subarray(0, count), this.recent.length - count);
  }

  // A-weighted level in dB, of the newest 32 ms.
  loudness() {
    const { re, im, hann, size, weight, recent } = this, from = recent.length - size;
    for (let i = 0; i < size; i++) re[i] = hann[i] * recent[from + i];
    im.fill(0);
    this.fft(re, im);
    let power = 0;
    for (let k = 0; k <= size / 2; k++)
      power += (k % (size / 2) ? 2 : 1) * weight[k] * (re[k] * re[k] + im[k] * im[k]);
    return Math.max(-80, 10 * Math.log10(power / size / (size / 2) + 1e-12));
  }

  // {hz, unsure}: unsure is 0 for a periodic sound and about 1 for noise.
  pitch() {
    const { recent, unlike, window, longest, shortest, rate } = this;
    const from = recent.length - window - longest - 1;
    let sum = 0, best = 0;
    for (let lag = 1; lag <= longest + 1; lag++) {
      let d = 0;
      for (let i = from, end = from + window; i < end; i++) d += (recent[i] - recent[i + lag]) ** 2;
      sum += d;
      unlike[lag] = sum > 0 ? (d * lag) / sum : 1;
    }
    for (let lag = shortest + 1; lag <= longest; lag++) { // the first deep valley, or the deepest
      if (!best || unlike[lag] < unlike[best]) best = lag;
      if (unlike[lag] < 0.15 && unlike[lag + 1] > unlike[lag]) {
        best = lag;
        break;
      }
    }
    // More periods at once tell the same more precisely: look for the valley at the longest multiple.
    let place = valley(unlike, best);
    for (let times = 2; times * place <= longest - 1; times *= 2) {
      let near = Math.round(times * place);
      for (const other of [near - 1, near + 1]) if (unlike[other] < unlike[near]) near = other;
      const finer = valley(unlike, near) / times;
      if (unlike[near] > 0.25 || Math.abs(finer - place) > 1 / times) break;
      place = finer;
    }
    return { hz: rate / place, unsure: unlike[best] };
  }
}

// The place of a valley between samples: the lowest point of a parabola.
function valley(values, at) {
  const [a, b, c] = [values[at - 1], values[at], values[at + 1]], bend = a - 2 * b + c;
  return at + (bend > 0 ? Math.max(-0.5, Math.min(0.5, (a - c) / (2 * bend))) : 0);
}

// Power gain of the A curve (IEC 61672), 1 at 1 kHz.
function aWeight(hz) {
  const curve = (f) => {
    const s = f * f;
    return (12194 ** 2 * s * s) / ((s + 20.6 ** 2) * (s + 12194 ** 2) *
      Math.sqrt((s + 107.7 ** 2) * (s + 737.9 ** 2)));
  };
  return (curve(hz) / curve(1000)) ** 2;
}
