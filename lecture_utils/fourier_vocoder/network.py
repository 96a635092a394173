"""Two networks at frame rate, one before Griffin-Lim and one after it.

Both look at a few neighbouring frames and know nothing of samples: the Fourier transform makes
the time signal. Used by notebook 10.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from lecture_utils import arguments
from lecture_utils.fourier_vocoder.spectrum import BINS, N_FFT, smooth_magnitude

#: Magnitudes below this count as silence, in losses and in logarithms.
FLOOR = 1e-5


class Block(nn.Module):
    """ConvNeXt block (Liu et al. 2022) in one dimension, as in Vocos (Siuzdak 2023).

    First every channel looks along time on its own, then every frame mixes its channels.
    """

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.along_time = nn.Conv1d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.wide, self.narrow = (
            nn.Linear(channels, 3 * channels),
            nn.Linear(3 * channels, channels),
        )
        self.scale = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(batch, frames, channels)`` to the same shape."""
        h = self.along_time(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.narrow(F.gelu(self.wide(self.norm(h))))


class Trunk(nn.Module):
    """What both networks are made of: a first layer, a stack of blocks, a last layer."""

    def __init__(self, n_in: int, n_out: int, channels: int, n_blocks: int, kernel: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(n_in, channels, kernel, padding=kernel // 2)
        self.norm = nn.LayerNorm(channels)
        self.blocks = nn.ModuleList(Block(channels, 1 / n_blocks) for _ in range(n_blocks))
        self.last_norm, self.last = nn.LayerNorm(channels), nn.Linear(channels, n_out)
        for layer in self.modules():
            if isinstance(layer, (nn.Conv1d, nn.Linear)):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        self.context_frames = kernel // 2 + 3 * n_blocks

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``(batch, frames, n_in)`` to ``(batch, frames, n_out)``."""
        if self.first.kernel_size == (1,):  # the same as a linear layer, and faster so
            h = F.linear(x, self.first.weight[:, :, 0], self.first.bias)
        else:
            h = self.first(x.transpose(1, 2)).transpose(1, 2)
        h = self.norm(h)
        for block in self.blocks:
            h = block(h)
        return self.last(self.last_norm(h))


class MagnitudeNetwork(nn.Module):
    """From a log-mel to the logarithm of the magnitude that it came from.

    80 bands do not determine 513 bins, but sounds are not arbitrary: the network has learned what
    lies between. It starts from :func:`smooth_magnitude` and gives a factor for every bin
    (FreeV, Lv et al. 2024, starts from the pseudo-inverse in the same way).

    Parameters
    ----------
    channels, n_blocks : int
        Size.
    """

    kind = "fourier_vocoder.MagnitudeNetwork"

    def __init__(self, channels: int = 160, n_blocks: int = 5) -> None:
        super().__init__()
        self.config = {
            "channels": arguments.number(channels, "channels", 1, whole=True),
            "n_blocks": arguments.number(n_blocks, "n_blocks", 1, whole=True),
        }
        self.trunk = Trunk(80, BINS, channels, n_blocks, kernel=7)
        nn.init.zeros_(self.trunk.last.weight)
        self.context_frames = self.trunk.context_frames

    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Map log-mels ``(batch, frames, 80)`` to log magnitudes ``(batch, frames, 513)``."""
        start = torch.log(smooth_magnitude(log_mel).clamp_min(FLOOR))
        return start + 4 * torch.tanh(self.trunk(normalised(log_mel)).float() / 4)


class RepairNetwork(nn.Module):
    """A gain and a rotation for every bin of what Griffin-Lim found.

    It reads Griffin-Lim's STFT, its phase only as differences between neighbours in time and in
    frequency, since a common rotation of all bins is not heard, and the magnitude that was wanted:
    where the two magnitudes differ, Griffin-Lim did not find a phase. At the start of training it
    changes nothing. (Masuyama et al. 2019, *Deep Griffin-Lim*, put such a network into the loop.)

    Parameters
    ----------
    channels, n_blocks : int
        Size.
    n_rounds : int
        Rounds of Griffin-Lim that it was trained for.
    """

    kind = "fourier_vocoder.RepairNetwork"

    def __init__(self, channels: int = 192, n_blocks: int = 5, n_rounds: int = 16) -> None:
        super().__init__()
        self.config = {
            "channels": arguments.number(channels, "channels", 1, whole=True),
            "n_blocks": arguments.number(n_blocks, "n_blocks", 1, whole=True),
            "n_rounds": arguments.number(n_rounds, "n_rounds", 0, whole=True),
        }
        self.trunk = Trunk(6 * BINS, 2 * BINS, channels, n_blocks, kernel=1)
        with torch.no_grad():
            self.trunk.last.weight.mul_(0.05)
        self.n_rounds, self.context_frames = n_rounds, self.trunk.context_frames + 1
        # what the phase of a bin's middle turns by in a hop
        turn = torch.polar(torch.ones(BINS), -2 * torch.pi * 256 / N_FFT * torch.arange(BINS))
        self.register_buffer("turn", turn, persistent=False)

    def forward(self, spectrum: torch.Tensor, log_magnitude: torch.Tensor) -> torch.Tensor:
        """Return the repaired STFT.

        Parameters
        ----------
        spectrum : torch.Tensor
            Of Griffin-Lim's sound, complex ``(batch, frames, bins)``.
        log_magnitude : torch.Tensor
            That was wanted, ``(batch, frames, bins)``.
        """
        gain, angle = self.trunk(self.features(spectrum, log_magnitude)).float().chunk(2, -1)
        return spectrum * torch.polar(torch.exp(2 * torch.tanh(gain)), angle)

    def features(self, spectrum: torch.Tensor, log_magnitude: torch.Tensor) -> torch.Tensor:
        """Return what the trunk sees: two log magnitudes, and phase differences as cos and sin."""
        phasor = spectrum / (spectrum.abs() + FLOOR)
        in_time = F.pad(phasor[:, 1:] * phasor[:, :-1].conj() * self.turn, (0, 0, 1, 0))
        in_frequency = F.pad(-phasor[:, :, 1:] * phasor[:, :, :-1].conj(), (1, 0))
        found = torch.log(spectrum.abs() + 10 * FLOOR)
        parts = [normalised(log_magnitude), normalised(found)]
        parts += [p for z in (in_time, in_frequency) for p in (z.real, z.imag)]
        return torch.cat(parts, -1)


def normalised(level: torch.Tensor) -> torch.Tensor:
    """Bring logarithms of magnitudes near the range -1 to 1."""
    return (level + 5) / 3
