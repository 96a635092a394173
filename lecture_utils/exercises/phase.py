"""Exercises of notebook 04."""

from __future__ import annotations

import numpy as np

from lecture_utils import phase
from lecture_utils.notebook.check import Exercise, close


def _same_angles(got: np.ndarray, want: np.ndarray, *_case: object) -> bool:
    """Compare phases as points on the circle."""
    return np.shape(got) == np.shape(want) and close(np.exp(1j * got), np.exp(1j * want), 1e-3)


def _magnitude_and_phase() -> list[tuple]:
    rng = np.random.default_rng(0)
    return [(rng.uniform(0.1, 2, (9, 5)), rng.uniform(-3, 3, (9, 5)))]


combine = Exercise(
    reference=lambda magnitude, angle: magnitude * np.exp(1j * angle),
    cases=_magnitude_and_phase,
    mistakes=[
        ("your phase is conjugated; the sign in the exponent is +",
         lambda got, want, m, a: close(got, want.conj())),
        ("the j is missing: exp of a real number is a gain, not a direction",
         lambda got, want, m, a: close(got, m * np.exp(a))),
        ("this is only the real part; use np.exp(1j * angle) instead of a cosine",
         lambda got, want, m, a: close(got, want.real)),
        ("the angle is in radians already; don't convert it from degrees",
         lambda got, want, m, a: close(got, m * np.exp(1j * np.deg2rad(a)))),
        ("magnitude and direction are multiplied, not added",
         lambda got, want, m, a: close(got, m + np.exp(1j * a))),
    ],
    hint="An arrow of length A and direction phi is A * exp(j * phi).",
)  # fmt: skip

delay = Exercise(
    reference=lambda d, n_fft: -2 * np.pi * np.arange(n_fft // 2 + 1) * d / n_fft,
    cases=lambda: [(3, 16), (8, 1024)],
    mistakes=[
        ("the sign: a later sound has its phases turned back, so it is negative",
         lambda got, want, d, n: close(got, -want)),
        ("2 pi is missing: one full turn is 2 pi radians",
         lambda got, want, d, n: close(got, want / (2 * np.pi))),
        ("one entry for each of the n_fft // 2 + 1 bins, from 0 Hz to half the sample rate",
         lambda got, want, d, n: len(got) in (n, n // 2)),
        ("divide by n_fft: bin k turns k times while the whole window passes",
         lambda got, want, d, n: close(got, want * n)),
    ],
    hint="Bin k makes k turns in n_fft samples; how many in d samples?",
)  # fmt: skip

quantise = Exercise(
    reference=phase.quantise,
    cases=lambda: [
        (np.linspace(-3.1, 3.1, 41), 1),
        (np.linspace(-3.1, 3.1, 41), 3),
    ],
    accepts=_same_angles,
    mistakes=[
        ("you always round down; take the nearest direction (np.round)",
         lambda got, want, a, n: _same_angles(
             got, np.floor(a / (2 * np.pi / 2**n)) * 2 * np.pi / 2**n)),
        ("with N bits there are 2**N directions, not N",
         lambda got, want, a, n: _same_angles(got, np.round(a / (2 * np.pi / n)) * 2 * np.pi / n)),
        ("there are 2**N directions on the whole circle, 2 pi; you spread them over pi",
         lambda got, want, a, n: _same_angles(got, np.round(a / (np.pi / 2**n)) * np.pi / 2**n)),
        ("you return the numbers of the directions; multiply by the step to get radians",
         lambda got, want, a, n: close(got, np.round(a / (2 * np.pi / 2**n)))),
    ],
    hint="Step = full circle / number of directions; divide by it, round, multiply back.",
)  # fmt: skip
