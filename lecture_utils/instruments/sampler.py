"""Play solo lines whose pitch is exactly known, with the sample bank.

The bank holds short recorded tones of a violin, a flute and a cello, flattened to constant pitch
and level (``lecture_utils/build_data/soundfonts.py``). A solo line is made from two control curves,
250 values a second: ``f0_hz`` (0 = no note) and ``dynamics`` (0..1). Because the bank stands still,
the pitch that is heard is the curve.

What is *not* measured from a player is the link from dynamics to sound: level,
``26 (dynamics - 1)`` dB, and brightness, see :func:`_brighten`, follow laws made up for this
course. Gains are fixed, so that the level of a note never depends on what else is played. The same
seed gives the same sound.

Used by notebooks 03, 07, 08 and 09, and for the training sets.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lecture_utils import arguments, audio, data
from lecture_utils.instruments.bank import table
from lecture_utils.instruments.performance import (
    CONTROL_RATE,
    Stroke,
    check_instrument,
    line,
    to_midi,
)
from lecture_utils.instruments.piano import render_piano

#: The rate at which solo lines are put together, in Hz.
BANK_RATE = 32_000

#: Level at dynamics 0 re dynamics 1 in dB, and the gain that keeps the loudest solo tone below 1.
DYNAMIC_RANGE_DB, SOLO_GAIN = 26.0, 1.15

#: Seconds in which a tone with its own attack reaches its level: a bow or a breath is no switch.
ATTACK_S = {"violin": 0.05, "cello": 0.07, "flute": 0.04}

#: Seconds in which a slurred tone takes over from the one before it, at constant power.
SLUR_S = 0.04


def render_solo(
    instrument: str,
    f0_hz: np.ndarray,
    dynamics: np.ndarray,
    strokes: list[Stroke] | None = None,
    sample_rate: int = audio.SAMPLE_RATE,
    seed: int = 0,
) -> np.ndarray:
    """Play control curves on an instrument.

    Parameters
    ----------
    instrument : str
        "violin", "flute" or "cello".
    f0_hz, dynamics : np.ndarray
        Shape ``(frames,)``, 250 values a second: pitch in Hz (0 = no note) and loudness 0..1.
    strokes : list of Stroke, optional
        Where new bow strokes start; by default each run of voiced frames is one.
    sample_rate : int
        In Hz.
    seed : int
        Chooses how the short recordings are joined into long tones.

    Returns
    -------
    np.ndarray
        Shape ``(round(frames * sample_rate / 250),)``, float32. A note rings for 0.1 s after its
        last frame. Dynamics 1 is about -14 dB re full scale.

    Raises
    ------
    ValueError
        For an unknown instrument, curves of different or empty shape, NaN, dynamics outside 0..1,
        pitch that the bank cannot reach, or strokes outside the curves.
    """
    f0_hz, dynamics = _check_curves(instrument, f0_hz, dynamics)

    sample_rate = audio.check_sample_rate(sample_rate)
    strokes = _voiced_runs(f0_hz) if strokes is None else strokes
    if not isinstance(strokes, (list, tuple)) or not all(isinstance(s, Stroke) for s in strokes):
        raise TypeError("strokes: give a list of Stroke(start, stop, attack), or None.")
    rng = np.random.default_rng(arguments.seed(seed))
    hop = BANK_RATE // CONTROL_RATE
    n = len(f0_hz) * hop
    x = np.zeros(n + BANK_RATE, np.float32)
    slurs = {stroke.start for stroke in strokes if not stroke.attack}
    for stroke in strokes:
        span = slice(max(0, stroke.start), stroke.stop)
        if not 0 < stroke.stop - stroke.start == len(f0_hz[span]) or not f0_hz[span].all():
            raise ValueError(f"{stroke} must lie within voiced frames of the {len(f0_hz)} given.")
        into_slur = stroke.stop in slurs
        y = _play_stroke(instrument, f0_hz[span], dynamics[span], stroke.attack, into_slur, rng)
        x[stroke.start * hop : stroke.start * hop + len(y)] += y
    length = round(len(f0_hz) * sample_rate / CONTROL_RATE)
    return audio.resample(x[:n], BANK_RATE, sample_rate)[:length]


def _check_curves(
    instrument: str, f0_hz: np.ndarray, dynamics: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    check_instrument(instrument)
    low, high = _playable_hz(instrument)
    f0_hz = arguments.array(f0_hz, "f0_hz", finite=False).astype(np.float64)
    dynamics = arguments.array(dynamics, "dynamics", finite=False).astype(np.float64)
    if f0_hz.ndim != 1 or f0_hz.shape != dynamics.shape or not len(f0_hz):
        raise ValueError(
            f"f0_hz {f0_hz.shape} and dynamics {dynamics.shape}: give two curves of one shape (n,)."
        )
    if not (np.isfinite(f0_hz).all() and np.isfinite(dynamics).all()):
        raise ValueError("f0_hz or dynamics holds NaN or infinite values; use 0 for silence.")
    if dynamics.min() < 0 or dynamics.max() > 1:
        span = f"{dynamics.min():g} to {dynamics.max():g}"
        raise ValueError(f"dynamics go from {span}; stay in 0..1.")
    voiced = f0_hz[f0_hz != 0]
    if len(voiced) and not (low <= voiced.min() and voiced.max() <= high):
        raise ValueError(
            f"f0_hz goes from {voiced.min():.0f} to {voiced.max():.0f} Hz; the {instrument} plays "
            f"{low:.0f} to {high:.0f} Hz, and 0 is silence."
        )
    return f0_hz, dynamics


@functools.cache
def _sample(name: str) -> np.ndarray:
    return data.load(name)[0]


def _playable_hz(instrument: str) -> tuple[float, float]:
    """Give the lowest and highest pitch that the bank can be bent to: four semitones beyond it."""
    roots = [row["f0_hz"] for row in table()[instrument]]
    return min(roots) * 2 ** (-4 / 12), max(roots) * 2 ** (4 / 12)


def _voiced_runs(f0_hz: np.ndarray) -> list[Stroke]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], f0_hz > 0, [0]]).astype(int)))
    return [Stroke(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _play_stroke(
    instrument: str,
    f0_hz: np.ndarray,
    dynamics: np.ndarray,
    attack: bool,
    into_slur: bool,
    rng: np.random.Generator,
) -> np.ndarray:
    """Play one stroke: the nearest recorded tone, at the speed of the pitch curve.

    Pitch and dynamics of the last frame hold while it rings on: for 0.1 s, or, `into_slur`, while
    the next tone takes over.
    """
    hop, release = BANK_RATE // CONTROL_RATE, int(BANK_RATE * (SLUR_S if into_slur else 0.1))
    center = np.exp(np.log(f0_hz).mean())
    row = min(table()[instrument], key=lambda row: abs(np.log(row["f0_hz"] / center)))
    frame = np.arange(len(f0_hz) * hop + release) / hop
    speed = np.interp(frame, np.arange(len(f0_hz)), f0_hz) / row["f0_hz"]
    position = np.concatenate([[0.0], np.cumsum(speed[:-1])])
    y = _read_between(_endless_tone(row, int(position[-1]) + 4, attack, rng), position)
    seconds = min(ATTACK_S[instrument] if attack else SLUR_S, len(f0_hz) / CONTROL_RATE)
    quarter = np.linspace(0, np.pi / 2, int(BANK_RATE * seconds))
    # two tones of a slur meet at constant power (sine and cosine); alone they begin more softly
    y[: len(quarter)] *= np.sin(quarter) ** (2 if attack else 1)
    y[-release:] *= np.cos(np.linspace(0, np.pi / 2, release)) ** (1 if into_slur else 4)
    d = np.interp(frame, np.arange(len(f0_hz)), dynamics)
    return _brighten(y, d) * SOLO_GAIN * 10 ** ((d - 1) * DYNAMIC_RANGE_DB / 20)


def _read_between(x: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Read `x` at fractional positions >= 0 with Catmull-Rom cubics."""
    whole = position.astype(np.int64)
    t = (position - whole).astype(np.float32)
    before, here, after, later = (x[np.maximum(whole + k, 0)] for k in (-1, 0, 1, 2))
    cubic = 3 * (here - after) + later - before
    square = 2 * before - 5 * here + 4 * after - later
    return here + 0.5 * t * (after - before + t * (square + t * cubic))


def _endless_tone(row: dict, n: int, attack: bool, rng: np.random.Generator) -> np.ndarray:
    """Lengthen a recorded tone to `n` samples without the beat of a loop.

    After its end the tone goes on from a random earlier place, moved within one period to where
    the waveforms agree best, and cross-faded there over 50 ms at constant power.
    """
    x = _sample(f"bank_{row['file'].removesuffix('.flac')}")
    period, fade = int(BANK_RATE / row["f0_hz"]) + 1, BANK_RATE // 20
    latest = len(x) - 2 * fade - period  # start here at the latest, to last for one more fade
    ramp = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    start = 0 if attack else int(rng.integers(row["steady"], latest))
    out = np.zeros(n + len(x), np.float32)
    out[: len(x) - start] = x[start:]
    filled = len(x) - start
    while filled < n:
        start = int(rng.integers(row["steady"], max(row["steady"] + 1, latest - len(x) // 4)))
        tail = out[filled - fade : filled]
        shifted = sliding_window_view(x[start : start + fade + period], fade)
        start += int(np.argmax(shifted @ tail))
        head = x[start : start + fade]
        agreement = tail @ head / np.sqrt((tail @ tail) * (head @ head))
        power = (1 - ramp) ** 2 + ramp**2 + 2 * ramp * (1 - ramp) * agreement
        out[filled - fade : filled] = (tail * (1 - ramp) + head * ramp) / np.sqrt(power)
        rest = x[start + fade :]
        out[filled : filled + len(rest)] = rest
        filled += len(rest)
    return out[:n]


def _brighten(x: np.ndarray, dynamics: np.ndarray) -> np.ndarray:
    """Louder is brighter: partials above 1.7 kHz gain ``20 (dynamics - 0.7)`` dB, from -14 to +6.

    A plausible law, not one measured from a violinist.
    """
    from scipy.signal import firwin, oaconvolve

    taps = firwin(255, 1700, fs=BANK_RATE).astype(np.float32)
    low = oaconvolve(x, taps, mode="same")
    return low + (x - low) * 10 ** (dynamics - 0.7)


def melody(
    instrument: str,
    notes: list[tuple[float | str | None, float]],
    sample_rate: int = audio.SAMPLE_RATE,
    seed: int = 0,
    **how: float,
) -> np.ndarray:
    """Play a typed melody; `notes` and `how` (tempo, dynamics, ...) are those of :func:`line`.

    Returns
    -------
    np.ndarray
        Shape ``(n,)``, float32.
    """
    return render_solo(*(instrument, *line(instrument, notes, seed=seed, **how)), sample_rate, seed)


def note(
    instrument: str,
    pitch: float | str,
    seconds: float = 2.0,
    dynamics: float = 0.7,
    vibrato_cents: float = 0.0,
    sample_rate: int = audio.SAMPLE_RATE,
    seed: int = 0,
) -> np.ndarray:
    """Play one note: `pitch` is a MIDI number (69.5 is between the keys) or a name ("A4").

    A solo instrument sounds at exactly ``440 * 2 ** ((midi - 69) / 12)`` Hz; with `vibrato_cents`
    its pitch swings by so much to both sides, 5.5 times a second. "piano" is played too.

    Returns
    -------
    np.ndarray
        Shape ``(round(seconds * sample_rate),)``, float32.
    """
    midi, seconds = to_midi(pitch), arguments.number(seconds, "seconds", 0.04, 600)
    dynamics = arguments.number(dynamics, "dynamics", 0, 1)
    vibrato_cents = arguments.number(vibrato_cents, "vibrato_cents", 0, 200)
    if arguments.text(instrument, "instrument") == "piano":
        x = render_piano([(0, seconds, midi, 20 + 100 * dynamics)], sample_rate=sample_rate)
        return x[: round(seconds * sample_rate)]
    t = np.arange(round(seconds * CONTROL_RATE)) / CONTROL_RATE
    cents = vibrato_cents * np.sin(2 * np.pi * 5.5 * t)
    f0_hz = 440 * 2 ** ((midi - 69 + cents / 100) / 12)
    return render_solo(instrument, f0_hz, np.full_like(t, dynamics), None, sample_rate, seed)
