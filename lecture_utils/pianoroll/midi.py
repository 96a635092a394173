"""Piano rolls from and to MIDI files; what was written comes back. Used by notebook 00."""

from __future__ import annotations

import os

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

    check_grid(grid, "lowest_pitch", "n_pitches")
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
