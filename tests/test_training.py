"""Weights on disk, exact resumption, and the adversarial loop."""

import csv
import dataclasses
import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from published import old_twin
from safetensors.torch import load_file, save_file

from lecture_utils import adversarial, data, hifi_gan, mel, melgan, train, training, weights
from lecture_utils.training import (
    load_published,
    load_snapshots,
    load_weights,
    save_snapshots,
    save_weights,
)

# ------------------------------------------------------------------------------- weights


def tiny_generator():
    torch.manual_seed(0)
    return hifi_gan.Generator(channels=16)


@pytest.mark.parametrize("half", [False, True])
def test_weights_come_back_with_configuration_and_facts(tmp_path, half):
    model = hifi_gan.Generator(channels=16, rates=(8, 8, 4), kernels=(16, 16, 8))
    file = save_weights(tmp_path / "new" / "w.safetensors", model, half, step=7, name="é")
    loaded = load_weights(str(file), hifi_gan.Generator)
    assert loaded.facts == {"step": 7, "name": "é"} and not loaded.training
    x = torch.randn(1, 80, 5)
    with torch.no_grad():
        assert (loaded(x) - model(x)).abs().max() < (1e-3 if half else 1e-7)
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    assert list(file.parent.iterdir()) == [file]  # nothing half-written beside it
    assert (
        file.stat().st_size
        < (2.5 if half else 4.5) * sum(p.numel() for p in model.parameters()) + 20_000
    )


def wrong_file(tmp_path, kind):
    good = save_weights(tmp_path / "w.safetensors", tiny_generator())
    metadata = {"model": "hifi_gan.Generator", "config": '{"channels": 16}'}
    tensors = {k: v.clone() for k, v in load_file(good).items()}  # loaded ones are maps of the file
    if kind == "truncated":
        good.write_bytes(good.read_bytes()[:-100])
    elif kind == "text":
        good.write_text("these are no weights")
    elif kind == "empty":
        good.write_bytes(b"")
    elif kind == "pickle":
        good.write_bytes(pickle.dumps(Tattletale(tmp_path / "executed")))
    elif kind == "torch":
        torch.save(tensors, good)
    elif kind == "foreign":
        save_file(tensors, good)
    elif kind == "no config":
        save_file(tensors, good, {"model": metadata["model"]})
    elif kind == "odd config":
        save_file(tensors, good, metadata | {"config": '{"channel": 16}'})
    elif kind == "no json":
        save_file(tensors, good, metadata | {"config": "channels=16"})
    elif kind == "another size":
        save_file(tensors, good, metadata | {"config": '{"channels": 32}'})
    elif kind == "another depth":
        save_file(tensors, good, metadata | {"config": '{"channels": 16, "pairs": false}'})
    elif kind == "nan":
        tensors["conv_pre.bias"][3] = float("nan")
        save_file(tensors, good, metadata)
    elif kind == "another model":
        save_weights(good, melgan.Generator(base_channels=4))
    return good


class Tattletale:
    """Leaves a file behind if somebody unpickles it."""

    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return Path.touch, (Path(self.file),)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "not a readable safetensors file"),
        ("text", "not a readable safetensors file"),
        ("empty", "not a readable safetensors file"),
        ("pickle", "not a readable safetensors file"),
        ("torch", "not a readable safetensors file"),
        ("foreign", "weights of an unknown model, not of hifi_gan.Generator"),
        ("no config", "no usable configuration"),
        ("odd config", "no usable configuration.*'channel'"),
        ("no json", "no usable configuration"),
        ("another size", "does not fit its own configuration.*has shape"),
        ("another depth", "does not fit its own configuration: missing"),
        ("nan", "conv_pre.bias has NaN or infinite values; get the file anew"),
        ("another model", "weights of melgan.Generator, not of hifi_gan.Generator"),
    ],
)
def test_wrong_weights_get_one_sentence(tmp_path, kind, message):
    file = wrong_file(tmp_path, kind)
    with pytest.raises(ValueError, match=message) as info:
        load_weights(file, hifi_gan.Generator)
    assert "\n" not in str(info.value) and "w.safetensors" in str(info.value)
    assert not (tmp_path / "executed").exists()


def test_snapshots_come_back_by_step(tmp_path):
    models = {step: tiny_generator() for step in (1000, 0, 20_000)}
    for step, model in models.items():
        model.conv_pre.bias.data.fill_(step / 1000)
    file = save_snapshots(tmp_path / "s.safetensors", models, seed=1)
    loaded = load_snapshots(file, hifi_gan.Generator)
    assert list(loaded) == [0, 1000, 20_000]
    assert [model.conv_pre.bias[0].item() for model in loaded.values()] == [0, 1, 20]
    assert loaded[0].facts == {"seed": 1} and not loaded[0].training
    with pytest.raises(ValueError, match="holds snapshots; use load_snapshots"):
        load_weights(file, hifi_gan.Generator)
    one = save_weights(tmp_path / "w.safetensors", models[0])
    with pytest.raises(ValueError, match="holds one model, no snapshots"):
        load_snapshots(one, hifi_gan.Generator)
    with pytest.raises(ValueError, match="weights of hifi_gan.Generator, not of melgan"):
        load_snapshots(file, melgan.Generator)


def test_shipped_weights_are_found_by_name_and_refused_when_altered(tmp_path, monkeypatch):
    file = save_weights(tmp_path / "weights" / "w.safetensors", tiny_generator())
    listed = {"name": "w", "file": "weights/w.safetensors", "kind": "weights"}
    manifest = {"files": [listed | {"sha256": data.sha256(file)}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(data, "ROOT", tmp_path)
    assert load_weights("w", hifi_gan.Generator).config["channels"] == 16
    with pytest.raises(ValueError, match="No data named 'v'"):
        load_weights("v", hifi_gan.Generator)
    altered = bytearray(file.read_bytes())
    altered[-1] ^= 1
    file.write_bytes(altered)
    for name in ("w", file):  # by name or by path
        with pytest.raises(ValueError, match="was altered: "):
            load_weights(name, hifi_gan.Generator)
    with pytest.raises(TypeError, match="model_class: give a class"):
        load_weights("w", None)
    with pytest.raises(FileNotFoundError, match="No weights at .*nothing"):
        load_weights(tmp_path / "nothing", hifi_gan.Generator)


def test_published_checkpoints_of_something_else_name_what_does_not_fit():
    model = tiny_generator()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = old_twin(model).state_dict()
    cases = [
        ({k: v for k, v in state.items() if k != "ups.2.weight_g"},
         "missing ups.2.parametrizations.weight.original0"),
        (state | {"extra.weight": torch.zeros(1)}, "left over extra.weight"),
        (old_twin(hifi_gan.Generator(channels=32)).state_dict(),
         r"conv_pre.* has shape \(32.*, not \(16.* and \d+ more"),
        (old_twin(hifi_gan.Generator.from_config("v3")).state_dict(), "missing .* more"),
        ({"generator": old_twin(melgan.Generator(base_channels=4)).state_dict()}, "missing"),
        ({"state_dict": state}, "left over state_dict"),
        (state | {"conv_pre.bias": "not a tensor"}, "conv_pre.bias has shape"),
        ({k: v.numpy() for k, v in state.items()}, "no tensor.* more"),
        ({}, "missing"),
    ]  # fmt: skip
    for wrong, message in cases:
        with pytest.raises(ValueError, match=message) as info:
            load_published(model, wrong)
        assert "\n" not in str(info.value)
    with pytest.raises(TypeError, match="expected a dict of tensors, got PosixPath|WindowsPath"):
        load_published(model, Path("g_02500000"))
    after = model.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())


# ------------------------------------------------------------------------------- runs

RECIPE = train.VocoderRecipe(
    "none",
    lambda: hifi_gan.Generator(channels=16, dilations=((1,),) * 3),
    lambda: [hifi_gan.MultiPeriodDiscriminator(1 / 32, (2, 3)),
             hifi_gan.MultiScaleDiscriminator(1 / 32, 2)],
    hifi_gan, batch=2, n_samples=2048, critics_from=2, watch_every=2, snapshots=(0, 3, 8),
)  # fmt: skip
MELGAN_RECIPE = dataclasses.replace(
    RECIPE,
    generator=lambda: melgan.Generator(base_channels=4),
    critics=lambda: [melgan.MultiScaleDiscriminator(4)],
    losses=melgan, target=None, critics_from=0, betas=(0.5, 0.9),
)  # fmt: skip


def two_seconds():
    t = np.arange(32000) / 16000
    noise = np.random.default_rng(0).normal(0, 0.02, len(t))
    return (0.3 * np.sin(2 * np.pi * (200 * t + 80 * t**2)) + noise).astype(np.float32)


def go(folder, n_steps=8, recipe=RECIPE, **options):
    options = {"sound": two_seconds(), "bf16": False, **options}
    return train.train_vocoder("tiny", recipe, folder, n_steps=n_steps, **options)


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
    first, last = (load_weights(whole / "snapshots" / names[i], hifi_gan.Generator) for i in (0, 2))
    final = load_weights(whole / "tiny.safetensors", hifi_gan.Generator)
    assert (first.facts["step"], last.facts["step"], final.facts["step"]) == (0, 8, 8)
    difference = (last.conv_pre.weight - final.conv_pre.weight).abs().max()
    assert difference < 1e-3 < 2 * (first.conv_pre.weight - final.conv_pre.weight).abs().max()


def test_rates_fall_and_critics_have_their_share(tmp_path, monkeypatch):
    rates, step = [], adversarial.Adversarial.step

    def recorded(self, *arguments):
        rates.append([optimizer.param_groups[0]["lr"] for optimizer in self.optimizers])
        return step(self, *arguments)

    monkeypatch.setattr(adversarial.Adversarial, "step", recorded)
    recipe = dataclasses.replace(RECIPE, learning_rate=1e-3, decay=0.5, critics_share=0.2)
    go(tmp_path, 3, recipe)
    assert np.allclose(rates, [[1e-3, 2e-4], [5e-4, 1e-4], [2.5e-4, 5e-5]])


def test_from_weights_where_the_state_is_lost(tmp_path, monkeypatch, whole):
    """Generator and average go on from the file, steps count on; the critics alone learn before."""
    shipped = load_weights(whole / "tiny.safetensors", hifi_gan.Generator)
    monkeypatch.setattr(training, "load_weights", lambda name, model: shipped)
    monkeypatch.setattr(train, "CRITICS_ALONE", 3)
    none = go(tmp_path / "none", 8, from_weights=True)
    assert none.step == 8 and none.seconds == shipped.facts["seconds"]
    state = load_file(tmp_path / "none/state.safetensors")
    for part in ("generator", "average"):  # not one step yet
        assert all(torch.equal(state[f"{part}/{k}"], v) for k, v in shipped.state_dict().items())
    torch.manual_seed(RECIPE.seed)
    RECIPE.generator()
    born = RECIPE.critics()[0].state_dict()
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
        folder, calls, segments = tmp_path / name, [], training.segments

        def interrupted(*arguments, calls=calls, number=number, segments=segments):
            calls.append(1)
            if len(calls) == 5:
                os.kill(os.getpid(), number)  # in the middle of the fifth step
            return segments(*arguments)

        before = signal.getsignal(number)
        monkeypatch.setattr(training, "segments", interrupted)
        assert go(folder).step == 5
        monkeypatch.undo()
        assert signal.getsignal(number) == before
        assert "Stopped after step 5; the state is kept" in capsys.readouterr().out
        go(folder, resume=True)
        assert same_state(folder, whole) and rows(folder) == rows(whole)


def simple_run(folder, resume=False):
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    return training.Run(folder, {"model": model, "optimizer": optimizer}, resume), model, optimizer


def stepper(model, optimizer, at=None, error=None):
    def step(i):
        if i == at and error is not None:
            raise error
        optimizer.zero_grad()
        loss = (model(torch.ones(1, 2) * i) ** 2).mean()
        loss.backward()
        optimizer.step()
        return {"loss": float("nan") if i == at else loss.item()}

    return step


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("no space left")])
def test_what_breaks_a_step_keeps_the_steps_before(tmp_path, error):
    run, model, optimizer = simple_run(tmp_path)
    if isinstance(error, KeyboardInterrupt):  # stops quietly
        run.loop(stepper(model, optimizer, 5, error), 9)
    else:
        with pytest.raises(OSError, match="no space left"):
            run.loop(stepper(model, optimizer, 5, error), 9)
    again, other, _ = simple_run(tmp_path, resume=True)
    assert run.step == again.step == 5 and torch.equal(other.weight, model.weight)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("no space left")])
def test_half_a_step_never_becomes_the_state(tmp_path, error, capsys):
    """Two optimisers step in turn; what breaks in between must not be resumed from."""
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 3)
    good = (tmp_path / "state.safetensors").read_bytes()

    def breaks_halfway(i):
        losses = stepper(model, optimizer)(i)
        if i == 4:
            raise error
        return losses

    if isinstance(error, KeyboardInterrupt):
        run.loop(breaks_halfway, 9)
    else:
        with pytest.raises(OSError, match="no space left"):
            run.loop(breaks_halfway, 9)
    assert (tmp_path / "state.safetensors").read_bytes() == good
    assert (tmp_path / "state.halfway.safetensors").is_file()
    said = capsys.readouterr().out
    assert "in the middle of a step, after step 4" in said and "of step 3 is kept" in said


def test_a_full_disk_gets_a_sentence_and_keeps_the_last_state(tmp_path, monkeypatch, capsys):
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 3)
    good = (tmp_path / "state.safetensors").read_bytes()

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(weights.os, "fsync", full)
    with pytest.raises(OSError) as info:  # at the end of the run
        run.loop(stepper(model, optimizer), 5, save_minutes=0)
    said = capsys.readouterr().out
    for text in (str(info.value), said.splitlines()[0]):
        assert "state.safetensors was not saved (No space left" in text
        assert "the one before it is kept; free 0 MB." in text and "\n" not in text
    assert run.step == 5 and said.count("Training goes on") == 2  # it did not stop at the first
    assert (tmp_path / "state.safetensors").read_bytes() == good
    assert not list(tmp_path.glob("*.partial"))
    monkeypatch.undo()
    run.loop(stepper(model, optimizer), 6)
    assert simple_run(tmp_path, resume=True)[0].step == 6


def test_what_a_killed_save_left_is_swept_at_the_next_start(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 2)
    for name in ("state.partial", ".tmpAb3xYz", "notes.tmp"):
        (tmp_path / name).write_bytes(b"half")
    simple_run(tmp_path, resume=True)
    assert {f.name for f in tmp_path.iterdir()} == {"state.safetensors", "notes.tmp"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask to keep to")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_weights_are_saved_with_the_users_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        file = save_weights(tmp_path / "w.safetensors", tiny_generator())
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o666 & ~umask


def test_starting_anew_keeps_every_old_state_and_log(tmp_path, capsys):
    for _ in range(3):
        run, model, optimizer = simple_run(tmp_path)
        run.loop(stepper(model, optimizer), 2, every=[(1, lambda run=run: run.log(loss=1.0))])
    names = {file.name for file in tmp_path.iterdir()}
    assert {"state.old", "state.old2", "log.old", "log.old2"} <= names
    simple_run(tmp_path / "nowhere", resume=True)
    assert "No state in" in capsys.readouterr().out


def test_nan_stops_with_one_sentence_and_keeps_the_last_good_state(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    with pytest.raises(FloatingPointError, match="no state had been saved yet"):
        run.loop(stepper(model, optimizer, at=2), 9)
    assert not (tmp_path / "state.safetensors").exists()

    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 4)
    good = (tmp_path / "state.safetensors").read_bytes()
    with pytest.raises(FloatingPointError) as info:
        run.loop(stepper(model, optimizer, at=6), 9)
    assert str(info.value) == (
        "Step 6: the loss 'loss' is nan; the state of step 4 is kept for --resume; a smaller "
        "learning rate may help."
    )
    with torch.no_grad():  # the loss is still fine, but a gradient was not
        model.weight[0, 1] = float("inf")
    with pytest.raises(FloatingPointError, match="model/weight has NaN or infinite values"):
        run.save()
    assert (tmp_path / "state.safetensors").read_bytes() == good


def test_nan_in_the_recipe(tmp_path):
    go(tmp_path, 2)
    good = (tmp_path / "state.safetensors").read_bytes()
    recipe = dataclasses.replace(RECIPE, target=lambda real, fake: fake.mean() * float("nan"))
    with pytest.raises(FloatingPointError, match="Step 2: the loss 'target' is nan; the state of"):
        go(tmp_path, 8, recipe, resume=True)
    assert (tmp_path / "state.safetensors").read_bytes() == good


def test_minutes_stop_the_run(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 30))  # half a minute goes by at every look
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 100, minutes=2)
    assert run.step == 5
    again, *_ = simple_run(tmp_path, resume=True)
    assert again.step == 5 and again.seconds == 150


def test_rows_later_than_the_state_are_written_again(tmp_path):
    run, *_ = simple_run(tmp_path)
    for run.step in (2, 4):
        run.log(loss=run.step)
    run.save()
    for run.step in (6, 8):  # then the power fails
        run.log(loss=run.step)
    again, *_ = simple_run(tmp_path, resume=True)
    again.step = 6
    again.log(loss=66)
    assert [(r["step"], r["loss"]) for r in rows(tmp_path)] == [("2", "2"), ("4", "4"), ("6", "66")]


def test_a_fresh_start_keeps_the_old_state_aside(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 3)
    state = (tmp_path / "state.safetensors").read_bytes()
    assert simple_run(tmp_path)[0].step == 0
    assert (tmp_path / "state.old").read_bytes() == state


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


def test_a_run_in_another_thread_needs_no_signals(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    thread = threading.Thread(target=run.loop, args=(stepper(model, optimizer), 3))
    thread.start()
    thread.join()
    assert run.step == 3


# ------------------------------------------------------------------------------- pieces


def test_segments_depend_on_seed_step_and_process_alone():
    x = np.arange(5000, dtype=np.float32)
    first = training.segments(x, 100, 4, seed=1, step=2, process=0)
    assert first.shape == (4, 1, 100) and first.dtype == torch.float32
    assert (first.diff() == 1).all()  # each is a piece of x
    torch.manual_seed(5)
    assert torch.equal(first, training.segments(x, 100, 4, seed=1, step=2, process=0))
    for change in ({"seed": 2}, {"step": 3}, {"process": 1}):
        other = training.segments(x, 100, 4, **{"seed": 1, "step": 2, "process": 0, **change})
        assert not torch.equal(first, other)
    assert torch.equal(training.segments(x[:100], 100, 2, 0, 0)[0, 0], torch.tensor(x[:100]))
    starts = training.segments(x[:103], 100, 200, 0, 0)[:, 0, 0]
    assert set(starts.tolist()) == {0, 1, 2, 3}  # both ends are used
    with pytest.raises(ValueError, match="99 samples given, at least 100"):
        training.segments(x[:99], 100, 2, 0, 0)


def test_average_is_the_formula():
    model = torch.nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(1.0)
    average, expected = training.Average(model, decay=0.9), 1.0
    for step in range(100):
        model.weight.data.fill_(float(step))
        average.update(model, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
        assert average.model.weight.item() == pytest.approx(expected, rel=1e-5)
    assert not average.model.weight.requires_grad and not average.model.training
    assert model.weight.item() == 99


class Recorder(torch.nn.Module):
    """A critic that remembers what it was shown."""

    def __init__(self):
        super().__init__()
        self.scale, self.seen = torch.nn.Parameter(torch.ones(1)), []

    def forward(self, x):
        self.seen.append((x, self.scale.requires_grad))
        return [self.scale * x.mean(-1)], [[self.scale * x]]


def test_each_half_of_a_step_moves_its_own_networks_only():
    generator, critic = torch.nn.Conv1d(3, 1, 1), Recorder()
    snapshots = []

    def now(name):
        values = [p.detach().clone() for p in (*generator.parameters(), *critic.parameters())]
        snapshots.append((name, values))

    class Watched(torch.optim.SGD):
        def __init__(self, name, module):
            super().__init__(module.parameters(), 0.1)
            self.name = name

        def step(self):
            now("before " + self.name)
            super().step()
            now("after " + self.name)

    game = adversarial.Adversarial(
        generator, [critic], (Watched("generator", generator), Watched("critic", critic)),
        hifi_gan.discriminator_loss, hifi_gan.generator_loss, hifi_gan.feature_loss,
        lambda real, fake: (real - fake).abs().mean(),
    )  # fmt: skip
    real, conditioning = torch.randn(2, 1, 50), torch.randn(2, 3, 50)
    losses = game.step(conditioning, real)
    assert list(losses) == ["critic", "fool", "features", "target"]
    assert [name for name, _ in snapshots] == [
        "before critic", "after critic", "before generator", "after generator"
    ]  # fmt: skip
    values = [v for _, v in snapshots]
    *g0, d0 = values[0]
    *g1, d1 = values[1]
    *g2, d2 = values[3]
    assert d0 != d1 and all(map(torch.equal, g0, g1))  # the critics' turn
    assert d1 == d2 and not any(map(torch.equal, g1, g2))  # the generator's turn
    (both, learns), (shown, real_learns), (fake, fake_learns) = critic.seen
    assert learns and not real_learns and not fake_learns
    assert not both.requires_grad  # made sound is detached for the critics
    assert torch.equal(both, torch.cat([real, fake])) and torch.equal(shown, real)
    assert fake.requires_grad and critic.scale.requires_grad
    # against plain arithmetic
    expected = ((1 - real.mean(-1)) ** 2).mean() + (fake.mean(-1) ** 2).mean()
    assert losses["critic"] == pytest.approx(expected.item(), rel=1e-5)
    assert losses["fool"] == pytest.approx(((1 - d1 * fake.mean(-1)) ** 2).mean().item(), rel=1e-5)
    expected = 2 * (d1 * (real - fake)).abs().mean()
    assert losses["features"] == pytest.approx(expected.item(), rel=1e-5)


def test_without_critics_only_the_target_counts():
    generator, critic = torch.nn.Conv1d(3, 1, 1), Recorder()
    optimizers = tuple(torch.optim.SGD(m.parameters(), 0.1) for m in (generator, critic))
    game = adversarial.Adversarial(generator, [critic], optimizers, None, None, None,
                                lambda real, fake: (real - fake).abs().mean())  # fmt: skip
    conditioning, real = torch.randn(2, 3, 50), torch.randn(2, 1, 50)
    first = game.step(conditioning, real, with_critics=False)
    second = game.step(conditioning, real, with_critics=False)
    assert list(first) == ["target"] and second["target"] < first["target"]
    assert not critic.seen and critic.scale.item() == 1


# ------------------------------------------------------------------------------- recipes


def test_recipes_fit_the_course():
    """Sizes that can be shipped (<= 6 MB each) and segments that the front-end fits."""
    for name, recipe in train.RECIPES.items():
        if not isinstance(recipe, train.VocoderRecipe):
            continue
        generator = recipe.generator()
        assert sum(p.numel() for p in generator.parameters()) * 4 < 6e6, name
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
        (["muse_gan", "--from-weights"], "--from-weights is not for muse_gan: use --resume"),
    ],
)
def test_wrong_command_lines(arguments, message, capsys):
    with pytest.raises(SystemExit):
        train.main(arguments)
    assert message in capsys.readouterr().err


def test_two_processes_train_as_one_with_twice_the_batch(tmp_path, monkeypatch):
    """As ``accelerate launch`` starts them: other segments each, gradients averaged."""
    pytest.importorskip("accelerate")
    environment = os.environ | {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(Path(__file__).parent),
    }  # fmt: skip
    script = "import sys, test_training as t, pathlib; t.go(pathlib.Path(sys.argv[1]), 4)"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, tmp_path / "two"],
            env=environment | {"RANK": str(i), "LOCAL_RANK": str(i)},
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for i in range(2)
    ]  # fmt: skip
    segments = training.segments

    def of_both(*arguments):
        *arguments, _ = arguments
        return torch.cat([segments(*arguments, process) for process in range(2)])

    monkeypatch.setattr(training, "segments", of_both)
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
