"""Wrong answers of notebook 06 that come near, and words of the diagnosis that each must get."""

import math
from functools import partial

import numpy as np


def length(n, kernel, stride, padding, gaps=-1, cut=2):
    return (n + gaps) * stride + kernel - cut * padding


def span(kernel, dilations, own=1, gaps=-1, total=sum):
    return own + (kernel + gaps) * total(dilations)


def used_inputs(kernel, dilations):
    seen = {0}
    for d in dilations:
        seen = {place + d * tap for place in seen for tap in range(kernel)}
    return len(seen)


def widest(dilations):
    return max(dilations, default=0)


def match(real, fake, mean=np.mean, size=np.abs, first=0, last=None):
    pairs = zip(real[first:last], fake[first:last], strict=True)
    return sum(mean(size(r - f)) for r, f in pairs)


def over_all_entries(real, fake):
    return np.abs(np.hstack([(r - f).ravel() for r, f in zip(real, fake, strict=True)])).mean()


def last_only(real, fake):
    for r, f in zip(real, fake, strict=True):
        loss = np.mean(np.abs(r - f))
    return loss


WRONG = {
    "melgan.output_length": [
        ("equals the stride", lambda n, k, s, p: n * s),
        ("cut off at both ends", partial(length, cut=1)),
        ("is *cut off* here", partial(length, cut=-2)),
        ("is *cut off* here", partial(length, cut=-1)),
        ("the padding is missing", partial(length, cut=0)),
        ("n stamps have n - 1 gaps", partial(length, gaps=0)),
        ("not n + 1", partial(length, gaps=1)),
        ("the last stamp is `kernel` long", lambda n, k, s, p: length(n, 1, s, p)),
        ("ordinary convolution, which", lambda n, k, s, p: (n + 2 * p - k) // s + 1),
        ("kernel and stride", lambda n, k, s, p: (n - 1) * k + s - 2 * p),
        ("the stamps overlap", lambda n, k, s, p: n * k - 2 * p),
        ("not multiplied by the stride", lambda n, k, s, p: (n - 1 - 2 * p) * s + k),
        ("kernel is missing", lambda n, k, s, p: n * s - 2 * p),
        ("one sample too many is taken", lambda n, k, s, p: (n - 1) * s + (k - 1) - 2 * p),
        ("one sample too many", lambda n, k, s, p: length(n, k, s, p) + 1),
        ("it gives", lambda n, k, s, p: n * s + 2 * k - p),
        ("leaves gaps", lambda n, k, s, p: n * k - (n - 1) * max(k - s, 0) - 2 * p),
        ("two strides long", lambda n, k, s, p: n * s + s - 2 * p),
    ],
    "melgan.receptive_field": [
        ("add 1", partial(span, own=0)),
        ("has k - 1 gaps", partial(span, gaps=0)),
        ("it triples only", lambda k, d: k ** len(d)),
        ("and both ends count", lambda k, d: k * sum(d)),
        ("both sides already", lambda k, d: span(2 * k - 1, d)),
        ("reach to one side", lambda k, d: span((k + 1) // 2, d)),
        ("the dilations are forgotten", partial(span, total=len)),
        ("the widest alone", partial(span, total=widest)),
        ("the last alone", lambda k, d: span(k, d[-1:])),
        ("the last alone", lambda k, d: 1 + (k - 1) * d[-1]),
        ("reaches are added, not multiplied", lambda k, d: math.prod(span(k, [e]) for e in d)),
        ("dilations are added, not multiplied", partial(span, total=math.prod)),
        ("counted once", lambda k, d: sum(span(k, [e]) for e in d)),
        ("the kernel is forgotten", lambda k, d: 1 + sum(d)),
        ("the kernel is forgotten", lambda k, d: 1 + 2 * sum(d)),
        ("inputs that are used", used_inputs),
        ("multiplied by every dilation", lambda k, d: k + sum(d)),
        ("too large by 1", partial(span, own=2)),
        ("the widest alone", partial(span, total=max)),
        ("counts twice", lambda k, d: 1 + (k - 1) * sum(set(d))),
        ("an even kernel", lambda k, d: 1 + 2 * sum(k // 2 * e for e in d)),
    ],
    "melgan.feature_matching": [
        ("not the sum", partial(match, mean=np.sum)),
        ("not squares", partial(match, size=np.square)),
        ("root of the mean square", lambda r, f: sum(
            np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(r, f, strict=True))),
        ("not a norm", partial(match, mean=np.linalg.norm)),
        ("cancel", partial(match, size=np.positive)),
        ("cancel", lambda r, f: sum(abs((a - b).mean()) for a, b in zip(r, f, strict=True))),
        ("the last layer alone", last_only),
        ("the first layer alone", partial(match, last=1)),
        ("the last layer is left out", partial(match, last=-1)),
        ("summed, not averaged", lambda r, f: match(r, f) / len(r)),
        ("largest layer", over_all_entries),
        ("how large they are", lambda r, f: sum(
            np.mean(abs(abs(a) - abs(b))) for a, b in zip(r, f, strict=True))),
        ("relative to the real", lambda r, f: sum(
            np.mean(abs(a - b)) / np.mean(abs(a)) for a, b in zip(r, f, strict=True))),
        ("largest difference", partial(match, mean=np.max)),
        ("not medians", partial(match, mean=np.median)),
        ("one number for each layer", lambda r, f: [
            np.mean(abs(a - b)) for a, b in zip(r, f, strict=True)]),
        ("10 times", lambda r, f: 10 * match(r, f)),
        ("it raises ValueError", lambda r, f: np.mean(np.abs(np.array(r) - np.array(f)))),
        ("largest layer", lambda r, f: len(r) * over_all_entries(r, f)),
        ("authors' code", lambda r, f: match(r, f) * 4 / (len(r) - 1 or 1)),
    ],
}  # fmt: skip
