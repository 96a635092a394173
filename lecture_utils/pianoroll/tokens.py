"""Music as tokens, to and fro without loss: a roll as a sequence of words. Used by notebook 00."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lecture_utils import arguments
from lecture_utils.pianoroll.roll import (
    DRUMS,
    MAX_STEPS,
    PianoRoll,
    check_grid,
    check_roll,
    from_notes,
)


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
        What tokens don't tell: lowest_pitch, n_pitches, steps_per_beat, tempo, meter, as for
        :func:`from_notes`.

    Raises
    ------
    TypeError
        If `events` is no list of tokens, or `grid` has an unknown name.
    ValueError
        For an unknown token, a time that does not go forward, or notes out of order; the sentence
        tells the token and its place.
    """
    is_list = isinstance(events, Iterable) and not hasattr(events, "dtype")
    if isinstance(events, (str, bytes)) or not is_list:
        raise TypeError('events: give a list of tokens, for example ["Program_change_0", ...].')
    check_grid(grid, "lowest_pitch", "n_pitches", "steps_per_beat", "tempo", "meter")

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
            f"Token {place}, {arguments.shown(token)}, is unknown; write Program_change, Note_on, "
            "Note_off or Time_shift, and a number, as in Note_on_60."
        )
    act, value = read[1], int(read[2])
    low, high = {"Time_shift": (1, MAX_STEPS), "Program_change": (0, DRUMS)}.get(act, (0, 127))
    if not low <= value <= high:
        raise ValueError(f"Token {place}, {token}: {act} takes {low} to {high}.")
    return act, value
