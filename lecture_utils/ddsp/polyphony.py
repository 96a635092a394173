"""Is what a pitch tracker has followed one voice? Used by timbre transfer, in notebook 08."""

from __future__ import annotations

import numpy as np

from lecture_utils import rulers
from lecture_utils.audio import SAMPLE_RATE, as_audio, stft
from lecture_utils.ddsp.synth import CONTROL_HOP

#: pYIN has followed one voice if it is this sure in the tenth of the frames where it is surest.
#: Where a second tracker (SwiftF0) is installed, this sure on average is enough, but the second
#: tracker must be this sure where it hears a pitch. Chosen on the shipped sounds.
LEAST_SURE, LEAST_SURE_OF_TWO, LEAST_CONFIDENT = 0.5, 0.12, 0.8


def doubt(
    x: np.typing.ArrayLike,
    f0_hz: np.ndarray,
    sureness: np.ndarray | None = None,
    sample_rate: int = SAMPLE_RATE,
    hop_length: int = CONTROL_HOP,
) -> str:
    """Say in a sentence why a pitch is hardly that of one voice, or nothing if it may well be.

    Parameters
    ----------
    x : array_like
        Sound, ``(n,)``.
    f0_hz : np.ndarray
        Its pitch, ``(frames,)``; 0 where there is none.
    sureness : np.ndarray, optional
        How sure :func:`lecture_utils.ddsp.f0` was of it; without, it was not tracked but is known.
    sample_rate, hop_length : int
        Hz, and samples a frame.
    """
    sounding = f0_hz > 0
    if not sounding.any():
        return "No pitch was found; take one voice that hums, sings or whistles."
    if sureness is not None and (why := _unsure(x, sureness[sounding], sample_rate)):
        pass
    elif lacks_fundamental(x, f0_hz, sample_rate, hop_length):
        why = "its fundamental is missing"
    elif lies_between_two(x, f0_hz, sample_rate, hop_length):
        why = "there is a note just above it and one just below"
    else:
        return ""
    guess = f"{np.median(f0_hz[sounding]):.0f} Hz is a guess: {why}"
    return f"No single pitch was found ({guess}); take one voice, alone."


def _unsure(x: np.typing.ArrayLike, sureness: np.ndarray, sample_rate: int) -> str:
    if "swift_f0" in rulers.missing():
        surest = float(np.quantile(sureness, 0.9))
        return f"the tracker is {surest:.0%} sure at best" if surest < LEAST_SURE else ""
    if (sure := float(sureness.mean())) < LEAST_SURE_OF_TWO:
        return f"the tracker is {sure:.0%} sure"
    if (sure := rulers.pitch_confidence(x, sample_rate)) < LEAST_CONFIDENT:
        return f"a second tracker is {sure:.0%} sure"
    return ""


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
