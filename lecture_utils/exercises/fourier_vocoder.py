"""Exercises of notebook 10."""

from __future__ import annotations

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
         _centre),
        ("that is a centre of gravity; a parabola through the three levels is wanted",
         lambda a, b, c: (c - a) / (a + b + c)),
        ("that is how far the top lies, without the side: to the left it is negative",
         lambda a, b, c: abs(_offset(a, b, c))),
        ("tops to the left count as well: no maximum with 0",
         lambda a, b, c: max(_offset(a, b, c), 0.0)),
        ("that is the top of two straight lines; a parabola bends",
         lambda a, b, c: 0.5 * (c - a) / (b - min(a, c))),
        *[("a slope alone is no place: divide it by the bend",
           lambda a, b, c, sign=sign: sign * 0.5 * (a - c)) for sign in (1, -1)],
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
