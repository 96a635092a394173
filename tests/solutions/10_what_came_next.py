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


def residual_quantise(frames, books):
    numbers = []
    for book in books:
        distances = ((frames[:, None] - book) ** 2).sum(-1)
        numbers.append(distances.argmin(1))
        frames = frames - book[numbers[-1]]
    return np.stack(numbers, 1)


def frame_by_frame(frames, books):
    rows = []
    for frame in frames:
        missing, row = list(frame), []
        for book in books:
            away = [
                sum((m - e) ** 2 for m, e in zip(missing, entry, strict=True)) for entry in book
            ]
            row.append(away.index(min(away)))
            missing = [m - e for m, e in zip(missing, book[row[-1]], strict=True)]
        rows.append(row)
    return rows


def with_cdist(frames, books):
    missing, numbers = torch.as_tensor(frames), []
    for book in map(torch.as_tensor, books):
        numbers.append(torch.cdist(missing, book).argmin(1))
        missing = missing - book[numbers[-1]]
    return torch.stack(numbers, 1)


SOLUTIONS = {
    "fourier_vocoder.peak_offset": peak_offset,
    "fourier_vocoder.repair": repair,
    "fourier_vocoder.residual_quantise": residual_quantise,
}

LOOPS = {
    "fourier_vocoder.peak_offset": by_slope_and_bend,
    "fourier_vocoder.repair": entry_by_entry,
    "fourier_vocoder.residual_quantise": frame_by_frame,
}

TORCH = {
    "fourier_vocoder.peak_offset": fitted,
    "fourier_vocoder.repair": polar,
    "fourier_vocoder.residual_quantise": with_cdist,
}
