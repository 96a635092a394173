"""Worked solutions of notebook 08, and typical wrong answers with a word of their diagnosis.

Each solution has switches that turn a typical mistake on.
"""

from functools import partial

import numpy as np


def harmonic_sum(phase, f0_hz, amplitudes, rate, start=1, limit=0.5, wave=np.sin):
    total = 0
    for k, amplitude in enumerate(amplitudes, start):
        total = total + amplitude * wave(k * phase) * (k * f0_hz < limit * rate)
    return total


def overlap_add(hops, responses, keep=None, add=True, same=False):
    n_hops, hop = hops.shape
    taps = responses.shape[1]
    total = np.zeros(n_hops * hop + taps - 1)
    for t in range(n_hops):
        y = np.convolve(hops[t], responses[0 if same else t])[:keep]
        place = slice(t * hop, t * hop + len(y))
        total[place] = y + (total[place] if add else 0)
    return total if keep is None else total[: n_hops * hop]


def spectral_loss(targets, estimates, first=0, linear=1, log=1, mean=np.mean, size=np.abs):
    loss = 0
    for t, e in list(zip(targets, estimates, strict=True))[first:]:
        loss += linear * mean(size(e - t)) + log * mean(size(np.log((e + 1e-5) / (t + 1e-5))))
    return loss


def loudness_db(power, weights, factor=10, ten=10, total=np.sum, floor=-80.0):
    with np.errstate(divide="ignore"):
        db = factor * np.log10(total(power * 10 ** (weights[:, None] / ten), axis=0))
    return np.maximum(db, floor)


def k_outside(phase, f0_hz, amplitudes, rate):
    return sum(k * a * np.sin(phase) * (k * f0_hz < rate / 2) for k, a in enumerate(amplitudes, 1))


def mean_of_decibels(power, weights):
    with np.errstate(divide="ignore"):
        return np.mean(10 * np.log10(power) + weights[:, None], axis=0)


def no_amplitudes(phase, f0_hz, amplitudes, rate):
    return harmonic_sum(phase, f0_hz, np.ones_like(amplitudes), rate)


def one_after_the_other(hops, responses):
    return np.concatenate([np.convolve(h, r) for h, r in zip(hops, responses, strict=True)])


SOLUTIONS = {
    "ddsp.harmonic_sum": harmonic_sum,
    "ddsp.overlap_add": overlap_add,
    "ddsp.spectral_loss": spectral_loss,
    "ddsp.loudness_db": loudness_db,
}

WRONG = {
    "ddsp.harmonic_sum": {
        "comes back mirrored": partial(harmonic_sum, limit=99),
        "with *half* the sample rate": partial(harmonic_sum, limit=1),
        "start at k = 0": partial(harmonic_sum, start=0),
        "that is a cosine": partial(harmonic_sum, wave=np.cos),
        "amplitudes are missing": no_amplitudes,
        "inside the sine": k_outside,
    },
    "ddsp.overlap_add": {
        "every border clicks": partial(overlap_add, keep=8),
        "one after the other": one_after_the_other,
        "add to it (+=)": partial(overlap_add, add=False),
        "the first for all": partial(overlap_add, same=True),
        "ringing of the last hop": lambda h, r: overlap_add(h, r)[: h.size],
    },
    "ddsp.spectral_loss": {
        "the second half is missing": partial(spectral_loss, log=0),
        "logarithmic half alone": partial(spectral_loss, linear=0),
        "you compare one scale": partial(spectral_loss, first=2),
        "not the sum": partial(spectral_loss, mean=np.sum),
        "not squares": partial(spectral_loss, size=np.square),
        "cancel": partial(spectral_loss, size=np.positive),
        "not averaged": lambda t, e: spectral_loss(t, e) / len(t),
    },
    "ddsp.loudness_db": {
        "silence has no logarithm": partial(loudness_db, floor=-np.inf),
        "nothing is below -80": partial(loudness_db, floor=-100),
        "10 ** (dB / 10)": partial(loudness_db, ten=20),
        "the ear's weights are missing": partial(loudness_db, ten=np.inf),
        "power has 10 log10": partial(loudness_db, factor=20),
        "the mean over bins": partial(loudness_db, total=np.mean),
        "mean of decibels": lambda p, w: np.maximum(mean_of_decibels(p, w), -80),
    },
}
