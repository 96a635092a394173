"""The mel front-ends against librosa and the published formulas, and the way back."""

import librosa
import numpy as np
import pytest
import torch

from lecture_utils import mel


def vibrato(rate, seconds=2.0):
    t = np.arange(int(seconds * rate)) / rate
    turns = np.cumsum(300 * 2 ** (0.05 * np.sin(2 * np.pi * 5 * t))) / rate
    x = 0.3 * sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 15))
    # a little noise keeps empty bands above the rounding of a float32 transform
    return (x + np.random.default_rng(0).normal(0, 1e-3, len(t))).astype(np.float32)


def published(x, rate, f_max, epsilon, log):
    """The vocoders' recipe in float64 NumPy, written from its description."""
    edge = (1024 - 256) // 2
    padded = np.pad(x.astype(np.float64), edge, mode="reflect")
    n_frames = 1 + (len(padded) - 1024) // 256
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    frames = np.stack([padded[256 * t : 256 * t + 1024] * window for t in range(n_frames)], 1)
    magnitude = np.sqrt(np.abs(np.fft.rfft(frames, axis=0)) ** 2 + epsilon)
    bands = librosa.filters.mel(sr=rate, n_fft=1024, n_mels=80, fmin=0, fmax=f_max)
    return log(np.maximum(bands @ magnitude, 1e-5))


@pytest.mark.parametrize(
    ("name", "rate", "f_max", "epsilon", "log"),
    [
        ("course16k", 16000, 8000, 1e-9, np.log),
        ("hifi_gan22k", 22050, 8000, 1e-9, np.log),
        ("melgan22k", 22050, None, 0.0, np.log10),
    ],
)
def test_presets_equal_the_published_front_ends(name, rate, f_max, epsilon, log):
    x = vibrato(rate)
    ours = mel.log_mel(x, name)
    assert ours.shape == (80, len(x) // 256) and ours.dtype == np.float32
    assert np.abs(ours - published(x, rate, f_max, epsilon, log)).max() < 1e-4
    # the mistakes learners make are far outside that tolerance
    power = librosa.feature.melspectrogram(y=x, sr=rate, n_fft=1024, hop_length=256, n_mels=80)
    n = ours.shape[1]
    assert np.abs(log(np.maximum(power[:, :n], 1e-5)) - ours).mean() > 0.5


def test_logarithms_differ_by_ln_10():
    x = vibrato(22050)
    wide = mel.MelSpectrogram(22050, f_max=None, epsilon=1e-9)(torch.tensor(x)[None])[0]
    natural = torch.log(wide.clamp_min(1e-5)).numpy()
    assert np.abs(mel.log_mel(x, "melgan22k") * np.log(10) - natural).max() < 0.05


def test_silence_is_the_floor():
    assert np.allclose(mel.log_mel(np.zeros(4096)), np.log(1e-5), atol=0.6)
    assert np.allclose(mel.log_mel(np.zeros(4096), "melgan22k"), -5)


def test_frame_t_is_centred_half_a_hop_after_t_hops():
    x = np.zeros(8192, np.float32)
    x[10 * 256 + 128] = 1
    level = mel.log_mel(x).mean(0)
    assert level.argmax() == 10 and level[9] == pytest.approx(level[11], abs=1e-3)


def test_batches_equal_single_sounds_and_carry_gradients():
    x = torch.tensor(np.stack([vibrato(16000), 0.1 * vibrato(16000)]), requires_grad=True)
    batch = mel.log_mel(x)
    assert torch.equal(batch[1], mel.log_mel(x[1]))
    batch.sum().backward()
    assert torch.isfinite(x.grad).all() and x.grad.abs().sum() > 0


def test_sound_on_another_device_leaves_the_front_end_where_it_is():
    assert mel.log_mel(torch.empty(2, 4096, device="meta")).device.type == "meta"
    assert np.isfinite(mel.log_mel(vibrato(16000))).all()  # NumPy works on the processor still


def test_inverse_has_the_bands_and_is_nowhere_negative():
    x = vibrato(16000)
    log_mel = mel.log_mel(x)
    magnitude = mel.invert(log_mel)
    assert magnitude.shape == (513, log_mel.shape[1]) and magnitude.min() >= 0
    bands = mel.front_end("course16k").filters.numpy()
    error = np.linalg.norm(bands @ magnitude - np.exp(log_mel)) / np.linalg.norm(np.exp(log_mel))
    by_librosa = librosa.util.nnls(bands, np.exp(log_mel))
    theirs = np.linalg.norm(bands @ by_librosa - np.exp(log_mel)) / np.linalg.norm(np.exp(log_mel))
    assert error < 1e-3 and error < theirs


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mel.log_mel(np.ones(100)), "at least 385"),
        (lambda: mel.log_mel([]), "0 samples"),
        (lambda: mel.log_mel(np.full(9999, np.nan)), "is nan"),
        (lambda: mel.log_mel(np.ones(9999), "course16"), "did you mean 'course16k'"),
        (lambda: mel.log_mel(torch.ones(2, 3, 4)), "shape"),
        (lambda: mel.invert(np.zeros((79, 9))), "course16k has 80; make it with"),
        (lambda: mel.invert(np.zeros((9, 80))), "frames first"),
        (lambda: mel.invert(np.zeros((80, 0))), r"\(80, 0\)"),
        (lambda: mel.invert(np.full((80, 9), np.nan)), "NaN"),
        (lambda: mel.MelSpectrogram(16000, f_max=9000), "do not fit"),
        (lambda: mel.MelSpectrogram(-1), "sample rate"),
        (lambda: mel.MelSpectrogram(16000, n_fft=1000, hop_length=900), "overlap"),
    ],
)
def test_wrong_input_gets_one_sentence(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as info:
        call()
    assert "\n" not in str(info.value)


def test_inverse_is_faster_than_plain_gradient_steps():
    log_mel = mel.log_mel(vibrato(16000))
    wanted = torch.exp(torch.from_numpy(log_mel))
    bands = mel.front_end("course16k").filters
    found = torch.from_numpy(mel.invert(log_mel, n_iter=0))
    step = 1 / torch.linalg.matrix_norm(bands, ord=2) ** 2
    for _ in range(50):
        found = (found - step * (bands.T @ (bands @ found - wanted))).clamp_min(0)
    plain = torch.linalg.norm(bands @ found - wanted)
    ours = torch.linalg.norm(bands @ torch.from_numpy(mel.invert(log_mel, n_iter=50)) - wanted)
    assert ours < 0.2 * plain


def test_bands_are_as_wide_as_notebook_05_says():
    filters = mel.front_end("course16k").filters.numpy()
    bin_hz = 16000 / 1024
    centres = filters @ np.arange(513) * bin_hz / filters.sum(1)
    apart = np.diff(centres)
    assert abs(np.median(apart[centres[1:] < 1000]) - 37) < 1
    at_4_khz = np.abs(centres - 4000).argmin()
    assert abs(apart[at_4_khz] - 150) < 15
    assert abs(np.count_nonzero(filters[at_4_khz]) * bin_hz - 300) < 20


def test_what_a_caller_does_to_a_front_end_stays_with_the_caller():
    x = torch.tensor(vibrato(16000))
    before = mel.log_mel(x)
    theirs = mel.front_end("course16k").double()
    theirs.filters *= 0
    assert torch.equal(mel.log_mel(x), before)
