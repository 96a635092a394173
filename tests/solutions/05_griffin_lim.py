"""Worked solutions of notebook 05, each also in plain loops and in PyTorch."""

import cmath
import math

import numpy as np
import torch
from torch.nn import functional as F


def keep_the_phase(rebuilt, magnitude):
    return magnitude * np.exp(1j * np.angle(rebuilt))


def looped(rebuilt, magnitude):
    rows = zip(rebuilt, magnitude, strict=True)
    return [[m * cmath.exp(1j * cmath.phase(r)) for r, m in zip(*row, strict=True)] for row in rows]


def spectral_convergence(found, wanted):
    return np.sqrt(np.sum((found - wanted) ** 2) / np.sum(wanted**2))


def summed(found, wanted):
    above = below = 0.0
    for row, target in zip(found, wanted, strict=True):
        for f, w in zip(row, target, strict=True):
            above += (f - w) ** 2
            below += w**2
    return math.sqrt(above / below)


def overlap_add(frames, window, hop):
    n_frames, width = frames.shape
    total, weight = np.zeros((2, hop * (n_frames - 1) + width))
    for t in range(n_frames):
        here = slice(t * hop, t * hop + width)
        total[here] += window * frames[t]
        weight[here] += window**2
    return total / np.maximum(weight, 1e-10)


def sample_by_sample(frames, window, hop):
    out = []
    for n in range(hop * (len(frames) - 1) + len(window)):
        pairs = [(window[n - t * hop], frame[n - t * hop]) for t, frame in enumerate(frames)
                 if 0 <= n - t * hop < len(window)]  # fmt: skip
        weight = sum(w * w for w, _ in pairs)
        out.append(sum(w * f for w, f in pairs) / weight if weight > 0 else 0.0)
    return out


def folded(frames, window, hop):
    shape = dict(output_size=(1, hop * (len(frames) - 1) + len(window)),
                 kernel_size=(1, len(window)), stride=(1, hop))  # fmt: skip
    weighed, squares = frames * window, (window**2).expand_as(frames)
    total, weight = (F.fold(x.T[None], **shape).flatten() for x in (weighed, squares))
    return torch.nan_to_num(total / weight)


SOLUTIONS = {
    "griffin_lim.keep_the_phase": keep_the_phase,
    "griffin_lim.convergence": spectral_convergence,
    "griffin_lim.overlap_add": overlap_add,
}

LOOPS = {
    "griffin_lim.keep_the_phase": looped,
    "griffin_lim.convergence": summed,
    "griffin_lim.overlap_add": sample_by_sample,
}

TORCH = {
    "griffin_lim.keep_the_phase": lambda r, m: r / (r.abs() + 1e-16) * m,  # 0 where r is 0
    "griffin_lim.convergence": lambda f, w: torch.norm(w - f) / torch.norm(w),
    "griffin_lim.overlap_add": folded,
}
