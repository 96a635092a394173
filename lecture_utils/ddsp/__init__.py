r"""Differentiable DSP: oscillators, filtered noise and reverb, played by a small network.

``sound = reverb(sum_k A c_k sin(k phase) + filtered noise)`` with
``phase[n] = phase[n - 1] + 2 pi f0[n - 1] / sample_rate`` (Engel et al. 2020).

Controls come in frames, `hop_length` samples apart (64 at 16 kHz: 250 a second). Frame t is the
value at sample ``t * hop_length``. In between f0 and the harmonics' amplitudes follow straight
lines (*linear upsampling*), the last frame is held; a noise filter holds for its whole hop. So
``frames`` controls make exactly ``frames * hop_length`` samples. Sounds are ``(batch, n)`` here.
Used by notebook 08.
"""

from lecture_utils.ddsp.features import f0, loudness
from lecture_utils.ddsp.losses import N_FFTS, multi_scale_spectral_loss
from lecture_utils.ddsp.network import Autoencoder, Controls, Decoder, Encoder, exp_sigmoid
from lecture_utils.ddsp.synth import (
    CONTROL_HOP,
    Reverb,
    filtered_noise,
    harmonic_oscillator,
)

__all__ = [
    "CONTROL_HOP", "N_FFTS", "Autoencoder", "Controls", "Decoder", "Encoder", "Reverb",
    "exp_sigmoid", "f0", "filtered_noise", "harmonic_oscillator", "loudness",
    "multi_scale_spectral_loss",
]  # fmt: skip
