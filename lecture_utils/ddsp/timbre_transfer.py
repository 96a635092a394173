"""Timbre transfer: somebody else's tune through an instrument that DDSP has learned.

Pitch and loudness of the source are first brought to where the instrument plays (Engel et al.
2020, section 4.3: octave and loudness are fitted). Used by notebook 08.
"""

from __future__ import annotations

import numpy as np
import torch

from lecture_utils import arguments
from lecture_utils.audio import as_audio, stft
from lecture_utils.ddsp.features import f0, loudness
from lecture_utils.ddsp.network import Autoencoder


def hold_pitch(f0_hz: np.ndarray, n_frames: int = 25) -> np.ndarray:
    """Let each note's last pitch last `n_frames` more, unless the next note begins before.

    A note still rings after its end, and silence has no pitch to ring at.
    """
    f0_hz = _as_pitch(f0_hz)
    n_frames = arguments.number(n_frames, "n_frames", 0, whole=True)
    index = np.where(f0_hz > 0, np.arange(len(f0_hz)), -1)
    last = np.maximum.accumulate(index)
    held = (last >= 0) & (np.arange(len(f0_hz)) - last <= n_frames)
    return np.where(held, f0_hz[np.maximum(last, 0)], 0).astype(np.float32)


def _as_pitch(f0_hz: np.ndarray) -> np.ndarray:
    """Return a checked pitch curve with 0 for NaN (no pitch)."""
    f0_hz = arguments.array(f0_hz, "f0_hz", ("frames",), finite=False)
    f0_hz = arguments.array(np.where(np.isnan(f0_hz), 0, f0_hz), "f0_hz").astype(np.float64)
    odd = f0_hz[(f0_hz > 0) & ((f0_hz < 1) | (f0_hz > 1e5))]
    if len(odd):
        raise ValueError(f"f0_hz: {odd[0]:g} Hz is no pitch; give Hz, and 0 where there is none.")
    return f0_hz


def fit_controls(
    f0_hz: np.ndarray, loudness_db: np.ndarray, range_hz: tuple[float, float], loud_db: float
) -> tuple[np.ndarray, np.ndarray]:
    """Move a tune by whole octaves and its loudness by one number to where an instrument plays.

    The tune moves by the smallest number of octaves that brings the most of it into the range: by
    none if it lies there. Loudness is fitted at its loud end (the 95th percentile): the middle
    depends on how long pauses and dying notes are, and a violin that is told to play softly is
    dark.

    Parameters
    ----------
    f0_hz, loudness_db : np.ndarray
        Of the source, ``(frames,)``; f0 is 0 where there is no pitch. The longer is cut.
    range_hz : tuple of float
        Lowest and highest pitch of the instrument's training sound.
    loud_db : float
        The 95th percentile of its loudness, over frames with a pitch.

    Returns
    -------
    tuple of np.ndarray
        f0 in Hz and loudness in dB, float32, ``(frames,)``.

    Raises
    ------
    ValueError
        If the source has no pitch anywhere: it is silent, all noise, or has several voices.
    """
    f0_hz = _as_pitch(f0_hz)
    loudness_db = arguments.array(loudness_db, "loudness_db", ("frames",))
    n = min(len(f0_hz), len(loudness_db))
    f0_hz, loudness_db, sounding = f0_hz[:n], loudness_db[:n], f0_hz[:n] > 0
    if not sounding.any():
        raise ValueError(
            "source: no pitch was found in it; take one voice that hums, sings or whistles."
        )
    if not isinstance(range_hz, (tuple, list)) or len(range_hz) != 2:
        raise TypeError(f"range_hz={arguments.shown(range_hz)}: give the lowest and highest pitch.")
    lowest, highest = (arguments.number(hz, "range_hz", 1) for hz in range_hz)
    loud_db = arguments.number(loud_db, "loud_db")
    tune, shifts = f0_hz[sounding], sorted(range(-6, 7), key=abs)
    inside = [np.mean((lowest <= tune * 2.0**k) & (tune * 2.0**k <= highest)) for k in shifts]
    octaves = shifts[int(np.argmax(np.round(inside, 2)))]  # a few odd frames move nothing
    louder = loud_db - np.percentile(loudness_db[sounding], 95)
    return (f0_hz * 2.0**octaves).astype(np.float32), (loudness_db + louder).astype(np.float32)


@torch.inference_mode()
def transfer(
    model: Autoencoder,
    x: np.typing.ArrayLike,
    f0_hz: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Play the tune of `x` on the model's instrument.

    Parameters
    ----------
    model : Autoencoder
        Loaded weights, whose ``facts`` tell the instrument's range and loudness.
    x : array_like
        One voice, ``(n,)`` at the model's sample rate.
    f0_hz : np.ndarray, optional
        Its pitch per control frame if it is known; found by :func:`lecture_utils.ddsp.f0`
        otherwise (about half a second for a second of sound).
    seed : int
        Of the noise.

    Returns
    -------
    np.ndarray
        Shape ``(frames * hop,)``, float32.

    Raises
    ------
    ValueError
        If no pitch is found, or the weights do not tell where their instrument plays.

    Warns
    -----
    UserWarning
        If the tracker is not sure, or what it found is the common undertone of a chord, or the
        middle of two notes a semitone apart.
    """
    x, facts = as_audio(x), getattr(model, "facts", {})
    if not {"lowest_hz", "highest_hz", "loud_db"} <= facts.keys():
        raise ValueError("model: does not tell where it plays; load shipped DDSP weights.")
    sureness = None
    if f0_hz is None:
        f0_hz, sureness = f0(x, model.sample_rate, model.hop_length, return_sureness=True)
    f0_hz = _as_pitch(f0_hz)
    if (f0_hz > 0).any():
        _warn_about_chords(x, f0_hz, sureness, model)
    curves = fit_controls(
        hold_pitch(f0_hz), loudness(x, model.sample_rate, model.hop_length),
        (facts["lowest_hz"], facts["highest_hz"]), facts["loud_db"],
    )  # fmt: skip
    controls = [torch.from_numpy(curve)[None] for curve in curves]
    seed = arguments.number(seed, "seed", 0, 2**63 - 1, whole=True)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(1, controls[0].shape[1] * model.hop_length, generator=generator)
    return model(*controls, noise=2 * noise - 1)[0].numpy()


def _warn_about_chords(
    x: np.ndarray, f0_hz: np.ndarray, sureness: np.ndarray | None, model: Autoencoder
) -> None:
    """Warn if what was tracked is hardly one voice."""
    sounding = f0_hz > 0
    sure = 1.0 if sureness is None else float(sureness[sounding].mean())
    if sure < 0.3:
        why = f"the tracker is {sure:.0%} sure"
    elif lacks_fundamental(x, f0_hz, model.sample_rate, model.hop_length):
        why = "its fundamental is missing"
    elif lies_between_two(x, f0_hz, model.sample_rate, model.hop_length):
        why = "there is a note just above it and one just below"
    else:
        return
    guess = f"{np.median(f0_hz[sounding]):.0f} Hz is a guess: {why}"
    arguments.warn(f"source: no single pitch was found ({guess}); take one voice, alone.")


def lacks_fundamental(
    x: np.typing.ArrayLike, f0_hz: np.ndarray, sample_rate: int, hop_length: int
) -> bool:
    """Tell whether a pitch is only what the notes of a chord have in common.

    440 and 660 Hz repeat together 220 times a second, so a tracker finds 220 Hz. Of that note the
    harmonics 1, 5 and 7 are missing. (A telephone takes the first from a voice, not the others.)
    """
    x, n_fft = as_audio(x), max(2 * round(0.064 * sample_rate), 8 * hop_length)
    x = np.pad(x, (0, max(0, n_fft - len(x))))
    magnitude = np.abs(stft(x, n_fft, 4 * hop_length))
    pitch = f0_hz[::4][: magnitude.shape[1]]
    frame = np.flatnonzero(pitch > 0)[:, None]
    if not len(frame):
        return False
    place = np.round(np.arange(1, 9) * pitch[frame] * n_fft / sample_rate).astype(int)
    is_heard = place < len(magnitude) - 1
    level = np.max([magnitude[np.where(is_heard, place + k, 0), frame] for k in (-1, 0, 1)], axis=0)
    level = np.where(is_heard, level, level.max(axis=1, keepdims=True))
    strongest = np.maximum(level.max(axis=1, keepdims=True), 1e-9)
    weak = np.median(level / strongest, axis=0) < 10 ** (-30 / 20)
    return bool(weak[0] and weak[1:].sum() >= 2)


def lies_between_two(
    x: np.typing.ArrayLike, f0_hz: np.ndarray, sample_rate: int, hop_length: int
) -> bool:
    """Tell whether a pitch is only the middle of two notes, about a semitone apart.

    440 and 466 Hz beat; a tracker finds 453 Hz, where there is nothing. In windows of 120 periods
    the two lie apart. Each of the periods is taken as long as it was tracked, so that the vibrato
    of one voice does not count as two notes.
    """
    x, sounding = as_audio(x), np.flatnonzero(f0_hz > 0)
    if not len(sounding):
        return False
    length = round(120 * sample_rate / np.median(f0_hz[sounding]))
    place = np.arange(len(x)) / hop_length
    hz = np.exp(np.interp(place, sounding, np.log(f0_hz[sounding])))
    turns = np.cumsum(hz) / sample_rate
    away = np.arange(-14, 15) * 0.005  # from the pitch, as a share of it
    window, ratios = np.hanning(length), []
    for start in range(0, len(x) - length + 1, length // 2):
        part = slice(start, start + length)
        if (f0_hz[start // hop_length : (start + length) // hop_length] > 0).mean() < 0.9:
            continue  # a pause has no pitch
        waves, seen = np.exp(-2j * np.pi * np.outer(1 + away, turns[part])), window * x[part]
        power = np.abs(waves @ seen) ** 2
        beside, there = (power[abs(away) > 0.018].mean(), power[abs(away) < 0.012].mean())
        nothing = 0.001 * length / 3 * (seen @ seen)  # 30 dB below a sine as loud as the sound
        ratios.append(beside / (there + nothing + 1e-12))
    return bool(ratios) and float(np.median(ratios)) > 1
