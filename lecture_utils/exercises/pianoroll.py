"""Exercises of notebook 00."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.check import Exercise, close


def _tokens() -> list[tuple]:
    text = (
        "Note_on_60 Time_shift_2 Note_off_60 Note_on_60 Time_shift_1 Note_on_64 Time_shift_2 "
        "Note_off_60 Time_shift_1 Note_off_64 Time_shift_4 Note_on_67 Time_shift_2 Note_off_67"
    )
    return [(text.split(),)]


def _notes(
    events: list[str], forward: bool = True, start: bool = True, length: bool = False,
    one: bool = False,
) -> np.ndarray:  # fmt: skip
    """Read the notes of one track, in the order in which they end; flags make a known mistake."""
    now, down, notes = 0, {}, []
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now = now + int(value) if forward else int(value)
        elif act == "Note_on":
            down[value] = latest = now
        else:
            begin = (latest if one else down.pop(value)) if start else 0
            notes.append((begin, now - begin if length else now, int(value)))
    return np.array(notes)


events_to_notes = Exercise(
    reference=_notes,
    cases=_tokens,
    accepts=lambda got, want, events: close(sorted(map(tuple, got)), sorted(map(tuple, want))),
    mistakes=[
        ("Time_shift is how far the clock moves, not the time itself: now = now + value",
         lambda got, want, events: _same(got, _notes(events, forward=False))),
        ("keep the step of each Note_on (a dictionary from pitch to step) until its Note_off comes",
         lambda got, want, events: _same(got, _notes(events, start=False))),
        ("one start for all is not enough, since notes overlap: keep one for each key",
         lambda got, want, events: _same(got, _notes(events, one=True))),
        ("the pitch is still text: int(...)",
         lambda got, want, events: any(isinstance(part, str) for row in got for part in row)),
        ("the second number is the step at which the note stops, not how long it lasts",
         lambda got, want, events: _same(got, _notes(events, length=True))),
        ("that is in another order; each note is (start, stop, pitch)",
         lambda got, want, events: _same(np.sort(got), np.sort(want))),
        ("one key can be struck twice; yours keeps only its last note",
         lambda got, want, events: _same(got, list({row[2]: row for row in want}.values()))),
    ],
    hint="Go through the tokens with a clock: Time_shift moves it, Note_on remembers it in a "
    "dictionary, Note_off adds (start, now, pitch) to the list.",
)  # fmt: skip


def _same(got: object, want: np.ndarray) -> bool:
    return close(sorted(map(tuple, got)), sorted(map(tuple, want)))


def _played() -> list[tuple]:
    return [([(0, 2, 60), (2, 6, 64), (2, 5, 60), (5, 6, 62), (10, 12, 67)],)]


def _events(
    notes: list[tuple], off_first: bool = True, zero: bool = False, absolute: bool = False,
    by_key: bool = True,
) -> list[str]:  # fmt: skip
    acts = [(start, 1 if off_first else 0, pitch, "on") for start, _, pitch in notes]
    acts += [(stop, 0 if off_first else 1, pitch, "off") for _, stop, pitch in notes]
    events, now = [], 0
    for step, _, pitch, act in sorted(acts, key=None if by_key else lambda act: act[:2]):
        if step > now or zero:
            events.append(f"Time_shift_{step if absolute else step - now}")
        events.append(f"Note_{act}_{pitch}")
        now = step
    return events


def _one_by_one(notes: list[tuple]) -> list[str]:
    """Write every note to its end before the next begins: the mistake of a loop over notes."""
    return [
        t for a, b, p in notes for t in (f"Note_on_{p}", f"Time_shift_{b - a}", f"Note_off_{p}")
    ]


notes_to_events = Exercise(
    reference=lambda notes: " ".join(_events(notes)),
    cases=_played,
    accepts=lambda got, want, notes: _text(got) == want,
    mistakes=[
        ("where a note ends as another begins, Note_off comes first, or no key could sound twice "
         "in a row",
         lambda got, want, notes: _text(got) == " ".join(_events(notes, off_first=False))),
        ("of tokens at the same step, lower keys come before higher ones",
         lambda got, want, notes: _text(got) == " ".join(_events(notes, by_key=False))),
        ("Time_shift_0 says nothing; write one only where the clock has moved",
         lambda got, want, notes: _text(got) == " ".join(_events(notes, zero=True))),
        ("Time_shift takes the steps since the last token, not since the beginning",
         lambda got, want, notes: _text(got) == " ".join(_events(notes, absolute=True))),
        ("no time passes: there is no Time_shift",
         lambda got, want, notes: "Time_shift" not in _text(got)),
        ("chords are played one note after the other; make a list of all starts and stops, sort it "
         "by time, and write that",
         lambda got, want, notes: _text(got) == " ".join(_one_by_one(notes))),
    ],
    hint="Collect (start, 1, pitch) and (stop, 0, pitch) of all notes and sort: time first, ends "
    "before beginnings.",
)  # fmt: skip


def _text(events: object) -> str:
    return events if isinstance(events, str) else " ".join(map(str, events))


def _octaves() -> list[tuple]:
    three_cs = np.zeros((4, 84), bool)
    three_cs[0, [12, 24, 36]] = True  # key 0 is C1, MIDI 24
    more = np.zeros((4, 84), bool)
    more[:, [3, 15, 27]] = True
    more[1, [4, 28, 44]] = True
    return [(more,), (three_cs,)]


def _used(roll: np.ndarray) -> np.ndarray:
    return np.flatnonzero(roll.any(0))


pitch_classes = Exercise(
    reference=lambda roll: len(set(_used(roll) % 12)),
    cases=_octaves,
    mistakes=[
        ("these are keys; C in three octaves is one pitch class, so go on with % 12",
         lambda got, want, roll: got == len(_used(roll))),
        ("you fold the keys into (12, 7), so that three C's land on three names; 84 keys are 7 "
         "octaves of 12: reshape(7, 12)",
         lambda got, want, roll: got == roll.any(0).reshape(12, 7).any(1).sum()),
        ("you add up over time; a name counts once, however often it sounds",
         lambda got, want, roll: got == roll.sum()),
        ("that is the number of octaves; % 12 gives the name, // 12 the octave",
         lambda got, want, roll: got == len(set(_used(roll) // 12))),
    ],
    hint="Which keys sound at all? np.flatnonzero(roll.any(axis=0)). Key 0 is a C.",
)  # fmt: skip
