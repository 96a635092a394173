"""A step of generator and discriminators moves what it should, and nothing else."""

import pytest
import torch

from lecture_utils import hifi_gan
from lecture_utils.train import adversarial


class Recorder(torch.nn.Module):
    """A discriminator that remembers what it was shown."""

    def __init__(self):
        super().__init__()
        self.scale, self.seen = torch.nn.Parameter(torch.ones(1)), []

    def forward(self, x):
        self.seen.append((x, self.scale.requires_grad))
        return [self.scale * x.mean(-1)], [[self.scale * x]]


def test_each_half_of_a_step_moves_its_own_networks_only():
    generator, discriminator = torch.nn.Conv1d(3, 1, 1), Recorder()
    snapshots = []

    def now(name):
        values = [
            p.detach().clone() for p in (*generator.parameters(), *discriminator.parameters())
        ]
        snapshots.append((name, values))

    class Watched(torch.optim.SGD):
        def __init__(self, name, module):
            super().__init__(module.parameters(), 0.1)
            self.name = name

        def step(self):
            now("before " + self.name)
            super().step()
            now("after " + self.name)

    game = adversarial.Adversarial(
        generator, [discriminator],
        (Watched("generator", generator), Watched("discriminator", discriminator)),
        hifi_gan.discriminator_loss, hifi_gan.generator_loss, hifi_gan.feature_loss,
        lambda real, fake: (real - fake).abs().mean(),
    )  # fmt: skip
    real, conditioning = torch.randn(2, 1, 50), torch.randn(2, 3, 50)
    losses = game.step(conditioning, real)
    assert list(losses) == ["critic", "fool", "features", "target"]
    assert [name for name, _ in snapshots] == [
        "before discriminator", "after discriminator", "before generator", "after generator"
    ]  # fmt: skip
    values = [v for _, v in snapshots]
    *g0, d0 = values[0]
    *g1, d1 = values[1]
    *g2, d2 = values[3]
    assert d0 != d1 and all(map(torch.equal, g0, g1))  # the discriminators' turn
    assert d1 == d2 and not any(map(torch.equal, g1, g2))  # the generator's turn
    (both, learns), (shown, real_learns), (fake, fake_learns) = discriminator.seen
    assert learns and not real_learns and not fake_learns
    assert not both.requires_grad  # made sound is detached for the discriminators
    assert torch.equal(both, torch.cat([real, fake])) and torch.equal(shown, real)
    assert fake.requires_grad and discriminator.scale.requires_grad
    # against plain arithmetic
    expected = ((1 - real.mean(-1)) ** 2).mean() + (fake.mean(-1) ** 2).mean()
    assert losses["critic"] == pytest.approx(expected.item(), rel=1e-5)
    assert losses["fool"] == pytest.approx(((1 - d1 * fake.mean(-1)) ** 2).mean().item(), rel=1e-5)
    expected = 2 * (d1 * (real - fake)).abs().mean()
    assert losses["features"] == pytest.approx(expected.item(), rel=1e-5)


def test_without_discriminators_only_the_target_counts():
    generator, discriminator = torch.nn.Conv1d(3, 1, 1), Recorder()
    optimizers = tuple(torch.optim.SGD(m.parameters(), 0.1) for m in (generator, discriminator))
    game = adversarial.Adversarial(generator, [discriminator], optimizers, None, None, None,
                                lambda real, fake: (real - fake).abs().mean())  # fmt: skip
    conditioning, real = torch.randn(2, 3, 50), torch.randn(2, 1, 50)
    first = game.step(conditioning, real, with_discriminators=False)
    second = game.step(conditioning, real, with_discriminators=False)
    assert list(first) == ["target"] and second["target"] < first["target"]
    assert not discriminator.seen and discriminator.scale.item() == 1
