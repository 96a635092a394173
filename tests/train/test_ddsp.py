"""The DDSP recipe: what it cuts, and that it resumes exactly."""

import numpy as np
import torch

from lecture_utils import metrics, weights
from lecture_utils.build_data.training_sets import TrainingSet
from lecture_utils.ddsp import Autoencoder
from lecture_utils.instruments.performance import INSTRUMENTS
from lecture_utils.train import ddsp as train_ddsp
from lecture_utils.train.ddsp import DdspRecipe, Examples, hold_pitch


def test_a_note_keeps_its_pitch_while_it_rings():
    f0 = np.array([0, 440, 441, 0, 0, 0, 0, 220, 0], np.float32)
    assert hold_pitch(f0, 2).tolist() == [0, 440, 441, 441, 441, 0, 0, 220, 220]
    assert not hold_pitch(np.zeros(5, np.float32)).any()


def test_the_facts_tell_range_and_loud_end_over_frames_with_a_pitch():
    f0 = np.tile([0, 200, 900, 400], 100).astype(np.float32)
    loudness = np.tile([-5, -40, -20, -30], 100).astype(np.float32)
    loudness[1:40:4] = -12
    facts = train_ddsp.where_it_plays(Examples(np.zeros(1), f0, loudness))
    assert facts == {"lowest_hz": 200.0, "highest_hz": 900.0, "loud_db": -20.0}
    for name in ("violin", "flute", "cello"):
        shipped = weights.load(f"ddsp_{name}", Autoencoder).facts
        written = INSTRUMENTS[name]
        for where, midi in (("lowest_hz", written.low), ("highest_hz", written.high)):
            assert abs(metrics.cents(shipped[where], 440 * 2 ** ((midi - 69) / 12))) < 50
        assert -20 < shipped["loud_db"] < -10


def test_pieces_of_sound_and_controls_lie_under_each_other():
    frames = 500
    audio = np.repeat(np.arange(frames, dtype=np.float32) / 1000, 64)
    examples = Examples.of(np.append(audio, 0.0), np.arange(1, frames + 1, dtype=np.float32))
    f0_hz, loudness_db, sound = examples.cut(np.array([3, 100]), 10)
    assert f0_hz.shape == loudness_db.shape == (2, 10) and sound.shape == (2, 640)
    assert torch.equal(f0_hz[1], torch.arange(101, 111).float())
    assert sound[1, 0] == np.float32(0.1) and sound[1, 64] == np.float32(0.101)


def test_it_resumes_exactly(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    t = np.arange(8 * 16000) / 16000
    sound = 0.3 * np.sin(2 * np.pi * 440 * t) + rng.normal(0, 0.003, len(t))
    toy = TrainingSet(sound.astype(np.float32), 16000, np.full(8 * 250, 440, np.float32), None, 250)
    monkeypatch.setattr(train_ddsp, "training_set", lambda name: toy)
    recipe = DdspRecipe("toy", hidden=16, n_steps=12, batch=2, n_frames=60, watch_every=6)
    whole = train_ddsp.train_ddsp("toy", recipe, tmp_path / "whole")
    train_ddsp.train_ddsp("toy", recipe, tmp_path / "parts", n_steps=7)
    train_ddsp.train_ddsp("toy", recipe, tmp_path / "parts", resume=True)
    rows = [(tmp_path / f / "log.csv").read_text().splitlines() for f in ("whole", "parts")]
    losses = [[row.split(",")[-1] for row in lines] for lines in rows]
    assert len(losses[0]) == 3 and losses[0] == losses[1]
    files = [tmp_path / f / "toy.safetensors" for f in ("whole", "parts")]
    models = [weights.load(f, train_ddsp.ddsp.Autoencoder) for f in files]
    pairs = zip(*(m.state_dict().values() for m in models), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert whole.step == 12 and models[0].config["hidden"] == 16
