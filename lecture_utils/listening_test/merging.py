"""The ratings of a class: all files of a folder in one table, and what is wrong with them.

Used by notebook 09.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import NamedTuple

import numpy as np

from lecture_utils import arguments
from lecture_utils.listening_test.ratings import Rating, read

#: With fewer listeners than this, a test proves nothing.
FEWEST = 4


class Merged(NamedTuple):
    """All ratings of a folder, and one sentence for everything that was left out or is doubtful."""

    ratings: list[Rating]
    notes: list[str]


def merge(folder: str | os.PathLike, test: str) -> Merged:
    """Read all CSV files of a folder; leave out what is broken, and say so.

    Parameters
    ----------
    folder : str or path
        Where the files of a class lie. Other kinds of files are not looked at.
    test : str
        Name of the test; files of another one are left out.

    Returns
    -------
    Merged
        The ratings, and sentences: each file left out and why, each listener with two files (the
        newer one counts), each listener who left out stimuli, and whether they are too few.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If there is no CSV file in it.
    """
    folder, test = arguments.path(folder, "folder"), arguments.text(test, "test")
    if not folder.is_dir():
        raise FileNotFoundError(f"No folder {folder}; make it and put the CSV files there.")
    paths = [p for p in folder.iterdir() if p.suffix.lower() == ".csv" and p.is_file()]
    if not paths:
        raise ValueError(
            f"{folder.name}: no CSV file in this folder; put the exported files there."
        )
    notes, kept, source = [], {}, {}
    for path in sorted(paths, key=lambda p: (p.stat().st_mtime_ns, p.name)):  # the newest last
        try:
            rows = read(path, test)
        except (ValueError, OSError) as error:
            notes.append(f"Left out: {error}")
            continue
        for listener in sorted({row.session_uuid for row in rows}):
            if listener in kept:
                notes.append(
                    f"Two files of listener {listener}: {path.name} is newer and counts, "
                    f"{source[listener]} does not."
                )
            kept[listener] = [row for row in rows if row.session_uuid == listener]
            source[listener] = path.name
    ratings = [row for listener in sorted(kept) for row in kept[listener]]
    return Merged(ratings, notes + _incomplete(ratings) + too_few(len(kept)))


def _incomplete(ratings: list[Rating]) -> list[str]:
    """Say which listeners left out stimuli that most others rated."""
    notes = []
    for trial in sorted({rating.trial_id for rating in ratings}):
        rated = Counter((r.session_uuid) for r in ratings if r.trial_id == trial)
        usual = int(np.median(list(rated.values())))
        notes += [
            f"Listener {listener} rated {count} of {usual} stimuli of {trial!r}; they are kept."
            for listener, count in sorted(rated.items())
            if count < usual
        ]
    return notes


def too_few(n_listeners: int) -> list[str]:
    """Return the sentence that says that so few listeners prove nothing, or no sentence."""
    n_listeners = arguments.number(n_listeners, "n_listeners", 0, whole=True)
    if n_listeners >= FEWEST:
        return []
    listeners = "1 listener" if n_listeners == 1 else f"{n_listeners} listeners"
    return [f"Only {listeners}: this proves nothing. Ask at least {FEWEST}, better 15 or more."]
