"""Exercises of notebook 03."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.check import Exercise, close


def _sounds() -> list[tuple]:
    return [(np.concatenate([[0.0, 0.5, -0.5, 1.0, -1.0, 1e-4], np.linspace(-0.9, 0.9, 30)]),)]


def _encode(x: np.ndarray, offset: float = 0.5, top: float = 255.0) -> np.ndarray:
    squeezed = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    return np.floor((squeezed + 1) / 2 * top + offset).astype(int)


mu_law_encode = Exercise(
    reference=_encode,
    cases=_sounds,
    mistakes=[
        ("these are the squeezed values; bring -1 .. 1 to 0 .. 255 and round",
         lambda got, want, x: close(got, np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256))),
        ("the levels are evenly spaced: the logarithm is missing",
         lambda got, want, x: close(got, np.floor((x + 1) / 2 * 255 + 0.5))),
        ("the sign is lost: use np.abs inside the logarithm and np.sign before it",
         lambda got, want, x: close(got, _encode(np.abs(x)))),
        ("you round down; add a half before, so that silence becomes 128, not 127",
         lambda got, want, x: close(got, _encode(x, offset=0.0))),
        ("there are 256 codes, 0 .. 255: multiply by 255, or +1 becomes 256",
         lambda got, want, x: close(got, _encode(x, top=256.0))),
    ],
    hint="y = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256), then (y + 1) / 2 * 255 + 0.5.",
)  # fmt: skip


def _paddings() -> list[tuple]:
    return [(np.arange(1.0, 9.0), 3, 4), (np.arange(1.0, 9.0), 2, 1)]


causal_padding = Exercise(
    reference=lambda x, kernel_size, dilation: np.pad(x, (dilation * (kernel_size - 1), 0)),
    cases=_paddings,
    mistakes=[
        ("the zeros stand on the right: then every output sees the future",
         lambda got, want, x, k, d: close(got, np.pad(x, (0, d * (k - 1))))),
        ("half on each side is the usual padding: half of the taps see the future",
         lambda got, want, x, k, d: close(
             got, np.pad(x, (d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2)))),
        ("the dilation is forgotten: the taps are `dilation` samples apart",
         lambda got, want, x, k, d: close(got, np.pad(x, (k - 1, 0)))),
        ("one dilation too many: k taps have k - 1 gaps",
         lambda got, want, x, k, d: close(got, np.pad(x, (d * k, 0)))),
    ],
    hint="np.pad(x, (dilation * (kernel_size - 1), 0)).",
)  # fmt: skip


def _reach(n_stacks: int, n_layers: int, k: int) -> int:
    return 1 + n_stacks * (k - 1) * (2**n_layers - 1)


receptive_field = Exercise(
    reference=_reach,
    cases=lambda: [(2, 10, 2), (3, 4, 3)],
    mistakes=[
        ("the present sample counts too: add 1",
         lambda got, want, s, n, k: close(got, want - 1)),
        ("this is one stack; every stack adds as much again",
         lambda got, want, s, n, k: close(got, _reach(1, n, k))),
        ("the stacks share one present sample: 1 is added once, not for each stack",
         lambda got, want, s, n, k: close(got, s * _reach(1, n, k))),
        ("this is a stack without dilation; the dilations are 1, 2, 4, ..., their sum 2^n - 1",
         lambda got, want, s, n, k: close(got, 1 + s * n * (k - 1))),
        ("k taps have k - 1 gaps",
         lambda got, want, s, n, k: close(got, 1 + s * k * (2**n - 1))),
        ("1 + 2 + 4 + ... + 2^(n-1) is 2^n - 1, one less than the next power",
         lambda got, want, s, n, k: close(got, 1 + s * (k - 1) * 2**n)),
    ],
    hint="1 + n_stacks * (k - 1) * (2**n_layers - 1).",
)  # fmt: skip


def _one_step() -> list[tuple]:
    return [(0.7, 7, np.array([0.1, 0.2, -0.4]), 2.0, 0.5)]


def _step(
    x: float, t: int, ring: np.ndarray, w_old: float, w_new: float, slot: int | None = None
) -> tuple[float, np.ndarray]:
    ring, slot = ring.copy(), t % len(ring) if slot is None else slot
    y, ring[slot] = w_old * ring[slot] + w_new * x, x
    return y, ring


cached_step = Exercise(
    reference=_step,
    cases=_one_step,
    mistakes=[
        ("return both: the output and the ring, y, ring",
         lambda got, want, *case: close(got, want[0]) or close(got, want[1])),
        ("y is right, but the ring still holds the old sample: write x into its slot",
         lambda got, want, x, t, ring, *w: close(got, (want[0], ring))),
        ("you write x into the ring before you have read the old sample there",
         lambda got, want, x, t, ring, a, b: close(got, ((a + b) * x, want[1]))),
        ("w_old belongs to the sample from the ring, w_new to x",
         lambda got, want, x, t, ring, a, b: close(got, _step(x, t, ring, b, a))),
        ("slot t % d holds the sample of d ago; you use its neighbour",
         lambda got, want, x, t, ring, a, b: any(
             close(got, _step(x, t, ring, a, b, (t + k) % len(ring))) for k in (1, 2))),
        ("a ring is not shifted; one slot is overwritten, whatever the length",
         lambda got, want, x, t, ring, a, b: close(
             got, (a * ring[0] + b * x, np.append(ring[1:], x)))),
    ],
    hint="Read the slot t % len(ring), then write x into it; y = w_old * old + w_new * x.",
)  # fmt: skip
