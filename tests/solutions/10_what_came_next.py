"""Worked solutions of notebook 10, and typical wrong answers with a word of their diagnosis.

Each solution has switches that turn a typical mistake on.
"""

from functools import partial

import numpy as np


def peak_offset(left, middle, right, factor=0.5, twice=2):
    return factor * (left - right) / (left - twice * middle + right)


def top_height(left, middle, right):
    return middle - (left - right) * peak_offset(left, middle, right) / 4


def centre(left, middle, right):
    a, b, c = np.exp([left, middle, right])
    return (c - a) / (a + b + c)


def next_phase(phase, frequency_hz, hop_length, sample_rate, turn=2 * np.pi, start=1):
    return start * phase + turn * frequency_hz * hop_length / sample_rate


def repair(spectrum, gain, angle, j=1j):
    return spectrum * gain * np.exp(j * angle)


SOLUTIONS = {
    "fourier_vocoder.peak_offset": peak_offset,
    "fourier_vocoder.next_phase": next_phase,
    "fourier_vocoder.repair": repair,
}

WRONG = {
    "fourier_vocoder.peak_offset": {
        "sign is turned": partial(peak_offset, factor=-0.5),
        "twice too far": partial(peak_offset, factor=1),
        "half of it": partial(peak_offset, factor=0.25),
        "middle counts twice": partial(peak_offset, twice=1),
        "height of the top": top_height,
        "centre of gravity": centre,
    },
    "fourier_vocoder.next_phase": {
        "counts turns": partial(next_phase, turn=1),
        "that the partial had is missing": partial(next_phase, start=0),
        "turns backwards": partial(next_phase, turn=-2 * np.pi),
        "half a turn too little": partial(next_phase, turn=np.pi),
        "one sample later": lambda p, f, h, r: next_phase(p, f, 1, r),
        "one second later": lambda p, f, h, r: next_phase(p, f, h, 1),
    },
    "fourier_vocoder.repair": {
        "other way": partial(repair, j=-1j),
        "rotation is missing": lambda s, g, a: s * g,
        "gain is missing": lambda s, g, a: repair(s, 1, a),
        "thrown away": lambda s, g, a: repair(np.abs(s), g, a),
        "exponential": lambda s, g, a: repair(s, np.exp(g), a),
        "needs 1j": partial(repair, j=1),
    },
}
