"""WaveNet: codes, causality, and generation equal to the whole network."""

import os
import re
import signal
import time

import numpy as np
import pytest
import torch
import torchaudio

from lecture_utils import wavenet
from lecture_utils.wavenet import (
    CausalConv1d,
    WaveNet,
    generate,
    generate_naive,
    generation,
    inner_loop,
    mu_law,
)


def small(conditioning_channels=0, **options):
    torch.manual_seed(0)
    model = WaveNet(8, 2, 8, 16, conditioning_channels, conditioning_hop=16, **options)
    with torch.no_grad():  # stronger than the default start, so that a mistake shows
        for parameter in model.parameters():
            parameter.mul_(2.0)
    return model.eval()


# ------------------------------------------------------------------------------- codes


def test_mu_law_equals_torchaudio_and_silence_is_128():
    x = np.random.default_rng(0).uniform(-1, 1, 10000).astype(np.float32)
    expected = torchaudio.functional.mu_law_encoding(torch.tensor(x), 256).numpy()
    assert np.mean(wavenet.mu_law_encode(x) == expected) > 0.999  # float32 edges may differ
    assert np.abs(wavenet.mu_law_encode(x) - expected).max() <= 1
    assert wavenet.mu_law_encode(np.zeros(1)) == 128
    ladder = wavenet.mu_law_encode(np.linspace(-1, 1, 9))
    assert ladder.tolist() == [0, 7, 16, 32, 128, 223, 239, 248, 255]
    decoded = torchaudio.functional.mu_law_decoding(torch.arange(256), 256).numpy()
    assert np.abs(wavenet.mu_law_decode(np.arange(256)) - decoded).max() < 1e-6


@pytest.mark.parametrize("n_codes", [16, 256, 65536])
def test_mu_law_round_trip(n_codes):
    codes = np.arange(n_codes)
    assert np.array_equal(
        wavenet.mu_law_encode(wavenet.mu_law_decode(codes, n_codes), n_codes), codes
    )


@pytest.mark.parametrize(
    ("codes", "error", "message"),
    [
        ([0.1, 0.2], TypeError, "mu_law_encode"),
        ([0, 256], ValueError, "0 .. 255"),
        ([-1], ValueError, "0 .. 255"),
        ([], TypeError, "codes"),
        ([[1, 2]], ValueError, "shape"),
    ],
)
def test_wrong_codes(codes, error, message):
    with pytest.raises(error, match=message):
        mu_law.check_codes(codes)


# ------------------------------------------------------------------------------- network


def test_causal_convolution_sees_no_future():
    conv = CausalConv1d(1, 1, 3, dilation=4)
    x = torch.randn(1, 1, 50, requires_grad=True)
    y = conv(x)
    assert y.shape == x.shape
    y[0, 0, 30].backward()
    assert x.grad[0, 0].nonzero().flatten().tolist() == [22, 26, 30]


def test_parameters_and_receptive_field():
    model = WaveNet(20, 2, 32, 64)
    assert model.receptive_field == 2047
    assert wavenet.receptive_field([1, 2, 4, 8], kernel_size=2) == 16
    layer = 2 * 32 * 64 + 64 + 32 * 32 + 32 + 32 * 64 + 64
    output = 64 * 64 + 64 + 64 * 256 + 256
    assert sum(p.numel() for p in model.parameters()) == 256 * 32 + 20 * layer + output


@torch.no_grad()
def test_changing_one_sample_changes_exactly_the_receptive_field():
    model = small().double()
    field = model.receptive_field
    codes = torch.randint(0, 256, (1, 100 + field + 50))
    other = codes.clone()
    other[0, 100] = (codes[0, 100] + 77) % 256
    changed = (model(codes) != model(other)).any(1)[0].nonzero().flatten()
    assert changed.tolist() == list(range(101, 101 + field))


@torch.no_grad()
def test_block_is_the_equation_of_the_paper():
    block = wavenet.GatedResidualBlock(3, 5, 2, 4)
    x, c = torch.randn(1, 3, 20), torch.randn(1, 4, 20)
    taps = torch.nn.functional.conv1d(torch.nn.functional.pad(x, (2, 0)), block.conv.weight,
                                      block.conv.bias, dilation=2)  # fmt: skip
    gates = taps + block.conditioning(c)
    z = torch.tanh(gates[:, :3]) * torch.sigmoid(gates[:, 3:])
    residual, skip = block(x, c)
    assert torch.allclose(residual, x + block.residual(z)) and torch.allclose(skip, block.skip(z))


def test_bits_of_a_guess():
    logits = torch.zeros(1, 256, 10)
    assert wavenet.negative_log_likelihood(logits, torch.zeros(1, 10, dtype=torch.long)) == 8


# ------------------------------------------------------------------------------- generation


@pytest.mark.parametrize("channels", [0, 3])
@torch.no_grad()
def test_cached_generation_equals_the_whole_network(channels):
    model = small(channels)
    n = model.receptive_field + 200
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 256, n)
    frames = rng.normal(0, 1, (channels, -(-n // 16))).astype(np.float32) if channels else None
    logits = np.empty((n, 256), np.float32)
    generator = wavenet.Generator(model, frames, n)
    for start in range(0, n, 37):  # in blocks, as generate does
        block = slice(start, start + 37)
        generator.advance(codes[block].copy(), np.zeros(37, np.float32), 1.0, 37, logits[block])
    batch = None if frames is None else torch.tensor(frames)[None]
    expected = model(torch.tensor(codes)[None], batch)[0].T.numpy()
    assert np.abs(expected).max() > 1
    assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max()


@torch.no_grad()
def test_greedy_and_drawn_sequences_equal_the_naive_loop():
    model = small()
    for temperature in (1e-6, 1.0):
        fast = generate(
            model, 120, temperature=temperature, seed=3, return_codes=True, progress=False
        )
        slow = generate_naive(model, 120, temperature=temperature, seed=3)
        assert np.array_equal(fast, slow)


@torch.no_grad()
def test_drawing_follows_the_probabilities():
    """With all weights zero only the output bias speaks: a known distribution."""
    model = small()
    for parameter in model.parameters():
        parameter.zero_()
    wanted = np.random.default_rng(0).dirichlet(np.full(256, 0.5))
    model.output[3].bias.copy_(torch.tensor(np.log(wanted + 1e-12)))
    codes = generate(model, 60000, seed=0, return_codes=True, progress=False)
    counts = np.bincount(codes, minlength=256) / len(codes)
    assert np.abs(counts - wanted).max() < 0.005


def test_prime_seed_callback_and_sound():
    model, heard = small(), []
    prime = np.arange(50)
    codes = generate(model, 3500, prime=prime, seed=1, return_codes=True,
                     callback=heard.append, progress=False)  # fmt: skip
    assert np.array_equal(codes[:50], prime) and len(heard) == 3
    assert np.array_equal(np.concatenate(heard), codes)
    sound = generate(model, 3500, prime=prime, seed=1, progress=False)
    assert sound.dtype == np.float32 and np.array_equal(sound, wavenet.mu_law_decode(codes))


def test_interrupt_keeps_what_was_made(capsys):
    def stop(_):
        raise KeyboardInterrupt

    sound = generate(small(), 16000, seed=0, callback=stop, progress=False)
    assert len(sound) == generation.BLOCK
    assert "they are kept" in capsys.readouterr().out


def test_an_interrupt_leaves_callback_and_result_in_step(capsys):
    """The signal comes when it wants; what was handed out and what is returned stay the same."""
    heard = []

    def listening(codes):
        if len(heard) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        heard.append(codes)

    codes = generate(small(), 16000, seed=0, callback=listening, return_codes=True, progress=False)
    assert len(heard) == 3 and np.array_equal(codes, np.concatenate(heard))
    assert "Stopped after 4800 of 16000" in capsys.readouterr().out


def test_a_long_request_says_how_long_it_takes(capsys, monkeypatch):
    def stop(codes):
        if len(heard) == 12:
            raise KeyboardInterrupt
        heard.append(codes)

    heard = []
    monkeypatch.setattr(generation.Generator, "advance", lambda self, *a: time.sleep(0.01))
    generate(small(), 3600 * 16000, seed=0, callback=stop)
    assert re.search("57,600,000 samples will take about [0-9]+ minutes", capsys.readouterr().out)


@pytest.mark.parametrize("kept", [True, False])
def test_compiling_is_announced(capsys, monkeypatch, tmp_path, kept):
    generate(small(), 100, seed=0)  # from here on numba's own file is there
    folder = inner_loop.advance.stats.cache_path if kept else str(tmp_path)

    class NeverCalled:
        signatures, stats = [], type("Stats", (), {"cache_path": folder})

    capsys.readouterr()
    monkeypatch.setattr(generation.Generator, "advance", lambda self, *a: None)
    monkeypatch.setattr("lecture_utils.wavenet.inner_loop.advance", NeverCalled)
    generate(small(), 100, seed=0)
    assert ("compiled" in capsys.readouterr().out) is not kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(n_samples=0), "n_samples"),
        (dict(n_samples=1.5), "n_samples"),
        (dict(temperature=0), "temperature"),
        (dict(temperature=float("nan")), "temperature"),
        (dict(prime=np.zeros(101, int)), "prime"),
        (dict(prime=[0.5]), "mu_law_encode"),
        (dict(prime=[300]), "0 .. 255"),
        (dict(conditioning=np.zeros((3, 50))), "takes none"),
    ],
)
def test_wrong_requests(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        generate(small(), **{"n_samples": 100, "progress": False, **arguments})


@pytest.mark.parametrize(
    "frames", [None, np.zeros((3, 6)), np.zeros((4, 7)), np.full((3, 7), np.nan)]
)
def test_wrong_conditioning(frames):
    with pytest.raises(ValueError, match="conditioning"):
        generate(small(3), 100, conditioning=frames, progress=False)
