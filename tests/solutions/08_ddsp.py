"""Worked solutions of notebook 08, each also in plain loops and in PyTorch."""

import math

import numpy as np
import torch
from torch.nn import functional as F


def harmonic_sum(phase, f0_hz, amplitudes, rate):
    total = np.zeros_like(phase)
    for k, amplitude in enumerate(amplitudes, start=1):
        total += amplitude * np.sin(k * phase) * (k * f0_hz < rate / 2)
    return total


def sample_by_sample(phase, f0_hz, amplitudes, rate):
    out = []
    for angle, hz in zip(phase, f0_hz, strict=True):
        y, k = 0.0, 1
        while k <= len(amplitudes) and k * hz < rate / 2:
            y += amplitudes[k - 1] * math.sin(k * angle)
            k += 1
        out.append(y)
    return out


def harmonics_in_torch(phase, f0_hz, amplitudes, rate):
    k = torch.arange(1, len(amplitudes) + 1)
    waves = torch.sin(phase[:, None] * k).masked_fill(f0_hz[:, None] * k >= rate / 2, 0)
    return waves @ amplitudes


def overlap_add(hops, responses):
    (n_hops, hop), taps = hops.shape, responses.shape[1]
    total = np.zeros(n_hops * hop + taps - 1)
    for t in range(n_hops):
        total[t * hop : (t + 1) * hop + taps - 1] += np.convolve(hops[t], responses[t])
    return total


def tap_by_tap(hops, responses):
    hop, taps = len(hops[0]), len(responses[0])
    total = [0.0] * (len(hops) * hop + taps - 1)
    for t in range(len(hops)):
        for n in range(hop):
            for tap in range(taps):
                total[t * hop + n + tap] += hops[t][n] * responses[t][tap]
    return total


def rung_in_torch(hops, responses):
    (n_hops, hop), taps = hops.shape, responses.shape[1]
    y = F.conv1d(hops[None], responses.flip(1)[:, None], padding=taps - 1, groups=n_hops)[0]
    total = torch.zeros(n_hops * hop + taps - 1)
    for t in range(n_hops):
        total[t * hop : t * hop + hop + taps - 1] += y[t]
    return total


def spectral_loss(targets, estimates):
    loss = 0
    for t, e in zip(targets, estimates, strict=True):
        loss += np.mean(np.abs(e - t)) + np.mean(np.abs(np.log(e + 1e-5) - np.log(t + 1e-5)))
    return loss


def entry_by_entry(targets, estimates):
    loss = 0.0
    for t, e in zip(targets, estimates, strict=True):
        for a, b in zip(t.ravel(), e.ravel(), strict=True):
            loss += (abs(a - b) + abs(math.log((a + 1e-5) / (b + 1e-5)))) / t.size
    return loss


def loss_in_torch(targets, estimates):
    pairs = list(zip(estimates, targets, strict=True))
    linear = torch.stack([F.l1_loss(e, t) for e, t in pairs]).sum()
    return linear + sum(F.l1_loss(torch.log(e + 1e-5), torch.log(t + 1e-5)) for e, t in pairs)


def loudness_db(power, weights_db):
    total = np.sum(power * 10 ** (weights_db[:, None] / 10), axis=0)
    return np.maximum(10 * np.log10(np.maximum(total, 1e-8)), -80)


def frame_by_frame(power, weights_db):
    levels = []
    for frame in power.T:
        total = 0.0
        for p, w in zip(frame, weights_db, strict=True):
            total += p * 10 ** (w / 10)
        levels.append(max(-80.0, 10 * math.log10(total)) if total > 0 else -80.0)
    return levels


def loudness_in_torch(power, weights_db):
    total = torch.einsum("kt,k->t", power, torch.pow(10, weights_db / 10))
    return (10 * total.log10()).clamp(min=-80)


SOLUTIONS = {
    "ddsp.harmonic_sum": harmonic_sum,
    "ddsp.overlap_add": overlap_add,
    "ddsp.spectral_loss": spectral_loss,
    "ddsp.loudness_db": loudness_db,
}

LOOPS = {
    "ddsp.harmonic_sum": sample_by_sample,
    "ddsp.overlap_add": tap_by_tap,
    "ddsp.spectral_loss": entry_by_entry,
    "ddsp.loudness_db": frame_by_frame,
}

TORCH = {
    "ddsp.harmonic_sum": harmonics_in_torch,
    "ddsp.overlap_add": rung_in_torch,
    "ddsp.spectral_loss": loss_in_torch,
    "ddsp.loudness_db": loudness_in_torch,
}
