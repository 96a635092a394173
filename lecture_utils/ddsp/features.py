"""What DDSP hears: pitch and loudness. Used by notebook 08."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import upfirdn

from lecture_utils import arguments, metrics
from lecture_utils.audio import SAMPLE_RATE, as_audio, check_sample_rate
from lecture_utils.ddsp.synth import CONTROL_HOP

#: The quietest loudness that is told apart, in dB.
SILENCE_DB = -80.0


def loudness(
    x: np.typing.ArrayLike, sample_rate: int = SAMPLE_RATE, hop_length: int = CONTROL_HOP
) -> np.ndarray:
    """Measure loudness as a sound-level meter does: A-weighted level over 32 ms (Hann window).

    The A curve (IEC 61672) takes away what the ear hardly hears, below 500 Hz above all; it is
    0 dB at 1 kHz, where a full-scale sine has -3.01 dB as in `audio.level_db`.

    Parameters
    ----------
    x : array_like
        Sound, shape ``(n,)``.
    sample_rate, hop_length : int
        Hz, and samples a frame.

    Returns
    -------
    np.ndarray
        dB, float32, shape ``(ceil(n / hop_length),)``, -80 or more; frame t is centred on sample
        ``t * hop_length``.
    """
    import librosa

    x, sample_rate = as_audio(x), check_sample_rate(sample_rate)
    hop_length = arguments.count(hop_length, "hop_length")

    n_fft = next_fast_len(len(x) + sample_rate // 2, real=True)  # room for the filter to ring
    hz = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    gain_db = librosa.A_weighting(np.maximum(hz, 1))  # -80 at least: 0 Hz has no logarithm
    gain = (10 ** (gain_db / 20)).astype(np.float32)
    power = irfft(rfft(x, n_fft) * gain, n_fft)[: len(x)] ** 2
    half = round(0.016 * sample_rate)
    window = np.hanning(2 * half + 1).astype(np.float32)
    shift = -half % hop_length  # so that the first frame's centre is a multiple of hop_length

    def average(values: np.ndarray) -> np.ndarray:
        sums = upfirdn(window, np.pad(values, (shift, half)), down=hop_length)
        return sums[(half + shift) // hop_length :][: -(-len(x) // hop_length)]

    mean = average(power) / average(np.ones_like(power))  # at the edges, of what there is
    return np.maximum(10 * np.log10(np.maximum(mean, 1e-12)), SILENCE_DB).astype(np.float32)


def f0(
    x: np.typing.ArrayLike,
    sample_rate: int = SAMPLE_RATE,
    hop_length: int = CONTROL_HOP,
    f_min: float = 65.0,
    f_max: float = 4400.0,
    return_sureness: bool = False,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Follow the pitch with pYIN (`metrics.f0_hz`), every fourth frame, and draw lines between.

    Long sounds are done in pieces of 20 s. A second of sound takes a quarter of a second or less.

    Parameters
    ----------
    x : array_like
        Sound of one voice, shape ``(n,)``; of several voices pYIN follows one, or none.
    sample_rate, hop_length : int
        Hz, and samples a frame.
    f_min, f_max : float
        Range to search, Hz; the narrower, the fewer octave errors.
    return_sureness : bool
        Return pYIN's sureness, too.

    Returns
    -------
    f0_hz : np.ndarray
        Hz, float32, shape ``(ceil(n / hop_length),)``; 0 where there is no pitch.
    sureness : np.ndarray
        Only if asked for: 0..1, the same shape. On average one voice has 0.2 (noisy speech) to 1
        (a whistle), a chord or drums less than 0.2.
    """
    x, sample_rate = as_audio(x), check_sample_rate(sample_rate)
    f_min, f_max = arguments.number(f_min, "f_min"), arguments.number(f_max, "f_max")
    if not 20 <= f_min < f_max:
        raise ValueError(f"f_min={f_min:g}, f_max={f_max:g}: give 20 Hz or more, lowest first.")

    coarse = 4 * arguments.count(hop_length, "hop_length")
    n_frames, context = -(-len(x) // hop_length), sample_rate // 4 // coarse + 1
    piece, n_coarse = 20 * sample_rate // coarse + 1, 2 + len(x) // coarse
    track, sure = np.full(n_coarse, np.nan), np.zeros(n_coarse)
    for start in range(0, 1 + len(x) // coarse, piece):
        first, stop = max(0, start - context), min(start + piece, n_coarse - 1)
        part = x[first * coarse : (stop + context) * coarse]
        found = metrics.f0_hz(part, sample_rate, coarse, f_min, f_max, return_sureness=True)
        track[start:stop], sure[start:stop] = (v[start - first : stop - first] for v in found)
    place = np.arange(n_frames) / 4
    before = place.astype(int)
    low, high = np.log(track[before]), np.log(track[before + 1])
    low, high = np.where(np.isnan(low), high, low), np.where(np.isnan(high), low, high)
    hz = np.exp(low + (high - low) * (place - before))
    nearest = (place + 0.5).astype(int)
    hz = np.where(np.isnan(track[nearest]), 0, hz).astype(np.float32)
    return (hz, sure[nearest].astype(np.float32)) if return_sureness else hz
