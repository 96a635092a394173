"""What the cards call held out or only watched is never learned from, in any recipe.

Toy sounds are quiet where a recipe may learn and loud where it may only watch, so that one loud
sample in a batch gives a mistake away.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from lecture_utils import data, ddsp, hifi_gan
from lecture_utils.build_data import recordings, renders, training_sets
from lecture_utils.build_data.training_sets import TrainingSet
from lecture_utils.train import adversarial, cascade, vocoders, wavenet
from lecture_utils.train import ddsp as train_ddsp
from lecture_utils.wavenet import mu_law_decode

QUIET, LOUD = 0.05, 0.5


def toy(seconds=8.0):
    """Three quarters quiet, one quarter loud: less than four times the watched 40 s."""
    n = int(seconds * 16_000)
    x = np.where(np.arange(n) % 40 < 20, 1.0, -1.0)
    x[: n - n // 4] *= QUIET
    x[n - n // 4 :] *= LOUD
    return TrainingSet(x.astype(np.float32), 16_000, np.full(n // 64, 400, np.float32))


def seen_by(monkeypatch, module, name, sound_of):
    """Note the loudest sample of each call of a loss: with a gradient, and without."""
    found, loss = {True: [], False: []}, getattr(module, name)

    def spied(*arguments):
        found[torch.is_grad_enabled()].append(float(abs(sound_of(*arguments)).max()))
        return loss(*arguments)

    monkeypatch.setattr(module, name, spied)
    return found


def check(found, n_steps):
    assert len(found[True]) >= n_steps and max(found[True]) < 2 * QUIET
    assert found[False] and max(found[False]) > LOUD / 2


def test_ddsp(monkeypatch, tmp_path):
    monkeypatch.setattr(train_ddsp, "training_set", lambda name: toy())
    found = seen_by(monkeypatch, ddsp, "multi_scale_spectral_loss", lambda real, made: real)
    recipe = train_ddsp.DdspRecipe("toy", 4, n_steps=12, batch=4, n_frames=30, watch_every=12)
    train_ddsp.train_ddsp("toy", recipe, tmp_path)
    check(found, 12)


@pytest.mark.parametrize("channels", [0, 80])
def test_wavenet(monkeypatch, tmp_path, channels):
    monkeypatch.setattr(wavenet, "training_set", lambda name: toy(24))
    found = seen_by(
        monkeypatch, wavenet, "bits_of", lambda model, codes, *rest: mu_law_decode(codes.flatten())
    )
    recipe = wavenet.WaveNetRecipe(
        "toy", channels, n_layers=2, n_stacks=1, residual_channels=4, skip_channels=4,
        n_steps=12, batch=4, n_frames=4, watch_every=12,
    )  # fmt: skip
    wavenet.train_wavenet("toy", recipe, tmp_path)
    check(found, 12)


def test_wavenet_with_a_score(monkeypatch):
    """It practises other music than it is watched on, and plays no held-out piece."""
    monkeypatch.setattr(renders, "piano_performances", lambda n_times: [])
    monkeypatch.setattr(wavenet.Examples, "of_scores", lambda performances: performances)
    recipe = wavenet.SCORE_RECIPE
    learned, watched = wavenet.examples_of(recipe)
    starts = [{tuple(note) for note in notes} for ((notes, _),) in (learned, watched)]
    assert starts[0] and starts[1] and not starts[0] & starts[1]


def test_vocoders(monkeypatch, tmp_path):
    seen, watched = [], []
    update = adversarial.Adversarial.update
    monkeypatch.setattr(
        adversarial.Adversarial, "update",
        lambda self, told, real, *rest, **options: seen.append(float(real.abs().max()))
        or update(self, told, real, *rest, **options),
    )  # fmt: skip
    monkeypatch.setattr(vocoders, "training_set", lambda name: toy())
    monkeypatch.setattr(
        vocoders, "distances_of", lambda model, x: watched.append(float(abs(x).max())) or {}
    )
    recipe = vocoders.VocoderRecipe(
        "toy",
        lambda: hifi_gan.Generator(channels=16, dilations=((1,),) * 3),
        lambda: [hifi_gan.MultiScaleDiscriminator(1 / 32, 1)],
        hifi_gan, n_steps=12, batch=4, n_samples=2048, watch_every=12, snapshots=(),
    )  # fmt: skip
    vocoders.train_vocoder("toy", recipe, tmp_path, bf16=False)
    check({True: seen, False: watched}, 12)


def test_the_end_is_watched_and_nothing_else():
    for seconds, watched_s in ((8, 2), (400, 40)):
        whole = toy(seconds)
        learned, watched = whole.parted()
        assert len(watched.audio) == watched_s * 16_000 and len(watched.f0_hz) == watched_s * 250
        assert np.array_equal(np.append(learned.audio, watched.audio), whole.audio)
        assert np.array_equal(np.append(learned.f0_hz, watched.f0_hz), whole.f0_hz)


def test_cascades_are_judged_on_other_songs(monkeypatch, tmp_path):
    """Their songs are made up on the spot: other seeds, other songs."""
    drawn = []
    draw = cascade.draw
    monkeypatch.setattr(
        cascade, "draw", lambda level, batch, rng: drawn.append(rng.bit_generator.state["state"])
        or draw(level, batch, rng),
    )  # fmt: skip
    recipe = cascade.DiffusionRecipe("form", 8, n_steps=2, batch=2, watch_every=2)
    cascade.train_diffusion("toy", recipe, tmp_path)
    assert len({str(state) for state in drawn}) == len(drawn) == 3


def test_piano_sets_share_no_piece(monkeypatch):
    played = []
    monkeypatch.setattr(
        renders, "_performance", lambda name, seed, **how: played.append(name) or ([], [])
    )
    renders.piano_performances()
    assert len(set(played)) == 7 and len(played) == 14
    assert not set(played) & set(renders.PIANO_TEST)


def test_solo_sets_are_played_by_other_seeds(monkeypatch):
    seeds = []
    monkeypatch.setattr(
        renders.playing, "phrases", lambda minutes, instrument, seed: seeds.append(seed) or ()
    )
    monkeypatch.setattr(renders.sampler, "render_solo", lambda instrument, rate, seed: seed)
    renders.violin_test()
    renders.solo_training("violin")
    assert len(set(seeds)) == 2


def test_speech_is_learned_without_the_reserved_prompts(monkeypatch, tmp_path):
    names = ["hello.g722", "vm-savemessage.g722", "vm-saveoper.g722", "vm-tmpexists.g722", "z.g722"]
    prompts = [Path("sounds/en_US_f_Allison") / name for name in names]
    decoded = {"learned": [], "held out": []}
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path))
    monkeypatch.setattr(recordings, "prompts", lambda: prompts)
    monkeypatch.setattr(data, "ROOT", tmp_path)
    (tmp_path / "speech").mkdir()
    for kind, build in (
        ("learned", lambda: training_sets._build_training_set("speech", tmp_path / "s.flac")),
        ("held out", recordings.build_speech),
    ):
        monkeypatch.setattr(
            recordings, "decode_g722",
            lambda p, kind=kind: decoded[kind].append(p.name) or np.full(80_000, 0.1, np.float32),
        )  # fmt: skip
        build()
    assert decoded["learned"] == names[:2]
    assert set(decoded["held out"]) == set(names[2:])
