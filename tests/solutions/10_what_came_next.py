"""Worked solutions of notebook 10, each also in plain loops and in PyTorch."""

import cmath

import numpy as np
import torch


def peak_offset(left, middle, right):
    return 0.5 * (left - right) / (left - 2 * middle + right)


def by_slope_and_bend(left, middle, right):
    slope = (right - left) / 2
    bend = right - middle - (middle - left)
    return -slope / bend


def fitted(left, middle, right):
    x = torch.tensor([[1.0, -1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
    levels = torch.tensor([left, middle, right], dtype=torch.float64)
    a, b, _ = torch.linalg.solve(x, levels)
    return -b / (2 * a)


def repair(spectrum, gain, angle):
    return spectrum * gain * np.exp(1j * angle)


def entry_by_entry(spectrum, gain, angle):
    return [
        [cmath.rect(g * abs(s), cmath.phase(s) + a) for s, g, a in zip(*rows, strict=True)]
        for rows in zip(spectrum, gain, angle, strict=True)
    ]


def polar(spectrum, gain, angle):
    spectrum, gain, angle = map(torch.as_tensor, (spectrum, gain, angle))
    return spectrum * torch.polar(gain, angle)


SOLUTIONS = {"fourier_vocoder.peak_offset": peak_offset, "fourier_vocoder.repair": repair}

LOOPS = {"fourier_vocoder.peak_offset": by_slope_and_bend, "fourier_vocoder.repair": entry_by_entry}

TORCH = {"fourier_vocoder.peak_offset": fitted, "fourier_vocoder.repair": polar}
