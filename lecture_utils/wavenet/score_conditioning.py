"""What a score tells a WaveNet: which piano keys sound, how strongly, and when they are struck.

The network is told nothing about the sound itself: pitch, attack and decay of a piano it has to
know by itself, and the phase it continues from its own past. Used by notebook 03 and by the recipe
``wavenet_score``.
"""

from __future__ import annotations

import numpy as np

from lecture_utils import arguments
from lecture_utils.instruments import piano
from lecture_utils.wavenet.generation import generate
from lecture_utils.wavenet.network import WaveNet

#: The piano WaveNets work at 8 kHz: each layer then reaches twice as far back in time as at
#: 16 kHz, and the same hours of training hear twice as much music.
PIANO_RATE = 8_000

#: Samples a frame of the score stands for: 8 ms.
SCORE_HOP = 64

#: Lowest key of the piano, and how many there are.
LOWEST_KEY, N_KEYS = 21, 88

#: Seconds in which a held key is told to fade to 1/e, and a damped one.
_HELD_S, _DAMPED_S = 1.0, 0.06


def score_frames(
    notes: np.ndarray | list[tuple[float, float, float, float]],
    pedal: np.ndarray | list[tuple[float, float]] = (),
    seconds: float | None = None,
) -> np.ndarray:
    """Turn notes into the conditioning of a WaveNet that plays them.

    Parameters
    ----------
    notes, pedal : array_like
        As :func:`lecture_utils.instruments.piano.render_piano` takes them: rows
        ``(start, stop, midi, velocity)``, and rows ``(down, up)``.
    seconds : float, optional
        Length; by default the notes and 2 s for the last one to fade.

    Returns
    -------
    np.ndarray
        Shape ``(176, frames)``, float32, a frame every 8 ms. Rows 0..87: how strongly a key sounds,
        velocity / 127 at its stroke, then fading. Rows 88..175: velocity / 127 in the frame of a
        stroke, otherwise 0.

    Raises
    ------
    ValueError
        As :func:`lecture_utils.instruments.piano.render_piano`.
    """
    notes, stop = piano.check_notes(notes, pedal)
    seconds = (
        stop.max() + 2 if seconds is None else arguments.number(seconds, "seconds", 0.01, 7200)
    )

    frames = np.zeros((2 * N_KEYS, int(np.ceil(seconds * PIANO_RATE / SCORE_HOP))), np.float32)
    time = (np.arange(frames.shape[1]) + 0.5) * SCORE_HOP / PIANO_RATE
    for (start, _, midi, velocity), end in zip(notes, stop, strict=True):
        key = round(midi) - LOWEST_KEY
        first, last = np.searchsorted(time, (start, end + 8 * _DAMPED_S))
        if first >= len(time):
            continue
        t = time[first:last]
        fading = np.exp(-(t - start) / _HELD_S - np.maximum(0, t - end) / _DAMPED_S)
        frames[key, first:last] = velocity / 127 * fading  # a new stroke replaces the old one
        frames[N_KEYS + key, first] = velocity / 127
    return frames


def play_score(
    model: WaveNet,
    notes: np.ndarray | list[tuple[float, float, float, float]],
    pedal: np.ndarray | list[tuple[float, float]] = (),
    seconds: float | None = None,
    temperature: float = 0.9,
    seed: int | None = 0,
    **how: object,
) -> np.ndarray:
    """Let a WaveNet trained by the recipe ``wavenet_score`` play notes.

    Parameters
    ----------
    model : WaveNet
        With 176 rows of conditioning.
    notes, pedal, seconds
        As of :func:`score_frames`.
    temperature, seed, **how
        As of :func:`lecture_utils.wavenet.generate`.

    Returns
    -------
    np.ndarray
        Sound at :data:`PIANO_RATE`, float32 ``(n,)``.
    """
    frames = score_frames(notes, pedal, seconds)
    return generate(
        model, frames.shape[1] * SCORE_HOP, frames, temperature, seed=seed, **how
    )  # fmt: skip
