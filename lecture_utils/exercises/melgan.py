"""Exercises of notebook 06."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lecture_utils.notebook.check import Exercise

# ------------------------------------------------------------------------ output_length


def _length(n: int, kernel: int, stride: int, padding: int, gaps: int = -1, cut: int = 2) -> int:
    return (n + gaps) * stride + kernel - cut * padding


output_length = Exercise(
    reference=_length,
    cases=lambda: {
        "n = 10, kernel 9, stride 5, padding 1": (10, 9, 5, 1),
        "MelGAN's first stage, of 32 frames": (32, 16, 8, 4),
        "no padding": (7, 4, 3, 0),
        "one input": (1, 4, 2, 1),
        "stride 1": (13, 7, 1, 2),
        "a stride wider than the kernel": (6, 3, 5, 1),
        "shorter than its input": (2, 4, 1, 2),
    },
    mistakes=[
        ("never shorter than the input? The ends that are cut off may be longer than it",
         lambda n, k, s, p: max(n, _length(n, k, s, p))),
        ("that is stride times as many; so it is only if kernel - 2 * padding equals the stride",
         lambda n, k, s, p: n * s),
        ("the padding is cut off at both ends",
         lambda n, k, s, p: _length(n, k, s, p, cut=1)),
        ("padding is *cut off* here; only an ordinary convolution adds it",
         lambda n, k, s, p: _length(n, k, s, p, cut=-2)),
        ("padding is *cut off* here, at both ends; only an ordinary convolution adds it",
         lambda n, k, s, p: _length(n, k, s, p, cut=-1)),
        ("the padding is missing",
         lambda n, k, s, p: _length(n, k, s, p, cut=0)),
        ("n stamps have n - 1 gaps between their beginnings",
         lambda n, k, s, p: _length(n, k, s, p, gaps=0)),
        ("n stamps have n - 1 gaps between their beginnings, and the padding is cut off",
         lambda n, k, s, p: _length(n, k, s, p, gaps=0, cut=0)),
        ("n stamps have n - 1 gaps, not n + 1",
         lambda n, k, s, p: _length(n, k, s, p, gaps=1)),
        ("the last stamp is `kernel` long, not one sample",
         lambda n, k, s, p: _length(n, 1, s, p)),
        ("the last stamp is `kernel` long; it is missing",
         lambda n, k, s, p: _length(n, 0, s, p)),
        ("the last stamp is `kernel` long, and one sample too many is taken away",
         lambda n, k, s, p: _length(n, k - 1, s, p)),
        ("there is one sample too many",
         lambda n, k, s, p: _length(n, k + 1, s, p)),
        ("this is the ordinary convolution, which makes sound shorter",
         lambda n, k, s, p: (n + 2 * p - k) // s + 1),
        ("kernel and stride are exchanged: the stamps begin `stride` apart",
         lambda n, k, s, p: _length(n, s, k, p)),
        ("the stamps overlap: they begin `stride` apart, not `kernel`",
         lambda n, k, s, p: n * k - 2 * p),
        ("the padding is cut off at the end, after all stamps are laid: it is not multiplied by "
         "the stride",
         lambda n, k, s, p: (n - 1 - 2 * p) * s + k),
        ("that is so only if the kernel is two strides long",
         lambda n, k, s, p: (n + 1) * s - 2 * p),
        ("a kernel shorter than the stride leaves gaps between the stamps; they count, too",
         lambda n, k, s, p: n * k - (n - 1) * max(k - s, 0) - 2 * p),
        ("the kernel is missing: the last stamp is `kernel` long, and n - 1 gaps lie before it",
         lambda n, k, s, p: n * s - 2 * p),
    ],
    hint="Where does the last stamp begin, and how long is it? The padding is cut off afterwards.",
)  # fmt: skip

# ---------------------------------------------------------------------- receptive_field


def _span(
    kernel: int, dilations: list[int], own: int = 1, gaps: int = -1, total: Callable = sum
) -> int:
    return own + (kernel + gaps) * total(dilations)


def _inputs(kernel: int, dilations: list[int]) -> int:
    """Count the inputs that are used, without those that fall into a gap."""
    places = {0}
    for dilation in dilations:
        places = {p + tap * dilation for p in places for tap in range(kernel)}
    return len(places)


receptive_field = Exercise(
    reference=_span,
    cases=lambda: {
        "kernel 7, dilations 1, 3, 5": (7, [1, 3, 5]),
        "kernel 3, dilations 1, 3, 9": (3, [1, 3, 9]),
        "kernel 5, one layer of dilation 2": (5, [2]),
        "kernel 2, dilations 4, 4, 1": (2, [4, 4, 1]),
        "kernel 1, which sees one sample only": (1, [2, 6]),
        "no layer": (3, []),
        "kernel 11, dilations 2, 1": (11, [2, 1]),
    },
    mistakes=[
        ("both ends count: add 1",
         lambda k, d: _span(k, d, own=0)),
        ("a kernel of k taps has k - 1 gaps",
         lambda k, d: _span(k, d, gaps=0)),
        ("that is the reach to one side; the kernel lies on both",
         lambda k, d: _span((k + 1) // 2, d)),
        ("that is the reach to one side; the kernel lies on both, and both ends count",
         lambda k, d: _span((k + 1) // 2, d, own=0)),
        ("the dilations are forgotten: the taps of a layer lie `dilation` samples apart",
         lambda k, d: _span(k, d, total=len)),
        ("the kernel is forgotten: a layer spans (kernel - 1) * dilation",
         lambda k, d: 1 + sum(d),
         lambda k, d: 1 + 2 * sum(d),
         lambda k, d: sum(d)),
        ("layers in a row add their reach; you take the widest alone",
         lambda k, d: _span(k, d, total=lambda e: max(e, default=0)),
         lambda k, d: _span(k, d, total=max)),
        ("a dilation that comes twice counts twice: the layers stand in a row",
         lambda k, d: _span(k, d, total=lambda e: sum(set(e)))),
        ("k // 2 on both sides is one too many for an even kernel: it has k - 1 gaps",
         lambda k, d: _span(k // 2 * 2 + 1, d)),
        ("layers in a row add their reach; you take the last alone",
         lambda k, d: _span(k, d[-1:]),
         lambda k, d: _span(k, [d[-1]])),
        ("layers in a row add their reach; you take the first alone",
         lambda k, d: _span(k, d[:1])),
        ("it triples only because the dilations 1, 3, 9 grow with the kernel; reaches add up",
         lambda k, d: k ** len(d)),
        ("a kernel of k taps has k - 1 gaps, and both ends count",
         lambda k, d: k * sum(d)),
        ("(kernel - 1) * dilation spans both sides already",
         lambda k, d: _span(2 * k - 1, d)),
        ("reaches are added, not multiplied: each layer looks from where the last one stands",
         lambda k, d: math.prod(_span(k, [e]) for e in d)),
        ("dilations are added, not multiplied: each layer looks from where the last one stands",
         lambda k, d: _span(k, d, total=math.prod)),
        ("the shared sample is counted once, not for every layer",
         lambda k, d: sum(_span(k, [e]) for e in d)),
        ("that counts the inputs that are used; here the gaps between the first and the last "
         "count, too",
         _inputs),
        ("the kernel counts once for each layer: its gaps are multiplied by every dilation",
         lambda k, d: k + sum(d)),
    ],
    hint="One sample sees itself. How much farther does one layer see, if its taps lie `dilation` "
    "apart? The next one looks from the ends of that.",
)  # fmt: skip

# --------------------------------------------------------------------- feature_matching


def _layers() -> dict[str, tuple]:
    """Return (real, fake) maps of one discriminator, whose layers have different sizes."""
    rng = np.random.default_rng(0)

    def maps(*shapes: tuple) -> list:
        return [rng.normal(size=shape) for shape in shapes]

    shapes = (4, 50), (8, 20), (2, 5)
    real, same = maps(*shapes), maps((3, 4), (6, 2))
    return {
        "three layers": (real, maps(*shapes)),
        "two layers": (maps((3, 40), (6, 10)), maps((3, 40), (6, 10))),
        "one layer": (maps((5, 6)), maps((5, 6))),
        "two sounds that excite all layers alike": (same, same),
        "a made sound that excites nothing": (real, [0 * layer for layer in real]),
        "four layers of one size": (maps(*[(2, 3)] * 4), maps(*[(2, 3)] * 4)),
    }


def _matched(real: list, fake: list, reduce: Callable = np.mean, size: Callable = np.abs) -> float:
    return sum(reduce(size(r - f)) for r, f in zip(real, fake, strict=True))


def _all_entries(real: list, fake: list) -> float:
    return np.mean(np.concatenate([np.abs(r - f).ravel() for r, f in zip(real, fake, strict=True)]))


feature_matching = Exercise(
    reference=_matched,
    cases=_layers,
    mistakes=[
        ("take the mean over each layer, not the sum: layers have different sizes",
         lambda r, f: _matched(r, f, reduce=np.sum)),
        ("absolute differences are wanted, not squares",
         lambda r, f: _matched(r, f, size=np.square)),
        ("absolute differences are wanted, not the root of the mean square",
         lambda r, f: sum(np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(r, f, strict=True))),
        ("absolute differences are wanted, not a norm",
         lambda r, f: sum(np.linalg.norm(a - b) for a, b in zip(r, f, strict=True))),
        ("too much here and too little there cancel; take absolute differences",
         lambda r, f: _matched(r, f, size=np.positive),
         lambda r, f: -_matched(r, f, size=np.positive)),
        ("take the absolute value of each difference, before the mean: they cancel otherwise",
         lambda r, f: sum(abs(np.mean(a - b)) for a, b in zip(r, f, strict=True)),
         lambda r, f: abs(_matched(r, f, size=np.positive))),
        ("compare the layers themselves, not how large they are",
         lambda r, f: sum(np.mean(abs(abs(a) - abs(b))) for a, b in zip(r, f, strict=True)),
         lambda r, f: sum(abs(np.mean(abs(a)) - np.mean(abs(b)))
                          for a, b in zip(r, f, strict=True))),
        ("that is the first layer alone; sum over all of them",
         lambda r, f: _matched(r[:1], f[:1])),
        ("that is the last layer alone; sum over all of them",
         lambda r, f: _matched(r[-1:], f[-1:])),
        ("the last layer is left out; sum over all of them",
         lambda r, f: _matched(r[:-1], f[:-1])),
        ("the first layer is left out; sum over all of them",
         lambda r, f: _matched(r[1:], f[1:])),
        ("the layers are summed, not averaged",
         lambda r, f: _matched(r, f) / len(r)),
        ("leave out the factor of the authors' code, 4 / (layers - 1)",
         lambda r, f: 4 / max(len(r) - 1, 1) * _matched(r, f)),
        ("a mean over all entries lets the largest layer rule; take each layer's mean, then sum",
         _all_entries,
         lambda r, f: len(r) * _all_entries(r, f)),
        ("that is relative to the real layer; take the differences as they are",
         lambda r, f: sum(np.mean(abs(a - b)) / np.mean(abs(a))
                          for a, b in zip(r, f, strict=True))),
        ("that is the largest difference of each layer; take the mean",
         lambda r, f: _matched(r, f, reduce=np.max)),
        ("means are wanted, not medians",
         lambda r, f: _matched(r, f, reduce=np.median)),
        ("this is one number for each layer; sum them up",
         lambda r, f: [np.mean(abs(a - b)) for a, b in zip(r, f, strict=True)]),
    ],
    hint="One number for each layer: how far apart are the two, on average? Then one for all.",
)  # fmt: skip
