r"""What phase is, and what happens to sound when it is lost, changed or borrowed.

A spectrogram bin is a complex number ``X = A exp(j phi)``: how much of a frequency there is (A),
and where in its cycle it stands (phi). Used by notebook 04.
"""

from __future__ import annotations

import numpy as np

from lecture_utils import arguments
from lecture_utils.audio import (
    HOP_LENGTH,
    N_FFT,
    SAMPLE_RATE,
    as_audio,
    check_sample_rate,
    check_stft_sizes,
    istft,
    stft,
)


def combine(magnitude: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Put a phase on a magnitude: ``magnitude * exp(1j * phase)``.

    Parameters
    ----------
    magnitude : np.ndarray
        Shape ``(bins, frames)``, >= 0.
    phase : np.ndarray
        In radians, the same shape.

    Returns
    -------
    np.ndarray
        complex64, shape ``(bins, frames)``.
    """
    magnitude = arguments.array(magnitude, "combine: magnitude", ("bins", "frames"))
    phase = arguments.array(phase, "combine: phase", ("bins", "frames"))
    if magnitude.shape != phase.shape:
        raise ValueError(
            f"combine: magnitude {magnitude.shape} and phase {phase.shape} must share one shape "
            "(bins, frames); cut both sounds to the same length first."
        )
    if (magnitude < 0).any():
        raise ValueError("combine: a magnitude can't be negative; a minus sign is a phase of pi.")
    return (magnitude * np.exp(1j * phase)).astype(np.complex64)


def wrap(phase: np.ndarray) -> np.ndarray:
    """Bring phases in radians into [-pi, pi), the same point of the circle."""
    return np.mod(arguments.array(phase, "phase") + np.pi, 2 * np.pi) - np.pi


def random_phase(shape: tuple[int, ...], seed: int | None = None) -> np.ndarray:
    """Return phases drawn evenly from the circle, in radians."""
    if not isinstance(shape, tuple):
        raise TypeError(
            f"shape={arguments.shown(shape)}: give (bins, frames), for example magnitude.shape."
        )
    shape = tuple(arguments.number(size, "shape", 0, whole=True) for size in shape)

    rng = np.random.default_rng(arguments.seed(seed))
    return rng.uniform(-np.pi, np.pi, shape).astype(np.float32)


def quantise(phase: np.ndarray, n_bits: int) -> np.ndarray:
    """Round phases to the nearest of ``2**n_bits`` points on the circle (0 bits: all zero).

    With one bit the points are 0 and pi, that is, a sign.
    """
    step = 2 * np.pi / 2 ** arguments.number(n_bits, "n_bits", 0, 16, whole=True)
    return wrap(np.round(arguments.array(phase, "phase") / step) * step)


def mix(phase: np.ndarray, other: np.ndarray, amount: float) -> np.ndarray:
    """Turn `phase` towards `other` by `amount` (0 to 1), the short way around the circle."""
    amount = arguments.number(amount, "amount", 0, 1)
    phase, other = arguments.array(phase, "phase"), arguments.array(other, "other")
    if phase.shape != other.shape:
        raise ValueError(f"mix: phases of shapes {phase.shape} and {other.shape} do not match.")
    return wrap(phase + amount * wrap(other - phase))


def replace(
    x: np.typing.ArrayLike,
    new_phase: np.ndarray | float,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
) -> np.ndarray:
    """Keep the magnitude of a sound, give it another phase and go back to a sound.

    Parameters
    ----------
    x : array_like
        Sound, shape ``(n,)``.
    new_phase : np.ndarray or float
        In radians, shape ``(n_fft // 2 + 1, 1 + n // hop_length)``, or one number for all.
    n_fft, hop_length : int
        In samples.

    Returns
    -------
    np.ndarray
        Shape ``(n,)``: the signal whose STFT is nearest (least squares) to what was asked.
    """
    x, phase = as_audio(x), arguments.array(new_phase, "new_phase")

    magnitude = np.abs(stft(x, n_fft, hop_length))
    phase = np.broadcast_to(phase, magnitude.shape) if phase.ndim == 0 else phase
    return istft(combine(magnitude, phase), hop_length, len(x))


def scramble(
    x: np.typing.ArrayLike,
    amount: float = 1.0,
    seed: int | None = None,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
) -> np.ndarray:
    """Turn the phase of a sound towards random phase by `amount` (the slide's random phase is 1).

    Returns
    -------
    np.ndarray
        Shape ``(n,)``.
    """
    x = as_audio(x)

    true = np.angle(stft(x, n_fft, hop_length))
    return replace(x, mix(true, random_phase(true.shape, seed), amount), n_fft, hop_length)


def swap(
    a: np.typing.ArrayLike,
    b: np.typing.ArrayLike,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
) -> tuple[np.ndarray, np.ndarray]:
    """Exchange the phases of two sounds, cut to the shorter one.

    Returns
    -------
    a_with_phase_of_b, b_with_phase_of_a : np.ndarray
        Shape ``(n,)`` each.
    """
    a, b = as_audio(a, "a"), as_audio(b, "b")

    n = min(len(a), len(b))
    phase_a = np.angle(stft(a[:n], n_fft, hop_length))
    phase_b = np.angle(stft(b[:n], n_fft, hop_length))
    return replace(a[:n], phase_b, n_fft, hop_length), replace(b[:n], phase_a, n_fft, hop_length)


def instantaneous_frequency(
    spectrum: np.ndarray, sample_rate: int = SAMPLE_RATE, hop_length: int = HOP_LENGTH
) -> np.ndarray:
    r"""Frequency that the phase advance from frame to frame stands for (Flanagan & Golden 1966).

    Bin k at frequency ``f_k`` is expected to turn by ``2 pi f_k hop / rate`` per hop; what it
    turns in excess, wrapped to half a turn, tells how far the partial lies from the bin's centre.

    Parameters
    ----------
    spectrum : np.ndarray
        Complex, shape ``(bins, frames)``, centred frames as from :func:`lecture_utils.audio.stft`.
    sample_rate, hop_length : int
        In Hz and samples.

    Returns
    -------
    np.ndarray
        Hz, shape ``(bins, frames - 1)``. Right to within ``rate / (2 hop)`` of the bin's centre.
    """
    spectrum, bin_hz = _check_spectrum(spectrum, sample_rate)
    check_stft_sizes(2 * (len(spectrum) - 1), hop_length)
    if spectrum.shape[1] < 2:
        raise ValueError("spectrum: one frame has no advance of phase; give two or more.")

    expected = 2 * np.pi * bin_hz * hop_length / sample_rate
    advance = np.diff(np.angle(spectrum), axis=1)
    excess = wrap(advance - expected[:, None])
    return bin_hz[:, None] + excess * sample_rate / (2 * np.pi * hop_length)


def group_delay(spectrum: np.ndarray, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    r"""Where within its frame each bin's energy lies: minus the slope of phase over frequency.

    A click delayed by t seconds from the frame's centre has the phase ``-2 pi f t``; the slope
    between neighbouring bins gives t back.

    Parameters
    ----------
    spectrum : np.ndarray
        Complex, shape ``(bins, frames)``.
    sample_rate : int
        In Hz.

    Returns
    -------
    np.ndarray
        Seconds relative to the frame's centre, shape ``(bins - 1, frames)``, within half a window.
    """
    spectrum, bin_hz = _check_spectrum(spectrum, sample_rate)

    # torch and librosa count phase from the frame's first sample; the centre is n_fft / 2 later,
    # a turn of pi from bin to bin
    slope = wrap(np.diff(np.angle(spectrum), axis=0) + np.pi)
    return -slope / (2 * np.pi * (bin_hz[1] - bin_hz[0]))


def _check_spectrum(spectrum: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the spectrum and the frequency of each bin in Hz."""
    sample_rate = check_sample_rate(sample_rate)
    spectrum = arguments.array(spectrum, "spectrum", ("bins", "frames"), kinds="c")
    if len(spectrum) < 3:
        raise ValueError(f"spectrum: {len(spectrum)} bins given, 3 or more needed; transpose it?")
    return spectrum, np.linspace(0, sample_rate / 2, len(spectrum))
