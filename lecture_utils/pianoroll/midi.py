"""Piano rolls from and to MIDI files; what was written comes back. Used by notebook 00."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from lecture_utils import arguments
from lecture_utils.instruments import score
from lecture_utils.pianoroll.roll import (
    DRUMS,
    MAX_STEPS,
    PianoRoll,
    check_grid,
    check_roll,
    from_notes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def to_midi(roll: PianoRoll, file: str | os.PathLike) -> None:
    """Write a roll as a MIDI file, one track for each program.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If there are more than 15 tracks beside the drums (MIDI has 16 channels).
    """
    check_roll(roll)
    file = arguments.path(file, "file")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"No folder {file.parent}; make it first, or check the name.")
    file.write_bytes(to_bytes(roll))


def to_bytes(roll: PianoRoll) -> bytes:
    """Return the MIDI file of :func:`to_midi`, as a player keeps it for *save MIDI*."""
    import mido

    check_roll(roll)
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
            over, under = roll.meter
            part.append(mido.MetaMessage("time_signature", numerator=over, denominator=under))
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
    buffer = io.BytesIO()
    midi.save(file=buffer)
    return buffer.getvalue()


def offer(roll: PianoRoll, ax: Axes) -> None:
    """Let the player of a figure of these notes offer them as a MIDI file (*save MIDI*)."""
    if roll.onsets.any() and sum(program != DRUMS for program in roll.programs) <= 15:
        ax.lecture_midi = to_bytes(roll)


def from_midi(file: str | os.PathLike, steps_per_beat: int = 4, **grid: float) -> PianoRoll:
    """Read a MIDI file, rounded to the grid: what :func:`to_midi` wrote comes back as it was.

    Tracks of one program become one; strengths are left out. A roll has one tempo, so that of a
    file with several is the one at which the roll lasts as long; of several meters it is the one
    that holds longest.

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
    check_grid(grid, "lowest_pitch", "n_pitches")
    steps_per_beat = arguments.number(steps_per_beat, "steps_per_beat", 1, 96, whole=True)

    played = score.play_midi(file)
    ticks, length = played.ticks_per_beat, max(1, played.length)
    notes = []
    for begun, ended, key, _, program in played.notes:
        start, stop = (round(tick / ticks * steps_per_beat) for tick in (begun, ended))
        notes.append((played.programs.index(program), start, max(stop, start + 1), key))
    steps = max(round(length / ticks * steps_per_beat), *(stop for _, _, stop, _ in notes))
    if steps > MAX_STEPS:
        name = arguments.path(file).name
        raise ValueError(f"{name} lasts {steps} steps; cut it to {MAX_STEPS} or fewer.")
    tempo = 60 * length / ticks / float(played.seconds(length))
    return from_notes(
        notes, steps, tuple(played.programs), steps_per_beat=steps_per_beat,
        tempo=min(1000.0, max(10.0, tempo)), meter=played.meter(), **grid,
    )  # fmt: skip
