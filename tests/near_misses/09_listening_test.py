"""Wrong answers of notebook 09 that come near, and words of the diagnosis that each must get."""

from functools import partial

import numpy as np
import torch
from scipy import stats


def ends(scores, draws, confidence, average=np.mean, axis=1, tails=None):
    means = average(scores[draws], axis=axis)
    low = (1 - confidence) / 2 if tails is None else tails(confidence)
    return np.quantile(means, low), np.quantile(means, 1 - low)


def square(n, first=None, step=1, wrap=True):
    if first is None:
        first = [0]
        for k in range(1, n):
            first.append((k + 1) // 2 if k % 2 else n - k // 2)
    rows = np.array(first) + step * np.arange(n)[:, None]
    return rows % n if wrap else rows


def ranks(values):
    return np.array([sum(np.array(values) < value) for value in values])


def rho(ears, ruler, rank=ranks, other=ranks, below=lambda n: n * (n * n - 1), power=2):
    d = np.abs(rank(ears) - other(ruler))
    return 1 - 6 * np.sum(d**power) / below(len(d))


def shuffled(n):
    rng = np.random.default_rng(n)
    return [rng.permutation(n) for _ in range(n)]


def drawn(n):
    return np.random.default_rng(n).integers(n, size=(n, n)) if n > 1 else [[0]]


def other_square(n):
    """A Latin square of another first order: pairs of neighbours exchanged."""
    first = np.arange(n)
    if n > 2:
        first[1], first[2] = 2, 1
    return square(n, first)


def first_alone_right(n):
    rows = list(square(n))
    return [rows[0], *rows[2:], *rows[1:2]]


WRONG = {
    "listening_test.interval": [
        ("half of it belongs below", partial(ends, tails=lambda c: 1 - c)),
        ("where the listeners lie", lambda s, d, c: np.quantile(s, [(1 - c) / 2, (1 + c) / 2])),
        ("single drawn points", lambda s, d, c: np.quantile(s[d], [(1 - c) / 2, (1 + c) / 2])),
        ("wrong axis", partial(ends, axis=0)),
        ("exchanged", lambda s, d, c: ends(s, d, c)[::-1]),
        ("counts to 100", lambda s, d, c: np.percentile(s[d].mean(1), [(1 - c) / 2, (1 + c) / 2])),
        ("not points", lambda s, d, c: ends(np.arange(len(s)), d, c)),
        ("not always 0.95", lambda s, d, c: ends(s, d, 0.95)),
        ("median of each row", partial(ends, average=np.median)),
        ("sum of each row", partial(ends, average=np.sum)),
        ("smallest and the largest", lambda s, d, c: ends(s, d, 1.0)),
        ("bell-shaped", lambda s, d, c: stats.norm.interval(
            0.95, np.mean(s[d].mean(1)), s[d].mean(1).std())),
        ("without draws", lambda s, d, c: stats.norm.interval(0.95, s.mean(), stats.sem(s))),
        ("not how sure", lambda s, d, c: stats.norm.interval(0.95, s.mean(), s.std(ddof=1))),
        ("mean alone", lambda s, d, c: s[d].mean(1).mean()),
        ("one end", lambda s, d, c: ends(s, d, c)[0]),
        ("means of all draws", lambda s, d, c: torch.as_tensor(s)[torch.as_tensor(d)].mean(1)),
        ("how wide", lambda s, d, c: np.ptp(ends(s, d, c))),
        ("too large by 1", lambda s, d, c: ends(s + 1, d, c)),
        ("it gives", lambda s, d, c: ends(s, d[:-20], c)),
    ],
    "listening_test.fair_orders": [
        ("always follows the same one", lambda n: square(n, range(n))),
        ("first order alone", lambda n: square(n)[0]),
        ("all orders are the same", partial(square, step=0)),
        ("append a copy", lambda n: [square(n)[-1]] * n),
        ("beyond n - 1", partial(square, wrap=False)),
        ("not from 1", lambda n: square(n) + 1),
        ("do not take it away", partial(square, step=-1)),
        ("rows and columns", lambda n: torch.as_tensor(square(n)).T),
        ("the places are moved", lambda n: [np.roll(square(n)[0], -i) for i in range(n)]),
        ("other end first", lambda n: square(n, -square(n)[0] % n)),
        ("runs backwards", lambda n: np.fliplr(square(n))),
        ("wrong sequence", lambda n: square(n)[::-1]),
        ("adds 1, not 2", partial(square, step=2)),
        ("not the one that is described", other_square),
        ("not the one that is described", lambda n: other_square(n)[:, ::-1]),
        ("the first order is right", first_alone_right),
        ("shape", lambda n: square(4)),
        ("comes twice", drawn),
        ("shape", lambda n: square(n)[:, 1:] if n > 1 else [[]]),
    ],
    "listening_test.agree": [
        ("do it twice", partial(rho, rank=np.argsort, other=np.argsort)),
        ("not for the values", partial(rho, rank=np.array, other=np.array)),
        ("Pearson", lambda e, r: stats.pearsonr(e, r).statistic),
        ("only the ears", partial(rho, other=np.array)),
        ("only the ruler", partial(rho, rank=np.array)),
        ("turned round", lambda e, r: -stats.spearmanr(e, r).statistic),
        ("Kendall", lambda e, r: stats.kendalltau(e, r).statistic),
        ("1 minus is missing", lambda e, r: 1 - rho(e, r)),
        ("without their sign", partial(rho, power=1)),
        ("you add first", lambda e, r: 1 - 6 * np.sum(ranks(e) - ranks(r)) ** 2 / len(e)),
        ("factor 6", lambda e, r: 1 - (1 - rho(e, r)) / 6),
        ("not by n squared minus 1", partial(rho, below=lambda n: n * n - 1)),
        ("not by n times (n minus 1)", partial(rho, below=lambda n: n * (n - 1))),
        ("below 0", lambda e, r: abs(stats.spearmanr(e, r).statistic)),
        ("n to the third", partial(rho, below=lambda n: n**3)),
        ("brackets are missing", partial(rho, below=lambda n: n * n * n - 1)),
        ("without brackets", lambda e, r: 1 - 6 * np.sum(
            (ranks(e) - ranks(r)) ** 2) / len(e) * (len(e) ** 2 - 1)),
        ("mean of the squares", lambda e, r: 1 - (1 - rho(e, r)) / len(e)),
        ("one number of them", lambda e, r: [*(ranks(e) - ranks(r))]),
        ("a distance of the ranks", lambda e, r: sum((ranks(e) - ranks(r)) ** 2)),
        ("0.9 times as large", lambda e, r: rho(e, r) * 0.9),
    ],
}  # fmt: skip
