"""A sung or played tune becomes notes: from its curves of pitch and loudness. Notebook 08."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from lecture_utils import arguments
from lecture_utils.pianoroll.roll import PianoRoll, from_notes

#: Steps a beat and beats a minute of a roll of sung notes: 25 ms a step, no beat is looked for.
STEPS_PER_BEAT, TEMPO = 20, 120.0

#: Price of a new note, of a semitone of distance, and of a rest where there is a pitch, per frame.
_NEW, _SEMITONE, _REST = 30.0, 3.0, 3.0
_SHORTEST = 0.08  # seconds
_DIP_DB, _GAP_DB = 6.0, 12.0  # between two strokes of one key; between two notes


def from_pitch(
    f0_hz: np.ndarray, loudness_db: np.ndarray, frame_rate: float = 250.0, program: int = 0
) -> PianoRoll:
    """Turn a melody's pitch and loudness into notes.

    Of all ways through the keys and rests the cheapest is taken (Viterbi): being off a key costs,
    and so does every new note. The keys lie where the singer's tuning is. A key sounds anew where
    the loudness dips by 6 dB.

    Parameters
    ----------
    f0_hz, loudness_db : np.ndarray
        As from :func:`lecture_utils.ddsp.f0` and :func:`lecture_utils.ddsp.loudness`,
        ``(frames,)``; the longer is cut. f0 is 0 or NaN where there is no pitch.
    frame_rate : float
        Frames a second.
    program : int
        Who plays the roll.

    Returns
    -------
    PianoRoll
        One track, 25 ms a step, keys 0 to 127.

    Raises
    ------
    ValueError
        If there is no pitch, or no note of 80 ms or more.
    """
    f0_hz = np.nan_to_num(arguments.array(f0_hz, "f0_hz", ("frames",), finite=False))
    loudness_db = arguments.array(loudness_db, "loudness_db", ("frames",))
    frame_rate = arguments.number(frame_rate, "frame_rate", 20, 2000)
    n = min(len(f0_hz), len(loudness_db))
    f0_hz, loudness_db, pitched = f0_hz[:n], loudness_db[:n], f0_hz[:n] > 0
    if not pitched.any():
        raise ValueError("f0_hz: no pitch in it; take one voice that hums, sings or whistles.")

    # trackers hold a pitch through short gaps: there the level is far below its neighbourhood's
    reach = 2 * round(0.2 * frame_rate) + 1
    pitched &= loudness_db > maximum_filter1d(loudness_db, reach) - _GAP_DB
    midi = 69 + 12 * np.log2(np.maximum(f0_hz, 1) / 440)
    level = uniform_filter1d(midi[pitched], round(0.2 * frame_rate))  # without vibrato
    tuning = np.angle(np.exp(2j * np.pi * level).mean()) / (2 * np.pi)
    keys = _cheapest_way(midi - tuning, pitched, 250 / frame_rate)
    step_s, notes = 60 / TEMPO / STEPS_PER_BEAT, []
    edges = np.flatnonzero(np.diff(keys, prepend=-1, append=-1))
    for start, stop in itertools.pairwise(edges):
        if keys[start] < 0:
            continue
        cuts = [start, *_dips(loudness_db[start:stop], start, round(0.1 * frame_rate)), stop]
        for a, b in itertools.pairwise(cuts):
            sounding = a + np.flatnonzero(pitched[a:b])
            if len(sounding) >= _SHORTEST * frame_rate:
                ends = sounding[0], sounding[-1] + 1
                first, last = (round(k / frame_rate / step_s) for k in ends)
                notes.append((0, first, max(first + 1, last), int(keys[start])))
    if not notes:
        raise ValueError("f0_hz: no note of 80 ms or more in it; sing longer notes.")
    steps = max(stop for _, _, stop, _ in notes)
    return from_notes(
        notes, steps, (program,), lowest_pitch=0, n_pitches=128, tempo=TEMPO,
        steps_per_beat=STEPS_PER_BEAT,
    )  # fmt: skip


def _cheapest_way(midi: np.ndarray, pitched: np.ndarray, frame: float) -> np.ndarray:
    """Return the key of each frame, -1 for a rest; a frame counts `frame` times 4 ms."""
    low, high = (int(np.clip(np.round(f(midi[pitched])), 0, 127)) for f in (np.min, np.max))
    keys = np.arange(low, high + 1)
    off = np.where(pitched[:, None], _SEMITONE * np.abs(midi[:, None] - keys), 1.0)
    price = frame * np.column_stack([np.where(pitched, _REST, 0.0), np.minimum(off, 9.0)])
    total, came = price[0], np.zeros(price.shape, int)
    for k in range(1, len(price)):
        best = int(total.argmin())
        is_new = total[best] + _NEW < total
        came[k] = np.where(is_new, best, np.arange(len(total)))
        total = np.where(is_new, total[best] + _NEW, total) + price[k]
    way = [int(total.argmin())]
    for k in range(len(price) - 1, 0, -1):
        way.append(int(came[k, way[-1]]))
    return np.append(-1, keys)[way[::-1]]


def _dips(level_db: np.ndarray, start: int, reach: int) -> list[int]:
    """Return the frames, counted from `start`, where the level dips between two strokes."""
    dips = []
    for k in range(reach, len(level_db) - reach):
        near = level_db[k - reach : k + reach + 1]
        sides = min(near[:reach].max(), near[reach + 1 :].max())
        is_dip = level_db[k] == near.min() and sides - level_db[k] > _DIP_DB
        if is_dip and (not dips or start + k - dips[-1] > reach):
            dips.append(start + k)
    return dips
