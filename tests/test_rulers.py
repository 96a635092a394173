"""Rulers: exact cases, order of clear cases, and one sentence where a package is absent."""

import importlib.util

import numpy as np
import pytest

from lecture_utils import data, metrics, rulers

T = np.arange(16000) / 16000
TONE = 0.1 * np.sin(2 * np.pi * 440 * T)
NOISE = 0.1 * np.random.default_rng(0).normal(size=16000)


@pytest.mark.parametrize(
    ("reference", "estimate", "changed"),
    [
        ("a b c d", "a b c d", 0),
        ("a b c d", "a x c d", 0.25),  # substituted
        ("a b c d", "a c d", 0.25),  # left out
        ("a b c d", "a b x c d", 0.25),  # added
        ("a b c d", "b c d a", 0.5),
        ("a b", "x y z", 1.5),
        ("a b", "", 1),
    ],
)
def test_words_changed_is_the_edit_distance(reference, estimate, changed):
    assert rulers.words_changed(reference.split(), estimate.split()) == changed


def test_words_changed_needs_words():
    with pytest.raises(ValueError, match="no words"):
        rulers.words_changed([], ["a"])


def test_gross_errors_count_wrong_and_missing_pitch():
    truth = np.array([200.0, 200, 200, 200, 0, np.nan])
    half = 2 ** (1 / 24)  # 50 cents
    found = np.array([200 * half * 0.999, 200 * half * 1.001, np.nan, 400, 300, 300])
    assert rulers.gross_errors(truth, found) == 0.75
    assert rulers.gross_errors(truth, found, cents=1300) == 0.25
    with pytest.raises(ValueError, match="no frame has a pitch"):
        rulers.gross_errors(np.zeros(3), np.ones(3))


def test_rumble_is_the_energy_that_nobody_hears():
    slow = 0.3 * np.sin(2 * np.pi * 10 * T)
    assert rulers.rumble_share(TONE) < 1e-9
    assert rulers.rumble_share(TONE + slow) == pytest.approx(0.9, abs=1e-3)
    assert rulers.rumble_share(TONE + slow, below_hz=5) < 1e-9


def test_flatness_tells_noise_from_partials():
    assert -4 < rulers.flatness_db(NOISE) < -2  # the mean logarithm of noise's power: -2.5 dB
    assert rulers.flatness_db(TONE) < -40


@pytest.mark.parametrize("ratio_db", [10, 20])
def test_harmonic_to_noise_is_the_ratio_that_was_mixed(ratio_db):
    x = 0.1 * np.sin(2 * np.pi * 203.7 * T) + 0.05 * np.sin(2 * np.pi * 407.4 * T)
    noise = NOISE * np.sqrt(np.mean(x**2) / np.mean(NOISE**2)) * 10 ** (-ratio_db / 20)
    f0 = np.full(62, 203.7)
    f0[::5] = 0
    assert rulers.harmonic_to_noise_db(x + noise, f0) == pytest.approx(ratio_db, abs=1.2)


@pytest.mark.parametrize("ruler", ["rumble_share", "flatness_db"])
def test_silence_is_told(ruler):
    with pytest.raises(ValueError, match="silence can't be measured"):
        getattr(rulers, ruler)(np.zeros(16000))


CALLS = {
    "speechmos": lambda: rulers.naturalness(TONE),
    "pocketsphinx": lambda: rulers.words(TONE),
    "swift_f0": lambda: rulers.pitch_hz(TONE),
    "pesq": lambda: rulers.pesq(TONE, TONE),
}


@pytest.mark.parametrize("package", CALLS)
def test_an_absent_package_is_told_in_one_sentence(monkeypatch, package):
    there = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == package else there(name, *a)
    )
    assert package in rulers.missing()
    with pytest.raises(ModuleNotFoundError, match=f"needs the package {package}; install it with"):
        CALLS[package]()


def needs(package):
    return pytest.mark.skipif(
        package in rulers.missing(), reason=f"{package} is in the extra `rulers`"
    )


@needs("speechmos")
def test_naturalness_prefers_speech_to_speech_in_noise():
    x = data.load("sentence", 16000)[0]
    noisy = x + 0.03 * np.random.default_rng(0).normal(size=len(x))
    clean, worse = rulers.naturalness(x), rulers.naturalness(noisy)
    assert 2.5 < clean.overall < 5 and 3 < clean.p808 < 5
    assert clean.overall > worse.overall + 0.5 and clean.p808 > worse.p808 + 0.3


@needs("pocketsphinx")
def test_words_are_heard_in_speech_and_the_same_twice():
    x = data.load("sentence", 16000)[0]
    heard = rulers.words(x)
    assert "greeting" in heard and rulers.words(x) == heard


@needs("swift_f0")
def test_second_tracker_follows_the_violin():
    found = rulers.pitch_hz(data.load("motif", 16000)[0])
    truth = data.load_array("motif_f0")[::4]
    n = min(len(found), len(truth))
    median, covered = metrics.f0_error_cents(truth[:n], found[:n])
    assert median < 25 and covered > 0.9


@needs("pesq")
def test_pesq_is_best_for_the_same_sound():
    x = data.load("sentence", 16000)[0]
    noisy = x + 0.01 * np.random.default_rng(0).normal(size=len(x)).astype(np.float32)
    assert rulers.pesq(x, x) > 4.6 > 3.5 > rulers.pesq(x, noisy)
    with pytest.raises(ValueError, match="cut both to the same"):
        rulers.pesq(x, x[:-1])
