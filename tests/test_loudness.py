"""Loudness is what the standard says: the tones of its compliance tests, the gate, odd sounds."""

import numpy as np
import pytest

from lecture_utils.audio import loudness_lufs as lufs


def sine(hz, rate, seconds=2.0, db=0.0):
    return 10 ** (db / 20) * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize(
    ("hz", "level"),  # of a sine at full scale, from the filters of ITU-R BS.1770 at 48 kHz
    [(30, -12.02), (100, -4.87), (400, -3.76), (997, -3.05), (3000, 0.06)],
)
def test_a_sine_has_the_loudness_of_the_standard(hz, level, rate):
    for db in (0, -23, -60):
        assert lufs(sine(hz, rate, db=db), rate) == pytest.approx(level + db, abs=0.25)


def test_offset_and_rumble_hardly_count():
    tone = sine(440, 16000, db=-20)
    quiet = lufs(tone, 16000)
    assert lufs(tone + 0.3, 16000) == pytest.approx(quiet, abs=0.01)
    rumble = tone + sine(8, 16000, db=-20)  # the level rises by 3.01 dB
    assert lufs(rumble, 16000) == pytest.approx(quiet, abs=0.2)


def test_pauses_do_not_count():
    tone = sine(440, 16000, 4.0)
    with_pause = np.concatenate([tone, np.zeros(12 * 16000)])
    assert lufs(with_pause, 16000) == pytest.approx(lufs(tone, 16000), abs=0.3)


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.39, 0.41])
def test_short_sounds_are_as_loud_as_long_ones(seconds):
    long = lufs(sine(440, 16000), 16000)
    assert lufs(sine(440, 16000, seconds), 16000) == pytest.approx(long, abs=0.1)


@pytest.mark.parametrize("x", [np.zeros(9000), np.full(9000, 0.3), [0.5]])
def test_what_can_not_be_heard_has_no_loudness(x):
    assert lufs(x, 16000) == -np.inf


def test_wrong_calls_get_a_sentence():
    with pytest.raises(ValueError, match="0 samples"):
        lufs([], 16000)
    with pytest.raises(ValueError, match="not a sample rate"):
        lufs([0.1], 0)
