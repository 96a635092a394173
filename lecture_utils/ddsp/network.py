"""The network of DDSP: f0 and loudness in, the controls of a synthesiser out. Notebook 08."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import nn

from lecture_utils import arguments, mel
from lecture_utils.audio import SAMPLE_RATE, check_sample_rate
from lecture_utils.ddsp.features import SILENCE_DB
from lecture_utils.ddsp.synth import (
    CONTROL_HOP,
    Reverb,
    checked_f0,
    filtered_noise,
    harmonic_oscillator,
)

#: How much of a learned room counts as the body of the instrument, in seconds.
BODY_SECONDS = 0.02


def exp_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """Squash any number to an amplitude, ``2 sigmoid(x)^ln(10) + 1e-7`` (Engel et al. 2020).

    Above 1e-7 and at most 2; for negative x one step down divides by ten, as in decibels.
    """
    x = x if torch.is_tensor(x) else arguments.tensor(x, "x", real=True)
    return 2 * torch.sigmoid(x) ** math.log(10) + 1e-7


# ------------------------------------------------------------------------------- networks


class Controls(NamedTuple):
    """What a network tells the synthesiser: ``(batch, frames)``, and twice ``(..., channels)``."""

    amplitude: torch.Tensor
    harmonic_distribution: torch.Tensor
    noise_magnitudes: torch.Tensor


def _mlp(n_inputs: int, n_outputs: int) -> nn.Sequential:
    """Three times: linear layer, layer normalisation, leaky ReLU."""
    layers, sizes = [], [n_inputs] + 3 * [n_outputs]
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.LeakyReLU()]
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    """Hear what f0 and loudness leave out: sound ``(batch, n)`` to ``(batch, frames, n_z)``.

    Each band is normalised over time, so that level and colour of a recording do not matter. The
    bands are log-mel ones; the paper's MFCCs are a rotation of such.
    """

    def __init__(self, hidden: int, n_z: int, sample_rate: int, hop_length: int) -> None:
        super().__init__()
        self.mel = mel.MelSpectrogram(sample_rate, 1024, hop_length, n_mels=40)
        self.norm = nn.InstanceNorm1d(40, affine=True)
        self.gru = nn.GRU(40, hidden, batch_first=True)
        self.project = nn.Linear(hidden, n_z)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return z of ``n // hop_length`` frames."""
        x = arguments.tensor(x, "sound", ("batch", "n"), like=self.project.weight)
        bands = self.norm(torch.log(self.mel(x) + 1e-5))
        return self.project(self.gru(bands.transpose(1, 2))[0])


class Decoder(nn.Module):
    """f0 and loudness (and z) to controls: an MLP for each, a GRU over time, an MLP.

    Where there is no pitch the instrument is silent, noise included; harmonics from half the
    sample rate on get nothing.

    `hidden` is the width of all layers (512 in the paper), `n_harmonics`, `n_bands` and `n_z` are
    the sizes of the controls and of z (0 for none).
    """

    def __init__(
        self,
        hidden: int = 128,
        n_harmonics: int = 60,
        n_bands: int = 65,
        n_z: int = 0,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        super().__init__()
        self.n_z, self.sizes, self.nyquist = n_z, (1, n_harmonics, n_bands), sample_rate / 2
        self.inputs = nn.ModuleList(_mlp(size, hidden) for size in (1, 1, n_z) if size)
        width = len(self.inputs) * hidden
        self.gru = nn.GRU(width, hidden, batch_first=True)
        self.output = nn.Sequential(
            _mlp(width + hidden, hidden), nn.Linear(hidden, sum(self.sizes))
        )

    def forward(
        self,
        f0_hz: torch.Tensor,
        loudness_db: torch.Tensor,
        z: torch.Tensor | None = None,
    ) -> Controls:
        """Return controls.

        f0 (0 or NaN: no pitch) and loudness are ``(batch, frames)``, z ``(batch, frames, n_z)``.
        """
        f0_hz = checked_f0(f0_hz)
        loudness_db = arguments.tensor(loudness_db, "loudness_db", f0_hz.shape, real=True)
        if loudness_db.max() > 20:  # the loudest square wave has about 0
            raise ValueError(f"loudness_db: {loudness_db.max():g} dB found; 0 dB is full scale.")
        if (z is None) == (self.n_z > 0):
            raise ValueError(f"z: {'none' if z is None else 'one'} given; n_z is {self.n_z}.")

        voiced = f0_hz > 0
        midi = torch.where(voiced, 69 + 12 * torch.log2(f0_hz.clamp_min(1) / 440), 0)
        given = [midi[..., None] / 127, 1 - loudness_db[..., None] / SILENCE_DB]  # about 0 to 1
        if z is not None:
            given.append(arguments.tensor(z, "z", (*f0_hz.shape, self.n_z), real=True))
        given = [x.to(self.gru.weight_ih_l0.dtype) for x in given]
        seen = torch.cat([mlp(x) for mlp, x in zip(self.inputs, given, strict=True)], dim=-1)
        remembered, _ = self.gru(seen)
        raw = self.output(torch.cat([seen, remembered], dim=-1))
        amplitude, harmonics, noise = raw.split(self.sizes, dim=-1)

        k = torch.arange(1, self.sizes[1] + 1, device=raw.device)
        harmonics = exp_sigmoid(harmonics) * (k * f0_hz[..., None] < self.nyquist)
        harmonics = harmonics / harmonics.sum(-1, keepdim=True).clamp_min(1e-7)
        noise = exp_sigmoid(noise - 5) * voiced[..., None]  # training starts with little noise
        return Controls(exp_sigmoid(amplitude[..., 0]) * voiced, harmonics, noise)


class Autoencoder(nn.Module):
    """An instrument: f0 and loudness (and z) in, sound out.

    The encoder of f0 and loudness is :func:`f0` and :func:`loudness`, which learn nothing.

    Parameters
    ----------
    hidden, n_harmonics, n_bands, n_z : int
        As in :class:`Decoder`.
    reverb_seconds : float
        Length of the room's response; 0 for no room. The course's recordings have no echoes; a
        second, as in the paper, only fills with a hiss that does not fade.
    sample_rate, hop_length : int
        Hz, and samples a frame.
    """

    kind = "ddsp.Autoencoder"

    def __init__(
        self,
        hidden: int = 128,
        n_harmonics: int = 60,
        n_bands: int = 65,
        n_z: int = 0,
        reverb_seconds: float = 0.06,
        sample_rate: int = SAMPLE_RATE,
        hop_length: int = CONTROL_HOP,
    ) -> None:
        super().__init__()
        self.config = {
            "hidden": hidden, "n_harmonics": n_harmonics, "n_bands": n_bands, "n_z": n_z,
            "reverb_seconds": reverb_seconds, "sample_rate": sample_rate, "hop_length": hop_length,
        }  # fmt: skip
        hidden = arguments.count(hidden, "hidden")
        for name in ("n_harmonics", "n_bands", "hop_length"):
            arguments.count(self.config[name], name)
        arguments.number(n_z, "n_z", 0, whole=True)
        arguments.number(reverb_seconds, "reverb_seconds", 0, 60)
        check_sample_rate(sample_rate)
        if n_bands - 1 > hop_length:
            raise ValueError(
                f"n_bands={n_bands}: with hop_length={hop_length} give {hop_length + 1} at most."
            )
        self.sample_rate, self.hop_length = sample_rate, hop_length
        self.encoder = Encoder(hidden, n_z, sample_rate, hop_length) if n_z else None
        self.decoder = Decoder(hidden, n_harmonics, n_bands, n_z, sample_rate)
        n_response = round(reverb_seconds * sample_rate)
        self.reverb = Reverb(n_response) if n_response else None

    def forward(
        self,
        f0_hz: torch.Tensor,
        loudness_db: torch.Tensor,
        z: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Play controls ``(batch, frames)``: sound ``(batch, frames * hop_length)``.

        z comes from ``encoder(sound)``; noise as in :func:`filtered_noise`.
        """
        return self.play(f0_hz, self.decoder(f0_hz, loudness_db, z), noise)

    def play(
        self, f0_hz: torch.Tensor, controls: Controls, noise: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Play what the decoder says, or what was made of it."""
        dry = sum(self._dry(f0_hz, controls, noise))
        return dry if self.reverb is None else self.reverb(dry)

    def _dry(
        self, f0_hz: torch.Tensor, controls: Controls, noise: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        tones = harmonic_oscillator(f0_hz, *controls[:2], self.sample_rate, self.hop_length)
        return tones, filtered_noise(controls.noise_magnitudes, self.hop_length, noise)

    def parts(
        self,
        f0_hz: torch.Tensor,
        loudness_db: torch.Tensor,
        z: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return the sound as "harmonic", "noise" and "reverb", to be added.

        Harmonics and noise go through the first 20 ms of the room, which training has used as the
        body of the instrument; "reverb" is the rest of it.
        """
        tones, noise = self._dry(f0_hz, self.decoder(f0_hz, loudness_db, z), noise)
        parts, n = {"harmonic": tones, "noise": noise}, tones.shape[1]
        if self.reverb is not None:
            body = round(BODY_SECONDS * self.sample_rate)
            parts = {k: x + self.reverb.wet(x, slice(body))[:, :n] for k, x in parts.items()}
            parts["reverb"] = self.reverb.wet(tones + noise, slice(body, None))[:, :n]
        return parts
