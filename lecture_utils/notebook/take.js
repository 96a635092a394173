// Where a sound of one's own comes from: the microphone, or a file that the browser can decode. A part of
// record.js, which record.py puts into the page after it.

const COUNT = 3; // seconds from the first sample of the microphone to the recording
const OPENING = 6000; // milliseconds that a microphone may take: wireless ones are slow
const LONGEST = 1200; // seconds that are decoded in the page
const SILENT = 10 ** (-50 / 20), FULL = 0.99; // peaks of nothing, and of what may be clipped

const OR_FILE = "or choose a file instead.";
const REFUSALS = { // by the name of the browser's error
  NotAllowedError: "The browser gives this page no microphone. Allow it at the left end of the address " +
    `line, then press record again, ${OR_FILE}`,
  NotFoundError: `No microphone was found. Connect one, then press record again, ${OR_FILE}`,
  NotReadableError: "The microphone does not answer. Another program may be using it: close that program, " +
    `then press record again, ${OR_FILE}`,
  SecurityError: "This page is not secure (its address begins with http), so the browser gives it no " +
    `microphone. Open it under localhost or https, ${OR_FILE}`,
  TimeoutError: "The browser passes no sound on. It needs a sound output, too: connect headphones or " +
    `loudspeakers, then press record again, ${OR_FILE}`,
};

const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process([input]) {
    if (input[0]) this.port.postMessage(input[0].slice());
    return true;
  }
});`;

// The microphone as it is, with nothing between that changes its sound. Every block of samples goes to
// `hear`; `lose` is called if the microphone goes away.
class Microphone {
  async open(hear, lose) {
    if (!window.isSecureContext || !navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    this.context = new AudioContext(); // here, because this was a click
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio });
      if (this.closed) return this.close(); // given up while the browser asked
      for (const track of this.stream.getTracks()) track.onended = lose;
      await Promise.race([this.connect(hear), new Promise((_, reject) =>
        setTimeout(() => reject(new DOMException("", "TimeoutError")), OPENING))]);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  // Settled when the first samples have come.
  async connect(hear) {
    const { context } = this, url = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    context.resume(); // without a sound output Firefox never answers
    await context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    const tap = new AudioWorkletNode(context, "tap", { channelCount: 1, channelCountMode: "explicit" });
    context.createMediaStreamSource(this.stream).connect(tap).connect(context.destination); // silent
    await new Promise((done) => {
      tap.port.onmessage = ({ data }) => {
        done();
        if (!this.closed) hear(data, context.sampleRate);
      };
    });
  }

  close() {
    this.closed = true;
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    if (this.context && this.context.state !== "closed") this.context.close();
  }
}

const highest = (x) => x.reduce((top, value) => Math.max(top, Math.abs(value)), 0);

// Bring sound to another rate as files are brought to it: what a source node plays at another rate is
// interpolated only, and what is too high for the new rate comes back mirrored.
async function resampled(x, from, to) {
  const head = new DataView(new ArrayBuffer(44)), size = 4 * x.length; // of a WAV file of 32-bit floats
  const text = (place, letters) =>
    [...letters].forEach((letter, i) => head.setUint8(place + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  head.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  [[16, 16], [24, from], [28, 4 * from], [40, size]].forEach(([at, v]) => head.setUint32(at, v, true));
  [[20, 3], [22, 1], [32, 4], [34, 32]].forEach(([at, v]) => head.setUint16(at, v, true));
  text(36, "data");
  const wav = await new Blob([head, x]).arrayBuffer();
  return (await new OfflineAudioContext(1, 1, to).decodeAudioData(wav)).getChannelData(0);
}

// The mean of all channels, unless they cancel each other: as audio.read does.
function mixDown(buffer) {
  const n = buffer.numberOfChannels, mono = buffer.getChannelData(0).slice();
  if (n === 1) return { x: mono, notes: [] };
  const power = (x) => x.reduce((sum, value) => sum + value * value, 0);
  const channels = Array.from({ length: n }, (_, k) => buffer.getChannelData(k));
  for (let i = 0; i < mono.length; i++) mono[i] = channels.reduce((sum, x) => sum + x[i], 0) / n;
  const powers = channels.map(power), used = powers.indexOf(Math.max(...powers));
  if (power(mono) >= (0.1 * powers.reduce((a, b) => a + b)) / n)
    return { x: mono, notes: [`${n} channels mixed down to mono.`] };
  const said = `${n} channels cancel each other; channel ${used + 1} alone is used.`;
  return { x: channels[used].slice(), notes: [said] };
}

// How long the browser thinks that a file lasts, in seconds; 0 if it doesn't know.
function lasts(file) {
  return new Promise((done) => {
    const audio = new Audio(), url = URL.createObjectURL(file);
    const end = (seconds) => {
      clearTimeout(timer);
      audio.removeAttribute("src");
      URL.revokeObjectURL(url);
      done(seconds);
    };
    const timer = setTimeout(() => end(0), 5000);
    audio.onloadedmetadata = () => end(Number.isFinite(audio.duration) ? audio.duration : 0);
    audio.onerror = () => end(0);
    Object.assign(audio, { preload: "metadata", src: url });
  });
}

// How long a file says that it lasts, in seconds, where browsers go by what is there: the header of a WAV,
// the table of an MP3. 0 if it says nothing.
async function promised(file, seconds) {
  const bytes = async (from, to) => new DataView(await file.slice(from, to).arrayBuffer());
  const text = (view, at) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
  let head = await bytes(0, 65536), at = 12, rate = 0;
  if (head.byteLength < 44) return 0;
  if (text(head, 0) === "RIFF") {
    for (; at + 8 <= head.byteLength; at += 8 + head.getUint32(at + 4, true)) {
      if (text(head, at) === "fmt " && at + 20 <= head.byteLength) rate = head.getUint32(at + 16, true);
      const size = head.getUint32(at + 4, true); // an endless one was written while nobody knew the length
      if (text(head, at) === "data") return rate && size < 2 ** 31 - 1 ? size / rate : 0;
    }
    return 0;
  }
  if (!/\.mp3$/i.test(file.name)) return seconds;
  const skip = text(head, 0).startsWith("ID3")
    ? 10 + [6, 7, 8, 9].reduce((sum, i) => sum * 128 + head.getUint8(i), 0) : 0;
  head = await bytes(skip, skip + 200);
  return /Xing|Info/.test(String.fromCharCode(...new Uint8Array(head.buffer))) ? seconds : 0;
}

// A file's sound, as the browser decodes it: no `x` if it can't, or if that took too much memory.
async function decoded(file, rate) {
  const seconds = await lasts(file);
  if (seconds > LONGEST || (!seconds && file.size > 5e7)) return { seconds };
  try {
    const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer());
    const { x, notes } = mixDown(buffer), whole = await promised(file, seconds);
    if (whole - buffer.duration > Math.max(0.1, 0.05 * whole)) // a codec's edges are shorter
      notes.push(`It is cut off or damaged: it should last ${whole.toFixed(2)} s, ` +
        `and ${buffer.duration.toFixed(2)} s can be used.`);
    const peak = highest(x);
    if (!(x.length && peak <= 100)) return { seconds }; // Python says why, or decodes it better
    if (peak > 1) {
      notes.push(`Its peak is ${peak.toFixed(1)}: it is turned down to 1.`);
      x.forEach((value, i) => { x[i] = value / peak; });
    }
    return { x, notes };
  } catch {
    return { seconds };
  }
}
