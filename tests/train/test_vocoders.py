"""The recipe of the vocoders: exact resumption, rates, interrupts, several processes."""

import csv
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lecture_utils import hifi_gan, mel, melgan, weights
from lecture_utils.fourier_vocoder import Vocos
from lecture_utils.train import __main__ as command
from lecture_utils.train import adversarial, vocoders
from lecture_utils.train.recipes import RECIPES

RECIPE = vocoders.VocoderRecipe(
    "none",
    lambda: hifi_gan.Generator(channels=16, dilations=((1,),) * 3),
    lambda: [hifi_gan.MultiPeriodDiscriminator(1 / 32, (2, 3)),
             hifi_gan.MultiScaleDiscriminator(1 / 32, 2)],
    hifi_gan, batch=2, n_samples=2048, discriminators_from=2, watch_every=2, snapshots=(0, 3, 8),
)  # fmt: skip
MELGAN_RECIPE = dataclasses.replace(
    RECIPE,
    generator=lambda: melgan.Generator(base_channels=4),
    discriminators=lambda: [melgan.MultiScaleDiscriminator(4)],
    losses=melgan, target=None, discriminators_from=0, betas=(0.5, 0.9),
)  # fmt: skip


VOCOS_RECIPE = dataclasses.replace(
    RECIPES["vocos"], generator=lambda: Vocos(channels=8, n_blocks=1), batch=2,
    n_samples=32 * 256, discriminators_from=2, watch_every=2,
)  # fmt: skip


def two_seconds():
    t = np.arange(32000) / 16000
    noise = np.random.default_rng(0).normal(0, 0.02, len(t))
    return (0.3 * np.sin(2 * np.pi * (200 * t + 80 * t**2)) + noise).astype(np.float32)


def go(folder, n_steps=8, recipe=RECIPE, **options):
    options = {"sound": two_seconds(), "bf16": False, **options}
    return vocoders.train_vocoder("tiny", recipe, folder, n_steps=n_steps, **options)


def rows(folder):
    with open(folder / "log.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def same_state(a, b):
    a, b = (load_file(folder / "state.safetensors") for folder in (a, b))
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Eight steps without a break."""
    folder = tmp_path_factory.mktemp("whole")
    go(folder)
    return folder


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    folder = tmp_path_factory.mktemp("half")
    go(folder, 4)
    return folder


def test_a_resumed_run_is_the_uninterrupted_one(whole, half, tmp_path):
    folder = tmp_path / "run"
    go(folder, 4)
    assert go(folder, resume=True).step == 8
    assert rows(folder) == rows(whole) and len(rows(whole)) == 4
    assert all(np.isfinite(float(v)) for v in rows(whole)[-1].values())
    assert same_state(folder, whole) and not same_state(folder, half)
    ours, theirs = (load_file(f / "tiny.safetensors") for f in (folder, whole))
    assert all(torch.equal(ours[k], theirs[k]) for k in theirs)


def test_snapshots_and_weights_are_small_and_loadable(whole):
    names = sorted(file.name for file in (whole / "snapshots").iterdir())
    assert names == [f"tiny_{step}.safetensors" for step in (0, 3, 8)]
    first, last = (weights.load(whole / "snapshots" / names[i], hifi_gan.Generator) for i in (0, 2))
    final = weights.load(whole / "tiny.safetensors", hifi_gan.Generator)
    assert (first.facts["step"], last.facts["step"], final.facts["step"]) == (0, 8, 8)
    difference = (last.conv_pre.weight - final.conv_pre.weight).abs().max()
    assert difference < 1e-3 < 2 * (first.conv_pre.weight - final.conv_pre.weight).abs().max()


def test_vocos_is_trained_as_the_others_and_kept_in_int8(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    go(whole, 4, VOCOS_RECIPE)
    go(broken, 3, VOCOS_RECIPE)
    go(broken, 4, VOCOS_RECIPE, resume=True)
    assert same_state(whole, broken)
    before, after = rows(whole)
    assert before["critic"] == "nan" and float(after["critic"]) > 0  # first the target alone
    state, kept = load_file(whole / "state.safetensors"), load_file(whole / "tiny.safetensors")
    assert kept["trunk.last.weight"].dtype == torch.int8
    loaded = weights.load(whole / "tiny.safetensors", Vocos).state_dict()["trunk.last.weight"]
    assert torch.allclose(loaded, state["average/trunk.last.weight"], atol=1e-3)


def test_rates_fall_and_discriminators_have_their_share(tmp_path, monkeypatch):
    rates, update = [], adversarial.Adversarial.update

    def recorded(self, *arguments, **options):
        rates.append([optimizer.param_groups[0]["lr"] for optimizer in self.optimizers])
        return update(self, *arguments, **options)

    monkeypatch.setattr(adversarial.Adversarial, "update", recorded)
    recipe = dataclasses.replace(RECIPE, learning_rate=1e-3, decay=0.5, discriminators_share=0.2)
    go(tmp_path, 3, recipe)
    assert np.allclose(rates, [[1e-3, 2e-4], [5e-4, 1e-4], [2.5e-4, 5e-5]])


def test_from_weights_where_the_state_is_lost(tmp_path, monkeypatch, whole):
    """Generator and average go on from the file; before, the discriminators learn alone."""
    shipped = weights.load(whole / "tiny.safetensors", hifi_gan.Generator)
    monkeypatch.setattr(weights, "load", lambda name, model: shipped)
    monkeypatch.setattr(vocoders, "DISCRIMINATORS_ALONE", 3)
    none = go(tmp_path / "none", 8, from_weights=True)
    assert none.step == 8 and none.seconds == shipped.facts["seconds"]
    state = load_file(tmp_path / "none/state.safetensors")
    for part in ("generator", "average"):  # not one step yet
        assert all(torch.equal(state[f"{part}/{k}"], v) for k, v in shipped.state_dict().items())
    torch.manual_seed(RECIPE.seed)
    RECIPE.generator()
    born = RECIPE.discriminators()[0].state_dict()
    assert not any(torch.equal(state[f"critic0/{k}"], v) for k, v in born.items() if "weight" in k)
    assert state["optimizer_d/0.step"] == 3
    # one step moves all; a state that is there is preferred to the weights
    go(tmp_path / "none", 10, from_weights=True, resume=True)
    more = load_file(tmp_path / "none/state.safetensors")
    assert more["optimizer_d/0.step"] == 5
    assert not torch.equal(more["generator/conv_pre.bias"], state["generator/conv_pre.bias"])
    assert [row["step"] for row in rows(tmp_path / "none")] == ["8", "10"]


def test_melgan_and_bf16_resume_exactly_too(tmp_path):
    for bf16 in (False, True):
        a, b = tmp_path / f"a{bf16}", tmp_path / f"b{bf16}"
        go(a, 4, MELGAN_RECIPE, bf16=bf16)
        go(b, 2, MELGAN_RECIPE, bf16=bf16)
        go(b, 4, MELGAN_RECIPE, bf16=bf16, resume=True)
        assert same_state(a, b) and rows(a) == rows(b)
    assert rows(a)[-1]["target"] == "nan"  # MelGAN has no such loss


def test_an_interrupt_ends_the_step_and_loses_nothing(whole, tmp_path, capsys, monkeypatch):
    """Ctrl-C, and the signal that a shutting-down machine sends."""
    for number, name in ((signal.SIGINT, "int"), (signal.SIGTERM, "term")):
        folder, calls, segments = tmp_path / name, [], vocoders.segments

        def interrupted(*arguments, calls=calls, number=number, segments=segments):
            calls.append(1)
            if len(calls) == 5:
                os.kill(os.getpid(), number)  # in the middle of the fifth step
            return segments(*arguments)

        before = signal.getsignal(number)
        monkeypatch.setattr(vocoders, "segments", interrupted)
        assert go(folder).step == 5
        monkeypatch.undo()
        assert signal.getsignal(number) == before
        assert "Stopped after step 5; the state is kept" in capsys.readouterr().out
        go(folder, resume=True)
        assert same_state(folder, whole) and rows(folder) == rows(whole)


def test_nan_in_the_recipe(tmp_path):
    go(tmp_path, 2)
    good = (tmp_path / "state.safetensors").read_bytes()
    recipe = dataclasses.replace(RECIPE, target=lambda real, fake: fake.mean() * float("nan"))
    with pytest.raises(FloatingPointError, match="Step 2: the loss 'target' is nan; the state of"):
        go(tmp_path, 8, recipe, resume=True)
    assert (tmp_path / "state.safetensors").read_bytes() == good


def test_state_of_another_run_is_refused_in_one_sentence(tmp_path, half):
    with pytest.raises(ValueError, match="no state of this run") as info:
        go(tmp_path / "a", recipe=MELGAN_RECIPE)
        (tmp_path / "a" / "state.safetensors").write_bytes(
            (half / "state.safetensors").read_bytes()
        )
        go(tmp_path / "a", recipe=MELGAN_RECIPE, resume=True)
    assert "\n" not in str(info.value)
    (tmp_path / "a" / "state.safetensors").write_text("broken")
    with pytest.raises(ValueError, match="no state of this run"):
        go(tmp_path / "a", recipe=MELGAN_RECIPE, resume=True)


def test_recipes_fit_the_course():
    """Sizes that can be shipped (<= 6 MB each in float16) and segments that the front-end fits."""
    for name, recipe in RECIPES.items():
        if not isinstance(recipe, vocoders.VocoderRecipe):
            continue
        generator = recipe.generator()
        assert sum(p.numel() for p in generator.parameters()) * 2 < 6e6, name
        assert recipe.n_samples % generator.hop_length == 0
        frames = mel.log_mel(torch.zeros(1, recipe.n_samples))
        assert generator(frames).shape == (1, 1, recipe.n_samples)


def test_wrong_training_sound_gets_one_sentence(tmp_path):
    silent_end = two_seconds()
    silent_end[-9000:] = 0
    cases = [
        (two_seconds()[:4000], "4000 samples given, at least 4096"),
        (np.full(32000, np.nan), "sample 0 is nan"),
        (silent_end, "last 0.5 s are silent"),
    ]
    for sound, message in cases:
        with pytest.raises(ValueError, match=message):
            go(tmp_path, sound=sound)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hifigan"], "invalid choice: 'hifigan'"),
        (["melgan", "--minutes", "0"], "invalid positive number value: '0'"),
        (["melgan", "--steps", "-3"], "invalid positive number value: '-3'"),
        (["melgan", "--minutes", "nan"], "invalid positive number value: 'nan'"),
    ],
)
def test_wrong_command_lines(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err


def test_a_full_disk_ends_the_command_with_its_sentence(tmp_path, monkeypatch, capsys):
    sentence = "state.safetensors was not saved (No space left on device); free 9 MB."

    def full(*_arguments, **_options):
        raise OSError(sentence)

    monkeypatch.setattr(command, "train_vocoder", full)
    with pytest.raises(SystemExit) as info:
        command.main(["hifi_gan", "--runs", str(tmp_path)])
    assert info.value.code == 1 and capsys.readouterr().err == f"{sentence}\n"


def test_two_processes_train_as_one_with_twice_the_batch(tmp_path, monkeypatch):
    """As ``accelerate launch`` starts them: other segments each, gradients averaged."""
    pytest.importorskip("accelerate")
    environment = os.environ | {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(Path(__file__).parent),
    }  # fmt: skip
    script = "import sys, test_vocoders as t, pathlib; t.go(pathlib.Path(sys.argv[1]), 4)"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, tmp_path / "two"],
            env=environment | {"RANK": str(i), "LOCAL_RANK": str(i)},
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for i in range(2)
    ]  # fmt: skip
    segments = vocoders.segments

    def of_both(*arguments):
        *arguments, _ = arguments
        return torch.cat([segments(*arguments, process) for process in range(2)])

    monkeypatch.setattr(vocoders, "segments", of_both)
    go(tmp_path / "one", 4)
    for worker in workers:
        output = worker.communicate(timeout=120)
        assert worker.returncode == 0, output
    one, two = (load_file(tmp_path / n / "state.safetensors") for n in ("one", "two"))
    for part in ("generator", "average", "critic0", "critic1"):
        names = [k for k in one if k.startswith(part + "/")]
        assert max((one[k] - two[k]).abs().max() for k in names) < 1e-5, part
    steps = [int(r["step"]) for r in rows(tmp_path / "two")]
    assert steps == [2, 4]  # one process writes, the other does not


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
