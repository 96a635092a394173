"""Worked solutions of notebook 04, each also in plain loops and in PyTorch."""

import cmath
import math

import numpy as np
import torch


def combine(magnitude, angle):
    return magnitude * np.exp(1j * angle)


def looped(magnitude, angle):
    made = np.zeros(magnitude.shape, complex)
    for place, m in np.ndenumerate(magnitude):
        made[place] = cmath.rect(m, angle[place])
    return made


def delay_phase(d, n_fft):
    k = np.arange(n_fft // 2 + 1)
    return -2 * np.pi * k * d / n_fft


def quantise(angle, n_bits):
    step = 2 * np.pi / 2**n_bits
    return np.round(angle / step) * step


def nearest(angle, n_bits):
    directions = [2 * math.pi * i / 2**n_bits for i in range(2**n_bits)]
    return [min(directions, key=lambda d: -math.cos(a - d)) for a in angle]


SOLUTIONS = {"phase.combine": combine, "phase.delay": delay_phase, "phase.quantise": quantise}

LOOPS = {
    "phase.combine": looped,
    "phase.delay": lambda d, n: [-2 * math.pi * k * d / n for k in range(n // 2 + 1)],
    "phase.quantise": nearest,
}

TORCH = {
    "phase.combine": lambda m, a: torch.polar(m, -a).conj(),
    "phase.delay": lambda d, n: -torch.linspace(0, math.pi, n // 2 + 1) * d,
    "phase.quantise": lambda a, n: (
        torch.floor(a * 2**n / (2 * math.pi) + 0.5) % 2**n / 2**n * 2 * torch.pi
    ),
}
