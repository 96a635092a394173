"""A piano roll: notes of several instruments on a grid of time and keys.

A roll says for every track, step and key whether it sounds, and whether it is struck there: without
the second, two quarter notes on one key look like a half note. Used by notebooks 00, 01 and 02.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from lecture_utils import arguments
from lecture_utils.pianoroll.roll_metrics import as_cells, starts

#: The program that stands for the drum kit, one beyond the 128 of General MIDI.
DRUMS = 128

#: Programs and names of the five tracks of the packed corpus, see :func:`phrases.corpus`.
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
        Beats (quarter notes) a minute.
    meter : tuple of int
        The time signature, for example ``(3, 4)``.

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
    meter: tuple[int, int] = (4, 4)

    def __post_init__(self) -> None:
        """Check everything, and bring it to one form."""
        sounding = as_cells(self.sounding, "sounding", 3)
        onsets = starts(sounding) if self.onsets is None else as_cells(self.onsets, "onsets", 3)
        steps, keys = sounding.shape[1:]
        if self.onsets is None and steps in (84, 88, 128) and keys not in (84, 88, 128):
            raise ValueError(f"sounding: {steps} steps and {keys} keys; transposed? Swap the axes.")
        if onsets.shape != sounding.shape:
            raise ValueError(
                f"onsets {onsets.shape} and sounding {sounding.shape} differ in shape."
            )
        if (onsets & ~sounding).any() or (starts(sounding) & ~onsets).any():
            raise ValueError("onsets: every note must start with an onset, and sound there.")
        low = arguments.number(
            self.lowest_pitch, "lowest_pitch", 0, 128 - onsets.shape[2], whole=True
        )
        per_beat = arguments.number(self.steps_per_beat, "steps_per_beat", 1, 96, whole=True)
        tempo = arguments.number(self.tempo, "tempo", 10, 1000)
        values = {
            "sounding": sounding, "onsets": onsets, "lowest_pitch": low, "tempo": tempo,
            "programs": _programs(self.programs, len(onsets)), "steps_per_beat": per_beat,
            "meter": _meter(self.meter),
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Tell whether two rolls are the same note by note (tempo within a thousandth)."""
        return (
            isinstance(other, PianoRoll)
            and np.array_equal(self.sounding, other.sounding)
            and np.array_equal(self.onsets, other.onsets)
            and self.programs == other.programs
            and self.lowest_pitch == other.lowest_pitch
            and (self.steps_per_beat, self.meter) == (other.steps_per_beat, other.meter)
            and abs(self.tempo - other.tempo) < 0.001 * self.tempo
        )

    __hash__ = None

    @property
    def steps(self) -> int:
        """Length in steps."""
        return self.sounding.shape[1]

    @property
    def steps_per_bar(self) -> float:
        """Length of a bar in steps."""
        return 4 * self.steps_per_beat * self.meter[0] / self.meter[1]

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


def _meter(meter: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(meter, (tuple, list)) or len(meter) != 2:
        raise TypeError(f"meter={arguments.shown(meter)}: give two numbers, for example (3, 4).")
    over, under = (arguments.number(n, "meter", 1, 255, whole=True) for n in meter)
    if under & (under - 1):
        raise ValueError(f"meter={over, under}: the lower number must be 1, 2, 4, 8, ... 128.")
    return over, under


def _programs(programs: Iterable[int], n_tracks: int) -> tuple[int, ...]:
    if not isinstance(programs, (tuple, list, np.ndarray)) or len(programs) != n_tracks:
        raise ValueError(
            f"programs={arguments.shown(programs)}: one for each of the {n_tracks} tracks is "
            "needed."
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
    check_grid(grid, "steps_per_beat", "tempo", "meter")
    steps = arguments.number(steps, "steps", 1, MAX_STEPS, whole=True)
    n_pitches = arguments.number(n_pitches, "n_pitches", 1, 128, whole=True)
    lowest_pitch = arguments.number(lowest_pitch, "lowest_pitch", 0, 127, whole=True)
    is_plain = isinstance(notes, Iterable) and not hasattr(notes, "dtype")
    rows = arguments.array(list(notes) if is_plain else notes, "notes")
    if rows.size and (rows.shape[1:] != (4,) or (rows % 1).any()):
        raise ValueError("notes: give rows of four whole numbers, (track, start, stop, pitch).")
    if not isinstance(programs, (tuple, list)) or not programs:
        raise TypeError(f"programs={arguments.shown(programs)}: give one number for each track.")

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


def check_grid(grid: dict[str, float], *names: str) -> None:
    """Raise TypeError for a setting of the grid that is not among `names`."""
    for name in grid:
        if name not in names:
            raise TypeError(f"{name}: no such setting of the grid; there are {', '.join(names)}.")


def check_roll(roll: PianoRoll) -> None:
    """Raise TypeError, with what to do, for an array or anything else that is no roll."""
    if not hasattr(roll, "notes"):
        raise TypeError(f"roll: this is {type(roll).__name__}; make a pianoroll.PianoRoll of it.")
