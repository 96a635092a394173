"""Worked solutions of notebook 09, each also in plain loops and in PyTorch."""

import numpy as np
import torch


def interval(scores, draws, confidence):
    means = scores[draws].mean(axis=1)
    return tuple(np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2]))


def by_sorting(scores, draws, confidence):
    means = sorted(sum(scores[int(i)] for i in row) / len(row) for row in draws)
    cut = round((len(means) - 1) * (1 - confidence) / 2)
    return means[cut], means[-1 - cut]


def by_torch(scores, draws, confidence):
    scores, draws = torch.as_tensor(scores), torch.as_tensor(draws)
    means = scores[draws].double().mean(1)
    ends = torch.tensor([(1 - confidence) / 2, (1 + confidence) / 2], dtype=torch.float64)
    return tuple(torch.quantile(means, ends))


def fair_orders(n):
    first = np.zeros(n, int)
    first[1::2] = np.arange(1, n // 2 + 1)
    first[2::2] = np.arange(n - 1, n // 2, -1)
    return (first + np.arange(n)[:, None]) % n


def from_both_ends(n):
    first, low, high = [0], 1, n - 1
    while len(first) < n:
        first.append(low)
        low += 1
        if len(first) < n:
            first.append(high)
            high -= 1
    return [[(version + i) % n for version in first] for i in range(n)]


def torch_orders(n):
    k = torch.arange(n)
    first = torch.where(k % 2 == 1, (k + 1) // 2, (n - k // 2) % n)
    return (first + torch.arange(n)[:, None]) % n


def agree(ears, ruler):
    d = np.argsort(np.argsort(ears)) - np.argsort(np.argsort(ruler))
    n = len(ears)
    return 1 - 6 * np.sum(d**2) / (n * (n**2 - 1))


def by_counting(ears, ruler):
    def rank(values, value):
        return sum(other < value for other in values)

    n = len(ears)
    d2 = [(rank(ears, e) - rank(ruler, r)) ** 2 for e, r in zip(ears, ruler, strict=True)]
    return 1 - 6 * float(sum(d2)) / (n * (n * n - 1))


def torch_agree(ears, ruler):
    a, b = (torch.as_tensor(x).argsort().argsort().double() for x in (ears, ruler))
    return torch.corrcoef(torch.stack([a, b]))[0, 1]


SOLUTIONS = {
    "listening_test.interval": interval,
    "listening_test.fair_orders": fair_orders,
    "listening_test.agree": agree,
}

LOOPS = {
    "listening_test.interval": by_sorting,
    "listening_test.fair_orders": from_both_ends,
    "listening_test.agree": by_counting,
}

TORCH = {
    "listening_test.interval": by_torch,
    "listening_test.fair_orders": torch_orders,
    "listening_test.agree": torch_agree,
}
