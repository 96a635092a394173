"""Framing of the transform: exact, the mel's, and undone by its inverse."""

import numpy as np
import pytest
import torch

from lecture_utils import mel
from lecture_utils.fourier_vocoder import spectrum as fourier


@pytest.fixture
def x():
    return torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (2, 30 * 256))).float()


def test_frames_are_those_of_the_mel(x):
    """So the magnitude of this STFT, put into bands, is what the vocoder was given."""
    front = mel.front_end("course16k")
    bands = fourier.stft(x).abs() @ front.filters.T
    assert torch.allclose(torch.log(bands), mel.log_mel(x).transpose(1, 2), atol=1e-4)


@pytest.mark.parametrize("n_frames", [2, 5, 8, 9, 30])
def test_inverse_returns_the_sound(x, n_frames):
    x = x[:, : 256 * n_frames]
    assert torch.allclose(fourier.istft(fourier.stft(x)), x, atol=1e-5)


def test_inverse_is_the_least_squares_answer(x):
    """No sound near it has an STFT that is nearer to a wish that no sound has."""
    torch.manual_seed(0)
    wish = torch.fft.rfft(torch.randn(1, 6, 1024))
    total = torch.zeros(9 * 256)
    weight = torch.zeros(9 * 256)
    window = torch.hann_window(1024)
    for t, frame in enumerate(torch.fft.irfft(wish[0])):
        total[256 * t : 256 * t + 1024] += window * frame
        weight[256 * t : 256 * t + 1024] += window**2
    wanted = (total / weight)[384:-384]
    assert torch.allclose(fourier.istft(wish)[0], wanted, atol=1e-5)


@pytest.mark.parametrize("n_frames", [3, 8, 9, 40])
def test_window_sum_of_any_length_is_the_sum(n_frames):
    weight = np.zeros((n_frames + 3) * 256)
    for t in range(n_frames):
        weight[256 * t : 256 * t + 1024] += torch.hann_window(1024).numpy() ** 2
    assert np.allclose(fourier.window_sum(n_frames), np.maximum(weight, 1e-3), atol=1e-5)


def test_smooth_magnitude_has_the_right_level():
    """A flat spectrum comes back flat, at its level, wherever two bands meet."""
    front = mel.front_end("course16k")
    log_mel = torch.log(front.filters.sum(1) * 0.3).expand(1, 4, 80)
    found = fourier.smooth_magnitude(log_mel)
    assert found.shape == (1, 4, 513)
    assert torch.allclose(found[..., 3:510], torch.tensor(0.3), rtol=1e-4)


def test_bands_come_back_to_the_level_of_the_mel(x):
    """Steps halve what is wrong with the bands; a right spectrum stays as it is."""
    spectrum = fourier.stft(x)
    log_mel = mel.log_mel(x).transpose(1, 2)
    assert torch.allclose(fourier.with_bands_of(spectrum, log_mel), spectrum, atol=1e-3)

    tilt = torch.linspace(0.5, 1.5, 513)
    made = [fourier.with_bands_of(spectrum * tilt, log_mel, n) for n in (0, 1, 2)]
    wrong = [
        float((mel.log_mel(fourier.istft(m)).transpose(1, 2) - log_mel).abs().mean()) for m in made
    ]
    assert wrong[1] < 0.2 * wrong[0] and wrong[2] < wrong[1]


def test_what_is_kept_from_playing_serves_training():
    """A front-end or a sum of windows that was first needed in inference mode is no trap later."""
    mel.kept_front_end.cache_clear()
    fourier.window_sum.cache_clear()

    def roundtrip(x):
        return mel.log_mel(fourier.istft(fourier.stft(x))).sum()

    x = torch.randn(1, 12 * fourier.HOP)
    with torch.inference_mode():
        roundtrip(x)
    x = x.clone().requires_grad_()
    roundtrip(x).backward()
    assert x.grad.abs().max() > 0
