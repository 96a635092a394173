"""Exercises of notebook 09."""

from __future__ import annotations

import itertools

import numpy as np

from lecture_utils.listening_test import williams_orders
from lecture_utils.notebook.answers import numbers
from lecture_utils.notebook.check import Exercise

# ------------------------------------------------------------------------------- interval


def _classes() -> dict[str, tuple]:
    """Return points of listeners, draws of listeners, and a confidence.

    The ends of the intervals fall on whole places among 201 sorted means, so that every usual
    definition of a quantile gives the same.
    """
    rng = np.random.default_rng(0)
    scores = rng.integers(20, 96, 12).astype(float)
    spread = rng.uniform(0, 100, 30)
    return {
        "twelve listeners": (scores, rng.integers(12, size=(201, 12)), 0.95),
        "thirty listeners": (spread, rng.integers(30, size=(201, 30)), 0.9),
        "half of the means": (scores, rng.integers(12, size=(201, 12)), 0.5),
        "listeners who give 0 or 100": (
            np.array([0.0, 100, 100, 0, 100]), rng.integers(5, size=(201, 5)), 0.9,
        ),
    }  # fmt: skip


def _between(means: np.ndarray, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _around(centre: float, spread: float) -> tuple[float, float]:
    return centre - 1.959964 * spread, centre + 1.959964 * spread


interval = Exercise(
    reference=lambda s, d, c: _between(s[d].mean(1), c),
    cases=_classes,
    mistakes=[
        ("all of what is left out lies at each end: half of it belongs below, half above",
         lambda s, d, c: tuple(np.quantile(s[d].mean(1), [1 - c, c]))),
        ("that is where the listeners lie; first take the mean of each row of draws",
         lambda s, d, c: _between(s, c)),
        ("that is where single drawn points lie; first take the mean of each row of draws",
         lambda s, d, c: _between(s[d], c)),
        ("the mean goes over the wrong axis: one mean for each row of draws",
         lambda s, d, c: _between(s[d].mean(0), c)),
        ("the two ends are exchanged: the lower one comes first",
         lambda s, d, c: _between(s[d].mean(1), c)[::-1]),
        ("`np.percentile` counts to 100: multiply by 100, or use `np.quantile`",
         lambda s, d, c: tuple(np.percentile(s[d].mean(1), [(1 - c) / 2, (1 + c) / 2]))),
        ("the draws are numbers of listeners, not points: look up their points first",
         lambda s, d, c: _between(d.mean(1), c)),
        ("`confidence` is not always 0.95: use the one that is handed over",
         lambda s, d, c: _between(s[d].mean(1), 0.95)),
        ("that is the median of each row; the mean is wanted",
         lambda s, d, c: _between(np.median(s[d], axis=1), c)),
        ("that is the sum of each row; divide it by the number of listeners",
         lambda s, d, c: _between(s[d].sum(1), c)),
        ("these are the smallest and the largest mean; leave out what the confidence leaves out",
         lambda s, d, c: (s[d].mean(1).min(), s[d].mean(1).max())),
        ("that is a rule for bell-shaped curves; count among the means themselves",
         lambda s, d, c: _around(s[d].mean(1).mean(), s[d].mean(1).std())),
        ("that is a formula without draws; count among the means of the draws",
         lambda s, d, c: _around(s.mean(), s.std(ddof=1) / np.sqrt(len(s)))),
        ("that tells how far listeners spread, not how sure their mean is",
         lambda s, d, c: _around(s.mean(), s.std(ddof=1))),
        ("this is the mean alone; an interval has two ends",
         lambda s, d, c: float(s[d].mean())),
        ("this is one end; an interval has two",
         lambda s, d, c: _between(s[d].mean(1), c)[0]),
        ("these are the means of all draws; find the two places between which the middle lies",
         lambda s, d, c: s[d].mean(1)),
        ("that is how wide the interval is; its two ends are wanted",
         lambda s, d, c: float(np.diff(_between(s[d].mean(1), c))[0])),
    ],
    hint="Three steps: look up the points of the drawn listeners, take one mean for each row, and "
    "cut the same share off both ends of the sorted means.",
)  # fmt: skip

# ---------------------------------------------------------------------------- fair_orders


def _sizes() -> dict[str, tuple]:
    return {f"{n} versions": (n,) for n in (4, 6, 2, 10)} | {"one version": (1,)}


def _both_ends(n: int) -> np.ndarray:
    return williams_orders(n)[0]


def _square(first: np.ndarray, step: int = 1) -> np.ndarray:
    n = len(first)
    return (first + step * np.arange(n)[:, None]) % n


def _is_latin(got: object, n: int) -> bool:
    square = numbers(got)
    lines = (*square, *square.T)
    return square.shape == (n, n) and all(sorted(line) == [*range(n)] for line in lines)


def _repeats(got: object, want: np.ndarray, n: int) -> bool:
    rows = numbers(got)
    return rows.shape == (n, n) and any(len(set(row)) < n for row in rows)


fair_orders = Exercise(
    reference=lambda n: _square(_both_ends(n)),
    cases=_sizes,
    mistakes=[
        ("each version always follows the same one: begin from both ends in turn",
         lambda n: _square(np.arange(n))),
        ("this is the first order alone; each further one adds 1 to every number",
         lambda n: _both_ends(n)),
        ("all orders are the same: each one adds 1 to the numbers of the one before",
         lambda n: np.tile(_both_ends(n), (n, 1))),
        ("all orders are the same list, which changes each time: append a copy of it",
         lambda n: np.tile((_both_ends(n) - 1) % n, (n, 1))),
        ("numbers run beyond n - 1: after the last version begin with 0 again",
         lambda n: _both_ends(n) + np.arange(n)[:, None]),
        ("versions are counted from 0 here, not from 1",
         lambda n: _square(_both_ends(n)) + 1),
        ("the numbers fall from one order to the next; add 1, do not take it away",
         lambda n: _square(_both_ends(n), -1)),
        ("rows and columns are exchanged: an order is a row",
         lambda n: _square(_both_ends(n)).T),
        ("the places are moved, not the numbers: add 1 to each number",
         lambda n: np.array([np.roll(_both_ends(n), -i) for i in range(n)])),
        ("the first order begins 0, 1, n - 1; yours goes to the other end first",
         lambda n: _square(-_both_ends(n) % n)),
        ("each order runs backwards: it begins with 0, 1, n - 1",
         lambda n: _square(_both_ends(n))[:, ::-1]),
        ("the orders come in the wrong sequence: the one that begins with 0 is the first",
         lambda n: _square(_both_ends(n))[::-1]),
        ("each further order adds 1, not 2",
         lambda n: _square(_both_ends(n), 2)),
        ("all orders in the order of the alphabet are far too many: n of them are wanted",
         lambda n: np.array([*itertools.islice(itertools.permutations(range(n)), 5000)])),
    ],
    signs=[
        ("in one of your orders a version comes twice, and another one is missing", _repeats),
        ("that is a Latin square, but not the one that is described: check its first order",
         lambda got, want, n: _is_latin(got, n) and list(numbers(got)[0]) != list(want[0])),
        ("the first order is right; each further one adds 1 to every number of the one before",
         lambda got, want, n: _is_latin(got, n)),
    ],
    hint="First write down one order: small numbers upwards and large numbers downwards, in turn. "
    "Then move all of its numbers up by one, again and again.",
)  # fmt: skip

# ---------------------------------------------------------------------------------- agree


def _points_and_rulers() -> dict[str, tuple]:
    rng = np.random.default_rng(2)
    ears, ruler = rng.permutation(90)[:9].astype(float), rng.normal(size=9)
    return {
        "nine versions": (ears, ruler),
        "the same order": (np.array([10.0, 35, 20, 90, 55]), np.array([0.0, 2, 1, 50, 3])),
        "nearly opposite": (np.array([90.0, 70, 50, 30, 12, 0]), np.array([1.0, 0, 3, 7, 8, 4])),
        "three versions": (np.array([1.0, 0, 5]), np.array([-3.0, -2.0, -10.0])),
    }


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values))


def _rho(a: np.ndarray, b: np.ndarray) -> float:
    n = len(a)
    return float(1 - 6 * np.sum((a - b) ** 2) / (n * (n**2 - 1)))


def _kendall(a: np.ndarray, b: np.ndarray) -> float:
    pairs = list(itertools.combinations(range(len(a)), 2))
    return float(np.mean([np.sign((a[i] - a[j]) * (b[i] - b[j])) for i, j in pairs]))


def _with_ranks(formula: object) -> object:
    """Return the formula as a function of values: it gets n and the differences of the ranks."""
    return lambda e, r: float(formula(len(e), _ranks(e) - _ranks(r)))


agree = Exercise(
    reference=lambda e, r: _rho(_ranks(e), _ranks(r)),
    cases=_points_and_rulers,
    mistakes=[
        ("`argsort` gives the places of the sorted values, not the ranks: do it twice",
         lambda e, r: _rho(np.argsort(e), np.argsort(r))),
        ("the formula is for ranks, not for the values themselves",
         _rho),
        ("that is the correlation of the values (Pearson's); replace them by ranks first",
         lambda e, r: float(np.corrcoef(e, r)[0, 1])),
        ("only the ears have ranks; the ruler needs them, too",
         lambda e, r: _rho(_ranks(e), r)),
        ("only the ruler has ranks; the ears need them, too",
         lambda e, r: _rho(e, _ranks(r))),
        ("one of the two orders is turned round: in both, more is better",
         lambda e, r: _rho(_ranks(e), _ranks(-r))),
        ("that is Kendall's, which counts pairs; Spearman's is wanted",
         _kendall),
        ("the 1 minus is missing",
         _with_ranks(lambda n, d: 6 * np.sum(d**2) / (n * (n**2 - 1)))),
        ("square the differences; you take them without their sign",
         _with_ranks(lambda n, d: 1 - 6 * np.sum(np.abs(d)) / (n * (n**2 - 1)))),
        ("square each difference, then add; you add first",
         _with_ranks(lambda n, d: 1 - 6 * np.sum(d) ** 2 / (n * (n**2 - 1)))),
        ("the factor 6 is missing",
         _with_ranks(lambda n, d: 1 - np.sum(d**2) / (n * (n**2 - 1)))),
        ("divide by n times (n squared minus 1), not by n times (n minus 1)",
         _with_ranks(lambda n, d: 1 - 6 * np.sum(d**2) / (n * (n - 1)))),
        ("no absolute value: opposite orders have a number below 0",
         lambda e, r: abs(_rho(_ranks(e), _ranks(r)))),
        ("divide by n times (n squared minus 1), not by n squared minus 1",
         _with_ranks(lambda n, d: 1 - 6 * np.sum(d**2) / (n**2 - 1))),
        ("divide by n times (n squared minus 1), not by n to the third",
         _with_ranks(lambda n, d: 1 - 6 * np.sum(d**2) / n**3)),
        ("the brackets are missing: n squared minus 1 as a whole is multiplied by n",
         _with_ranks(lambda n, d: 1 - 6 * np.sum(d**2) / (n * n**2 - 1))),
        ("without brackets you divide by n and then multiply: the whole product stands below",
         _with_ranks(lambda n, d: 1 - 6 * np.sum(d**2) / n * (n**2 - 1))),
        ("that is the mean of the squares; their sum is wanted",
         _with_ranks(lambda n, d: 1 - 6 * np.mean(d**2) / (n * (n**2 - 1)))),
        ("these are the differences of the ranks; the formula makes one number of them",
         lambda e, r: _ranks(e) - _ranks(r)),
        ("this is a distance of the ranks; the formula turns it into -1 to 1",
         _with_ranks(lambda n, d: np.sum(d**2))),
    ],
    hint="The smallest value has rank 0, the next one rank 1. Sort the values, and ask for each "
    "one how many are smaller. Then follow the formula from the inside out.",
)  # fmt: skip
