// What a listener takes home: the chosen version as it is heard, as a WAV file. A part of player.js,
// which listen.py puts into the page before it.

// A file's name from its parts, without what disks refuse.
const fileName = (text) => [...text.replace(/[\\/:*?"<>|\x00-\x1f\x7f]/g, "_")].slice(0, 120)
  .join("").trim().replace(/^\.+|\.+$/g, "") || "sound";

// One chunk of a RIFF file: four letters, the length, the bytes, and one more if they are odd.
function riffChunk(id, bytes) {
  const chunk = new Uint8Array(8 + bytes.length + (bytes.length & 1));
  chunk.set([...id].map((letter) => letter.charCodeAt(0)));
  new DataView(chunk.buffer).setUint32(4, bytes.length, true);
  chunk.set(bytes, 8);
  return chunk;
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

// A 16-bit mono WAV file. `info` has an entry for each tag of its INFO chunk: INAM (title), IART
// (author), ICOP (licence), ICMT (comment). The samples begin at byte 44, as readWav wants them.
function toWav(samples, rate, info) {
  const text = (id) => new TextEncoder().encode(id), header = new DataView(new ArrayBuffer(16));
  header.setUint16(0, 1, true); // PCM
  header.setUint16(2, 1, true); // one channel
  header.setUint32(4, rate, true);
  header.setUint32(8, 2 * rate, true);
  header.setUint16(12, 2, true);
  header.setUint16(14, 16, true);
  const pcm = Int16Array.from(samples, (v) =>
    Math.max(-32768, Math.min(32767, Math.round(v * 32768))));
  const tags = Object.entries(info).filter(([, value]) => value)
    .map(([id, value]) => riffChunk(id, text(`${value}\0`)));
  return riffChunk("RIFF", joined(text("WAVE"), riffChunk("fmt ", new Uint8Array(header.buffer)),
    riffChunk("data", new Uint8Array(pcm.buffer)), riffChunk("LIST", joined(text("INFO"), ...tags))));
}

// The version `clip` as the listener hears it: with soft ends, as loud as the volume makes it.
function takeHome(spec, { samples, rate }, { name, clip }, volume) {
  const gain = 10 ** (volume / 20), heard = fade(samples.slice(), rate).map((v) => gain * v);
  const about = ({ title, author, licence, source }) =>
    [title, author, licence, source].filter(Boolean).join("; ");
  const credits = spec.credits ?? [], own = credits[clip], title = spec.caption || "Sound";
  const others = credits.filter((credit, i) => credit && i !== clip).map(about);
  const comment = ["Saved from a notebook of the course Audio-domain Music Generation.",
    own ? `This sound: ${about(own)}.` : "",
    !own && others.length ? `Made from, or heard beside: ${others.join(" | ")}.` : ""];
  const info = { INAM: `${title}: ${name}`, IART: own?.author, ICOP: own?.licence,
    ICMT: comment.filter(Boolean).join(" ") };
  return {
    name: fileName(`${title.slice(0, 60)} - ${name}${own?.licence ? ` (${own.licence})` : ""}`) + ".wav",
    bytes: toWav(heard, rate, info),
  };
}
