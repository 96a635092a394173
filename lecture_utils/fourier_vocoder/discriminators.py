"""Small discriminators on log spectrograms, for training the repair network."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from lecture_utils.vocoder import Features


class SpectrogramDiscriminator(nn.Module):
    """Two-dimensional convolutions over a log spectrogram (UnivNet, Jang et al. 2021; Vocos).

    Parameters
    ----------
    n_fft, hop_length : int
        Of the spectrogram, in samples.
    """

    def __init__(self, n_fft: int, hop_length: int) -> None:
        super().__init__()
        self.n_fft, self.hop_length = n_fft, hop_length
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        c = 8
        # channels in and out, stride in frequency
        sizes = [(1, c, 4), (c, c, 2), (c, c, 2), (c, c, 2)]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(i, o, (3, 9), (1, stride), padding=(1, 4)))
            for i, o, stride in sizes
        )
        self.convs.append(weight_norm(nn.Conv2d(c, c, 3, padding=1)))
        self.conv_post = weight_norm(nn.Conv2d(c, 1, 3, padding=1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return scores ``(batch, -1)`` of sounds ``(batch, 1, n)``, and all feature maps."""
        spectrum = torch.stft(
            x[:, 0].float(), self.n_fft, self.hop_length, window=self.window, return_complex=True
        )
        power = spectrum.real**2 + spectrum.imag**2
        x = (0.5 * torch.log(power + 1e-8) + 4).transpose(1, 2)[:, None] / 3
        features = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
            features.append(x)
        x = self.conv_post(x)
        return x.flatten(1), [*features, x]


class MultiSpectrogramDiscriminator(nn.Module):
    """Three spectrogram discriminators, with short, middle and long windows."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((256, 64), (512, 128), (1024, 256))
        self.discriminators = nn.ModuleList(SpectrogramDiscriminator(*s) for s in sizes)

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], Features]:
        """Return each discriminator's scores and feature maps of sounds ``(batch, 1, n)``."""
        scores, features = zip(*(d(x) for d in self.discriminators), strict=True)
        return list(scores), list(features)
