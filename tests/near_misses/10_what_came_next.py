"""Wrong answers of notebook 10 that come near, and words of the diagnosis that each must get."""

from functools import partial

import numpy as np
import torch


def offset(left, middle, right, factor=0.5, twice=2):
    return factor * (left - right) / (left - twice * middle + right)


def height(left, middle, right):
    return middle - 0.25 * (left - right) * offset(left, middle, right)


def gravity(left, middle, right):
    weights = np.exp([left, middle, right])
    return float(weights @ [-1, 0, 1] / weights.sum())


def turned(spectrum, gain, angle, j=1j):
    return spectrum * gain * np.exp(j * angle)


def polar_from_nothing(spectrum, gain, angle):
    spectrum, gain, angle = map(torch.as_tensor, (spectrum, gain, angle))
    return torch.polar(gain * spectrum.abs(), angle)


def steep(left, middle, right):
    return 0.5 * (right - left) / (middle - min(left, right))


WRONG = {
    "fourier_vocoder.peak_offset": [
        ("sign is turned", partial(offset, factor=-0.5)),
        ("twice too far", partial(offset, factor=1)),
        ("half of it", partial(offset, factor=0.25)),
        ("above the peak", lambda *levels: height(*levels) - levels[1]),
        ("divide it by the bend", lambda a, b, c: (c - a) / 2),
        ("not with //", lambda a, b, c: (a - c) // (2 * (a - 2 * b + c))),
        ("middle counts twice", partial(offset, twice=1)),
        ("height of the top", height),
        ("centre of gravity", gravity),
        ("divide it by the bend", lambda a, b, c: (a - c) / 2),
        ("bend alone", lambda a, b, c: a + c - 2 * b),
        ("logarithms already", lambda a, b, c: offset(np.exp(a), np.exp(b), np.exp(c))),
        ("centre of gravity", lambda a, b, c: (c - a) / (a + b + c)),
        ("without the side", lambda *levels: abs(offset(*levels))),
        ("to the left count", lambda *levels: max(0.0, offset(*levels))),
        ("two straight lines", steep),
    ],
    "fourier_vocoder.repair": [
        ("other way", partial(turned, j=-1j)),
        ("rotation is missing", lambda s, g, a: g * s),
        ("gain is missing", lambda s, g, a: turned(s, 1, a)),
        ("thrown away", lambda s, g, a: turned(np.abs(s), g, a)),
        ("thrown away", polar_from_nothing),
        ("its exponential is too much", lambda s, g, a: turned(s, np.exp(g), a)),
        ("grow instead of turning", partial(turned, j=1)),
        ("divided out", lambda s, g, a: turned(s / g, 1, a)),
        ("it is a factor", lambda s, g, a: turned(s + g, 1, a)),
        ("the rotation is added", lambda s, g, a: s * g + np.cos(a) + 1j * np.sin(a)),
        ("sine and cosine", lambda s, g, a: g * s * (np.sin(a) + 1j * np.cos(a))),
        ("real part alone", lambda s, g, a: turned(g * s.real + 1j * s.imag, 1, a)),
        ("radians already", lambda s, g, a: turned(s, g, np.deg2rad(a))),
        ("not in turns", lambda s, g, a: turned(s, g, a, 2j * np.pi)),
        ("added to the length", lambda s, g, a: turned(g + np.abs(s), 1, np.angle(s) + a)),
        ("exchanged", lambda s, g, a: turned(s, a, g)),
        ("only the real part", lambda s, g, a: turned(s, g, a).real),
        ("only the magnitude", lambda s, g, a: np.abs(s) * g),
        ("no decibels", lambda s, g, a: turned(s, 10 ** (g / 20), a)),
        ("does not replace it", lambda s, g, a: g * np.exp(1j * (np.angle(s) + a))),
        ("not added to it", lambda s, g, a: s + turned(1, g, a)),
    ],
}
