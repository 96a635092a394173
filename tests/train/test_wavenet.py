"""WaveNet's training recipes: the fast products are the model, and a run learns."""

import numpy as np
import pytest
import torch

from lecture_utils import weights
from lecture_utils.build_data.training_sets import TrainingSet
from lecture_utils.train import wavenet as train_wavenet
from lecture_utils.train.recipes import RECIPES
from lecture_utils.wavenet import WaveNet, negative_log_likelihood


@pytest.mark.parametrize("channels", [0, 80])
def test_fast_logits_are_the_models(channels):
    torch.manual_seed(0)
    model = WaveNet(6, 2, 8, 12, channels, conditioning_hop=16)
    codes = torch.randint(0, 256, (2, 100))
    conditioning = torch.randn(2, channels, 7) if channels else None
    frames = model.frame_conditioning(conditioning, codes.shape[1])
    fast = train_wavenet.fast_logits(model, codes, frames)
    slow = model(codes, conditioning)
    assert torch.allclose(fast.transpose(1, 2), slow, atol=1e-5)
    bits = train_wavenet.bits_of(model, codes, frames)
    assert bits.item() == pytest.approx(negative_log_likelihood(slow, codes).item(), abs=1e-5)


def test_gradients_are_the_models():
    torch.manual_seed(0)
    model, codes = WaveNet(4, 1, 8, 12), torch.randint(0, 256, (2, 50))
    wanted = torch.autograd.grad(
        negative_log_likelihood(model(codes), codes), list(model.parameters()), allow_unused=True
    )
    found = torch.autograd.grad(
        train_wavenet.bits_of(model, codes), list(model.parameters()), allow_unused=True
    )
    for (name, _), a, b in zip(model.named_parameters(), wanted, found, strict=True):
        if name.startswith("layers.3.residual"):  # the last layer's residual leads nowhere
            continue
        assert torch.allclose(a, b, atol=1e-5), name


def test_examples_keep_codes_and_frames_together():
    audio = np.sin(np.arange(256 * 50) * 0.3).astype(np.float32) * np.repeat([0, 0.5], 6400)
    examples = train_wavenet.Examples.of(np.append(audio, 0.0).astype(np.float32))
    codes, log_mel = examples.cut(np.array([0, 40]), 8)
    assert codes.shape == (2, 2048)
    assert log_mel.shape == (2, 80, 8)
    assert (codes[0] == 128).all()
    assert codes[1].float().std() > 20
    assert log_mel[0].max() < -11.5 < -2 < log_mel[1].max()


def test_a_run_learns_and_resumes(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    sound = 0.3 * np.sin(np.arange(16000 * 24) * 0.2) + 0.01 * rng.standard_normal(16000 * 24)
    toy = TrainingSet(sound.astype(np.float32), 16000)
    monkeypatch.setattr(train_wavenet, "training_set", lambda name: toy)
    recipe = train_wavenet.WaveNetRecipe("any", n_layers=4, n_stacks=1, n_frames=4, watch_every=20)
    whole = train_wavenet.train_wavenet("w", recipe, tmp_path / "whole", n_steps=40)
    train_wavenet.train_wavenet("w", recipe, tmp_path / "parts", n_steps=17)
    train_wavenet.train_wavenet("w", recipe, tmp_path / "parts", resume=True, n_steps=40)
    log = (whole.folder / "log.csv").read_text().splitlines()
    bits = [float(line.split(",")[-1]) for line in log[1:]]
    assert bits[-1] < min(bits[0], 7.5)
    one, other = (weights.load(tmp_path / p / "w.safetensors", WaveNet) for p in ("whole", "parts"))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_recipes_are_small_enough_to_play_live():
    for name, most in (("wavenet_piano", 5e6), ("wavenet_violin", 5e6), ("wavenet_score", 5e6)):
        recipe = RECIPES[name]
        model = WaveNet(
            recipe.n_layers, recipe.n_stacks, recipe.residual_channels, recipe.skip_channels,
            recipe.conditioning_channels,
        )  # fmt: skip
        assert 4 * sum(p.numel() for p in model.parameters()) < most  # bytes of the weights


def test_what_the_score_wavenet_learns_from_keeps_sound_and_score_together():
    one, other = ([(0.2, 0.6, key, 90)] for key in (60, 72))
    examples = train_wavenet.Examples.of_scores([(np.array(n), ()) for n in (one, other)])
    n_frames = examples.frames.shape[1]
    assert len(examples.codes) == 64 * n_frames
    loud = np.abs(examples.codes.astype(int) - 128).reshape(n_frames, 64).max(1) > 12
    told = examples.frames[:88].max(0) > 0.3
    assert np.mean(loud == told) > 0.9


def test_practice_is_playable_and_covers_the_keys():
    notes = train_wavenet.renders.piano_practice(5)
    assert (np.diff(notes[:, 0]) >= 0).all() and (notes[:, 0] < notes[:, 1]).all()
    assert notes[:, 1].max() < 310 and len(set(notes[:, 2])) > 70
    assert len(train_wavenet.renders.piano.check_notes(notes)[0]) == len(notes)
