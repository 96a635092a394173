"""Wrong answers of notebook 00 that come near, and words of the diagnosis that each must get."""

from functools import partial

import numpy as np
import torch


def read(
    events, forward=1, start=True, length=False, order=(0, 1, 2), one=False, number=int,
    shift=int, clock=0, pop=True,
):  # fmt: skip
    now, down, notes = clock, {}, []
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now = forward * now + shift(value)
        elif act == "Note_on":
            key = "one" if one else value
            down[key] = now if pop else down.get(key, now)
        else:
            begin = down["one" if one else value] if start else 0
            note = (begin, now - begin * length, number(value))
            notes.append(tuple(note[k] for k in order))
    return notes


def last_character(events):
    now, down, notes = 0, {}, []
    for token in events:
        if "shift" in token:
            now += int(token[-1])
        elif "on" in token:
            down[token[8:]] = now
        else:
            notes.append((down[token[9:]], now, int(token[9:])))
    return notes


def last_in_first_out(events):
    now, sounding, notes = 0, [], []
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now += int(value)
        elif act == "Note_on":
            sounding.append((now, int(value)))
        else:
            begin, key = sounding.pop()
            notes.append((begin, now, key))
    return notes


def two_characters(events):
    now, down, notes = 0, {}, []
    for token in events:
        value = int(token[-2:].strip("_"))
        if token.startswith("Time_shift"):
            now += value
        elif token.startswith("Note_on"):
            down[value] = now
        else:
            notes.append([down[value], now, value])
    return notes


def stack(events):
    now, down, notes = 0, [], []
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now += int(value)
        elif act == "Note_on":
            down.append(now)
        else:
            notes.append((down.pop(), now, int(value)))
    return notes


def queue(events):
    now, down, notes = 0, [], []
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now += int(value)
        elif act == "Note_on":
            down.append(now)
        else:
            notes.append((down.pop(0), now, int(value)))
    return notes


def without_rest(events):
    notes = read(events)
    first = min((note[0] for note in notes), default=0)
    return [(a - first, b - first, p) for a, b, p in notes]


def keeps_a_list(events, notes=[]):  # noqa: B006
    notes += read(events)
    return list(notes)


def nothing_for_nothing(events):
    if events:
        return read(events)


def of_each_key(events, first=False):
    notes = read(events)[:: -1 if first else 1]
    return list({note[2]: note for note in notes}.values())


def events_of(notes, on=1, zero=False, absolute=False, clock=True, key=None, now=0, steps=False):
    acts = [(start, on, pitch, "on") for start, _, pitch in notes]
    acts += [(stop, 1 - on, pitch, "off") for _, stop, pitch in notes]
    events = []
    for step, _, pitch, act in sorted(acts, key=key):
        now = step if now is None else now
        if clock and (zero or step > now):
            if steps:
                events += ["Time_shift_1"] * (step - now)
            else:
                events.append(f"Time_shift_{step - (0 if absolute else now)}")
        events.append(f"Note_{act}_{pitch}")
        now = step
    return events


def one_after_the_other(notes):
    events = []
    for start, stop, pitch in notes:
        events += [f"Note_on_{pitch}", f"Time_shift_{stop - start}", f"Note_off_{pitch}"]
    return events


def unsorted(notes):
    events, now = [], 0
    for start, stop, pitch in notes:
        for step, act in ((start, "on"), (stop, "off")):
            if step != now:
                events.append(f"Time_shift_{step - now}")
            events.append(f"Note_{act}_{pitch}")
            now = step
    return events


def prints_only(notes):
    for event in events_of(notes):
        print(event)


def used(roll):
    return np.flatnonzero(np.asarray(roll).any(axis=0))


def queue_of_keys(events):
    now, down, notes = 0, [], []
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now += int(value)
        elif act == "Note_on":
            down.append((now, int(value)))
        else:
            start, pitch = down.pop(0)
            notes.append((start, now, pitch))
    return notes


def ends_as_they_come(notes):
    events, now = [], 0
    for time in sorted({note[0] for note in notes} | {note[1] for note in notes}):
        if time > now:
            events.append(f"Time_shift_{time - now}")
        now = time
        events += [f"Note_off_{p}" for _, stop, p in notes if stop == time]
        events += [f"Note_on_{p}" for p in sorted(p for start, _, p in notes if start == time)]
    return events


def melted(notes):
    ends = {(stop, pitch) for _, stop, pitch in notes}
    begins = {(start, pitch) for start, _, pitch in notes}
    acts = [(t, 0, p) for t, p in ends - begins] + [(t, 1, p) for t, p in begins - ends]
    now, events = 0, []
    for time, on, pitch in sorted(acts):
        if time > now:
            events.append(f"Time_shift_{time - now}")
        now = time
        events.append(f"Note_{'on' if on else 'off'}_{pitch}")
    return events


def in_turn(notes):
    now, events = 0, []
    for start, stop, pitch in sorted(notes):
        if start > now:
            events.append(f"Time_shift_{start - now}")
        events += [f"Note_on_{pitch}", f"Time_shift_{stop - start}", f"Note_off_{pitch}"]
        now = stop
    return events


def without_key_0(roll):
    keys = [key * bool(roll[:, key].any()) for key in range(84)]
    return len({key % 12 for key in keys if key})


WRONG = {
    "pianoroll.events_to_notes": [
        ("how far the clock moves", partial(read, forward=0)),
        ("does not start at 0", partial(read, start=False)),
        ("not how long it lasts", partial(read, length=True)),
        ("in another order", partial(read, order=(2, 0, 1))),
        ("in another order", partial(read, order=(0, 2, 1))),
        ("only its last note", of_each_key),
        ("only its first note", partial(of_each_key, first=True)),
        ("one start for all", partial(read, one=True)),
        ("still text", partial(read, number=str)),
        ("too few of them", last_character),
        ("too few of them", two_characters),
        ("cases): at [0", partial(read, number=lambda v: int(v[:2]))),
        ("began last", stack),
        ("began first", queue),
        ("the rest at the beginning is lost", without_rest),
        ("must replace the old one", partial(read, pop=False)),
        ("second time", keeps_a_list),
        ("every branch", nothing_for_nothing),
        ("three numbers", partial(read, order=(0, 1))),
        ("fewer notes", lambda events: read(events)[:-1]),
        ("more notes", lambda events: [(0, 0, 0), *read(events)]),
        ("cases): at [0", partial(read, clock=1)),
        ("three numbers", lambda events: np.transpose(read(events))),
        ("began first", queue_of_keys),
        ("began last", last_in_first_out),
        ("ask `is not None`", lambda events: [note for note in read(events) if note[0]]),
    ],
    "pianoroll.notes_to_events": [
        ("Note_off comes first", partial(events_of, on=0)),
        ("lower keys come", partial(events_of, key=lambda act: act[:2])),
        ("lower keys come", partial(events_of, key=lambda act: (act[0], act[1], -act[2]))),
        ("sorted as text", partial(events_of, key=lambda act: (*act[:2], str(act[2])))),
        ("all ends come before", partial(events_of, key=lambda act: (act[0], act[2], act[1]))),
        ("Time_shift_0 says nothing", partial(events_of, zero=True)),
        ("not since the beginning", partial(events_of, absolute=True)),
        ("no time passes", partial(events_of, clock=False)),
        ("one note after the other", one_after_the_other),
        ("not one for each step", partial(events_of, steps=True)),
        ("before the first note is missing", partial(events_of, now=None)),
        ("the clock goes back", unsorted),
        ("needs its Note_off", lambda notes: [e for e in events_of(notes) if "off" not in e]),
        ("nothing comes back", prints_only),
        ("number 1 is note_on_60", lambda notes: [e.lower() for e in events_of(notes)]),
        ("too many", lambda notes: [*events_of(notes), "Time_shift_4"]),
        ("is Note_off60", lambda notes: [e.replace("off_", "off") for e in events_of(notes)]),
        ("number 1 is", lambda notes: events_of(notes)[1:]),
        ("among the ends, too", ends_as_they_come),
        ("struck again", melted),
        ("one note after the other", in_turn),
        ("no Program_change", lambda notes: ["Program_change_0", *events_of(notes)]),
    ],
    "pianoroll.pitch_classes": [
        ("these are keys", lambda roll: int(roll.any(0).sum())),
        ("land on three names", lambda roll: int(roll.any(0).reshape(12, 7).any(1).sum())),
        ("12 keys, not 7", lambda roll: len({key % 7 for key in used(roll)})),
        ("you add up over time", lambda roll: int(roll.sum())),
        ("number of octaves", lambda roll: len(set(used(roll) // 12))),
        ("one step only", lambda roll: len(set(np.flatnonzero(roll[0]) % 12))),
        ("one step only", lambda roll: len(set(np.flatnonzero(roll[-1]) % 12))),
        ("no name at all", lambda roll: len(set(used(roll) % 12)) or 1),
        ("sound together", lambda roll: max(len(set(np.flatnonzero(s) % 12)) for s in roll)),
        ("comes again counts once", lambda roll: sum(
            len(set(np.flatnonzero(s) % 12)) for s in roll)),
        ("not only if it sounds at all of them", lambda roll: int(
            roll.all(0).reshape(7, 12).any(0).sum())),
        ("all names that there are", lambda roll: len(set(np.arange(84) % 12))),
        ("second axis", lambda roll: len(set(np.flatnonzero(roll.any(1)) % 12))),
        ("second axis", lambda roll: int(roll.any(axis=1).sum())),
        ("shape", lambda roll: roll.reshape(-1, 7, 12).any((0, 1))),
        ("too large by 1", lambda roll: len(set(used(roll) % 12)) + 1),
        ("these are keys", lambda roll: len(torch.as_tensor(roll).any(0).nonzero())),
        ("key 0 is a key", without_key_0),
        ("over 300 steps", lambda roll: len(set(used(roll[:64]) % 12))),
        ("over 300 steps", lambda roll: len(set(used(roll[:256]) % 12))),
        ("highest keys count", lambda roll: int(roll[:, :72].any(0).reshape(6, 12).any(0).sum())),
    ],
}  # fmt: skip
