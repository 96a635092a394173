"""Worked solutions of notebook 07, and typical wrong answers with a word of their diagnosis.

Each solution has switches that turn a typical mistake on.
"""

from functools import partial

import numpy as np


def fold(x, period, mode="reflect", missing=lambda n, p: -n % p, front=False):
    width = missing(len(x), period)
    return np.pad(x, (width, 0) if front else (0, width), mode=mode).reshape(-1, period)


def critic_loss(real, fake, to_real=1, to_fake=0, mean=np.mean):
    loss = 0
    for real_scores, fake_scores in zip(real, fake, strict=True):
        loss += mean((real_scores - to_real) ** 2) + mean((fake_scores - to_fake) ** 2)
    return loss


def cut_off(x, period):
    return x[: len(x) // period * period].reshape(-1, period)


SOLUTIONS = {"hifi_gan.fold": fold, "hifi_gan.critic_loss": critic_loss}

WRONG = {
    "hifi_gan.fold": {
        "transposed": lambda x, p: fold(x, p).T,
        "mixed up": lambda x, p: fold(x, p).reshape(p, -1),
        "time runs along a row first": lambda x, p: fold(x, p).reshape(p, -1).T,
        "is cut off": cut_off,
        "filled up with zeros": partial(fold, mode="constant"),
        "without repeating": partial(fold, mode="symmetric"),
        "belong to the end": partial(fold, front=True),
        "nothing is missing": partial(fold, missing=lambda n, p: p - n % p),
    },
    "hifi_gan.critic_loss": {
        "exchanged": partial(critic_loss, to_real=0, to_fake=1),
        "say -1": partial(critic_loss, to_fake=-1),
        "hinge": lambda r, f: sum(
            np.mean(np.maximum(0, 1 - a)) + np.mean(np.maximum(0, 1 + b))
            for a, b in zip(r, f, strict=True)
        ),
        "generator's": lambda r, f: sum(np.mean((b - 1) ** 2) for b in f),
        "made sound is missing": lambda r, f: sum(np.mean((a - 1) ** 2) for a in r),
        "real sound is missing": lambda r, f: sum(np.mean(b**2) for b in f),
        "not the sum": partial(critic_loss, mean=np.sum),
        "square first": lambda r, f: sum(
            (a.mean() - 1) ** 2 + b.mean() ** 2 for a, b in zip(r, f, strict=True)
        ),
        "critics are summed": lambda r, f: critic_loss(r, f) / 2,
    },
}
