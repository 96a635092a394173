"""Weights on disk, and published checkpoints."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from published import old_twin
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lecture_utils import data, hifi_gan, melgan, weights
from lecture_utils.wavenet import WaveNet
from lecture_utils.weights import load_published, load_snapshots, save_snapshots


def tiny_generator():
    torch.manual_seed(0)
    return hifi_gan.Generator(channels=16)


@pytest.mark.parametrize(
    ("stored", "error", "bytes_each"),
    [("float32", 1e-7, 4.5), ("float16", 1e-3, 2.5), ("int8", 3e-3, 1.7)],
)
def test_weights_come_back_with_configuration_and_facts(tmp_path, stored, error, bytes_each):
    model = hifi_gan.Generator(channels=16, rates=(8, 8, 4), kernels=(16, 16, 8))
    file = weights.save(tmp_path / "new" / "w.safetensors", model, stored, step=7, name="é")
    loaded = weights.load(str(file), hifi_gan.Generator)
    assert loaded.facts == {"step": 7, "name": "é"} and not loaded.training
    x = torch.randn(1, 80, 5)
    with torch.no_grad():
        assert (loaded(x) - model(x)).abs().max() < error
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    assert list(file.parent.iterdir()) == [file]  # nothing half-written beside it
    assert file.stat().st_size < bytes_each * sum(p.numel() for p in model.parameters()) + 20_000


def test_int8_keeps_a_scale_for_each_row(tmp_path):
    """So a quiet row is as exact, for its size, as a loud one; a row of zeros stays zero."""
    model = tiny_generator()
    weight = model.conv_pre.parametrizations.weight.original1
    with torch.no_grad():
        weight[0] *= 1e-4
        weight[1] = 0
    loaded = weights.load(
        weights.save(tmp_path / "w.safetensors", model, "int8"), hifi_gan.Generator
    ).conv_pre.parametrizations.weight.original1
    worst = (loaded - weight).abs().flatten(1).amax(1)
    assert (worst <= weight.abs().flatten(1).amax(1) / 253).all()


def test_int8_leaves_the_parts_that_a_class_names_in_float16(tmp_path):
    torch.manual_seed(0)
    model = WaveNet(2, 1, 8, 8)
    loaded = weights.load(weights.save(tmp_path / "w.safetensors", model, "int8"), WaveNet)
    for name, value in model.state_dict().items():
        exact = torch.equal(loaded.state_dict()[name], value.half().float())
        assert exact == (value.ndim == 1 or name.startswith(("embedding", "output"))), name


def test_an_unknown_type_to_store_is_refused(tmp_path):
    with pytest.raises(ValueError, match="stored='int4': give one of float32, float16, int8"):
        weights.save(tmp_path / "w.safetensors", tiny_generator(), "int4")


def wrong_file(tmp_path, kind):
    good = weights.save(tmp_path / "w.safetensors", tiny_generator())
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
        weights.save(good, melgan.Generator(base_channels=4))
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
        weights.load(file, hifi_gan.Generator)
    assert "\n" not in str(info.value) and "w.safetensors" in str(info.value)
    assert not (tmp_path / "executed").exists()


def test_weights_keep_the_name_of_their_class_when_it_moves(tmp_path):
    class Moved(hifi_gan.Generator):
        """In another module, under another name."""

    file = weights.save(tmp_path / "w.safetensors", tiny_generator())
    assert isinstance(weights.load(file, Moved), Moved)
    with safe_open(weights.save(file, Moved(channels=16)), "pt") as opened:
        assert opened.metadata()["model"] == "hifi_gan.Generator"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask to keep to")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_weights_are_saved_with_the_users_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        file = weights.save(tmp_path / "w.safetensors", tiny_generator())
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_class_without_a_kind_is_refused(tmp_path):
    with pytest.raises(TypeError, match="the class Linear has no `kind`; give it one"):
        weights.save(tmp_path / "w.safetensors", torch.nn.Linear(1, 1))
    with pytest.raises(TypeError, match="the class Linear has no `kind`; give it one"):
        weights.load("hifi_gan", torch.nn.Linear)


def test_snapshots_come_back_by_step(tmp_path):
    models = {step: tiny_generator() for step in (1000, 0, 20_000)}
    for step, model in models.items():
        model.conv_pre.bias.data.fill_(step / 1000)
    file = save_snapshots(tmp_path / "s.safetensors", models, seed=1)
    loaded = load_snapshots(file, hifi_gan.Generator)
    assert list(loaded) == [0, 1000, 20_000]
    assert [model.conv_pre.bias[0].item() for model in loaded.values()] == [0, 1, 20]
    size = file.stat().st_size
    assert size < 3 * 1.8 * sum(p.numel() for p in models[0].parameters()) + 100_000
    assert loaded[0].facts == {"seed": 1} and not loaded[0].training
    with pytest.raises(ValueError, match="holds snapshots; use load_snapshots"):
        weights.load(file, hifi_gan.Generator)
    one = weights.save(tmp_path / "w.safetensors", models[0])
    with pytest.raises(ValueError, match="holds one model, no snapshots"):
        load_snapshots(one, hifi_gan.Generator)
    with pytest.raises(ValueError, match="weights of hifi_gan.Generator, not of melgan"):
        load_snapshots(file, melgan.Generator)


def test_shipped_weights_are_found_by_name_and_refused_when_altered(tmp_path, monkeypatch):
    file = weights.save(tmp_path / "weights" / "w.safetensors", tiny_generator())
    listed = {"name": "w", "file": "weights/w.safetensors", "kind": "weights"}
    manifest = {"files": [listed | {"sha256": data.sha256(file)}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(data, "ROOT", tmp_path)
    assert weights.load("w", hifi_gan.Generator).config["channels"] == 16
    with pytest.raises(ValueError, match="No data named 'v'"):
        weights.load("v", hifi_gan.Generator)
    altered = bytearray(file.read_bytes())
    altered[-1] ^= 1
    file.write_bytes(altered)
    for name in ("w", file):  # by name or by path
        with pytest.raises(ValueError, match="was altered: "):
            weights.load(name, hifi_gan.Generator)
    with pytest.raises(TypeError, match="model_class: give a class"):
        weights.load("w", None)
    with pytest.raises(FileNotFoundError, match="No weights at .*nothing"):
        weights.load(tmp_path / "nothing", hifi_gan.Generator)


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
