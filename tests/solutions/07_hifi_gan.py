"""Worked solutions of notebook 07, and typical wrong answers with a word of their diagnosis.

Each solution has switches that turn a typical mistake on.
"""

from functools import partial

import numpy as np


def fold(x, period, mode="reflect", missing=lambda n, p: -n % p, front=False):
    width = missing(len(x), period)
    return np.pad(x, (width, 0) if front else (0, width), mode=mode).reshape(-1, period)


def feature_matching(real, fake, mean=np.mean, size=np.abs, first=0):
    return sum(
        mean(size(r - f))
        for layers, made in zip(real, fake, strict=True)
        for r, f in zip(layers[first:], made[first:], strict=True)
    )


def cut_off(x, period):
    return x[: len(x) // period * period].reshape(-1, period)


SOLUTIONS = {"hifi_gan.fold": fold, "hifi_gan.feature_matching": feature_matching}

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
    "hifi_gan.feature_matching": {
        "not the sum": partial(feature_matching, mean=np.sum),
        "not squares": partial(feature_matching, size=np.square),
        "cancel": partial(feature_matching, size=np.positive),
        "that is one critic": lambda r, f: feature_matching(r[:1], f[:1]),
        "last layers alone": partial(feature_matching, first=-1),
        "critics are summed": lambda r, f: feature_matching(r, f) / 2,
        "layers and critics": lambda r, f: feature_matching(r, f) / 4,
    },
}
