"""From a magnitude to a phase: a good start, and a few rounds of Griffin-Lim.

With a random start Griffin-Lim needs some sixty rounds. Where a spectrum has peaks, each is a
partial, and its phase goes on from the frame before by its frequency (Beauregard, Harish & Wyse
2015, *Single Pass Spectrogram Inversion*). From this start a dozen rounds do. Used by notebook 10.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from lecture_utils.fourier_vocoder.spectrum import BINS, HOP, N_FFT, istft, stft


def start_phase(magnitude: torch.Tensor, before: torch.Tensor | None = None) -> torch.Tensor:
    """Guess the phase of a magnitude by following its peaks.

    The bins around a peak belong to it. A parabola through the logarithms of the peak and its two
    neighbours gives the frequency. The phase of the peak is that of the same bin one frame before,
    plus what this frequency turns by in a hop; the bins around it alternate by half a turn, as
    they do in the window's main lobe.

    Parameters
    ----------
    magnitude : torch.Tensor
        Shape ``(batch, frames, bins)``.
    before : torch.Tensor, optional
        Phase in radians of the frame before the first, ``(batch, bins)``; 0 by default.

    Returns
    -------
    torch.Tensor
        Phase in radians, shape ``(batch, frames, bins)``, float64.
    """
    peak, frequency = _nearest_peaks(magnitude)
    earlier = torch.gather(frequency[:, :-1], -1, peak[:, 1:])
    middle = torch.cat([frequency[:, :1], (frequency[:, 1:] + earlier) / 2], 1)
    turn = 2 * math.pi * HOP / N_FFT * middle.double() + math.pi * (
        torch.arange(BINS, device=peak.device) - peak
    )

    phase = torch.empty_like(turn)
    last = torch.zeros_like(turn[:, 0]) if before is None else before.double()
    for t in range(turn.shape[1]):
        torch.add(torch.gather(last, -1, peak[:, t]), turn[:, t], out=phase[:, t])
        last = phase[:, t]
    return phase


def _nearest_peaks(magnitude: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return for every bin the bin of its nearest peak, and the peak's frequency in bins."""
    log = torch.log(magnitude.clamp_min(1e-6))
    left, middle, right = log[..., :-2], log[..., 1:-1], log[..., 2:]
    is_peak = F.pad((middle > left) & (middle >= right), (1, 1))
    bend = (left - 2 * middle + right).clamp_max(-1e-6)
    offset = F.pad((0.5 * (left - right) / bend).clamp(-0.5, 0.5), (1, 1))

    bins, far = torch.arange(BINS, device=log.device).expand_as(magnitude), 2 * BINS
    below = torch.cummax(torch.where(is_peak, bins, -far), -1).values
    above = torch.where(is_peak, bins, far).flip(-1).cummin(-1).values.flip(-1)
    nearest = torch.where(bins - below <= above - bins, below, above)
    nearest = torch.where(nearest.abs() < far, nearest, bins)  # a frame without any peak
    return nearest, torch.gather(bins + offset, -1, nearest)


def griffin_lim(
    magnitude: torch.Tensor,
    n_rounds: int,
    phasor: torch.Tensor | None = None,
    n_fixed: int = 0,
    momentum: float = 0.99,
) -> torch.Tensor:
    """Search a phase for a magnitude, from :func:`start_phase` or from a given start.

    Parameters
    ----------
    magnitude : torch.Tensor
        Shape ``(batch, frames, bins)``.
    n_rounds : int
        Rounds.
    phasor : torch.Tensor, optional
        Start, as complex numbers of length one.
    n_fixed : int
        The first frames that keep their start phase, since they have been heard already.
    momentum : float
        See :func:`lecture_utils.griffin_lim.griffin_lim`.

    Returns
    -------
    torch.Tensor
        Complex numbers of length one, same shape: the phase.
    """
    if phasor is None:
        phasor = to_phasor(start_phase(magnitude))
    fixed, previous = phasor[:, :n_fixed], None
    for _ in range(n_rounds):
        rebuilt = stft(istft(magnitude * phasor))
        ahead = rebuilt
        if previous is not None:
            ahead = torch.sub(rebuilt, previous, alpha=momentum / (1 + momentum))
        phasor, previous = ahead.sgn(), rebuilt
        phasor[:, :n_fixed] = fixed
    return phasor


def to_phasor(phase: torch.Tensor) -> torch.Tensor:
    """Return complex numbers of length one with these phases (complex64)."""
    phase = (phase % (2 * math.pi)).float()  # float32 knows a large phase badly
    return torch.polar(torch.ones_like(phase), phase)
