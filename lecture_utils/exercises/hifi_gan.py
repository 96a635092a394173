"""Exercises of notebook 07."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_utils.notebook.check import Exercise

# --------------------------------------------------------------------------------- fold


def _sounds() -> dict[str, tuple]:
    rng = np.random.default_rng(0)
    ends = rng.normal(size=13)
    ends[[0, 1, -2, -1]] = 0
    return {
        "28 samples by 5": (rng.normal(size=28), 5),
        "24 samples by 3, with nothing missing": (rng.normal(size=24), 3),
        "12 samples by 11": (rng.normal(size=12), 11),
        "13 samples by 4, with silent ends": (ends, 4),
        "9 samples by 2": (rng.normal(size=9), 2),
        "16 samples by 4, as many rows as columns": (rng.normal(size=16), 4),
    }


def _fold(
    x: np.ndarray, period: int, mode: str = "reflect", missing: int | None = None,
    front: bool = False,
) -> np.ndarray:  # fmt: skip
    missing = -len(x) % period if missing is None else missing
    return np.pad(x, (missing, 0) if front else (0, missing), mode=mode).reshape(-1, period)


fold = Exercise(
    reference=_fold,
    cases=_sounds,
    mistakes=[
        ("transposed: each row is `period` samples that follow each other",
         lambda x, p: _fold(x, p).T),
        ("rows and columns are mixed up: each row has `period` samples",
         lambda x, p: _fold(x, p).reshape(p, -1)),
        ("these are the columns, laid in rows; time runs along a row first",
         lambda x, p: _fold(x, p).reshape(p, -1).T),
        ("the last, incomplete row is cut off; fill it up by mirroring",
         lambda x, p: x[: len(x) // p * p].reshape(-1, p)),
        ("the last row is filled up with zeros; mirror the sound instead (a silent end is a mark "
         "that no real sound has)",
         *[lambda x, p, missing=missing: _fold(x, p, "constant", missing(len(x), p))
           for missing in (lambda n, p: -n % p, lambda n, p: p - n % p)]),
        ("mirror without repeating the last sample",
         lambda x, p: _fold(x, p, "symmetric")),
        ("the last sample is repeated; mirror the sound instead",
         lambda x, p: _fold(x, p, "edge")),
        ("the sound begins again at its end; mirror it instead",
         lambda x, p: _fold(x, p, "wrap")),
        ("the mirrored samples are turned over; mirror in time only",
         lambda x, p: np.pad(x, (0, -len(x) % p), "reflect", reflect_type="odd").reshape(-1, p)),
        ("that is a copy of the last samples; mirrored, they run backwards",
         lambda x, p: np.append(x, x[len(x) - -len(x) % p :]).reshape(-1, p)),
        ("that is a copy of the samples before the last; mirrored, they run backwards",
         lambda x, p: np.append(x, x[len(x) - 1 - -len(x) % p : -1]).reshape(-1, p)),
        ("the mirror stands at the last sample: begin with the sample before it, not one earlier",
         lambda x, p: np.append(x, x[len(x) - 2 - -len(x) % p : -2][::-1]).reshape(-1, p)),
        ("the *end* is mirrored, not the beginning",
         lambda x, p: np.append(x, x[1 : 1 + -len(x) % p][::-1]).reshape(-1, p),
         lambda x, p: np.append(x, x[: -len(x) % p][::-1]).reshape(-1, p)),
        ("you mirror at the beginning; the missing samples belong to the end",
         lambda x, p: _fold(x, p, front=True)),
        ("nothing is missing when the period divides the length",
         lambda x, p: _fold(x, p, missing=p - len(x) % p)),
        ("what is missing is the rest to the next multiple of the period, not the remainder itself",
         lambda x, p: _fold(x, p, missing=len(x) % p)),
        ("that is still one row after the other in one array; give it rows",
         lambda x, p: _fold(x, p).ravel()),
    ],
    hint="How many samples are missing to the next full row? Mirroring goes back from the last "
    "sample, without repeating it. Then rows of `period`.",
)  # fmt: skip

# -------------------------------------------------------------------------- discriminator_loss


def _scores() -> dict[str, tuple]:
    """Return scores of discriminators with different numbers of windows: real, and made."""
    rng = np.random.default_rng(1)

    def scores(*sizes: int) -> list:
        return [rng.normal(size=n) for n in sizes]

    return {
        "three discriminators": (scores(12, 5, 8), scores(12, 5, 8)),
        "one discriminator": (scores(7), scores(7)),
        "discriminators that are always right": (
            [np.ones(4), np.ones(9)], [np.zeros(4), np.zeros(9)],
        ),
        "discriminators that say 0 to everything": ([np.zeros(6), np.zeros(3)], [np.zeros(6)] * 2),
        "four discriminators that say 1 or more": (
            [1 + abs(s) for s in scores(3, 10, 2, 6)], [1 + abs(s) for s in scores(3, 10, 2, 6)]),
        "more made than real sound": (scores(4, 3), scores(9, 11)),
    }  # fmt: skip


def _least_squares(
    real: list, fake: list, wanted: tuple[float, float] = (1, 0), reduce: Callable = np.mean,
    power: float = 2,
) -> float:  # fmt: skip
    return sum(reduce(np.abs(x - wanted[0]) ** power) for x in real) + sum(
        reduce(np.abs(x - wanted[1]) ** power) for x in fake
    )


def _hinge(real: list, fake: list) -> float:
    return sum(np.maximum(0, 1 - x).mean() for x in real) + sum(
        np.maximum(0, 1 + x).mean() for x in fake
    )


discriminator_loss = Exercise(
    reference=_least_squares,
    cases=_scores,
    mistakes=[
        ("real and made are exchanged: real sound should score 1, made sound 0",
         lambda r, f: _least_squares(r, f, (0, 1))),
        ("that trains a discriminator to say -1 to made sound; least squares asks for 0",
         lambda r, f: _least_squares(r, f, (1, -1))),
        ("both are compared with 1; made sound should score 0",
         lambda r, f: _least_squares(r, f, (1, 1))),
        ("both are compared with 0; real sound should score 1",
         lambda r, f: _least_squares(r, f, (0, 0))),
        ("that is MelGAN's hinge, which is content beyond 1 and -1; here distances are squared",
         _hinge),
        ("that is the generator's loss; a discriminator sees real sound, too, and wants 0 of made",
         lambda r, f: _least_squares([], f, (1, 1))),
        ("made sound is missing: a discriminator that says 1 to everything would be perfect",
         lambda r, f: _least_squares(r, [])),
        ("real sound is missing: a discriminator that says 0 to everything would be perfect",
         lambda r, f: _least_squares([], f)),
        ("take the mean over a discriminator's scores, not the sum: each has another number",
         lambda r, f: _least_squares(r, f, reduce=np.sum)),
        ("square first, then take the mean: scores of 2 and 0 are no perfect pair of ones",
         lambda r, f: sum((x.mean() - 1) ** 2 for x in r) + sum(x.mean() ** 2 for x in f)),
        ("the discriminators are summed, not averaged",
         lambda r, f: _least_squares(r, f) / len(r)),
        ("the two parts are added, not averaged",
         lambda r, f: _least_squares(r, f) / 2),
        ("the two parts are added: both are to become small",
         lambda r, f: _least_squares(r, []) - _least_squares([], f)),
        ("squares are wanted, not absolute differences",
         lambda r, f: _least_squares(r, f, power=1)),
        ("no root: the mean of the squares is wanted",
         lambda r, f: _least_squares(r, f, reduce=lambda x: np.sqrt(np.mean(x)))),
        ("without a square, scores above and below cancel",
         lambda r, f: sum(np.mean(x - 1) for x in r) + sum(np.mean(x) for x in f),
         lambda r, f: sum(np.mean(1 - x) for x in r) + sum(np.mean(x) for x in f)),
        ("that is the first discriminator alone; sum over all of them",
         lambda r, f: _least_squares(r[:1], f[:1])),
        ("that is the last discriminator alone; sum over all of them",
         lambda r, f: _least_squares(r[-1:], f[-1:])),
        ("a mean over all scores lets the one with most of them rule; take the mean of each "
         "discriminator",
         lambda r, f: _least_squares([np.concatenate(r)], [np.concatenate(f)]),
         lambda r, f: len(r) * _least_squares([np.concatenate(r)], [np.concatenate(f)])),
        ("that is WaveGAN's and the Wasserstein critic's loss; here distances to 1 and 0 are "
         "squared",
         lambda r, f: sum(x.mean() for x in f) - sum(x.mean() for x in r)),
    ],
    hint="For every discriminator two numbers: how far are its scores for real sound from 1, and "
    "for made sound from 0, in mean squares?",
)  # fmt: skip
