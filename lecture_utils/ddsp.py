r"""Differentiable DSP: oscillators, filtered noise and reverb, played by a small network.

``sound = reverb(sum_k A c_k sin(k phase) + filtered noise)`` with
``phase[n] = phase[n - 1] + 2 pi f0[n - 1] / sample_rate`` (Engel et al. 2020).

Controls come in frames, `hop_length` samples apart (64 at 16 kHz: 250 a second). Frame t is the
value at sample ``t * hop_length``. In between f0 and the harmonics' amplitudes follow straight
lines (*linear upsampling*), the last frame is held; a noise filter holds for its whole hop. So
``frames`` controls make exactly ``frames * hop_length`` samples. Sounds are ``(batch, n)`` here.
Used by notebook 08.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import upfirdn
from torch import nn
from torch.nn import functional as F

from lecture_utils import mel, metrics
from lecture_utils.audio import SAMPLE_RATE, as_audio, check_sample_rate
from lecture_utils.ddsp_synth import (
    CONTROL_HOP,
    Reverb,
    Stream,
    check,
    check_count,
    check_f0,
    filtered_noise,
    harmonic_oscillator,
)

__all__ = [
    "Autoencoder", "Controls", "Decoder", "Encoder", "Reverb", "Stream",
    "exp_sigmoid", "f0", "filtered_noise", "harmonic_oscillator", "loudness",
    "multi_scale_spectral_loss",
]  # fmt: skip

#: The quietest loudness that is told apart, in dB.
SILENCE_DB = -80.0

#: Window lengths of the spectral loss in samples, those of Engel et al. (2020).
N_FFTS = (2048, 1024, 512, 256, 128, 64)


def exp_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """Squash any number to an amplitude, ``2 sigmoid(x)^ln(10) + 1e-7`` (Engel et al. 2020).

    Above 1e-7 and at most 2; for negative x one step down divides by ten, as in decibels.
    """
    return 2 * torch.sigmoid(x) ** math.log(10) + 1e-7


# ------------------------------------------------------------------------------- what is heard


def multi_scale_spectral_loss(
    target: torch.Tensor, estimate: torch.Tensor, n_ffts: tuple[int, ...] = N_FFTS
) -> torch.Tensor:
    """Compare spectrograms with long and short windows, and no phase: one number.

    ``sum_i mean |S_i - T_i| + mean |log S_i - log T_i|`` over window lengths (Engel et al. 2020),
    Hann windows, hops of a quarter, zeros beyond the edges. 1e-5 is added under the logarithm, so
    that silence is a number.

    Parameters
    ----------
    target, estimate : torch.Tensor
        Sounds of the same shape, ``(n,)``, ``(batch, n)`` or ``(batch, 1, n)``.
    n_ffts : tuple of int
        Window lengths in samples.
    """
    target, estimate = torch.as_tensor(target), torch.as_tensor(estimate)
    if target.shape != estimate.shape or target.ndim < 1 or target.numel() == 0:
        raise ValueError(
            f"target has the shape {tuple(target.shape)} and estimate {tuple(estimate.shape)}; "
            "cut both to the same length (controls make frames * hop_length samples)."
        )
    both, loss = torch.stack([target, estimate]).reshape(-1, target.shape[-1]), 0.0
    for n_fft in n_ffts:
        window = torch.hann_window(n_fft, dtype=both.dtype, device=both.device)
        spectrum = torch.stft(
            both, n_fft, n_fft // 4, window=window, pad_mode="constant", return_complex=True
        )
        t, e = spectrum.abs().chunk(2)
        loss = loss + F.l1_loss(e, t) + F.l1_loss(torch.log(e + 1e-5), torch.log(t + 1e-5))
    return loss


def loudness(
    x: np.typing.ArrayLike, sample_rate: int = SAMPLE_RATE, hop_length: int = CONTROL_HOP
) -> np.ndarray:
    """Measure loudness as a sound-level meter does: A-weighted level over 32 ms (Hann window).

    The A curve (IEC 61672) takes away what the ear hardly hears, below 500 Hz above all; it is
    0 dB at 1 kHz, where a full-scale sine has -3.01 dB as in `audio.level_db`.

    Parameters
    ----------
    x : array_like
        Sound, shape ``(n,)``.
    sample_rate, hop_length : int
        Hz, and samples a frame.

    Returns
    -------
    np.ndarray
        dB, float32, shape ``(ceil(n / hop_length),)``, -80 or more; frame t is centred on sample
        ``t * hop_length``.
    """
    import librosa

    x, sample_rate = as_audio(x), check_sample_rate(sample_rate)
    hop_length = check_count("hop_length", hop_length)
    n_fft = next_fast_len(len(x) + sample_rate // 2, real=True)  # room for the filter to ring
    hz = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    gain_db = librosa.A_weighting(np.maximum(hz, 1))  # -80 at least: 0 Hz has no logarithm
    gain = (10 ** (gain_db / 20)).astype(np.float32)
    power = irfft(rfft(x, n_fft) * gain, n_fft)[: len(x)] ** 2
    half = round(0.016 * sample_rate)
    window = np.hanning(2 * half + 1).astype(np.float32)
    shift = -half % hop_length  # so that the first frame's centre is a multiple of hop_length

    def average(values: np.ndarray) -> np.ndarray:
        sums = upfirdn(window, np.pad(values, (shift, half)), down=hop_length)
        return sums[(half + shift) // hop_length :][: -(-len(x) // hop_length)]

    mean = average(power) / average(np.ones_like(power))  # at the edges, of what there is
    return np.maximum(10 * np.log10(np.maximum(mean, 1e-12)), SILENCE_DB).astype(np.float32)


def f0(
    x: np.typing.ArrayLike,
    sample_rate: int = SAMPLE_RATE,
    hop_length: int = CONTROL_HOP,
    f_min: float = 65.0,
    f_max: float = 4400.0,
    return_sureness: bool = False,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Follow the pitch with pYIN (`metrics.f0_hz`), every fourth frame, and draw lines between.

    Long sounds are done in pieces of 20 s. A second of sound takes a quarter of a second or less.

    Parameters
    ----------
    x : array_like
        Sound of one voice, shape ``(n,)``; of several voices pYIN follows one, or none.
    sample_rate, hop_length : int
        Hz, and samples a frame.
    f_min, f_max : float
        Range to search, Hz; the narrower, the fewer octave errors.
    return_sureness : bool
        Return pYIN's sureness, too.

    Returns
    -------
    f0_hz : np.ndarray
        Hz, float32, shape ``(ceil(n / hop_length),)``; 0 where there is no pitch.
    sureness : np.ndarray
        Only if asked for: 0..1, the same shape. One voice has 0.4 (speech) to 1 (a whistle), a
        chord or drums less than 0.3.
    """
    x, sample_rate = as_audio(x), check_sample_rate(sample_rate)
    if not 20 <= f_min < f_max:
        raise ValueError(f"f_min={f_min:g}, f_max={f_max:g}: give 20 Hz or more, lowest first.")
    coarse = 4 * check_count("hop_length", hop_length)
    n_frames, context = -(-len(x) // hop_length), sample_rate // 4 // coarse + 1
    piece, n_coarse = 20 * sample_rate // coarse + 1, 2 + len(x) // coarse
    track, sure = np.full(n_coarse, np.nan), np.zeros(n_coarse)
    for start in range(0, 1 + len(x) // coarse, piece):
        first, stop = max(0, start - context), min(start + piece, n_coarse - 1)
        part = x[first * coarse : (stop + context) * coarse]
        found = metrics.f0_hz(part, sample_rate, coarse, f_min, f_max, return_sureness=True)
        track[start:stop], sure[start:stop] = (v[start - first : stop - first] for v in found)
    place = np.arange(n_frames) / 4
    before = place.astype(int)
    low, high = np.log(track[before]), np.log(track[before + 1])
    low, high = np.where(np.isnan(low), high, low), np.where(np.isnan(high), low, high)
    hz = np.exp(low + (high - low) * (place - before))
    nearest = (place + 0.5).astype(int)
    hz = np.where(np.isnan(track[nearest]), 0, hz).astype(np.float32)
    return (hz, sure[nearest].astype(np.float32)) if return_sureness else hz


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
        memory: torch.Tensor | None = None,
    ) -> tuple[Controls, torch.Tensor]:
        """Return controls, and the GRU's memory to go on from.

        f0 (0 or NaN: no pitch) and loudness are ``(batch, frames)``, z ``(batch, frames, n_z)``.
        """
        f0_hz = check_f0(f0_hz)
        loudness_db = check("loudness_db", loudness_db, f0_hz.shape)
        voiced = f0_hz > 0
        midi = torch.where(voiced, 69 + 12 * torch.log2(f0_hz.clamp_min(1) / 440), 0)
        given = [midi[..., None] / 127, 1 - loudness_db[..., None] / SILENCE_DB]  # about 0 to 1
        if (z is None) == (self.n_z > 0):
            raise ValueError(f"z: {'none' if z is None else 'one'} given; n_z is {self.n_z}.")
        if z is not None:
            given.append(check("z", z, (*f0_hz.shape, self.n_z)))
        seen = torch.cat([mlp(x) for mlp, x in zip(self.inputs, given, strict=True)], dim=-1)
        remembered, memory = self.gru(seen, memory)
        raw = self.output(torch.cat([seen, remembered], dim=-1))
        amplitude, harmonics, noise = raw.split(self.sizes, dim=-1)

        k = torch.arange(1, self.sizes[1] + 1, device=raw.device)
        harmonics = exp_sigmoid(harmonics) * (k * f0_hz[..., None] < self.nyquist)
        harmonics = harmonics / harmonics.sum(-1, keepdim=True).clamp_min(1e-7)
        noise = exp_sigmoid(noise - 5) * voiced[..., None]  # training starts with little noise
        return Controls(exp_sigmoid(amplitude[..., 0]) * voiced, harmonics, noise), memory


class Autoencoder(nn.Module):
    """An instrument: f0 and loudness (and z) in, sound out.

    The encoder of f0 and loudness is :func:`f0` and :func:`loudness`, which learn nothing.

    Parameters
    ----------
    hidden, n_harmonics, n_bands, n_z : int
        As in :class:`Decoder`.
    reverb_seconds : float
        Length of the room's response; 0 for no room.
    sample_rate, hop_length : int
        Hz, and samples a frame.
    """

    def __init__(
        self,
        hidden: int = 128,
        n_harmonics: int = 60,
        n_bands: int = 65,
        n_z: int = 0,
        reverb_seconds: float = 1.0,
        sample_rate: int = SAMPLE_RATE,
        hop_length: int = CONTROL_HOP,
    ) -> None:
        super().__init__()
        self.config = {
            "hidden": hidden, "n_harmonics": n_harmonics, "n_bands": n_bands, "n_z": n_z,
            "reverb_seconds": reverb_seconds, "sample_rate": sample_rate, "hop_length": hop_length,
        }  # fmt: skip
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
        return sum(self.parts(f0_hz, loudness_db, z, noise).values())

    def parts(
        self,
        f0_hz: torch.Tensor,
        loudness_db: torch.Tensor,
        z: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return the sound as "harmonic", "noise" and "reverb", to be added."""
        controls, _ = self.decoder(f0_hz, loudness_db, z)
        hop_length = self.hop_length
        tones = harmonic_oscillator(f0_hz, *controls[:2], self.sample_rate, hop_length)
        noise = filtered_noise(controls.noise_magnitudes, hop_length, noise)
        parts = {"harmonic": tones, "noise": noise}
        if self.reverb is not None:
            parts["reverb"] = self.reverb.wet(tones + noise)[:, : tones.shape[1]]
        return parts
