"""MuseGAN's parts: the penalty by hand, what noise reaches, given tracks, the recipe."""

import numpy as np
import pytest
import torch

from lecture_utils import gan, train_gan


@pytest.mark.parametrize("size", [0.0, 0.3, 2.0])
def test_penalty_of_a_linear_critic_is_its_slope(size):
    torch.manual_seed(0)
    w = torch.randn(24)
    w = size * w / w.norm()
    real, fake = torch.randn(2, 5, 2, 12)
    found = gan.gradient_penalty(lambda x: x.flatten(1) @ w, real, fake)
    assert found.item() == pytest.approx((size - 1) ** 2, abs=1e-6)


def test_penalty_is_taken_between_real_and_fake():
    """The critic |x|^2 / 2 has the slope x."""
    real, fake = torch.full((1, 4), 2.0), torch.full((1, 4), 1.0)
    for mix, place in ((0.0, 1.0), (1.0, 2.0), (0.25, 1.25)):
        found = gan.gradient_penalty(lambda x: (x**2).sum(1) / 2, real, fake, torch.tensor([mix]))
        assert found.item() == pytest.approx((2 * place - 1) ** 2, abs=1e-5)


def test_losses_by_hand():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -1.0])
    assert gan.critic_loss(real, fake).item() == pytest.approx(-2.5)
    assert gan.generator_loss(fake).item() == pytest.approx(0.5)


def small():
    torch.manual_seed(0)
    return gan.Generator(noise=8, hidden=16, code=8).eval()


def test_private_noise_reaches_its_track_alone_and_shared_noise_all():
    model = small()
    base = model.noise(1, seed=0)
    with torch.inference_mode():
        soft = model.bars.keys.bias.clone()  # rounding hides small changes: compare many draws
        for part in ("private", "private_in_time"):
            touched = set()
            for seed in range(1, 20):
                other = {k: v.clone() for k, v in base.items()}
                other[part][:, 2] = 5 * model.noise(1, seed)[part][:, 2]
                different = (model(other) != model(base)).flatten(2).any(-1)[0]
                touched |= set(torch.nonzero(different)[:, 0].tolist())
            assert touched == {2}, part
        touched = set()
        for seed in range(1, 20):
            other = base | {"shared": 5 * model.noise(1, seed)["shared"]}
            different = (model(other) != model(base)).flatten(2).any(-1)[0]
            touched |= set(torch.nonzero(different)[:, 0].tolist())
        assert touched == set(range(5)) and soft.shape == (5, 1, 12)


def test_noise_that_is_constant_in_time_gives_four_equal_bars():
    model = small()
    noise = model.noise(2, seed=1)
    for part in ("shared_in_time", "private_in_time"):
        getattr(model, part)[2].weight.data.zero_()
        getattr(model, part)[2].bias.data.zero_()
    bars = torch.from_numpy(gan.generate(model, noise)).unflatten(2, (4, 16))
    assert (bars == bars[:, :, :1]).all()


def test_given_track_comes_back_and_the_others_answer_it():
    model, rng = small(), np.random.default_rng(0)
    noise = model.noise(2, seed=0)
    one, other = rng.random((2, 2, 5, 64, 84)) < 0.02
    made = [gan.generate(model, noise, given, track=3) for given in (one, other)]
    assert np.array_equal(made[0][:, 3], one[:, 3])
    assert np.array_equal(made[1][:, 3], other[:, 3])
    alone = gan.generate(model, noise)
    assert alone.dtype == bool and alone.shape == (2, 5, 64, 84)


def test_moved_keeps_what_stays_on_the_keyboard():
    cells = np.zeros((2, 84), bool)
    cells[0, 0] = cells[1, 83] = True
    assert np.argwhere(train_gan.moved(cells, 2)).tolist() == [[0, 2]]
    assert np.argwhere(train_gan.moved(cells, -2)).tolist() == [[1, 81]]


def test_critic_learns_to_tell_phrases_from_noise():
    torch.manual_seed(0)
    critic = gan.Critic(8)
    real = torch.from_numpy(train_gan.Phrases().cells[:16].astype(np.float32))
    fake = (torch.rand_like(real) < real.mean()).float()
    optimizer = torch.optim.Adam(critic.parameters(), 5e-3, betas=(0.5, 0.9))
    gaps = []
    for _ in range(30):
        scores = critic(real), critic(fake)
        loss = gan.critic_loss(*scores) + 10 * gan.gradient_penalty(critic, real, fake)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        gaps.append((scores[0].mean() - scores[1].mean()).item())
    assert scores[0].shape == (16,) and gaps[-1] > gaps[0] + 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: gan.gradient_penalty(lambda x: x, torch.ones(2, 3), torch.ones(2, 4)), "shape"),
        (lambda m: gan.gradient_penalty(lambda x: x, torch.ones(2, 3), torch.ones(2, 3)), "scores"),
        (lambda m: gan.generate(m, {}), "noise"),
        (lambda m: gan.generate(m, m.noise(1, 0), track=1), "given, track"),
        (lambda m: gan.generate(m, m.noise(1, 0), np.zeros((1, 5, 64, 84)), 7), "track"),
        (lambda m: gan.generate(m, m.noise(1, 0), np.zeros((1, 4, 64, 84)), 1), "given"),
        (lambda m: m.noise(0), "batch"),
        (lambda m: gan.interpolate(m.noise(1, 0), m.noise(1, 1), 2.0), "way"),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call(small())
    assert "\n" not in str(error.value)
