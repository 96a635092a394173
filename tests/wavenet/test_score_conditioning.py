"""What a score tells a WaveNet, and the sound that it makes of it."""

import numpy as np
import pytest
import torch

from lecture_utils import pianoroll, wavenet
from lecture_utils.instruments import score
from lecture_utils.wavenet import score_conditioning


def test_the_score_tells_keys_strokes_and_damping():
    notes = [(0.5, 1.0, 60, 127), (0.5, 1.5, 64, 64), (1.2, 1.4, 60, 100)]
    frames = score_conditioning.score_frames(notes, seconds=2.5)
    assert frames.shape == (176, 313)

    def at(seconds):
        return int(seconds * 125)

    struck = np.argwhere(frames[88:])
    np.testing.assert_allclose(struck, [[39, 62], [39, 150], [43, 62]], atol=1)
    assert frames[88 + 39].max() == pytest.approx(1.0)
    assert not frames[:, : at(0.5) - 1].any()
    held, damped, again = (frames[39, at(s)] for s in (0.95, 1.15, 1.25))
    assert held > 0.5 > 0.2 > damped and again > 0.6
    assert frames[43, at(1.0)] == pytest.approx(64 / 127 * np.exp(-0.5), rel=0.02)
    pedalled = score_conditioning.score_frames(notes[:1], [(0.8, 2.0)], 2.5)
    assert pedalled[39, at(1.15)] > 0.4


def test_a_wavenet_plays_as_long_as_it_is_told_and_as_it_is_told():
    torch.manual_seed(0)
    model = wavenet.WaveNet(4, 1, 8, 8, 176, conditioning_hop=64).eval()
    low, high = ([(0.0, 0.3, key, 100)] for key in (40, 80))
    first = wavenet.play_score(model, low, seconds=0.5, seed=3)
    assert first.dtype == np.float32 and first.shape == (63 * 64,)  # whole frames of 8 ms
    np.testing.assert_array_equal(first, wavenet.play_score(model, low, seconds=0.5, seed=3))
    assert (first != wavenet.play_score(model, high, seconds=0.5, seed=3)).any()
    with pytest.raises(ValueError, match="stop"):
        wavenet.play_score(model, [(1.0, 0.5, 60, 90)])


def test_a_midi_file_that_a_notebook_saved_is_played(tmp_path):
    roll = pianoroll.from_notes([(0, 0, 4, 60), (1, 4, 8, 24), (2, 4, 8, 38)], 8, (0, 33, 128))
    pianoroll.to_midi(roll, tmp_path / "mine.mid")
    notes = score.read_midi(tmp_path / "mine.mid")
    model = wavenet.WaveNet(4, 1, 8, 8, 176, conditioning_hop=64).eval()
    assert len(wavenet.play_score(model, notes, seconds=0.5)) == 63 * 64
    assert score_conditioning.score_frames(notes, seconds=1).any()
