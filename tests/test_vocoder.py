"""Mel to sound: lengths, seams, memory, and what is said about a wrong mel or model."""

import copy
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from published import old_twin

from lecture_utils import data, griffin_lim, hifi_gan, mel, melgan, vocoder
from lecture_utils.vocoder import vocode
from lecture_utils.wavenet import WaveNet, generate
from lecture_utils.weights import load_published


def loud(kind, gain):
    """Small, and loud enough that a seam shows."""
    torch.manual_seed(0)
    if kind == "melgan":
        make = lambda: melgan.Generator(base_channels=8)  # noqa: E731
    else:
        make = lambda: hifi_gan.Generator.from_config(kind)  # noqa: E731
    return load_published(make(), old_twin(make(), gain).state_dict()).eval()


@pytest.fixture(scope="module")
def models():
    return {"melgan": loud("melgan", 1.6), "course": loud("course", 2.0), "v3": loud("v3", 2.0)}


def random_mel(n_frames):
    return np.random.default_rng(0).normal(-1.5, 1, (80, n_frames)).astype(np.float32)


# ------------------------------------------------------------------------------- vocode


@pytest.mark.parametrize("kind", ["melgan", "course", "v3"])
def test_chunks_equal_one_pass(models, kind, monkeypatch):
    monkeypatch.setattr(vocoder, "CHUNK_FRAMES", 40)
    for n_frames in (1, 2, 39, 41, 121):
        log_mel = random_mel(n_frames)
        with torch.no_grad():
            whole = models[kind](torch.tensor(log_mel)[None])[0, 0].numpy()
        y = vocode(log_mel, models[kind])
        assert y.dtype == np.float32 and y.shape == (256 * n_frames,)
        assert whole.std() > 0.02 and np.abs(y - whole).max() < 1e-5
    # without the overlap the seam is there: the bound above can be missed
    monkeypatch.setattr(models[kind], "context_frames", 2)
    assert np.abs(vocode(log_mel, models[kind]) - whole).max() > 1e-3


def test_other_hops_and_presets():
    model = hifi_gan.Generator(channels=32, rates=(8, 5, 5), kernels=(16, 10, 10))
    assert vocode(random_mel(3), model).shape == (600,)
    assert vocode(np.full((80, 3), -2), model, "melgan22k").shape == (600,)


def test_memory_does_not_grow_with_length():
    """Peak memory of ten times the length grows by the sound itself and little more."""
    pytest.importorskip("resource")
    script = """
import resource, sys
import numpy as np
from lecture_utils import hifi_gan, vocoder
scale = 1 if sys.platform == "darwin" else 1024
model = hifi_gan.Generator(channels=32, dilations=((1,),) * 3)
peaks = []
for seconds in (10, 30, 300):
    frames = np.zeros((80, seconds * 16000 // 256), np.float32)
    n_bytes = vocoder.vocode(frames, model).nbytes + frames.nbytes
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale)
print((peaks[2] - peaks[1]) / n_bytes)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.5  # a single pass over 300 s would be above 50


def test_folding_weights_leaves_the_original_alone(models):
    fast = vocoder.remove_weight_norm(copy.deepcopy(models["course"]))
    y = vocode(random_mel(5), models["course"])
    assert np.abs(vocode(random_mel(5), fast) - y).max() < 1e-5
    assert not any("parametrizations" in key for key in fast.state_dict())
    assert any("parametrizations" in key for key in models["course"].state_dict())


@pytest.mark.parametrize(
    ("log_mel", "message"),
    [
        (np.zeros((79, 9)), "79 bands given, course16k has 80; make it with mel.log_mel"),
        (np.zeros((9, 80)), "frames first; pass mel.T"),
        (np.zeros((80, 0)), r"shape \(80, 0\) has no frames; give one or more"),
        (np.zeros(80), r"expected shape \(n_mels, frames\), got \(80,\)"),
        (np.full((80, 9), np.nan), "NaN"),
        (np.full((80, 9), -np.inf), "infinite"),
        (np.full((80, 9), "a"), "expected real numbers"),
    ],
)
def test_wrong_mels_get_one_sentence(models, log_mel, message):
    with pytest.raises((ValueError, TypeError), match=message) as info:
        vocode(log_mel, models["course"])
    assert "\n" not in str(info.value)


def test_wrong_models_get_one_sentence():
    with pytest.raises(TypeError, match="Linear is no generator"):
        vocode(random_mel(3), torch.nn.Linear(2, 2))
    with pytest.raises(TypeError, match="MultiPeriodDiscriminator is no generator"):
        vocode(random_mel(3), hifi_gan.MultiPeriodDiscriminator(1 / 32))
    with pytest.raises(ValueError, match="80 bands given, the model was built for 64"):
        vocode(random_mel(3), melgan.Generator(n_mels=64, base_channels=4))
    with pytest.raises(ValueError, match="did you mean 'course16k'"):
        vocode(random_mel(3), melgan.Generator(base_channels=4), "course16")


# ------------------------------------------------------------------------------- range


def sounds():
    rate, rng = 16000, np.random.default_rng(0)
    t = np.arange(2 * rate) / rate
    noise = rng.normal(0, 1, len(t))
    saw = sum(2 * ((f * t) % 1) - 1 for f in (82.4, 123.5, 164.8))
    loud = {
        "white noise": 0.3 * noise,
        "soft white noise": 0.05 * noise,
        "square wave": 0.8 * np.sign(np.sin(2 * np.pi * 110 * t)),
        "distorted chord": np.tanh(20 * saw),
        "clicks": (np.arange(len(t)) % 80 == 0) * 1.0,
    }
    real = {name: data.load(name, rate)[0] for name in ("sentence", "motif", "guitar", "jazz")}
    return real, loud


def warned(log_mel, preset="course16k"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mel.check_log_mel(log_mel, preset)
    return [str(w.message) for w in caught]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hifi_gan.Generator(rates=(8, 8), kernels=(16,)), "one kernel for every rate"),
        (lambda: hifi_gan.Generator(dilations=((1, 3),)), "dilations for every kernel"),
        (lambda: hifi_gan.Generator(channels=3), "channels=3: give a whole number, 16 or more"),
        (lambda: melgan.Generator(rates=(8, 0)), "rates=0: give a whole number, 1 or more"),
        (lambda: melgan.MultiScaleDiscriminator(6), "base_channels=6: give a multiple of 4"),
        (lambda: melgan.MultiScaleDiscriminator(4)(torch.zeros(1, 1, 20)), "5 samples; the mirror"),
        (
            lambda: hifi_gan.PeriodDiscriminator(11, 0.1)(torch.zeros(1, 1, 5)),
            "5 samples, fewer than the period of 11",
        ),
        (lambda: hifi_gan.mel_loss(torch.zeros(1, 1, 512), torch.zeros(1, 1, 256)), "cut both"),
    ],
)
def test_wrong_sizes_get_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_another_logarithm_is_noticed():
    real, loud = sounds()
    for name, x in real.items():
        natural, common = mel.log_mel(x), mel.log_mel(x, "melgan22k")
        assert not warned(natural), name
        assert "log10 or normalised" in warned(common)[0], name
        assert "below the lowest possible" in warned(natural, "melgan22k")[0], name
        assert not warned(common, "melgan22k"), name
        assert "log10 or normalised" in warned((natural - natural.mean()) / natural.std())[0], name
        assert "as decibels do" in warned(20 * common)[0], name
        for linear in (np.exp(natural), 10**common, np.abs(natural) / 11.6):
            assert "without a logarithm" in warned(np.minimum(linear, 25))[0], name
    for name, x in loud.items():  # never quiet anywhere, and yet natural logarithms
        assert not warned(mel.log_mel(x)), name
    assert not warned(np.zeros((80, 50)))  # a steady mel made by hand


@pytest.mark.parametrize("unit", [lambda m: m / np.log(10), lambda m: 20 * m / np.log(10), np.exp])
def test_every_door_warns_of_another_unit_at_the_line_that_called(models, unit):
    log_mel = mel.log_mel(data.load("sentence", 16000)[0])[:, :40]
    wavenet = WaveNet(2, 1, 4, 4, conditioning_channels=80)
    codes = torch.zeros(1, 512, dtype=torch.long)
    doors = {
        "vocode": lambda m: vocode(m, models["course"]),
        "from_mel": lambda m: griffin_lim.from_mel(m, n_iter=1),
        "invert": lambda m: mel.invert(m, n_iter=1),
        "generate": lambda m: generate(wavenet, 512, m, seed=0, progress=False),
        "WaveNet": lambda m: wavenet(codes, torch.tensor(m)[None]),
    }
    for name, door in doors.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            door(log_mel)
        assert not caught, name
        with pytest.warns(UserWarning, match="course16k takes ln") as caught:
            door(unit(log_mel))
        assert len(caught) == 1 and caught[0].filename == __file__, name
