"""Metrics of songs: does each level keep to the one above, and does a melody return.

Melodies are images ``(2, 32, columns)`` as in :mod:`lecture_utils.diffusion.songs`. Used by
notebook 02.
"""

from __future__ import annotations

import itertools

import numpy as np

from lecture_utils import arguments
from lecture_utils.diffusion import songs
from lecture_utils.diffusion.songs import CHANNELS, N_ROWS, PER_BAR


def sketch_agreement(melody: np.ndarray, sketch: np.ndarray) -> float:
    """Return the share of half bars with a sketched note in which the melody strikes just it."""
    melody, sketch = _image(melody, "melody"), _image(sketch, "sketch")

    _same_length(melody.shape[2] // 8, sketch.shape[2] // 2, "bars")
    struck, wanted = melody[0, :, ::4] > 0.5, sketch[0] > 0.5
    has_note = wanted.any(0)
    return float((struck == wanted).all(0)[has_note].mean()) if has_note.any() else float("nan")


def chord_tone_rate(melody: np.ndarray, accompaniment: np.ndarray) -> float:
    """Return the share of the melody's notes on half bars that the bar's chords hold, too.

    The chord is what the accompaniment plays in that half bar, as pitch classes: so any model's
    output can be judged by itself.
    """
    melody, accompaniment = _image(melody, "melody"), _image(accompaniment, "accompaniment")

    _same_length(melody.shape[2], accompaniment.shape[2], "columns")
    struck, chord = melody[0] > 0.5, (accompaniment[0] > 0.5) | (accompaniment[1] > 0.5)
    good = total = 0
    for column in range(0, struck.shape[1], 4):
        classes = {row % 12 for row in np.nonzero(chord[:, column : column + 4].any(1))[0]}
        notes = [row % 12 for row in np.nonzero(struck[:, column])[0]]
        good, total = good + sum(note in classes for note in notes), total + len(notes)
    return good / total if total else float("nan")


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Return how alike two melodies ``(2, 32, columns)`` are: shared cells / all cells, 0..1."""
    one, other = _image(one, "melody"), _image(other, "melody")

    _same_length(one.shape[2], other.shape[2], "columns")
    one, other = one[1] > 0.5, other[1] > 0.5
    either = (one | other).sum()
    return float((one & other).sum() / either) if either else float("nan")


def returns(melody: np.ndarray, bars: int = 4) -> float:
    """Return how well a melody comes back: each piece of some bars beside its best likeness.

    No form is asked for, so models that know none are judged in the same way.
    """
    melody = _image(melody, "melody")

    n = arguments.count(bars, "bars") * PER_BAR["melody"]
    pieces = [melody[..., k : k + n] for k in range(0, melody.shape[-1] - n + 1, n)]
    pieces = [piece for piece in pieces if (piece[1] > 0.5).any()]
    best = [
        max(likeness(piece, other) for j, other in enumerate(pieces) if j != k)
        for k, piece in enumerate(pieces)
        if len(pieces) > 1
    ]
    return float(np.mean(best)) if best else float("nan")


def band_figures(melody: np.ndarray, accompaniment: np.ndarray) -> dict[str, float]:
    """Return four shares that tell how a band plays: a listener hears each of them at once.

    Returns
    -------
    dict
        "melody silent": eighths in which the melody does not sound; "double strikes": of the
        eighths in which it strikes, those with two keys or more; "complete triads": of the half
        bars with chords, those whose chords hold a major or minor triad and no other note; "equal
        drum bars": of the bars with drums that follow one with drums, those that repeat it. By rule
        they are 0, 0, 1 and about 2/3 (an intro has no melody: leave it out).
    """
    melody, accompaniment = _image(melody, "melody"), _image(accompaniment, "accompaniment")
    _same_length(melody.shape[2], accompaniment.shape[2], "columns")
    struck = (melody[0] > 0.5).sum(0)
    sounding = (melody[:2] > 0.5).any((0, 1))
    chords = (accompaniment[:2] > 0.5).any(0)
    classes = np.stack([chords[k::12].any(0) for k in range(12)])
    halves = classes[:, : classes.shape[1] // 4 * 4].reshape(12, -1, 4).any(2).T
    triads = {
        frozenset((root + k) % 12 for k in kind)
        for root in range(12)
        for kind in ((0, 3, 7), (0, 4, 7))
    }
    complete = [frozenset(np.flatnonzero(half)) in triads for half in halves if half.any()]
    drums = songs.to_roll(None, accompaniment).sounding[3].T
    bars = drums[:, : drums.shape[1] // 8 * 8].reshape(len(drums), -1, 8).transpose(1, 0, 2)
    pairs = [(a == b).all() for a, b in itertools.pairwise(bars) if a.any() and b.any()]
    shares = {
        "melody silent": ~sounding,
        "double strikes": struck[struck > 0] > 1,
        "complete triads": complete,
        "equal drum bars": pairs,
    }
    return {name: float(np.mean(x)) if len(x) else float("nan") for name, x in shares.items()}


def _image(values: np.ndarray, level: str) -> np.ndarray:
    values = arguments.array(values, level, ("channels", "rows", "columns"), kinds="biuf")
    if values.shape[:2] != (len(CHANNELS[level]), N_ROWS):
        raise ValueError(f"{level}: shape {values.shape} is no image of this level.")
    return values


def _same_length(one: int, other: int, what: str) -> None:
    if one != other:
        raise ValueError(f"The two differ in length: {one} and {other} {what}.")
