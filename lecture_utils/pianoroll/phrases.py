"""Metrics of a set of phrases, and what they are compared with: shuffled, random, nearest ones.

Phrases are cells ``(n, 5, 64, 84)`` as of :func:`corpus`. Used by notebook
01 and by the table of ``tests/bench.py``.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np

from lecture_utils import arguments, data
from lecture_utils.pianoroll import roll_metrics

#: Tracks, steps and keys of a phrase: four bars of sixteenths for five instruments.
PHRASE = (5, 64, 84)


def corpus(part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Unpack the four-bar phrases of :mod:`lecture_utils.build_data.rolls`, split by song.

    Parameters
    ----------
    part : str
        "train", or "test": every fifth song, which no model of the course learns from.

    Returns
    -------
    cells : np.ndarray
        Shape ``(phrases, 5, 64, 84)``, bool: tracks as in :data:`lecture_utils.pianoroll.BAND`,
        sixteenths, keys from 24.
    song : np.ndarray
        Shape ``(phrases,)``, the number of the song that each is from.
    """
    if arguments.text(part, "part") not in ("train", "test"):
        raise ValueError(f'part={arguments.shown(part)}: give "train" or "test".')

    packed = data.load_array("freedoom_rolls")
    songs = np.unique(packed["song"])
    keep = np.isin(packed["song"], songs[::5]) == (part == "test")
    cells = np.unpackbits(packed["rolls"][keep], axis=-1)[..., :84].astype(bool)
    return cells, packed["song"][keep]


def describe(cells: np.ndarray) -> dict[str, np.ndarray]:
    """Return six metrics as means over phrases, one value a track.

    Five are those of the paper on MuseGAN (Dong et al. 2018); scale consistency is Mogren's (2016).

    Tonal distance has one for each of the six pairs of pitched tracks, the drum pattern one for the
    drums, scale consistency one for all pitched tracks together. NaN stands where no phrase has
    anything to measure.
    """
    cells = _phrases(cells, "cells")

    pieces = np.array_split(cells, max(1, -(-len(cells) // 200)))  # little memory
    each = [_measured(piece) for piece in pieces]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NaN for an instrument that never plays
        return {
            name: np.nanmean(np.concatenate([piece[name] for piece in each]), axis=0)
            for name in each[0]
        }


def _measured(cells: np.ndarray) -> dict[str, np.ndarray]:
    """Measure each phrase: one row a phrase, one column a track or pair of tracks."""
    pitched = cells[:, 1:]
    pairs = itertools.combinations(range(4), 2)
    return {
        "empty bars": roll_metrics.empty_bars(cells),
        "used pitch classes": roll_metrics.used_pitch_classes(pitched),
        "qualified notes": roll_metrics.qualified_notes(pitched),
        "drum pattern": roll_metrics.drum_pattern(cells[:, :1]),
        "tonal distance": np.stack(
            [roll_metrics.tonal_distance(pitched[:, i], pitched[:, k]) for i, k in pairs], 1
        ),
        "scale consistency": roll_metrics.scale_consistency(pitched.any(1, keepdims=True)),
    }


def differences(cells: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Return how far the metrics of `cells` are from those of `reference`: the mean over tracks."""
    ours, theirs = describe(cells), describe(reference)
    return {name: float(np.abs(ours[name] - theirs[name]).mean()) for name in ours}


def habits(cells: np.ndarray) -> dict[str, float]:
    """Return how tunes move and patterns come again, as four shares, 0..1 (NaN: nothing to count).

    leaps
        Of the moves from one highest struck note of a pitched track to the next, those of more than
        a fifth (7 semitones);
    small intervals
        those of one or two semitones;
    drums again
        of the phrases with drums in bar 1, those with the same in bar 3, cell by cell;
    drones
        of the sounding bars of pitched tracks, those on a single key.
    """
    cells = _phrases(cells, "cells")

    begins = roll_metrics.starts(cells[:, 1:])
    strikes = begins.any(-1)
    phrase, track, _ = np.nonzero(strikes)
    top = (cells.shape[-1] - 1 - begins[..., ::-1].argmax(-1))[strikes]
    moves = np.abs(np.diff(top))[(np.diff(phrase) == 0) & (np.diff(track) == 0)]
    bars = cells.reshape(*cells.shape[:2], 4, -1, cells.shape[-1])
    first, third = bars[:, 0, 0], bars[:, 0, 2]
    keys = bars[:, 1:].any(3).sum(-1)
    found = {
        "leaps": moves > 7,
        "small intervals": (moves == 1) | (moves == 2),
        "drums again": (first == third).all((1, 2))[first.any((1, 2))],
        "drones": keys[keys > 0] == 1,
    }
    return {name: float(share.mean()) if len(share) else np.nan for name, share in found.items()}


def bars_again(cells: np.ndarray) -> np.ndarray:
    """Return how often a sounding bar is equal to a later one: ``(5, 6)``, 0..1, for each track.

    The columns are the pairs of bars: 1 and 2, 1 and 3, 1 and 4, 2 and 3, 2 and 4, 3 and 4.
    """
    cells = _phrases(cells, "cells")

    bars = np.packbits(cells.reshape(*cells.shape[:2], 4, -1), axis=-1)
    first, later = zip(*itertools.combinations(range(4), 2), strict=True)
    sounds = bars[:, :, first].any(-1)
    equal = (bars[:, :, first] == bars[:, :, later]).all(-1) & sounds
    return equal.sum(0) / np.maximum(sounds.sum(0), 1)


def shuffled(cells: np.ndarray, seed: int | None = None) -> np.ndarray:
    """Put the cells of every phrase to random tracks, steps and keys; their number stays.

    (Shuffled track by track, the empty bars would stay nearly what they were.)
    """
    cells = _phrases(cells, "cells")

    flat = np.random.default_rng(arguments.seed(seed)).permuted(
        cells.reshape(len(cells), -1), axis=1
    )
    return flat.reshape(cells.shape)


def random_like(cells: np.ndarray, seed: int | None = None) -> np.ndarray:
    """Draw every cell at random, each track as dense as it is in all of `cells`."""
    cells = _phrases(cells, "cells")

    density, rng = cells.mean((0, 2, 3))[:, None, None], np.random.default_rng(arguments.seed(seed))
    return np.stack([rng.random(PHRASE, np.float32) < density for _ in cells])


def nearest(cells: np.ndarray, others: np.ndarray, transpose: int = 0) -> np.ndarray:
    """Return the distance of every phrase to the nearest of `others`, ``(n,)``.

    It is Jaccard's: 0 for a copy, 1 if no cell is shared, otherwise the share of the cells of both
    that only one of them has. With `transpose`, `others` are also looked at up to so many semitones
    higher and lower.
    """
    cells, others = _phrases(cells, "cells"), _phrases(others, "others")
    transpose = arguments.number(transpose, "transpose", 0, 83, whole=True)

    alike = []
    for shift in range(-transpose, transpose + 1):
        alike.append(_alike(cells, transposed(others, shift) if shift else others))
    return 1 - np.max(alike, axis=0)


def transposed(cells: np.ndarray, shift: int) -> np.ndarray:
    """Move all tracks but the drums by semitones; what leaves the keyboard is left out."""
    out = cells.copy()
    out[..., 1:, :, :] = np.roll(cells[..., 1:, :, :], shift, -1)
    out[..., 1:, :, : max(0, shift)] = 0
    out[..., 1:, :, cells.shape[-1] + min(0, shift) :] = 0
    return out


def _alike(cells: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the largest share of common cells of each phrase with any of `others`, ``(n,)``."""
    cells, others = cells.reshape(len(cells), -1), others.reshape(len(others), -1)
    used = np.flatnonzero(others.any(0))  # most cells are never used: less to multiply
    ours, sizes, found = cells[:, used].astype(np.float32), cells.sum(1)[:, None], []
    for some in np.array_split(others, -(-len(others) // 200)):  # little memory
        shared = ours @ some[:, used].astype(np.float32).T
        either = sizes + some.sum(1) - shared
        found.append((shared / np.maximum(either, 1)).max(1))
    return np.max(found, axis=0)


def _phrases(cells: np.ndarray, name: str) -> np.ndarray:
    cells = roll_metrics.as_cells(cells, name)
    if cells.shape[1:] != PHRASE:
        raise ValueError(f"{name}: phrases (n, 5, 64, 84) are needed; got {cells.shape}.")
    return cells
