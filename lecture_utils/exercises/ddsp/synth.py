"""Exercises 1 and 2 of notebook 08: how a sound is made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lecture_utils.notebook.check import Exercise

# ------------------------------------------------------------------------- harmonic_sum


def _tones() -> dict[str, tuple]:
    """Return glides and notes whose harmonics lie below, at and above half the sample rate."""

    def tone(f0_hz: object, amplitudes: list, rate: int) -> tuple:
        f0_hz = np.broadcast_to(f0_hz, 150).astype(float)
        phase = 0.3 + 2 * np.pi * np.cumsum(f0_hz) / rate
        return phase, f0_hz, np.array(amplitudes), rate

    five = [0.5, 0.4, 0.3, 0.2, 0.1]
    return {
        "a glide whose harmonics pass half the rate": tone(
            np.linspace(900, 3500, 150), five, 16000
        ),
        "a harmonic exactly at half the rate": tone(2000, five, 16000),
        "a note above half the rate": tone(9000, five, 16000),
        "a low note, with harmonics left out": tone(110, [1.0, 0, 0.5, 0], 8000),
        # the fifth harmonic lies at 5512.25 Hz, half the rate at 5512.5
        "an odd rate, and a harmonic just below its half": tone(1102.45, five, 11025),
        "the fundamental alone, at another rate": tone(np.linspace(7000, 9000, 150), [0.7], 22050),
    }


def _harmonics(
    phase: np.ndarray, f0_hz: np.ndarray, amplitudes: np.ndarray, limit: object,
    wave: Callable = np.sin, first: int = 1, over: Callable | None = None,
) -> np.ndarray:  # fmt: skip
    k = np.arange(first, len(amplitudes) + first)[:, None]
    watched = f0_hz if over is None else np.full_like(f0_hz, over(f0_hz))
    return np.sum(amplitudes[:, None] * (k * watched < limit) * wave(k * phase), axis=0)


def _single(p: np.ndarray, f: np.ndarray, a: np.ndarray, r: float, below: object) -> np.ndarray:
    return np.sum(
        [below(k * f, r / 2) * a[k - 1] * np.sin(k * p) for k in range(1, len(a) + 1)], axis=0
    )


harmonic_sum = Exercise(
    reference=lambda phase, f0_hz, amplitudes, rate: _harmonics(phase, f0_hz, amplitudes, rate / 2),
    cases=_tones,
    tolerance=1e-3,
    mistakes=[
        ("nothing is left out: a harmonic with k * f0 at or above half the sample rate comes back "
         "mirrored, as a wrong tone",
         lambda p, f, a, r: _harmonics(p, f, a, np.inf)),
        ("compare k * f0 with *half* the sample rate (Nyquist)",
         lambda p, f, a, r: _harmonics(p, f, a, r)),
        ("a harmonic exactly at half the rate is left out, too: below, not up to",
         lambda p, f, a, r: _single(p, f, a, r, np.less_equal)),
        ("you keep the harmonics above half the rate; keep those below",
         lambda p, f, a, r: _single(p, f, a, r, np.greater),
         lambda p, f, a, r: _single(p, f, a, r, np.greater_equal)),
        ("it is k * f0 that must stay below half the rate, not f0 itself",
         lambda p, f, a, r: (f < r / 2) * _harmonics(p, f, a, np.inf)),
        ("only the harmonics that are too high fall silent, not all of them with one",
         lambda p, f, a, r: (len(a) * f < r / 2) * _harmonics(p, f, a, np.inf)),
        ("half the rate is `rate` / 2, and `rate` is not always 16,000",
         lambda p, f, a, r: _harmonics(p, f, a, 8000)),
        ("half of an odd rate is no whole number: divide with /, not with //",
         lambda p, f, a, r: _harmonics(p, f, a, r // 2)),
        ("the frequency changes from sample to sample: decide for each sample what is left out",
         *[lambda p, f, a, r, over=over: _harmonics(p, f, a, r / 2, over=over)
           for over in (np.max, np.min, np.mean, lambda f: f[0], lambda f: f[-1])]),
        ("the first harmonic is k = 1, the tone itself, with `amplitudes[0]`; yours start at 0",
         *[lambda p, f, a, r, limit=limit: _harmonics(p, f, a, limit * r, first=0)
           for limit in (0.5, 9e9)]),
        ("the first harmonic is k = 1, the tone itself; yours start at k = 2",
         lambda p, f, a, r: _harmonics(p, f, a, r / 2, first=2)),
        ("that is a cosine; use the sine, so that a note begins at 0",
         lambda p, f, a, r: _harmonics(p, f, a, r / 2, np.cos)),
        ("the amplitudes are missing",
         lambda p, f, a, r: _harmonics(p, f, np.ones_like(a), r / 2)),
        ("the amplitudes are taken as they are; don't divide by their sum",
         lambda p, f, a, r: _harmonics(p, f, a / a.sum(), r / 2)),
        ("the harmonics are added, not averaged",
         lambda p, f, a, r: _harmonics(p, f, a / len(a), r / 2)),
        ("`k` belongs inside the sine: sin(k * phase), not k * sin(phase)",
         lambda p, f, a, r: sum((k + 1) * a[k] * ((k + 1) * f < r / 2) * np.sin(p)
                                for k in range(len(a)))),
        ("`k` is missing inside the sine: all harmonics sound at f0",
         lambda p, f, a, r: sum(a[k] * ((k + 1) * f < r / 2) * np.sin(p) for k in range(len(a)))),
        ("`phase` is in radians and has been added up already; take it as it is",
         lambda p, f, a, r: _harmonics(2 * np.pi * p, f, a, r / 2),
         lambda p, f, a, r: _harmonics(np.cumsum(p), f, a, r / 2)),
        ("use the `phase` that you are given; it does not begin at 0",
         lambda p, f, a, r: _harmonics(2 * np.pi * np.cumsum(f) / r, f, a, r / 2)),
    ],
    hint="Every harmonic is a sine of k times the phase, with its own loudness. Which of them may "
    "sound at a sample depends on k times the frequency there.",
)  # fmt: skip

# -------------------------------------------------------------------------- overlap_add


def _noise_and_filters() -> dict[str, tuple]:
    rng = np.random.default_rng(0)

    def noise(n_hops: int, hop: int, taps: int) -> tuple:
        return rng.uniform(-1, 1, (n_hops, hop)), rng.normal(size=(n_hops, taps))

    pause = noise(5, 4, 3)
    pause[0][[0, 2, 4]] = 0
    return {
        "6 hops of 8 samples, 5 taps": noise(6, 8, 5),
        "filters that ring over three hops": noise(5, 4, 11),
        "filters of one tap": noise(4, 6, 1),
        "one hop": noise(1, 8, 4),
        "hops of silence between": pause,
    }


def _overlap_add(hops: np.ndarray, responses: np.ndarray, step: int | None = None) -> np.ndarray:
    n_hops, hop = hops.shape
    width, step = hop + responses.shape[1] - 1, step or hop
    total = np.zeros(step * (n_hops - 1) + width)
    for t in range(n_hops):
        total[t * step : t * step + width] += np.convolve(hops[t], responses[t])
    return total


def _rings(hops: np.ndarray, responses: np.ndarray, n: int) -> np.ndarray:
    """Let each hop ring for `n` samples at most."""
    hop, total = hops.shape[1], np.zeros(hops.size + responses.shape[1] - 1)
    for t, (noise, response) in enumerate(zip(hops, responses, strict=True)):
        y = np.convolve(noise, response)[:n]
        total[t * hop : t * hop + len(y)] += y
    return total


def _overwrite(hops: np.ndarray, responses: np.ndarray) -> np.ndarray:
    hop, total = hops.shape[1], np.zeros(hops.size + responses.shape[1] - 1)
    for t, (noise, response) in enumerate(zip(hops, responses, strict=True)):
        total[t * hop : t * hop + hop + len(response) - 1] = np.convolve(noise, response)
    return total


def _same(hops: np.ndarray, responses: np.ndarray) -> np.ndarray:
    return np.concatenate([np.convolve(h, r, "same") for h, r in zip(hops, responses, strict=True)])


def _middle(hops: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """Keep the middle of each hop's ringing, and nothing in the end."""
    hop, taps = hops.shape[1], responses.shape[1]
    first = (taps - 1) // 2
    kept = [np.convolve(h, r)[first : first + hop] for h, r in zip(hops, responses, strict=True)]
    return np.append(np.concatenate(kept), np.zeros(taps - 1))


def _circular(hops: np.ndarray, responses: np.ndarray) -> np.ndarray:
    hop, taps = hops.shape[1], responses.shape[1]
    size, total = max(hop, taps), np.zeros(hops.size + max(hop, taps))
    for t, (noise, response) in enumerate(zip(hops, responses, strict=True)):
        y = np.fft.irfft(np.fft.rfft(noise, size) * np.fft.rfft(response, size), size)
        total[t * hop : t * hop + size] += y
    return total[: hops.size + taps - 1]


overlap_add = Exercise(
    reference=_overlap_add,
    cases=_noise_and_filters,
    mistakes=[
        ("each hop is cut where the next begins; keep its end and add what overlaps, or every "
         "border clicks",
         lambda h, r: _rings(h, r, h.shape[1])[: h.size],
         lambda h, r: _rings(h, r, h.shape[1])),
        ("with a long filter a hop goes on over several hops, not only over the next one",
         lambda h, r: _rings(h, r, 2 * h.shape[1])),
        ("each hop is cut on both sides; keep its ends and add what overlaps",
         _same,
         _middle),
        ("the Fourier transform is too short: the end of a hop comes back at its beginning "
         "(hop + taps - 1 values are needed)",
         _circular),
        ("every hop has its own filter; yours is a neighbour's",
         *[lambda h, r, which=which: _overlap_add(h, r[which(np.arange(len(r)))])
          for which in (lambda t: t - 1, lambda t: np.maximum(t - 1, 0),
                        lambda t: (t + 1) % len(t), lambda t: np.minimum(t + 1, len(t) - 1))]),
        ("the hops sound one after the other; they begin one hop apart and overlap",
         lambda h, r: _overlap_add(h, r, h.shape[1] + r.shape[1] - 1)),
        ("you write over what the hop before left there; add to it (+=)",
         _overwrite),
        ("every hop has its own filter; you use the first for all",
         lambda h, r: _overlap_add(h, np.repeat(r[:1], len(r), 0))),
        ("every hop has its own filter; you use the last for all",
         lambda h, r: _overlap_add(h, np.repeat(r[-1:], len(r), 0))),
        ("every hop has its own filter; you use their mean for all",
         lambda h, r: _overlap_add(h, np.repeat(r.mean(0, keepdims=True), len(r), 0))),
        ("the ringing of the last hop is cut off: n_hops * hop + taps - 1 samples come back",
         lambda h, r: _overlap_add(h, r)[: h.size]),
        ("the filters are turned round in time: that is a correlation",
         lambda h, r: _overlap_add(h, r[:, ::-1])),
        ("there is one sample too many at the end: n_hops * hop + taps - 1",
         lambda h, r: np.append(_overlap_add(h, r), 0)),
        ("the last sample is missing: n_hops * hop + taps - 1",
         lambda h, r: _overlap_add(h, r)[:-1]),
        ("the hops are not filtered at all",
         lambda h, r: _overlap_add(h, np.eye(1, r.shape[1]).repeat(len(r), 0))),
        ("the hops begin `hop` samples apart, not `taps`",
         lambda h, r: _overlap_add(h, r, r.shape[1]),
         lambda h, r: np.append(_overlap_add(h, r, r.shape[1]), np.zeros(h.size))[
             : h.size + r.shape[1] - 1]),
        ("where sounds overlap they are added; nothing is divided",
         lambda h, r: _overlap_add(h, r) / np.maximum(_overlap_add(
             np.eye(1, h.shape[1]).repeat(len(h), 0),
             np.ones((len(h), h.shape[1] + r.shape[1] - 1)))[: h.size + r.shape[1] - 1], 1)),
    ],
    hint="Each hop begins where the one before ends. Convolved with its filter it is longer, and "
    "what is too long sounds together with the hops that follow.",
)  # fmt: skip
