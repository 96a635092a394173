"""Exercises of notebook 04."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.answers import numbers
from lecture_utils.notebook.check import Exercise, close

# ------------------------------------------------------------------------------ combine


def _magnitude_and_phase() -> dict[str, tuple]:
    rng = np.random.default_rng(0)
    magnitude, angle = rng.uniform(0.1, 2, (9, 5)), rng.uniform(-3, 3, (9, 5))
    gaps = magnitude * (rng.uniform(size=(9, 5)) > 0.3)
    quarter = np.arange(-4, 5) * np.pi / 2
    return {
        "9 bins and 5 frames": (magnitude, angle),
        "a spectrogram with bins of zero": (gaps, angle[::-1]),
        "phases of 0": (magnitude[:4], np.zeros((4, 5))),
        "quarters of a turn": (np.arange(1.0, 10)[:, None], quarter[:, None]),
    }


combine = Exercise(
    reference=lambda magnitude, angle: magnitude * np.exp(1j * angle),
    cases=_magnitude_and_phase,
    mistakes=[
        ("your phase is conjugated; the sign in the exponent is +",
         lambda m, a: m * np.exp(-1j * a)),
        ("the j is missing: exp of a real number is a gain, not a direction",
         lambda m, a: m * np.exp(a)),
        ("this is only the real part; the sine is missing",
         lambda m, a: m * np.cos(a)),
        ("this is only the imaginary part; the cosine is missing, and the j",
         lambda m, a: m * np.sin(a)),
        ("this is only the imaginary part; the cosine is missing",
         lambda m, a: 1j * m * np.sin(a)),
        ("sine and cosine are exchanged: the real part is the cosine",
         lambda m, a: m * (np.sin(a) + 1j * np.cos(a))),
        ("the j is missing before the sine",
         lambda m, a: m * (np.cos(a) + np.sin(a))),
        ("the magnitude belongs to both parts, the cosine and the sine",
         lambda m, a: m * np.cos(a) + 1j * np.sin(a),
         lambda m, a: np.cos(a) + 1j * m * np.sin(a)),
        ("the angle is in radians already; don't convert it from degrees",
         lambda m, a: m * np.exp(1j * np.deg2rad(a))),
        ("the angle is in radians already; don't convert it to degrees",
         lambda m, a: m * np.exp(1j * np.rad2deg(a))),
        ("the angle is in radians already; don't multiply it by 2 pi",
         lambda m, a: m * np.exp(2j * np.pi * a)),
        ("magnitude and direction are multiplied, not added",
         lambda m, a: m + np.exp(1j * a)),
        ("that takes magnitude and phase for real and imaginary part",
         lambda m, a: m + 1j * a),
        ("the magnitude belongs before exp, not inside",
         lambda m, a: np.exp(1j * m * a)),
        ("magnitude and phase are exchanged",
         lambda m, a: a * np.exp(1j * m)),
        ("this is the direction alone; multiply it by the magnitude",
         lambda m, a: np.exp(1j * a)),
        ("the magnitude is squared; take it as it is",
         lambda m, a: m**2 * np.exp(1j * a)),
        ("the root of the magnitude is taken; take it as it is",
         lambda m, a: np.sqrt(m) * np.exp(1j * a)),
        ("an angle below 0 turns the other way: keep its sign",
         lambda m, a: m * np.exp(1j * np.abs(a))),
        ("the angle belongs inside exp",
         lambda m, a: m * a * np.exp(1j)),
    ],
    hint="A cell is an arrow: the magnitude is its length, the phase its direction. Which "
    "function makes an arrow of length 1 from an angle?",
)  # fmt: skip

# -------------------------------------------------------------------------------- delay


def _turns(d: float, n_fft: int, first: int = 0) -> np.ndarray:
    return -2 * np.pi * (np.arange(n_fft // 2 + 1) + first) * d / n_fft


delay = Exercise(
    reference=_turns,
    cases=lambda: {
        "d = 3, n_fft = 16": (3, 16),
        "d = 8, n_fft = 1024": (8, 1024),
        "no delay": (0, 8),
        "d = 40, longer than the window of 32": (40, 32),
    },
    mistakes=[
        ("the sign: a later sound has its phases turned back, so it is negative",
         lambda d, n: -_turns(d, n)),
        ("2 pi is missing: one full turn is 2 pi radians",
         lambda d, n: _turns(d, n) / (2 * np.pi)),
        ("one full turn is 2 pi radians, not pi",
         lambda d, n: _turns(d, n) / 2),
        ("radians are wanted, not degrees",
         lambda d, n: np.rad2deg(_turns(d, n))),
        ("one entry for each of the n_fft // 2 + 1 bins, from 0 Hz to half the sample rate",
         lambda d, n: -2 * np.pi * np.arange(n) * d / n),
        ("the last bin is missing: there are n_fft // 2 + 1",
         lambda d, n: _turns(d, n)[:-1]),
        ("divide by n_fft: bin k turns k times while the whole window passes",
         lambda d, n: _turns(d, n) * n),
        ("divide by n_fft, not by the number of bins: bin k turns k times in n_fft samples",
         lambda d, n: _turns(d, n) * n / (n // 2 + 1)),
        ("divide by n_fft, not by half of it: bin k turns k times in n_fft samples",
         lambda d, n: _turns(d, n) * 2),
        ("the first bin is 0 Hz, which does not turn at all: k starts at 0",
         lambda d, n: _turns(d, n, first=1)),
        ("the angle itself is wanted, not the arrow: leave exp out",
         lambda d, n: np.exp(1j * _turns(d, n))),
        ("every bin turns at its own speed: the bin's number k is missing",
         lambda d, n: np.full(n // 2 + 1, -2 * np.pi * d / n)),
        ("the delay `d` is missing",
         lambda d, n: _turns(1, n)),
        ("`n_fft` is not always 1024",
         lambda d, n: _turns(d, n) * n / 1024),
        ("that counts whole turns only; divide with /, not with //",
         lambda d, n: -2 * np.pi * (np.arange(n // 2 + 1) * d // n)),
        ("the last bin turns the wrong way: `np.fft.fftfreq` takes its frequency as negative",
         lambda d, n: -2 * np.pi * d * np.fft.fftfreq(n)[: n // 2 + 1]),
        ("a delay longer than the window turns farther: bring neither the phases nor `d` back to "
         "one turn",
         lambda d, n: _turns(d % n, n)),
        ("d belongs above, not below: a longer delay turns farther",
         lambda d, n: -2 * np.pi * np.arange(n // 2 + 1) / (n * np.float64(d))),
    ],
    signs=[
        ("not wrapped: don't bring the phases back to one turn",
         lambda got, want, d, n: close(np.exp(1j * got), np.exp(1j * want))),
    ],
    hint="Bin k makes k turns in n_fft samples; how many in d samples? And which way does a phase "
    "turn when the sound comes later?",
)  # fmt: skip

# ----------------------------------------------------------------------------- quantise


def _angles() -> dict[str, tuple]:
    angle = np.linspace(-3.1, 3.1, 41)
    return {
        "3 bits": (angle, 3),
        "1 bit": (angle, 1),
        "no bit, which leaves one direction": (angle[::4], 0),
        "2 bits, angles that are directions already": (np.arange(-4, 5) * np.pi / 2, 2),
        "4 bits, angles of several turns": (np.linspace(-14.1, 15.2, 29), 4),
        "8 bits": (angle + 0.05, 8),
    }


def _round(
    angle: np.ndarray, n: float, circle: float = 2 * np.pi, rounded: object = np.round,
    offset: float = 0.0,
) -> np.ndarray:  # fmt: skip
    step = circle / n
    return _on_circle((rounded(angle / step - offset) + offset) * step)


def _on_circle(angle: object, *_case: object) -> np.ndarray:
    """Return points on the circle as angles from -pi to pi, -pi itself with a margin below."""
    return np.mod(numbers(angle) + np.pi + 0.001, 2 * np.pi) - np.pi - 0.001


def _on_a_line(angle: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Take the nearest direction, as if the circle were cut open."""
    return _on_circle(directions[np.abs(angle[:, None] - directions).argmin(1)])


quantise = Exercise(
    reference=lambda angle, n_bits: _round(angle, 2**n_bits),
    cases=_angles,
    read=_on_circle,
    tolerance=3e-4,
    mistakes=[
        ("you always round down; take the nearest direction",
         lambda a, n: _round(a, 2**n, rounded=np.floor)),
        ("you always round up; take the nearest direction",
         lambda a, n: _round(a, 2**n, rounded=np.ceil)),
        ("you cut the fraction off, which rounds towards 0; take the nearest direction",
         lambda a, n: _round(a, 2**n, rounded=np.trunc)),
        ("with N bits there are 2**N directions, not N",
         lambda a, n: _round(a, np.float64(n)),
         lambda a, n: _round(a, max(n, 1))),
        ("with N bits there are 2**N directions, not 2 * N",
         lambda a, n: _round(a, np.float64(2 * n))),
        ("with N bits there are 2**N directions, not N**2",
         lambda a, n: _round(a, np.float64(n**2))),
        ("with N bits there are 2**N directions, not one less: the last is not the first again",
         lambda a, n: _round(a, np.float64(2**n - 1)),
         lambda a, n: _round(a, max(2**n - 1, 1))),
        ("with N bits there are 2**N directions, not one more",
         lambda a, n: _round(a, 2**n + 1)),
        ("with N bits there are 2**N directions, not 2**(N + 1), or your circle is pi, not 2 pi",
         lambda a, n: _round(a, 2 ** (n + 1))),
        ("with N bits there are 2**N directions, not 2**(N - 1), or your circle is 4 pi, not 2 pi",
         lambda a, n: _round(a, 2.0 ** (n - 1))),
        ("the first direction is 0; yours lie half a step beside it",
         lambda a, n: _round(a, 2**n, offset=0.5),
         lambda a, n: _on_circle((np.floor(a / (2 * np.pi / 2**n)) + 0.5) * (2 * np.pi / 2**n))),
        ("the circle is closed: just below a full turn the nearest direction is 0",
         lambda a, n: _on_circle(
             np.minimum(np.round(a % (2 * np.pi) / (2 * np.pi / 2**n)), 2**n - 1)
             * (2 * np.pi / 2**n))),
        ("the circle is closed: angles below 0, or of several turns, have their directions, too",
         lambda a, n: _on_a_line(a, np.arange(2**n) * 2 * np.pi / 2**n)),
        ("-pi and pi are one direction, and 0 must be one: begin at 0, and leave the end out",
         lambda a, n: _on_a_line(a, np.linspace(-np.pi, np.pi, 2**n))),
        ("the angle is in radians: the full circle is 2 pi, not 360",
         lambda a, n: _round(a, 2**n, circle=360)),
        ("the full circle is 2 pi, not 1",
         lambda a, n: _round(a, 2**n, circle=1)),
        ("you return the numbers of the directions; multiply by the step to get radians",
         lambda a, n: _on_circle(np.round(a / (2 * np.pi / 2**n))),
         lambda a, n: _on_circle(np.round(a / (2 * np.pi / 2**n)) % 2**n)),
        ("nothing is rounded",
         lambda a, n: _on_circle(a)),
        ("a direction is not a whole number of radians: divide by the step before you round",
         lambda a, n: _on_circle(np.round(a))),
        ("that rounds to N digits behind the point; round to directions",
         lambda a, n: _on_circle(np.round(a, n))),
    ],
    hint="How many directions, and how far apart are they on the full circle? Which multiple of "
    "that step is nearest?",
)  # fmt: skip
