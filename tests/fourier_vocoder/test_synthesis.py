"""From mel to sound: in pieces as in one, without seams, in little memory."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from lecture_utils import data, griffin_lim, mel, metrics
from lecture_utils.fourier_vocoder import MagnitudeNetwork, RepairNetwork, synthesis, vocode


@pytest.fixture(scope="module")
def magnitude():
    torch.manual_seed(0)
    return MagnitudeNetwork(8, 1).eval()


def strong_repair():
    torch.manual_seed(1)
    network = RepairNetwork(8, 2, n_rounds=4).eval()
    with torch.no_grad():
        network.trunk.last.weight.mul_(40)
    return network


def chirps(seconds=6):
    t = np.arange(16000 * seconds) / 16000
    return 0.1 * np.sin(2 * np.pi * (300 * t + 20 * np.sin(3 * t))).astype(np.float32)


def test_length_and_level(magnitude):
    x = chirps(2)
    y = vocode(mel.log_mel(x), magnitude, n_rounds=4)
    assert y.dtype == np.float32 and len(y) == len(x) // 256 * 256
    assert metrics.log_mel_l1(x[: len(y)], y) < 1


def test_a_repair_that_changes_nothing_returns_griffin_lims_sound(magnitude, monkeypatch):
    monkeypatch.setattr(synthesis, "BAND_STEPS", 0)
    network = RepairNetwork(8, 1, n_rounds=6).eval()
    torch.nn.init.zeros_(network.trunk.last.weight)
    log_mel = mel.log_mel(chirps(6))
    alone, repaired = vocode(log_mel, magnitude, None, 6), vocode(log_mel, magnitude, network)
    assert np.abs(alone - repaired).max() < 1e-5


def test_in_pieces_as_in_one(magnitude, monkeypatch):
    """With a phase that is the same for both, sample for sample."""
    monkeypatch.setattr(
        synthesis, "start_phase", lambda magnitude, before: torch.zeros_like(magnitude)
    )
    log_mel, network = mel.log_mel(chirps(5)), strong_repair()
    whole = vocode(log_mel, magnitude, network, n_rounds=0)
    monkeypatch.setattr(synthesis, "CHUNK", 64)
    pieces = vocode(log_mel, magnitude, network, n_rounds=0)
    found = vocode(log_mel, magnitude, n_rounds=0)
    assert np.abs(whole - pieces).max() < 1e-4 * np.abs(whole).max()
    assert np.abs(whole - found).max() > 0.1 * np.abs(whole).max()  # the repair does something


def test_no_seam_is_heard(magnitude, monkeypatch):
    """A steady tone in pieces of half a second stays as pure as in one piece."""
    t = np.arange(16000 * 4) / 16000
    log_mel = mel.log_mel(0.2 * np.sin(2 * np.pi * 440 * t))

    def impurity(y):  # energy away from the tone, in the worst window of an eighth of a second
        frames = np.lib.stride_tricks.sliding_window_view(y[4096:-4096], 2048)[::512]
        power = np.abs(np.fft.rfft(frames * np.hanning(2048))) ** 2
        near = slice(40, 73)  # 312 to 562 Hz
        return float((1 - power[:, near].sum(1) / power.sum(1)).max())

    whole = impurity(vocode(log_mel, magnitude, n_rounds=8))
    monkeypatch.setattr(synthesis, "CHUNK", 31)
    pieces = impurity(vocode(log_mel, magnitude, n_rounds=8))
    assert pieces < 1.5 * whole + 1e-3


@pytest.mark.parametrize("n_frames", [2, 3, 9, 31, 32, 33])
def test_any_number_of_frames(magnitude, monkeypatch, n_frames):
    monkeypatch.setattr(synthesis, "CHUNK", 16)
    y = vocode(np.full((80, n_frames), -4.0), magnitude, strong_repair())
    assert len(y) == 256 * n_frames and np.isfinite(y).all()


def test_memory_is_flat():
    """Half a minute after a few seconds takes no more than sound, sums and mel."""
    code = (
        "import resource, numpy as np, torch; torch.set_num_threads(1)\n"
        "from lecture_utils.fourier_vocoder import *\n"
        "networks = MagnitudeNetwork(8, 1).eval(), RepairNetwork(8, 1, 1).eval()\n"
        "for frames in (900, 9000):\n"
        "    y = vocode(np.full((80, frames), -4.0, np.float32), *networks)\n"
        "    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "    print(peak - 5 * y.nbytes / 2**20)"
    )
    done = subprocess.check_output([sys.executable, "-c", code], text=True)
    short, long = map(float, done.split())
    assert long - short < 25  # MB; all magnitudes alone would take 18, all spectra 35 more


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((np.zeros((80, 1)),), "1 frame given, at least 2"),
        ((np.zeros((40, 9)),), "40 bands given"),
        ((np.full((80, 9), np.nan),), "NaN or infinite"),
        ((np.zeros((80, 9)), "repair"), "expected a RepairNetwork, got str"),
        ((np.zeros((80, 9)), None, -1), "n_rounds=-1"),
    ],
)
def test_wrong_input_is_told(magnitude, arguments, told):
    log_mel, *others = arguments
    with pytest.raises((TypeError, ValueError), match=told):
        vocode(log_mel, magnitude, *others)


def test_a_missing_network_is_told():
    with pytest.raises(TypeError, match="expected a MagnitudeNetwork, got NoneType"):
        vocode(np.zeros((80, 9)), None)


def test_shipped_speech_networks_beat_griffin_lim():
    """On a voice they never heard."""
    from lecture_utils import weights

    x = data.load("arctic", 16000)[0]
    log_mel = mel.log_mel(x)
    x = x[: 256 * log_mel.shape[1]]
    networks = (
        weights.load("fourier_magnitude", MagnitudeNetwork),
        weights.load("fourier_repair", RepairNetwork),
    )
    ours = metrics.multi_resolution_stft(x, vocode(log_mel, *networks))
    searched = metrics.multi_resolution_stft(x, griffin_lim.from_mel(log_mel, seed=0))
    assert ours < 0.95 * searched
