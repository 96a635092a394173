"""What a listening test proves: means with intervals, screening, a sign test, ranks, orders.

Sources: ITU-R BS.1534-3 (MUSHRA: screening of listeners, section 4.1.2; means with 95 %
intervals), Efron & Tibshirani 1993 (bootstrap), Hesterberg 2015 (percentiles widened for few
listeners), Williams 1949 (orders). Used by notebook 09.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from lecture_utils import arguments
from lecture_utils.listening_test.ratings import REFERENCE, Rating, Table, as_ratings

#: ITU-R BS.1534-3: who rates the hidden reference below this, in more than this share of trials.
LOWEST_REFERENCE, MOST_MISSED = 90.0, 0.15


class Mean(NamedTuple):
    """A mean over `n` listeners, and the ends of its interval (NaN for one listener)."""

    mean: float
    low: float
    high: float
    n: int


class Ranks(NamedTuple):
    """Two rank correlations, -1 to 1, over `n` systems."""

    spearman: float
    kendall: float
    n: int


def bootstrap_mean(
    scores: np.typing.ArrayLike, confidence: float = 0.95, n_resamples: int = 4999, seed: int = 0
) -> Mean:
    """Mean of some listeners' scores, with the interval in which the mean of all listeners lies.

    Draw as many listeners as there are, with repetition, and take their mean; do that
    `n_resamples` times. The interval holds the middle of these means. For few listeners it is
    widened as a t interval is: with eight of them, plain percentiles miss twice as often as they
    should.

    Parameters
    ----------
    scores : array_like
        One for each listener, shape ``(listeners,)``; NaN counts as not given.
    confidence : float
        How often such an interval holds the true mean, 0.5 to 0.999.
    n_resamples : int
        Number of draws.
    seed : int
        Makes the draws repeatable.

    Returns
    -------
    Mean

    Raises
    ------
    ValueError
        If there is no score.
    """
    from scipy import stats

    scores = arguments.array(scores, "scores", ("listeners",), finite=False).astype(float)
    confidence = arguments.number(confidence, "confidence", 0.5, 0.999)
    n_resamples = arguments.number(n_resamples, "n_resamples", 100, 1_000_000, whole=True)
    scores = scores[np.isfinite(scores)]
    if not scores.size:
        raise ValueError("scores: none is a number; give at least one.")
    n = len(scores)
    if n == 1:
        return Mean(float(scores[0]), np.nan, np.nan, 1)

    draws = np.random.default_rng(arguments.seed(seed)).integers(n, size=(n_resamples, n))
    means = scores[draws].mean(axis=1)

    wider = np.sqrt(n / (n - 1)) * stats.t.ppf((1 - confidence) / 2, n - 1)
    tail = stats.norm.cdf(wider)
    low, high = np.quantile(means, [tail, 1 - tail])
    return Mean(float(scores.mean()), float(low), float(high), n)


def means(
    table: Table, confidence: float = 0.95, n_resamples: int = 4999, seed: int = 0
) -> dict[str, Mean]:
    """Return the mean of each system with its interval, the best first."""
    _check(table)
    found = {
        stimulus: bootstrap_mean(column, confidence, n_resamples, seed)
        for stimulus, column in zip(table.stimuli, table.scores.T, strict=True)
    }
    return dict(sorted(found.items(), key=lambda item: -item[1].mean))


def difference(table: Table, first: str, second: str, seed: int = 0) -> Mean:
    """Return by how much `first` is rated above `second`, listener by listener.

    If the interval does not hold 0, these listeners tell the two systems apart. This is sharper
    than two intervals side by side, since what a listener gives to everything cancels.
    """
    _check(table)
    for name in (arguments.text(first, "first"), arguments.text(second, "second")):
        if name not in table.stimuli:
            raise ValueError(f"{name!r} was not rated; there are: {', '.join(table.stimuli)}.")
    columns = [table.scores[:, table.stimuli.index(name)] for name in (first, second)]
    return bootstrap_mean(columns[0] - columns[1], seed=seed)


def _check(table: Table) -> None:
    if not isinstance(table, Table):
        raise TypeError(f"table={arguments.shown(table)}: give a table of ratings.table(...).")


def post_screen(ratings: Iterable[Rating]) -> tuple[list[Rating], list[str]]:
    """Leave out listeners who did not find the hidden reference (ITU-R BS.1534-3, 4.1.2).

    Returns
    -------
    kept : list of Rating
        Of the listeners who rated it below 90 in at most 15 % of their trials, or never rated it.
    notes : list of str
        One sentence for each listener left out.
    """
    ratings, missed = as_ratings(ratings), {}
    for rating in ratings:
        if rating.rating_stimulus == REFERENCE:
            missed.setdefault(rating.session_uuid, []).append(
                rating.rating_score < LOWEST_REFERENCE
            )
    out = {who: found for who, found in missed.items() if np.mean(found) > MOST_MISSED}
    notes = [
        f"Listener {who} is left out: the hidden reference got less than {LOWEST_REFERENCE:.0f} "
        f"points on {sum(found)} of {len(found)} pages."
        for who, found in out.items()
    ]
    return [rating for rating in ratings if rating.session_uuid not in out], notes


def sign_test(right: int, n: int) -> float:
    """Return the chance to be right `right` times or more in `n` trials by guessing.

    For an A/B/X test, and for any other question with two answers. Below 0.05 guessing is no
    good explanation.
    """
    from scipy import stats

    n = arguments.number(n, "n", 1, 1_000_000, whole=True)
    right = arguments.number(right, "right", 0, n, whole=True)
    return float(stats.binomtest(right, n, 0.5, alternative="greater").pvalue)


def rank_correlation(
    first: Mapping[str, float], second: Mapping[str, float], lower_is_better: bool = False
) -> Ranks:
    """Compare two orders of the same systems, such as the ears' and a ruler's.

    Parameters
    ----------
    first, second : mapping of str to float
        Value by system. Only systems with a number in both count.
    lower_is_better : bool
        For a `second` that is a distance or an error: its sign is turned.

    Returns
    -------
    Ranks
        1: the same order. 0: nothing in common. -1: the opposite order. NaN if all values of one
        are equal.

    Raises
    ------
    ValueError
        If fewer than three systems have a number in both.
    """
    from scipy import stats

    first, second = _values(first, "first"), _values(second, "second")
    lower_is_better = arguments.flag(lower_is_better, "lower_is_better")
    names = [name for name in first if np.isfinite(first[name])]
    names = [name for name in names if np.isfinite(second.get(name, np.nan))]
    if len(names) < 3:
        raise ValueError(f"ranks: {len(names)} systems have a number in both; three or more do.")
    a, b = ([values[name] for name in names] for values in (first, second))
    if len(set(a)) == 1 or len(set(b)) == 1:
        return Ranks(np.nan, np.nan, len(names))
    sign = -1 if lower_is_better else 1
    rho, tau = stats.spearmanr(a, b).statistic, stats.kendalltau(a, b).statistic
    return Ranks(float(sign * rho), float(sign * tau), len(names))


def _values(values: Mapping[str, float], name: str) -> dict[str, float]:
    if not isinstance(values, Mapping):
        raise TypeError(f"{name}={arguments.shown(values)}: give a dict of system: number.")
    numbers = arguments.array([*values.values()], name, finite=False)
    return dict(zip(values, numbers.astype(float).tolist(), strict=True))


def williams_orders(n_stimuli: int) -> np.ndarray:
    """Return orders of stimuli, one a row, in which no place and no predecessor is favoured.

    A Latin square has every stimulus once in every place. Williams' (1949) also lets every
    stimulus follow every other equally often. An even number needs as many rows as stimuli, an odd
    number twice as many. Listener ``i`` takes row ``i`` (and begins anew after the last).

    Returns
    -------
    np.ndarray
        Whole numbers from 0, shape ``(rows, n_stimuli)``.
    """
    n = arguments.number(n_stimuli, "n_stimuli", 1, 1000, whole=True)

    first = [(k + 1) // 2 if k % 2 else (n - k // 2) % n for k in range(n)]  # 0, 1, n-1, 2, n-2 ...
    square = (np.array(first) + np.arange(n)[:, None]) % n
    return square if n % 2 == 0 or n == 1 else np.vstack([square, square[:, ::-1]])
