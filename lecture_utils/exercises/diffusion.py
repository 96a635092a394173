"""Exercises of notebook 02."""

from __future__ import annotations

import numpy as np

from lecture_utils.diffusion import NoiseSchedule
from lecture_utils.notebook.check import Exercise, close


def _jumps() -> list[tuple]:
    """Return data, a step, noise and the table; in the middle, and at the first step."""
    rng = np.random.default_rng(0)
    left = NoiseSchedule.linear().alphas_cumprod
    return [(rng.normal(size=6), t, rng.normal(size=6), left) for t in (300, 0)]


def _jump(x0: np.ndarray, t: int, noise: np.ndarray, left: np.ndarray) -> np.ndarray:
    return np.sqrt(left[t]) * x0 + np.sqrt(1 - left[t]) * noise


q_sample = Exercise(
    reference=_jump,
    cases=_jumps,
    mistakes=[
        ("take the roots: alpha bar is a share of the variance",
         lambda got, want, x, t, z, a: close(got, a[t] * x + (1 - a[t]) * z)),
        ("the noise is not scaled: multiply it by the root of 1 - alpha bar",
         lambda got, want, x, t, z, a: close(got, np.sqrt(a[t]) * x + z)),
        ("the data must shrink, too: multiply x0 by the root of alpha bar",
         lambda got, want, x, t, z, a: close(got, x + np.sqrt(1 - a[t]) * z)),
        ("data and noise are exchanged",
         lambda got, want, x, t, z, a: close(got, _jump(z, t, x, a))),
        ("one minus the root is not the root of one minus",
         lambda got, want, x, t, z, a: close(got, np.sqrt(a[t]) * x + (1 - np.sqrt(a[t])) * z)),
        ("the noise is missing: add as much of it as the data has lost",
         lambda got, want, x, t, z, a: close(got, np.sqrt(a[t]) * x)),
        ("variances add, so the noise needs a root, too",
         lambda got, want, x, t, z, a: close(got, np.sqrt(a[t]) * x + (1 - a[t]) * z)),
        ("the noise is added, not taken away",
         lambda got, want, x, t, z, a: close(got, _jump(x, t, -z, a))),
        ("the table is a product already; take its entry t as it is",
         lambda got, want, x, t, z, a: close(got, _jump(x, t, z, np.cumprod(a)))),
        ("that is one step further; the table begins with step 0",
         lambda got, want, x, t, z, a: close(got, _jump(x, t + 1, z, a))),
        ("that is one step too few: use alphas_cumprod[t]",
         lambda got, want, x, t, z, a: close(got, _jump(x, t - 1, z, a))),
    ],
    hint="Two terms: what is left of the data, and as much noise as was lost. Variances add up to "
    "one, so both factors are roots.",
)  # fmt: skip


def _steps() -> list[tuple]:
    """Return data, a step, guessed and fresh noise and the betas; in the middle, and the last."""
    rng = np.random.default_rng(1)
    betas = NoiseSchedule.linear().betas
    return [(*rng.normal(size=(1, 6)), t, *rng.normal(size=(2, 6)), betas) for t in (600, 5, 0)]


def _back(
    x: np.ndarray, t: int, guess: np.ndarray, z: np.ndarray, betas: np.ndarray,
    spread: float | None = None, last: bool = False, share: float | None = None,
    grow: float | None = None,
) -> np.ndarray:  # fmt: skip
    left = np.cumprod(1 - betas)[t]
    share = betas[t] / np.sqrt(1 - left) if share is None else share
    mean = (x - share * guess) / np.sqrt(1 - betas[t] if grow is None else grow)
    return mean + (np.sqrt(betas[t]) if spread is None else spread) * z * bool(t or last)


def _left(betas: np.ndarray, t: int) -> float:
    return float(np.cumprod(1 - betas)[t]) if t >= 0 else 1.0


reverse_step = Exercise(
    reference=_back,
    cases=_steps,
    mistakes=[
        ("no noise is added at t = 0: the data are finished",
         lambda got, want, x, t, g, z, b: t == 0 and close(got, _back(x, t, g, z, b, last=True))),
        ("add the fresh noise, but for t = 0",
         lambda got, want, x, t, g, z, b: t > 0 and close(got, _back(x, t, g, z, b, 0))),
        ("the fresh noise is too small: multiply by the root of beta",
         lambda got, want, x, t, g, z, b: close(got, _back(x, t, g, z, b, b[t]))),
        ("the fresh noise is not scaled: multiply by the root of beta",
         lambda got, want, x, t, g, z, b: t > 0 and close(got, _back(x, t, g, z, b, 1))),
        ("that is the small variance; the large one is beta itself",
         lambda got, want, x, t, g, z, b: t > 0 and close(got, _back(
             x, t, g, z, b, np.sqrt(b[t] * (1 - _left(b, t - 1)) / (1 - _left(b, t)))))),
        ("take the guessed noise away, don't add it",
         lambda got, want, x, t, g, z, b: close(got, _back(x, t, -g, z, b))),
        ("divide by the root of 1 - beta: the data grow again on the way back",
         lambda got, want, x, t, g, z, b: close(got, _back(x, t, g, z, b, grow=1))),
        ("divide by the root of 1 - beta, not by 1 - beta",
         lambda got, want, x, t, g, z, b: close(got, _back(x, t, g, z, b, grow=(1 - b[t]) ** 2))),
        ("divide by the root of 1 - beta, not of alpha bar: it is one step, not all",
         lambda got, want, x, t, g, z, b: close(got, _back(x, t, g, z, b, grow=_left(b, t)))),
        ("that takes all the guessed noise away; a step takes beta / root of it",
         lambda got, want, x, t, g, z, b: close(
             got, _back(x, t, g, z, b, share=np.sqrt(1 - _left(b, t))))),
        ("the share of the guess is beta divided by the *root* of 1 - alpha bar",
         lambda got, want, x, t, g, z, b: close(
             got, _back(x, t, g, z, b, share=b[t] / (1 - _left(b, t))))),
        ("divide beta by the root of 1 - alpha bar, which is the product up to t",
         lambda got, want, x, t, g, z, b: close(got, _back(x, t, g, z, b, share=np.sqrt(b[t])))),
        ("alpha bar is the product of all 1 - beta, not of the betas",
         lambda got, want, x, t, g, z, b: close(
             got, _back(x, t, g, z, b, share=b[t] / np.sqrt(1 - np.cumprod(b)[t])))),
        ("alpha bar of step t is wanted, the product that includes beta of t",
         lambda got, want, x, t, g, z, b: t > 0 and close(
             got, _back(x, t, g, z, b, share=b[t] / np.sqrt(1 - _left(b, t - 1))))),
        ("that jumps to the clean data at once; take a small step",
         lambda got, want, x, t, g, z, b: t > 0 and close(
             got, (x - np.sqrt(1 - _left(b, t)) * g) / np.sqrt(_left(b, t)))),
    ],
    hint="Inside the bracket: x_t less a share of the guess. Outside: divide by the root of "
    "1 - beta; then the dice, but for t = 0. alpha bar is np.cumprod(1 - betas)[t].",
)  # fmt: skip
