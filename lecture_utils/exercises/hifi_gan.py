"""Exercises of notebook 07."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_utils.notebook.check import Exercise, close


def _sounds() -> list[tuple]:
    """Return 28 samples to fold by 5 (2 are missing), then 24 by 3 (none is)."""
    rng = np.random.default_rng(0)
    return [(rng.normal(size=28), 5), (rng.normal(size=24), 3)]


def _fold(x: np.ndarray, period: int, mode: str = "reflect") -> np.ndarray:
    return np.pad(x, (0, -len(x) % period), mode=mode).reshape(-1, period)


fold = Exercise(
    reference=_fold,
    cases=_sounds,
    mistakes=[
        ("transposed: each row is `period` samples that follow each other",
         lambda got, want, x, p: close(got, want.T)),
        ("rows and columns are mixed up: reshape to (-1, period), not to (period, -1)",
         lambda got, want, x, p: close(got, want.reshape(p, -1))),
        ("these are the columns, laid in rows; time runs along a row first",
         lambda got, want, x, p: close(got, want.ravel().reshape(p, -1).T)),
        ("the last, incomplete row is cut off; fill it up by mirroring",
         lambda got, want, x, p: close(got, x[: len(x) // p * p].reshape(-1, p))),
        ("the last row is filled up with zeros; mirror the sound instead (a silent end is a mark "
         "that no real sound has)",
         lambda got, want, x, p: close(got, _fold(x, p, "constant"))),
        ('mirror without repeating the last sample: mode="reflect"',
         lambda got, want, x, p: close(got, _fold(x, p, "symmetric"))),
        ("you mirror at the beginning; the missing samples belong to the end",
         lambda got, want, x, p: close(
             got, np.pad(x, (-len(x) % p, 0), mode="reflect").reshape(-1, p))),
        ("nothing is missing when the period divides the length: pad -len(x) % period",
         lambda got, want, x, p: close(
             got, np.pad(x, (0, p - len(x) % p), mode="reflect").reshape(-1, p))),
    ],
    hint='np.pad(x, (0, -len(x) % period), mode="reflect").reshape(-1, period).',
)  # fmt: skip


def _scores() -> list[tuple]:
    """Return the scores of two critics with different numbers of windows, for real and made."""
    rng = np.random.default_rng(1)
    return [tuple([rng.normal(size=n) for n in (12, 5)] for _ in range(2))]


def _least_squares(
    real: list, fake: list, wanted: tuple[float, float] = (1, 0), reduce: Callable = np.mean
) -> float:
    return sum(reduce((x - wanted[0]) ** 2) for x in real) + sum(
        reduce((x - wanted[1]) ** 2) for x in fake
    )


def _hinge(real: list, fake: list) -> float:
    return sum(np.maximum(0, 1 - x).mean() for x in real) + sum(
        np.maximum(0, 1 + x).mean() for x in fake
    )


critic_loss = Exercise(
    reference=_least_squares,
    cases=_scores,
    mistakes=[
        ("real and made are exchanged: real sound should score 1, made sound 0",
         lambda got, want, r, f: close(got, _least_squares(r, f, (0, 1)))),
        ("that trains a critic to say -1 to made sound; least squares asks for 0",
         lambda got, want, r, f: close(got, _least_squares(r, f, (1, -1)))),
        ("that is MelGAN's hinge, which is content beyond 1 and -1; here distances are squared",
         lambda got, want, r, f: close(got, _hinge(r, f))),
        ("that is the generator's loss; the critic looks at real sound, too, and wants 0 of made",
         lambda got, want, r, f: close(got, _least_squares([], f, (1, 1)))),
        ("made sound is missing: a critic that says 1 to everything would be perfect",
         lambda got, want, r, f: close(got, _least_squares(r, []))),
        ("real sound is missing: a critic that says 0 to everything would be perfect",
         lambda got, want, r, f: close(got, _least_squares([], f))),
        ("take the mean over a critic's scores, not the sum: critics have different numbers",
         lambda got, want, r, f: close(got, _least_squares(r, f, reduce=np.sum))),
        ("square first, then take the mean: scores of 2 and 0 are no perfect pair of ones",
         lambda got, want, r, f: close(got, sum((x.mean() - 1) ** 2 for x in r)
                                       + sum(x.mean() ** 2 for x in f))),
        ("the critics are summed, not averaged",
         lambda got, want, r, f: close(got, want / len(r))),
    ],
    hint="For every critic: np.mean((real - 1) ** 2) + np.mean(fake ** 2); sum it all up.",
)  # fmt: skip
