"""Recipes of notebook 10's vocoder: what is drawn, what is asked for, and that runs learn."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lecture_utils import data, mel, metrics, weights
from lecture_utils.build_data import training_sets
from lecture_utils.fourier_vocoder import MagnitudeNetwork, RepairNetwork
from lecture_utils.fourier_vocoder import spectrum as fourier
from lecture_utils.train import fourier_vocoder as train
from lecture_utils.train import repair
from lecture_utils.train.recipes import RECIPES

MAGNITUDE = train.MagnitudeRecipe(channels=8, n_blocks=1, batch=2, n_frames=8, watch_every=4)
REPAIR = repair.RepairRecipe(
    "none",
    channels=8,
    n_blocks=1,
    n_rounds=1,
    batch=2,
    n_frames=16,
    discriminators_from=2,
    watch_every=4,
)


def ramps(n=3):
    """Sounds whose samples tell which sound they are from, and where in it."""
    return [np.linspace(k / 10, k / 10 + 0.09, 8000, dtype=np.float32) for k in range(n)]


def tone(seconds=2):
    t = np.arange(16000 * seconds) / 16000
    return (0.2 * np.sin(2 * np.pi * (250 * t + 30 * t**2))).astype(np.float32)


def test_batches_take_turns_and_never_reach_the_watched_end():
    drawn = train.Sounds(ramps(), MAGNITUDE)
    firsts = []
    for step in range(30):
        batch = drawn.batch(step)
        assert batch.shape == (2, 8 * 256)
        firsts += [int(row[0] * 10 + 1e-4) for row in batch]
        assert float((batch % 0.1).max()) <= 0.09 * 0.75 + 1e-4
    assert [firsts.count(k) for k in range(3)] == [20, 20, 20]
    assert torch.equal(drawn.batch(7), drawn.batch(7))
    assert not torch.equal(drawn.batch(7), drawn.batch(8))


def test_a_sound_that_is_there_twice_is_watched_once():
    a, b = ramps(2)
    drawn = train.Sounds([a, b, a], MAGNITUDE)
    assert len(drawn.known) == 3 and len(drawn.watched) == 2


def test_gains_are_those_of_the_recipe():
    recipe = dataclasses.replace(MAGNITUDE, gains_db=(-18.0, 6.0))
    x = np.full(8000, 0.1, np.float32)
    levels = [
        20 * np.log10(float(train.Sounds([x], recipe).batch(s).max()) / 0.1) for s in range(60)
    ]
    assert -18.01 < min(levels) < -12 and 2 < max(levels) < 6.01


def test_the_true_magnitude_costs_least():
    torch.manual_seed(0)
    x = 0.1 * torch.randn(2, 256 * 20)
    log_mel, true = mel.log_mel(x).transpose(1, 2), fourier.stft(x).abs()
    right = torch.log(true.clamp_min(1e-5))
    losses = [train.magnitude_loss(right + d, true, log_mel) for d in (0, 0.1, -0.1, 0.5)]
    assert losses[0] < 0.01 < losses[1] < losses[3] and losses[2] > 0.3
    smooth = torch.log(fourier.smooth_magnitude(log_mel))
    assert train.magnitude_loss(smooth, true, log_mel) > 0.5


def test_silence_costs_no_infinity():
    x = torch.zeros(1, 256 * 8)
    log_mel = mel.log_mel(x).transpose(1, 2)
    made = torch.full((1, 8, 513), -11.0, requires_grad=True)
    loss = train.magnitude_loss(made, fourier.stft(x).abs(), log_mel)
    loss.backward()
    assert loss.isfinite() and made.grad.isfinite().all()
    assert repair.stft_loss(x.expand(1, -1)[:, :2048], x[:, :2048]).isfinite()


def test_stft_loss_is_the_distance_that_is_told():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 0.1, (2, 16000)).astype(np.float32)
    sizes = (512, 1024, 2048)
    loss = repair.stft_loss(torch.from_numpy(x)[None], torch.from_numpy(y)[None], sizes)
    assert float(loss) == pytest.approx(metrics.multi_resolution_stft(x, y, sizes), rel=1e-3)


def test_a_magnitude_run_learns_and_resumes_exactly(tmp_path):
    def go(folder, n_steps, **how):
        recipe = dataclasses.replace(MAGNITUDE, learning_rate=1e-2)
        return train.train_magnitude(
            "tiny", recipe, tmp_path / folder, n_steps=n_steps, sounds=[tone()], **how
        )

    go("whole", 60)
    go("broken", 15)
    go("broken", 60, resume=True)
    a, b = (load_file(tmp_path / f / "state.safetensors") for f in ("whole", "broken"))
    assert all(torch.equal(a[key], b[key]) for key in a)
    rows = (tmp_path / "whole/log.csv").read_text().splitlines()
    watched = [float(row.split(",")[3]) for row in rows[1:]]
    assert rows[0].split(",")[3] == "watched" and watched[-1] < 0.97 * watched[0]
    loaded = weights.load(tmp_path / "whole/tiny.safetensors", MagnitudeNetwork)
    assert loaded.facts["step"] == 60 and loaded.config == {"channels": 8, "n_blocks": 1}


def test_a_repair_run_plays_its_game_and_resumes_exactly(tmp_path):
    torch.manual_seed(0)
    magnitude = MagnitudeNetwork(8, 1).eval()

    def go(folder, n_steps, **how):
        return repair.train_repair(
            "tiny", REPAIR, tmp_path / folder, n_steps=n_steps, sounds=[tone()],
            magnitude=magnitude, **how,
        )  # fmt: skip

    go("whole", 5)
    go("broken", 3)
    go("broken", 5, resume=True)
    a, b = (load_file(tmp_path / f / "state.safetensors") for f in ("whole", "broken"))
    assert all(torch.equal(a[key], b[key]) for key in a)
    header, row = (tmp_path / "whole/log.csv").read_text().splitlines()
    values = dict(zip(header.split(","), map(float, row.split(",")), strict=True))
    assert values["critic"] > 0 and values["fool"] > 0 and values["log_mel_l1"] > 0
    loaded = weights.load(tmp_path / "whole/tiny.safetensors", RepairNetwork)
    assert loaded.n_rounds == 1 and loaded.facts["sounds"] == ["speech"]


def test_repair_goes_on_from_weights_with_discriminators_that_have_learned(tmp_path, monkeypatch):
    torch.manual_seed(0)
    magnitude, shipped = MagnitudeNetwork(8, 1).eval(), RepairNetwork(8, 1, 1)
    shipped.facts = {"step": 3, "seconds": 7}
    monkeypatch.setattr(weights, "load", lambda name, model: shipped)
    monkeypatch.setattr(repair.vocoders, "DISCRIMINATORS_ALONE", 2)

    def go(n_steps):
        run = repair.train_repair(
            "tiny", REPAIR, tmp_path, n_steps=n_steps, sounds=[tone()], magnitude=magnitude,
            from_weights=True, resume=n_steps > 3,
        )  # fmt: skip
        return run, load_file(tmp_path / "state.safetensors")

    run, state = go(3)
    assert run.step == 3 and run.seconds == 7 and state["optimizer_d/0.step"] == 2
    for part in ("generator", "average"):  # not one step yet
        assert all(torch.equal(state[f"{part}/{k}"], v) for k, v in shipped.state_dict().items())
    run, later = go(4)
    assert run.step == 4 and later["optimizer_d/0.step"] == 3
    assert not all(torch.equal(later[k], v) for k, v in state.items() if k.startswith("generator"))


def test_discriminators_hear_the_middle_half():
    heard = []

    class Ear(torch.nn.Module):
        def forward(self, x):
            heard.append(x)
            return [], []

    repair.Middle(Ear())(torch.arange(100.0)[None, None])
    assert torch.equal(heard[0][0, 0], torch.arange(25.0, 75.0))


def test_recipes_begin_with_what_they_name():
    """The universal pair goes on from the pair for speech, and knows its own magnitude network."""
    recipe = RECIPES["fourier_repair_universal"]
    assert recipe.magnitude == "fourier_magnitude_universal" and recipe.start == "fourier_repair"
    assert RECIPES["fourier_repair"].magnitude == "fourier_magnitude"
    assert set(recipe.sounds) <= set(training_sets.TRAINING_SETS)


def test_no_held_out_clip_is_learned_from(monkeypatch, tmp_path):
    loaded = []
    real = training_sets.data.load
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path))
    monkeypatch.setattr(
        training_sets.data, "load", lambda name, rate: (loaded.append(name), real(name, rate))[1]
    )
    x = training_sets.training_set("clips").audio
    assert len(loaded) > 10 and not set(loaded) & set(training_sets.HELD_OUT_CLIPS)
    assert 30 < len(x) / 16000 < 60


def test_a_recording_is_parted_into_what_is_learned_and_an_end():
    x = tone(70)
    known, end = train.own_recording(x)
    assert len(end) == 312 * 256 and len(known) % 256 == 0  # 5 s, in whole frames
    np.testing.assert_array_equal(np.concatenate([known, end]), x[: len(x) // 256 * 256])


def test_the_other_voice_is_long_enough_and_ends_in_speech(recwarn):
    known, end = train.own_recording(data.load("other_voice", 16000)[0])
    assert len(known) > 2 * 60 * 16000 and np.abs(end).max() > 0.1
    assert not recwarn.list


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (tone(29), "29.0 s given, at least 30 s are needed to learn from and 120 s are better"),
        (np.zeros(40 * 16000), "it is silent"),
        (np.concatenate([tone(40), np.zeros(6 * 16000)]), "or its end is"),
        (np.concatenate([np.zeros(60 * 16000), tone(5)]), "it is silent"),
    ],
)
def test_a_recording_that_teaches_nothing_is_refused(x, sentence):
    with pytest.raises(ValueError, match=sentence):
        train.own_recording(x)


def test_a_short_or_clipped_recording_gets_a_warning():
    with pytest.warns(UserWarning, match="40 s are little to learn from"):
        train.own_recording(tone(40))
    with pytest.warns(UserWarning, match="of the samples are clipped"):
        train.own_recording(np.clip(10 * tone(70), -1, 1))
