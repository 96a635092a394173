"""Worked solutions of notebook 06, and typical wrong answers with a word of their diagnosis.

Each solution has switches that turn a typical mistake on.
"""

import math
from functools import partial

import numpy as np


def output_length(n, kernel, stride, padding, gaps=-1, cut=2):
    return (n + gaps) * stride + kernel - cut * padding


def receptive_field(kernel, dilations, own=1, gaps=-1, total=sum):
    return own + (kernel + gaps) * total(dilations)


def feature_matching(real, fake, mean=np.mean, size=np.abs, first=0):
    return sum(mean(size(r - f)) for r, f in zip(real[first:], fake[first:], strict=True))


def over_all_entries(real, fake):
    return np.abs(np.hstack([(r - f).ravel() for r, f in zip(real, fake, strict=True)])).mean()


SOLUTIONS = {
    "melgan.output_length": output_length,
    "melgan.receptive_field": receptive_field,
    "melgan.feature_matching": feature_matching,
}

WRONG = {
    "melgan.output_length": {
        "equals the stride": lambda n, k, s, p: n * s,
        "cut off at both ends": partial(output_length, cut=1),
        "is *cut off* here": partial(output_length, cut=-2),
        "the padding is missing": partial(output_length, cut=0),
        "n stamps have n - 1 gaps": partial(output_length, gaps=0),
        "the last stamp is `kernel` long": lambda n, k, s, p: output_length(n, 1, s, p),
        "ordinary convolution, which": lambda n, k, s, p: (n + 2 * p - k) // s + 1,
    },
    "melgan.receptive_field": {
        "add 1": partial(receptive_field, own=0),
        "have kernel - 1 gaps": partial(receptive_field, gaps=0),
        "it triples only": lambda k, d: k ** len(d),
        "and the sample itself": lambda k, d: k * sum(d),
        "both sides already": lambda k, d: receptive_field(2 * k - 1, d),
        "reach to one side": lambda k, d: receptive_field((k + 1) // 2, d),
        "the dilations are forgotten": partial(receptive_field, total=len),
        "the widest alone": partial(receptive_field, total=max),
        "not multiplied": lambda k, d: math.prod(receptive_field(k, [e]) for e in d),
        "counted once": lambda k, d: sum(receptive_field(k, [e]) for e in d),
    },
    "melgan.feature_matching": {
        "not the sum": partial(feature_matching, mean=np.sum),
        "not squares": partial(feature_matching, size=np.square),
        "cancel": partial(feature_matching, size=np.positive),
        "one layer alone": partial(feature_matching, first=-1),
        "summed, not averaged": lambda r, f: feature_matching(r, f) / len(r),
        "largest layer": over_all_entries,
    },
}
