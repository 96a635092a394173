"""MelGAN against its paper and its published checkpoint layout."""

import re

import pytest
import torch
from published import count, folded, melgan_written_out, old_twin
from torch.nn import functional as F

from lecture_utils import melgan
from lecture_utils.melgan import Generator, MultiScaleDiscriminator
from lecture_utils.vocoder import remove_weight_norm
from lecture_utils.weights import load_published


def loud_generator(**sizes):
    torch.manual_seed(0)
    twin = old_twin(Generator(**sizes), gain=1.75)
    return load_published(Generator(**sizes), twin.state_dict()), twin


# ------------------------------------------------------------------------------- generator


def test_size_and_names_are_the_published_ones():
    model = Generator()
    assert count(model) == 4_266_050
    keys = list(old_twin(model).state_dict())
    assert len(keys) == 126
    pattern = r"model\.\d+\.(block\.[24]\.|shortcut\.)?(bias|weight_g|weight_v)"
    assert all(re.fullmatch(pattern, key) for key in keys)
    assert count(remove_weight_norm(model)) == 4_260_257


@torch.no_grad()
def test_published_generator_loads_and_sounds_the_same():
    model, twin = loud_generator()
    mel = torch.randn(1, 80, 24)
    expected = twin(mel)
    assert expected.std() > 0.05 and expected.abs().max() < 0.999  # a wrong slope would show
    assert (model(mel) - expected).abs().max() < 1e-5
    assert (melgan_written_out(folded(twin.state_dict()), mel) - expected).abs().max() < 1e-5
    assert (remove_weight_norm(model)(mel) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 7, 32])
@torch.no_grad()
def test_256_samples_a_frame(n_frames):
    """The mirrored edges of the published network refuse fewer than four frames; ours does not."""
    model = Generator(base_channels=8)
    assert model.hop_length == 256
    assert model(torch.randn(2, 80, n_frames)).shape == (2, 1, 256 * n_frames)
    assert Generator(base_channels=8, rates=(8, 5, 5))(torch.zeros(1, 80, 7)).shape[-1] == 1400


@torch.no_grad()
def test_few_frames_sound_as_if_the_last_one_stayed():
    model, _ = loud_generator(base_channels=8)
    mel = torch.randn(1, 80, 2)
    stayed = torch.cat([mel, mel[..., 1:], mel[..., 1:]], -1)
    assert torch.equal(model(mel), model(stayed)[..., : 2 * 256])


def test_context_frames_cover_the_receptive_field():
    model, _ = loud_generator(base_channels=8)
    reached = []
    for sample in (20 * 256, 20 * 256 + 255):
        mel = torch.randn(1, 80, 41, dtype=torch.float64, requires_grad=True)
        model.double()(mel)[0, 0, sample].backward()
        frames = mel.grad[0].abs().sum(0).nonzero().flatten()
        reached += [20 - int(frames.min()), int(frames.max()) - 20]
    assert max(reached) <= model.context_frames <= max(reached) + 2


@torch.no_grad()
def test_a_steady_mel_repeats_every_hop():
    model, _ = loud_generator(base_channels=8)
    y = model(torch.randn(80, 1).expand(1, 80, 60))[0, 0]
    middle = y[20 * 256 : 40 * 256]
    assert middle.std() > 0.01
    assert (middle[256:] - middle[:-256]).abs().max() <= 1e-6


# ------------------------------------------------------------------------------- discriminators


@torch.no_grad()
def test_published_discriminators_load_and_judge_the_same():
    torch.manual_seed(0)
    assert [count(d) for d in MultiScaleDiscriminator().model.values()] == [5_641_362] * 3
    twin = old_twin(MultiScaleDiscriminator(base_channels=4))
    state = twin.state_dict()
    pattern = r"model\.disc_[0-2]\.model\.layer_([0-5]\.[01]|6)\.(bias|weight_g|weight_v)"
    assert all(re.fullmatch(pattern, key) for key in state)
    ours = load_published(MultiScaleDiscriminator(base_channels=4), state)
    x = torch.randn(2, 1, 8192)
    (scores, maps), (their_scores, their_maps) = ours(x), twin(x)
    for a, b in zip(scores + sum(maps, []), their_scores + sum(their_maps, []), strict=True):
        assert b.abs().max() > 1e-3 and (a - b).abs().max() < 1e-5
    # the first scale, written out
    w, y = folded(state), F.pad(x, (7, 7), mode="reflect")
    strides = [(0, "0.1", 1, 1, 0)] + [(i, f"{i}.0", 4, 4 ** (i - 1), 20) for i in range(1, 5)]
    for i, key, stride, groups, pad in strides:
        key = f"model.disc_0.model.layer_{key}"
        y = F.conv1d(y, w[f"{key}.weight"], w[f"{key}.bias"], stride, pad, 1, groups)
        y = F.leaky_relu(y, 0.2)
        assert (maps[0][i] - y).abs().max() < 1e-5


@torch.no_grad()
def test_feature_maps_have_the_published_shapes():
    scores, maps = MultiScaleDiscriminator()(torch.randn(1, 1, 8192))
    shapes = [tuple(m.shape[1:]) for m in [*maps[0], scores[0]]]
    assert shapes == [
        (16, 8192), (64, 2048), (256, 512), (1024, 128), (1024, 32), (1024, 32), (1, 32)
    ]  # fmt: skip
    assert [s.shape[-1] for s in scores] == [32, 16, 8]


def test_pool_leaves_the_padding_out():
    pooled = MultiScaleDiscriminator(base_channels=4).pool(torch.arange(1.0, 9)[None])
    assert pooled[0].tolist() == [2, 3.5, 5.5, 7]


# ------------------------------------------------------------------------------- losses


def test_hinge_asks_for_nothing_beyond_one():
    scores = [torch.tensor([[2.0, 1.0]]), torch.tensor([[0.5, -1.0]])]
    assert melgan.discriminator_loss(scores, [-s for s in scores]) == 2 * (0 + (0.5 + 2) / 2)
    assert melgan.discriminator_loss(scores, scores) == (3 + 2) / 2 + (0.5 + 2) / 2 + (1.5 + 0) / 2
    assert melgan.generator_loss(scores) == -(1.5 - 0.25)


def test_feature_matching_is_ten_times_four_fifths_of_a_third():
    real = [[torch.zeros(1, 4, 8)] * 6] * 3
    fake = [[torch.full((1, 4, 8), 0.5)] * 6] * 3
    expected = 10 * (1 / 3) * (4 / 5) * 18 * 0.5
    assert melgan.feature_loss(real, fake).item() == pytest.approx(expected)


def test_feature_matching_moves_only_the_made_sound():
    real, fake = (torch.zeros(1, 2, 3).requires_grad_(), torch.ones(1, 2, 3).requires_grad_())
    melgan.feature_loss([[real] * 6], [[fake] * 6]).backward()
    assert real.grad is None and fake.grad.abs().sum() > 0
