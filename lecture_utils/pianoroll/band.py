"""Play a piano roll: the sample bank's instruments, a plucked string, recorded drums.

Gains are fixed, so that a melody is heard above its band and no track changes the level of another;
strength is the same for all notes (a roll has none). Used by notebooks 00, 01 and
02, through :mod:`lecture_utils.pianoroll`.
"""

from __future__ import annotations

import functools

import numpy as np

from lecture_utils import audio, data
from lecture_utils.instruments import piano, sampler
from lecture_utils.pianoroll.roll import PianoRoll, check_roll

#: Keys of the General MIDI drum kit and the recorded clip that plays them; others are toms.
_KIT = {
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "cymbal_closed": (42, 44, 51, 53, 54, 59, 69, 70, 82),
    "cymbal_open": (46, 49, 52),
    "splash": (55, 57),
}
_CLIP = {key: clip for clip, keys in _KIT.items() for key in keys}

#: Gain of each family of instruments, chosen so that the tracks of a song lie within 3 LU of each
#: other and a melody on the flute lies on top.
_GAINS = {"drums": 0.2, "piano": 1.5, "pluck": 0.4, "bass": 0.55, "bowed": 1.1, "flute": 1.9}

#: Samples above the first are rounded off towards the second, so that a dense roll never clips.
_KNEE, _CEILING = 0.8, 0.98


def play(roll: PianoRoll, sample_rate: int = audio.SAMPLE_RATE) -> np.ndarray:
    """Play a roll.

    Guitars (programs 24..31) and basses (32..39) are plucked strings, 40..71 bowed ones (cello,
    violin), 72..79 a flute, everything else a piano.

    Parameters
    ----------
    roll : PianoRoll
        What to play.
    sample_rate : int
        In Hz.

    Returns
    -------
    np.ndarray
        Shape ``(n,)``, float32: the roll's length and one second to ring out.
    """
    check_roll(roll)

    sample_rate = audio.check_sample_rate(sample_rate)
    step = 60 / roll.tempo / roll.steps_per_beat
    x = np.zeros(round((roll.seconds + 1.0) * sample_rate), np.float32)
    for track, start, stop, pitch in roll.notes().tolist():
        y = _note(
            _family(roll.programs[track]), pitch, round((stop - start) * step, 4), sample_rate
        )
        begin = round(start * step * sample_rate)
        y = y[: len(x) - begin]
        x[begin : begin + len(y)] += y
    fade = sample_rate // 20  # a cymbal may ring longer than the roll
    x[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    size, room = np.abs(x), _CEILING - _KNEE
    rounded = np.sign(x) * (_KNEE + room * np.tanh((size - _KNEE) / room))
    return np.where(size > _KNEE, rounded, x).astype(np.float32)


def _family(program: int) -> str:
    if program >= 128:
        return "drums"
    families = {24: "piano", 32: "pluck", 40: "bass", 72: "bowed", 80: "flute"}
    return next((name for end, name in families.items() if program < end), "piano")


@functools.lru_cache(maxsize=1024)
def _note(family: str, pitch: int, seconds: float, sample_rate: int) -> np.ndarray:
    if family == "drums":
        x = data.load(_CLIP.get(pitch, "tom"), sample_rate)[0]
        return x * _GAINS["drums"] / np.abs(x).max()
    if family in ("pluck", "bass") and pitch <= 100:  # higher, the delay is too short to tune
        return _pluck(pitch, seconds, sample_rate) * _GAINS[family]
    solo = {"flute": ("flute", 60, 91), "bowed": ("cello" if pitch < 60 else "violin", 36, 91)}
    if family in solo and solo[family][1] <= pitch <= solo[family][2] and seconds >= 0.05:
        x = sampler.note(solo[family][0], pitch, seconds, 0.6, sample_rate=sample_rate)
        fade = min(len(x), sample_rate // 25)
        x[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        return x * _GAINS[family]
    key = min(max(pitch, 21), 108)  # beyond the keyboard the last key sounds
    return piano.render_piano([(0, seconds, key, 85)], sample_rate=sample_rate) * _GAINS["piano"]


def _pluck(pitch: int, seconds: float, sample_rate: int) -> np.ndarray:
    """Pluck a string: noise runs round a delay that darkens it (Karplus and Strong, 1983)."""
    from scipy.signal import lfilter

    period = sample_rate / (440 * 2 ** ((pitch - 69) / 12)) - 0.5  # the mean below waits half
    whole, part = int(period), period - int(period)
    n = round((seconds + 0.15) * sample_rate)
    burst, length = np.zeros(n), min(n, whole + 1)
    noise = np.random.default_rng(pitch).uniform(-1, 1, length)
    noise = lfilter([0.16], [1, -1.2, 0.36], noise)  # a finger, no nail: less of the highs
    burst[:length] = noise - noise.mean()  # a constant would go round for long, unheard
    loop = np.zeros(whole + 3)
    loop[0] = 1
    loss = 10 ** (-3 * period / sample_rate / 2.5)  # 60 dB in 2.5 s
    loop[whole:] -= loss * np.convolve([1 - part, part], [0.5, 0.5])
    x = lfilter([1.0], loop, burst)
    held = min(n, round(seconds * sample_rate))
    x[held:] *= np.exp(-np.arange(n - held) / (0.03 * sample_rate))
    level = np.sqrt(np.mean(x[: sample_rate // 10] ** 2))
    return (0.12 * x / max(level, np.abs(x).max() / 5)).astype(np.float32)
