"""Worked solutions of notebook 03, and typical wrong answers with a word of their diagnosis.

Each solution has switches that turn a typical mistake on.
"""

from functools import partial

import numpy as np


def mu_law_encode(x, half=0.5, top=255, sign=np.sign):
    squeezed = sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    return np.floor((squeezed + 1) / 2 * top + half).astype(int)


def causal_padding(x, kernel_size, dilation, extra=0):
    return np.pad(x, (dilation * (kernel_size - 1 + extra), 0))


def receptive_field(n_stacks, n_layers, k, present=1, gaps=-1, less=1):
    return present + n_stacks * (k + gaps) * (2**n_layers - less)


def cached_step(x, t, ring, w_old, w_new, ahead=0, update=True):
    slot = (t + ahead) % len(ring)
    y = w_old * ring[slot] + w_new * x
    if update:
        ring[slot] = x
    return y, ring


def written_too_early(x, t, ring, w_old, w_new):
    ring[t % len(ring)] = x
    return w_old * ring[t % len(ring)] + w_new * x, ring


def shifted(x, t, ring, w_old, w_new):
    return w_old * ring[0] + w_new * x, np.append(ring[1:], x)


def both_sides(x, kernel_size, dilation):
    n = dilation * (kernel_size - 1)
    return np.pad(x, (n // 2, n - n // 2))


def squeezed_only(x):
    return np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)


SOLUTIONS = {
    "wavenet.mu_law_encode": mu_law_encode,
    "wavenet.causal_padding": causal_padding,
    "wavenet.receptive_field": receptive_field,
    "wavenet.cached_step": cached_step,
}

WRONG = {
    "wavenet.mu_law_encode": {
        "bring -1 .. 1 to 0 .. 255": squeezed_only,
        "the logarithm is missing": lambda x: np.floor((x + 1) / 2 * 255 + 0.5),
        "the sign is lost": partial(mu_law_encode, sign=np.ones_like),
        "add a half before": partial(mu_law_encode, half=0),
        "multiply by 255": partial(mu_law_encode, top=256),
    },
    "wavenet.causal_padding": {
        "zeros stand on the right": lambda x, k, d: np.pad(x, (0, d * (k - 1))),
        "half on each side": both_sides,
        "the dilation is forgotten": lambda x, k, d: causal_padding(x, k, 1),
        "one dilation too many": partial(causal_padding, extra=1),
    },
    "wavenet.receptive_field": {
        "add 1": partial(receptive_field, present=0),
        "this is one stack": lambda s, n, k: receptive_field(1, n, k),
        "not for each stack": lambda s, n, k: s * receptive_field(1, n, k),
        "without dilation": lambda s, n, k: 1 + s * n * (k - 1),
        "k taps have k - 1 gaps": partial(receptive_field, gaps=0),
        "one less than the next power": partial(receptive_field, less=0),
    },
    "wavenet.cached_step": {
        "return both": lambda *case: cached_step(*case)[0],
        "the ring still holds the old sample": partial(cached_step, update=False),
        "before you have read": written_too_early,
        "w_old belongs to": lambda x, t, ring, a, b: cached_step(x, t, ring, b, a),
        "you use its neighbour": partial(cached_step, ahead=1),
        "a ring is not shifted": shifted,
    },
}
