"""Exercises of notebook 05."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.check import Exercise, close


def _rebuilt_and_magnitude() -> list[tuple]:
    rng = np.random.default_rng(0)
    rebuilt = rng.normal(size=(9, 5)) + 1j * rng.normal(size=(9, 5))
    return [(rebuilt, rng.uniform(0.1, 2, (9, 5)))]


keep_the_phase = Exercise(
    reference=lambda rebuilt, magnitude: magnitude * np.exp(1j * np.angle(rebuilt)),
    cases=_rebuilt_and_magnitude,
    mistakes=[
        ("your phase is conjugated; the sign in the exponent is +",
         lambda got, want, r, m: close(got, want.conj())),
        ("you multiply by the whole spectrogram; its own length must go first (divide by np.abs)",
         lambda got, want, r, m: close(got, r * m)),
        ("nothing has changed: put the wanted magnitude in the place of the rebuilt one",
         lambda got, want, r, m: close(got, r)),
        ("this is the phase alone; multiply it by the wanted magnitude",
         lambda got, want, r, m: close(got, np.exp(1j * np.angle(r)))),
        ("the j is missing: exp of a real angle is a gain, not a direction",
         lambda got, want, r, m: close(got, m * np.exp(np.angle(r)))),
    ],
    hint="np.angle(rebuilt) is the phase; build arrows of length `magnitude` from it.",
)  # fmt: skip


def _two_magnitudes() -> list[tuple]:
    rng = np.random.default_rng(1)
    return [(rng.uniform(0, 2, (9, 5)), rng.uniform(0, 2, (9, 5)))]


def _convergence(found: np.ndarray, wanted: np.ndarray) -> float:
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


convergence = Exercise(
    reference=_convergence,
    cases=_two_magnitudes,
    mistakes=[
        ("divide by the size of what is wanted, not of what was found",
         lambda got, want, f, w: close(got, want * np.linalg.norm(w) / np.linalg.norm(f))),
        ("the square root is missing: a norm is the root of the sum of squares",
         lambda got, want, f, w: close(got, want**2)),
        ("the error is not yet relative: divide by the norm of what is wanted",
         lambda got, want, f, w: close(got, np.linalg.norm(f - w))),
        ("these are decibels; return the plain ratio",
         lambda got, want, f, w: close(got, 20 * np.log10(want))),
    ],
    hint="np.linalg.norm of the difference over np.linalg.norm of the wanted magnitude.",
)  # fmt: skip


def _frames() -> list[tuple]:
    rng = np.random.default_rng(2)
    window = np.hanning(18)[1:-1]  # nowhere zero
    return [(rng.normal(size=(6, 16)), window, 4)]


def _add(frames: np.ndarray, hop: int) -> np.ndarray:
    n_frames, width = frames.shape
    total = np.zeros(hop * (n_frames - 1) + width)
    for t, frame in enumerate(frames):
        total[t * hop : t * hop + width] += frame
    return total


def _weighted_mean(frames: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    squares = np.tile(window**2, (len(frames), 1))
    return _add(frames * window, hop) / _add(squares, hop)


overlap_add = Exercise(
    reference=_weighted_mean,
    cases=_frames,
    mistakes=[
        ("the sum of squared windows is missing: divide by it",
         lambda got, want, f, w, h: close(got, _add(f * w, h))),
        ("divide by the sum of *squared* windows: the window is used once by the STFT and once "
         "here",
         lambda got, want, f, w, h: close(got, _add(f * w, h) / _add(np.tile(w, (len(f), 1)), h))),
        ("multiply each frame by the window before adding it",
         lambda got, want, f, w, h: close(got, _add(f, h) / _add(np.tile(w**2, (len(f), 1)), h))),
        ("this is the plain mean of the frames; a sample at a window's edge should count less",
         lambda got, want, f, w, h: close(got, _add(f, h) / _add(np.ones_like(f), h))),
    ],
    hint="Add window * frame into one array and window**2 into another, then divide.",
)  # fmt: skip
