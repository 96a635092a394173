"""Wrong answers of notebook 05 that come near, and words of the diagnosis that each must get."""

from functools import partial

import numpy as np
import torch


def phase(rebuilt):
    return np.exp(1j * np.angle(rebuilt))


def looped(rebuilt, magnitude):
    return [
        [m * complex(r) / abs(complex(r)) for r, m in zip(*rows, strict=True)]
        for rows in zip(rebuilt, magnitude, strict=True)
    ]


def ratio(found, wanted, norm=np.linalg.norm, by="wanted"):
    return norm(found - wanted) / norm({"wanted": wanted, "found": found}[by])


def add(frames, window, hop, gain=lambda window: window, divide=lambda window: window**2, own=None):
    n_frames, width = frames.shape
    total, weight = np.zeros((2, hop * (n_frames - 1) + width))
    for t in range(n_frames):
        here = slice(t * (own or hop), t * (own or hop) + width)
        total[here] += gain(window) * frames[t]
        weight[here] += divide(window)
    return total, weight


def weighed(*case, guard=1e-12, **how):
    total, weight = add(*case, **how)
    return np.where(weight > guard, total / np.where(weight > guard, weight, 1), 0)


def unguarded(*case, **how):
    total, weight = add(*case, **how)
    return total / weight


def overwritten(frames, window, hop):
    n_frames, width = frames.shape
    total, weight = np.zeros((2, hop * (n_frames - 1) + width))
    for t in range(n_frames):
        total[t * hop : t * hop + width] = window * frames[t]
        weight[t * hop : t * hop + width] = window**2
    return total / np.maximum(weight, 1e-10)


def half_circle(rebuilt, magnitude):
    real = np.where(rebuilt.real == 0, 1e-12, rebuilt.real)
    return magnitude * np.exp(1j * np.arctan(rebuilt.imag / real))


def softened(frames, window, hop, under):
    total, weight = add(frames, window, hop)
    return total / (weight + under)


def one_too_few(frames, window, hop):
    total, weight = np.zeros((2, hop * (len(frames) - 1) + len(window)))
    for t in range(len(frames) - 1):
        total[t * hop : t * hop + len(window)] += window * frames[t]
        weight[t * hop : t * hop + len(window)] += window**2
    return total / np.where(weight > 0, weight, 1)


WRONG = {
    "griffin_lim.keep_the_phase": [
        ("conjugated", lambda r, m: m * np.exp(-1j * np.angle(r))),
        ("whole spectrogram", lambda r, m: m * r),
        ("nothing has changed", lambda r, m: r),
        ("phase alone", lambda r, m: phase(r)),
        ("j is missing", lambda r, m: m * np.exp(np.angle(r))),
        ("0 / 0", lambda r, m: m * r / np.abs(r)),
        ("0 / 0", lambda r, m: torch.as_tensor(m) * torch.as_tensor(r) / torch.as_tensor(r).abs()),
        ("0 / 0", looped),
        ("is no arrow", lambda r, m: m * np.angle(r)),
        ("phase is missing", lambda r, m: m.astype(complex)),
        ("real part", lambda r, m: m * np.cos(np.angle(r))),
        ("not added", lambda r, m: m + phase(r)),
        ("divide by it twice", lambda r, m: m * r / np.abs(r) ** 2),
        ("with the phase of the wanted", lambda r, m: np.abs(r) * phase(m)),
        ("not the whole complex number", lambda r, m: m * np.exp(1j * r)),
        ("a minus too many", lambda r, m: -m * phase(r)),
        ("shape", lambda r, m: (m * phase(r))[:, :-1]),
        ("it gives", lambda r, m: np.sqrt(m) * phase(r)),
        ("opposite directions", half_circle),
        ("not degrees", lambda r, m: m * np.exp(1j * np.angle(r, deg=True))),
        ("sign of the real part", lambda r, m: m * np.where(r.real >= 0, 1, -1) + 0j),
        ("by the largest", lambda r, m: m * r / np.max(np.abs(r))),
        ("makes arrows shorter", lambda r, m: m * r / (np.abs(r) + 1e-2)),
    ],
    "griffin_lim.convergence": [
        ("not of what was found", partial(ratio, by="found")),
        ("square root is missing:", lambda f, w: np.sum((f - w) ** 2) / np.sum(w**2)),
        ("missing below", lambda f, w: np.linalg.norm(f - w) / np.sum(w**2)),
        ("not yet relative", lambda f, w: np.linalg.norm(f - w)),
        ("decibels", lambda f, w: 20 * np.log10(ratio(f, w))),
        ("absolute values", lambda f, w: np.abs(f - w).sum() / w.sum()),
        ("before the norm", lambda f, w: abs(np.linalg.norm(f) / np.linalg.norm(w) - 1)),
        ("each entry by itself", lambda f, w: np.mean(np.abs(f - w) / w)),
        ("one for each frame and then", lambda f, w: np.mean(ratio(
            f, w, partial(np.linalg.norm, axis=0)))),
        ("one for each bin and then", lambda f, w: np.mean(ratio(
            f, w, partial(np.linalg.norm, axis=1)))),
        ("not one for each frame", lambda f, w: ratio(f, w, partial(np.linalg.norm, axis=0))),
        ("`ord=2`", partial(ratio, norm=partial(np.linalg.norm, ord=2))),
        ("largest error", partial(ratio, norm=lambda x: np.max(np.abs(x)))),
        ("cancel", partial(ratio, norm=np.sum)),
        ("turned over", lambda f, w: 1 / ratio(f, w)),
        ("root of the mean square; a ratio", lambda f, w: np.std([f - w, w - f])),
        ("ratio of the two sizes", lambda f, w: np.linalg.norm(f) / np.linalg.norm(w)),
        ("1 minus", lambda f, w: 1 - ratio(f, w)),
        ("too large by 0.01", lambda f, w: ratio(f, w) + 1e-2),
        ("decibels", lambda f, w: 20 * np.log10(ratio(f, w) + 1e-12)),
        ("are mixed", lambda f, w: np.sqrt(np.mean((f - w) ** 2)) / np.mean(w)),
        ("add nothing below", lambda f, w: np.linalg.norm(f - w) / (np.linalg.norm(w) + 1)),
    ],
    "griffin_lim.overlap_add": [
        ("sum of squared windows is missing", lambda *case: add(*case)[0]),
        ("0 / 0", unguarded),
        ("*squared*", partial(weighed, divide=lambda w: w)),
        ("*squared*", partial(unguarded, divide=lambda w: w)),
        ("multiply each frame", partial(weighed, gain=lambda w: 1)),
        ("multiply each frame", partial(unguarded, gain=lambda w: 1)),
        ("plain mean", partial(weighed, gain=lambda w: 1, divide=lambda w: 1)),
        ("only added", lambda f, w, h: add(f, w, h, gain=lambda w: 1)[0]),
        ("number of frames", partial(weighed, divide=lambda w: 1)),
        ("*this* window", lambda f, w, h: add(f, w, h)[0] / np.sum(w**2)),
        ("weighed once already", partial(weighed, gain=lambda w: w**2)),
        ("square each window before", lambda f, w, h: add(f, w, h)[0] / np.maximum(
            add(f, w, h, divide=lambda w: w)[1] ** 2, 1e-12)),
        ("you write over", overwritten),
        ("the end is missing", lambda f, w, h: weighed(f, w, h)[: len(f) * h]),
        ("could not be broadcast", lambda f, w, h: weighed(f, w[:-1], h)),
        ("it gives", partial(weighed, guard=0.3)),
        ("ends become too soft", partial(softened, under=1e-2)),
        ("where it is below 1", lambda *case: add(*case)[0] / np.maximum(add(*case)[1], 1)),
        ("fewer windows overlap", lambda f, w, h: add(f, w, h)[0] / (np.sum(w**2) / h)),
        ("the last frame is missing", one_too_few),
    ],
}  # fmt: skip
