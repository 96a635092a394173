"""Worked solutions of notebook 00, each also in plain loops and in PyTorch."""

import numpy as np
import torch


def events_to_notes(events):
    now, down, notes = 0, {}, []
    for token in events:
        act, value = token.rsplit("_", 1)
        if act == "Time_shift":
            now += int(value)
        elif act == "Note_on":
            down[value] = now
        else:
            notes.append((down.pop(value), now, int(value)))
    return notes


def yielded(events):
    now, began = 0, [None] * 128
    for token in events:
        value = int(token[token.rindex("_") + 1 :])
        if token.startswith("Time"):
            now += value
        elif token.startswith("Note_on"):
            began[value] = now
        else:
            yield began[value], now, value


def notes_to_events(notes):
    acts = [(start, 1, pitch) for start, _, pitch in notes]
    acts += [(stop, 0, pitch) for _, stop, pitch in notes]
    events, now = [], 0
    for step, on, pitch in sorted(acts):
        if step > now:
            events.append(f"Time_shift_{step - now}")
        events.append(f"Note_{'on' if on else 'off'}_{pitch}")
        now = step
    return events


def step_by_step(notes):
    text, waited = "", 0
    for step in range(1 + max((stop for _, stop, _ in notes), default=0)):
        off = sorted(pitch for _, stop, pitch in notes if stop == step)
        on = sorted(pitch for start, _, pitch in notes if start == step)
        if (off or on) and waited:
            text += f"Time_shift_{waited} "
            waited = 0
        text += "".join(f"Note_off_{p} " for p in off) + "".join(f"Note_on_{p} " for p in on)
        waited += 1
    return text


def pitch_classes(roll):
    return len(set(np.flatnonzero(roll.any(axis=0)) % 12))


def counted(roll):
    names = []
    for step in roll:
        for key in range(84):
            if step[key] and key % 12 not in names:
                names.append(key % 12)
    return len(names)


SOLUTIONS = {
    "pianoroll.events_to_notes": events_to_notes,
    "pianoroll.notes_to_events": notes_to_events,
    "pianoroll.pitch_classes": pitch_classes,
}

LOOPS = {
    "pianoroll.events_to_notes": yielded,
    "pianoroll.notes_to_events": step_by_step,
    "pianoroll.pitch_classes": counted,
}

TORCH = {
    "pianoroll.events_to_notes": lambda events: torch.tensor(events_to_notes(events)),
    "pianoroll.notes_to_events": notes_to_events,  # text has no tensors
    "pianoroll.pitch_classes": lambda roll: roll.view(-1, 7, 12).any(0).any(0).sum(),
}
