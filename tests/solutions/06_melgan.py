"""Worked solutions of notebook 06, each also in plain loops and in PyTorch."""

import torch
from torch.nn import functional as F


def output_length(n, kernel, stride, padding):
    return (n - 1) * stride + kernel - 2 * padding


def last_stamp(n, kernel, stride, padding):
    end = 0
    for stamp in range(n):
        end = max(end, stamp * stride + kernel)
    return end - padding - padding


def tried(n, kernel, stride, padding):
    x = F.conv_transpose1d(torch.ones(1, 1, n), torch.ones(1, 1, kernel), None, stride, padding)
    return x.shape[-1]


def receptive_field(kernel, dilations):
    return 1 + (kernel - 1) * sum(dilations)


def from_first_to_last(kernel, dilations):
    first = last = 0
    for dilation in dilations:
        last += (kernel - 1) * dilation
    return last - first + 1


def feature_matching(real, fake):
    return sum(abs(r - f).mean() for r, f in zip(real, fake, strict=True))


def looped(real, fake):
    total = 0.0
    for r, f in zip(real, fake, strict=True):
        entries = list(zip(r.ravel(), f.ravel(), strict=True))
        total += sum(abs(a - b) for a, b in entries) / len(entries)
    return total


SOLUTIONS = {
    "melgan.output_length": output_length,
    "melgan.receptive_field": receptive_field,
    "melgan.feature_matching": feature_matching,
}

LOOPS = {
    "melgan.output_length": last_stamp,
    "melgan.receptive_field": from_first_to_last,
    "melgan.feature_matching": looped,
}

TORCH = {
    "melgan.output_length": tried,
    "melgan.receptive_field": lambda k, d: 1 + torch.tensor(d, dtype=torch.long).sum() * (k - 1),
    "melgan.feature_matching": lambda real, fake: sum(map(F.l1_loss, fake, real)),
}
