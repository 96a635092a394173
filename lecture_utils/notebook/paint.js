// Waveform and spectrogram of a sound, drawn in the page. A part of player.js, which listen.py puts into
// the page after it.

const MAGMA = [
  [0, 0, 4], [18, 13, 49], [51, 16, 103], [89, 21, 126], [126, 36, 130], [163, 48, 126],
  [200, 62, 115], [233, 84, 98], [250, 125, 94], [254, 169, 115], [254, 211, 149], [252, 253, 191],
];
const TOP_DB = 80; // range of the spectrogram below its loudest point in any version
const COLUMNS = 600, ROWS = 256; // its resolution in the page

// Levels in dB, column after column; `length` samples fill the width (shorter sounds end early).
function spectrogram(samples, rate, length) {
  const size = 2 ** Math.min(12, Math.max(6, Math.round(Math.log2(0.064 * rate)))); // about 64 ms
  const fft = makeFft(size), re = new Float32Array(size), im = new Float32Array(size);
  const hann = re.map((_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const levels = new Float32Array(COLUMNS * ROWS).fill(-Infinity);
  for (let column = 0; column < COLUMNS; column++) {
    const first = Math.round(((column + 0.5) / COLUMNS) * length - size / 2);
    if (first >= samples.length) break;
    for (let i = 0; i < size; i++) re[i] = hann[i] * (samples[first + i] || 0);
    im.fill(0);
    fft(re, im);
    for (let row = 0; row < ROWS; row++) { // the strongest of the bins that share a row
      const from = Math.floor((row * size) / 2 / ROWS);
      const to = Math.max(from + 1, Math.floor(((row + 1) * size) / 2 / ROWS));
      let power = 0;
      for (let k = from; k < to; k++) power = Math.max(power, re[k] * re[k] + im[k] * im[k]);
      levels[column * ROWS + row] = 10 * Math.log10(power / size / size + 1e-20);
    }
  }
  return levels;
}

function paintSpectrogram(canvas, levels, top) {
  const context = canvas.getContext("2d"), image = context.createImageData(COLUMNS, ROWS);
  for (let column = 0; column < COLUMNS; column++) {
    for (let row = 0; row < ROWS; row++) {
      const level = Math.max(0, 1 + (levels[column * ROWS + row] - top) / TOP_DB);
      const place = Math.min(level, 0.9999) * (MAGMA.length - 1), k = Math.floor(place);
      const at = 4 * ((ROWS - 1 - row) * COLUMNS + column);
      for (let c = 0; c < 3; c++)
        image.data[at + c] = MAGMA[k][c] + (place - k) * (MAGMA[k + 1][c] - MAGMA[k][c]);
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

function paintWaveform(canvas, samples, length, peak) {
  const context = canvas.getContext("2d"), { width, height } = canvas, step = length / width;
  context.clearRect(0, 0, width, height);
  context.fillStyle = "#3b8bd6";
  for (let column = 0; column < width; column++) {
    const end = Math.min(samples.length, Math.max((column + 1) * step, column * step + 1));
    let low = 0, high = 0;
    for (let i = Math.floor(column * step); i < end; i++) {
      if (samples[i] < low) low = samples[i];
      if (samples[i] > high) high = samples[i];
    }
    const y = (value) => (height / 2) * (1 - (0.96 * value) / peak);
    context.fillRect(column, y(high), 1, Math.max(2, y(low) - y(high)));
  }
}
