"""Music as tokens, as a piano roll and as MIDI, to and fro without loss; played, drawn, measured.

A roll says for every track, step and key whether it sounds, and whether it is struck there: without
the second, two quarter notes on one key look like a half note. Used by notebooks 00, 01 and 02.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from lecture_utils import arguments, data
from lecture_utils.instruments import score
from lecture_utils.pianoroll.band import check_roll, draw, play
from lecture_utils.pianoroll.metrics import (
    as_cells,
    drum_pattern,
    empty_bars,
    qualified_notes,
    scale_consistency,
    starts,
    tonal_distance,
    used_pitch_classes,
)

__all__ = [
    "BAND", "DRUMS", "PianoRoll", "as_cells", "corpus", "draw", "drum_pattern", "empty_bars",
    "from_events", "from_midi", "from_notes", "play", "qualified_notes", "scale_consistency",
    "starts", "to_events", "to_midi", "tonal_distance", "used_pitch_classes",
]  # fmt: skip

#: The program that stands for the drum kit, one beyond the 128 of General MIDI.
DRUMS = 128

#: Programs and names of the five tracks of the packed corpus, see :func:`corpus`.
BAND = {"drums": DRUMS, "keys": 0, "guitar": 27, "bass": 33, "strings": 48}

#: Longer files and event lists are refused (a damaged file may announce years of rest).
MAX_STEPS = 20_000


@dataclass(frozen=True, eq=False)
class PianoRoll:
    """Notes of several instruments on a grid of time and keys.

    Parameters
    ----------
    sounding : np.ndarray
        Shape ``(tracks, steps, pitches)``, bool: the key is down.
    onsets : np.ndarray, optional
        The same shape: the key is struck. By default where `sounding` begins, so that touching
        notes on one key are one note.
    programs : tuple of int
        General MIDI program 0..127 of each track, or :data:`DRUMS`; all different.
    lowest_pitch : int
        MIDI number of the first key; the course's rolls hold 84 keys from 24 on.
    steps_per_beat : int
        4 are sixteenth notes.
    tempo : float
        Beats a minute.

    Raises
    ------
    TypeError, ValueError
        If the arrays are no 0/1 arrays of one shape, a run of `sounding` does not start with an
        onset, or there is not one program a track.
    """

    sounding: np.ndarray
    onsets: np.ndarray | None = None
    programs: tuple[int, ...] = (0,)
    lowest_pitch: int = 24
    steps_per_beat: int = 4
    tempo: float = 100.0

    def __post_init__(self) -> None:
        """Check everything, and bring it to one form."""
        sounding = as_cells(self.sounding, "sounding", 3)
        onsets = starts(sounding) if self.onsets is None else as_cells(self.onsets, "onsets", 3)
        if onsets.shape != sounding.shape:
            raise ValueError(
                f"onsets {onsets.shape} and sounding {sounding.shape} differ in shape."
            )
        if (onsets & ~sounding).any() or (starts(sounding) & ~onsets).any():
            raise ValueError("onsets: every note must start with an onset, and sound there.")
        low = arguments.number(self.lowest_pitch, "lowest_pitch", 0, 128 - onsets.shape[2], whole=True)
        per_beat = arguments.number(self.steps_per_beat, "steps_per_beat", 1, 96, whole=True)
        tempo = arguments.number(self.tempo, "tempo", 10, 1000)
        names = ("sounding", "onsets", "programs", "lowest_pitch", "steps_per_beat", "tempo")
        values = (sounding, onsets, _programs(self.programs, len(onsets)), low, per_beat, tempo)
        for name, value in zip(names, values, strict=True):
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Tell whether two rolls are the same note by note (tempo within a thousandth)."""
        return (
            isinstance(other, PianoRoll)
            and np.array_equal(self.sounding, other.sounding)
            and np.array_equal(self.onsets, other.onsets)
            and self.programs == other.programs
            and self.lowest_pitch == other.lowest_pitch
            and self.steps_per_beat == other.steps_per_beat
            and abs(self.tempo - other.tempo) < 0.001 * self.tempo
        )

    __hash__ = None

    @property
    def steps(self) -> int:
        """Length in steps."""
        return self.sounding.shape[1]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.steps / self.steps_per_beat * 60 / self.tempo

    def notes(self) -> np.ndarray:
        """List the notes as int rows ``(track, start, stop, pitch)``, by start, track and pitch."""
        follows = np.pad(self.sounding & ~self.onsets, ((0, 0), (0, 1), (0, 0)))
        track, start, key = np.nonzero(self.onsets)
        stop = start + 1
        going = follows[track, stop, key]
        while going.any():
            stop = stop + going
            going = follows[track, stop, key]
        rows = np.stack([track, start, stop, key + self.lowest_pitch], axis=1)
        return rows[np.lexsort((rows[:, 3], rows[:, 0], rows[:, 1]))]

    def only(self, track: int) -> PianoRoll:
        """Return one track as a roll of its own."""
        track = arguments.number(track, "track", 0, len(self.programs) - 1, whole=True)
        part = slice(track, track + 1)
        return replace(
            self,
            sounding=self.sounding[part],
            onsets=self.onsets[part],
            programs=self.programs[part],
        )


def _programs(programs: Iterable[int], n_tracks: int) -> tuple[int, ...]:
    if not isinstance(programs, (tuple, list, np.ndarray)) or len(programs) != n_tracks:
        raise ValueError(
            f"programs={doors.shown(programs)}: one for each of the {n_tracks} tracks is needed."
        )
    programs = tuple(arguments.number(p, "program", 0, DRUMS, whole=True) for p in programs)
    if len(set(programs)) < n_tracks:
        raise ValueError(f"programs={programs}: two tracks of one program can't be told apart.")
    return programs


def from_notes(
    notes: Iterable[tuple[int, int, int, int]],
    steps: int,
    programs: tuple[int, ...] = (0,),
    lowest_pitch: int = 24,
    n_pitches: int = 84,
    **grid: float,
) -> PianoRoll:
    """Make a roll of notes ``(track, start, stop, pitch)``; `grid` as in :class:`PianoRoll`.

    Where two notes of a track want one key at once, the later one strikes it anew.

    Raises
    ------
    TypeError
        If `grid` has an unknown name.
    ValueError
        If a note is outside of the keys, the tracks or the steps.
    """
    _check_grid(grid, "steps_per_beat", "tempo")
    steps = arguments.number(steps, "steps", 1, MAX_STEPS, whole=True)
    n_pitches = arguments.number(n_pitches, "n_pitches", 1, 128, whole=True)
    lowest_pitch = arguments.number(lowest_pitch, "lowest_pitch", 0, 127, whole=True)
    rows = arguments.array(list(notes) if isinstance(notes, Iterable) else notes, "notes")
    if rows.size and (rows.shape[1:] != (4,) or (rows % 1).any()):
        raise ValueError("notes: give rows of four whole numbers, (track, start, stop, pitch).")
    if not isinstance(programs, (tuple, list)) or not programs:
        raise TypeError(f"programs={doors.shown(programs)}: give one number for each track.")
    sounding = np.zeros((len(programs), steps, n_pitches), bool)
    onsets = np.zeros_like(sounding)
    for track, start, stop, pitch in sorted(rows.astype(int).tolist(), key=lambda row: row[1]):
        if not lowest_pitch <= pitch < lowest_pitch + n_pitches:
            keys = f"{lowest_pitch} to {lowest_pitch + n_pitches - 1}"
            raise ValueError(
                f"Note {pitch} is outside of the keys {keys}; give lowest_pitch=0, n_pitches=128."
            )
        if not (0 <= track < len(programs) and 0 <= start < stop <= steps):
            raise ValueError(
                f"Note {(track, start, stop, pitch)}: needs a track below {len(programs)} and "
                f"0 <= start < stop <= {steps}."
            )
        sounding[track, start:stop, pitch - lowest_pitch] = True
        onsets[track, start, pitch - lowest_pitch] = True
    return PianoRoll(sounding, onsets, programs, lowest_pitch, **grid)


def _check_grid(grid: dict[str, float], *names: str) -> None:
    for name in grid:
        if name not in names:
            raise TypeError(f"{name}: no such setting of the grid; there are {', '.join(names)}.")


def to_events(roll: PianoRoll) -> list[str]:
    """Write a roll as tokens: ``Program_change_0, Note_on_60, Time_shift_2, Note_off_60, ...``.

    First every track is named by its program (128 is the drum kit); later a program comes again
    where the track changes. Times are steps. What ends goes before what begins.
    """
    check_roll(roll)
    acts = []
    for track, start, stop, pitch in roll.notes().tolist():
        acts += [(start, 1, track, pitch), (stop, 0, track, pitch)]
    events = [f"Program_change_{program}" for program in roll.programs]
    now, current = 0, len(roll.programs) - 1
    for step, is_on, track, pitch in sorted(acts):
        if step > now:
            events.append(f"Time_shift_{step - now}")
        if track != current:
            events.append(f"Program_change_{roll.programs[track]}")
        events.append(f"Note_{'on' if is_on else 'off'}_{pitch}")
        now, current = step, track
    return [*events, f"Time_shift_{roll.steps - now}"] if roll.steps > now else events


def from_events(events: Iterable[str], **grid: float) -> PianoRoll:
    """Read tokens; :func:`to_events` tells what they are.

    Parameters
    ----------
    events : list of str
        As on the slide.
    **grid
        What tokens don't tell: lowest_pitch, n_pitches, steps_per_beat, tempo, as for
        :func:`from_notes`.

    Raises
    ------
    TypeError
        If `events` is no list of tokens, or `grid` has an unknown name.
    ValueError
        For an unknown token, a time that does not go forward, or notes out of order; the sentence
        tells the token and its place.
    """
    if isinstance(events, (str, bytes)) or not isinstance(events, Iterable):
        raise TypeError('events: give a list of tokens, for example ["Program_change_0", ...].')
    _check_grid(grid, "lowest_pitch", "n_pitches", "steps_per_beat", "tempo")
    programs, current, now, down, notes = [], None, 0, {}, []
    for place, token in enumerate(events):
        act, value = _read_token(token, place)
        if act == "Program_change":
            if value not in programs:
                programs.append(value)
            current = programs.index(value)
            continue
        if act == "Time_shift":
            now += value
            continue
        if current is None:
            raise ValueError(f"Token {place}, {token}: a Program_change must come first.")
        key = (current, value)
        if act == "Note_on":
            if key in down:
                raise ValueError(
                    f"Token {place}, {token}: it is on already; write Note_off_{value} first."
                )
            down[key] = now
            continue
        start = down.pop(key, None)
        if start is None:
            others = [programs[track] for track, pitch in down if pitch == value]
            remedy = f"write Program_change_{others[0]} first" if others else "add one"
            raise ValueError(
                f"Token {place}, {token}: there is no Note_on_{value} before it in program "
                f"{programs[current]}; {remedy}, or take this token out."
            )
        if start == now:
            raise ValueError(
                f"Token {place}, {token}: no Time_shift since the note's start; add one before."
            )
        notes.append((current, start, now, value))
    if down:
        raise ValueError(f"Note_on_{next(iter(down))[1]} is never ended; add its Note_off.")
    if not programs or not 0 < now <= MAX_STEPS:
        raise ValueError(f"events: no program or no time goes by (1 to {MAX_STEPS} steps needed).")
    return from_notes(notes, now, tuple(programs), **grid)


def _read_token(token: str, place: int) -> tuple[str, int]:
    read = re.fullmatch(r"(Program_change|Note_on|Note_off|Time_shift)_(-?\d{1,6})", str(token))
    if read is None:
        raise ValueError(
            f"Token {place}, {doors.shown(token)}, is unknown; write Program_change, Note_on, "
            "Note_off or Time_shift, and a number, as in Note_on_60."
        )
    act, value = read[1], int(read[2])
    low, high = {"Time_shift": (1, MAX_STEPS), "Program_change": (0, DRUMS)}.get(act, (0, 127))
    if not low <= value <= high:
        raise ValueError(f"Token {place}, {token}: {act} takes {low} to {high}.")
    return act, value


def to_midi(roll: PianoRoll, file: str | os.PathLike) -> None:
    """Write a roll as a MIDI file, one track for each program.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If there are more than 15 tracks beside the drums (MIDI has 16 channels).
    """
    import mido

    check_roll(roll)
    file = arguments.path(file, "file")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"No folder {file.parent}; make it first, or check the name.")
    tick = 24  # ticks a step
    channels = [9 if p == DRUMS else None for p in roll.programs]
    free = iter([*range(9), *range(10, 16)])
    if channels.count(None) > 15:
        raise ValueError(f"{len(channels)} tracks: MIDI has room for 15, and drums.")
    channels = [next(free) if channel is None else channel for channel in channels]
    midi = mido.MidiFile(ticks_per_beat=tick * roll.steps_per_beat)
    rows = roll.notes().tolist()
    for track, (program, channel) in enumerate(zip(roll.programs, channels, strict=True)):
        part = mido.MidiTrack()
        midi.tracks.append(part)
        if track == 0:
            part.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(roll.tempo)))
        part.append(mido.Message("program_change", channel=channel, program=program % DRUMS))
        acts = [(start, "note_on", pitch) for k, start, _, pitch in rows if k == track]
        acts += [(stop, "note_off", pitch) for k, _, stop, pitch in rows if k == track]
        now = 0
        for step, act, pitch in sorted(acts):  # "note_off" sorts before "note_on"
            time = tick * (step - now)
            part.append(mido.Message(act, channel=channel, note=pitch, velocity=90, time=time))
            now = step
        part.append(mido.MetaMessage("end_of_track", time=tick * (roll.steps - now)))
    midi.save(file)


def from_midi(file: str | os.PathLike, steps_per_beat: int = 4, **grid: float) -> PianoRoll:
    """Read a MIDI file, rounded to the grid: what :func:`to_midi` wrote comes back as it was.

    Tracks of one program become one; the first tempo holds; strengths are left out.

    Parameters
    ----------
    file : str or path
        The file.
    steps_per_beat : int
        The grid; 4 are sixteenths.
    **grid
        lowest_pitch and n_pitches, as for :func:`from_notes`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If `grid` has an unknown name.
    ValueError
        If it is no MIDI file, or holds no notes or notes outside of the keys.
    """
    import mido

    _check_grid(grid, "lowest_pitch", "n_pitches")
    steps_per_beat = arguments.number(steps_per_beat, "steps_per_beat", 1, 96, whole=True)
    midi = score.open_midi(file)
    name = arguments.path(file).name
    order, tempo, tick, down, notes = {}, None, 0, {}, []
    program = dict.fromkeys(range(16), 0) | {9: DRUMS}
    for message in mido.merge_tracks(midi.tracks):
        tick += message.time
        step = round(tick / midi.ticks_per_beat * steps_per_beat)
        if message.type == "set_tempo" and tempo is None and message.tempo:
            tempo = min(1000.0, max(10.0, mido.tempo2bpm(message.tempo)))
        elif message.type == "program_change":
            if message.channel != 9:
                program[message.channel] = message.program
            order.setdefault(program[message.channel], len(order))
        elif message.type == "note_on" and message.velocity:
            track = order.setdefault(program[message.channel], len(order))
            down.setdefault((message.channel, message.note), []).append((track, step))
        elif message.type in ("note_on", "note_off"):
            queue = down.get((message.channel, message.note))
            if queue:
                track, start = queue.pop(0)
                notes.append((track, start, max(step, start + 1), message.note))
    if not notes:
        raise ValueError(f"{name} holds no notes; export it once more, with its notes.")
    steps = max(step, *(stop for _, _, stop, _ in notes))
    if steps > MAX_STEPS:
        raise ValueError(f"{name} lasts {steps} steps; cut it to {MAX_STEPS} or fewer.")
    grid |= {"steps_per_beat": steps_per_beat, "tempo": tempo or 120.0}
    return from_notes(notes, steps, tuple(order), **grid)


def corpus(part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Unpack the four-bar phrases of :mod:`lecture_utils.build_data.rolls`, split by song.

    Parameters
    ----------
    part : str
        "train", or "test": every fifth song, which no model of the course learns from.

    Returns
    -------
    cells : np.ndarray
        Shape ``(phrases, 5, 64, 84)``, bool: tracks as in :data:`BAND`, sixteenths, keys from 24.
    song : np.ndarray
        Shape ``(phrases,)``, the number of the song that each is from.
    """
    if part not in ("train", "test"):
        raise ValueError(f'part={doors.shown(part)}: give "train" or "test".')
    packed = data.load_array("freedoom_rolls")
    songs = np.unique(packed["song"])
    keep = np.isin(packed["song"], songs[::5]) == (part == "test")
    cells = np.unpackbits(packed["rolls"][keep], axis=-1)[..., :84].astype(bool)
    return cells, packed["song"][keep]
