"""A network that says the phase itself: Vocos (Siuzdak 2023), sibling of the course's vocoder.

There is no search and nothing to repair. One network at frame rate gives the magnitude and the
phase of every bin, and one inverse STFT makes the sound. Used by notebook 10.
"""

from __future__ import annotations

import torch
from torch import nn

from lecture_utils import arguments
from lecture_utils.fourier_vocoder.network import Trunk, normalised
from lecture_utils.fourier_vocoder.spectrum import BINS, HOP, PIECES, istft

#: Largest logarithm of a magnitude: above that of a full-scale sine, which is ``log(256)``.
LOUDEST = 6.0


class Vocos(nn.Module):
    """Mel ``(batch, n_mels, frames)`` to sound ``(batch, 1, frames * hop)``, by one inverse STFT.

    It has the interface of a generator, so :func:`lecture_utils.vocoder.vocode` plays a mel with
    it and :func:`lecture_utils.train.vocoders.train_vocoder` trains it. Published are eight blocks
    of 512 channels (13.5 million parameters), trained for a million steps.

    Parameters
    ----------
    n_mels : int
        Bands of the mel.
    channels, n_blocks : int
        Size.
    """

    kind = "fourier_vocoder.Vocos"

    def __init__(self, n_mels: int = 80, channels: int = 200, n_blocks: int = 5) -> None:
        super().__init__()
        self.config = {
            "n_mels": arguments.number(n_mels, "n_mels", 1, whole=True),
            "channels": arguments.number(channels, "channels", 1, whole=True),
            "n_blocks": arguments.number(n_blocks, "n_blocks", 1, whole=True),
        }
        self.trunk = Trunk(n_mels, 2 * BINS, channels, n_blocks, kernel=7)
        nn.init.constant_(self.trunk.last.bias[:BINS], -2.0)  # near the level of speech
        self.hop_length = HOP
        # a sample lies in the windows of the frames around it
        self.context_frames = self.trunk.context_frames + PIECES // 2

    def forward(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Return sound."""
        return istft(self.spectrum(log_mel))[:, None]

    def spectrum(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Return what the network says, as a complex STFT ``(batch, frames, bins)``.

        The angle may be any number: its cosine and sine wrap it (Siuzdak 2023).
        """
        wanted = "batch", self.config["n_mels"], "frames"
        log_mel = arguments.tensor(log_mel, "log_mel", wanted, like=self.trunk.last.bias)
        log_magnitude, angle = self.trunk(normalised(log_mel.transpose(1, 2))).float().chunk(2, -1)
        return torch.polar(torch.exp(log_magnitude.clamp_max(LOUDEST)), angle)
