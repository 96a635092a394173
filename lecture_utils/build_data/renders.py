"""Render what nobody recorded: the motif, the held-out tests, the training sets, the voices.

Part of ``make data``; the training sets are rendered when they are first asked for, see
:func:`lecture_utils.build_data.training_sets.training_set`. Seeds and pieces of tests and training
never meet.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter

from lecture_utils import audio, data, pianoroll
from lecture_utils.build_data.manifest import refresh_manifest
from lecture_utils.instruments import performance as playing
from lecture_utils.instruments import piano, sampler, score
from lecture_utils.instruments.performance import CONTROL_RATE, Line, Note

RATE = 16_000

#: Raise it when the sound of a training set changes: cached ones of before are then left alone.
RECIPE = 2

#: "Greensleeves" (16th century), first phrase: beats, MIDI, dynamics, slurred, vibrato, swell.
MOTIF = [
    (1.0, 69, 0.68, False, 8, 0.10),
    (2.0, 72, 0.80, False, 18, 0.10),
    (1.0, 74, 0.84, True, 8, 0.05),
    (1.5, 76, 0.95, False, 24, 0.04),
    (0.5, 78, 0.86, True, 0, 0.00),
    (1.0, 76, 0.86, True, 14, -0.05),
    (2.0, 74, 0.86, False, 22, -0.06),
    (3.0, 71, 0.78, True, 26, -0.30),
]
MOTIF_SEED, TEST_SEED, TRAINING_SEED = 16, 1000, 1

#: Pieces kept out of training, with the seconds of them in the piano test.
PIANO_TEST = {"maple_leaf_rag": 45.0, "gymnopedie_no1": 35.0}
_WITH_PEDAL = {"gymnopedie_no1", "arabesque_no1", "bethena"}


def motif() -> tuple[np.ndarray, Line]:
    """Play the course's violin phrase: sound at 16 kHz, 4.2 s, and its line."""
    notes, t = [], 0.06
    for beats, midi, dynamics, slurred, vibrato, swell in MOTIF:
        stop = t + 0.335 * beats
        notes.append(Note(t, stop, midi, dynamics, slurred, vibrato, swell))
        t = stop
    line = playing.perform(notes, 4.2, "violin", MOTIF_SEED)
    return sampler.render_solo("violin", *line, RATE, MOTIF_SEED), line


def violin_test() -> tuple[np.ndarray, Line]:
    """Play one minute of practice phrases that no training set holds."""
    line = playing.phrases(1.0, "violin", TEST_SEED)
    return sampler.render_solo("violin", *line, RATE, TEST_SEED), line


def solo_training(instrument: str, minutes: float = 12.0) -> tuple[np.ndarray, Line]:
    """Play practice phrases to learn from."""
    line = playing.phrases(minutes, instrument, TRAINING_SEED)
    return sampler.render_solo(instrument, *line, RATE, TRAINING_SEED), line


def piano_test() -> np.ndarray:
    """Play the beginnings of the two pieces that no training set holds."""
    return np.concatenate([_play(n, TEST_SEED)[: int(s * RATE)] for n, s in PIANO_TEST.items()])


def piano_training() -> np.ndarray:
    """Play the other scores twice: as written, then by another seed, transposed, at other tempi."""
    return np.concatenate([piano.render_piano(*played, RATE) for played in piano_performances()])


def piano_performances(n_times: int = 2) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give notes and pedal of what :func:`piano_training` plays, as a sampler takes them.

    Each score is played `n_times`, the first time as written.
    """
    pieces = [n for n in data.names("score") if n not in PIANO_TEST]
    played = [_performance(n, TRAINING_SEED) for n in pieces]
    for time in range(1, n_times):
        for k, name in enumerate(pieces):
            moved = {
                "tempo": 0.94 + 0.03 * ((k + 2 * (time - 1)) % len(pieces)),
                "transpose": (-3, 2, 4, -2)[(k + time - 1) % 4],
            }
            played.append(_performance(name, TRAINING_SEED + time, **moved))
    return played


def _play(name: str, seed: int) -> np.ndarray:
    return piano.render_piano(*_performance(name, seed), RATE)


def _performance(name: str, seed: int, **how: float) -> tuple[np.ndarray, np.ndarray]:
    written = score.read_midi(data.path(name))
    return score.humanise(written, seed, pedal=name in _WITH_PEDAL, **how)


def band_phrases(part: str, n_phrases: int) -> np.ndarray:
    """Play phrases of the rolls' corpus, spread evenly over it, one after the other.

    Parameters
    ----------
    part : str
        "train", or "test" for songs that nothing learns from.
    n_phrases : int
        Of four bars each.
    """
    cells, _ = pianoroll.corpus(part)
    chosen = cells[np.linspace(0, len(cells) - 1, n_phrases).astype(int)]
    programs = tuple(pianoroll.BAND.values())
    return np.concatenate(
        [pianoroll.play(pianoroll.PianoRoll(phrase, programs=programs), RATE) for phrase in chosen]
    )


def band_training() -> np.ndarray:
    """Play 60 phrases to learn from."""
    return band_phrases("train", 60)


#: Chords of :func:`piano_practice` in semitones above their root, and scales for its lines.
_CHORDS = [(0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 4, 7, 11), (0, 5, 7)]
_STEPS = [(0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9)]

#: What :func:`piano_practice` is made of.
PRACTICE = ("tones", "line", "broken", "song")


def piano_practice(
    minutes: float, seed: int = TRAINING_SEED, kinds: tuple[str, ...] = PRACTICE
) -> np.ndarray:
    """Make up slow piano music: single tones, lines, broken chords, a line over chords.

    It covers all keys, soft and loud, and means nothing as music. A small network meets few notes
    at once here, before it meets a ragtime.

    Parameters
    ----------
    minutes : float
        Length.
    seed : int
        Decides everything.
    kinds : tuple of str
        Of :data:`PRACTICE`.

    Returns
    -------
    np.ndarray
        Rows ``(start, stop, midi, velocity)`` in order of their start, for
        :func:`lecture_utils.instruments.piano.render_piano`.
    """
    rng, notes, t = np.random.default_rng(seed), [], 0.2
    while t < 60 * minutes - 8:
        beat, loud = rng.uniform(0.25, 0.9), rng.uniform(35, 105)
        root, chord, scale = rng.integers(33, 60), rng.choice(len(_CHORDS)), rng.choice(len(_STEPS))
        kind, n_beats = rng.choice(kinds), int(rng.integers(6, 13))
        degree = int(rng.integers(0, 8))
        for k in range(n_beats):
            now, played = t + k * beat, []  # of (delay in beats, beats, key)
            if kind == "tones":
                played = [(0, rng.uniform(0.5, 1), rng.integers(24, 103))]
            if kind in ("line", "song"):
                degree = int(np.clip(degree + rng.integers(-3, 4), -3, 14))
                step = _STEPS[scale]
                octave, place = divmod(degree, len(step))
                played = [(0, rng.uniform(0.6, 1), root + 19 + 12 * octave + step[place])]
            if kind == "broken":
                tones = [root + o + s for o in (0, 12) for s in _CHORDS[chord]]
                played = [(j / 2, 0.9, tones[(2 * k + j) % len(tones)]) for j in range(2)]
            if kind == "song" and k % 2 == 0:
                if k % 4 == 0:
                    root = root + int(rng.choice([-5, -2, 0, 2, 5])) if 38 < root < 55 else 45
                    chord = rng.choice(len(_CHORDS))
                tones = [root] if k % 4 == 0 else [root + 12 + s for s in _CHORDS[chord]]
                played += [(0, 1.8, key) for key in tones]
            for delay, beats, key in played:
                start = now + delay * beat + abs(rng.normal(0, 0.006))
                velocity = np.clip(loud + rng.normal(0, 6), 20, 120)
                notes.append((start, start + beats * beat, int(np.clip(key, 21, 108)), velocity))
        t += n_beats * beat + rng.uniform(0.1, 0.8)
    return np.array(sorted(notes))


#: The voices' tunes: (MIDI, beats); "Ode to Joy" (Beethoven) and "Amazing Grace" (traditional).
_ODE = [(64, 1), (64, 1), (65, 1), (67, 1), (67, 1), (65, 1), (64, 1), (62, 1), (60, 1), (60, 1),
        (62, 1), (64, 1), (64, 1.5), (62, 0.5), (62, 2)]  # fmt: skip
_GRACE = [(55, 1), (60, 2), (64, 0.5), (60, 0.5), (64, 2), (62, 1), (60, 2), (57, 1), (55, 2)]

#: Voice -> tune, semitones by which it is moved, formants as (Hz, bandwidth in Hz, gain).
#: They are made at 64 kHz, so that the pulse's partials above 8 kHz do not fold back.
VOICE_RATE = 64_000
VOICES = {
    "hum": (_ODE, -3, [(250, 60, 1), (1100, 260, 0.05), (2200, 300, 0.02)]),
    "ah": (_GRACE, 2, [(730, 90, 1), (1090, 110, 0.8), (2440, 160, 0.35), (3400, 220, 0.2)]),
    "whistle": (_ODE, 24, []),
}


def voice(name: str) -> tuple[np.ndarray, Line]:
    """Synthesise an amateur's humming, singing or whistling: no recording, the pitch exact.

    A pulse from the vocal folds with some breath goes through resonances (the formants); a whistle
    is a sine with breath.

    Returns
    -------
    x : np.ndarray
        Shape ``(n,)``, float32, 16 kHz, at -20 dB re full scale.
    line : Line
        Its pitch and dynamics.
    """
    tune, transpose, formants = VOICES[name]
    notes = [(midi + transpose, beats) for midi, beats in tune]
    line = sampler.line("violin", notes, tempo=92, vibrato_cents=25, slurred=False, seed=3)
    n = len(line.f0_hz) * VOICE_RATE // CONTROL_RATE
    frame = np.arange(n) * CONTROL_RATE / VOICE_RATE
    voiced = np.flatnonzero(line.f0_hz)
    phase = np.cumsum(np.interp(frame, voiced, line.f0_hz[voiced]) / VOICE_RATE)
    breath = np.random.default_rng(3).standard_normal(n)
    if formants:
        pulse = np.diff(_glottal_flow(phase % 1), prepend=0) + 0.002 * breath
        x = sum(gain * _resonate(pulse, *formant) for *formant, gain in formants)
    else:
        x = np.sin(2 * np.pi * phase) + 0.04 * lfilter([0.05], [1, -0.95], breath)
    gain = np.interp(frame, np.arange(len(line.dynamics)), line.dynamics)
    x = x * uniform_filter1d(uniform_filter1d(gain, VOICE_RATE // 30), VOICE_RATE // 30)
    return audio.resample(0.1 * x / np.sqrt(np.mean(x**2)), VOICE_RATE, RATE), line


def _glottal_flow(phase: np.ndarray) -> np.ndarray:
    """Air through the vocal folds over one period: they open slowly and close fast (Rosenberg)."""
    opening = 0.5 - 0.5 * np.cos(np.pi * phase / 0.45)
    closing = np.cos(np.pi / 2 * (phase - 0.45) / 0.15)
    return np.where(phase < 0.45, opening, np.where(phase < 0.6, closing, 0))


def _resonate(x: np.ndarray, frequency: float, bandwidth: float) -> np.ndarray:
    """Pass `x` through one resonance with gain 1 at its peak (roughly)."""
    r = np.exp(-np.pi * bandwidth / VOICE_RATE)
    angle = 2 * np.pi * frequency / VOICE_RATE
    return lfilter([(1 - r) * 2 * np.sin(angle)], [1, -2 * r * np.cos(angle), r * r], x)


def build_renders() -> None:
    """Render the motif, the held-out sets of violin and piano, and the voices."""
    refresh_manifest()  # the sampler refuses a bank that is not the listed one
    _write_line("test/motif", *motif())
    _write_line("test/violin_test", *violin_test())
    audio.write(data.ROOT / "test/piano_test.flac", piano_test(), 16_000)
    for name in VOICES:
        _write_line(f"voices/{name}", *voice(name))


def _write_line(name: str, x: np.ndarray, line: Line) -> None:
    audio.write(data.ROOT / f"{name}.flac", x, 16_000)
    save_curves(data.ROOT / name, line)


def save_curves(stem: Path, line: Line) -> None:
    """Write the pitch and the dynamics of a line beside its sound."""
    np.save(f"{stem}_f0.npy", line.f0_hz.astype(np.float32))
    np.save(f"{stem}_dynamics.npy", line.dynamics.astype(np.float32))
