"""The synthesiser of the room `ddsp`: oscillators, filtered noise and reverb, all differentiable.

Import the oscillator, the noise, the room and the stream from :mod:`lecture_utils.ddsp`, which
says what control frames are. Used by notebook 08.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import nn
from torch.nn import functional as F

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
    f0_hz = check_f0(f0_hz)
    amplitude = check("amplitude", amplitude, f0_hz.shape)
    shape = (*f0_hz.shape, "harmonics")
    distribution = check("harmonic_distribution", harmonic_distribution, shape)
    sample_rate, hop_length = check_sample_rate(sample_rate), check_count("hop_length", hop_length)
    f0_hz, amplitudes = hold_last(f0_hz), hold_last(amplitude[..., None] * distribution)
    return oscillate(f0_hz, amplitudes, sample_rate, hop_length)[0]


def oscillate(
    f0_hz: torch.Tensor,
    amplitudes: torch.Tensor,
    sample_rate: int,
    hop_length: int,
    turns: torch.Tensor | float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sound between the first and the last of ``frames + 1`` controls, and the phase reached."""
    voiced = f0_hz > 0
    start, stop = f0_hz[:, :-1], f0_hz[:, 1:]
    start, stop = start.where(voiced[:, :-1], stop), stop.where(voiced[:, 1:], start)
    along = torch.arange(hop_length, dtype=amplitudes.dtype, device=f0_hz.device) / hop_length
    hz = torch.lerp(start[..., None].double(), stop[..., None].double(), along.double())
    step = (hz / sample_rate).flatten(1)
    turns = turns + F.pad(step.cumsum(1), (1, 0))
    end, turns = turns[:, -1:] % 1, turns[:, :-1].reshape(hz.shape)

    amplitudes = amplitudes * voiced[..., None]
    ends = torch.stack([amplitudes[:, :-1], amplitudes[:, 1:]], dim=2)  # of each hop
    block = max(1, _BLOCK // (len(ends) * ends.shape[-1] * hop_length))
    blocks = zip(turns.split(block, 1), hz.split(block, 1), ends.split(block, 1), strict=True)
    pieces = [_sum_of_sines(*each, along, sample_rate / 2) for each in blocks]
    return torch.cat(pieces, 1).flatten(1), end.detach()


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
    magnitudes = check("magnitudes", magnitudes, ("batch", "frames", "bands"))
    if magnitudes.shape[-1] < 2:
        raise ValueError("magnitudes: 1 band is no filter; give two or more (65 in the paper).")
    noise = check_noise(noise, magnitudes, check_count("hop_length", hop_length))
    half = magnitudes.shape[-1] - 1
    return ring(magnitudes, noise)[:, half : half + noise.shape[1]]


def ring(magnitudes: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Return all that the filters ring, from ``bands - 1`` samples before to as many after."""
    n_frames, half = magnitudes.shape[1], magnitudes.shape[2] - 1
    window = torch.hann_window(2 * half, dtype=magnitudes.dtype, device=magnitudes.device)
    response = torch.fft.irfft(magnitudes, 2 * half).roll(half, -1) * window
    hops = noise.reshape(len(noise), n_frames, -1)
    width = hops.shape[-1] + 2 * half
    n_fft = next_fast_len(width, real=True)
    filtered = torch.fft.rfft(hops, n_fft) * torch.fft.rfft(response, n_fft)
    filtered = torch.fft.irfft(filtered, n_fft)[..., :width]
    total = noise.shape[1] + 2 * half
    added = F.fold(filtered.transpose(1, 2), (1, total), (1, width), stride=(1, hops.shape[-1]))
    return added[:, 0, 0]


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
        self.response = nn.Parameter(1e-6 * torch.randn(check_count("n_samples", n_samples)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map sound ``(batch, n)`` to sound of the same length in the room."""
        return x + self.wet(x)[:, : x.shape[1]]

    def wet(self, x: torch.Tensor) -> torch.Tensor:
        """Return the room without the direct sound, with its tail: ``(batch, n + n_samples)``."""
        x = check("audio", x, ("batch", "n"))
        total = x.shape[1] + len(self.response)
        n_fft = next_fast_len(total, real=True)
        response = torch.fft.rfft(F.pad(self.response, (1, 0)), n_fft)  # direct sound left out
        return torch.fft.irfft(torch.fft.rfft(x, n_fft) * response, n_fft)[:, :total]


# ------------------------------------------------------------------------------- streaming


class Stream:
    """Play a model in pieces of any number of frames: together they equal one pass, one hop late.

    A line between two frames needs the second, and a centred noise filter what comes next; hence
    the delay of one hop. Kept between pieces: the GRU's memory, the oscillators' phase, the last
    frame, and what noise filters and room still ring.

    Parameters
    ----------
    model : Autoencoder
        Trained or not.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model, self.memory, self.turns, self.last = model, None, 0.0, None
        self.noise_tail = self.room_tail = 0.0

    @torch.no_grad()
    def __call__(
        self,
        f0_hz: torch.Tensor,
        loudness_db: torch.Tensor,
        z: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Take the next frames ``(batch, frames)``; return ``(batch, frames * hop_length)``."""
        model, hop = self.model, self.model.hop_length
        controls, self.memory = model.decoder(f0_hz, loudness_db, z, self.memory)
        magnitudes = controls.noise_magnitudes
        noise = check_noise(noise, magnitudes, hop)
        n, early = noise.shape[1], 0 if self.last else hop  # before the first frame is silence

        now = check_f0(f0_hz), controls.amplitude[..., None] * controls.harmonic_distribution
        before = self.last or [x[:, :0] for x in now]
        f0_hz, amplitudes = (torch.cat(pair, dim=1) for pair in zip(before, now, strict=True))
        self.last = f0_hz[:, -1:], amplitudes[:, -1:]
        tones, self.turns = oscillate(f0_hz, amplitudes, model.sample_rate, hop, self.turns)

        rung = F.pad(ring(magnitudes, noise), (hop + 1 - magnitudes.shape[-1], 0))
        rung[:, : rung.shape[1] - n] += self.noise_tail
        self.noise_tail = rung[:, n:]
        dry = F.pad(tones + rung[:, early:n], (early, 0))
        if model.reverb is None:
            return dry
        wet = model.reverb.wet(dry)
        wet[:, : wet.shape[1] - n] += self.room_tail
        self.room_tail = wet[:, n:]
        return dry + wet[:, :n]


# ------------------------------------------------------------------------------- doors


def check(name: str, x: torch.Tensor, shape: tuple[int | str, ...]) -> torch.Tensor:
    """Return finite real numbers of a shape, in which a word stands for any size, or complain."""
    x = torch.as_tensor(x)
    if x.is_complex():
        raise TypeError(f"{name}: complex numbers given; real ones are needed.")
    fits = x.ndim == len(shape) and all(
        size > 0 if isinstance(wanted, str) else size == wanted
        for size, wanted in zip(x.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, shape))
        raise ValueError(f"{name}: shape ({wanted}) needed, {tuple(x.shape)} given.")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name}: has NaN or infinite values; remove them first.")
    return x if x.is_floating_point() else x.float()


def check_f0(f0_hz: torch.Tensor) -> torch.Tensor:
    """Return f0 ``(batch, frames)`` in Hz with 0 for NaN (no pitch), or complain."""
    f0_hz = torch.nan_to_num(torch.as_tensor(f0_hz), nan=0.0, posinf=math.inf, neginf=-math.inf)
    f0_hz = check("f0_hz", f0_hz, ("batch", "frames"))
    if (f0_hz < 0).any():
        raise ValueError(f"f0_hz: {f0_hz.min().item():g} Hz found; give 0 or NaN for no pitch.")
    return f0_hz


def check_count(name: str, count: int) -> int:
    """Return a whole number of 1 or more, or complain."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise ValueError(f"{name}={count!r}: give a whole number, 1 or more.")
    return int(count)


def check_noise(
    noise: torch.Tensor | None, magnitudes: torch.Tensor, hop_length: int
) -> torch.Tensor:
    """Return noise for magnitudes ``(batch, frames, bands)``, drawn if there is none."""
    batch, frames, _ = magnitudes.shape
    if noise is not None:
        return check("noise", noise, (batch, frames * hop_length))
    shape, kind = (batch, frames * hop_length), {"dtype": magnitudes.dtype}
    return 2 * torch.rand(shape, device=magnitudes.device, **kind) - 1


def hold_last(controls: torch.Tensor) -> torch.Tensor:
    """Repeat the last frame of ``(batch, frames, ...)``: where the last hop's lines end."""
    return torch.cat([controls, controls[:, -1:]], dim=1)
