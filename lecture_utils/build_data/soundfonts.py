"""Cut the sample bank out of two freely licensed SoundFonts, with constant pitch and level.

A recorded violin note carries the vibrato and the swell of its player. Both are measured and
removed here; :mod:`lecture_utils.instruments.sampler` then puts exactly known ones in their place.
Part of ``make data``.
"""

from __future__ import annotations

import io
import json
import re
import struct
from pathlib import Path

import numpy as np

from lecture_utils import audio, data
from lecture_utils.build_data.sources import source
from lecture_utils.instruments.performance import to_midi

FLUID = "fluid-soundfont-gm/usr/share/sounds/sf2/FluidR3_GM.sf2"
MUSESCORE = "musescore-general-soundfont/usr/share/sounds/sf3/MuseScore_General_Full.sf3"

#: Instrument -> lowest and highest sample kept (MIDI), and the octaves by which its names are off.
SOLO = {"violin": (54, 96, -1), "flute": (58, 92, 0), "cello": (34, 72, -1)}

#: Rates of the stored samples in Hz, and the root-mean-square level of the flattened ones.
SOLO_RATE, PIANO_RATE, LEVEL = 32_000, 22_050, 0.12

#: A sample whose pitch still wanders by more than this (half the 5..95 % range) is left out.
MAX_RESIDUAL_CENTS = 5.0


def cut(sources: dict[str, Path], folder: Path) -> None:
    """Write every sample as FLAC and what is known of it as ``bank.json`` into `folder`.

    Parameters
    ----------
    sources : dict
        The unpacked packages, by name.
    folder : Path
        Emptied of older samples first.
    """
    for old in folder.glob("*.flac"):
        old.unlink()
    fluid, musescore = (sources[f.split("/")[0]] / f.split("/", 1)[1] for f in (FLUID, MUSESCORE))
    bank = {name: [] for name in (*SOLO, "piano")}
    for sample_name, x, rate, _ in read_soundfont(fluid, r"(Violin|Flute|Cello) [A-G]#?\d\(L\)"):
        instrument, note = sample_name.removesuffix("(L)").split()
        instrument = instrument.lower()
        low, high, octaves = SOLO[instrument]
        midi = int(to_midi(note)) + 12 * octaves
        if low <= midi <= high:
            row = _cut_solo(x, rate, midi, folder / f"{instrument}_{midi:03d}.flac")
            bank[instrument] += [row | {"source": sample_name}] if row else []
    last = {}
    for sample_name, x, rate, midi in read_soundfont(musescore, r"Piano (MF|FF) .+\(L\)"):
        layer = sample_name.split()[1].lower()
        if 24 <= midi <= 105 and midi - last.get(layer, 0) >= 3:
            last[layer] = midi
            row = _cut_piano(x, rate, midi, folder / f"piano_{layer}_{midi:03d}.flac")
            bank["piano"].append(row | {"layer": layer, "source": sample_name})
    for rows in bank.values():
        rows.sort(key=lambda row: row["file"])
    text = ",\n".join(
        f'"{name}": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]" for name, rows in bank.items()
    )
    with open(folder / "bank.json", "w", encoding="utf-8", newline="\n") as stream:
        stream.write(f"{{\n{text}\n}}\n")


def read_soundfont(file: Path, pattern: str) -> list[tuple[str, np.ndarray, int, int]]:
    """Read the samples whose names match: (name, sound ``(n,)``, rate, MIDI number of the header).

    The sample headers of a SoundFont 2 file are 46 bytes each, in its ``shdr`` chunk; the sound is
    16-bit PCM, or, in ``.sf3`` files, one Ogg Vorbis file a sample.
    """
    import soundfile

    content = file.read_bytes()
    headers, sound = content.rindex(b"shdr") + 8, content.index(b"smpl") + 8
    size = struct.unpack("<I", content[headers - 4 : headers])[0]
    found = []
    for name, *header in struct.iter_unpack("<20s5IBbHH", content[headers : headers + size]):
        name = name.split(b"\0")[0].decode("latin-1")
        start, stop, _, _, rate, midi, _, _, kind = header
        if not re.fullmatch(pattern, name):
            continue
        if kind & 0x10:  # compressed: offsets count bytes
            x, rate = soundfile.read(io.BytesIO(content[sound + start : sound + stop]))
        else:
            x = np.frombuffer(content[sound + 2 * start : sound + 2 * stop], "<i2") / 32768
        found.append((name, x.astype(np.float64), rate, midi))
    return found


def _cut_solo(x: np.ndarray, rate: int, midi: int, file: Path) -> dict | None:
    from scipy.signal import butter, sosfiltfilt

    f0_hz = _nominal_f0(x, rate, midi)
    x = sosfiltfilt(butter(2, 0.5 * f0_hz, "high", fs=rate, output="sos"), x)  # rumble and DC
    for _ in range(3):  # each pass removes what the one before could not see
        x, f0_hz = flatten_pitch(x, rate, f0_hz)
    wander = 1200 * np.log2(instantaneous_f0(x, rate, f0_hz) / f0_hz)
    residual = float(np.diff(np.percentile(wander, [5, 95]))[0] / 2)
    if residual > MAX_RESIDUAL_CENTS:
        return None
    x = audio.resample(x, rate, SOLO_RATE).astype(np.float64)
    envelope = _smooth(np.abs(x), 0.02 * SOLO_RATE)
    x = x[max(0, int(np.argmax(envelope > 0.05 * envelope.max())) - SOLO_RATE // 200) :]
    x, steady = flatten_level(x, SOLO_RATE)
    audio.write(file, x, SOLO_RATE)
    return {
        "file": file.name,
        "f0_hz": round(constant_f0(x[steady:], SOLO_RATE, f0_hz), 4),
        "steady": steady,
        "residual_cents": round(residual, 2),
    }


def _nominal_f0(x: np.ndarray, rate: int, midi: int) -> float:
    """Find the fundamental by autocorrelation, within a fourth of the note's name."""
    middle = x[len(x) // 3 : len(x) // 3 + 16384]
    power = np.abs(np.fft.rfft(middle - middle.mean(), 65536)) ** 2
    correlation = np.fft.irfft(power)
    expected = 440 * 2 ** ((midi - 69) / 12)
    low, high = int(rate / (expected * 2 ** (5 / 12))), int(rate / (expected / 2 ** (5 / 12))) + 2
    return rate / (low + int(np.argmax(correlation[low:high])))


def instantaneous_f0(x: np.ndarray, rate: int, f0_hz: float) -> np.ndarray:
    """Follow the fundamental of a nearly constant tone, in Hz, shape ``(n,)``.

    Each of the first four harmonics is isolated with a band-pass. The slope of its analytic phase,
    divided by its number, is one estimate; they are averaged over 30 ms and over the harmonics,
    with power times number squared as the weight (a high harmonic shows the pitch more finely).
    """
    from scipy.signal import butter, hilbert, sosfiltfilt

    total, weights = np.zeros(len(x)), np.zeros(len(x))
    for h in range(1, 5):
        if h * f0_hz > 0.35 * rate:
            break
        center, width = h * f0_hz, 0.16 * f0_hz * h**0.5
        band = butter(2, [center - width, center + width], "band", fs=rate, output="sos")
        analytic = hilbert(sosfiltfilt(band, x))
        slope = np.gradient(np.unwrap(np.angle(analytic))) * rate / (2 * np.pi * h)
        weight = (np.abs(analytic) * h) ** 2
        total += slope * weight
        weights += weight
    smooth = _smooth(total, 0.03 * rate) / (_smooth(weights, 0.03 * rate) + 1e-12)
    cents = 1200 * np.log2(np.maximum(smooth, 1) / f0_hz)
    trusted = np.flatnonzero((weights > 0.015 * weights.max()) & (np.abs(cents) < 90))
    if len(trusted) < 0.2 * len(x):
        raise ValueError(f"No steady pitch near {f0_hz:.1f} Hz in this sample.")
    return np.interp(np.arange(len(x)), trusted, smooth[trusted])


def flatten_pitch(x: np.ndarray, rate: int, f0_hz: float) -> tuple[np.ndarray, float]:
    """Resample a tone so that its pitch stands still at its median, which is returned too."""
    from scipy.interpolate import CubicSpline

    f0 = instantaneous_f0(x, rate, f0_hz)
    median = float(np.median(f0))
    time = np.concatenate([[0], np.cumsum(f0[:-1] / median)])
    return CubicSpline(time, x)(np.arange(int(time[-1]))), median


def constant_f0(x: np.ndarray, rate: int, f0_hz: float) -> float:
    """Measure the pitch of a flattened tone in Hz: the median over its first eight partials.

    Each is the highest peak of a long spectrum near a multiple of `f0_hz`; the median leaves out
    those that a body resonance pulls aside.
    """
    n_fft = 1 << 20  # 0.03 Hz between bins
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), n_fft))
    estimates = []
    for h in range(1, 9):
        low, high = (int(n_fft / rate * f0_hz * (h + sign * 0.04 * h**0.5)) for sign in (-1, 1))
        if high < 0.3 * n_fft:
            estimates.append((low + int(np.argmax(spectrum[low:high]))) * rate / n_fft / h)
    return float(np.median(estimates))


def flatten_level(x: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """Bring a tone to a constant level; also return the sample from which it is steady.

    The attack is raised by 12 dB at most, so that it stays an attack.
    """
    level = np.sqrt(_smooth(x**2, 0.06 * rate))
    floor = 0.25 * np.median(level)
    steady = int(np.argmax(level > 2 * floor))
    return np.clip(x * LEVEL / np.maximum(level, floor), -0.99, 0.99), steady


def _cut_piano(x: np.ndarray, rate: int, midi: int, file: Path) -> dict:
    seconds = 6.0 if midi < 60 else 4.5 if midi < 80 else 2.5
    x = audio.resample(x[: int(seconds * rate)] - x.mean(), rate, PIANO_RATE)
    x = x[max(0, int(np.argmax(np.abs(x) > 0.02 * np.abs(x).max())) - 40) :]
    fade = int(0.4 * PIANO_RATE)
    x[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    audio.write(file, x, PIANO_RATE)
    level = float(np.sqrt(np.mean(x[: PIANO_RATE // 10] ** 2)))
    return {"file": file.name, "midi": midi, "level": round(level, 4)}


def _smooth(x: np.ndarray, n_samples: float) -> np.ndarray:
    from scipy.signal import oaconvolve

    window = np.hanning(2 * int(n_samples / 2) + 3)
    ones = oaconvolve(np.ones_like(x), window, mode="same")  # corrects the edges
    return oaconvolve(x, window, mode="same") / ones


def build_bank_samples() -> None:
    """Cut the sample bank."""
    names = ("fluid-soundfont-gm", "musescore-general-soundfont")
    cut({name: source(name) for name in names}, data.ROOT / "bank")
