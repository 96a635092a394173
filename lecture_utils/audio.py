"""Read, check, resample and measure sound; the one short-time Fourier transform of the course.

Sound is a float32 array of shape ``(n,)`` in [-1, 1]; the sample rate travels beside it.
Used by every notebook.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import arguments, sound_file

if TYPE_CHECKING:
    import torch

#: The course's common format: 16 kHz, 64 ms windows, 16 ms hops.
SAMPLE_RATE, N_FFT, HOP_LENGTH = 16_000, 1024, 256

_INTEGER_SCALES = {"uint8": (128.0, 128.0), "int16": (32768.0, 0.0), "int32": (2.0**31, 0.0)}


def as_audio(x: np.typing.ArrayLike, name: str = "audio", min_samples: int = 1) -> np.ndarray:
    """Return any reasonable sound as a checked float32 array.

    Parameters
    ----------
    x : array_like or torch.Tensor
        Mono sound ``(n,)``; ``(1, n)``, ``(n, 1)`` and ``(1, 1, n)`` lose their empty axes; up to
        eight channels are mixed down with a warning. Integer PCM (uint8, int16, int32) is scaled
        to [-1, 1].
    name : str
        What the sound is called in an error.
    min_samples : int
        The shortest length that makes sense to the caller.

    Returns
    -------
    np.ndarray
        Shape ``(n,)``, float32, finite.

    Raises
    ------
    TypeError
        If `x` holds no real numbers.
    ValueError
        If `x` is empty, too short, has NaN or infinite values or more than eight channels, or
        holds integer-sized numbers as floats.
    """
    if hasattr(x, "detach"):  # a torch tensor, without importing torch for it
        x = x.detach().cpu()
        x = (x if x.is_complex() else x.float()).numpy()
    try:
        x = np.asarray(x)
    except ValueError:
        raise ValueError(f"{name}: rows of different lengths; give one row of samples.") from None
    if x.dtype.name in _INTEGER_SCALES:
        scale, offset = _INTEGER_SCALES[x.dtype.name]
        x = (x.astype(np.float64) - offset) / scale
    if x.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real samples, got an array of {x.dtype}.")
    if x.ndim > 1 and x.size:
        x = _mix_down(np.squeeze(x), name)
    if x.size < max(1, min_samples):
        need = f"at least {min_samples} samples" if min_samples > 1 else "at least one sample"
        raise ValueError(f"{name}: {x.size} samples given, {need} needed.")
    with np.errstate(over="ignore"):  # too large for float32 becomes inf, which is refused below
        x = np.ascontiguousarray(x.reshape(-1), dtype=np.float32)
    if not np.isfinite(x).all():
        first = int(np.argmin(np.isfinite(x)))
        raise ValueError(f"{name}: sample {first} is {x[first]}; remove NaN and infinite values.")
    if np.abs(x).max() > 100:
        raise ValueError(
            f"{name}: the largest sample is {np.abs(x).max():.0f}; scale to [-1, 1] "
            "(divide 16-bit sound by 32768)."
        )
    return x


def _mix_down(x: np.ndarray, name: str) -> np.ndarray:
    if x.ndim <= 1:
        return x
    if x.ndim > 2 or min(x.shape) > 8:
        raise ValueError(f"{name}: expected shape (n,), got {x.shape}; pass one sound at a time.")
    channels = x if x.shape[0] == min(x.shape) else x.T
    mono = channels.mean(axis=0)
    with np.errstate(all="ignore"):  # what is too large or no number is refused later
        power = np.mean(channels.astype(np.float64) ** 2, axis=1)
        is_lost = np.mean(mono.astype(np.float64) ** 2) < 0.1 * power.mean()
    if not is_lost:  # unrelated channels lose 9 dB at the most
        arguments.warn(f"{name}: {len(channels)} channels mixed down to mono.")
        return mono
    used = int(power.argmax())
    said = f"{len(channels)} channels cancel each other; channel {used + 1} alone is used."
    arguments.warn(f"{name}: {said}")
    return channels[used]


def check_sample_rate(sample_rate: float, name: str = "sample_rate") -> int:
    """Return `sample_rate` as an int; ValueError unless it is whole, from 100 to 768,000 Hz."""
    if not isinstance(sample_rate, (int, float, np.integer, np.floating)) or not (
        100 <= sample_rate <= 768_000 and sample_rate == int(sample_rate)
    ):
        raise ValueError(
            f"{name}: {arguments.shown(sample_rate)} is not a sample rate; give whole Hz, for "
            "example 16000."
        )
    return int(sample_rate)


def read(
    path: str | Path,
    sample_rate: int | None = None,
    start: float = 0.0,
    duration: float | None = None,
) -> tuple[np.ndarray, int]:
    """Read a sound file as mono float32, and resample it if asked.

    Parameters
    ----------
    path : str or Path
        WAV, FLAC, OGG, MP3 or AIFF.
    sample_rate : int, optional
        Wanted rate in Hz; the file's own by default.
    start, duration : float
        Part of the file in seconds; needed for files longer than 20 minutes.

    Returns
    -------
    x : np.ndarray
        Shape ``(n,)``, float32.
    sample_rate : int
        In Hz.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no sound, or the part asked for is empty or longer than 20 minutes.
    """
    path, start = arguments.path(path), arguments.number(start, "start", 0)
    if sample_rate is not None:
        sample_rate = check_sample_rate(sample_rate)
    duration = np.inf if duration is None else arguments.number(duration, "duration", 0)
    if not path.is_file():
        raise FileNotFoundError(f"No sound file at {path}; check the name and the folder.")

    x, rate = sound_file.decode(path, start, duration)
    x = as_audio(x[:, 0] if x.shape[1] == 1 else _mix_down(x, path.name), path.name)
    if sample_rate is not None and sample_rate != rate:
        x, rate = resample(x, rate, sample_rate), sample_rate
    return x, rate


def write(path: str | Path, x: np.typing.ArrayLike, sample_rate: int) -> Path:
    """Write mono 16-bit sound, WAV or FLAC by the suffix, and return the path.

    Samples beyond +-1 are clipped, with a warning.
    """
    import soundfile

    x, path = as_audio(x), arguments.path(path)
    if path.suffix.lower() not in (".wav", ".flac"):
        raise ValueError(f"{str(path)!r}: the name must end in .wav or .flac.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"No folder {path.parent}; make it first.")
    if np.abs(x).max() > 1:
        arguments.warn(f"{path.name}: samples beyond +-1 were clipped.")

    soundfile.write(path, np.clip(x, -1, 1), check_sample_rate(sample_rate), subtype="PCM_16")
    return path


def resample(x: np.typing.ArrayLike, sample_rate: int, new_sample_rate: int) -> np.ndarray:
    """Change the sample rate (band-limited, by soxr as librosa): ``(ceil(n * new / old),)``."""
    import soxr  # librosa itself would take 150 MB

    x, old = as_audio(x), check_sample_rate(sample_rate)
    new = check_sample_rate(new_sample_rate, "new_sample_rate")

    if old == new:
        return x
    n = -(-len(x) * new // old)
    y = soxr.resample(x, old, new, quality="HQ")[:n]
    return as_audio(np.pad(y, (0, n - len(y))), "resampled audio")


def level_db(x: np.typing.ArrayLike) -> float:
    """Root-mean-square level in dB re full scale (a full-scale sine is -3.01; silence is -inf)."""
    x = as_audio(x).astype(np.float64)

    rms = float(np.sqrt(np.mean(x**2)))
    return 20 * float(np.log10(rms)) if rms > 0 else -np.inf


def loudness_lufs(x: np.typing.ArrayLike, sample_rate: int) -> float:
    """Loudness as heard, in LUFS (ITU-R BS.1770): K-weighted, pauses left out; silence is -inf.

    Unlike :func:`level_db` it does not count an offset or rumble, and counts what the ear hears
    best most. A sound of less than 0.4 s counts as if it lasted for so long.
    """
    import torch
    from torchaudio.functional import loudness

    x, sample_rate = as_audio(x).astype(np.float64), check_sample_rate(sample_rate)
    x = x - x.mean()
    peak = float(np.abs(x).max())
    if peak < 1e-7:  # below the last of 24 bits: rounding
        return -np.inf

    # Measured at a fixed peak: so the standard's absolute gate (-70 LUFS) can't shut out a soft
    # sound, and torchaudio's filters, which clip at 1, have room.
    scale, shortest = 8 * peak, int(np.ceil(0.4 * sample_rate))  # one block of the standard
    padded = np.pad(x / scale, (0, max(0, shortest - len(x))))
    lufs = float(loudness(torch.from_numpy(padded)[None], sample_rate))
    lasts = min(1.0, len(x) / shortest)
    return lufs + 20 * float(np.log10(scale)) - 10 * float(np.log10(lasts))


def match_level(x: np.typing.ArrayLike, reference: np.typing.ArrayLike) -> np.ndarray:
    """Return `x` at the root-mean-square level of `reference`, or unchanged if one is silent."""
    x, gain_db = as_audio(x), level_db(reference) - level_db(x)
    return x * np.float32(10 ** (gain_db / 20)) if np.isfinite(gain_db) else x


def check_stft_sizes(n_fft: int, hop_length: int) -> None:
    """Raise ValueError unless ``n_fft`` >= 4 is even and ``hop_length`` is in 1 .. n_fft // 2."""
    n_fft = arguments.number(n_fft, "n_fft", whole=True)
    hop_length = arguments.number(hop_length, "hop_length", whole=True)
    if n_fft < 4 or n_fft % 2:
        raise ValueError(f"n_fft={n_fft}: give an even number of samples, for example 1024.")
    if not 1 <= hop_length <= n_fft // 2:
        raise ValueError(
            f"hop_length={hop_length}: windows of {n_fft} samples must overlap by half or more; "
            f"give 1 to {n_fft // 2}."
        )


def stft(
    x: np.typing.ArrayLike | torch.Tensor, n_fft: int = N_FFT, hop_length: int = HOP_LENGTH
) -> np.ndarray | torch.Tensor:
    r"""Short-time Fourier transform: periodic Hann window, centred frames, mirrored edges.

    Frame t sees the samples around t * hop_length:
    ``X[k, t] = sum_n w[n] x[t * hop_length + n - n_fft / 2] exp(-2j pi k n / n_fft)``.

    Parameters
    ----------
    x : array_like or torch.Tensor
        Shape ``(n,)``, more than ``n_fft // 2`` samples. A tensor keeps its precision.
    n_fft, hop_length : int
        Window and step in samples.

    Returns
    -------
    np.ndarray or torch.Tensor
        Complex, shape ``(n_fft // 2 + 1, 1 + n // hop_length)``; NumPy in, NumPy out.
    """
    import torch

    check_stft_sizes(n_fft, hop_length)

    is_tensor = isinstance(x, torch.Tensor)
    if not is_tensor:
        x = torch.from_numpy(as_audio(x, min_samples=n_fft // 2 + 1))
    elif x.ndim != 1 or len(x) <= n_fft // 2:
        raise ValueError(
            f"audio: shape {tuple(x.shape)} given; one sound (n,) longer than "
            f"{n_fft // 2} samples needed for n_fft={n_fft}."
        )
    elif x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"audio: a tensor of {x.dtype}; give float32 or float64, in [-1, 1].")
    elif not torch.isfinite(x).all():
        raise ValueError("audio: has NaN or infinite samples; remove them first.")
    window = torch.hann_window(n_fft, dtype=x.dtype, device=x.device)
    spectrum = torch.stft(
        x, n_fft, hop_length, window=window, center=True, pad_mode="reflect", return_complex=True
    )
    return spectrum if is_tensor else spectrum.numpy()


def istft(
    spectrum: np.ndarray | torch.Tensor,
    hop_length: int = HOP_LENGTH,
    length: int | None = None,
) -> np.ndarray | torch.Tensor:
    """Inverse of :func:`stft`, in the least-squares sense when `spectrum` is no signal's STFT.

    Parameters
    ----------
    spectrum : np.ndarray or torch.Tensor
        Complex, shape ``(bins, frames)``; ``n_fft = 2 * (bins - 1)``.
    hop_length : int
        Step in samples.
    length : int, optional
        Samples wanted; ``(frames - 1) * hop_length`` by default, at most half a window more.

    Returns
    -------
    np.ndarray or torch.Tensor
        Shape ``(length,)``; see :func:`divide_by_windows` for samples that hardly a frame holds.
    """
    import torch

    is_tensor = isinstance(spectrum, torch.Tensor)
    checked = arguments.array(spectrum, "spectrum", ("bins", "frames"), kinds="c")
    tensor = spectrum if is_tensor else torch.from_numpy(np.ascontiguousarray(checked))
    n_fft = 2 * (tensor.shape[0] - 1)
    if length is None:
        check_not_transposed(tensor.shape, "spectrum")
    check_stft_sizes(n_fft, hop_length)
    held = (tensor.shape[1] - 1) * hop_length
    if held < 1:
        raise ValueError(f"spectrum: {tensor.shape[1]} frame(s) hold no samples; give two or more.")
    length = held if length is None else length
    length = arguments.number(length, "length", 1, held + n_fft // 2, whole=True)
    window = torch.hann_window(n_fft, dtype=tensor.real.dtype, device=tensor.device)[:, None]

    def overlap_add(columns: torch.Tensor) -> torch.Tensor:
        total = torch.nn.functional.fold(
            columns[None], (1, n_fft + held), (1, n_fft), stride=(1, hop_length)
        )
        return total[0, 0, 0, n_fft // 2 : n_fft // 2 + length]

    frames = torch.fft.irfft(tensor, n_fft, dim=0) * window
    x = divide_by_windows(overlap_add(frames), overlap_add(window.expand_as(frames) ** 2))
    return x if is_tensor else x.numpy()


def check_not_transposed(shape: tuple[int, int], name: str) -> None:
    """Raise ValueError for a spectrogram with the bins of a usual window where frames belong."""
    usual = [2**k + 1 for k in range(7, 14)]
    if shape[1] in usual and shape[0] not in usual:
        raise ValueError(f"{name}: shape {tuple(shape)} has frames first; pass {name}.T.")


def divide_by_windows(total: torch.Tensor, window_sum: torch.Tensor) -> torch.Tensor:
    """Return the nearest signal: the sum of ``window * frame`` over the sum of squared windows.

    Behind the middle of the last frame, the second sum may fall to nearly nothing. The first falls
    with it if the frames are those of a sound. If the spectrum was changed, it does not: the end
    would be louder than all the rest, up to a million times. Then the second sum is taken as half
    of its maximum or more, and the end fades out. (Between two frames it is never less.)
    """
    exact = total / window_sum.clamp_min(1e-15)
    faded = total / window_sum.clamp_min(0.5 * float(window_sum.max()))
    return exact if exact.abs().max() <= 1.25 * faded.abs().max() else faded
