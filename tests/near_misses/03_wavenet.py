"""Wrong answers of notebook 03 that come near, and words of the diagnosis that each must get."""

import math
from functools import partial

import numpy as np


def encode(x, half=0.5, top=255, sign=np.sign, mu=255, log=np.log1p, base=256):
    squeezed = sign(x) * log(mu * np.abs(x)) / np.log(base)
    return np.floor((squeezed + 1) / 2 * top + half).astype(int)


def squeezed(x):
    return np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)


def looped(x):
    codes = []
    for v in x:
        y = v / abs(v) * math.log(1 + 255 * abs(v)) / math.log(256)
        codes.append(int((y + 1) / 2 * 255 + 0.5))
    return codes


def in_eight_bits(x):
    return encode(x, top=256).astype(np.uint8)


def pad(x, left, right=0, **how):
    return np.pad(x, (left, right), **how)


def minus_nothing(x, k, d):
    """Shift the sound: wrong where nothing is to be padded."""
    n = d * (k - 1)
    return np.concatenate([np.zeros(n), x])[: -n or None]


def reach(stacks, layers, k, present=1, gaps=-1, less=1):
    return present + stacks * (k + gaps) * (2**layers - less)


def grow_on(stacks, layers, k):
    total = 1
    for layer in range(stacks * layers):
        total += (k - 1) * 2**layer
    return total


def step(x, t, ring, old, new, ahead=0, update=True, store_ahead=0):
    d = len(ring)
    y = old * ring[(t + ahead) % d] + new * x
    if update:
        ring[(t + store_ahead) % d] = x
    return y, ring


def written_too_early(x, t, ring, old, new):
    ring[t % len(ring)] = x
    return old * ring[t % len(ring)] + new * x, ring


def shifted(x, t, ring, old, new):
    y = old * ring[0] + new * x
    ring = list(ring)
    return y, [*ring[1:], x]


def keeps_outputs(x, t, ring, old, new):
    ring[t % len(ring)] = y = old * ring[t % len(ring)] + new * x
    return y, ring


def without_remainder(x, t, ring, old, new):
    y, ring[t] = old * ring[t] + new * x, x
    return y, ring


def as_int8(x):
    return encode(x).astype(np.int8)


def made_loud(x):
    return encode(x / max(np.abs(x).max(), 1e-9))


def bare_logarithm(x):
    return np.floor((np.log(1 + 255 * x) / np.log(256) + 1) / 2 * 255 + 0.5).astype(int)


def whole_numbers(x, k, d):
    padded = np.zeros(len(x) + d * (k - 1), dtype=int)
    padded[d * (k - 1) :] = x
    return padded


def whole_part(x, t, ring, old, new):
    slot = t // len(ring) % len(ring)
    y = old * ring[slot] + new * x
    ring[slot] = x
    return y, ring


def joined_one_late(x, t, ring, old, new):
    """Only lists can be joined by +; an array would add, and say something of shapes."""
    slot = (t + 1) % len(ring)
    return old * ring[slot] + new * x, ring[:slot] + [x] + ring[slot + 1 :]


def filled(x, t, ring, old, new):
    return old * ring[t % len(ring)] + new * x, np.full(len(ring), x)


WRONG = {
    "wavenet.mu_law_encode": [
        ("bring -1 .. 1 to 0 .. 255", squeezed),
        ("not whole numbers", lambda x: (squeezed(x) + 1) / 2 * 255),
        ("the logarithm is missing", lambda x: np.floor((x + 1) / 2 * 255 + 0.5)),
        ("the sign is lost", partial(encode, sign=np.ones_like)),
        ("add a half before", partial(encode, half=0)),
        ("you round up", lambda x: np.ceil((squeezed(x) + 1) * 127.5)),
        ("multiply by 255", partial(encode, top=256)),
        ("multiply by 255", in_eight_bits),
        ("other codes wrong", lambda x: np.clip((squeezed(x) + 1) / 2 * 256, 0, 255) // 1),
        ("half of 255", lambda x: np.round(squeezed(x) * 127.5)),
        ("one code is never used", lambda x: np.round(128 + 127 * squeezed(x))),
        ("one code is never used", lambda x: np.floor((squeezed(x) + 1) / 2 * 254 + 0.5)),
        ("divide by the logarithm", lambda x: encode(x, base=math.e)),
        ("mu is 255", partial(encode, mu=256, base=257)),
        ("mu is 255", partial(encode, mu=256)),
        ("the 1 inside", lambda x: encode(x, log=np.log)),
        ("0 / 0", looped),
        ("not log(1 + |x|)", partial(encode, mu=1)),
        ("too large by 1", partial(encode, half=1.5)),
        ("a half is rounded up", lambda x: np.ceil((squeezed(x) + 1) / 2 * 255 - 0.5).astype(int)),
        ("int8 ends at 127", as_int8),
        ("yours are 128 too small", lambda x: encode(x) - 128),
        ("make the sound louder first", made_loud),
        ("numbers below 0 have no logarithm", bare_logarithm),
        ("numbers below 0 have no logarithm", lambda x: np.round(
            np.sign(x) * np.log(1 + 255 * x) / np.log(256) * 127.5 + 127.5)),
        ("you cut towards 0", lambda x: (squeezed(x) * 127.5).astype(int) + 128),
    ],
    "wavenet.causal_padding": [
        ("zeros stand on the right", lambda x, k, d: pad(x, 0, d * (k - 1))),
        ("half on each side", lambda x, k, d: pad(x, d * (k - 1) // 2, d * (k - 1) // 2)),
        ("you pad both sides", lambda x, k, d: pad(x, d * (k - 1), d * (k - 1))),
        ("the dilation is forgotten", lambda x, k, d: pad(x, k - 1)),
        ("one dilation too many", lambda x, k, d: pad(x, d * k)),
        ("the dilation alone", lambda x, k, d: pad(x, d)),
        ("not added", lambda x, k, d: pad(x, d + k - 1)),
        ("kernel alone", lambda x, k, d: pad(x, max(d * k - 1, 0))),
        ("end of the sound is cut off", minus_nothing),
        ("not its first sample", lambda x, k, d: pad(x, d * (k - 1), mode="edge")),
        ("not the sound mirrored", lambda x, k, d: pad(x, d * (k - 1), mode="reflect")),
        ("not its end", lambda x, k, d: pad(x, d * (k - 1), mode="wrap")),
        ("zeros alone", lambda x, k, d: [0.0] * (d * (k - 1))),
        ("one zero too few", lambda x, k, d: pad(x, max(0, d * (k - 1) - 1))),
        ("one zero too many", lambda x, k, d: [0] * (d * (k - 1) + 1) + list(x)),
        ("shape", lambda x, k, d: pad(x, d * (k - 1))[None]),
        ("takes 2 positional", lambda x, k: pad(x, k - 1)),
        ("have become whole numbers", whole_numbers),
    ],
    "wavenet.receptive_field": [
        ("add 1", partial(reach, present=0)),
        ("this is one stack", lambda s, n, k: reach(1, n, k)),
        ("not for each stack", lambda s, n, k: s * reach(1, n, k)),
        ("without dilation", lambda s, n, k: 1 + s * n * (k - 1)),
        ("has k - 1 gaps", partial(reach, gaps=0)),
        ("one less than the next power", partial(reach, less=0)),
        ("largest alone", lambda s, n, k: 1 + s * (k - 1) * 2 ** (n - 1)),
        ("begin with dilation 1", lambda s, n, k: 1 + s * (k - 1) * sum(
            2**i for i in range(n + 1))),
        ("twice as far", lambda s, n, k: 1 + s * (k - 1) * sum(
            2**i for i in range(1, n + 1))),
        ("start again at 1", grow_on),
        ("kernel is forgotten", lambda s, n, k: 1 + s * (2**n - 1)),
        ("whatever the kernel is", lambda s, n, k: 1 + s * (k**n - 1)),
        ("whatever the kernel is", lambda s, n, k: k**n),
        ("single stack with kernel 2", lambda s, n, k: 2**n),
        ("a layer is missing", lambda s, n, k: 1 + s * (k - 1) * sum(2**i for i in range(n - 1))),
        ("not 1, 2, 3, 4", lambda s, n, k: 1 + s * (k - 1) * sum(range(1, n + 1))),
        ("too large by 1", partial(reach, present=2)),
        ("it gives", lambda s, n, k: 2 * reach(s, n, k) + 3),
        ("counts once for all", lambda s, n, k: s * 2**n),
        ("k times the last dilation", lambda s, n, k: sum(k * 2 ** (n - 1) for _ in range(s))),
    ],
    "wavenet.cached_step": [
        ("return both", lambda *case: step(*case)[0]),
        ("return both", lambda *case: step(*case)[1]),
        ("output comes first", lambda *case: step(*case)[::-1]),
        ("the ring still holds the old sample", partial(step, update=False)),
        ("before you have read", written_too_early),
        ("`w_old` belongs to", lambda x, t, ring, a, b: step(x, t, ring, b, a)),
        ("weights are missing", lambda x, t, ring, a, b: step(x, t, ring, 1, 1)),
        ("you read its neighbour", partial(step, ahead=1)),
        ("you read its neighbour", partial(step, ahead=-1)),
        ("read and write its neighbour", partial(step, ahead=1, store_ahead=1)),
        ("from which the old sample was read", partial(step, store_ahead=1)),
        ("a ring is not shifted", shifted),
        ("`w_old` is missing", lambda x, t, ring, a, b: step(x, t, ring, 1, b)),
        ("`w_new` is missing", lambda x, t, ring, a, b: step(x, t, ring, a, 1)),
        ("read and write its neighbour", joined_one_late),
        ("not the output", keeps_outputs),
        ("number 2: at [", lambda x, t, ring, a, b: (
            step(x, t, ring, a, b)[0], step(b * x, t, ring, a, b)[1])),
        ("append nothing", lambda x, t, ring, a, b: (
            a * ring[t % len(ring)] + b * x, [*ring, x])),
        ("old sample is missing", lambda x, t, ring, a, b: step(x, t, ring, 0, b)),
        ("new sample is missing", lambda x, t, ring, a, b: step(x, t, ring, a, 0)),
        ("always the same", lambda x, t, ring, a, b: step(x, 0, ring, a, b)),
        ("it leaves the ring", without_remainder),
        ("not the whole part", whole_part),
        ("the others keep theirs", filled),
    ],
}  # fmt: skip
