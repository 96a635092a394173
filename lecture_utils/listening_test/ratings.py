"""Ratings of a listening test as a table, kept in the CSV columns of webMUSHRA.

One row is one score: a listener gave a stimulus 0 to 100 points in one trial (one page of the
test). A listener is a random code, never a name. Written by the player of notebook 09 and by the
vote of a class; existing analysis for webMUSHRA (Schoeffler et al. 2018) reads the same files.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lecture_utils import arguments

#: Columns of the file, in this order. A file of webMUSHRA may have more (they are left out).
COLUMNS = (
    "session_test_id", "session_uuid", "trial_id", "rating_stimulus", "rating_score",
    "rating_time", "rating_comment",
)  # fmt: skip
#: The original sound among the stimuli, and its two low-pass copies, as webMUSHRA calls them.
REFERENCE, ANCHORS = "reference", ("anchor35", "anchor70")
#: Longest name, longest comment and largest file that are read (characters, characters, bytes).
MAX_NAME, MAX_COMMENT, MAX_BYTES = 80, 500, 5_000_000


class Rating(NamedTuple):
    """One score of one listener; the fields are the columns of the file.

    Parameters
    ----------
    session_test_id : str
        Name of the test, the same for all of its listeners.
    session_uuid : str
        Random code of the listener.
    trial_id : str
        Page of the test, such as "sentence".
    rating_stimulus : str
        System that was heard; :data:`REFERENCE` and :data:`ANCHORS` are the hidden ones.
    rating_score : float
        0 (bad) to 100 (excellent).
    rating_time : float
        Milliseconds that the listener spent on the page.
    rating_comment : str
        One line of text, mostly empty.
    """

    session_test_id: str
    session_uuid: str
    trial_id: str
    rating_stimulus: str
    rating_score: float
    rating_time: float = 0.0
    rating_comment: str = ""


class Table(NamedTuple):
    """Scores of one trial: `scores` has shape (listeners, stimuli), NaN where none was given."""

    listeners: list[str]
    stimuli: list[str]
    scores: np.ndarray


def checked(rating: Rating, test: str | None = None) -> Rating:
    """Return a rating with its score and time as floats and its texts stripped.

    Parameters
    ----------
    rating : Rating
        Or seven values in its order, also as texts.
    test : str, optional
        The test that it must belong to.

    Raises
    ------
    ValueError
        If a name is missing or too long, a score is out of 0 to 100, a time negative, or the
        rating belongs to another test.
    """
    try:
        texts = [str(value).strip() for value in rating]
    except TypeError:
        texts = []
    if len(texts) != len(COLUMNS):
        raise ValueError(f"rating: give {len(COLUMNS)} values, {', '.join(COLUMNS)}.")
    for column, text in zip(COLUMNS[:4], texts, strict=False):
        if not text or len(text) > MAX_NAME or not text.isprintable():
            raise ValueError(f"{column}: give a name of 1 to {MAX_NAME} characters, not {text!r}.")
    score = _float(texts[4], "rating_score")
    if not 0 <= score <= 100:
        raise ValueError(f"rating_score: {texts[4]} is out of range; scores go from 0 to 100.")
    time = _float(texts[5] or "0", "rating_time")
    if time < 0:
        raise ValueError(f"rating_time: {texts[5]} is negative; give milliseconds, 0 or more.")
    if test is not None and texts[0] != arguments.text(test, "test"):
        raise ValueError(f"it belongs to the test {texts[0]!r}, not to {test!r}.")
    comment = " ".join(texts[6].split())[:MAX_COMMENT]
    return Rating(*texts[:4], score, time, comment)


def _float(text: str, column: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ValueError(f"{column}: {text[:20]!r} is not a number.")
    return value


def as_ratings(ratings: Iterable[Rating]) -> list[Rating]:
    """Return a list of ratings; TypeError unless each one is a :class:`Rating`."""
    try:
        rows = list(ratings)
    except TypeError:  # nothing that has parts
        rows = [None]
    if not all(isinstance(row, Rating) for row in rows):
        raise TypeError("ratings: give a list of Rating, as from read, merge or of_page.")
    return rows


def to_csv(ratings: Iterable[Rating]) -> str:
    """Return ratings as the text of a CSV file: a line of columns, then one line a rating."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rating in as_ratings(ratings):
        *names, score, time, comment = checked(rating)
        writer.writerow([*names, f"{score:g}", f"{time:.0f}", comment])
    return text.getvalue()


def save(ratings: Iterable[Rating], path: str | os.PathLike) -> Path:
    """Write ratings to a CSV file, whole or not at all, and return its path.

    Raises
    ------
    ValueError
        If there is no rating, or the file holds ratings of a listener who would be lost.
    FileNotFoundError
        If the folder is not there.
    """
    path, rows = arguments.path(path), [checked(rating) for rating in as_ratings(ratings)]
    if not rows:
        raise ValueError("ratings: there is no rating to save; rate first.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"No folder {path.parent}; make it first.")
    if path.exists():
        before = {rating.session_uuid for rating in read(path)}
        if before - {rating.session_uuid for rating in rows}:
            raise ValueError(f"{path.name}: holds ratings of others; choose another name.")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(to_csv(rows), encoding="utf-8", newline="")
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    return path


def read(path: str | os.PathLike, test: str | None = None) -> list[Rating]:
    """Read a CSV file of ratings, of one listener or of many.

    Parameters
    ----------
    path : str or path
        A file from the player, from the vote, or of webMUSHRA.
    test : str, optional
        Refuse ratings of another test.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        With the line, if the file is cut off, empty, too large, no table of ratings, holds a score
        out of range or a stimulus rated twice, or belongs to another test.
    """
    path = arguments.path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}; give the path of a CSV file of ratings.")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path.name}: larger than {MAX_BYTES / 1e6:.0f} MB; no ratings are.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name}: no text in UTF-8; export the ratings again.") from None
    if not text.strip():
        raise ValueError(f"{path.name}: the file is empty; export the ratings again.")
    if not text.endswith(("\n", "\r")):
        raise ValueError(f"{path.name}: the last line is cut off; export the ratings again.")
    try:
        header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error:
        raise ValueError(f"{path.name}: no CSV table; export the ratings again.") from None
    return _rows(header, lines, path.name, test)


def _rows(header: list[str], lines: list[list[str]], name: str, test: str | None) -> list[Rating]:
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        hint = " It uses semicolons; save it with commas." if ";" in "".join(header) else ""
        raise ValueError(f"{name}: no column {', '.join(missing)} in its first line.{hint}")
    places, found = [header.index(column) for column in COLUMNS], {}
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        if len(line) != len(header):
            raise ValueError(
                f"{name}, line {number}: {len(line)} of {len(header)} columns; the file is cut off "
                "or was changed, so export the ratings again."
            )
        try:
            rating = checked([line[place] for place in places], test)
        except ValueError as error:
            raise ValueError(f"{name}, line {number}: {error}") from None
        key = rating[:4]
        if key in found:
            raise ValueError(
                f"{name}, line {number}: {key[3]!r} in {key[2]!r} is rated twice by {key[1]}; "
                "keep one of the two."
            )
        found[key] = rating
    if not found:
        raise ValueError(f"{name}: has no rating in it; rate first, then export.")
    return list(found.values())


def of_page(page: object) -> list[Rating]:
    """Return what was finished on a page of :func:`lecture_utils.notebook.mushra.rate`."""
    return [checked(row, page.spec["test"]) for row in page.rows]


def table(ratings: Iterable[Rating], trial: str) -> Table:
    """Return the scores of one trial as a table, listeners by stimuli.

    Raises
    ------
    ValueError
        If there is no rating of that trial; the trials that there are are named.
    """
    ratings, trial = as_ratings(ratings), arguments.text(trial, "trial")
    rows = [rating for rating in ratings if rating.trial_id == trial]
    if not rows:
        known = ", ".join(sorted({rating.trial_id for rating in ratings})) or "none"
        raise ValueError(f"trial={trial!r}: no ratings of it; there are: {known}.")
    listeners, stimuli = {}, {}  # name -> row or column, in order of appearance
    for row in rows:
        listeners.setdefault(row.session_uuid, len(listeners))
        stimuli.setdefault(row.rating_stimulus, len(stimuli))
    scores = np.full((len(listeners), len(stimuli)), np.nan)
    for row in rows:
        scores[listeners[row.session_uuid], stimuli[row.rating_stimulus]] = row.rating_score
    return Table([*listeners], [*stimuli], scores)
