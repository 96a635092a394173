"""Play and draw a piano roll: the sample bank's instruments, a plucked string, recorded drums.

Gains are fixed, so that a melody is heard above its band and no track changes the level of another;
strength is the same for all notes (a roll has none). Used by notebooks 00, 01 and
02, through :mod:`lecture_utils.pianoroll`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import audio, data, doors, sampler

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lecture_utils.pianoroll import PianoRoll

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


def check_roll(roll: PianoRoll) -> None:
    """Raise TypeError, with what to do, for an array or anything else that is no roll."""
    if not hasattr(roll, "notes"):
        raise TypeError(f"roll: this is {type(roll).__name__}; make a pianoroll.PianoRoll of it.")


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
    return sampler.render_piano([(0, seconds, key, 85)], sample_rate=sample_rate) * _GAINS["piano"]


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


def draw(
    roll: PianoRoll,
    ax: Axes | None = None,
    title: str = "",
    labels: tuple[str, ...] = (),
    keys: tuple[int, int] | None = None,
) -> Axes:
    """Draw a roll: a bar for each note, a colour for each track, bar lines every four beats.

    Parameters
    ----------
    roll : PianoRoll
        What to draw.
    ax, title
        Where, and what it is called.
    labels : tuple of str
        A name for each track, for a legend.
    keys : tuple of int, optional
        Lowest and highest key of the axis, to draw several rolls on one scale; by default those of
        this roll.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `roll` is none, or `keys` are not two MIDI numbers, the lower one first.
    """
    from matplotlib.patches import Patch

    from lecture_utils import plot

    check_roll(roll)
    ax = plot.subplots()[1] if ax is None else ax
    rows, per_bar = roll.notes(), 4 * roll.steps_per_beat
    heard = (rows[:, 3].min(), rows[:, 3].max()) if len(rows) else (60, 72)
    low, high = heard if keys is None else _ends(keys)
    thick = max(0.9, (high - low) / 50)  # with many keys on the axis, bars still are seen
    for track in range(len(roll.programs)):
        _, start, stop, pitch = rows[rows[:, 0] == track].T
        ax.barh(
            pitch, (stop - start) / per_bar, left=1 + start / per_bar, height=thick,
            color=plot.COLOURS[track % len(plot.COLOURS)], edgecolor="white", linewidth=0.7,
        )  # fmt: skip
    bars = int(np.ceil(roll.steps / per_bar))
    ax.set_xticks(np.arange(1, bars + 2, max(1, bars // 16)))
    named = range(low - 2, high + 3) if high - low <= 18 else range(0, 128, 12)
    named = [key for key in named if key % 12 in (0, 2, 4, 7, 9)]
    ax.set_yticks(named, [f"{'C.D.E..G.A'[key % 12]}{key // 12 - 1}" for key in named])
    ax.set(xlim=(1, 1 + roll.steps / per_bar), ylim=(low - 2, high + 2))
    ax.set(xlabel="bar", ylabel="key", title=title)
    ax.grid(alpha=0.3)
    ax.set_axisbelow(True)
    if labels:
        patches = [Patch(color=c, label=n) for c, n in zip(plot.COLOURS, labels, strict=False)]
        ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        if ax.figure.get_layout_engine() is None:  # else it makes room for the names by itself
            ax.figure.subplots_adjust(right=min(0.87, ax.figure.subplotpars.right))
    return ax


def _ends(keys: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(keys, (tuple, list)) or len(keys) != 2:
        raise TypeError(f"keys={doors.shown(keys)}: give the lowest and the highest key.")
    low = doors.number(keys[0], "keys[0]", 0, 127, whole=True)
    return low, doors.number(keys[1], "keys[1]", low, 127, whole=True)
