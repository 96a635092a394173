"""Exercises of notebook 10."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_utils.notebook.check import Exercise

# ---------------------------------------------------------------------------- peak_offset


def _peaks() -> dict[str, tuple]:
    """Return log levels of the bin to the left of a peak, of the peak, and to the right."""
    return {
        "a top to the right": (-2.0, 0.0, -1.5),
        "a top to the left": (-1.2, -0.5, -3.0),
        "a loud peak": (2.1, 3.0, 1.6),
        "a top in the middle": (-1.0, 0.5, -1.0),
    }


def _offset(left: float, middle: float, right: float) -> float:
    return 0.5 * (left - right) / (left - 2 * middle + right)


def _centre(left: float, middle: float, right: float) -> float:
    a, b, c = np.exp([left, middle, right])
    return (c - a) / (a + b + c)


peak_offset = Exercise(
    reference=_offset,
    cases=_peaks,
    mistakes=[
        ("the sign is turned: the top lies on the side of the higher neighbour",
         lambda a, b, c: -_offset(a, b, c)),
        ("twice too far: the slope at the peak is half of the difference of the neighbours",
         lambda a, b, c: 2 * _offset(a, b, c)),
        ("half of it: take half of the difference of the neighbours, and the bend once",
         lambda a, b, c: _offset(a, b, c) / 2),
        ("the middle counts twice in the bend",
         lambda a, b, c: 0.5 * (a - c) / (a - b + c)),
        ("that is the height of the top, not its place",
         lambda a, b, c: b - (a - c) * _offset(a, b, c) / 4),
        ("that is the height of the top above the peak, not its place",
         lambda a, b, c: (c - a) * _offset(a, b, c) / 4),
        ("that is a centre of gravity; a parabola through the three levels is wanted",
         _centre,
         lambda a, b, c: (c - a) / (a + b + c)),
        ("that is how far the top lies, without the side: to the left it is negative",
         lambda a, b, c: abs(_offset(a, b, c))),
        ("tops to the left count as well: no maximum with 0",
         lambda a, b, c: max(_offset(a, b, c), 0.0)),
        ("that is the top of two straight lines; a parabola bends",
         lambda a, b, c: 0.5 * (c - a) / (b - min(a, c))),
        ("a slope alone is no place: divide it by the bend",
         *[lambda a, b, c, sign=sign: sign * 0.5 * (a - c) for sign in (1, -1)]),
        ("the fraction is lost: divide with /, not with //",
         lambda a, b, c: 0.5 * (a - c) // (a - 2 * b + c)),
        ("that is the bend alone; the slope goes on top of the fraction",
         lambda a, b, c: a - 2 * b + c),
        ("the levels are logarithms already: a parabola through them, not through exp of them",
         lambda a, b, c: _offset(*np.exp([a, b, c]))),
    ],
    hint="A parabola has one slope and one bend at the peak. The top lies where the slope is used "
    "up: how many bins does that take?",
)  # fmt: skip

# --------------------------------------------------------------------------------- repair


def _spectra() -> dict[str, tuple]:
    """Return a spectrum, and a gain and a rotation for every entry."""
    rng = np.random.default_rng(0)

    def noise(*shape: int) -> np.ndarray:
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    return {
        "four bins, three frames": (
            noise(4, 3), np.exp(rng.normal(size=(4, 3))), rng.uniform(-3, 3, (4, 3)),
        ),
        "no rotation": (noise(5, 2), np.exp(rng.normal(size=(5, 2))), np.zeros((5, 2))),
        "gains of one": (noise(2, 6), np.ones((2, 6)), rng.uniform(-3, 3, (2, 6))),
    }  # fmt: skip


def _repaired(spectrum: np.ndarray, gain: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return spectrum * gain * np.exp(1j * angle)


repair = Exercise(
    reference=_repaired,
    cases=_spectra,
    mistakes=[
        ("the rotation goes the other way: a positive angle is added to the phase",
         lambda s, g, a: _repaired(s, g, -a)),
        ("the rotation is missing",
         lambda s, g, a: s * g),
        ("the gain is missing",
         lambda s, g, a: _repaired(s, 1, a)),
        ("the old phase is thrown away; the network turns it, it does not replace it",
         lambda s, g, a: _repaired(np.abs(s), g, a)),
        ("the gain is a factor already: its exponential is too much",
         lambda s, g, a: _repaired(s, np.exp(g), a)),
        ("the gain is a factor already, no decibels",
         lambda s, g, a: _repaired(s, 10 ** (g / 20), a)),
        ("the old magnitude is thrown away; the gain multiplies it, it does not replace it",
         lambda s, g, a: _repaired(s / np.abs(s), g, a)),
        ("gain and rotation are multiplied with the entry, not added to it",
         lambda s, g, a: s + _repaired(1, g, a)),
        ("without an imaginary exponent the entries grow instead of turning",
         lambda s, g, a: s * g * np.exp(a)),
        ("the gain is divided out: multiply by it",
         lambda s, g, a: _repaired(s, 1 / g, a)),
        ("the rotation is added; it is a factor",
         lambda s, g, a: s * g + np.exp(1j * a)),
        ("sine and cosine are exchanged: the real part of the rotation is the cosine",
         lambda s, g, a: s * g * (np.sin(a) + 1j * np.cos(a))),
        ("the gain is a factor of the whole entry, not of its real part alone",
         lambda s, g, a: _repaired(g * s.real + 1j * s.imag, 1, a)),
        ("the gain is added; it is a factor",
         lambda s, g, a: (s + g) * np.exp(1j * a)),
        ("the angle is in radians already",
         lambda s, g, a: _repaired(s, g, np.radians(a))),
        ("the angle is in radians, not in turns",
         lambda s, g, a: _repaired(s, g, 2 * np.pi * a)),
        ("the gain is added to the length; it is a factor",
         lambda s, g, a: (np.abs(s) + g) * np.exp(1j * (np.angle(s) + a))),
        ("gain and angle are exchanged",
         lambda s, g, a: _repaired(s, a, g)),
        ("this is only the real part; the result is complex",
         lambda s, g, a: _repaired(s, g, a).real),
        ("only the magnitude is left; the result is complex",
         lambda s, g, a: np.abs(s * g)),
    ],
    hint="A complex number is a length and a direction. What multiplies the length, and what turns "
    "the direction by an angle?",
)  # fmt: skip

# ---------------------------------------------------------------------- residual_quantise


def _codebooks() -> dict[str, tuple]:
    """Return frames, one a row, and the codebooks, whose entries are rows as well."""
    rng = np.random.default_rng(0)

    def noise(*shape: int, spread: float = 1.0) -> np.ndarray:
        return spread * rng.normal(size=shape)

    exact = noise(6, 3)
    with_nothing = np.concatenate([np.zeros((1, 3)), noise(4, 3)])
    return {
        "eight frames, three codebooks": (
            noise(8, 4), [noise(7, 4), noise(7, 4, spread=0.7), noise(7, 4, spread=0.5)],
        ),
        "two codebooks of different sizes": (
            noise(9, 2, spread=2.0) + 1, [noise(8, 2, spread=2.0) + 1, noise(5, 2)],
        ),
        "frames that are entries of the first codebook": (
            exact[[4, 1, 1, 5]], [exact, with_nothing[[3, 0, 1, 2, 4]]],
        ),
        "one frame, one codebook": (noise(1, 5), [noise(6, 5)]),
    }  # fmt: skip


def _squares(missing: np.ndarray, book: np.ndarray) -> np.ndarray:
    return ((missing[:, None] - book) ** 2).sum(-1)


def _numbers(
    frames: np.ndarray,
    books: list[np.ndarray],
    distance: Callable = _squares,
    left: Callable = lambda missing, entry: missing - entry,
) -> np.ndarray:
    missing, numbers = frames, []
    for book in books:
        numbers.append(distance(missing, book).argmin(1))
        missing = left(missing, book[numbers[-1]])
    return np.stack(numbers, 1)


def _left_once(frames: np.ndarray) -> Callable:
    """Take an entry away from the frames themselves, and from nothing else."""
    return lambda missing, entry: missing - entry if missing is frames else missing


def _lengths(book: np.ndarray) -> np.ndarray:
    return np.linalg.norm(book, axis=1, keepdims=True).clip(1e-12)


def _told(frames: np.ndarray, books: list[np.ndarray]) -> np.ndarray:
    chosen = _numbers(frames, books).T
    return sum(book[number] for book, number in zip(books, chosen, strict=True))


residual_quantise = Exercise(
    reference=_numbers,
    cases=_codebooks,
    mistakes=[
        ("every codebook gets the frames themselves: after the first it is what is still missing",
         lambda f, b: _numbers(f, b, left=lambda missing, entry: missing)),
        ("that is what the first entry leaves over, for all codebooks after it: take away every "
         "entry", lambda f, b: _numbers(f, b, left=_left_once(f))),
        ("only the last entry is taken away from the frames: what is missing gets smaller with "
         "every codebook", lambda f, b: _numbers(f, b, left=lambda _, entry: f - entry)),
        ("the entries are added to what is missing: take them away",
         lambda f, b: _numbers(f, b, left=lambda missing, entry: missing + entry)),
        ("the sign of what is missing is turned: the frame less the entry",
         lambda f, b: _numbers(f, b, left=lambda missing, entry: entry - missing)),
        ("what is missing keeps its sign: no absolute value",
         lambda f, b: _numbers(f, b, left=lambda missing, entry: abs(missing - entry))),
        ("the next codebook gets the entry, not what the entry leaves over",
         lambda f, b: _numbers(f, b, left=lambda missing, entry: entry)),
        ("these are the furthest entries, not the nearest",
         lambda f, b: _numbers(f, b, lambda m, book: -_squares(m, book))),
        ("these are the entries with the largest product, not the nearest",
         lambda f, b: _numbers(f, b, lambda m, book: -m @ book.T)),
        ("differences above and below cancel in a plain sum: square them first",
         lambda f, b: _numbers(f, b, lambda m, book: (m[:, None] - book).sum(-1)),
         lambda f, b: _numbers(f, b, lambda m, book: abs((m[:, None] - book).sum(-1)))),
        ("the largest difference alone does not decide: add up the squares of all",
         lambda f, b: _numbers(f, b, lambda m, book: abs(m[:, None] - book).max(-1))),
        ("absolute differences are added: nearest means the smallest sum of squares",
         lambda f, b: _numbers(f, b, lambda m, book: abs(m[:, None] - book).sum(-1))),
        ("the entries are compared by their direction: their length counts as well",
         lambda f, b: _numbers(f, b, lambda m, book: -m @ (book / _lengths(book)).T)),
        ("the codebooks are used from the last to the first",
         lambda f, b: _numbers(f, b[::-1])),
        ("the columns are in reverse order: the first codebook comes first",
         lambda f, b: _numbers(f, b)[:, ::-1]),
        ("the numbers start at 0, as in Python",
         lambda f, b: _numbers(f, b) + 1),
        ("rows and columns are exchanged: a row for each frame, a column for each codebook",
         lambda f, b: _numbers(f, b).T),
        ("these are the numbers of the first codebook alone",
         lambda f, b: _numbers(f, b[:1])[:, 0],
         lambda f, b: _numbers(f, b[:1])),
        ("these are the numbers of the last codebook alone: keep those of all",
         lambda f, b: _numbers(f, b)[:, -1]),
        ("the first codebook is used every time",
         lambda f, b: _numbers(f, b[:1] * len(b))),
        ("these are the quantised frames; the numbers are wanted, which are sent",
         _told),
        ("this is what is missing at the end; the numbers are wanted, which are sent",
         lambda f, b: f - _told(f, b)),
        ("all numbers stand in one row: a row for each frame, a column for each codebook",
         lambda f, b: _numbers(f, b).ravel()),
    ],
    hint="Begin with the whole frame as what is missing. Find the nearest entry, note its number, "
    "take the entry away from what is missing; then go on with the next codebook.",
)  # fmt: skip
