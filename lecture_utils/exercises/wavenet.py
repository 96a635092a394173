"""Exercises of notebook 03."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.check import Exercise

# ------------------------------------------------------------------------ mu_law_encode


def _sounds() -> dict[str, tuple]:
    spread = np.concatenate([[0.5, -0.5, 1.0, -1.0, 2e-4], np.linspace(-0.9, 0.9, 30)])
    return {
        "a sound of 35 samples": (spread,),
        "silence": (np.zeros(4),),
        "the loudest sample there is, +1 and -1": (np.array([1.0, -1.0, 1.0]),),
        "a faint sound": (np.array([0.0, 1e-3, -1e-3, 0.01403, -0.0215, 0.0]),),
    }


def _squeeze(x: np.ndarray, mu: float = 255.0) -> np.ndarray:
    return np.sign(x) * np.log1p(mu * np.abs(x)) / np.log(1 + mu)


def _encode(
    x: np.ndarray, offset: float = 0.5, top: float = 255.0, mu: float = 255.0
) -> np.ndarray:
    return np.floor((_squeeze(x, mu) + 1) / 2 * top + offset).astype(int)


mu_law_encode = Exercise(
    reference=_encode,
    cases=_sounds,
    mistakes=[
        ("these are the squeezed values; bring -1 .. 1 to 0 .. 255 and round",
         _squeeze),
        ("these are not whole numbers yet: round them",
         lambda x: (_squeeze(x) + 1) / 2 * 255),
        ("the levels are evenly spaced: the logarithm is missing",
         lambda x: np.floor((x + 1) / 2 * 255 + 0.5)),
        ("the sign is lost: use `np.abs` inside the logarithm and `np.sign` before it",
         lambda x: _encode(np.abs(x))),
        ("you round down; add a half before, so that silence becomes 128, not 127",
         lambda x: _encode(x, offset=0.0)),
        ("you round up; add a half and round down",
         lambda x: np.ceil((_squeeze(x) + 1) / 2 * 255)),
        ("there are 256 codes, 0 .. 255: multiply by 255, or +1 becomes 256",
         lambda x: _encode(x, top=256.0),
         lambda x: _encode(x, top=256.0, offset=0.0),
         lambda x: _encode(x, top=256.0) % 256),
        ("there are 256 codes, 0 .. 255: multiply by 255; to cut off what is above leaves "
         "the other codes wrong",
         lambda x: np.minimum(_encode(x, top=256.0, offset=0.0), 255),
         lambda x: np.minimum(_encode(x, top=256.0), 255)),
        ("a half is rounded up, so that silence becomes 128, not 127",
         lambda x: np.ceil((_squeeze(x) + 1) / 2 * 255 - 0.5)),
        ("int8 ends at 127: use whole numbers that hold 0 .. 255",
         lambda x: _encode(x).astype(np.int8)),
        ("the codes begin at 0, and silence is 128: yours are 128 too small",
         lambda x: _encode(x) - 128),
        ("don't make the sound louder first: a soft sound has codes near 128",
         lambda x: _encode(x / max(np.abs(x).max(), 1e-9))),
        ("numbers below 0 have no logarithm: use `np.abs` inside and `np.sign` before it",
         *[lambda x, kind=kind, sign=sign: np.floor(
               (sign(x) * np.log(1 + 255 * x) / np.log(256) + 1) / 2 * 255 + 0.5
           ).astype(kind) for kind in (float, int) for sign in (np.ones_like, np.sign)]),
        ("the codes begin at 0: half of 255 must be added, too",
         *[lambda x, to_whole=to_whole: to_whole(_squeeze(x) * 127.5)
           for to_whole in (np.round, lambda y: np.floor(y + 0.5))]),
        ("you cut towards 0, so that -1 becomes 1: bring -1 .. 1 to 0 .. 255, then round",
         lambda x: np.trunc(_squeeze(x) * 127.5) + 128),
        ("with 127 times the value one code is never used: there are 256, 0 .. 255",
         lambda x: np.floor(128 + 127 * _squeeze(x) + 0.5),
         lambda x: np.floor(127 + 127 * _squeeze(x) + 0.5)),
        ("divide by the logarithm of 256, or loud sounds leave -1 .. 1",
         lambda x: np.floor((np.sign(x) * np.log1p(255 * np.abs(x)) + 1) / 2 * 255 + 0.5)),
        ("mu is 255, one less than the number of codes",
         lambda x: _encode(x, mu=256.0),
         lambda x: np.floor(
             (np.sign(x) * np.log1p(256 * np.abs(x)) / np.log(256) + 1) / 2 * 255 + 0.5)),
        ("the 1 inside the logarithm is missing: log(1 + 255 |x|)",
         *[lambda x, kind=kind: np.floor(
               (np.sign(x) * np.log(255 * np.abs(x)) / np.log(256) + 1) / 2 * 255 + 0.5
           ).astype(kind) for kind in (float, int)]),
        ("the sign of silence is 0 / 0; use `np.sign`",
         lambda x: np.where(x == 0, np.nan, _encode(x))),
        ("x is squeezed only after 255 was multiplied: log(1 + 255 |x|), not log(1 + |x|)",
         lambda x: np.floor((np.sign(x) * np.log1p(np.abs(x)) / np.log(256) + 1) / 2 * 255 + 0.5),
         lambda x: np.floor((np.sign(x) * np.log1p(np.abs(x)) / np.log(2) + 1) / 2 * 255 + 0.5)),
    ],
    hint="First squeeze: the logarithm of section 4, which keeps the sign and -1 .. 1. Then count "
    "-1 as 0 and +1 as 255, and round to the nearest.",
)  # fmt: skip

# ----------------------------------------------------------------------- causal_padding


def _paddings() -> dict[str, tuple]:
    x = np.arange(1.0, 9.0) / 10
    return {
        "kernel 3, dilation 4": (x, 3, 4),
        "kernel 2, dilation 1": (x, 2, 1),
        "kernel 1, dilation 8": (x[:5], 1, 8),
        "kernel 5, dilation 3, more than the sound is long": (x[:4], 5, 3),
        "a sound with zeros at both ends": (np.array([0.0, 0, 0.2, -0.3, 0]), 3, 2),
    }


def _pad(x: np.ndarray, left: int, right: int = 0, **mode: str) -> np.ndarray:
    return np.pad(x, (left, right), **mode)


causal_padding = Exercise(
    reference=lambda x, kernel_size, dilation: _pad(x, dilation * (kernel_size - 1)),
    cases=_paddings,
    mistakes=[
        ("the zeros stand on the right: then every output sees the future",
         lambda x, k, d: _pad(x, 0, d * (k - 1))),
        ("half on each side is the usual padding: half of the taps see the future",
         lambda x, k, d: _pad(x, d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2),
         lambda x, k, d: _pad(x, d * (k - 1) // 2, d * (k - 1) // 2),
         lambda x, k, d: _pad(x, d * (k - 1) - d * (k - 1) // 2, d * (k - 1) // 2)),
        ("you pad both sides; on the right none is needed",
         lambda x, k, d: _pad(x, d * (k - 1), d * (k - 1))),
        ("the dilation is forgotten: the taps are `dilation` samples apart",
         lambda x, k, d: _pad(x, k - 1)),
        ("one dilation too many: a kernel of k taps has k - 1 gaps",
         lambda x, k, d: _pad(x, d * k)),
        ("that is one zero too few: a kernel of k taps reaches dilation * (k - 1) back",
         lambda x, k, d: _pad(x, max(d * (k - 1) - 1, 0))),
        ("that is one zero too many: a kernel of k taps reaches dilation * (k - 1) back",
         lambda x, k, d: _pad(x, d * (k - 1) + 1)),
        ("the dilation alone is not enough: a kernel of k taps has k - 1 gaps",
         lambda x, k, d: _pad(x, d)),
        ("gaps and dilation are multiplied, not added",
         lambda x, k, d: _pad(x, k - 1 + d)),
        ("kernel and dilation are mixed up: k - 1 gaps, each `dilation` wide",
         lambda x, k, d: _pad(x, k * (d - 1))),
        ("the 1 belongs to the kernel alone: dilation * (k - 1)",
         lambda x, k, d: _pad(x, max(d * k - 1, 0))),
        ("the end of the sound is cut off; keep all of it, the convolution makes it shorter again",
         lambda x, k, d: _pad(x, d * (k - 1))[: len(x)]),
        ("before the sound there is silence: zeros, not its first sample",
         lambda x, k, d: _pad(x, d * (k - 1), mode="edge")),
        ("before the sound there is silence: zeros, not its end",
         lambda x, k, d: _pad(x, d * (k - 1), mode="wrap")),
        ("before the sound there is silence: zeros, not the sound mirrored",
         lambda x, k, d: _pad(x, d * (k - 1), mode="reflect")),
        ("the samples have become whole numbers: make the zeros numbers like those of `x`",
         lambda x, k, d: _pad(x.astype(int), d * (k - 1))),
        ("these are the zeros alone; the sound follows them",
         lambda x, k, d: np.zeros(d * (k - 1))),
    ],
    hint="How far back does the first tap of the kernel look? Before the first sample of the sound "
    "there is nothing, so as many zeros are needed, and on one side only.",
)  # fmt: skip

# ---------------------------------------------------------------------- receptive_field


def _reach(n_stacks: int, n_layers: int, k: int) -> int:
    return 1 + n_stacks * (k - 1) * (2**n_layers - 1)


receptive_field = Exercise(
    reference=_reach,
    cases=lambda: {
        "2 stacks of 10 layers, kernel 2": (2, 10, 2),
        "3 stacks of 4 layers, kernel 3": (3, 4, 3),
        "1 stack of 1 layer, kernel 2": (1, 1, 2),
        "5 stacks of 3 layers, kernel 4": (5, 3, 4),
        "kernel 1, which sees one sample only": (3, 5, 1),
        "4 stacks of 6 layers, kernel 7": (4, 6, 7),
    },
    mistakes=[
        ("the present sample counts too: add 1",
         lambda s, n, k: _reach(s, n, k) - 1),
        ("this is one stack; every stack adds as much again",
         lambda s, n, k: _reach(1, n, k)),
        ("the stacks share one present sample: 1 is added once, not for each stack",
         lambda s, n, k: s * _reach(1, n, k)),
        ("this is a stack without dilation; the dilations are 1, 2, 4, ...",
         lambda s, n, k: 1 + s * n * (k - 1)),
        ("a kernel of k taps has k - 1 gaps",
         lambda s, n, k: 1 + s * k * (2**n - 1)),
        ("a kernel of k taps has k - 1 gaps, and the present sample counts once",
         lambda s, n, k: s * k * (2**n - 1)),
        ("1 + 2 + 4 + ... + 2^(n-1) is 2^n - 1, one less than the next power",
         lambda s, n, k: 1 + s * (k - 1) * 2**n),
        ("1 + 2 + 4 + ... + 2^(n-1) is 2^n - 1, one less than the next power, and 1 is added",
         lambda s, n, k: s * (k - 1) * 2**n),
        ("the dilations add up; you use the largest alone",
         lambda s, n, k: 1 + s * (k - 1) * 2 ** (n - 1)),
        ("the last dilation is 2^(n-1): n layers begin with dilation 1",
         lambda s, n, k: 1 + s * (k - 1) * (2 ** (n + 1) - 1)),
        ("that is twice as far: the dilations begin with 1, and a causal layer looks back only",
         lambda s, n, k: 1 + s * (k - 1) * (2 ** (n + 1) - 2)),
        ("a layer is missing: the last dilation is 2^(n-1)",
         lambda s, n, k: 1 + s * (k - 1) * (2 ** (n - 1) - 1)),
        ("the dilations start again at 1 in each stack; yours grow on",
         lambda s, n, k: 1 + (k - 1) * (2 ** (s * n) - 1)),
        ("the kernel is forgotten: a kernel of k taps has k - 1 gaps",
         lambda s, n, k: 1 + s * (2**n - 1)),
        ("the dilations are 1, 2, 4, whatever the kernel is",
         lambda s, n, k: 1 + s * (k**n - 1),
         lambda s, n, k: k**n),
        ("kernel 2 has one gap, k taps have k - 1, and the present sample counts once for all",
         lambda s, n, k: s * 2**n),
        ("k times the last dilation is right for one stack with kernel 2 alone",
         lambda s, n, k: s * k * 2 ** (n - 1)),
        ("that is how far a single stack with kernel 2 sees",
         lambda s, n, k: 2**n),
        ("the dilations are powers of two, 1, 2, 4, 8, not 1, 2, 3, 4",
         lambda s, n, k: 1 + s * (k - 1) * n * (n + 1) // 2),
    ],
    hint="How far back does one layer look, with dilation d and kernel k? The next layer begins "
    "where that one ends. What do the dilations of one stack add up to?",
)  # fmt: skip

# -------------------------------------------------------------------------- cached_step


def _one_step() -> dict[str, tuple]:
    """Return a sample, a time, a ring and two weights; the ring is a list, as the text says."""
    return {
        "a ring of 3, at t = 7": (0.7, 7, [0.1, 0.2, -0.4], 2.0, 0.5),
        "the very first step, with a ring of zeros": (0.3, 0, [0.0] * 4, 1.5, -0.5),
        "a ring of 4, at t = 8": (-0.2, 8, [0.9, -0.3, 0.6, 0.5], 0.25, 3.0),
        "a ring of one": (0.6, 5, [-0.8], 0.5, 2.0),
        "a ring of 5, at t = 13": (0.4, 13, [0.2, -0.6, 0.3, 0.8, -0.1], 1.25, -0.75),
        "a ring of 4, at t = 3, and silence comes in": (
            0.0, 3, [0.9, -0.3, 0.6, 0.5], -1.0, 0.75),
    }  # fmt: skip


def _step(
    x: float, t: int, ring: list[float], w_old: float, w_new: float, slot: int | None = None,
    store: float | None = None, store_at: int | None = None,
) -> tuple[float, list[float]]:  # fmt: skip
    ring, slot = list(ring), t % len(ring) if slot is None else slot % len(ring)
    y = w_old * ring[slot] + w_new * x
    ring[slot if store_at is None else store_at % len(ring)] = x if store is None else store
    return y, ring


cached_step = Exercise(
    reference=_step,
    cases=_one_step,
    mistakes=[
        ("return both: the output and the ring, `return y, ring`",
         lambda *case: _step(*case)[0],
         lambda *case: _step(*case)[1]),
        ("the output comes first, then the ring",
         lambda *case: _step(*case)[::-1]),
        ("`y` is right, but the ring still holds the old sample: write `x` into its slot",
         lambda x, t, ring, a, b: (_step(x, t, ring, a, b)[0], ring)),
        ("you write `x` into the ring before you have read the old sample there",
         lambda x, t, ring, a, b: ((a + b) * x, _step(x, t, ring, a, b)[1])),
        ("`w_old` belongs to the sample from the ring, `w_new` to `x`",
         lambda x, t, ring, a, b: _step(x, t, ring, b, a)),
        ("the weights are missing",
         lambda x, t, ring, a, b: _step(x, t, ring, 1, 1)),
        ("the ring keeps what comes in, `x`, not the output",
         lambda x, t, ring, a, b: _step(x, t, ring, a, b, store=_step(x, t, ring, a, b)[0])),
        ("`w_old` is missing: the old sample is multiplied by it",
         lambda x, t, ring, a, b: _step(x, t, ring, 1, b)),
        ("`w_new` is missing: `x` is multiplied by it",
         lambda x, t, ring, a, b: _step(x, t, ring, a, 1)),
        ("the old sample is missing in `y`",
         lambda x, t, ring, a, b: _step(x, t, ring, 0, b)),
        ("the new sample is missing in `y`",
         lambda x, t, ring, a, b: _step(x, t, ring, a, 0)),
        ("slot t % d holds the sample of d ago; you read and write its neighbour",
         *[lambda x, t, ring, a, b, k=k: _step(x, t, ring, a, b, t + k) for k in (1, -1)]),
        ("slot t % d holds the sample of d ago; you read its neighbour",
         *[lambda x, t, ring, a, b, k=k: _step(x, t, ring, a, b, t + k, store_at=t)
           for k in (1, -1)]),
        ("`x` belongs into slot t % d, from which the old sample was read",
         *[lambda x, t, ring, a, b, k=k: _step(x, t, ring, a, b, store_at=t + k) for k in (1, -1)]),
        ("the slot is t % d; yours is always the same",
         *[lambda x, t, ring, a, b, k=k: _step(x, t, ring, a, b, k) for k in (0, -1)]),
        ("the slot is what is left over, t % d, not the whole part of t / d",
         lambda x, t, ring, a, b: _step(x, t, ring, a, b, t // len(ring))),
        ("only slot t % d gets the new sample; the others keep theirs",
         lambda x, t, ring, a, b: (_step(x, t, ring, a, b)[0], np.full(len(ring), x))),
        ("a ring is not shifted; one slot is overwritten, whatever the length",
         lambda x, t, ring, a, b: (a * ring[0] + b * x, np.append(ring[1:], x)),
         lambda x, t, ring, a, b: (a * ring[-1] + b * x, np.append(x, ring[:-1]))),
        ("the ring keeps its length: overwrite one slot, append nothing",
         lambda x, t, ring, a, b: (_step(x, t, ring, a, b)[0], np.append(ring, x))),
        ("t grows for ever, so it leaves the ring; the slot is t % d",
         lambda x, t, ring, a, b: _step(x, t, ring, a, b, range(len(ring))[t])),
    ],
    hint="Three steps, in this order: read the old sample, put the new one in its place, add up "
    "both with their weights.",
)  # fmt: skip
