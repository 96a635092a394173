"""Worked solutions of notebook 05, and typical wrong answers with a word of their diagnosis."""

import numpy as np


def keep_the_phase(rebuilt, magnitude):
    return magnitude * rebuilt / np.abs(rebuilt)


def spectral_convergence(found, wanted):
    return np.sqrt(np.sum((found - wanted) ** 2) / np.sum(wanted**2))


def overlap_add(frames, window, hop, gain=lambda window: window, divide=lambda window: window**2):
    n_frames, width = frames.shape
    total, weight = np.zeros((2, hop * (n_frames - 1) + width))
    for t in range(n_frames):
        here = slice(t * hop, t * hop + width)
        total[here] += gain(window) * frames[t]
        weight[here] += divide(window)
    return total / weight


def add_only(frames, window, hop):
    total = np.zeros(hop * (len(frames) - 1) + len(window))
    for t, frame in enumerate(frames):
        total[t * hop : t * hop + len(window)] += window * frame
    return total


SOLUTIONS = {
    "griffin_lim.keep_the_phase": keep_the_phase,
    "griffin_lim.convergence": spectral_convergence,
    "griffin_lim.overlap_add": overlap_add,
}

WRONG = {
    "griffin_lim.keep_the_phase": {
        "conjugated": lambda r, m: m * np.exp(-1j * np.angle(r)),
        "whole spectrogram": lambda r, m: m * r,
        "nothing has changed": lambda r, m: r,
        "phase alone": lambda r, m: r / np.abs(r),
        "j is missing": lambda r, m: m * np.exp(np.angle(r)),
    },
    "griffin_lim.convergence": {
        "not of what was found": lambda f, w: np.linalg.norm(f - w) / np.linalg.norm(f),
        "square root": lambda f, w: np.sum((f - w) ** 2) / np.sum(w**2),
        "not yet relative": lambda f, w: np.linalg.norm(f - w),
        "decibels": lambda f, w: 20 * np.log10(spectral_convergence(f, w)),
    },
    "griffin_lim.overlap_add": {
        "sum of squared windows is missing": add_only,
        "*squared*": lambda f, w, h: overlap_add(f, w, h, divide=lambda w: w),
        "multiply each frame": lambda f, w, h: overlap_add(f, w, h, gain=lambda w: 1),
        "plain mean": lambda f, w, h: overlap_add(f, w, h, lambda w: 1, lambda w: 1),
    },
}
