"""Distances between a sound and its original: what the tables of notebooks 03 and 05 to 10 count.

All compare sounds of the same length and level as they are; nothing is normalised or aligned.
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
    resample,
    stft,
)


def _pair(
    reference: np.typing.ArrayLike, estimate: np.typing.ArrayLike, min_samples: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    reference = as_audio(reference, "reference", min_samples)
    estimate = as_audio(estimate, "estimate", min_samples)
    if len(reference) != len(estimate):
        raise ValueError(
            f"reference has {len(reference)} samples and estimate {len(estimate)}; "
            "cut both to the same length."
        )
    return reference, estimate


def snr_db(reference: np.typing.ArrayLike, estimate: np.typing.ArrayLike) -> float:
    """Signal-to-noise ratio in dB: energy of the reference over energy of the difference."""
    reference, estimate = (x.astype(np.float64) for x in _pair(reference, estimate))

    signal, noise = np.sum(reference**2), np.sum((reference - estimate) ** 2)
    if signal == 0:
        raise ValueError("reference is silent; a ratio to nothing means nothing.")
    return float(10 * np.log10(signal / noise)) if noise > 0 else float("inf")


def spectral_convergence_db(
    reference: np.typing.ArrayLike,
    estimate: np.typing.ArrayLike,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
) -> float:
    """Distance of magnitudes, ``20 log10(|| |X| - |Y| || / || |X| ||)`` in dB; lower is better."""
    check_stft_sizes(n_fft, hop_length)
    reference, estimate = _pair(reference, estimate, n_fft // 2 + 1)

    x, y = (np.abs(stft(z, n_fft, hop_length)) for z in (reference, estimate))
    norm, error = np.linalg.norm(x), np.linalg.norm(x - y)
    if norm == 0:
        raise ValueError("reference is silent; a ratio to nothing means nothing.")
    return float(20 * np.log10(error / norm)) if error > 0 else -float("inf")


def multi_resolution_stft(
    reference: np.typing.ArrayLike,
    estimate: np.typing.ArrayLike,
    n_ffts: tuple[int, ...] = (512, 1024, 2048),
) -> float:
    """Mean over window lengths of spectral convergence plus log-magnitude L1.

    The distance of Parallel WaveGAN (Yamamoto et al. 2020, equations 4 to 6), with a hop of a
    quarter window and natural logarithms floored at 1e-5.
    """
    if not isinstance(n_ffts, (tuple, list)) or not n_ffts:
        raise TypeError(
            f"n_ffts={arguments.shown(n_ffts)}: give window lengths, for example (512, 1024, 2048)."
        )

    longest = max(arguments.number(n_fft, "n_ffts", 4, whole=True) for n_fft in n_ffts)
    reference, estimate = _pair(reference, estimate, longest // 2 + 1)
    total = 0.0
    for n_fft in n_ffts:
        x, y = (np.abs(stft(z, n_fft, n_fft // 4)) for z in (reference, estimate))
        norm = np.linalg.norm(x)
        if norm == 0:
            raise ValueError("reference is silent; a ratio to nothing means nothing.")
        log_x, log_y = (np.log(np.maximum(z, 1e-5)) for z in (x, y))
        total += np.linalg.norm(x - y) / norm + np.mean(np.abs(log_x - log_y))
    return float(total / len(n_ffts))


def log_mel_l1(
    reference: np.typing.ArrayLike,
    estimate: np.typing.ArrayLike,
    preset: str = "course16k",
) -> float:
    """Mean absolute difference of natural-log mel spectrograms (the vocoders' mel loss)."""
    from lecture_utils import mel

    reference, estimate = _pair(reference, estimate)

    x, y = (mel.log_mel(z, preset) for z in (reference, estimate))
    return float(np.mean(np.abs(x - y)))


def f0_hz(
    x: np.typing.ArrayLike,
    sample_rate: int = SAMPLE_RATE,
    hop_length: int = HOP_LENGTH,
    f_min: float = 65.0,
    f_max: float = 4400.0,
    return_sureness: bool = False,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Fundamental frequency by pYIN (Mauch & Dixon 2014, through librosa), up to C8.

    pYIN finds the way through the frames on a grid of 20 cents; between its points the pitch is
    where the frame repeats itself best. At 48 kHz or so, since the period of a whistle has too few
    samples at 16 kHz.

    Returns
    -------
    np.ndarray
        Hz, shape ``(1 + n // hop_length,)``; NaN where no pitch was found. With `return_sureness`
        also how probable pYIN finds it that there is one, 0..1.
    """
    import librosa

    x, sample_rate = as_audio(x), check_sample_rate(sample_rate)
    hop_length = arguments.count(hop_length, "hop_length")
    f_min, f_max = arguments.number(f_min, "f_min", 1), arguments.number(f_max, "f_max", 1)

    f_max = min(f_max, 0.45 * sample_rate)
    # pYIN lets the pitch move by 36 octaves a second: within a hop it must not leave the range
    if f_max < 2 * f_min or np.log2(f_max / f_min) < 37 * hop_length / sample_rate:
        raise ValueError(
            f"f0_hz: hops of {1000 * hop_length / sample_rate:.0f} ms in a range of {f_min:g} to "
            f"{f_max:g} Hz can't be tracked; give a smaller hop_length or a wider range."
        )
    # at least two and a half periods of the lowest pitch must fit into a frame
    frame_length = max(1024, 2 ** int(np.ceil(np.log2(2.5 * sample_rate / f_min))))
    finer = max(1, round(48_000 / sample_rate))
    x = resample(x, sample_rate, finer * sample_rate)
    options = {
        "fmin": f_min, "fmax": f_max, "sr": finer * sample_rate,
        "frame_length": finer * frame_length, "hop_length": finer * hop_length,
    }  # fmt: skip
    f0, voiced, sureness = librosa.pyin(x, resolution=0.2, **options)
    f0 = _refine(np.where(voiced, f0, np.nan), x, **options)
    return (f0, sureness) if return_sureness else f0


def _refine(
    f0: np.ndarray, x: np.ndarray, sr: int, frame_length: int, hop_length: int, **_range: float
) -> np.ndarray:
    """Move each pitch to where its frame is most alike to itself, a semitone (6 %) away at most.

    Alike means ``2 sum(x[n] x[n + k]) / sum(x[n]^2 + x[n + k]^2)``, 1 if the sound repeats after k
    samples (McLeod & Wyvill 2005). librosa's YIN leaves out a part of the second sum, so that its
    low notes come out sharp: 14 cents at 65 Hz, 50 at the ends of a sound.
    """
    import librosa

    voiced = np.flatnonzero(np.isfinite(f0))
    if not len(voiced):
        return f0
    period = sr / f0[voiced]
    half = frame_length // 2
    frames = librosa.util.frame(np.pad(x, half), frame_length=frame_length, hop_length=hop_length)
    frames = frames[:, voiced]
    first = np.maximum(0, half - voiced * hop_length)  # where the sound begins in the frame
    last = np.minimum(frame_length, half + len(x) - voiced * hop_length)
    lags = np.arange(int(period.max() * 1.06) + 3)
    product = librosa.autocorrelate(frames, max_size=len(lags), axis=0)
    before = np.pad(np.cumsum(frames**2, axis=0, dtype=np.float64), ((1, 0), (0, 0)))
    column, k = np.arange(len(voiced)), lags[:, None]
    power = before[np.maximum(last - k, 0), column] + before[-1]
    power -= before[np.minimum(first + k, frame_length), column]
    alike = 2 * product / (power + 1e-12)

    is_near = np.abs(k - period) < np.maximum(0.06 * period, 1)
    best = np.clip(np.where(is_near, alike, -2).argmax(axis=0), 1, len(lags) - 2)
    left, middle, right = (alike[best + step, column] for step in (-1, 0, 1))
    is_peak = middle > np.maximum(left, right)
    bend = np.where(is_peak, 2 * middle - left - right, 1)
    refined = f0.copy()
    refined[voiced] = np.where(is_peak, sr / (best + 0.5 * (right - left) / bend), f0[voiced])
    return refined


def cents(f0: np.typing.ArrayLike, reference: np.typing.ArrayLike) -> np.ndarray:
    """Interval from `reference` to `f0` in cents (100 to the semitone), NaN where either is."""
    f0, reference = (
        arguments.array(values, name, finite=False).astype(float)
        for values, name in ((f0, "f0"), (reference, "reference"))
    )
    if f0.shape != reference.shape and 1 not in (f0.size, reference.size):
        raise ValueError(f"cents: shapes {f0.shape} and {reference.shape} do not match.")

    with np.errstate(divide="ignore", invalid="ignore"):
        interval = 1200 * np.log2(f0 / reference)
    return np.where(np.isfinite(interval), interval, np.nan)


def f0_error_cents(
    reference_f0: np.typing.ArrayLike, estimated_f0: np.typing.ArrayLike
) -> tuple[float, float]:
    """Median absolute error of a pitch curve, and the share of frames it was measured on.

    Parameters
    ----------
    reference_f0, estimated_f0 : array_like
        Hz, same shape ``(frames,)``; 0 or NaN where there is no pitch.

    Returns
    -------
    median_cents : float
        Over frames where both have a pitch (NaN if there is none).
    coverage : float
        Such frames over frames where the reference has a pitch.
    """
    reference_f0 = arguments.array(reference_f0, "reference_f0", ("frames",), finite=False)
    estimated_f0 = arguments.array(estimated_f0, "estimated_f0", ("frames",), finite=False)
    if reference_f0.shape != estimated_f0.shape:
        raise ValueError(
            f"f0 curves of shapes {reference_f0.shape} and {estimated_f0.shape} can't be compared; "
            "use the same hop and length."
        )

    error = np.abs(cents(estimated_f0, reference_f0))
    both, pitched = np.isfinite(error), np.nan_to_num(reference_f0) > 0
    if not both.any():
        return float("nan"), 0.0
    return float(np.median(error[both])), float(both.sum() / pitched.sum())
