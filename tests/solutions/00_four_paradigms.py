"""Worked solutions of notebook 00, and wrong answers with words of the diagnosis they must get."""

from functools import partial

import numpy as np


def events_to_notes(
    events, forward=1, start=True, length=False, order=(0, 1, 2), one=False, number=int
):
    now, down, notes = 0, {}, []
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now = forward * now + int(value)
        elif act == "Note_on":
            down["one" if one else value] = now
        else:
            begin = down["one" if one else value] if start else 0
            note = (begin, now - begin * length, number(value))
            notes.append(tuple(note[k] for k in order))
    return notes


def last_of_each_key(events):
    return list({note[2]: note for note in events_to_notes(events)}.values())


def notes_to_events(notes, on=1, zero=False, absolute=False, clock=True, key=None):
    acts = [(start, on, pitch, "on") for start, _, pitch in notes]
    acts += [(stop, 1 - on, pitch, "off") for _, stop, pitch in notes]
    events, now = [], 0
    for step, _, pitch, act in sorted(acts, key=key):
        if clock and (zero or step > now):
            events.append(f"Time_shift_{step - (0 if absolute else now)}")
        events.append(f"Note_{act}_{pitch}")
        now = step
    return events


def one_after_the_other(notes):
    events = []
    for start, stop, pitch in notes:
        events += [f"Note_on_{pitch}", f"Time_shift_{stop - start}", f"Note_off_{pitch}"]
    return events


def pitch_classes(roll):
    return len(set(np.flatnonzero(roll.any(axis=0)) % 12))


SOLUTIONS = {
    "pianoroll.events_to_notes": events_to_notes,
    "pianoroll.notes_to_events": notes_to_events,
    "pianoroll.pitch_classes": pitch_classes,
}

WRONG = {
    "pianoroll.events_to_notes": {
        "how far the clock moves": partial(events_to_notes, forward=0),
        "keep the step of each Note_on": partial(events_to_notes, start=False),
        "not how long it lasts": partial(events_to_notes, length=True),
        "in another order": partial(events_to_notes, order=(2, 0, 1)),
        "only its last note": last_of_each_key,
        "one start for all": partial(events_to_notes, one=True),
        "still text": partial(events_to_notes, number=str),
    },
    "pianoroll.notes_to_events": {
        "Note_off comes first": partial(notes_to_events, on=0),
        "lower keys come": partial(notes_to_events, key=lambda act: act[:2]),
        "Time_shift_0 says nothing": partial(notes_to_events, zero=True),
        "not since the beginning": partial(notes_to_events, absolute=True),
        "no time passes": partial(notes_to_events, clock=False),
        "one note after the other": one_after_the_other,
    },
    "pianoroll.pitch_classes": {
        "these are keys": lambda roll: int(roll.any(0).sum()),
        "land on three names": lambda roll: int(roll.any(0).reshape(12, 7).any(1).sum()),
        "you add up over time": lambda roll: int(roll.sum()),
        "number of octaves": lambda roll: len(set(np.flatnonzero(roll.any(0)) // 12)),
    },
}
