"""Wrong answers of notebook 04 that come near, and words of the diagnosis that each must get."""

from functools import partial

import numpy as np
import torch


def turned(d, n_fft, sign=-1, circle=2 * np.pi, first=0, bins=1):
    k = np.arange(first, n_fft // 2 + bins + first)
    return sign * circle * k * d / n_fft


def rounded(angle, n_bits, directions=lambda b: 2**b, circle=2 * np.pi, way=np.round, shift=0.0):
    step = circle / directions(n_bits)
    return (way(angle / step - shift) + shift) * step


def between_borders(angle, n_bits):
    """Choose among 2**n_bits points from 0 to 2 pi, the last of which is the first again."""
    points = np.linspace(0, 2 * np.pi, 2**n_bits)
    away = np.abs(np.exp(1j * np.asarray(angle))[:, None] - np.exp(1j * points))
    return points[away.argmin(1)]


def half_a_step_up(angle, n_bits):
    step = 2 * np.pi / 2**n_bits
    return (angle // step + 0.5) * step


def never_closed(angle, n_bits):
    step = 2 * np.pi / 2**n_bits
    return np.minimum(np.round(angle % (2 * np.pi) / step), 2**n_bits - 1) * step


def nearest_of(angle, points):
    return points[np.abs(np.asarray(angle)[..., None] - points).argmin(-1)]


WRONG = {
    "phase.combine": [
        ("conjugated", lambda m, a: m * np.exp(-1j * a)),
        ("conjugated", lambda m, a: torch.polar(torch.tensor(m), torch.tensor(-a))),
        ("j is missing", lambda m, a: m * np.exp(a)),
        ("real part", lambda m, a: m * np.cos(a)),
        ("imaginary part", lambda m, a: m * np.sin(a)),
        ("degrees", lambda m, a: m * np.exp(1j * np.deg2rad(a))),
        ("degrees", lambda m, a: m * np.exp(1j * a * 180 / np.pi)),
        ("not added", lambda m, a: m + np.exp(1j * a)),
        ("exchanged", lambda m, a: m * (np.sin(a) + 1j * np.cos(a))),
        ("before the sine", lambda m, a: m * (np.cos(a) + np.sin(a))),
        ("both parts", lambda m, a: m * np.cos(a) + 1j * np.sin(a)),
        ("by 2 pi", lambda m, a: m * np.exp(2j * np.pi * a)),
        ("real and imaginary part", lambda m, a: m + 1j * a),
        ("before exp", lambda m, a: np.exp(1j * m * a)),
        ("direction alone", lambda m, a: np.cos(a) + 1j * np.sin(a)),
        ("squared", lambda m, a: m**2 * np.exp(1j * a)),
        ("transposed", lambda m, a: (m * np.exp(1j * a)).T),
        ("2 times", lambda m, a: 2 * m * np.exp(1j * a)),
        ("shape", lambda m, a: np.stack([m * np.cos(a), m * np.sin(a)], -1)),
        ("turns the other way", lambda m, a: m * np.exp(1j * np.abs(a))),
    ],
    "phase.delay": [
        ("negative", partial(turned, sign=1)),
        ("2 pi is missing", partial(turned, circle=1)),
        ("not pi", partial(turned, circle=np.pi)),
        ("not degrees", partial(turned, circle=360)),
        ("one entry for each", lambda d, n: -2 * np.pi * np.arange(n) * d / n),
        ("last bin is missing", partial(turned, bins=0)),
        ("divide by n_fft", lambda d, n: -2 * np.pi * np.arange(n // 2 + 1) * d),
        ("not by the number of bins", lambda d, n: -2 * np.pi * np.arange(n // 2 + 1) * d
         / (n // 2 + 1)),
        ("not by half of it", lambda d, n: -2 * np.pi * np.fft.rfftfreq(n) * 2 * d),
        ("k starts at 0", partial(turned, first=1)),
        ("not wrapped", lambda d, n: np.angle(np.exp(1j * turned(d, n)))),
        ("not wrapped", lambda d, n: (turned(d, n) + np.pi) % (2 * np.pi) - np.pi),
        ("leave exp out", lambda d, n: np.exp(1j * turned(d, n))),
        ("number k is missing", lambda d, n: [-2 * np.pi * d / n] * (n // 2 + 1)),
        ("`d` is missing", lambda d, n: turned(1, n)),
        ("reverse order", lambda d, n: turned(d, n)[::-1]),
        ("shape", lambda d, n: turned(d, n)[:, None]),
        ("not always 1024", lambda d, n: -2 * np.pi * np.arange(n // 2 + 1) * d / 1024),
        ("last bin turns the wrong way", lambda d, n: -2 * np.pi * d * np.fft.fftfreq(n)[
            : n // 2 + 1]),
        ("neither the phases nor `d`", lambda d, n: turned(d - d // n * n, n)),
        ("neither the phases nor `d`", lambda d, n: np.unwrap(
            np.angle(np.exp(1j * turned(d, n))))),
        ("not with //", lambda d, n: -2 * np.pi * (np.arange(n // 2 + 1) * d // n)),
    ],
    "phase.quantise": [
        ("round down", partial(rounded, way=np.floor)),
        ("round up", partial(rounded, way=np.ceil)),
        ("round down", lambda a, n: a // (2 * np.pi / 2**n) * (2 * np.pi / 2**n)),
        ("towards 0", lambda a, n: (a / (2 * np.pi / 2**n)).astype(int) * (2 * np.pi / 2**n)),
        ("not N", lambda a, n: np.round(a * n / (2 * np.pi)) * 2 * np.pi / n),
        ("not 2 * N", partial(rounded, directions=lambda b: 2 * b)),
        ("at [", between_borders),
        ("not one less", partial(rounded, directions=lambda b: np.float64(2**b - 1))),
        ("your circle is pi", partial(rounded, circle=np.pi)),
        ("2**(N - 1)", partial(rounded, directions=lambda b: 2.0 ** (b - 1))),
        ("half a step beside", partial(rounded, shift=0.5)),
        ("not 360", partial(rounded, circle=360)),
        ("numbers of the directions", lambda a, n: np.round(a * 2**n / (2 * np.pi))),
        ("nothing is rounded", lambda a, n: a),
        ("whole number of radians", lambda a, n: np.round(a)),
        ("behind the point", lambda a, n: np.round(a, n)),
        ("half a step beside", half_a_step_up),
        ("just below a full turn", never_closed),
        ("angles below 0", lambda a, n: nearest_of(a, 2 * np.pi * np.arange(2**n) / 2**n)),
        ("-pi and pi are one direction", lambda a, n: nearest_of(
            a, np.linspace(-np.pi, np.pi, 2**n))),
        ("not N", lambda a, n: rounded(a, n, directions=lambda b: max(b, 1))),
    ],
}  # fmt: skip
