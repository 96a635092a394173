"""Read MIDI files, and play piano scores as a pianist might. Used by notebook 03 and by rolls."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lecture_utils import arguments

if TYPE_CHECKING:
    import mido


class Played(NamedTuple):
    """What a MIDI file plays, in ticks.

    ``notes`` are rows ``(start, stop, key, velocity, program)``, program 128 being the drum kit;
    ``programs`` are in order of appearance. ``tempi`` and ``meters`` tell from which tick on a
    tempo (microseconds a beat) or a meter (numerator, denominator) holds.
    """

    notes: list[tuple[int, int, int, int, int]]
    programs: list[int]
    length: int
    ticks_per_beat: int
    tempi: list[tuple[int, int]]
    meters: list[tuple[int, tuple[int, int]]]

    def seconds(self, ticks: np.ndarray) -> np.ndarray:
        """Return when these ticks are played, along the tempo map (120 beats a minute at first)."""
        place, tempo = np.array([(0, 500_000), *self.tempi], np.float64).T
        begun = np.append(0, np.cumsum(np.diff(place) * tempo[:-1]))
        k = np.searchsorted(place, ticks, side="right") - 1
        return (begun[k] + (ticks - place[k]) * tempo[k]) / 1e6 / self.ticks_per_beat

    def meter(self) -> tuple[int, int]:
        """Return the meter that holds longest; it is 4/4 until there is another."""
        changes, total = [(0, (4, 4)), *self.meters, (self.length, None)], {}
        for (start, meter), (stop, _) in itertools.pairwise(changes):
            total[meter] = total.get(meter, 0) + stop - start
        return max(total, key=total.get)


@functools.cache
def _accept_any_key_signature() -> None:
    """Let mido read key signatures that there are none of, such as 8 sharps: C is as good."""
    from mido.midifiles import meta

    class AnyKeySignature(meta.MetaSpec_key_signature):
        def decode(self, message: mido.MetaMessage, data: list[int]) -> None:
            try:
                super().decode(message, data)
            except meta.KeySignatureError:
                message.key = "C"

    meta.add_meta_spec(AnyKeySignature)


def play_midi(file: str | Path) -> Played:
    """Play a MIDI file as a synthesiser does: which key sounds from when to when.

    A note lasts until neither its key nor the sustain pedal is down, or the key is struck again.
    What is never ended lasts to the end of its track. Data bytes above 127 count as 127. Errors
    are those of :func:`read_midi`.
    """
    import mido

    file = arguments.path(file, "file")
    if not file.is_file():
        raise FileNotFoundError(f"No MIDI file at {file}; check the name and the folder.")

    _accept_any_key_signature()
    try:
        midi = mido.MidiFile(file, clip=True)
        if midi.ticks_per_beat <= 0:
            raise ValueError("its ticks are not parts of a beat")
    except Exception as error:  # a damaged file makes mido fail in many ways
        raise ValueError(
            f"{file.name} is not a readable MIDI file ({str(error) or type(error).__name__}); "
            "export it once more as a standard MIDI file."
        ) from None

    messages, ends = [], []
    for track, part in enumerate(midi.tracks):
        ticks = np.cumsum([message.time for message in part]).tolist()
        messages += zip(ticks, itertools.repeat(track), part, strict=False)
        ends.append(ticks[-1] if ticks else 0)
    played = Played([], [], max(ends, default=0), midi.ticks_per_beat, [], [])
    _play(sorted(messages, key=lambda row: row[0]), ends, played)
    if not played.notes:
        raise ValueError(f"{file.name} holds no notes; export it once more, with its notes.")
    return played


def _play(messages: list[tuple], ends: list[int], played: Played) -> None:
    """Follow messages ``(tick, track, message)`` in time, and fill in what they play."""
    program, pedals = dict.fromkeys(range(16), 0) | {9: 128}, set()
    sounding = {}  # (channel, key): its notes, each [start, velocity, program, track, key is down]

    def end_released(tick: int, *places: tuple[int, int]) -> None:
        for place in places:
            for start, velocity, sound, _, is_down in (notes := sounding.pop(place, [])):
                if not is_down:
                    played.notes.append((start, tick, place[1], velocity, sound))
            if held := [note for note in notes if note[4]]:
                sounding[place] = held

    for tick, track, message in messages:
        kind, channel = message.type, getattr(message, "channel", None)
        if kind == "set_tempo" and message.tempo:
            played.tempi.append((tick, message.tempo))
        elif kind == "time_signature" and message.numerator and message.denominator <= 128:
            played.meters.append((tick, (message.numerator, message.denominator)))
        elif kind == "program_change" and channel != 9:
            program[channel] = message.program
        is_stroke = kind == "note_on" and message.velocity > 0
        if (is_stroke or kind == "program_change") and program[channel] not in played.programs:
            played.programs.append(program[channel])
        if kind in ("note_on", "note_off"):
            place = channel, message.note
            if is_stroke:
                end_released(tick, place)  # what the pedal alone held
                note = [tick, message.velocity, program[channel], track, True]
                sounding.setdefault(place, []).append(note)
            elif first := next((note for note in sounding.get(place, []) if note[4]), None):
                first[4] = False
                end_released(tick, *[place][: channel not in pedals])
        elif kind == "control_change" and (message.control == 64 or message.control >= 120):
            places = [place for place in sounding if place[0] == channel]
            if message.control == 64 and message.value >= 64:
                pedals.add(channel)
            elif message.control in (64, 121):  # the pedal goes up
                pedals.discard(channel)
            elif message.control != 122:  # all keys go up; with 120, all sound ends
                for note in itertools.chain.from_iterable(sounding[place] for place in places):
                    note[4] = False
            if channel not in pedals or message.control == 120:
                end_released(tick, *places)
    for (_, key), notes in sounding.items():
        for start, velocity, sound, track, _ in notes:
            played.notes.append((start, max(start, ends[track]), key, velocity, sound))


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
    played = play_midi(file)
    start, stop, key, velocity, _ = np.array(played.notes, np.float64).T
    begun, beat = played.seconds(start), start / played.ticks_per_beat
    rows = np.stack([begun, np.maximum(played.seconds(stop), begun + 0.01), key, velocity, beat], 1)
    return np.array(sorted(rows.tolist()))


def top_voice(notes: np.ndarray) -> np.ndarray:
    """Return the highest notes of a score, one at a time: what one voice or violin can play of it.

    A note ends where the next one of the melody begins. What begins below a melody note that still
    lasts for 50 ms or more is left out, and so is what lies more than an octave below the highest
    note within two seconds: a bass that goes on while the melody rests.

    Parameters
    ----------
    notes : np.ndarray
        From :func:`read_midi`.

    Returns
    -------
    np.ndarray
        Rows ``(start, stop, midi, velocity)``; none is shorter than 50 ms.
    """
    melody = []
    for start, stop, key, velocity in sorted(
        _checked_rows(notes)[:, :4].tolist(), key=lambda row: (row[0], row[2])
    ):
        if melody and start < melody[-1][1]:
            if key < melody[-1][2] and start < melody[-1][1] - 0.05:
                continue
            melody[-1][1] = start
        if melody and melody[-1][1] - melody[-1][0] < 0.05:
            melody.pop()  # struck together with a higher note, or as its ornament
        melody.append([start, max(stop, start + 0.05), key, velocity])
    start, _, key, _ = melody = np.array(melody).T
    near = np.abs(start[:, None] - start) <= 2
    return melody[:, key >= np.where(near, key, 0).max(axis=1) - 12].T


def _checked_rows(notes: np.ndarray) -> np.ndarray:
    notes = arguments.array(notes, "notes", finite=False).astype(np.float64)
    if notes.ndim != 2 or notes.shape[1] != 5 or not len(notes) or not np.isfinite(notes).all():
        raise ValueError(f"notes: rows from read_midi (5 finite columns), not {notes.shape}.")
    return notes


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
    notes = _checked_rows(notes)
    tempo = arguments.number(tempo, "tempo", 0.1, 10)
    transpose = arguments.number(transpose, "transpose", -60, 60, whole=True)
    pedal, rng = arguments.flag(pedal, "pedal"), np.random.default_rng(arguments.seed(seed))
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
