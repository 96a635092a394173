"""Phase operations against exact signals."""

import numpy as np
import pytest

from lecture_utils import audio, phase

RATE = 16000


def tone(hz, seconds=1.0):
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def test_true_phase_gives_the_sound_back():
    x = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert np.abs(phase.replace(x, np.angle(audio.stft(x))) - x).max() < 1e-4
    assert np.abs(phase.scramble(x, 0.0, seed=1) - x).max() < 1e-4


def test_scramble_spoils_the_sound_and_keeps_roughly_the_spectrum():
    x = tone(440) * 0.3
    y = phase.scramble(x, 1.0, seed=0)
    assert np.sum((x - y) ** 2) > 0.5 * np.sum(x**2)
    peak = np.abs(audio.stft(y)).mean(1).argmax()
    assert abs(peak * RATE / 1024 - 440) <= RATE / 1024
    assert np.array_equal(y, phase.scramble(x, 1.0, seed=0))


def test_combine_wrap_and_mix():
    spectrum = np.array([[1 + 1j, -2, -3j], [0, 1j, 5]], np.complex64)
    assert np.allclose(phase.combine(np.abs(spectrum), np.angle(spectrum)), spectrum, atol=1e-6)
    assert phase.wrap(np.array([3 * np.pi, -3 * np.pi, 0.5])) == pytest.approx(
        [-np.pi, -np.pi, 0.5]
    )
    # from 170 to -170 degrees the short way passes 180, not 0
    half = phase.mix(np.deg2rad(170), np.deg2rad(-170), 0.5)
    assert abs(np.rad2deg(half)) == pytest.approx(180)


@pytest.mark.parametrize(("bits", "levels"), [(0, 1), (1, 2), (2, 4), (3, 8)])
def test_quantise(bits, levels):
    angles = np.linspace(-np.pi, np.pi, 1000, endpoint=False)
    quantised = phase.quantise(angles, bits)
    assert len(np.unique(np.round(np.exp(1j * quantised), 6))) == levels
    if bits:
        assert np.abs(phase.wrap(quantised - angles)).max() <= np.pi / levels + 1e-9


def test_swap_exchanges_phases():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 0.1, (2, RATE)).astype(np.float32)
    mixed, _ = phase.swap(a, b[:-100])
    n = len(mixed)
    expected = phase.replace(a[:n], np.angle(audio.stft(b[:n])))
    assert n == RATE - 100 and np.array_equal(mixed, expected)


@pytest.mark.parametrize("hz", [440.0, 1003.7, 3000.0])
def test_instantaneous_frequency_of_a_tone(hz):
    spectrum = audio.stft(tone(hz))
    measured = phase.instantaneous_frequency(spectrum, RATE)
    nearest = round(hz / (RATE / 1024))
    assert measured[nearest, 5:-5] == pytest.approx(hz, abs=0.5)
    assert measured.shape == (513, spectrum.shape[1] - 1)


@pytest.mark.parametrize("offset", [0, 37, -120])
def test_group_delay_of_a_click(offset):
    x = np.zeros(RATE, np.float32)
    x[20 * 256 + offset] = 1
    delay = phase.group_delay(audio.stft(x), RATE)
    assert np.median(delay[:, 20]) == pytest.approx(offset / RATE, abs=1e-5)
    assert delay[5:-5, 20] == pytest.approx(offset / RATE, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: phase.combine(np.ones((3, 2)), np.ones((3, 3))), "share one shape"),
        (lambda: phase.combine(-np.ones((3, 2)), np.ones((3, 2))), "can't be negative"),
        (lambda: phase.combine(np.ones((3, 2), complex), np.ones((3, 2))), "complex numbers; use"),
        (lambda: phase.combine(np.ones((3, 2)), np.full((3, 2), np.nan)), "NaN"),
        (lambda: phase.quantise(np.zeros(3), -1), "whole number"),
        (lambda: phase.quantise(np.zeros(3), 1.5), "whole number"),
        (lambda: phase.mix(0.0, 1.0, 1.5), "amount"),
        (lambda: phase.scramble([]), "0 samples"),
        (lambda: phase.scramble(np.full(9999, np.nan)), "is nan"),
        (lambda: phase.scramble(np.ones(100)), "513 samples needed"),
        (lambda: phase.swap(np.ones(9999), []), "b: 0 samples"),
        (lambda: phase.instantaneous_frequency(np.ones((513, 9))), "expected complex"),
        (lambda: phase.instantaneous_frequency(np.ones((513, 1), complex)), "two or more"),
        (lambda: phase.instantaneous_frequency(np.ones((513, 9), complex), -1), "sample rate"),
        (lambda: phase.group_delay(np.full((513, 9), np.nan + 0j)), "NaN"),
    ],
)
def test_wrong_input_gets_one_sentence(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as info:
        call()
    assert "\n" not in str(info.value)
