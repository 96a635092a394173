"""Worked solutions of notebook 04, and typical wrong answers with a word of their diagnosis."""

import numpy as np


def combine(magnitude, angle):
    return magnitude * np.exp(1j * angle)


def delay_phase(d, n_fft):
    k = np.arange(n_fft // 2 + 1)
    return -2 * np.pi * k * d / n_fft


def quantise(angle, n_bits):
    step = 2 * np.pi / 2**n_bits
    return np.round(angle / step) * step


def floor_quantise(angle, n_bits):
    step = 2 * np.pi / 2**n_bits
    return np.floor(angle / step) * step


SOLUTIONS = {"phase.combine": combine, "phase.delay": delay_phase, "phase.quantise": quantise}

WRONG = {
    "phase.combine": {
        "conjugated": lambda m, a: m * np.exp(-1j * a),
        "j is missing": lambda m, a: m * np.exp(a),
        "real part": lambda m, a: m * np.cos(a),
        "degrees": lambda m, a: m * np.exp(1j * np.deg2rad(a)),
        "not added": lambda m, a: m + np.exp(1j * a),
    },
    "phase.delay": {
        "negative": lambda d, n: 2 * np.pi * np.arange(n // 2 + 1) * d / n,
        "2 pi is missing": lambda d, n: -np.arange(n // 2 + 1) * d / n,
        "one entry for each": lambda d, n: -2 * np.pi * np.arange(n) * d / n,
        "divide by n_fft": lambda d, n: -2 * np.pi * np.arange(n // 2 + 1) * d,
    },
    "phase.quantise": {
        "round down": floor_quantise,
        "not N": lambda a, n: np.round(a * n / (2 * np.pi)) * 2 * np.pi / n,
        "over pi": lambda a, n: np.round(a * 2**n / np.pi) * np.pi / 2**n,
        "numbers of the directions": lambda a, n: np.round(a * 2**n / (2 * np.pi)),
    },
}
