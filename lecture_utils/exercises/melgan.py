"""Exercises of notebook 06."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_utils.notebook.check import Exercise, close


def _sizes() -> list[tuple]:
    """Return (n, kernel, stride, padding): one that is cut unevenly, and MelGAN's first stage."""
    return [(10, 9, 5, 1), (32, 16, 8, 4)]


output_length = Exercise(
    reference=lambda n, kernel, stride, padding: (n - 1) * stride + kernel - 2 * padding,
    cases=_sizes,
    mistakes=[
        ("that is stride times as many; so it is only if kernel - 2 * padding equals the stride",
         lambda got, want, n, k, s, p: close(got, n * s)),
        ("the padding is cut off at both ends: 2 * padding",
         lambda got, want, n, k, s, p: close(got, want + p)),
        ("padding is *cut off* here; only an ordinary convolution adds it",
         lambda got, want, n, k, s, p: close(got, want + 4 * p)),
        ("the padding is missing",
         lambda got, want, n, k, s, p: close(got, want + 2 * p)),
        ("n stamps have n - 1 gaps between their beginnings",
         lambda got, want, n, k, s, p: close(got, want + s)),
        ("the last stamp is `kernel` long, not one sample",
         lambda got, want, n, k, s, p: close(got, want - k + 1)),
        ("this is the ordinary convolution, which makes sound shorter",
         lambda got, want, n, k, s, p: close(got, (n + 2 * p - k) // s + 1)),
    ],
    hint="The last stamp begins at (n - 1) * stride and is `kernel` long; cut 2 * padding.",
)  # fmt: skip


def _stacks() -> list[tuple]:
    return [(3, [1, 3, 9]), (7, [1, 3, 5]), (5, [2])]


receptive_field = Exercise(
    reference=lambda kernel, dilations: 1 + (kernel - 1) * sum(dilations),
    cases=_stacks,
    mistakes=[
        ("the sample itself counts too: add 1",
         lambda got, want, k, d: close(got, want - 1)),
        ("`kernel` taps have kernel - 1 gaps",
         lambda got, want, k, d: close(got, 1 + k * sum(d))),
        ("this is the reach to one side; the kernel lies on both",
         lambda got, want, k, d: close(got, 1 + (k - 1) // 2 * sum(d))),
        ("the dilations are forgotten: the taps of a layer lie `dilation` samples apart",
         lambda got, want, k, d: close(got, 1 + (k - 1) * len(d))),
        ("layers in a row add their reach; you take the widest alone",
         lambda got, want, k, d: close(got, 1 + (k - 1) * max(d))),
        ("it triples only because the dilations 1, 3, 9 grow with the kernel; reaches add up",
         lambda got, want, k, d: close(got, k ** len(d))),
        ("`kernel` taps have kernel - 1 gaps, and the sample itself adds 1",
         lambda got, want, k, d: close(got, k * sum(d))),
        ("(kernel - 1) * dilation spans both sides already",
         lambda got, want, k, d: close(got, 1 + 2 * (k - 1) * sum(d))),
        ("reaches are added, not multiplied: each layer looks from where the last one stands",
         lambda got, want, k, d: close(got, _multiplied(k, d))),
        ("the shared sample is counted once, not for every layer",
         lambda got, want, k, d: close(got, sum(1 + (k - 1) * e for e in d))),
    ],
    hint="One sample sees itself. How much farther does one layer see, if its taps lie `dilation` "
    "apart? The next one looks from the ends of that. The shortcut adds nothing.",
)  # fmt: skip


def _multiplied(kernel: int, dilations: list[int]) -> int:
    product = 1
    for dilation in dilations:
        product *= 1 + (kernel - 1) * dilation
    return product


def _layers() -> list[tuple]:
    """Return (real, fake) maps of one critic, whose layers have different sizes."""
    rng = np.random.default_rng(0)
    sizes = [[(4, 50), (8, 20), (2, 5)], [(3, 40), (6, 10)]]
    return [tuple([rng.normal(size=s) for s in shapes] for _ in range(2)) for shapes in sizes]


def _matched(real: list, fake: list, reduce: Callable = np.mean, size: Callable = np.abs) -> float:
    return sum(reduce(size(r - f)) for r, f in zip(real, fake, strict=True))


def _all_entries(real: list, fake: list) -> float:
    return np.mean(np.concatenate([np.abs(r - f).ravel() for r, f in zip(real, fake, strict=True)]))


feature_matching = Exercise(
    reference=_matched,
    cases=_layers,
    mistakes=[
        ("take the mean over each layer, not the sum: layers have different sizes",
         lambda got, want, r, f: close(got, _matched(r, f, reduce=np.sum))),
        ("absolute differences are wanted (np.abs), not squares",
         lambda got, want, r, f: close(got, _matched(r, f, size=np.square))),
        ("without np.abs, too much here and too little there cancel",
         lambda got, want, r, f: close(abs(got), abs(_matched(r, f, size=np.positive)))),
        ("that is one layer alone; sum over all of them",
         lambda got, want, r, f: any(
             close(got, _matched([a], [b])) for a, b in zip(r, f, strict=True))),
        ("the layers are summed, not averaged",
         lambda got, want, r, f: close(got, want / len(r))),
        ("a mean over all entries lets the largest layer rule; take each layer's mean, then sum",
         lambda got, want, r, f: close(got, _all_entries(r, f))),
    ],
    hint="For every layer: np.mean(np.abs(real_layer - fake_layer)); sum it all up.",
)  # fmt: skip
