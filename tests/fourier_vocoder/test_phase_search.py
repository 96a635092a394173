"""The start phase follows partials, and Griffin-Lim improves on it."""

import numpy as np
import pytest
import torch

from lecture_utils.fourier_vocoder import spectrum as fourier
from lecture_utils.fourier_vocoder.phase_search import griffin_lim, start_phase, to_phasor


def partials(*frequencies, n_frames=60):
    t = np.arange(256 * n_frames) / 16000
    x = sum(0.1 * np.sin(2 * np.pi * f * t + i) for i, f in enumerate(frequencies))
    return torch.from_numpy(x)[None].float()


def convergence(magnitude, phasor):
    rebuilt = fourier.stft(fourier.istft(magnitude * phasor)).abs()
    return float((rebuilt - magnitude).norm() / magnitude.norm())


@pytest.mark.parametrize("frequencies", [(440.0,), (300.0, 1234.5, 3333.3), (70.3, 500.0)])
def test_steady_partials_get_their_own_phase(frequencies):
    """Up to one turn for all: what is made from the start phase alone is nearly the sound."""
    magnitude = fourier.stft(partials(*frequencies)).abs()
    inner = slice(4, -4)
    phasor = to_phasor(start_phase(magnitude))
    made = fourier.stft(fourier.istft(magnitude * phasor)).abs()
    assert (made - magnitude)[:, inner].norm() < 0.06 * magnitude[:, inner].norm()


def test_a_partial_that_glides_is_followed_into_other_bins():
    t = np.arange(256 * 80) / 16000
    x = torch.from_numpy(0.1 * np.sin(2 * np.pi * (400 * t + 150 * t**2)))[None].float()
    magnitude = fourier.stft(x).abs()
    torch.manual_seed(0)
    random = to_phasor(2 * np.pi * torch.rand(magnitude.shape, dtype=torch.float64))
    assert convergence(magnitude, to_phasor(start_phase(magnitude))) < 0.15
    assert convergence(magnitude, random) > 0.4


def test_the_start_goes_on_from_a_known_phase():
    magnitude = fourier.stft(partials(440.0, 1000.0)).abs()
    whole = start_phase(magnitude)
    # the frequency at the joint is the mean of two frames in the whole, one frame's in the part
    part = start_phase(magnitude[:, 20:], whole[:, 19])
    turned = torch.exp(1j * (whole[:, 20:] - part))
    loud = magnitude[:, 20:] > 1
    assert (turned[loud] - 1).abs().max() < 0.02


@pytest.mark.parametrize("level", [0.0, 1e-12, 1.0])
def test_a_frame_without_peaks_is_no_trouble(level):
    phase = start_phase(torch.full((1, 5, 513), level))
    assert phase.shape == (1, 5, 513) and phase.isfinite().all()


def test_rounds_bring_the_magnitude_nearer_and_keep_fixed_frames():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(0, 0.1, (1, 256 * 40))).float()
    magnitude = fourier.stft(x).abs()
    start = to_phasor(start_phase(magnitude))
    reached = [
        convergence(magnitude, griffin_lim(magnitude, n, start.clone(), n_fixed=3))
        for n in (0, 4, 16)
    ]
    assert reached[0] > 1.2 * reached[1] and reached[1] > 1.2 * reached[2]
    kept = griffin_lim(magnitude, 4, start.clone(), n_fixed=3)
    assert torch.equal(kept[:, :3], start[:, :3])
    assert not torch.allclose(kept[:, 3:], start[:, 3:], atol=0.1)


def test_momentum_is_worth_its_name():
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(0, 0.1, (1, 256 * 40))).float()
    magnitude = fourier.stft(x).abs()
    fast, plain = (griffin_lim(magnitude, 16, momentum=m) for m in (0.99, 0.0))
    assert convergence(magnitude, fast) < 0.9 * convergence(magnitude, plain)
