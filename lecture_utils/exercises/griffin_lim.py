"""Exercises of notebook 05."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.answers import plain
from lecture_utils.notebook.check import Exercise

# ----------------------------------------------------------------------- keep_the_phase


def _rebuilt_and_magnitude() -> dict[str, tuple]:
    rng = np.random.default_rng(0)
    angle = rng.uniform(-3, 3, (9, 5))
    rebuilt = rng.uniform(0.2, 2, (9, 5)) * np.exp(1j * angle)
    magnitude = rng.uniform(0.1, 2, (9, 5))
    holes = rebuilt.copy()
    holes[[0, 3, 8], [1, 1, 4]] = 0
    gaps = magnitude * (rng.uniform(size=(9, 5)) > 0.3)
    return {
        "9 bins and 5 frames": (rebuilt, magnitude),
        "bins where the rebuilt sound is 0": (holes, magnitude),
        "bins where the wanted magnitude is 0": (rebuilt[::-1], gaps),
        "silence": (np.zeros((3, 4), complex), np.ones((3, 4))),
        "a loud rebuilt sound": (50 * rebuilt[:4], magnitude[:4]),
    }


def _kept(value: object, rebuilt: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    """Where `rebuilt` is 0 it has no phase: any finite arrow up to the wanted length is right."""
    value, rebuilt, magnitude = (np.array(plain(v)) for v in (value, rebuilt, magnitude))
    free = (rebuilt == 0) & (np.abs(value) <= magnitude * 1.001)
    return np.where(free, magnitude, value)


def _phase(rebuilt: np.ndarray) -> np.ndarray:
    return np.exp(1j * np.angle(rebuilt))


#: Diagnosis, and what is returned where `rebuilt` is not 0.
_KEPT = [
    ("your phase is conjugated; the sign in the exponent is +",
     lambda r, m: m * _phase(r).conj()),
    ("you multiply by the whole spectrogram; its own length must go first",
     lambda r, m: r * m),
    ("nothing has changed: put the wanted magnitude in the place of the rebuilt one",
     lambda r, m: r),
    ("this is the phase alone; multiply it by the wanted magnitude",
     lambda r, m: _phase(r)),
    ("the j is missing: exp of a real angle is a gain, not a direction",
     lambda r, m: m * np.exp(np.angle(r))),
    ("0 / 0: where the rebuilt sound is 0, dividing by its length gives no number",
     lambda r, m: np.where(r == 0, np.nan, m * _phase(r))),
    ("the phase itself is no arrow: build a complex number of length 1 from it",
     lambda r, m: m * np.angle(r)),
    ("this is the wanted magnitude; the phase is missing",
     lambda r, m: m + 0j),
    ("this is only the real part",
     lambda r, m: (m * _phase(r)).real),
    ("the phase has been turned round: there is a minus too many",
     lambda r, m: -m * _phase(r)),
    ("magnitude and direction are multiplied, not added",
     lambda r, m: m + _phase(r)),
    ("take the length away before you multiply; you divide by it twice",
     lambda r, m: m * r / np.abs(r) ** 2),
    ("the two are exchanged: that is the rebuilt magnitude with the phase of the wanted one",
     lambda r, m: np.abs(r) * np.exp(1j * np.angle(m))),
    ("the angle goes into exp, not the whole complex number",
     lambda r, m: m * np.exp(1j * r)),
    ("the angle goes into exp, not the length",
     lambda r, m: m * np.exp(1j * np.abs(r))),
    ("arctan of a fraction can't tell opposite directions apart; the angle needs both signs",
     lambda r, m: m * np.exp(1j * np.arctan(r.imag / np.where(r.real == 0, 1e-12, r.real)))),
    ("`exp` wants radians, not degrees",
     lambda r, m: m * np.exp(1j * np.angle(r, deg=True))),
    ("that is the sign of the real part; a direction can be any on the circle",
     lambda r, m: m * np.where(r.real < 0, -1, 1)),
    ("every arrow has its own length; you divide all by the largest",
     lambda r, m: m * r / np.abs(r).max()),
    ("the small number that keeps off 0 / 0 is too large: it makes arrows shorter",
     *[lambda r, m, under=under: m * r / (np.abs(r) + under) for under in (1, 0.1, 0.01, 1e-3)]),
    ("the lengths are averaged; the wanted magnitude takes the place of the other",
     lambda r, m: (m + np.abs(r)) / 2 * _phase(r)),
]  # fmt: skip

keep_the_phase = Exercise(
    reference=lambda rebuilt, magnitude: magnitude * _phase(rebuilt),
    cases=_rebuilt_and_magnitude,
    read=_kept,
    tolerance=1e-3,  # of a small number that keeps off 0 / 0
    mistakes=[
        (diagnosis, *[lambda r, m, model=model: _kept(model(r, m), r, m) for model in models])
        for diagnosis, *models in _KEPT
    ],
    hint="Only the length of each arrow changes, not its direction. What is an arrow's direction "
    "if its own length is 0?",
)  # fmt: skip

# -------------------------------------------------------------------------- convergence


def _two_magnitudes() -> dict[str, tuple]:
    rng = np.random.default_rng(1)
    a, b, c = rng.uniform(0, 2, (3, 9, 5))
    gaps = c * (rng.uniform(size=(9, 5)) > 0.3)
    gaps[:, 2] = 0  # a silent frame
    return {
        "9 bins and 5 frames": (a, b),
        "a perfect match": (b, b),
        "a silent find": (np.zeros((9, 5)), b),
        "a wanted magnitude with zeros": (2 * a, gaps),
        "one frame": (c[:, :1], b[:, :1]),
    }


def _convergence(found: np.ndarray, wanted: np.ndarray) -> float:
    return _norm(found - wanted) / _norm(wanted)


def _norm(x: np.ndarray) -> float:
    return np.linalg.norm(x.ravel())


convergence = Exercise(
    reference=_convergence,
    cases=_two_magnitudes,
    mistakes=[
        ("divide by the size of what is wanted, not of what was found",
         lambda f, w: _norm(f - w) / _norm(f)),
        ("the square root is missing: a norm is the root of the sum of squares",
         lambda f, w: _convergence(f, w) ** 2),
        ("the square root is missing below: a norm is the root of the sum of squares",
         lambda f, w: _norm(f - w) / _norm(w) ** 2),
        ("the square root is missing above: a norm is the root of the sum of squares",
         lambda f, w: _norm(f - w) ** 2 / _norm(w)),
        ("the error is not yet relative: divide by the norm of what is wanted",
         lambda f, w: _norm(f - w)),
        ("these are decibels; return the plain ratio",
         lambda f, w: 20 * np.log10(_convergence(f, w)),
         lambda f, w: 10 * np.log10(_convergence(f, w))),
        ("that is the norm with absolute values; take the root of the sum of squares",
         lambda f, w: np.abs(f - w).sum() / np.abs(w).sum()),
        ("the two sizes are compared; the difference must be taken before the norm",
         lambda f, w: (_norm(f) - _norm(w)) / _norm(w),
         lambda f, w: abs(_norm(f) - _norm(w)) / _norm(w)),
        ("one norm over all bins and frames; you divide each entry by itself",
         lambda f, w: np.mean(np.abs(f - w) / w)),
        ("one norm over all bins and frames, not one for each frame and then their mean",
         lambda f, w: np.mean(np.linalg.norm(f - w, axis=0) / np.linalg.norm(w, axis=0))),
        ("one norm over all bins and frames, not one for each bin and then their mean",
         lambda f, w: np.mean(np.linalg.norm(f - w, axis=1) / np.linalg.norm(w, axis=1))),
        ("one norm over all bins and frames, not one for each frame",
         lambda f, w: np.linalg.norm(f - w, axis=0) / np.linalg.norm(w, axis=0)),
        ("`ord=2` of a matrix is another norm; all entries count here",
         lambda f, w: np.linalg.norm(f - w, 2) / np.linalg.norm(w, 2)),
        ("that is the largest error; take the norm over all bins and frames",
         lambda f, w: np.abs(f - w).max() / np.abs(w).max()),
        ("differences above and below cancel: square them first",
         lambda f, w: np.sum(f - w) / np.sum(w)),
        ("the fraction is turned over: the size of what is wanted stands below",
         lambda f, w: _norm(w) / _norm(f - w),
         lambda f, w: _norm(w) / (_norm(f - w) + 1e-12)),
        ("that is the root of the mean square; a ratio to the size of what is wanted is asked for",
         lambda f, w: np.sqrt(np.mean((f - w) ** 2))),
        ("that is the ratio of the two sizes; take the difference first",
         lambda f, w: _norm(f) / _norm(w)),
        ("a perfect match has 0: there is a 1 minus too many",
         lambda f, w: 1 - _convergence(f, w)),
        ("the mean and the norm are mixed: divide the mean square by the other mean square, then "
         "take the root of all",
         lambda f, w: np.sqrt(np.mean((f - w) ** 2)) / _norm(w)),
        ("the root of the mean square and the mean size are mixed: take the norm of both",
         lambda f, w: np.sqrt(np.mean((f - w) ** 2)) / np.mean(np.abs(w))),
        ("add nothing below the line: divide by the norm of what is wanted",
         lambda f, w: _norm(f - w) / (_norm(w) + 1)),
    ],
    signs=[
        ("these are decibels; return the plain ratio",
         lambda got, want, f, w: got < -60 if want == 0 else abs(got - 20 * np.log10(want)) < 1e-3),
    ],
    hint="How large is the difference, all bins and frames together, compared with what is "
    "wanted? The size of a matrix is its norm.",
)  # fmt: skip

# -------------------------------------------------------------------------- overlap_add


def _frames() -> dict[str, tuple]:
    rng = np.random.default_rng(2)
    inner, hann = np.hanning(18)[1:-1], np.hanning(17)[:-1]
    slot = np.array([0.0, 0, 1, 0.5, 0.25, 0])
    return {
        "a window that is nowhere 0": (rng.normal(size=(6, 16)), inner, 4),
        "a Hann window, which begins with 0": (rng.normal(size=(5, 16)), hann, 4),
        "a window with zeros at both ends, side by side": (rng.normal(size=(4, 6)), slot, 6),
        "frames that don't overlap": (rng.normal(size=(3, 16)), inner, 16),
        "a hop that does not divide the width": (rng.normal(size=(7, 16)), inner, 5),
        "one frame": (rng.normal(size=(1, 16)), inner, 4),
    }


def _add(frames: np.ndarray, hop: int) -> np.ndarray:
    n_frames, width = frames.shape
    total = np.zeros(hop * (n_frames - 1) + width)
    for t, frame in enumerate(frames):
        total[t * hop : t * hop + width] += frame
    return total


def _mean(
    frames: np.ndarray, weights: np.ndarray, hop: int, divisor: np.ndarray, hole: float = 0.0
) -> np.ndarray:
    """Return the sum of weighted frames over the sum of divisors, `hole` where that is 0."""
    below = _add(np.tile(divisor, (len(frames), 1)), hop)
    return np.where(below > 0, _add(frames * weights, hop) / np.where(below > 0, below, 1), hole)


def _overwritten(frames: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    total, below = np.zeros((2, hop * (len(frames) - 1) + frames.shape[1]))
    for t, frame in enumerate(frames):
        here = slice(t * hop, t * hop + len(frame))
        total[here], below[here] = window * frame, window**2
    return np.divide(total, below, out=np.zeros_like(total), where=below > 0)


overlap_add = Exercise(
    reference=lambda f, w, h: _mean(f, w, h, w**2),
    cases=_frames,
    tolerance=1e-3,
    mistakes=[
        ("the sum of squared windows is missing: divide by it",
         lambda f, w, h: _add(f * w, h)),
        ("0 / 0: where all windows are 0 the result is 0, too",
         lambda f, w, h: _mean(f, w, h, w**2, hole=np.nan)),
        ("divide by the sum of *squared* windows: the window is used once by the STFT and once "
         "here",
         *[lambda f, w, h, hole=hole: _mean(f, w, h, w, hole) for hole in (0, np.nan)]),
        ("multiply each frame by the window before adding it",
         *[lambda f, w, h, hole=hole: _mean(f, 1 + 0 * w, h, w**2, hole) for hole in (0, np.nan)],
         lambda f, w, h: _add(f, h) / _add(np.tile(w**2, (len(f), 1)), h)),
        ("this is the plain mean of the frames; a sample at a window's edge should count less",
         lambda f, w, h: _mean(f, 1 + 0 * w, h, 1 + 0 * w)),
        ("the frames are only added; multiply each by the window, and divide by the sum of squared "
         "windows",
         lambda f, w, h: _add(f, h)),
        ("divide by the sum of squared windows, not by the number of frames that overlap",
         lambda f, w, h: _mean(f, w, h, 1 + 0 * w)),
        ("divide by the sum of squared windows, not by the sum of squares of *this* window",
         lambda f, w, h: _add(f * w, h) / (w**2).sum()),
        ("that weighs with the squared window and divides by its sum; the frames have been "
         "weighed once already",
         lambda f, w, h: _mean(f, w**2, h, w**2),
         lambda f, w, h: _mean(f, w**2, h, w**2, hole=np.nan)),
        ("the sum of windows is squared; square each window before you add",
         *[lambda f, w, h, hole=hole: np.where(
               _mean(f, w, h, w) == 0, hole, _add(f * w, h)
               / np.maximum(_add(np.tile(w, (len(f), 1)), h) ** 2, 1e-12))
           for hole in (0, np.nan)]),
        ("you write over what the frame before left there; add to it (+=)",
         _overwritten),
        ("the last frame is missing",
         lambda f, w, h: np.append(_mean(f[:-1], w, h, w**2), np.zeros(h))
         if len(f) > 1 else np.zeros(len(w))),
        ("divide each sample by its own sum: at both ends fewer windows overlap",
         lambda f, w, h: _add(f * w, h) / ((w**2).sum() / h)),
        ("divide by the sum of squared windows also where it is below 1",
         lambda f, w, h: _add(f * w, h) / np.maximum(_add(np.tile(w**2, (len(f), 1)), h), 1)),
        ("the small number that keeps off 0 / 0 is too large: the ends become too soft",
         *[lambda f, w, h, under=under: _add(f * w, h)
           / (_add(np.tile(w**2, (len(f), 1)), h) + under) for under in (1, 0.1, 0.01, 1e-3)]),
        ("the frames begin `hop` samples apart, so they overlap; yours follow one another",
         lambda f, w, h: _mean(f, w, f.shape[1], w**2)),
        ("the end is missing: hop * (frames - 1) + width samples come back",
         lambda f, w, h: _mean(f, w, h, w**2)[: h * len(f)]),
    ],
    hint="Two arrays of the same length: one for the sum of the frames, each times the window, one "
    "for the sum of the squared windows. And where the second is 0?",
)  # fmt: skip
