"""Distances whose value is known by hand."""

import numpy as np
import pytest

from lecture_utils import audio, metrics

RATE = 16000


def tone(hz, seconds=1.0, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


def test_snr_of_a_known_error():
    x = tone(440)
    assert metrics.snr_db(x, 0.9 * x) == pytest.approx(20, abs=1e-3)
    assert metrics.snr_db(x, x) == np.inf


def test_spectral_convergence_of_a_known_error():
    x = tone(440)
    assert metrics.spectral_convergence_db(x, 0.9 * x) == pytest.approx(-20, abs=1e-2)
    assert metrics.spectral_convergence_db(x, -x) == -np.inf  # polarity is phase


def test_multi_resolution_stft():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.1, RATE)
    assert metrics.multi_resolution_stft(x, x) == 0
    # a gain of one half: convergence 0.5, log distance ln 2 (white noise stays above the floor)
    assert metrics.multi_resolution_stft(x, 0.5 * x) == pytest.approx(0.5 + np.log(2), abs=2e-3)


def test_log_mel_l1_of_a_gain():
    x = np.random.default_rng(0).normal(0, 0.1, RATE)
    assert metrics.log_mel_l1(x, x) == 0
    assert metrics.log_mel_l1(x, 0.5 * x) == pytest.approx(np.log(2), abs=1e-3)


@pytest.mark.parametrize("hz", [110.0, 441.3, 880.0])
def test_f0_of_a_tone(hz):
    partials = sum(tone(k * hz) / k for k in range(1, 6)) / 2
    f0 = metrics.f0_hz(partials, RATE)
    error, coverage = metrics.f0_error_cents(np.full(len(f0), hz), f0)
    assert error < 5 and coverage > 0.9


def test_cents_and_coverage():
    assert metrics.cents(880, 440) == pytest.approx(1200)
    reference = np.array([440.0, 440, 440, 0])
    error, coverage = metrics.f0_error_cents(reference, np.array([440.0, 220, np.nan, 100]))
    assert error == pytest.approx(600) and coverage == pytest.approx(2 / 3)
    assert metrics.f0_error_cents(reference, np.zeros(4))[1] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.snr_db(np.ones(5), np.ones(6)), "same length"),
        (lambda: metrics.snr_db(np.zeros(5), np.ones(5)), "silent"),
        (lambda: metrics.spectral_convergence_db(np.zeros(999), np.ones(999)), "silent"),
        (
            lambda: metrics.multi_resolution_stft(np.ones(99), np.ones(99)),
            "at least 1025 samples needed",
        ),
        (lambda: metrics.multi_resolution_stft([np.nan] * 9999, np.ones(9999)), "is nan"),
        (lambda: metrics.f0_hz(tone(440), -1), "sample rate"),
        (lambda: metrics.f0_error_cents(np.ones(5), np.ones(6)), "same hop"),
    ],
)
def test_wrong_input_gets_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("level", [1e-7, 1e-5, 1e-2])
def test_multi_resolution_stft_has_a_floor(level):
    """The logarithm sees nothing below 1e-5, so silence is a number."""
    x = level * np.random.default_rng(0).normal(0, 1, RATE)
    logs = [
        np.log(np.maximum(np.abs(audio.stft(x, n, n // 4)), 1e-5) / 1e-5).mean()
        for n in (512, 1024, 2048)
    ]
    assert metrics.multi_resolution_stft(x, 0 * x) == pytest.approx(1 + np.mean(logs), rel=1e-6)
