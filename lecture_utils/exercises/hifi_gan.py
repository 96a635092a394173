"""Exercises of notebook 07."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_utils.check import Exercise, close


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


def _maps() -> list[tuple]:
    """Return feature maps of two critics with two layers each, for real and made sound."""
    rng = np.random.default_rng(1)
    shapes = [[(4, 20), (8, 5)], [(4, 30), (8, 9)]]
    return [tuple([[rng.normal(size=s) for s in critic] for critic in shapes] for _ in range(2))]


def _matching(real: list, fake: list, size: Callable = np.abs, reduce: Callable = np.mean) -> float:
    return sum(
        reduce(size(r - f))
        for layers, made in zip(real, fake, strict=True)
        for r, f in zip(layers, made, strict=True)
    )


feature_matching = Exercise(
    reference=_matching,
    cases=_maps,
    mistakes=[
        ("take the mean over each map, not the sum: maps have different sizes",
         lambda got, want, r, f: close(got, _matching(r, f, reduce=np.sum))),
        ("absolute differences are wanted (np.abs), not squares",
         lambda got, want, r, f: close(got, _matching(r, f, size=np.square))),
        ("without np.abs, too much here and too little there cancel",
         lambda got, want, r, f: close(abs(got), abs(_matching(r, f, size=np.positive)))),
        ("that is one critic; sum over all of them",
         lambda got, want, r, f: any(
             close(got, _matching([a], [b])) for a, b in zip(r, f, strict=True))),
        ("those are the last layers alone; sum over the layers of each critic",
         lambda got, want, r, f: close(
             got, _matching([a[-1:] for a in r], [b[-1:] for b in f]))),
        ("the critics are summed, not averaged",
         lambda got, want, r, f: close(got, want / len(r))),
        ("layers and critics are summed, not averaged",
         lambda got, want, r, f: close(got, want / sum(map(len, r)))),
    ],
    hint="For every critic and layer: np.mean(np.abs(real_map - fake_map)); sum it all up.",
)  # fmt: skip
