"""Exercises of notebook 00."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from lecture_utils.notebook.check import Exercise

# --------------------------------------------------------------------- reading tokens


def _tokens() -> dict[str, tuple]:
    """Return tunes: keys struck twice and held together, numbers of several digits, nothing."""
    voices = (
        "Note_on_60 Time_shift_2 Note_off_60 Note_on_60 Time_shift_1 Note_on_64 Time_shift_2 "
        "Note_off_60 Time_shift_1 Note_off_64 Time_shift_4 Note_on_67 Time_shift_2 Note_off_67"
    )
    rest = (
        "Time_shift_12 Note_on_108 Time_shift_3 Note_on_7 Time_shift_16 Time_shift_5 Note_off_7 "
        "Time_shift_10 Note_on_61 Note_off_108 Time_shift_1 Note_on_100 Note_off_61 Time_shift_7 "
        "Note_off_100"
    )
    start = "Note_on_48 Time_shift_2 Note_off_48 Time_shift_1 Note_on_50 Time_shift_3 Note_off_50"
    return {
        "a tune of two voices": (voices.split(),),
        "a tune that begins with a rest, with numbers of one to three digits": (rest.split(),),
        "two notes": (start.split(),),
        "an empty list": ([],),
    }


def _notes(
    events: list[str], forward: bool = True, start: bool = True, length: bool = False,
    take: str = "own", digits: tuple = (0, 0), rest: bool = True, order: tuple = (0, 1, 2),
) -> np.ndarray:  # fmt: skip
    """Read the notes of one track; the other arguments make a known mistake.

    `take` tells which of the remembered starts a Note_off takes, `digits` how many digits of a
    shift and of a key are read (0: all).
    """
    now, down, notes = 0, {}, []
    for token in events:
        act, value = token.rsplit("_", 1)
        value = int(value[-digits[act != "Time_shift"] :])
        if act == "Time_shift":
            now = now + value if forward else value
            now = now if rest or down or notes else 0
        elif act == "Note_on":
            if take != "first" or value not in down:
                down[value] = now
            down[value] = down.pop(value)  # the latest stands last
        else:
            if take == "own":
                begin = down.pop(value)
            elif take == "first":
                begin = down[value]
            else:
                begin = down.pop(list(down)[-1 if take == "latest" else 0])
            notes.append((begin if start else 0, now - begin if length else now, value))
    return _rows([tuple(note[k] for k in order) for note in notes])


def _acts(events: list[str]) -> Iterator[tuple[int, str, int]]:
    """Give the step, the kind and the key of each Note_on and Note_off."""
    now = 0
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now += int(value)
        else:
            yield now, act, int(value)


def _one_start(events: list[str]) -> np.ndarray:
    begin, notes = 0, []
    for now, act, pitch in _acts(events):
        if act == "Note_on":
            begin = now
        else:
            notes.append((begin, now, pitch))
    return _rows(notes)


def _queue(events: list[str], which: int = 0) -> np.ndarray:
    """End the note that began first, or last, with its own key, whatever the Note_off names."""
    sounding, notes = [], []
    for now, act, pitch in _acts(events):
        if act == "Note_on":
            sounding.append((now, pitch))
        else:
            begin, pitch = sounding.pop(which)
            notes.append((begin, now, pitch))
    return _rows(notes)


def _once(events: list[str], last: bool) -> np.ndarray:
    """Keep one note of each key."""
    rows = _notes(events).tolist()
    return _rows(list({row[2]: row for row in (rows if last else rows[::-1])}.values()))


def _rows(notes: object, *_case: object) -> np.ndarray:
    """Return notes as an array (notes, 3), sorted: their order is free."""
    rows = [tuple(note) for note in notes]
    if any(isinstance(part, (str, np.str_)) for row in rows for part in row):
        return rows
    array = np.array([[float(part) for part in row] for row in sorted(rows)])
    return array.reshape(-1, 3) if array.size == 0 else array


events_to_notes = Exercise(
    reference=_notes,
    cases=_tokens,
    read=_rows,
    mistakes=[
        ("Time_shift is how far the clock moves, not the time itself: add it to `now`",
         lambda events: _notes(events, forward=False)),
        ("keep the step of each Note_on until its Note_off comes: a note does not start at 0",
         lambda events: _notes(events, start=False)),
        ("one start for all is not enough, since notes overlap: keep one for each key",
         _one_start),
        ("a Note_off ends the note of its own key, not the one that began last",
         lambda events: _notes(events, take="latest"),
         lambda events: _queue(events, which=-1)),
        ("a Note_off ends the note of its own key, not the one that began first",
         lambda events: _notes(events, take="oldest"),
         _queue),
        ("when a key is struck again, its new start must replace the old one",
         lambda events: _notes(events, take="first")),
        ("the second number is the step at which the note stops, not how long it lasts",
         lambda events: _notes(events, length=True)),
        ("a note that starts at step 0 is missing: 0 counts as False, so ask `is not None`",
         lambda events: np.array([row for row in _notes(events) if row[0] > 0]).reshape(-1, 3)),
        ("one key can be struck twice; yours keeps only its last note",
         lambda events: _once(events, last=True)),
        ("one key can be struck twice; yours keeps only its first note",
         lambda events: _once(events, last=False)),
        ("the clock starts at 0 with the first token; yours starts with the first note, so the "
         "rest at the beginning is lost",
         lambda events: _notes(events, rest=False)),
        ("a number can have several digits; you read too few of them",
         *[lambda events, digits=digits: _notes(events, digits=digits)
           for digits in ((1, 0), (0, 1), (1, 1), (0, 2), (2, 2), (1, 2))]),
        ("that is in another order; each note is (start, stop, pitch)",
         *[lambda events, order=order: _notes(events, order=order)
           for order in itertools.permutations((0, 1, 2)) if order != (0, 1, 2)]),
    ],
    signs=[
        ("a part of a note is still text: use int(...)",
         lambda got, want, events: any(isinstance(part, str) for row in got for part in row)),
        ("each note is three numbers: (start, stop, pitch)",
         lambda got, want, events: {len(row) for row in got} != {3}),
        ("there are fewer notes than Note_off tokens",
         lambda got, want, events: len(got) < len(want)),
        ("there are more notes than Note_off tokens",
         lambda got, want, events: len(got) > len(want)),
    ],
    hint="Go through the tokens with a clock: Time_shift moves it, Note_on remembers it in a "
    "dictionary, Note_off takes it from there.",
)  # fmt: skip

# --------------------------------------------------------------------- writing tokens


def _played() -> dict[str, tuple]:
    scattered = [(7, 9, 72), (3, 9, 48), (3, 7, 72), (9, 25, 60), (3, 9, 108), (3, 9, 9)]
    return {
        "a tune with a chord": ([(0, 2, 60), (2, 6, 64), (2, 5, 60), (5, 6, 62), (10, 12, 67)],),
        "notes in no order, after a rest": (scattered,),
        "a chord that is struck again": ([(0, 4, 60), (0, 4, 64), (4, 8, 64), (4, 8, 60)],),
        "an empty list": ([],),
    }


def _events(
    notes: list[tuple], key: object = None, off_first: bool = True, zero: bool = False,
    shift: str = "since the last", rest: bool = True,
) -> list[str]:  # fmt: skip
    acts = [(start, 1 if off_first else 0, pitch, "on") for start, _, pitch in notes]
    acts += [(stop, 0 if off_first else 1, pitch, "off") for _, stop, pitch in notes]
    acts = sorted(acts, key=key)
    events, now = [], 0 if rest or not acts else acts[0][0]
    for step, _, pitch, act in acts:
        if shift != "none" and (step > now or zero):
            value = {"absolute": step, "one": 1}.get(shift, step - now)
            events += ["Time_shift_1"] * (step - now) if shift == "ones" else [
                f"Time_shift_{value}"]  # fmt: skip
        events.append(f"Note_{act}_{pitch}")
        now = step
    return events


def _one_by_one(notes: list[tuple], rests: bool = False) -> list[str]:
    """Write every note to its end before the next begins: the mistake of a loop over notes."""
    events, now = [], 0
    for start, stop, pitch in notes:
        events += [f"Time_shift_{start - now}"] if rests and start > now else []
        events += [f"Note_on_{pitch}", f"Time_shift_{stop - start}", f"Note_off_{pitch}"]
        now = stop
    return events


def _melted(notes: list[tuple]) -> list[str]:
    """Leave out the end and the beginning where a key is struck again at once."""
    begins, ends = ({(note[k], note[2]) for note in notes} for k in (0, 1))
    acts = [(*act, "on") for act in begins - ends] + [(*act, "off") for act in ends - begins]
    events, now = [], 0
    for step, pitch, act in sorted(acts, key=lambda act: (act[0], act[2] == "on", act[1])):
        events += [f"Time_shift_{step - now}"] if step > now else []
        events.append(f"Note_{act}_{pitch}")
        now = step
    return events


def _words(events: object, *_case: object) -> list[str]:
    words = events.split() if isinstance(events, str) else list(events)
    if not all(isinstance(word, str) for word in words):
        raise TypeError("a list of text is wanted")
    return [str(word).strip() for word in words]


notes_to_events = Exercise(
    reference=_events,
    cases=_played,
    read=_words,
    mistakes=[
        ("no Program_change is asked for: begin with the first note",
         lambda notes: ["Program_change_0", *_events(notes)]),
        ("a key that ends and begins at the same step is struck again: write both",
         _melted),
        ("where a note ends as another begins, Note_off comes first, or no key could sound twice "
         "in a row",
         lambda notes: _events(notes, off_first=False)),
        ("at one step all ends come before all beginnings; only then do the keys count",
         lambda notes: _events(notes, key=lambda act: (act[0], act[2], act[1]))),
        ("of tokens of one kind at the same step, lower keys come before higher ones",
         lambda notes: _events(notes, key=lambda act: act[:2]),
         lambda notes: _events(notes, key=lambda act: (act[0], act[1], -act[2]))),
        ("at the same step lower keys come before higher ones, among the ends, too",
         lambda notes: _events(notes, key=lambda act: act[:2] if act[3] == "off" else act[:3])),
        ("the keys are sorted as text, where 108 comes before 9; sort them as numbers",
         lambda notes: _events(notes, key=lambda act: (act[0], act[1], str(act[2])))),
        ("of tokens at the same step, ends come before beginnings, and lower keys come first",
         lambda notes: _events(notes, key=lambda act: act[0])),
        ("Time_shift_0 says nothing; write one only where the clock has moved",
         lambda notes: _events(notes, zero=True)),
        ("Time_shift takes the steps since the last token, not since the beginning",
         lambda notes: _events(notes, shift="absolute")),
        ("a Time_shift tells how many steps pass, which may be more than one",
         lambda notes: _events(notes, shift="one")),
        ("one Time_shift for all the steps that pass, not one for each step",
         lambda notes: _events(notes, shift="ones")),
        ("no time passes: there is no Time_shift",
         lambda notes: _events(notes, shift="none")),
        ("the rest before the first note is missing: the clock starts at 0",
         lambda notes: _events(notes, rest=False)),
        ("chords are played one note after the other; make a list of all starts and stops, sort it "
         "by time, and write that",
         _one_by_one,
         lambda notes: _one_by_one(sorted(notes)),
         lambda notes: _one_by_one(sorted(notes), rests=True)),
        ("only the beginnings are written; every note needs its Note_off",
         lambda notes: [t for t in _events(notes) if "off" not in t]),
    ],
    signs=[
        ("Time_shift_0 says nothing; write one only where the clock has moved",
         lambda got, want, notes: "Time_shift_0" in got),
        ("the clock goes back: a Time_shift can't be less than 0",
         lambda got, want, notes: any(t.startswith("Time_shift_-") for t in got)),
    ],
    hint="Collect the starts and the stops of all notes in one list of tuples and sort it: a sort "
    "of tuples looks at their first number, then at the second, then at the third.",
)  # fmt: skip

# --------------------------------------------------------------------- counting names


def _rolls() -> dict[str, tuple]:
    def roll(n_steps: int, cells: list[tuple]) -> tuple:
        made = np.zeros((n_steps, 84), bool)
        for step, key in cells:
            made[step, key] = True
        return (made,)

    held = [(step, key) for step in range(4) for key in (3, 15, 27)]
    tune = [(1, 83), (2, 0), (3, 71), (5, 40), (5, 52), (8, 18), (14, 83), (19, 0), (290, 31)]
    edges = [(0, 0), (1, 40), (2, 30), (4, 83)]
    return {
        "a chord that is held": roll(4, [*held, (0, 50), (1, 4), (1, 28), (1, 44)]),
        "C in three octaves": roll(4, [(0, 12), (0, 24), (0, 36)]),
        "notes one after the other, over 300 steps": roll(300, tune),
        "the lowest and the highest key": roll(5, edges),
        "an empty roll": roll(6, []),
        "all keys": roll(1, [(0, key) for key in range(84)]),
    }


def _used(roll: np.ndarray) -> np.ndarray:
    return np.flatnonzero(roll.any(0))


def _names(roll: np.ndarray) -> int:
    return len(set(_used(roll) % 12))


pitch_classes = Exercise(
    reference=_names,
    cases=_rolls,
    mistakes=[
        ("these are keys; C in three octaves is one pitch class",
         lambda roll: len(_used(roll))),
        ("you fold the keys into (12, 7), so that three C's land on three names; 84 keys are 7 "
         "octaves of 12",
         lambda roll: roll.any(0).reshape(12, 7).any(1).sum()),
        ("an octave has 12 keys, not 7",
         lambda roll: len(set(_used(roll) % 7))),
        ("you add up over time; a name counts once, however often it sounds",
         lambda roll: roll.sum()),
        ("that is the number of octaves that are used",
         lambda roll: len(set(_used(roll) // 12))),
        ("you count the names at one step only; a name counts if it sounds at any step",
         lambda roll: _names(roll[:1]),
         lambda roll: _names(roll[-1:])),
        ("you count the names that sound together; a name counts if it sounds at any step",
         lambda roll: max(_names(step[None]) for step in roll)),
        ("you count each step by itself; a name that comes again counts once",
         lambda roll: sum(_names(step[None]) for step in roll)),
        ("a name counts if it sounds at any step, not only if it sounds at all of them",
         lambda roll: len(set(np.flatnonzero(roll.all(0)) % 12))),
        ("key 0 is a key, too: it counts as C",
         lambda roll: _names(roll & (np.arange(84) > 0))),
        ("the highest keys count, too: there are 84, in 7 octaves",
         lambda roll: _names(roll[:, :72])),
        ("an empty roll uses no name at all: 0",
         lambda roll: max(1, _names(roll))),
        ("those are all names that there are; count the ones that sound",
         lambda roll: 12),
        ("you count steps, not names: the keys are the second axis",
         lambda roll: int(roll.any(1).sum())),
        ("you take the steps for keys: the keys are the second axis",
         lambda roll: len(set(np.flatnonzero(roll.any(1)) % 12))),
    ],
    hint="First: which keys sound at all, at any step? Then: which of the twelve names does each "
    "have? The remainder of a division may help.",
)  # fmt: skip
