"""The loss that DDSP learns from: spectrograms of many window lengths. Used by notebook 08."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from lecture_utils import arguments

#: Window lengths of the spectral loss in samples, those of Engel et al. (2020).
N_FFTS = (2048, 1024, 512, 256, 128, 64)


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
    target = arguments.tensor(target, "target", real=True)
    estimate = arguments.tensor(estimate, "estimate", real=True)
    for n_fft in arguments.counts(n_ffts, "n_ffts"):
        arguments.number(n_fft, "n_ffts", 4, 2**20)
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
