"""Exercises of notebook 08."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_utils.notebook.check import Exercise, close


def _tones() -> list[tuple]:
    """Return a glide whose harmonics cross half the sample rate one after the other."""
    f0_hz = np.linspace(900, 3500, 400)
    phase = 2 * np.pi * np.cumsum(f0_hz) / 16_000
    return [(phase, f0_hz, np.array([0.5, 0.4, 0.3, 0.2, 0.1]), 16_000)]


def _harmonics(
    phase: np.ndarray,
    f0_hz: np.ndarray,
    amplitudes: np.ndarray,
    limit: float,
    wave: Callable = np.sin,
) -> np.ndarray:
    k = np.arange(1, len(amplitudes) + 1)[:, None]
    return np.sum(amplitudes[:, None] * (k * f0_hz < limit) * wave(k * phase), axis=0)


harmonic_sum = Exercise(
    reference=lambda phase, f0_hz, amplitudes, rate: _harmonics(phase, f0_hz, amplitudes, rate / 2),
    cases=_tones,
    mistakes=[
        ("nothing is left out: a harmonic with k * f0 at or above half the sample rate comes back "
         "mirrored, as a wrong tone",
         lambda got, want, p, f, a, r: close(got, _harmonics(p, f, a, np.inf))),
        ("compare k * f0 with *half* the sample rate (Nyquist)",
         lambda got, want, p, f, a, r: close(got, _harmonics(p, f, a, r))),
        ("the first harmonic is k = 1, the tone itself; yours start at k = 0",
         lambda got, want, p, f, a, r: close(
             got, _harmonics(p, f, np.append(a[1:], 0), r / 2))
         or close(got, _harmonics(p, f, a[1:], np.inf))),
        ("that is a cosine; use np.sin, so that a note begins at 0",
         lambda got, want, p, f, a, r: close(got, _harmonics(p, f, a, r / 2, np.cos))),
        ("the amplitudes are missing",
         lambda got, want, p, f, a, r: close(got, _harmonics(p, f, np.ones_like(a), r / 2))),
        ("k belongs inside the sine: sin(k * phase), not k * sin(phase)",
         lambda got, want, p, f, a, r: close(
             got, sum((k + 1) * a[k] * ((k + 1) * f < r / 2) * np.sin(p) for k in range(len(a))))),
    ],
    hint="For k = 1, 2, ...: amplitudes[k - 1] * np.sin(k * phase), times (k * f0_hz < rate / 2).",
)  # fmt: skip


def _noise_and_filters() -> list[tuple]:
    rng = np.random.default_rng(0)
    return [(rng.uniform(-1, 1, (6, 8)), rng.normal(size=(6, 5)))]


def _overlap_add(hops: np.ndarray, responses: np.ndarray, step: int | None = None) -> np.ndarray:
    n_hops, hop = hops.shape
    width, step = hop + responses.shape[1] - 1, step or hop
    total = np.zeros(step * (n_hops - 1) + width)
    for t in range(n_hops):
        total[t * step : t * step + width] += np.convolve(hops[t], responses[t])
    return total


overlap_add = Exercise(
    reference=_overlap_add,
    cases=_noise_and_filters,
    mistakes=[
        ("each hop is cut where the next begins; let it ring on and add what overlaps, or every "
         "border clicks",
         lambda got, want, h, r: close(
             got, np.concatenate([np.convolve(h[t], r[t])[: len(h[t])] for t in range(len(h))]))),
        ("the hops ring one after the other; they begin one hop apart and overlap",
         lambda got, want, h, r: close(got, _overlap_add(h, r, h.shape[1] + r.shape[1] - 1))),
        ("you write over what the hop before left there; add to it (+=)",
         lambda got, want, h, r: len(got) == len(want) and close(got, _overwrite(h, r))),
        ("every hop has its own filter; you use the first for all",
         lambda got, want, h, r: close(got, _overlap_add(h, np.repeat(r[:1], len(r), 0)))),
        ("the ringing of the last hop is cut off: frames * hop + taps - 1 samples come back",
         lambda got, want, h, r: close(got, want[: h.size])),
    ],
    hint="total[t * hop : t * hop + hop + taps - 1] += np.convolve(hops[t], responses[t]).",
)  # fmt: skip


def _overwrite(hops: np.ndarray, responses: np.ndarray) -> np.ndarray:
    hop, total = hops.shape[1], np.zeros(hops.size + responses.shape[1] - 1)
    for t, (noise, response) in enumerate(zip(hops, responses, strict=True)):
        total[t * hop : t * hop + hop + len(response) - 1] = np.convolve(noise, response)
    return total


def _spectrograms() -> list[tuple]:
    rng = np.random.default_rng(1)
    shapes = [(33, 8), (17, 16), (9, 32)]
    return [tuple([rng.uniform(0, 2, shape) for shape in shapes] for _ in range(2))]


def _loss(
    targets: list,
    estimates: list,
    reduce: Callable = np.mean,
    parts: str = "linear and log",
    power: int = 1,
) -> float:
    loss = 0.0
    for t, e in zip(targets, estimates, strict=True):
        if "linear" in parts:
            loss += reduce(np.abs(e - t) ** power)
        if "log" in parts:
            loss += reduce(np.abs(np.log(e + 1e-5) - np.log(t + 1e-5)) ** power)
    return loss


spectral_loss = Exercise(
    reference=_loss,
    cases=_spectrograms,
    mistakes=[
        ("the second half is missing: the same with logarithms, which hears the quiet parts",
         lambda got, want, t, e: close(got, _loss(t, e, parts="linear"))),
        ("this is the logarithmic half alone; add the mean of |e - t|",
         lambda got, want, t, e: close(got, _loss(t, e, parts="log"))),
        ("you compare one scale; sum over all window lengths",
         lambda got, want, t, e: any(
             close(got, _loss([a], [b])) for a, b in zip(t, e, strict=True))),
        ("take the mean over bins and frames, not the sum: scales have different sizes",
         lambda got, want, t, e: close(got, _loss(t, e, np.sum))),
        ("absolute differences are wanted (np.abs), not squares",
         lambda got, want, t, e: close(got, _loss(t, e, power=2))),
        ("without np.abs, too loud here and too soft there cancel",
         lambda got, want, t, e: close(got, sum(
             np.mean(b - a) + np.mean(np.log(b + 1e-5) - np.log(a + 1e-5))
             for a, b in zip(t, e, strict=True)))),
        ("the scales are summed, not averaged",
         lambda got, want, t, e: close(got, want / len(t))),
    ],
    hint="For each scale: np.mean(np.abs(e - t)), plus the same of np.log(e + 1e-5) and of t.",
)  # fmt: skip


def _power_and_weights() -> list[tuple]:
    """Return three frames, the last silent, and weights like those of the A curve."""
    power = np.random.default_rng(2).uniform(0, 0.1, (9, 3))
    power[:, 2] = 0
    return [(power, np.array([-80, -19, -9, -3, 0, 1.2, 1, 0, -1.1]))]


def _loudness(power: np.ndarray, weights_db: np.ndarray, per_ten: float = 10) -> np.ndarray:
    total = np.sum(power * 10 ** (weights_db[:, None] / per_ten), axis=0)
    return np.maximum(10 * np.log10(np.maximum(total, 1e-30)), -80)


loudness_db = Exercise(
    reference=_loudness,
    cases=_power_and_weights,
    mistakes=[
        ("silence has no logarithm: hold the result to -80 dB (np.maximum before and after)",
         lambda got, want, p, w: not np.isfinite(got).all()),
        ("the floor is missing: nothing is below -80 dB",
         lambda got, want, p, w: close(got[:2], want[:2]) and got[2] < -80),
        ("these are powers: 10 ** (dB / 10); dividing by 20 is for amplitudes",
         lambda got, want, p, w: close(got, _loudness(p, w, 20))),
        ("the ear's weights are missing",
         lambda got, want, p, w: close(got, _loudness(p, np.zeros_like(w)))),
        ("power has 10 log10; 20 log10 is for amplitudes",
         lambda got, want, p, w: close(got[:2], 2 * want[:2])),
        ("this is the mean over bins; the ear adds their powers",
         lambda got, want, p, w: close(got[:2], want[:2] - 10 * np.log10(len(p)))),
        ("add powers first and take the logarithm of the sum: a mean of decibels is no loudness",
         lambda got, want, p, w: close(
             got[:2], np.mean(10 * np.log10(p[:, :2]) + w[:, None], axis=0))),
    ],
    hint="np.sum(power * 10 ** (weights_db[:, None] / 10), axis=0), then 10 * np.log10, then -80.",
)  # fmt: skip
