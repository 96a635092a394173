"""Exercises of notebook 02."""

from __future__ import annotations

import numpy as np

from lecture_utils.diffusion import NoiseSchedule
from lecture_utils.notebook.check import Exercise

# ----------------------------------------------------------------------------- q_sample


def _jumps() -> dict[str, tuple]:
    """Return data, a step, noise and the table: in the middle, at both ends, and a short table."""
    rng = np.random.default_rng(0)
    left, short = NoiseSchedule.linear().alphas_cumprod, np.cumprod(1 - np.linspace(0.02, 0.4, 12))
    data, noise = rng.normal(size=(2, 6))
    return {
        "step 300 of 1000": (data, 300, noise, left),
        "the first step, t = 0": (noise, 0, data, left),
        "a table of 12 steps": (rng.normal(size=4), 7, rng.normal(size=4), short),
        "the last step": (rng.normal(size=3), len(short) - 1, rng.normal(size=3), short),
        "data of zeros": (np.zeros(5), 500, rng.normal(size=5), left),
        "noise of zeros": (rng.normal(size=5), 500, np.zeros(5), left),
    }


def _jump(x0: np.ndarray, t: int, noise: np.ndarray, left: np.ndarray) -> np.ndarray:
    return np.sqrt(left[t]) * x0 + np.sqrt(1 - left[t]) * noise


q_sample = Exercise(
    reference=_jump,
    cases=_jumps,
    mistakes=[
        ("take the roots: alpha bar is a share of the variance",
         lambda x, t, z, a: a[t] * x + (1 - a[t]) * z),
        ("take the roots, not the squares: alpha bar is a share of the variance",
         lambda x, t, z, a: a[t] ** 2 * x + (1 - a[t]) ** 2 * z),
        ("the noise is not scaled: multiply it by the root of 1 - alpha bar",
         lambda x, t, z, a: np.sqrt(a[t]) * x + z),
        ("the data must shrink, too: multiply x0 by the root of alpha bar",
         lambda x, t, z, a: x + np.sqrt(1 - a[t]) * z),
        ("nothing is scaled: data and noise each have their factor",
         lambda x, t, z, a: x + z),
        ("data and noise are exchanged",
         lambda x, t, z, a: _jump(z, t, x, a)),
        ("one minus the root is not the root of one minus",
         lambda x, t, z, a: np.sqrt(a[t]) * x + (1 - np.sqrt(a[t])) * z),
        ("the noise is missing: add as much of it as the data has lost",
         lambda x, t, z, a: np.sqrt(a[t]) * x),
        ("the data are missing",
         lambda x, t, z, a: np.sqrt(1 - a[t]) * z),
        ("variances add, so the noise needs a root, too",
         lambda x, t, z, a: np.sqrt(a[t]) * x + (1 - a[t]) * z),
        ("variances add, so the data need a root, too",
         lambda x, t, z, a: a[t] * x + np.sqrt(1 - a[t]) * z),
        ("the noise is added, not taken away",
         lambda x, t, z, a: _jump(x, t, -z, a)),
        ("the table is a product already; take its entry t as it is",
         lambda x, t, z, a: _jump(x, t, z, np.cumprod(a))),
        ("the table is a product already; don't multiply its entries",
         lambda x, t, z, a: _jump(x, 0, z, np.prod(a[:t], keepdims=True))),
        ("that is one step further; the table begins with step 0",
         lambda x, t, z, a: _jump(x, t + 1, z, a),
         lambda x, t, z, a: _jump(x, min(t + 1, len(a) - 1), z, a)),
        ("that is one step too few: use entry t of the table",
         lambda x, t, z, a: _jump(x, t - 1, z, a),
         lambda x, t, z, a: _jump(x, max(t - 1, 0), z, a)),
        ("the root stands around the factor alone, not around the data or the noise",
         lambda x, t, z, a: np.sqrt(a[t] * x) + np.sqrt((1 - a[t]) * z)),
        ("the step is in `t`; use its entry of the table, not the last one",
         lambda x, t, z, a: _jump(x, -1, z, a)),
    ],
    hint="Two terms: what is left of the data, and as much noise as was lost. Their variances add "
    "up to one; a factor that is multiplied with a sound changes its variance by its square.",
)  # fmt: skip

# ------------------------------------------------------------------------- reverse_step


def _steps() -> dict[str, tuple]:
    """Return data, a step, guessed and fresh noise and the betas."""
    rng = np.random.default_rng(1)
    betas, few = NoiseSchedule.linear().betas, np.linspace(0.02, 0.3, 10)

    def step(t: int, table: np.ndarray, n: int = 5) -> tuple:
        return (rng.normal(size=n), t, *rng.normal(size=(2, n)), table)

    silent = step(300, betas)
    return {
        "step 600 of 1000": step(600, betas),
        "t = 5": step(5, betas),
        "t = 1": step(1, betas),
        "t = 0": step(0, betas),
        "the last of 10 steps": step(len(few) - 1, few),
        "t = 0 of 10 steps": step(0, few),
        "guessed noise of zeros": (*silent[:2], np.zeros(5), *silent[3:]),
    }


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


def _at_once(x: np.ndarray, t: int, g: np.ndarray, z: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (x - np.sqrt(1 - _left(b, t)) * g) / np.sqrt(_left(b, t))


#: Diagnosis, and the flags of `_back` that make the mistake.
_BACK = [
    ("no noise is added at t = 0: the data are finished",
     lambda t, b: {"last": True}),
    ("add the fresh noise, but for t = 0",
     lambda t, b: {"spread": 0}),
    ("fresh noise is missing at t = 1; only at t = 0 is none added",
     lambda t, b: {"spread": 0} if t == 1 else {}),
    ("the fresh noise is too small: multiply by the root of beta",
     lambda t, b: {"spread": b[t]}),
    ("the fresh noise is not scaled: multiply by the root of beta",
     lambda t, b: {"spread": 1}),
    ("the fresh noise is scaled by the root of 1 - beta; take the root of beta",
     lambda t, b: {"spread": np.sqrt(1 - b[t])}),
    ("that is the small variance; the large one is beta itself",
     lambda t, b: {"spread": np.sqrt(b[t] * (1 - _left(b, t - 1)) / (1 - _left(b, t)))}),
    ("put the fresh noise outside the bracket, so that it is not divided by anything",
     lambda t, b: {"spread": np.sqrt(b[t] / (1 - b[t]))}),
    ("the fresh noise is added, not taken away",
     lambda t, b: {"spread": -np.sqrt(b[t])}),
    ("take the guessed noise away, don't add it",
     lambda t, b: {"share": -b[t] / np.sqrt(1 - _left(b, t))}),
    ("the guessed noise is missing",
     lambda t, b: {"share": 0}),
    ("divide by the root of 1 - beta: the data grow again on the way back",
     lambda t, b: {"grow": 1}),
    ("divide by the root of 1 - beta, not by 1 - beta",
     lambda t, b: {"grow": (1 - b[t]) ** 2}),
    ("divide by the root of 1 - beta; you multiply",
     lambda t, b: {"grow": 1 / (1 - b[t])}),
    ("the root of 1 - beta divides the whole difference, not x_t alone",
     lambda t, b: {"share": b[t] * np.sqrt(1 - b[t]) / np.sqrt(1 - _left(b, t))}),
    ("divide by the root of 1 - beta, not of beta",
     lambda t, b: {"grow": b[t]}),
    ("divide by the root of 1 - beta, not of alpha bar: it is one step, not all",
     lambda t, b: {"grow": _left(b, t)}),
    ("that takes all the guessed noise away; a step takes beta / root of it",
     lambda t, b: {"share": np.sqrt(1 - _left(b, t))}),
    ("the guessed noise needs its factor: beta divided by the root of 1 - alpha bar",
     lambda t, b: {"share": 1}),
    ("the share of the guess is beta itself divided by the root, not its root",
     lambda t, b: {"share": np.sqrt(b[t]) / np.sqrt(1 - _left(b, t))}),
    ("divide beta by the root of 1 - alpha bar",
     lambda t, b: {"share": b[t]}),
    ("the share of the guess is beta divided by the *root* of 1 - alpha bar",
     lambda t, b: {"share": b[t] / (1 - _left(b, t))}),
    ("the share of the guess has 1 - alpha bar below, not alpha bar",
     lambda t, b: {"share": b[t] / np.sqrt(_left(b, t))}),
    ("the share of the guess has beta above, not 1 - beta",
     lambda t, b: {"share": (1 - b[t]) / np.sqrt(1 - _left(b, t))}),
    ("divide beta by the root of 1 - alpha bar, which is the product up to t",
     lambda t, b: {"share": np.sqrt(b[t])}),
    ("alpha bar is the product of all 1 - beta, not of the betas",
     lambda t, b: {"share": b[t] / np.sqrt(1 - np.cumprod(b)[t])}),
    ("alpha bar is the product of all 1 - beta, not one minus their sum",
     lambda t, b: {"share": b[t] / np.sqrt(np.cumsum(b)[t])}),
    ("alpha bar of step t is wanted, the product that includes beta of t",
     lambda t, b: {"share": b[t] / np.sqrt(1 - _left(b, t - 1))},
     lambda t, b: {"share": b[t] / np.sqrt(1 - np.cumprod(1 - b)[t - 1])},
     lambda t, b: {"share": b[t] / np.sqrt(1 - _left(b, max(t - 1, 0)))}),
    ("alpha bar of step t is wanted, the product that ends with beta of t",
     lambda t, b: {"share": b[t] / np.sqrt(1 - _left(b, t + 1))}),
]  # fmt: skip

reverse_step = Exercise(
    reference=_back,
    cases=_steps,
    mistakes=[
        *[(diagnosis, *[lambda x, t, g, z, b, flags=flags: _back(x, t, g, z, b, **flags(t, b))
                        for flags in several]) for diagnosis, *several in _BACK],
        ("that jumps to the clean data at once; take a small step",
         _at_once),
        ("at t = 0 only the fresh noise falls away; the guessed noise is taken away as before",
         lambda x, t, g, z, b: _back(x, t, g, z, b) if t else x),
        ("the two kinds of noise are exchanged: the network's guess is taken away, the fresh noise "
         "is added",
         lambda x, t, g, z, b: _back(x, t, z, g, b)),
        ("that is a step forward: data shrink and noise is added; go back",
         lambda x, t, g, z, b: np.sqrt(1 - b[t]) * x + np.sqrt(b[t]) * z),
    ],
    hint="Inside the bracket: x_t less a share of the guess. Outside: one division, which lets the "
    "data grow again; then the fresh noise. alpha bar is a product over all steps up to t.",
)  # fmt: skip
