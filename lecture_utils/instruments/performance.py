"""Turn notes into playing: expressive solo lines from typed melodies, and endless practice phrases.

What the module ``sampler`` plays is decided here, as curves of pitch and dynamics. Used by
notebooks 03, 08 and 09, and for the training sets.
"""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple

import numpy as np

from lecture_utils import arguments

#: Control values a second.
CONTROL_RATE = 250


class Instrument(NamedTuple):
    """Range of an instrument (MIDI) and its widest vibrato (cents)."""

    low: int
    high: int
    vibrato_cents: float


#: The solo instruments of the sample bank.
INSTRUMENTS = {
    "violin": Instrument(55, 91, 28.0),
    "flute": Instrument(60, 91, 18.0),
    "cello": Instrument(36, 69, 22.0),
}


class Stroke(NamedTuple):
    """One bow stroke or breath: control frames [start, stop); without attack it joins the last."""

    start: int
    stop: int
    attack: bool = True


class Note(NamedTuple):
    """A note to be performed: times in seconds, pitch as MIDI number, and how it is played."""

    start: float
    stop: float
    midi: float
    dynamics: float = 0.7
    slurred: bool = False
    vibrato_cents: float = 15.0
    swell: float = 0.0


class Line(NamedTuple):
    """A solo line: ``f0_hz`` and ``dynamics`` (both ``(frames,)``, 250 Hz) and its strokes."""

    f0_hz: np.ndarray
    dynamics: np.ndarray
    strokes: list[Stroke]


def check_instrument(instrument: str) -> None:
    """Raise ValueError, with the nearest name, unless the bank has this solo instrument."""
    if arguments.text(instrument, "instrument") not in INSTRUMENTS:
        near = difflib.get_close_matches(str(instrument), INSTRUMENTS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(INSTRUMENTS)}."
        raise ValueError(f"No solo instrument {instrument!r}; {hint}")


def to_midi(pitch: float | str) -> float:
    """Return the MIDI number of a pitch: a number as it is, or a name such as "A4", "C#5", "Bb3".

    Raises
    ------
    ValueError
        If it is neither.
    """
    name = re.fullmatch(r"([A-G])([#b]?)(-?\d)", pitch.strip()) if isinstance(pitch, str) else None
    if name:
        step = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[1]]
        return 12.0 * (int(name[3]) + 1) + step + {"": 0, "#": 1, "b": -1}[name[2]]
    is_number = isinstance(pitch, (int, float, np.integer, np.floating))
    if is_number and not isinstance(pitch, bool) and 0 <= pitch <= 127:
        return float(pitch)
    raise ValueError(
        f"{arguments.shown(pitch)} is no pitch; give a MIDI number (69) or a name (A4, C#5, Bb3)."
    )


def perform(notes: list[Note], seconds: float, instrument: str, seed: int = 0) -> Line:
    """Turn notes into an expressive line: glides, late vibrato, swells, a drifting pitch.

    Parameters
    ----------
    notes : list of Note
        In time order, at most one at a time.
    seconds : float
        Length of the line.
    instrument : str
        A vibrato wider than the instrument's is held to it.
    seed : int
        Of vibrato rates, intonation and glides.

    Returns
    -------
    Line
        With ``round(seconds * 250)`` frames.
    """
    from scipy.ndimage import uniform_filter1d

    check_instrument(instrument)

    rng = np.random.default_rng(arguments.seed(seed))
    n = round(arguments.number(seconds, "seconds", 0.04, 7200) * CONTROL_RATE)
    drift = _drift_cents(n, rng)
    midi, dynamics, strokes, last = np.zeros(n), np.zeros(n), [], None
    for k, note in enumerate(notes):
        numbers = [note.start, note.stop, note.midi, note.dynamics, note.vibrato_cents, note.swell]
        begins = notes[k - 1].stop if k else 0
        if not np.isfinite(numbers).all() or not begins <= note.start < note.stop:
            raise ValueError(f"note {k}, {note}: give finite numbers, and notes one after another.")
        a, b = (min(n, round(t * CONTROL_RATE)) for t in (note.start, note.stop))
        if b - a < 10:  # shorter than 40 ms: not to be played
            continue
        slurred = note.slurred and last is not None and strokes[-1].stop == a
        interval = note.midi - last.midi if slurred else 0.0
        midi[a:b], dynamics[a:b] = _shape(note, b - a, interval, instrument, rng)
        midi[a:b] += drift[a:b] / 100
        if slurred and abs(interval) <= 2 and rng.random() < 0.45:
            strokes[-1] = strokes[-1]._replace(stop=b)  # the finger moves, the bow does not
        else:
            strokes.append(Stroke(a, b, attack=not slurred))
        last = note
    voiced = midi > 0
    f0_hz = np.where(voiced, 440 * 2 ** ((midi - 69) / 12), 0)
    weight = uniform_filter1d(voiced.astype(float), 9)  # smooth over 36 ms, silence left out
    smooth = uniform_filter1d(np.where(voiced, dynamics, 0), 9) / np.maximum(weight, 1e-9)
    return Line(f0_hz, np.where(voiced, np.clip(smooth, 0.05, 1), 0), strokes)


def _drift_cents(n: int, rng: np.random.Generator) -> np.ndarray:
    """Slow wandering of the intonation: a random walk without its slowest part (2 s)."""
    from scipy.ndimage import uniform_filter1d

    walk = np.cumsum(rng.normal(0, 0.35, n))
    return walk - uniform_filter1d(walk, 500)


def _shape(
    note: Note, n: int, interval: float, instrument: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Give one note its pitch (MIDI) and dynamics, both ``(n,)`` frames."""
    from scipy.special import expit

    t = np.arange(n) / CONTROL_RATE
    depth = min(note.vibrato_cents, INSTRUMENTS[instrument].vibrato_cents)
    onset = np.clip((t - 0.12) / 0.3, 0, 1)
    beat = onset * np.sin(2 * np.pi * rng.uniform(4.8, 6.6) * t)
    midi = note.midi + rng.normal(0, 0.04) + depth / 100 * beat
    glide = rng.uniform(0.03, 0.1)
    if rng.random() < 0.5:  # slide into half of the slurred notes
        midi -= interval * expit(9 * (0.5 - t / glide))
    dynamics = note.dynamics * (1 + note.swell * np.linspace(-1, 1, n))
    return midi, dynamics + 0.0012 * depth * beat


def line(
    instrument: str,
    notes: list[tuple[float | str | None, float]],
    tempo: float = 90.0,
    dynamics: float = 0.7,
    vibrato_cents: float = 20.0,
    slurred: bool = True,
    seed: int = 0,
) -> Line:
    """Make an expressive line of a typed melody.

    Parameters
    ----------
    instrument : str
        "violin", "flute" or "cello".
    notes : list of (pitch, beats)
        MIDI numbers or names, and None for a rest: ``[("A4", 1), (72, 2), (None, 1)]``.
    tempo : float
        Beats a minute.
    dynamics : float
        0..1; the line swells to it in the middle.
    vibrato_cents : float
        Half the width of the vibrato.
    slurred : bool
        Notes in one bow, or each with its own.
    seed : int
        Of intonation, vibrato and glides.

    Returns
    -------
    Line
        For :func:`lecture_utils.instruments.sampler.render_solo`, or for a synthesiser to compare
        it with.

    Raises
    ------
    ValueError
        If there is no note, or one that the instrument does not play, or the tempo is not positive.
    """
    check_instrument(instrument)
    tempo = arguments.number(tempo, "tempo", 1, 1000)
    dynamics = arguments.number(dynamics, "dynamics", 0, 1)
    vibrato_cents = arguments.number(vibrato_cents, "vibrato_cents", 0, 200)
    _check_melody(notes)

    seconds = sum(beats for _, beats in notes) * 60 / tempo
    played, t = [], 0.0
    for pitch, beats in notes:
        length = beats * 60 / tempo
        if not 0.06 <= length <= 60:
            raise ValueError(f"A note of {beats:g} beats lasts {length:g} s; give 0.06 to 60 s.")
        if pitch is not None:
            loud = dynamics * (0.85 + 0.15 * np.sin(np.pi * (t + length / 2) / seconds))
            stop = t + length * (1.0 if slurred else 0.88)
            played.append(Note(t, stop, to_midi(pitch), loud, slurred, vibrato_cents))
        t += length
    return perform(played, seconds, instrument, seed)


def _check_melody(notes: list[tuple[float | str | None, float]]) -> None:
    is_list = isinstance(notes, (list, tuple))
    if not is_list or not all(isinstance(n, (list, tuple)) and len(n) == 2 for n in notes):
        raise TypeError('notes: give a list of (pitch, beats), for example [("A4", 1), (72, 2)].')
    for _, beats in notes:
        arguments.number(beats, "beats")
    if not any(pitch is not None for pitch, _ in notes):
        raise ValueError("notes: a melody needs at least one note (pitch, beats).")


#: Scales (semitones) and rhythms (beats) from which :func:`phrases` draws.
_SCALES = [(0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 7, 9)]
_RHYTHMS = [
    (1, 1, 1, 1), (1, 0.5, 0.5, 1, 1), (1.5, 0.5, 1, 1), (2, 1, 1), (0.5, 0.5, 0.5, 0.5, 1, 1),
    (3, 1), (4,), (0.5, 0.5, 1, 0.5, 0.5, 1), (0.25, 0.25, 0.5, 1, 2), (0.25,) * 4 + (0.5, 0.5, 2),
]  # fmt: skip


def phrases(minutes: float, instrument: str = "violin", seed: int = 0) -> Line:
    """Make up practice phrases: random walks on scales, played in many ways.

    Legato, detached, mixed and short; tempo 56 to 138; soft to loud; one phrase in ten is of long
    swelling tones. They cover the range of the instrument, and mean nothing as music.

    Parameters
    ----------
    minutes : float
        Length, 0.2 to 120.
    instrument : str
        "violin", "flute" or "cello".
    seed : int
        Decides everything.

    Returns
    -------
    Line
        With ``round(minutes * 60 * 250)`` frames.
    """
    check_instrument(instrument)
    minutes = arguments.number(minutes, "minutes", 0.2, 120)

    rng = np.random.default_rng(arguments.seed(seed))
    notes, t = [], 0.25
    while t < 60 * minutes - 4:
        make = _long_tones if rng.random() < 0.1 else _phrase
        notes += make(t, instrument, rng)
        t = notes[-1].stop + rng.choice([0.15, 0.35, 0.7, 1.2], p=[0.5, 0.3, 0.15, 0.05])
    return perform(notes, 60 * minutes, instrument, seed)


def _long_tones(t: float, instrument: str, rng: np.random.Generator) -> list[Note]:
    low, high, vibrato = INSTRUMENTS[instrument]
    notes = []
    for _ in range(2):
        stop = t + rng.uniform(2, 5)
        midi, swell = rng.integers(low, high + 1), rng.uniform(-0.75, 0.75)
        notes.append(Note(t, stop, midi, 0.55, False, rng.uniform(0, vibrato), swell))
        t = stop + 0.1
    return notes


def _phrase(t: float, instrument: str, rng: np.random.Generator) -> list[Note]:
    """Walk along a scale within two octaves, for two to four rhythms, to a long last note."""
    low, high, vibrato = INSTRUMENTS[instrument]
    key, scale = rng.integers(12), _SCALES[rng.integers(len(_SCALES))]
    ladder = [m for m in range(low, high + 1) if (m - key) % 12 in scale]
    bottom = rng.integers(0, len(ladder) - 5)
    top = min(len(ladder) - 1, bottom + rng.integers(5, 15))
    beats = [b for _ in range(rng.integers(2, 5)) for b in _RHYTHMS[rng.integers(len(_RHYTHMS))]]
    beats[-1] = rng.integers(2, 5)
    style = rng.choice(["legato", "detached", "mixed", "short"], p=[0.4, 0.25, 0.25, 0.1])
    beat_s, base, arch = 60 / rng.uniform(56, 138), rng.uniform(0.25, 0.9), rng.uniform(-0.2, 0.4)
    step, direction, notes, gapless = rng.integers(bottom, top + 1), rng.choice([-1, 1]), [], False
    for k, length in enumerate(beats):
        move = direction * rng.choice([0, 1, 2, 3, 4, 5], p=[0.06, 0.56, 0.2, 0.06, 0.06, 0.06])
        if rng.random() < 0.28:
            direction = -direction
        step = step + move if bottom <= step + move <= top else np.clip(step - move, bottom, top)
        seconds = length * beat_s * (1 + 0.02 * rng.normal())
        legato = style == "legato" or (style == "mixed" and rng.random() < 0.5)
        gate = 1.0 if legato else 0.45 if style == "short" else 0.88
        dynamics = base + arch * np.sin(np.pi * k / len(beats)) + 0.05 * rng.normal()
        depth = rng.uniform(0, vibrato) if seconds > 0.28 and rng.random() < 0.85 else 0.0
        swell = rng.normal(0, 0.18) if length < 3 else rng.uniform(-0.5, 0.5)
        stop = t + gate * seconds
        notes.append(Note(t, stop, ladder[step], dynamics, gapless, depth, swell))
        t, gapless = t + seconds, legato
    return notes
