"""Estimates of how a sound strikes a listener, made by instruments that this course did not train.

A distance (:mod:`lecture_utils.metrics`) asks whether two sounds are the same. The functions here
ask other questions: is it natural speech, are the words kept, is the pitch right, does it rumble,
does it hiss? Four of them need packages of the extra ``rulers`` and say so where they are absent;
:func:`missing` tells before. Used by notebooks 07, 09 and 10 and by ``make bench``.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import NamedTuple

import numpy as np

from lecture_utils import arguments, metrics
from lecture_utils.audio import HOP_LENGTH, SAMPLE_RATE, as_audio, check_sample_rate, stft

#: Package -> what it measures.
PACKAGES = {
    "speechmos": "naturalness of speech",
    "pocketsphinx": "words kept",
    "swift_f0": "pitch by a second tracker",
    "pesq": "PESQ",
}


def missing() -> list[str]:
    """Return the packages of :data:`PACKAGES` that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def _need(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        how = (
            "`pip install pesq` (which needs a C compiler)"
            if package == "pesq"
            else '`pip install -e ".[rulers]"` in the course folder'
        )
        raise ModuleNotFoundError(
            f"{PACKAGES[package]} needs the package {package}; install it with {how}.",
            name=package,
        )


class Naturalness(NamedTuple):
    """Estimated opinion scores, 1 (bad) to 5 (excellent): `overall` (P.835) and `p808`."""

    overall: float
    p808: float


def naturalness(x: np.typing.ArrayLike) -> Naturalness:
    """Estimate how natural speech sounds, without knowing the original: DNSMOS.

    A network that was trained on the opinions of listeners (Reddy, Gopal & Cutler 2021 and 2022).
    It was made to judge noise suppression, on speech alone: its scores of music mean nothing, and
    it does not notice a wrong voice or wrong words.

    Parameters
    ----------
    x : array_like
        Speech at 16 kHz, ``(n,)``; shorter sounds than 9 s are repeated.
    """
    _need("speechmos")
    found = _judge()(np.clip(_loud(x), -1, 1), SAMPLE_RATE, is_personalized_MOS=False)
    return Naturalness(float(found["ovrl_mos"]), float(found["p808_mos"]))


@functools.lru_cache(maxsize=1)
def _judge() -> object:
    """Return DNSMOS on one thread; ONNX's own store of memory, 150 MB, is left out."""
    from pathlib import Path

    from onnxruntime import InferenceSession, SessionOptions
    from speechmos import dnsmos

    options = SessionOptions()
    options.intra_op_num_threads, options.enable_cpu_mem_arena = 1, False
    options.enable_mem_pattern = False
    folder = Path(dnsmos.__file__).parent / "dnsmos_models"
    judge = dnsmos.DNSMOS.__new__(dnsmos.DNSMOS)  # its own constructor takes no options
    judge.onnx_sess = InferenceSession(folder / "sig_bak_ovr.onnx", options)
    judge.p808_onnx_sess = InferenceSession(folder / "model_v8.onnx", options)
    return judge


def words(x: np.typing.ArrayLike) -> list[str]:
    """Return the English words that a recogniser hears in speech at 16 kHz (pocketsphinx).

    It mishears a fifth to a third of clean speech. Compare what it hears in two versions of the
    same sound (:func:`words_changed`), not with the true text.
    """
    _need("pocketsphinx")
    pcm = (np.clip(_loud(x), -1, 1) * 32767).astype("<i2").tobytes()
    decoder = _decoder()
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return [] if heard is None else heard.hypstr.split()


@functools.lru_cache(maxsize=1)
def _decoder() -> object:
    from pocketsphinx import Decoder

    return Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")


def words_changed(reference: list[str], estimate: list[str]) -> float:
    """Return the share of words that changed: substituted, left out or added (edit distance).

    Parameters
    ----------
    reference, estimate : list of str
        What was heard in the original and in the other version.

    Returns
    -------
    float
        Changes over words of the reference; can exceed 1.
    """
    from torchaudio.functional import edit_distance

    if not reference:
        raise ValueError("reference: no words; give speech in which words were heard.")
    return edit_distance(reference, estimate) / len(reference)


def pesq(reference: np.typing.ArrayLike, estimate: np.typing.ArrayLike) -> float:
    """Return wide-band PESQ (ITU-T P.862.2), the mean over pieces of 5 s; 4.64 is the best.

    It compares with the original as a distance does, but by a model of hearing.

    Parameters
    ----------
    reference, estimate : array_like
        Speech of the same length at 16 kHz.
    """
    _need("pesq")
    from pesq import PesqError
    from pesq import pesq as score

    reference, estimate = (as_audio(x, min_samples=SAMPLE_RATE // 2) for x in (reference, estimate))
    if len(reference) != len(estimate):
        raise ValueError(
            f"reference has {len(reference)} samples and estimate {len(estimate)}; cut both to the "
            "same length."
        )
    piece = min(5 * SAMPLE_RATE, len(reference))
    found = [
        score(
            SAMPLE_RATE, reference[a : a + piece], estimate[a : a + piece], "wb",
            on_error=PesqError.RETURN_VALUES,
        )
        for a in range(0, len(reference) - piece + 1, piece)
    ]  # fmt: skip
    found = [value for value in found if value >= 0]  # -1: no speech in this piece
    if not found:
        raise ValueError("reference: no speech found; PESQ is made for speech.")
    return float(np.mean(found))


def pitch_hz(x: np.typing.ArrayLike, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Track the pitch by a second instrument, a small network (SwiftF0, Nieradzik 2025).

    Models of this course were made and chosen with pYIN (:func:`lecture_utils.metrics.f0_hz`); a
    ruler that had no part in that is fairer.

    Returns
    -------
    np.ndarray
        Hz, one value each 16 ms; NaN where no pitch was found.
    """
    _need("swift_f0")
    found = _tracker().detect(_loud(x), check_sample_rate(sample_rate))
    return np.where(found.confidence >= 0.5, found.pitch_hz, np.nan)


def pitch_confidence(x: np.typing.ArrayLike, sample_rate: int = SAMPLE_RATE) -> float:
    """Return how sure that tracker is on average where it hears a pitch, 0 (nowhere) to 1.

    Low for chords, drums and noise. Used for the doubt in timbre transfer (notebook 08).
    """
    _need("swift_f0")
    found = _tracker().detect(_loud(x), check_sample_rate(sample_rate)).confidence
    return float(found[found >= 0.5].mean()) if (found >= 0.5).any() else 0.0


@functools.lru_cache(maxsize=1)
def _tracker() -> object:
    from swift_f0 import SwiftF0

    return SwiftF0()


def gross_errors(
    reference_f0: np.typing.ArrayLike, estimated_f0: np.typing.ArrayLike, cents: float = 50.0
) -> float:
    """Return the share of pitched frames of the reference that are wrong by more than `cents`.

    A frame in which the estimate has no pitch counts as wrong too. Quote it beside every median,
    which does not say how bad the worse half is.

    Parameters
    ----------
    reference_f0, estimated_f0 : array_like
        Hz, same shape ``(frames,)``; 0 or NaN where there is no pitch.
    cents : float
        What counts as a gross error: half a semitone by default.
    """
    cents = arguments.number(cents, "cents", 0)
    reference_f0 = arguments.array(reference_f0, "reference_f0", ("frames",), finite=False)
    error = np.abs(metrics.cents(estimated_f0, reference_f0))
    pitched = np.nan_to_num(reference_f0) > 0
    if not pitched.any():
        raise ValueError("reference_f0: no frame has a pitch; give a pitched sound.")
    return float(np.mean(~(error[pitched] <= cents)))


def rumble_share(x: np.typing.ArrayLike, below_hz: float = 25.0) -> float:
    """Return the share of the energy below `below_hz`, which is felt rather than heard."""
    x, below_hz = _loud(x), arguments.number(below_hz, "below_hz", 0)
    power = np.abs(np.fft.rfft(x.astype(np.float64))) ** 2
    return float(power[np.fft.rfftfreq(len(x), 1 / SAMPLE_RATE) < below_hz].sum() / power.sum())


def flatness_db(x: np.typing.ArrayLike) -> float:
    """Return the spectral flatness in dB: near 0 for noise, far below for partials.

    Geometric over arithmetic mean of the power of a frame's bins, the median over the frames that
    lie no more than 40 dB below the loudest.
    """
    power = np.abs(stft(as_audio(_loud(x), min_samples=1024))).astype(np.float64) ** 2 + 1e-12
    level = power.mean(0)
    power = power[:, level > level.max() * 1e-4]
    return float(np.median(10 * (np.log10(power).mean(0) - np.log10(power.mean(0)))))


def harmonic_to_noise_db(
    x: np.typing.ArrayLike, f0_hz: np.typing.ArrayLike, hop_length: int = HOP_LENGTH
) -> float:
    """Return how much stronger the repeating part of a sound is than the rest, in dB.

    A period and the next one are compared: a correlation r gives ``r / (1 - r)`` (Boersma 1993),
    the median over frames with a pitch.

    Parameters
    ----------
    x : array_like
        Sound at 16 kHz, ``(n,)``.
    f0_hz : array_like
        Its pitch, one value each `hop_length` samples; 0 or NaN where there is none.
    hop_length : int
        Samples from one value to the next.
    """
    x = _loud(x).astype(np.float64)
    f0 = np.nan_to_num(arguments.array(f0_hz, "f0_hz", ("frames",), finite=False))
    ratios = []
    for frame in np.flatnonzero(f0 > 0):
        period, start = SAMPLE_RATE / f0[frame], frame * hop_length
        n, lags = int(4 * period), np.arange(int(period) - 1, int(period) + 4)
        if lags[0] < 1 or start + n + lags[-1] > len(x):
            continue
        here = x[start : start + n]
        there = np.stack([x[start + lag : start + lag + n] for lag in lags])
        norm = np.linalg.norm(here) * np.linalg.norm(there, axis=1)
        r = there @ here / np.maximum(norm, 1e-12)
        top = int(np.clip(r.argmax(), 1, len(r) - 2))
        bend = r[top - 1] - 2 * r[top] + r[top + 1]
        if bend < 0:  # the period lies between two samples: take the top of a parabola
            r[top] -= (r[top + 1] - r[top - 1]) ** 2 / (8 * bend)
        r_top = min(r[top], 1 - 1e-6)
        ratios.append(10 * np.log10(max(r_top, 1e-6) / (1 - r_top)))
    if not ratios:
        raise ValueError("f0_hz: no frame has a pitch; give the pitch of a pitched sound.")
    return float(np.median(ratios))


def _loud(x: np.typing.ArrayLike) -> np.ndarray:
    x = as_audio(x)
    if not x.any():
        raise ValueError("audio: silence can't be measured; give a sound.")
    return x
