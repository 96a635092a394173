"""MelGAN (Kumar et al. 2019): no mel loss, no noise, only discriminators at three scales.

(The course's weights `melgan` had a mel loss besides; `melgan_critics_only` had none.)
Layer names are those of the published checkpoints, which load with
:func:`lecture_utils.weights.load_published`. Used by notebook 06.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from lecture_utils import arguments
from lecture_utils.vocoder import Features, context_frames, conv1d, feature_matching_loss, scores

SLOPE = 0.2


class ResidualBlock(nn.Module):
    """Dilated convolution, then a 1x1, beside a 1x1 shortcut; the edges are mirrored."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            nn.ReflectionPad1d(dilation),
            conv1d(channels, channels, 3, dilation=dilation),
            nn.LeakyReLU(SLOPE),
            conv1d(channels, channels, 1),
        )
        self.shortcut = conv1d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(batch, channels, n)`` to the same shape."""
        return self.shortcut(x) + self.block(x)


class Generator(nn.Module):
    """Mel ``(batch, n_mels, frames)`` to sound ``(batch, 1, frames * 256)``.

    The kernel of every transposed convolution is twice its stride, so that each output is made by
    the same number of taps: no checkerboard.
    """

    kind = "melgan.Generator"

    def __init__(
        self,
        n_mels: int = 80,
        base_channels: int = 32,
        n_residual_layers: int = 3,
        rates: tuple[int, ...] = (8, 8, 2, 2),
    ) -> None:
        super().__init__()
        self.config = {
            "n_mels": n_mels, "base_channels": base_channels,
            "n_residual_layers": n_residual_layers, "rates": rates,
        }  # fmt: skip
        rates = arguments.counts(rates, "rates")
        n_residual_layers = arguments.number(n_residual_layers, "n_residual_layers", 0, 20, True)
        reach = sum(3**i for i in range(n_residual_layers))
        self.context_frames = context_frames(reach, rates, tuple(2 * rate for rate in rates))
        self.hop_length = math.prod(rates)
        arguments.count(base_channels, "base_channels")
        arguments.count(n_mels, "n_mels")
        channels = base_channels * 2 ** len(rates)
        layers = [nn.ReflectionPad1d(3), conv1d(n_mels, channels, 7)]
        for rate in rates:
            up = nn.ConvTranspose1d(
                channels, channels // 2, 2 * rate, rate,
                padding=rate // 2 + rate % 2, output_padding=rate % 2,
            )  # fmt: skip
            channels //= 2
            layers += [nn.LeakyReLU(SLOPE), weight_norm(up)]
            layers += [ResidualBlock(channels, 3**i) for i in range(n_residual_layers)]
        layers += [nn.LeakyReLU(SLOPE), nn.ReflectionPad1d(3), conv1d(channels, 1, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Return sound in [-1, 1]; the mirrored edges need four frames, fewer are repeated."""
        wanted = "batch", self.config["n_mels"], "frames"
        weight = next(self.parameters())
        log_mel = arguments.tensor(log_mel, "log_mel", wanted, like=weight)
        n_frames = log_mel.shape[-1]
        if n_frames < 4:
            log_mel = F.pad(log_mel, (0, 4 - n_frames), mode="replicate")
            return self.model(log_mel)[..., : n_frames * self.hop_length]
        return self.model(log_mel)


class ScaleDiscriminator(nn.Module):
    """Strided, grouped convolutions that judge overlapping windows of the wave."""

    def __init__(self, base_channels: int = 16, n_layers: int = 4) -> None:
        super().__init__()
        if arguments.number(base_channels, "base_channels", 4, whole=True) % 4:
            raise ValueError(
                f"{base_channels=}: give a multiple of 4, for groups of four channels."
            )
        n_layers = arguments.number(n_layers, "n_layers", 0, 20, whole=True)
        layers = {"layer_0": nn.Sequential(nn.ReflectionPad1d(7), conv1d(1, base_channels, 15))}
        channels = base_channels
        for layer in range(1, n_layers + 1):
            wider = min(channels * 4, 64 * base_channels)
            conv = conv1d(channels, wider, 41, stride=4, padding=20, groups=channels // 4)
            layers[f"layer_{layer}"] = nn.Sequential(conv)
            channels = wider
        layers[f"layer_{n_layers + 1}"] = nn.Sequential(conv1d(channels, channels, 5, padding=2))
        layers[f"layer_{n_layers + 2}"] = conv1d(channels, 1, 3, padding=1)
        self.model = nn.ModuleDict(layers)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return all feature maps of sounds ``(batch, 1, n)``; the last one is the score."""
        x = arguments.tensor(x, "sound", ("batch", 1, "n"), like=next(self.parameters()))
        if x.shape[-1] < 8:
            raise ValueError(f"sound: {x.shape[-1]} samples; the mirrored edges need 8 or more.")

        features = []
        for layer in self.model.values():
            x = layer(x)
            if len(features) < len(self.model) - 1:
                x = F.leaky_relu(x, SLOPE)
            features.append(x)
        return features


class MultiScaleDiscriminator(nn.Module):
    """The same discriminator on the sound, at half and at a quarter of its rate."""

    def __init__(self, base_channels: int = 16, n_scales: int = 3) -> None:
        super().__init__()
        self.model = nn.ModuleDict(
            {
                f"disc_{scale}": ScaleDiscriminator(base_channels)
                for scale in range(arguments.count(n_scales, "n_scales"))
            }
        )
        self.pool = nn.AvgPool1d(4, 2, padding=1, count_include_pad=False)

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], Features]:
        """Return each scale's scores and feature maps of sounds ``(batch, 1, n)``."""
        x = arguments.tensor(x, "sound", ("batch", 1, "n"), like=next(self.parameters()))
        judged, features = [], []
        for scale, discriminator in enumerate(self.model.values()):
            x = self.pool(x) if scale else x
            *maps, score = discriminator(x)
            judged.append(score)
            features.append(maps)
        return judged, features


def discriminator_loss(real: list[torch.Tensor], fake: list[torch.Tensor]) -> torch.Tensor:
    """Hinge (equation 1): real above 1, fake below -1; beyond that nothing is asked."""
    return sum(F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in scores(real, fake))


def generator_loss(fake: list[torch.Tensor]) -> torch.Tensor:
    """Hinge (equation 2): raise the score."""
    return -sum(f.mean() for f, _ in scores(fake, fake))


def feature_loss(real: Features, fake: Features) -> torch.Tensor:
    """Feature matching (equation 3), weight 10: mean over scales, layers as in the authors' code.

    That is their sum times 4 / (layers - 1), so 4 / 5 for the published six.
    """
    distance = feature_matching_loss(real, fake)
    return 10 * distance * 4 / max(1, len(real[0]) - 1) / len(real)
