"""Vocos: what it says becomes sound exactly, and every frame is treated alike."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open

from lecture_utils import data, griffin_lim, hifi_gan, mel, metrics, vocoder, weights
from lecture_utils.fourier_vocoder import Vocos
from lecture_utils.fourier_vocoder import spectrum as fourier


@pytest.fixture(scope="module")
def loud():
    """A small network that answers strongly, so that what it gets wrong shows."""
    torch.manual_seed(0)
    network = Vocos(channels=8, n_blocks=2).eval()
    with torch.no_grad():
        network.trunk.last.weight.mul_(30)
    return network


def random_mel(n_frames):
    return np.random.default_rng(0).normal(-3, 1, (80, n_frames)).astype(np.float32)


def test_shapes(loud):
    log_mel = torch.from_numpy(random_mel(7)).expand(3, 80, 7)
    spectrum = loud.spectrum(log_mel)
    assert spectrum.shape == (3, 7, 513) and spectrum.dtype == torch.complex64
    assert loud(log_mel).shape == (3, 1, 7 * 256)


class Says(torch.nn.Module):
    """In the place of the trunk: says the same whatever it is given."""

    def __init__(self, *parts):
        super().__init__()
        self.said, self.last = torch.cat(parts, -1), torch.nn.Linear(1, 1)

    def forward(self, x):
        return self.said


def test_the_right_magnitude_and_phase_give_the_sound_back():
    """The inverse STFT adds no error, and a whole turn more changes nothing."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(0, 0.1, (2, 256 * 30)).astype(np.float32))
    true, network = fourier.stft(x), Vocos(channels=8, n_blocks=1)
    for turns in (0, 1, -3):
        angle = true.angle() + 2 * np.pi * turns
        network.trunk = Says(torch.log(true.abs().clamp_min(1e-9)), angle)
        y = network(torch.zeros(2, 80, 30))
        assert (y[:, 0] - x).abs().max() < 1e-5


def test_a_mel_that_comes_a_frame_later_sounds_a_hop_later(loud):
    log_mel = torch.from_numpy(random_mel(80))[None]
    edge = loud.context_frames
    with torch.no_grad():
        now, later = loud(log_mel)[0, 0], loud(log_mel.roll(1, -1))[0, 0]
    inner = slice(edge * 256, (80 - edge - 1) * 256)
    assert now[inner].std() > 0.01
    assert (later[256:][inner] - now[inner]).abs().max() < 1e-5 * now.abs().max()


def test_equal_frames_repeat_every_hop(loud):
    """It does not know what it said a frame before: as HiFi-GAN, and unlike Griffin-Lim."""
    log_mel = random_mel(1).repeat(90, axis=1)
    y = vocoder.vocode(log_mel, loud).reshape(90, 256)[loud.context_frames : -loud.context_frames]
    assert y.std() > 0.01 and np.abs(np.diff(y, axis=0)).max() < 1e-5 * np.abs(y).max()


@pytest.mark.parametrize("n_frames", [1, 2, 39, 41, 121])
def test_in_pieces_as_in_one(loud, monkeypatch, n_frames):
    monkeypatch.setattr(vocoder, "CHUNK_FRAMES", 40)
    log_mel = random_mel(n_frames)
    with torch.no_grad():
        whole = loud(torch.from_numpy(log_mel)[None])[0, 0].numpy()
    y = vocoder.vocode(log_mel, loud)
    assert y.dtype == np.float32 and y.shape == (256 * n_frames,)
    assert np.abs(y - whole).max() < 1e-5 * np.abs(whole).max()


def test_context_frames_are_what_a_hop_hears(loud):
    given = torch.from_numpy(random_mel(60))[None].requires_grad_()
    loud(given)[0, 0, 30 * 256 : 31 * 256].abs().sum().backward()
    seen = given.grad[0].abs().sum(0).nonzero().flatten()
    assert (30 - int(seen.min()), int(seen.max()) - 30) == (loud.context_frames,) * 2


def test_an_angry_network_stays_finite(loud):
    network = Vocos(channels=8, n_blocks=1)
    torch.nn.init.constant_(network.trunk.last.bias, 1e4)
    assert network(torch.zeros(1, 80, 9)).isfinite().all()


def test_weights_carry_kind_and_size(tmp_path):
    file = weights.save(tmp_path / "v.safetensors", Vocos(), "int8", step=1)
    with safe_open(file, "pt") as opened:
        told = opened.metadata()
    assert told["model"] == "fourier_vocoder.Vocos"
    assert json.loads(told["config"]) == {"n_mels": 80, "channels": 200, "n_blocks": 5}
    assert file.stat().st_size <= 1.7e6
    assert weights.load(file, Vocos).facts == {"step": 1}


@pytest.mark.parametrize("wrong", [{"channels": 0}, {"n_blocks": 1.5}, {"n_mels": "80"}])
def test_wrong_sizes_are_told(wrong):
    (name,) = wrong
    with pytest.raises((TypeError, ValueError), match=name):
        Vocos(**wrong)


@pytest.mark.parametrize("given", [torch.zeros(1, 40, 9), torch.zeros(80, 9), np.zeros((1, 80, 9))])
def test_a_wrong_mel_is_told(loud, given):
    with pytest.raises((TypeError, ValueError), match="log_mel") as info:
        loud(given)
    assert "\n" not in str(info.value)


def test_shipped_vocos_lies_between_the_course_s_hifi_gan_and_griffin_lim():
    """On a voice that none of them heard."""
    x = data.load("arctic", 16000)[0]
    log_mel = mel.log_mel(x)
    made = (
        vocoder.vocode(log_mel, weights.load("hifi_gan", hifi_gan.Generator)),
        vocoder.vocode(log_mel, weights.load("vocos", Vocos)),
        griffin_lim.from_mel(log_mel, seed=0),
    )
    x = x[: 256 * log_mel.shape[1]]
    for distance in (metrics.log_mel_l1, metrics.multi_resolution_stft):
        of_hifi_gan, of_vocos, of_griffin_lim = (distance(x, y) for y in made)
        assert of_hifi_gan > of_vocos > of_griffin_lim
