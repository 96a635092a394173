"""Griffin-Lim against librosa, torchaudio and its own theory."""

import librosa
import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given, settings
from hypothesis import strategies as st

from lecture_utils import audio
from lecture_utils.griffin_lim import LeastSquaresSTFT, griffin_lim, spectral_convergence

N_FFT, HOP = 1024, 256


@pytest.fixture(scope="module")
def sound():
    """Five seconds with partials, vibrato, noise and two clicks."""
    rng = np.random.default_rng(1)
    t = np.arange(5 * 16000) / 16000
    f0 = 220 * 2 ** (0.03 * np.sin(2 * np.pi * 5 * t))
    turns = np.cumsum(f0) / 16000
    x = sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 12)) * 0.15
    x += rng.normal(0, 0.01, len(t))
    x[[20000, 50000]] += 0.5
    return x.astype(np.float32)


@pytest.fixture(scope="module")
def magnitude(sound):
    return np.abs(audio.stft(sound, N_FFT, HOP))


def reference_librosa(magnitude, n_iter, momentum, length):
    return librosa.griffinlim(
        magnitude, n_iter=n_iter, hop_length=HOP, momentum=momentum, init=None,
        pad_mode="reflect", length=length,
    )  # fmt: skip


@pytest.mark.parametrize("momentum", [0.0, 0.99])
@pytest.mark.parametrize("n_iter", [1, 2])
def test_waveform_equals_librosa(sound, magnitude, momentum, n_iter):
    ours = griffin_lim(magnitude, n_iter, momentum, init="zeros", length=len(sound))
    theirs = reference_librosa(magnitude, n_iter, momentum, len(sound))
    assert np.abs(ours - theirs).max() < 5e-5


@pytest.mark.parametrize("momentum", [0.0, 0.99])
def test_convergence_equals_librosa_and_torchaudio(sound, magnitude, momentum):
    ours = griffin_lim(magnitude, 60, momentum, init="zeros", length=len(sound))
    theirs = reference_librosa(magnitude, 60, momentum, len(sound))
    transform = torchaudio.transforms.GriffinLim(
        N_FFT, n_iter=60, hop_length=HOP, power=1.0, momentum=momentum,
        rand_init=False, length=len(sound),
    )  # fmt: skip
    reached = spectral_convergence(ours, magnitude)
    assert abs(reached - spectral_convergence(theirs, magnitude)) < 0.003
    assert abs(reached - spectral_convergence(transform(torch.tensor(magnitude)), magnitude)) < 3e-3


@pytest.mark.parametrize("init", ["zeros", "random"])
def test_error_never_rises_without_momentum(magnitude, init):
    _, history = griffin_lim(magnitude.astype(float), 40, 0, init=init, seed=0, history=True)
    assert len(history) == 41 and np.diff(history).max() <= 1e-12
    assert history[-1] < 0.6 * history[0]


def test_momentum_is_worth_decibels(magnitude):
    plain, fast = (griffin_lim(magnitude, 60, m, seed=0, history=True)[1][-1] for m in (0, 0.99))
    assert 20 * np.log10(plain / fast) > 3


def test_history_is_the_convergence_of_the_iterates(sound, magnitude):
    y, history = griffin_lim(magnitude, 5, seed=3, history=True, length=len(sound))
    for k in range(5):
        partial = griffin_lim(magnitude, k, seed=3, length=len(sound))
        assert spectral_convergence(partial, magnitude) == pytest.approx(history[k], abs=1e-5)
    assert spectral_convergence(y, magnitude) == pytest.approx(history[-1], abs=1e-6)


def test_true_phase_is_a_fixed_point(sound, magnitude):
    phase = np.angle(audio.stft(sound, N_FFT, HOP))
    y = griffin_lim(magnitude, 3, init=phase, length=len(sound))
    assert np.abs(y - sound).max() < 1e-4


def test_the_inverse_is_the_least_squares_solution():
    """Solve the small problem with a matrix, without any knowledge of windows and overlap."""
    torch.manual_seed(0)
    transform = LeastSquaresSTFT(96, 32, 8, torch.float64)
    spectrum = torch.fft.rfft(torch.randn(transform.n_frames, 32, dtype=torch.float64))
    n_padded = 96 + 32  # the mirrored edges are free unknowns, cut off afterwards
    rows = []
    for frame in range(transform.n_frames):
        block = torch.zeros(32, n_padded, dtype=torch.float64)
        block[:, 8 * frame : 8 * frame + 32] = torch.diag(transform.window)
        rows.append(block)
    frames = torch.fft.irfft(spectrum, n=32).reshape(-1, 1)
    solution = torch.linalg.lstsq(torch.cat(rows), frames, driver="gelsd").solution
    assert (solution[16:-16, 0] - transform.inverse(spectrum)).abs().max() < 1e-10


@pytest.mark.parametrize("hop", [64, 100, 128])
def test_a_tone_is_not_louder_than_it_was(hop):
    """Within 6 dB of its peak; at the ends, where fewer frames overlap, within 9 dB."""
    rng, n_fft = np.random.default_rng(0), 256
    for seed in range(60):
        n, turn = int(rng.integers(600, 2000)), rng.uniform(0.01, 0.4)
        x = 0.5 * np.sin(2 * np.pi * (turn * np.arange(n) + rng.random()))
        found = griffin_lim(
            np.abs(audio.stft(x, n_fft, hop)), 8, hop_length=hop, seed=seed, length=n
        )
        assert np.abs(found).max() < 0.5 * 10 ** (9 / 20)
        assert np.abs(found[n_fft:-n_fft]).max(initial=0) < 2 * 0.5


def test_seed_tensor_and_dtype(magnitude):
    a, b = (griffin_lim(magnitude, 2, seed=7) for _ in range(2))
    assert np.array_equal(a, b) and not np.array_equal(a, griffin_lim(magnitude, 2, seed=8))
    t = griffin_lim(torch.tensor(magnitude), 2, seed=7)
    assert isinstance(t, torch.Tensor) and np.array_equal(t.numpy(), a)
    assert griffin_lim(magnitude.astype(np.float64), 1).dtype == np.float64


@pytest.mark.parametrize("hop", [100, 128, 300, 512])
def test_any_hop(hop):
    x = np.random.default_rng(0).normal(0, 0.1, 9999).astype(np.float32)
    spectrum = audio.stft(x, N_FFT, hop)
    y = griffin_lim(np.abs(spectrum), 0, hop_length=hop, init=np.angle(spectrum), length=len(x))
    assert np.abs(y - x).max() < 1e-4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(magnitude=-np.ones((513, 20))), "negative entries"),
        (dict(magnitude=np.full((513, 20), np.nan)), "NaN or infinite"),
        (dict(magnitude=np.zeros((513, 20))), "no sound to find"),
        (dict(magnitude=np.ones((513, 20), complex)), "np.abs"),
        (dict(magnitude=np.ones(513)), "expected shape"),
        (dict(magnitude=np.ones((2, 513, 20))), "expected shape"),
        (dict(magnitude=np.ones((513, 1))), "expected shape"),
        (dict(magnitude=np.ones((20, 513)), n_fft=1024), "transpose the array"),
        (dict(magnitude=np.array([["a"] * 9] * 9)), "expected real numbers"),
        (dict(n_iter=-1), "n_iter"),
        (dict(n_iter=2.5), "n_iter"),
        (dict(momentum=1.0), "momentum"),
        (dict(momentum=-0.1), "momentum"),
        (dict(hop_length=-256), "hop_length"),
        (dict(hop_length=900), "overlap"),
        (dict(init="ones"), "'random', 'zeros'"),
        (dict(init=np.zeros((513, 21))), "init"),
        (dict(init=np.full((513, 20), np.nan)), "init"),
        (dict(length=99999), "length"),
        (dict(magnitude=np.ones((513, 2))), "too short"),
    ],
)
def test_wrong_input_gets_one_sentence(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message) as info:
        griffin_lim(**{"magnitude": np.ones((513, 20)), **arguments})
    assert "\n" not in str(info.value)


def test_convergence_door():
    with pytest.raises(ValueError, match="same length"):
        spectral_convergence(np.ones(9999), np.ones((513, 20)))


@settings(max_examples=25, deadline=None)
@given(
    bins=st.integers(1, 40), frames=st.integers(1, 30), hop=st.integers(-1, 40),
    n_iter=st.integers(0, 2), seed=st.integers(0, 9),
)  # fmt: skip
def test_any_size_works_or_is_refused_clearly(bins, frames, hop, n_iter, seed):
    magnitude = np.random.default_rng(seed).random((bins, frames))
    try:
        y = griffin_lim(magnitude, n_iter, hop_length=hop, seed=seed)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert y.shape == ((frames - 1) * hop,) and np.isfinite(y).all()
