"""Read MIDI files, and play piano scores as a pianist might. Used by notebook 03 and by rolls."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import arguments

if TYPE_CHECKING:
    import mido


def open_midi(file: str | Path) -> mido.MidiFile:
    """Open a MIDI file, or say in one sentence why not (errors as of :func:`read_midi`)."""
    import mido

    file = arguments.path(file, "file")
    if not file.is_file():
        raise FileNotFoundError(f"No MIDI file at {file}; check the name and the folder.")
    try:
        midi = mido.MidiFile(file)
        if midi.ticks_per_beat <= 0:
            raise ValueError("its ticks are not parts of a beat")
    except Exception as error:  # a damaged file makes mido fail in many ways
        raise ValueError(
            f"{file.name} is not a readable MIDI file ({str(error) or type(error).__name__}); "
            "export it once more as a standard MIDI file."
        ) from None
    return midi


def read_midi(file: str | Path) -> np.ndarray:
    """Read the notes of a MIDI file, all tracks together, along its tempo map.

    Parameters
    ----------
    file : str or Path
        For example ``data.path("maple_leaf_rag")``.

    Returns
    -------
    np.ndarray
        Rows ``(start, stop, midi, velocity, beat)`` by start: seconds, key, strength, and the
        start in beats (quarter notes).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no MIDI file, or holds no notes.
    """
    import mido

    midi = open_midi(file)
    sounding, notes, seconds, beat, tempo = {}, [], 0.0, 0.0, 500_000
    for message in mido.merge_tracks(midi.tracks):
        seconds += mido.tick2second(message.time, midi.ticks_per_beat, tempo)
        beat += message.time / midi.ticks_per_beat
        if message.type == "set_tempo":
            tempo = message.tempo
        elif message.type == "note_on" and message.velocity:
            begun = (seconds, message.velocity, beat)
            sounding.setdefault((message.channel, message.note), []).append(begun)
        elif message.type in ("note_on", "note_off"):
            queue = sounding.get((message.channel, message.note))
            if queue:
                start, velocity, at = queue.pop(0)
                notes.append((start, max(seconds, start + 0.01), message.note, velocity, at))
    if not notes:
        raise ValueError(f"{Path(file).name} holds no notes; export it once more, with its notes.")
    return np.array(sorted(notes))


def humanise(
    notes: np.ndarray,
    seed: int = 0,
    tempo: float = 1.0,
    transpose: int = 0,
    pedal: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Play a score as a pianist might: voiced melody, accents, swells, rubato, uneven fingers.

    Parameters
    ----------
    notes : np.ndarray
        From :func:`read_midi`.
    seed : int
        Of timing and strength.
    tempo : float
        Factor on the speed.
    transpose : int
        Semitones.
    pedal : bool
        Change the sustain pedal on every bass note, half a second apart or more.

    Returns
    -------
    notes : np.ndarray
        Rows ``(start, stop, midi, velocity)``.
    pedal : np.ndarray
        Rows ``(down, up)`` in seconds; empty without `pedal`.
    """
    notes = arguments.array(notes, "notes", finite=False).astype(np.float64)
    if notes.ndim != 2 or notes.shape[1] != 5 or not len(notes) or not np.isfinite(notes).all():
        raise ValueError(f"notes: rows from read_midi (5 finite columns), not {notes.shape}.")
    tempo = arguments.number(tempo, "tempo", 0.1, 10)
    transpose = arguments.number(transpose, "transpose", -60, 60, whole=True)
    rng = np.random.default_rng(arguments.seed(seed))
    start, stop, midi, _, beat = notes.T
    onset = np.round(start, 2)
    chord = [midi[onset == t] for t in onset]
    melody = midi == [keys.max() for keys in chord]
    bass = (midi == [keys.min() for keys in chord]) & (midi < 56)
    on_beat, on_bar = (np.abs(beat / k - np.round(beat / k)) < 0.02 / k for k in (1, 2))
    swell = [9 * np.sin(2 * np.pi * (beat / 16 + rng.random()))]
    swell += [5 * np.sin(2 * np.pi * (beat / 64 + rng.random()))]
    velocity = 72 + 9 * melody + 4 * bass + 6 * on_beat + 4 * on_bar + swell[0] + swell[1]
    velocity += 5 * np.clip((midi - 72) / 12, -1, 1.5) + rng.normal(0, 5, len(midi))
    warped = _rubato(stop.max(), tempo, rng)
    start2 = np.maximum(0, warped(start) + rng.normal(0, 0.006, len(midi)))
    stop2 = np.maximum(warped(stop), start2 + 0.05)
    played = np.stack([start2, stop2, midi + transpose, np.clip(velocity, 18, 122)], axis=1)
    changes = [-1.0]
    for t in np.sort(start2[bass]) if pedal else ():
        if t - changes[-1] > 0.5:
            changes.append(t)
    downs = np.array(changes[1:]) + 0.09
    ups = np.append(downs[1:] - 0.11, stop2.max()) if len(downs) else downs
    return played[np.argsort(start2, kind="stable")], np.stack([downs, ups], axis=1)


def _rubato(seconds: float, tempo: float, rng: np.random.Generator) -> functools.partial:
    """Map score time to played time, at a tempo that breathes by some percent."""
    grid = np.arange(0, seconds + 1, 0.05)
    breath = 0.035 * np.sin(2 * np.pi * (grid / 9.3 + rng.random())) + 0.02 * np.sin(grid * 1.7)
    played = np.concatenate([[0], np.cumsum(0.05 / (tempo * (1 + breath)))[:-1]])
    return functools.partial(np.interp, xp=grid, fp=played)
