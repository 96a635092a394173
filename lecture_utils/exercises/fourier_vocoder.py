"""Exercises of notebook 10."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.check import Exercise, close


def _peaks() -> list[tuple]:
    """Return three peaks: log levels of the bin to the left, the peak's own, and to the right."""
    return [(-2.0, 0.0, -1.0), (-1.2, -0.5, -3.0), (0.1, 1.0, -0.4)]


def _offset(left: float, middle: float, right: float) -> float:
    return 0.5 * (left - right) / (left - 2 * middle + right)


peak_offset = Exercise(
    reference=_offset,
    cases=_peaks,
    mistakes=[
        ("the sign is turned: the top lies on the side of the higher neighbour",
         lambda got, want, a, b, c: close(got, -want)),
        ("twice too far: one half is missing in front",
         lambda got, want, a, b, c: close(got, 2 * want)),
        ("half of it: the slope is (left - right) / 2, and the bend is not halved",
         lambda got, want, a, b, c: close(got, want / 2)),
        ("the middle counts twice in the bend: left - 2 * middle + right",
         lambda got, want, a, b, c: close(got, 0.5 * (a - c) / (a - b + c))),
        ("that is the height of the top, not its place",
         lambda got, want, a, b, c: close(got, b - (a - c) * want / 4)),
        ("that is a centre of gravity; a parabola through the three levels is wanted",
         lambda got, want, a, b, c: close(
             got, (np.exp(c) - np.exp(a)) / (np.exp(a) + np.exp(b) + np.exp(c)))),
    ],
    hint="0.5 * (left - right) / (left - 2 * middle + right).",
)  # fmt: skip


def _partials() -> list[tuple]:
    """Return phase, frequency in Hz, hop in samples and sample rate."""
    return [(0.3, 440.0, 256, 16_000), (-1.0, 1250.5, 200, 22_050), (2.0, 97.0, 256, 16_000)]


def _advance(phase: float, frequency: float, hop: int, rate: int) -> float:
    return phase + 2 * np.pi * frequency * hop / rate


def _same_direction(got: float, want: float, *_case: float) -> bool:
    return np.shape(got) == () and bool(np.abs(np.exp(1j * got) - np.exp(1j * want)) < 1e-4)


next_phase = Exercise(
    reference=_advance,
    cases=_partials,
    accepts=_same_direction,
    mistakes=[
        ("that counts turns; a turn is 2 pi radians",
         lambda got, want, p, f, h, r: close(got, p + f * h / r)),
        ("the phase that the partial had is missing: add to it",
         lambda got, want, p, f, h, r: close(got, want - p)),
        ("the partial turns backwards: add, don't subtract",
         lambda got, want, p, f, h, r: close(got, 2 * p - want)),
        ("half a turn too little: 2 pi, not pi",
         lambda got, want, p, f, h, r: close(got, p + np.pi * f * h / r)),
        ("that is one sample later; the next frame lies hop_length samples later",
         lambda got, want, p, f, h, r: close(got, p + 2 * np.pi * f / r)),
        ("that is one second later; divide by the sample rate",
         lambda got, want, p, f, h, r: close(got, p + 2 * np.pi * f * h)),
    ],
    hint="phase + 2 * np.pi * frequency_hz * hop_length / sample_rate.",
)  # fmt: skip


def _spectra() -> list[tuple]:
    """Return a spectrum, and a gain and a rotation for every entry."""
    rng = np.random.default_rng(0)
    spectrum = rng.normal(size=(4, 3)) + 1j * rng.normal(size=(4, 3))
    return [(spectrum, np.exp(rng.normal(size=(4, 3))), rng.uniform(-3, 3, (4, 3)))]


repair = Exercise(
    reference=lambda spectrum, gain, angle: spectrum * gain * np.exp(1j * angle),
    cases=_spectra,
    mistakes=[
        ("the rotation goes the other way; the sign in the exponent is +",
         lambda got, want, s, g, a: close(got, s * g * np.exp(-1j * a))),
        ("the rotation is missing: multiply by np.exp(1j * angle)",
         lambda got, want, s, g, a: close(got, s * g)),
        ("the gain is missing",
         lambda got, want, s, g, a: close(got, s * np.exp(1j * a))),
        ("the old phase is thrown away; the network turns it, it does not replace it",
         lambda got, want, s, g, a: close(got, np.abs(s) * g * np.exp(1j * a))),
        ("the gain is a factor already; don't take its exponential",
         lambda got, want, s, g, a: close(got, s * np.exp(g) * np.exp(1j * a))),
        ("the exponent needs 1j: without it the entries grow instead of turning",
         lambda got, want, s, g, a: close(got, s * g * np.exp(a))),
    ],
    hint="spectrum * gain * np.exp(1j * angle).",
)  # fmt: skip
