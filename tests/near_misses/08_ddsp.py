"""Wrong answers of notebook 08 that come near, and words of the diagnosis that each must get."""

from functools import partial

import numpy as np


def harmonics(phase, f0_hz, amplitudes, rate, start=1, limit=0.5, wave=np.sin, below=np.less):
    total = 0
    for k, amplitude in enumerate(amplitudes, start):
        total = total + amplitude * wave(k * phase) * below(k * f0_hz, limit * rate)
    return total


def whole_notes(phase, f0_hz, amplitudes, rate):
    total = np.zeros_like(phase)
    for k, amplitude in enumerate(amplitudes, 1):
        if (k * f0_hz).max() < rate / 2:
            total += amplitude * np.sin(k * phase)
    return total


def k_outside(phase, f0_hz, amplitudes, rate):
    return sum(k * a * np.sin(phase) * (k * f0_hz < rate / 2) for k, a in enumerate(amplitudes, 1))


def rung(hops, responses, keep=None, add=True, which=lambda t: t, step=None, back=1):
    n_hops, hop = hops.shape
    taps = responses.shape[1]
    total = np.zeros(n_hops * hop + taps - 1)
    for t in range(n_hops):
        y = np.convolve(hops[t], responses[which(t)][::back])[:keep]
        place = slice(t * (step or hop), t * (step or hop) + len(y))
        total[place] = y + (total[place] if add else 0)
    return total


def next_hop_only(hops, responses):
    hop, taps = hops.shape[1], responses.shape[1]
    total = np.zeros(hops.size + taps - 1)
    for t in range(len(hops)):
        y = np.convolve(hops[t], responses[t])[: 2 * hop]
        total[t * hop : t * hop + len(y)] += y
    return total


def one_after_the_other(hops, responses):
    return np.concatenate([np.convolve(h, r) for h, r in zip(hops, responses, strict=True)])


def loss(targets, estimates, first=0, linear=1, log=1, mean=np.mean, size=np.abs, eps=1e-5,
         logarithm=np.log):  # fmt: skip
    total = 0
    for t, e in list(zip(targets, estimates, strict=True))[first:]:
        total += linear * mean(size(e - t))
        total += log * mean(size(logarithm(e + eps) - logarithm(t + eps)))
    return total


def without_epsilon(targets, estimates):
    total = 0
    for t, e in zip(targets, estimates, strict=True):
        total += np.mean(np.abs(e - t)) + np.mean(np.abs(np.log(e) - np.log(t)))
    return total


def loud(power, weights, factor=10, ten=10, total=np.sum, floor=-80.0, tiny=0.0):
    db = factor * np.log10(total(power * 10 ** (weights[:, None] / ten), axis=0) + tiny)
    return np.maximum(db, floor)


def mean_of_decibels(power, weights):
    return np.maximum(np.mean(10 * np.log10(power) + weights[:, None], axis=0), -80)


def silence_only(power, weights):
    sums = (power * 10 ** (weights[:, None] / 10)).sum(0)
    return [10 * np.log10(s) if s > 0 else -80 for s in sums]


def all_or_nothing(phase, f0_hz, amplitudes, rate):
    total = harmonics(phase, f0_hz, amplitudes, rate, limit=np.inf)
    return total * (len(amplitudes) * f0_hz < rate / 2)


def circular(hops, responses):
    (n_hops, hop), taps = hops.shape, responses.shape[1]
    size, total = max(hop, taps), np.zeros(hops.size + taps - 1)
    for t in range(n_hops):
        y = np.fft.irfft(np.fft.rfft(hops[t], size) * np.fft.rfft(responses[t], size), size)
        place = total[t * hop : t * hop + size]
        place += y[: len(place)]
    return total


def centred(hops, responses):
    (n_hops, hop), taps = hops.shape, responses.shape[1]
    total = np.zeros(hops.size + taps - 1)
    for t in range(n_hops):
        y = np.convolve(hops[t], responses[t])[(taps - 1) // 2 :]
        total[t * hop : (t + 1) * hop] += y[:hop]
    return total


def taps_apart(hops, responses):
    (n_hops, hop), taps = hops.shape, responses.shape[1]
    total = np.zeros(n_hops * max(hop, taps) + hop + taps)
    for t in range(n_hops):
        total[t * taps : t * taps + hop + taps - 1] += np.convolve(hops[t], responses[t])
    return total[: hops.size + taps - 1]


WRONG = {
    "ddsp.harmonic_sum": [
        ("comes back mirrored", partial(harmonics, limit=99)),
        ("with *half* the sample rate", partial(harmonics, limit=1)),
        ("below, not up to", partial(harmonics, below=np.less_equal)),
        ("keep those below", partial(harmonics, below=np.greater)),
        ("yours start at 0", partial(harmonics, start=0)),
        ("that is a cosine", partial(harmonics, wave=np.cos)),
        ("amplitudes are missing", lambda p, f, a, r: harmonics(p, f, np.ones(len(a)), r)),
        ("`k` belongs inside the sine", k_outside),
        ("`k` is missing inside", lambda p, f, a, r: sum(
            a[k - 1] * np.sin(p) * (k * f < r / 2) for k in range(1, len(a) + 1))),
        ("decide for each sample", whole_notes),
        ("not f0 itself", lambda p, f, a, r: harmonics(p, f, a, r, limit=99) * (f < r / 2)),
        ("not always 16,000", lambda p, f, a, r: harmonics(p, f, a, 16_000)),
        ("not averaged", lambda p, f, a, r: harmonics(p, f, a, r) / len(a)),
        ("added up already", lambda p, f, a, r: harmonics(2 * np.pi * p, f, a, r)),
        ("that you are given", lambda p, f, a, r: harmonics(
            2 * np.pi * np.cumsum(f) / r, f, a, r)),
        ("start at k = 2", partial(harmonics, start=2)),
        ("shape", lambda p, f, a, r: [harmonics(p, f, a, r)] * 2),
        ("not all of them with one", all_or_nothing),
        ("odd rate is no whole number", lambda p, f, a, r: sum(
            a[k - 1] * np.sin(k * p) * (k * f < r // 2) for k in range(1, len(a) + 1))),
    ],
    "ddsp.overlap_add": [
        ("every border clicks", lambda h, r: rung(h, r, keep=h.shape[1])[: h.size]),
        ("every border clicks", lambda h, r: rung(h, r, keep=h.shape[1])),
        ("not only over the next one", next_hop_only),
        ("one after the other", one_after_the_other),
        ("add to it (+=)", partial(rung, add=False)),
        ("the first for all", partial(rung, which=lambda t: 0)),
        ("the last for all", partial(rung, which=lambda t: -1)),
        ("ringing of the last hop", lambda h, r: rung(h, r)[: h.size]),
        ("correlation", partial(rung, back=-1)),
        ("on both sides", lambda h, r: np.concatenate(
            [np.convolve(a, b, mode="same") for a, b in zip(h, r, strict=True)])),
        ("one sample too many", lambda h, r: np.append(rung(h, r), 0.0)),
        ("the last sample is missing", lambda h, r: rung(h, r)[:-1]),
        ("their mean for all", lambda h, r: rung(h, np.tile(r.mean(0), (len(r), 1)))),
        ("not filtered at all", lambda h, r: np.append(h.ravel(), np.zeros(r.shape[1] - 1))),
        ("reverse order", lambda h, r: rung(h, r)[::-1]),
        ("a neighbour's", lambda h, r: rung(h, np.roll(r, 1, axis=0))),
        ("comes back at its beginning", circular),
        ("on both sides", centred),
        ("not `taps`", taps_apart),
        ("a neighbour's", partial(rung, which=lambda t: max(t - 1, 0))),
    ],
    "ddsp.spectral_loss": [
        ("the second half is missing", partial(loss, log=0)),
        ("logarithmic half alone", partial(loss, linear=0)),
        ("1e-5 is missing", without_epsilon),
        ("yours is another number", partial(loss, eps=1e-7)),
        ("yours is another number", partial(loss, eps=1e-4)),
        ("yours is another number", partial(loss, eps=1e-3)),
        ("not 1", partial(loss, eps=1)),
        ("base 10", partial(loss, logarithm=np.log10)),
        ("you compare one scale", lambda t, e: loss(t[:1], e[:1])),
        ("not the sum", partial(loss, mean=np.sum)),
        ("not squares", partial(loss, size=np.square)),
        ("root of the mean square", partial(
            loss, mean=lambda x: np.sqrt(np.mean(x**2)), size=np.positive)),
        ("cancel", partial(loss, size=np.positive)),
        ("cancel", lambda t, e: sum(
            abs(np.mean(b - a)) + abs(np.mean(np.log(b + 1e-5) - np.log(a + 1e-5)))
            for a, b in zip(t, e, strict=True))),
        ("not averaged", lambda t, e: loss(t, e) / len(t)),
        ("two halves", lambda t, e: loss(t, e) / 2),
        ("logarithm of the difference", lambda t, e: sum(
            np.mean(abs(b - a)) + np.mean(np.log(abs(b - a) + 1e-5))
            for a, b in zip(t, e, strict=True))),
        ("before the mean", lambda t, e: sum(
            np.mean(abs(b - a)) + abs(np.mean(np.log(b + 1e-5) - np.log(a + 1e-5)))
            for a, b in zip(t, e, strict=True))),
        ("before the mean", lambda t, e: sum(
            abs(np.mean(b - a)) + np.mean(abs(np.log((b + 1e-5) / (a + 1e-5))))
            for a, b in zip(t, e, strict=True))),
        ("it gives", partial(loss, log=0.5)),
    ],
    "ddsp.loudness_db": [
        ("the floor is missing", partial(loud, floor=-np.inf)),
        ("still fall below", silence_only),
        ("lifts faint sounds", partial(loud, tiny=1e-8)),
        ("lifts faint sounds", partial(loud, tiny=1e-8, floor=-np.inf)),
        ("the floor is missing", partial(loud, tiny=1e-10, floor=-np.inf)),
        ("yours is -100", partial(loud, floor=-100)),
        ("not 0", partial(loud, floor=0)),
        ("not minimum", lambda p, w: np.minimum(loud(p, w, floor=-np.inf), -80)),
        ("10 ** (dB / 10)", partial(loud, ten=20)),
        ("the ear's weights are missing", partial(loud, ten=np.inf)),
        ("a minus too many", lambda p, w: loud(p, -w)),
        ("turn them into factors", lambda p, w: np.maximum(
            10 * np.log10(np.maximum((p * w[:, None]).sum(0), 1e-12)), -80)),
        ("power has 10 log10", partial(loud, factor=20)),
        ("the mean over bins", partial(loud, total=np.mean)),
        ("the loudest bin", partial(loud, total=np.max)),
        ("mean of decibels", mean_of_decibels),
        ("add over time", lambda p, w: np.maximum(
            10 * np.log10((p * 10 ** (w[:, None] / 10)).sum(1)), -80)),
        ("each bin by itself", lambda p, w: 10 * np.log10(
            np.maximum(p * 10 ** (w[:, None] / 10), 1e-8).sum(0))),
        ("(NaN)", lambda p, w: loud(p, w) + np.where(p.sum(0) > 1, np.nan, 0)),
        ("too small by 3", lambda p, w: loud(p, w) - 3),
    ],
}  # fmt: skip
