"""Worked solutions of notebook 07, each also in plain loops and in PyTorch."""

import numpy as np
from torch.nn import functional as F


def fold(x, period):
    return np.pad(x, (0, -len(x) % period), mode="reflect").reshape(-1, period)


def row_by_row(x, period):
    x, last = list(x), len(x) - 1
    while len(x) % period:
        x.append(x[2 * last - len(x)])
    return [x[n : n + period] for n in range(0, len(x), period)]


def of_the_notebook(x, period):
    missing = -x.shape[-1] % period
    x = F.pad(x[None], (0, missing), mode="reflect")[0]
    return x.reshape(-1, period)


def discriminator_loss(real, fake):
    return sum(np.mean((r - 1) ** 2) + np.mean(f**2) for r, f in zip(real, fake, strict=True))


def looped(real, fake):
    total = 0.0
    for scores in real:
        total += sum((score - 1) ** 2 for score in scores) / len(scores)
    for scores in fake:
        total += sum(score**2 for score in scores) / len(scores)
    return total


def in_torch(real, fake):
    to_one = sum(F.mse_loss(r, r.new_ones(len(r))) for r in real)
    return to_one + sum(f.square().mean() for f in fake)


SOLUTIONS = {"hifi_gan.fold": fold, "hifi_gan.discriminator_loss": discriminator_loss}

LOOPS = {"hifi_gan.fold": row_by_row, "hifi_gan.discriminator_loss": looped}

TORCH = {"hifi_gan.fold": of_the_notebook, "hifi_gan.discriminator_loss": in_torch}
