"""The synthesiser of DDSP: oscillators, filtered noise and reverb, all differentiable.

:mod:`lecture_utils.ddsp` says what control frames are. Used by notebook 08.
"""

from __future__ import annotations

import math

import torch
from scipy.fft import next_fast_len
from torch import nn
from torch.nn import functional as F

from lecture_utils import arguments
from lecture_utils.audio import SAMPLE_RATE, check_sample_rate

#: Samples a control frame stands for: 250 frames a second at 16 kHz.
CONTROL_HOP = 64

#: Sine values held at a time: what stays in the processor's cache is fast.
_BLOCK = 2**18


# ------------------------------------------------------------------------------- oscillators


def harmonic_oscillator(
    f0_hz: torch.Tensor,
    amplitude: torch.Tensor,
    harmonic_distribution: torch.Tensor,
    sample_rate: int = SAMPLE_RATE,
    hop_length: int = CONTROL_HOP,
) -> torch.Tensor:
    """Add up harmonics ``sum_k amplitude * distribution[k] * sin(k * phase)``, k = 1, 2, ...

    The phase starts at 0 and is accumulated in float64, modulo one turn: in float32 it drifts and
    is wrong after seconds. A harmonic is silent at every sample where ``k * f0`` is not below half
    the sample rate. Upsampling is linear (see the module); beside an unvoiced frame f0 stays what
    it is in the voiced one and only the amplitude moves, so that notes do not begin with a glide.

    Parameters
    ----------
    f0_hz : torch.Tensor
        Shape ``(batch, frames)``, Hz; 0 or NaN where there is no pitch: silence.
    amplitude : torch.Tensor
        Shape ``(batch, frames)``.
    harmonic_distribution : torch.Tensor
        Shape ``(batch, frames, harmonics)``; used as it is, not normalised.
    sample_rate, hop_length : int
        Hz, and samples a frame.

    Returns
    -------
    torch.Tensor
        Shape ``(batch, frames * hop_length)``, differentiable in all three.

    Raises
    ------
    TypeError, ValueError
        If shapes do not match, f0 is negative or infinite, or amplitudes are not finite.
    """
    f0_hz = checked_f0(f0_hz)
    amplitude = arguments.tensor(amplitude, "amplitude", f0_hz.shape, real=True)
    shape = *f0_hz.shape, "harmonics"
    distribution = arguments.tensor(
        harmonic_distribution, "harmonic_distribution", shape, real=True
    )
    sample_rate = check_sample_rate(sample_rate)
    hop_length = arguments.count(hop_length, "hop_length")

    f0_hz, amplitudes = _held(f0_hz), _held(amplitude[..., None] * distribution)
    voiced = f0_hz > 0
    start, stop = f0_hz[:, :-1], f0_hz[:, 1:]
    start, stop = start.where(voiced[:, :-1], stop), stop.where(voiced[:, 1:], start)
    along = torch.arange(hop_length, dtype=amplitudes.dtype, device=f0_hz.device) / hop_length
    hz = torch.lerp(start[..., None].double(), stop[..., None].double(), along.double())
    turns = F.pad((hz / sample_rate).flatten(1).cumsum(1), (1, 0))[:, :-1].reshape(hz.shape)

    amplitudes = amplitudes * voiced[..., None]
    ends = torch.stack([amplitudes[:, :-1], amplitudes[:, 1:]], dim=2)  # of each hop
    block = max(1, _BLOCK // (len(ends) * ends.shape[-1] * hop_length))
    blocks = zip(turns.split(block, 1), hz.split(block, 1), ends.split(block, 1), strict=True)
    return torch.cat([_sum_of_sines(*each, along, sample_rate / 2) for each in blocks], 1).flatten(
        1
    )


def _held(controls: torch.Tensor) -> torch.Tensor:
    """Repeat the last frame of ``(batch, frames, ...)``: where the last hop's lines end."""
    return torch.cat([controls, controls[:, -1:]], dim=1)


def _sum_of_sines(
    turns: torch.Tensor, hz: torch.Tensor, ends: torch.Tensor, along: torch.Tensor, nyquist: float
) -> torch.Tensor:
    """``sum_k a_k sin(2 pi k turns)``, shape ``(batch, frames, hop)``, a_k on a line between ends.

    Instead of drawing a line for each harmonic, all are added twice (a product of matrices), with
    the amplitudes at the hop's beginning and at its end, and the two sums are crossfaded.
    """
    sounding = hz.detach()[hz > 0]
    lowest, highest = sounding.aminmax() if len(sounding) else (nyquist, nyquist)
    n_audible = min(ends.shape[-1], max(0, math.ceil(nyquist / float(lowest)) - 1))
    k = torch.arange(1, n_audible + 1, device=hz.device)[:, None]
    angle = k * turns[:, :, None]  # (batch, frames, harmonics, hop)
    waves = torch.sin(2 * math.pi * (angle - angle.detach().round()).to(along.dtype))
    if n_audible * highest >= nyquist:
        waves = waves.where(k * hz[:, :, None] < nyquist, 0)
    begin, end = (ends[..., :n_audible] @ waves).unbind(2)
    return torch.lerp(begin, end, along)


# ------------------------------------------------------------------------------- noise


def filtered_noise(
    magnitudes: torch.Tensor, hop_length: int = CONTROL_HOP, noise: torch.Tensor | None = None
) -> torch.Tensor:
    """Filter noise with another filter for every hop.

    Each column of magnitudes becomes a zero-phase impulse response of ``2 * (bands - 1)`` samples
    under a Hann window; each hop of noise is convolved with its own, and what overlaps is added.
    The response is centred, so nothing is delayed.

    Parameters
    ----------
    magnitudes : torch.Tensor
        Gains at equally spaced frequencies from 0 to half the sample rate, shape
        ``(batch, frames, bands)``, two bands or more.
    hop_length : int
        Samples a frame.
    noise : torch.Tensor, optional
        Shape ``(batch, frames * hop_length)``; uniform in [-1, 1] by default.

    Returns
    -------
    torch.Tensor
        Shape ``(batch, frames * hop_length)``.
    """
    shape = "batch", "frames", "bands"
    magnitudes = arguments.tensor(magnitudes, "magnitudes", shape, real=True)
    batch, n_frames, n_bands = magnitudes.shape
    if n_bands < 2:
        raise ValueError("magnitudes: 1 band is no filter; give two or more (65 in the paper).")
    shape = batch, n_frames * arguments.count(hop_length, "hop_length")
    if noise is None:
        noise = 2 * torch.rand(shape, dtype=magnitudes.dtype, device=magnitudes.device) - 1
    noise = arguments.tensor(noise, "noise", shape, real=True)

    half = n_bands - 1
    window = torch.hann_window(2 * half, dtype=magnitudes.dtype, device=magnitudes.device)
    response = torch.fft.irfft(magnitudes, 2 * half).roll(half, -1) * window
    width = hop_length + 2 * half
    n_fft = next_fast_len(width, real=True)
    hops = torch.fft.rfft(noise.reshape(batch, n_frames, -1), n_fft)
    filtered = torch.fft.irfft(hops * torch.fft.rfft(response, n_fft), n_fft)[..., :width]
    total = (1, shape[1] + 2 * half)
    added = F.fold(filtered.transpose(1, 2), total, (1, width), stride=(1, hop_length))
    return added[:, 0, 0, half : half + shape[1]]


# ------------------------------------------------------------------------------- reverb


class Reverb(nn.Module):
    """A room: the sound plus its convolution with a learned impulse response.

    Parameters
    ----------
    n_samples : int
        Length of the response, which begins one sample after the direct sound.
    """

    def __init__(self, n_samples: int = SAMPLE_RATE) -> None:
        super().__init__()
        self.response = nn.Parameter(1e-6 * torch.randn(arguments.count(n_samples, "n_samples")))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map sound ``(batch, n)`` to sound of the same length in the room."""
        x = arguments.tensor(x, "audio", ("batch", "n"), real=True)
        return x + self.wet(x)[:, : x.shape[1]]

    def wet(self, x: torch.Tensor, part: slice = slice(None)) -> torch.Tensor:
        """Return the room without the direct sound, with its tail: ``(batch, n + n_samples)``.

        With `part`, that of these samples of the response alone.
        """
        x = arguments.tensor(x, "audio", ("batch", "n"), real=True)
        total = x.shape[1] + len(self.response)
        n_fft = next_fast_len(total, real=True)
        before = 1 + part.indices(len(self.response))[0]  # the direct sound is left out
        response = torch.fft.rfft(F.pad(self.response[part], (before, 0)), n_fft)
        return torch.fft.irfft(torch.fft.rfft(x, n_fft) * response, n_fft)[:, :total]


def checked_f0(f0_hz: torch.Tensor) -> torch.Tensor:
    """Return f0 ``(batch, frames)`` in Hz with 0 for NaN (no pitch).

    Raises
    ------
    TypeError, ValueError
        If its shape is another, or it is negative or infinite.
    """
    if not torch.is_tensor(f0_hz):
        f0_hz = torch.as_tensor(arguments.array(f0_hz, "f0_hz", finite=False))
    f0_hz = torch.where(f0_hz.isnan(), 0, f0_hz)
    f0_hz = arguments.tensor(f0_hz, "f0_hz", ("batch", "frames"), real=True)
    if (f0_hz < 0).any():
        raise ValueError(f"f0_hz: {f0_hz.min().item():g} Hz found; give 0 or NaN for no pitch.")
    return f0_hz
