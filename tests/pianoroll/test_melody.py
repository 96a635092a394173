"""A sung tune becomes notes: all of them, where they begin, in the singer's tuning."""

import numpy as np
import pytest

from lecture_utils import data, ddsp, pianoroll
from lecture_utils.build_data import renders
from lecture_utils.instruments import score


def true_notes(name):
    """Rows (start in seconds, key) of a shipped voice."""
    tune, transpose, _ = renders.VOICES[name]
    starts = np.cumsum([0, *(beats * 60 / 92 for _, beats in tune)])[:-1]
    return np.array(
        [(start, key + transpose) for start, (key, _) in zip(starts, tune, strict=True)]
    )


@pytest.mark.parametrize("name", renders.VOICES)
@pytest.mark.parametrize("noise", [0, 0.01])  # 20 dB below the voice
def test_every_note_of_the_shipped_voices_is_found(name, noise, tmp_path):
    x = data.load(name, 16000)[0]
    x = x + noise * np.random.default_rng(0).standard_normal(len(x)).astype(np.float32)
    roll = pianoroll.from_pitch(ddsp.f0(x), ddsp.loudness(x))
    pianoroll.to_midi(roll, tmp_path / "voice.mid")  # at 120 beats a minute: in the singer's time
    found, true = score.read_midi(tmp_path / "voice.mid"), true_notes(name)
    assert found[:, 2].tolist() == true[:, 1].tolist()
    assert np.abs(found[:, 0] - true[:, 0]).max() < 0.06


def test_the_tuning_is_the_singers_and_vibrato_is_no_trill():
    t = np.arange(500) / 250
    midi = np.where(t < 1, 60, 64) + 0.45 + 0.4 * np.sin(2 * np.pi * 6 * t)  # 45 cents sharp
    roll = pianoroll.from_pitch(440 * 2 ** ((midi - 69) / 12), np.full(500, -20.0))
    assert roll.notes()[:, 1:].tolist() == [[0, 40, 60], [40, 80, 64]]


def test_a_tone_without_pitch_or_too_short_is_told():
    with pytest.raises(ValueError, match="no pitch in it; take one voice"):
        pianoroll.from_pitch(np.zeros(100), np.zeros(100))
    with pytest.raises(ValueError, match="no note of 80 ms or more"):
        pianoroll.from_pitch(np.r_[np.full(10, 440.0), np.zeros(90)], np.zeros(100))
    with pytest.raises(ValueError, match="loudness_db"):
        pianoroll.from_pitch(np.full(100, 440.0), np.full(100, np.nan))
