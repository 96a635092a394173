"""Play piano notes with the sample bank. Used by notebooks 00, 03 and 09, and for training sets."""

from __future__ import annotations

import functools

import numpy as np

from lecture_utils import arguments, audio, data
from lecture_utils.instruments.bank import table

#: Loudness of a piano key struck at velocity 100, by recording. The loud one is set 2 LU higher:
#: keys decay unequally, and a harder stroke must never be softer.
PIANO_LUFS = {"mf": -29.0, "ff": -27.0}

#: From this velocity on a piano key is played by the loud recording, below it by the softer one.
LOUD_VELOCITY = 90


def render_piano(
    notes: np.ndarray | list[tuple[float, float, float, float]],
    pedal: np.ndarray | list[tuple[float, float]] = (),
    sample_rate: int = audio.SAMPLE_RATE,
) -> np.ndarray:
    """Play piano notes.

    Parameters
    ----------
    notes : array_like
        Rows ``(start, stop, midi, velocity)``: seconds, key 21..108, strength 1..127; further
        columns are left alone.
    pedal : array_like
        Rows ``(down, up)`` in seconds: keys let go in between ring until ``up``.
    sample_rate : int
        In Hz.

    Returns
    -------
    np.ndarray
        Shape ``(n,)``, float32, ending 2 s after the last note is let go.

    Raises
    ------
    ValueError
        If the notes have another shape, NaN, keys or strengths out of range, or stop before they
        start.
    """
    sample_rate = audio.check_sample_rate(sample_rate)
    notes, stop = check_notes(notes, pedal)

    x = np.zeros(int((stop.max() + 2.5) * sample_rate), np.float32)
    for (a, _, midi, velocity), b in zip(notes, stop, strict=True):
        y = _strike(midi, velocity, b - a, sample_rate)
        x[int(a * sample_rate) : int(a * sample_rate) + len(y)] += y
    return x[: int((stop.max() + 2) * sample_rate)]


def check_notes(
    notes: np.ndarray | list[tuple[float, float, float, float]],
    pedal: np.ndarray | list[tuple[float, float]] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Check the notes and pedal of a piano, see :func:`render_piano`.

    Returns
    -------
    notes : np.ndarray
        Shape ``(notes, 4)``, float64.
    stop : np.ndarray
        Shape ``(notes,)``: when each is damped, with the pedal.
    """
    notes = arguments.array(notes, "notes", finite=False).astype(np.float64)
    if notes.ndim != 2 or notes.shape[1] < 4 or not len(notes):
        raise ValueError(f"notes: rows (start, stop, midi, velocity) needed, got {notes.shape}.")

    start, stop, midi, velocity = notes.T[:4]
    good = np.isfinite(notes[:, :4]).all(axis=1) & (0 <= start) & (start < stop)
    good &= (21 <= midi) & (midi <= 108) & (1 <= velocity) & (velocity <= 127)
    if not good.all():
        bad = int(np.argmin(good))
        raise ValueError(
            f"note {bad}, {notes[bad, :4].tolist()}: needs 0 <= start < stop, key 21..108, "
            "velocity 1..127."
        )
    pedal = arguments.array(pedal, "pedal").astype(np.float64)
    if pedal.size and (pedal.ndim != 2 or pedal.shape[1] != 2):
        raise ValueError(f"pedal: rows (down, up) needed, got {pedal.shape}.")
    return notes[:, :4], _lifted(stop, pedal.reshape(-1, 2))


def _lifted(stop: np.ndarray, pedal: np.ndarray) -> np.ndarray:
    """Let notes that end while the pedal is down end with the pedal."""
    if not len(pedal):
        return stop
    k = np.maximum(np.searchsorted(pedal[:, 0], stop) - 1, 0)
    return np.where((pedal[k, 0] <= stop) & (stop < pedal[k, 1]), pedal[k, 1], stop)


def _strike(midi: float, velocity: float, seconds: float, sample_rate: int) -> np.ndarray:
    """Play one key, darker when soft, damped after `seconds`.

    One recording plays it: two recordings of a key do not agree in phase, and their sum would be
    softer than either.
    """
    from scipy.signal import lfilter

    n = int((seconds + 0.4) * sample_rate)
    y = _piano_key("ff" if velocity >= LOUD_VELOCITY else "mf", midi, sample_rate)[:n]
    cutoff = 900 * 2 ** (velocity / 26)
    if cutoff < 0.4 * sample_rate:
        pole = np.exp(-2 * np.pi * cutoff / sample_rate)
        y = lfilter([1 - pole], [1, -pole], y)
    held, n = int(seconds * sample_rate), len(y)
    y = y * (velocity / 100) ** 1.8
    if held < n:
        y[held:] *= np.exp(-np.arange(n - held) / (0.06 * sample_rate))
    return y.astype(np.float32)


@functools.lru_cache(maxsize=256)
def _piano_key(layer: str, midi: float, sample_rate: int) -> np.ndarray:
    """Tune the nearest recorded key of a layer to `midi`; its loudness is :data:`PIANO_LUFS`."""
    import soxr

    def distance(row: dict) -> float:
        # the loud layer ends at key 93: beyond it a softer recording nearby is better
        return abs(row["midi"] - midi) + 4 * (row["layer"] != layer)

    row = min(table()["piano"], key=distance)
    x, rate = data.load(f"bank_{row['file'].removesuffix('.flac')}")
    y = soxr.resample(x, rate * 2 ** ((midi - row["midi"]) / 12), sample_rate)
    # of its beginning and of a whole second: short and long notes should both be even
    lufs = [audio.loudness_lufs(y[: int(s * sample_rate)], sample_rate) for s in (0.4, 1.0)]
    return y * 10 ** ((PIANO_LUFS[layer] - np.mean(lufs)) / 20)
