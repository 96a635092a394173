r"""The mel spectrogram that vocoders start from, and the way back to a magnitude.

80 bands, narrow below and wide above like the ear's, on a logarithmic scale. Nothing differs so
often between published vocoders as this front-end, and a vocoder fed with another one's mel makes
noise: the presets below are exact. Used by notebooks 02, 03 and 05 to 10.
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass

import numpy as np
import torch

from lecture_utils import arguments
from lecture_utils.audio import as_audio, check_sample_rate, check_stft_sizes


@dataclass(frozen=True)
class Preset:
    """A mel front-end: sizes in samples and Hz, logarithm ("ln" or "log10") and its floor.

    ``epsilon`` is added under the square root of the magnitude, as HiFi-GAN does.
    """

    sample_rate: int
    n_fft: int = 1024
    hop_length: int = 256
    n_mels: int = 80
    f_min: float = 0.0
    f_max: float | None = None
    log: str = "ln"
    floor: float = 1e-5
    epsilon: float = 0.0


#: The course's format, and the published ones of HiFi-GAN (Kong et al. 2020) and MelGAN
#: (Kumar et al. 2019).
PRESETS = {
    "course16k": Preset(16_000, f_max=8000.0, epsilon=1e-9),
    "hifi_gan22k": Preset(22_050, f_max=8000.0, epsilon=1e-9),
    "melgan22k": Preset(22_050, log="log10"),
}


def get_preset(name: str) -> Preset:
    """Return a preset by name; an unknown name is answered with the nearest one."""
    if not isinstance(name, str) or name not in PRESETS:
        near = difflib.get_close_matches(str(name), PRESETS, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(PRESETS)}."
        raise ValueError(f"No mel preset {arguments.shown(name)}; {hint}")
    return PRESETS[name]


class MelSpectrogram(torch.nn.Module):
    """Magnitude in mel bands: ``(batch, n)`` to ``(batch, n_mels, n // hop_length)``.

    The edges are mirrored by ``(n_fft - hop_length) / 2`` samples and frames are not centred, as
    in the published vocoders: frame t is centred on sample ``(t + 1/2) * hop_length``, and there
    are exactly ``n // hop_length`` of them, so that a vocoder returns ``hop_length`` samples each.
    """

    def __init__(
        self,
        sample_rate: int = 16_000,
        n_fft: int = 1024,
        hop_length: int = 256,
        n_mels: int = 80,
        f_min: float = 0.0,
        f_max: float | None = None,
        epsilon: float = 0.0,
    ) -> None:
        super().__init__()
        check_stft_sizes(n_fft, hop_length)
        self.sample_rate = check_sample_rate(sample_rate)
        self.n_fft, self.hop_length = n_fft, hop_length
        self.n_mels = arguments.count(n_mels, "n_mels")
        self.epsilon = arguments.number(epsilon, "epsilon", 0)
        f_max = arguments.number(sample_rate / 2 if f_max is None else f_max, "f_max")
        if not 0 <= arguments.number(f_min, "f_min") < f_max <= sample_rate / 2:
            raise ValueError(
                f"mel bands: {n_mels} bands from {f_min:g} to {f_max:g} Hz do not fit below "
                f"{sample_rate / 2:g} Hz."
            )
        filters = _filters(self.sample_rate, n_fft, n_mels, float(f_min), float(f_max))
        self.register_buffer("filters", torch.from_numpy(filters), persistent=False)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return mel magnitudes of sounds ``(batch, n)``."""
        edge = (self.n_fft - self.hop_length) // 2
        if not isinstance(x, torch.Tensor) or x.dtype not in (torch.float32, torch.float64):
            kind = x.dtype if hasattr(x, "dtype") else type(x).__name__
            raise TypeError(f"audio: got {kind}; give a float32 or float64 tensor (batch, n).")
        if x.ndim != 2 or x.shape[-1] < max(self.hop_length, edge + 1):
            raise ValueError(
                f"audio: shape {tuple(x.shape)} given; a batch (batch, n) of at least "
                f"{max(self.hop_length, edge + 1)} samples needed."
            )
        padded = torch.nn.functional.pad(x[:, None], (edge, edge), mode="reflect")[:, 0]
        spectrum = torch.stft(
            padded, self.n_fft, self.hop_length, window=self.window.to(x),
            center=False, return_complex=True,
        )  # fmt: skip
        power = spectrum.real**2 + spectrum.imag**2
        return self.filters.to(x) @ torch.sqrt(power + self.epsilon)


@functools.lru_cache(maxsize=8)
def _filters(sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float) -> np.ndarray:
    """Triangular bands of equal area on Slaney's mel scale, ``(n_mels, n_fft // 2 + 1)``."""
    import librosa

    return librosa.filters.mel(
        sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max, dtype=np.float32
    )


def front_end(name: str) -> MelSpectrogram:
    """Return a new :class:`MelSpectrogram` of a preset."""
    p = get_preset(name)
    return MelSpectrogram(
        p.sample_rate, p.n_fft, p.hop_length, p.n_mels, p.f_min, p.f_max, p.epsilon
    )


@functools.lru_cache(maxsize=8)
@torch.inference_mode(False)  # what is kept may be used in training later
def kept_front_end(name: str, device: torch.device | str = "cpu") -> MelSpectrogram:
    """Return the :class:`MelSpectrogram` of a preset, made once for each device."""
    return front_end(name).to(device)


def log_mel(
    x: np.typing.ArrayLike | torch.Tensor,
    preset: str = "course16k",
    sample_rate: int | None = None,
) -> np.ndarray | torch.Tensor:
    """Log-mel spectrogram in a published format.

    Parameters
    ----------
    x : array_like or torch.Tensor
        Sound at the preset's rate: ``(n,)``, or a tensor ``(batch, n)`` for training.
    preset : str
        A key of :data:`PRESETS`.
    sample_rate : int, optional
        The sound's, in Hz: to be told if it is not the preset's.

    Returns
    -------
    np.ndarray or torch.Tensor
        Shape ``(n_mels, n // hop_length)`` (with the batch axis in front for a batch).
    """
    p = get_preset(preset)
    if sample_rate is not None and check_sample_rate(sample_rate) != p.sample_rate:
        raise ValueError(
            f"sample_rate={sample_rate}: {preset} is for {p.sample_rate} Hz; use audio.resample."
        )
    if isinstance(x, torch.Tensor):
        magnitude = kept_front_end(preset, x.device)(x[None] if x.ndim == 1 else x)
        return _log(magnitude[0] if x.ndim == 1 else magnitude, p)
    x = as_audio(x, min_samples=max(p.hop_length, (p.n_fft - p.hop_length) // 2 + 1))
    with torch.no_grad():
        return _log(kept_front_end(preset)(torch.from_numpy(x)[None])[0], p).numpy()


def _log(magnitude: torch.Tensor, p: Preset) -> torch.Tensor:
    floored = magnitude.clamp_min(p.floor)
    return torch.log(floored) if p.log == "ln" else torch.log10(floored)


def check_log_mel(log_mel: np.typing.ArrayLike, preset: str = "course16k") -> np.ndarray:
    """Return a log-mel as float32 ``(n_mels, frames)``, or say what is wrong with it.

    If the numbers look like those of another unit, :func:`warn_about_unit` says so.
    """
    p, values = get_preset(preset), arguments.array(log_mel, "mel", ("n_mels", "frames"))
    bands, frames = values.shape
    if bands != p.n_mels and frames == p.n_mels:
        raise ValueError(f"mel: shape {values.shape} has frames first; pass mel.T.")
    if bands != p.n_mels:
        raise ValueError(
            f"mel: {bands} bands given, {preset} has {p.n_mels}; make it with "
            f"mel.log_mel(x, {preset!r})."
        )
    if values.max() > 25:  # e^25 is far beyond any window of samples in [-1, 1]
        raise ValueError(f"mel: the largest entry is {values.max():.0f}; take the logarithm first.")
    warn_about_unit(values, preset)
    return np.ascontiguousarray(values, dtype=np.float32)


def warn_about_unit(values: np.ndarray, preset: str = "course16k") -> None:
    """Warn if a log-mel ``(..., n_mels, frames)`` seems to be in decibels, linear, or log10 for ln.

    The logarithm of a real mel is 0 or more in 2 % of its entries or fewer, in half of them for the
    loudest noise. A common logarithm lies in [-5, 1.5]; a natural one goes far below -5 wherever a
    sound pauses or has an empty band. Loud dense sound does not, but it is steady: so the level
    must move too. (A steady mel of zeros is made by hand.)
    """
    p, lowest = get_preset(preset), values.min()
    floor = (np.log if p.log == "ln" else np.log10)(p.floor)
    if lowest < floor - 0.1:
        looks = f"reaches {lowest:.1f}, below the lowest possible value {floor:.1f}, as decibels do"
    elif np.mean(values >= 0) > 0.7 and values.max() > lowest:
        looks = "is hardly ever negative, as one without a logarithm"
    elif p.log == "ln" and lowest > -5.01 and np.ptp(values.mean(-2)) > 0.6:
        looks = f"its smallest number is {lowest:.1f}, and a right mel usually goes lower; "
        looks += "perhaps it is a log10 or normalised mel"
    else:
        return
    takes = p.log + (", the natural logarithm," if p.log == "ln" else "")
    arguments.warn(
        f"mel: {looks}; the preset {preset} takes {takes} of the magnitude (mel.log_mel makes it)."
    )


def invert(
    log_mel: np.typing.ArrayLike, preset: str = "course16k", n_iter: int = 100
) -> np.ndarray:
    r"""Find a magnitude that has these mel bands: non-negative least squares.

    80 numbers do not determine 513; of the many answers this finds one that is nowhere negative,
    by accelerated projected gradient steps on ``||F m - M||^2`` from the smooth start
    ``F^T M`` (each bin takes the level of the bands it lies in).

    Parameters
    ----------
    log_mel : array_like
        Shape ``(n_mels, frames)``, as from :func:`log_mel` with the same preset.
    preset : str
        A key of :data:`PRESETS`.
    n_iter : int
        Gradient steps.

    Returns
    -------
    np.ndarray
        Magnitude, float32 ``(n_fft // 2 + 1, frames)``. Frame t is centred on sample
        ``(t + 1/2) * hop_length``.
    """
    p, values = get_preset(preset), check_log_mel(log_mel, preset)
    n_iter = arguments.number(n_iter, "n_iter", 0, whole=True)
    filters = kept_front_end(preset).filters
    levels = torch.from_numpy(values)
    wanted = torch.exp(levels) if p.log == "ln" else 10**levels
    step = 1 / torch.linalg.matrix_norm(filters, ord=2) ** 2
    weight = filters.sum(1, keepdim=True)  # a flat spectrum of level one gives this much
    found = filters.T @ (wanted / weight) / filters.sum(0)[:, None].clamp_min(1e-8)
    ahead, momentum = found, 1.0
    for _ in range(n_iter):  # FISTA (Beck & Teboulle 2009)
        better = (ahead - step * (filters.T @ (filters @ ahead - wanted))).clamp_min(0)
        next_momentum = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = better + (momentum - 1) / next_momentum * (better - found)
        found, momentum = better, next_momentum
    return found.numpy()
