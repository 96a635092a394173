r"""Short-time Fourier transform and its inverse, for the frames of the vocoders' mel.

Frame t is centred on sample ``(t + 1/2) * HOP``, so T frames give ``T * HOP`` samples. Everything
here works on batches, stored ``(batch, frames, bins)``, and lets gradients through. Used by
notebook 10.
"""

from __future__ import annotations

import functools

import torch
from torch.nn import functional as F

from lecture_utils import mel

PRESET = mel.get_preset("course16k")
N_FFT, HOP = PRESET.n_fft, PRESET.hop_length
BINS = N_FFT // 2 + 1
#: Samples that a frame reaches beyond the hop in its middle, on either side.
EDGE = (N_FFT - HOP) // 2
#: Hops in one window.
PIECES = N_FFT // HOP


def stft(x: torch.Tensor) -> torch.Tensor:
    """Return the complex STFT ``(batch, frames, bins)`` of sounds ``(batch, frames * HOP)``.

    The edges are mirrored, as in :class:`lecture_utils.mel.MelSpectrogram`.
    """
    return stft_of_padded(mirrored(x, EDGE, EDGE))


def mirrored(x: torch.Tensor, left: int, right: int) -> torch.Tensor:
    """Add mirrored samples on either side of sounds ``(batch, n)``."""
    return F.pad(x[:, None], (left, right), mode="reflect")[:, 0]


def stft_of_padded(x: torch.Tensor) -> torch.Tensor:
    """Return the STFT of sounds that have :data:`EDGE` samples more on either side."""
    return torch.fft.rfft(x.unfold(1, N_FFT, HOP) * _window(x.device))


def istft(spectrum: torch.Tensor) -> torch.Tensor:
    """Return the sounds ``(batch, frames * HOP)`` whose STFT is nearest to `spectrum`.

    Overlapping frames are averaged, weighted by the window (Griffin & Lim 1984, equation 6).
    """
    sound = overlap_add(spectrum) / window_sum(spectrum.shape[1], spectrum.device)
    return sound[:, EDGE : EDGE + spectrum.shape[1] * HOP]


def overlap_add(spectrum: torch.Tensor) -> torch.Tensor:
    """Add the windowed frames at their places: ``(batch, (frames + PIECES - 1) * HOP)``."""
    frames = torch.fft.irfft(spectrum, n=N_FFT) * _window(spectrum.device)
    return _add(frames)


@functools.lru_cache(maxsize=8)
@torch.inference_mode(False)  # what is kept may be used in training later
def window_sum(n_frames: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return the sum of the squared windows at every sample of :func:`overlap_add`."""
    squared = (_window(device) ** 2).expand(1, min(n_frames, 2 * PIECES), N_FFT)
    total = _add(squared)[0].clamp_min(1e-3)  # small only beyond the samples that are kept
    if n_frames <= 2 * PIECES:
        return total
    ends = PIECES * HOP  # between them the sum is the same at every sample
    middle = total[ends].expand((n_frames + PIECES - 1) * HOP - 2 * ends)
    return torch.cat([total[:ends], middle, total[-ends:]])


def _add(frames: torch.Tensor) -> torch.Tensor:
    batch, n_frames, _ = frames.shape
    pieces = frames.view(batch, n_frames, PIECES, HOP)
    total = frames.new_zeros(batch, n_frames + PIECES - 1, HOP)
    for piece in range(PIECES):
        total[:, piece : piece + n_frames] += pieces[:, :, piece]
    return total.reshape(batch, -1)


def _window(device: torch.device | str) -> torch.Tensor:
    return mel.kept_front_end("course16k", device).window


def smooth_magnitude(log_mel: torch.Tensor) -> torch.Tensor:
    """Give each bin the level of the mel bands that it lies in.

    Parameters
    ----------
    log_mel : torch.Tensor
        Shape ``(batch, frames, n_mels)``.

    Returns
    -------
    torch.Tensor
        Magnitude, shape ``(batch, frames, bins)``: the right level, but without partials.
    """
    filters = mel.kept_front_end("course16k", log_mel.device).filters
    levels = torch.exp(log_mel) / filters.sum(1)
    return (levels @ filters) / filters.sum(0).clamp_min(1e-8)


def with_bands_of(spectrum: torch.Tensor, log_mel: torch.Tensor, n_steps: int = 2) -> torch.Tensor:
    """Bring the level of each mel band back to what the mel says.

    The mel is known exactly, so what differs from it is wrong for certain. A step goes to the
    sound and back, and gives each bin the factor that its bands are missing; frames overlap, so
    the second step corrects what the first one did to its neighbours.

    Parameters
    ----------
    spectrum : torch.Tensor
        Complex, ``(batch, frames, bins)``.
    log_mel : torch.Tensor
        That is wanted, ``(batch, frames, n_mels)``.
    n_steps : int
        Steps; each reaches :data:`PIECES` frames to either side.
    """
    filters = mel.kept_front_end("course16k", log_mel.device).filters
    for _ in range(n_steps):
        spectrum = stft(istft(spectrum))
        found = torch.log((spectrum.abs() @ filters.T).clamp_min(PRESET.floor))
        factor = torch.exp((log_mel - found).clamp(-1, 1)) @ filters
        spectrum = spectrum * (factor / filters.sum(0).clamp_min(1e-8)).where(
            filters.sum(0) > 1e-8, 1.0
        )
    return spectrum
