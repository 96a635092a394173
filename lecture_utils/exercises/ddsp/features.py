"""Exercises 3 and 4 of notebook 08: how a sound is measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_utils.notebook.check import Exercise

# ------------------------------------------------------------------------ spectral_loss


def _spectrograms() -> dict[str, tuple]:
    rng = np.random.default_rng(1)

    def scales(*shapes: tuple, quiet: float = 0.0) -> list:
        made = [rng.uniform(0.05, 2, shape) for shape in shapes]
        return [np.where(rng.uniform(size=x.shape) < quiet, 0, x) for x in made]

    three, two = ((33, 8), (17, 16), (9, 32)), ((6, 5), (4, 9))
    same = scales(*two)
    return {
        "three scales": (scales(*three), scales(*three)),
        "spectra with zeros": (scales(*three, quiet=0.3), scales(*three, quiet=0.3)),
        "two sounds that are equal, with zeros": ([*same, np.zeros((3, 3))],) * 2,
        "one scale, and silence": (scales((7, 6)), [np.zeros((7, 6))]),
        "two scales, the estimate too loud": (same, [3 * x for x in same]),
        "two scales, nearly silent": ([3e-5 * x for x in same], [1e-5 * x for x in same]),
    }


def _loss(
    targets: list, estimates: list, reduce: Callable = np.mean, linear: float = 1, log: float = 1,
    size: Callable = np.abs, under: float = 1e-5, logarithm: Callable = np.log,
) -> float:  # fmt: skip
    loss = 0.0
    for t, e in zip(targets, estimates, strict=True):
        loss += linear * reduce(size(e - t)) if linear else 0
        loss += log * reduce(size(logarithm(e + under) - logarithm(t + under))) if log else 0
    return loss


def _rms(x: np.ndarray) -> float:
    return np.sqrt(np.mean(x**2))


def _bare(x: np.ndarray) -> np.ndarray:
    """Return the logarithm, of which 0 has none."""
    return np.log(np.where(x <= 1e-5, np.nan, x - 1e-5))


spectral_loss = Exercise(
    reference=_loss,
    cases=_spectrograms,
    mistakes=[
        ("the second half is missing: the same with logarithms, which hears the quiet parts",
         lambda t, e: _loss(t, e, log=0)),
        ("this is the logarithmic half alone; add the mean of |e - t|",
         lambda t, e: _loss(t, e, linear=0)),
        ("1e-5 is missing under the logarithms: 0 has none",
         lambda t, e: _loss(t, e, logarithm=_bare)),
        ("1e-5 belongs under each logarithm; yours is another number",
         *[lambda t, e, under=10.0**-k: _loss(t, e, under=under)
           for k in (1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 16)]),
        ("1e-5 is added under each logarithm; a floor leaves larger numbers as they are",
         lambda t, e: _loss(t, e, under=0, logarithm=lambda x: np.log(np.maximum(x, 1e-5)))),
        ("1e-5 belongs under each logarithm, not 1",
         lambda t, e: _loss(t, e, under=1)),
        ("the natural logarithm is wanted, not the one of base 10",
         lambda t, e: _loss(t, e, logarithm=np.log10)),
        ("the natural logarithm is wanted, not the one of base 2",
         lambda t, e: _loss(t, e, logarithm=np.log2)),
        ("the natural logarithm is wanted, not decibels",
         lambda t, e: _loss(t, e, logarithm=lambda x: 20 * np.log10(x))),
        ("you compare one scale; sum over all window lengths",
         *[lambda t, e, k=k: _loss(t[k : k + 1] or t[-1:], e[k : k + 1] or e[-1:])
           for k in (0, 1, 2)]),
        ("take the mean over bins and frames, not the sum: scales have different sizes",
         lambda t, e: _loss(t, e, np.sum)),
        ("absolute differences are wanted, not squares",
         lambda t, e: _loss(t, e, size=np.square)),
        ("absolute differences are wanted, not the root of the mean square",
         lambda t, e: _loss(t, e, reduce=_rms)),
        ("absolute differences are wanted, not a norm",
         lambda t, e: _loss(t, e, reduce=lambda x: np.linalg.norm(x.ravel()))),
        ("without absolute values, too loud here and too soft there cancel",
         lambda t, e: _loss(t, e, size=np.positive),
         lambda t, e: _loss(e, t, size=np.positive)),
        ("take the absolute value before the mean, or too loud here and too soft there cancel",
         lambda t, e: _loss(t, e, reduce=lambda x: abs(np.mean(x)), size=np.positive),
         *[lambda t, e, half=half, alone=alone: _loss(t, e, **{half: 0}) + _loss(
             t, e, **alone, reduce=lambda x: abs(np.mean(x)), size=np.positive)
           for half, alone in (("log", {"linear": 0}), ("linear", {"log": 0}))]),
        ("take the logarithm of each, then the difference; not the logarithm of the difference",
         lambda t, e: _loss(t, e, log=0) + sum(
             np.mean(np.log(np.abs(b - a) + 1e-5)) for a, b in zip(t, e, strict=True)),
         lambda t, e: _loss(t, e, log=0) + sum(
             np.mean(np.abs(np.log(np.abs(b - a) + 1e-5))) for a, b in zip(t, e, strict=True))),
        ("the scales are summed, not averaged",
         lambda t, e: _loss(t, e) / len(t)),
        ("the two halves are added, not averaged",
         lambda t, e: _loss(t, e) / 2),
        ("means are wanted, not medians",
         lambda t, e: _loss(t, e, reduce=np.median)),
    ],
    hint="For each scale two means: of the differences of the magnitudes, and of the differences "
    "of their logarithms. Both without a sign.",
)  # fmt: skip

# -------------------------------------------------------------------------- loudness_db


def _power_and_weights() -> dict[str, tuple]:
    """Return frames loud, quiet and silent, and weights like those of the A curve."""
    rng = np.random.default_rng(2)
    power = rng.uniform(0, 0.1, (9, 4))
    power[3:6, 1] = 0
    power[:, 3] = 0
    weights = np.array([-80, -19, -9, -3, 0, 1.2, 1, 0, -1.1])
    faint = 1e-9 * rng.uniform(0.5, 2, (9, 5)) * [1, 3, 0.3, 10, 0.01]
    return {
        "four frames, the last one silent": (power, weights),
        "faint frames, some below -80 dB": (faint, weights),
        "weights of 0 dB": (rng.uniform(0.5, 40, (3, 2)), np.zeros(3)),
        "as many bins as frames": (rng.uniform(0, 1, (4, 4)), np.array([-30.0, -6, 0, 3])),
        "one bin": (np.array([[0.5, 0.0, 2.0]]), np.array([-6.0])),
    }


def _weighed(power: np.ndarray, weights_db: np.ndarray, per_ten: float = 10) -> np.ndarray:
    return power * 10 ** (weights_db[:, None] / per_ten)


def _db(total: np.ndarray, factor: float = 10, floor: float = -80) -> np.ndarray:
    return np.maximum(factor * np.log10(np.maximum(total, 1e-300)), floor)


def _loudness(power: np.ndarray, weights_db: np.ndarray, per_ten: float = 10) -> np.ndarray:
    return _db(_weighed(power, weights_db, per_ten).sum(0))


loudness_db = Exercise(
    reference=_loudness,
    cases=_power_and_weights,
    tolerance=1e-3,  # 0.08 dB
    mistakes=[
        ("the floor is missing: nothing is below -80 dB",
         lambda p, w: 10 * np.log10(_weighed(p, w).sum(0))),
        ("silence is held to -80 dB, but faint sounds still fall below it",
         lambda p, w: np.where(_weighed(p, w).sum(0) == 0, -80,
                               10 * np.log10(_weighed(p, w).sum(0)))),
        ("a small number under the logarithm lifts faint sounds; hold the result to -80 instead",
         *[lambda p, w, under=under: _db(_weighed(p, w).sum(0) + under) for under in (1e-8, 1e-9)]),
        ("the floor is missing: nothing is below -80 dB",
         *[lambda p, w, under=under: 10 * np.log10(_weighed(p, w).sum(0) + under)
           for under in (1e-9, 1e-10, 1e-12, 1e-20)]),
        ("hold the sum to -80 dB, not each bin by itself",
         lambda p, w: 10 * np.log10(np.maximum(_weighed(p, w), 1e-8).sum(0))),
        ("the floor is -80 dB, not 0",
         lambda p, w: np.maximum(_db(_weighed(p, w).sum(0), floor=-300), 0)),
        ("the floor is -80 dB; yours is -100",
         lambda p, w: _db(_weighed(p, w).sum(0), floor=-100)),
        ("the floor is -80 dB; yours is -60",
         lambda p, w: _db(_weighed(p, w).sum(0), floor=-60)),
        ("-80 is the lowest that comes back, not the highest: maximum, not minimum",
         lambda p, w: np.minimum(10 * np.log10(_weighed(p, w).sum(0)), -80)),
        ("these are powers: 10 ** (dB / 10); dividing by 20 is for amplitudes",
         lambda p, w: _loudness(p, w, 20)),
        ("these are powers already; don't square them",
         lambda p, w: _loudness(p**2, w)),
        ("the ear's weights are missing",
         lambda p, w: _loudness(p, 0 * w)),
        ("the weights lower what the ear hears less; yours raise it (a minus too many)",
         lambda p, w: _loudness(p, -w)),
        ("the weights are decibels: turn them into factors before you multiply",
         lambda p, w: _db((p * w[:, None]).sum(0))),
        ("the weights belong to each bin, before the sum",
         lambda p, w: np.maximum(_db(p.sum(0), floor=-300) + w.sum(), -80),
         lambda p, w: np.maximum(_db(p.sum(0), floor=-300) + w.mean(), -80)),
        ("power has 10 log10; 20 log10 is for amplitudes",
         *[lambda p, w, floor=floor: np.maximum(20 * np.log10(_weighed(p, w).sum(0)), floor)
           for floor in (-80, -np.inf)]),
        ("decibels are ten times the logarithm; the 10 is missing",
         lambda p, w: _db(_weighed(p, w).sum(0), factor=1)),
        ("the logarithm of base 10 is wanted",
         lambda p, w: _db(_weighed(p, w).sum(0), factor=10 * np.log(10))),
        ("this is the mean over bins; the ear adds their powers",
         lambda p, w: _db(_weighed(p, w).mean(0))),
        ("this is the loudest bin; the ear adds the powers of all",
         lambda p, w: _db(_weighed(p, w).max(0))),
        ("add powers first and take the logarithm of the sum: a mean of decibels is no loudness",
         *[lambda p, w, tiny=tiny: np.maximum(
               np.mean(10 * np.log10(np.maximum(p, tiny)) + w[:, None], axis=0), -80)
           for tiny in (0, 1e-8, 1e-10, 1e-12, 1e-20)]),
        ("add powers first and take the logarithm of the sum: a sum of decibels is no loudness",
         *[lambda p, w, tiny=tiny: np.maximum(
               np.sum(10 * np.log10(np.maximum(p, tiny)) + w[:, None], axis=0), -80)
           for tiny in (0, 1e-10)]),
        ("the bins are the first axis; you add over time",
         lambda p, w: _db(_weighed(p, w).sum(1))),
        ("one number for each frame; you add over everything",
         lambda p, w: _db(_weighed(p, w).sum())),
        ("the weights belong to the bins, not to the frames",
         lambda p, w: _db((p * 10 ** (w / 10)).sum(0))),
        ("power adds up to a level by its logarithm; the powers themselves come back",
         lambda p, w: _weighed(p, w).sum(0)),
    ],
    signs=[
        ("the floor is missing: nothing is below -80 dB",
         lambda got, want, p, w: (np.isneginf(got) | (got < -80.001)).any()
         and np.allclose(np.maximum(got, -80), want, atol=0.01)),
    ],
    hint="The weights become factors of power, the bins of a frame are added, the sum becomes "
    "decibels again. And silence?",
)  # fmt: skip
