"""The votes of a class, in one SQLite file. Notebook 09.

Each vote is committed before it is acknowledged, so a crash loses none. The file also holds what
hides the names: a secret from which the letters of each listener follow, the same ones after a
restart. One file is one class; a new class gets a new file, and no file is ever overwritten.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lecture_utils import arguments
from lecture_utils.listening_test import ratings
from lecture_utils.listening_test.ratings import Rating
from lecture_utils.listening_test.vote.folder import ListeningTest

#: Where ``make vote`` keeps the test of the course and its votes; git leaves it out.
FOLDER = Path(__file__).resolve().parents[3] / "runs" / "vote"
#: Listens to the room's loudspeakers, or plays on the own phone.
PLACES = ("room", "own")
#: A class has fewer listeners than this. It keeps a prank from filling the disk.
MOST_LISTENERS = 1000

_TABLES = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE votes (
    listener TEXT NOT NULL, trial TEXT NOT NULL, stimulus TEXT NOT NULL,
    score REAL NOT NULL CHECK (score BETWEEN 0 AND 100), time_ms INTEGER NOT NULL,
    place TEXT NOT NULL, stamp INTEGER NOT NULL,
    PRIMARY KEY (listener, trial, stimulus)
);
"""
#: The newest vote wins, also if an older one is sent again and arrives later.
_VOTE = """
INSERT INTO votes VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (listener, trial, stimulus) DO UPDATE SET score = excluded.score,
    time_ms = excluded.time_ms, place = excluded.place, stamp = excluded.stamp
WHERE excluded.stamp >= votes.stamp
"""


class VoteRefused(Exception):
    """The vote comes too late, or from too many; the message says so in one sentence."""


class Votes:
    """The votes of one class.

    Parameters
    ----------
    path : str or path
        A file of votes, or a folder: then its newest one. By default the folder of ``make vote``.

    Raises
    ------
    FileNotFoundError
        If there are no votes.
    ValueError
        If the file is damaged or holds something else.

    Examples
    --------
    >>> votes = vote.Votes()
    >>> votes.counts()
    {'listeners': 23, 'finished': 20, 'votes': 301, 'trials': {'sentence': 161, 'motif': 140}}
    >>> rows = votes.reveal()
    """

    def __init__(self, path: str | os.PathLike = FOLDER) -> None:
        path = arguments.path(path)
        self.path = _newest(path) if path.is_dir() else path
        if self.path is None or not self.path.is_file():
            raise FileNotFoundError(f"No votes in {path}; start a vote with `make vote OPEN=1`.")
        try:
            self._database = sqlite3.connect(
                self.path, timeout=0.5, isolation_level=None, check_same_thread=False
            )
            # The file is in WAL mode; FULL also keeps a vote when the power fails.
            self._database.execute("PRAGMA synchronous=FULL")
            (state,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(state)
            about = dict(self._database.execute("SELECT key, value FROM about"))
            self.round, self.test, self.key = about["round"], about["test"], about["key"]
            self.begun = float(about["begun"])
            self._secret = about["secret"].encode()
            self.stimuli: dict[str, list[str]] = json.loads(about["stimuli"])
        except (sqlite3.DatabaseError, KeyError, ValueError) as error:
            raise ValueError(
                f"{self.path} can't be read as votes ({error}); it is left as it is. "
                "`make vote NEW=1` begins a new file."
            ) from None

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def revealed(self) -> bool:
        """Whether the names are revealed; then no vote is taken any more."""
        found = self._database.execute("SELECT 1 FROM about WHERE key = 'revealed'").fetchone()
        return found is not None

    def vote(
        self,
        listener: str,
        trial: str,
        stimulus: str,
        score: float,
        time_ms: int,
        place: str,
        stamp: int,
    ) -> float:
        """Store a vote on disk, and return the score that stands there then.

        Parameters
        ----------
        listener : str
            Random code.
        trial, stimulus : str
            What was rated.
        score : float
            0 to 100.
        time_ms : int
            Milliseconds that the listener has spent on the trial.
        place : {"room", "own"}
            Where it was heard.
        stamp : int
            Number that grows with each vote of this listener: of two votes the larger one counts.

        Raises
        ------
        VoteRefused
            If the names are revealed, or there are too many listeners.
        sqlite3.Error
            If it can't be stored; nothing has changed then.
        """
        key = listener, trial, stimulus
        with self._writing():
            if self.revealed:
                raise VoteRefused("The names are revealed, so votes are no longer taken.")
            known = "SELECT 1 FROM votes WHERE listener = ? LIMIT 1"
            if not self._database.execute(known, [listener]).fetchone():
                number = "SELECT COUNT(DISTINCT listener) FROM votes"
                if self._database.execute(number).fetchone()[0] >= MOST_LISTENERS:
                    raise VoteRefused(f"{MOST_LISTENERS} listeners vote already; no more fit in.")
            self._database.execute(_VOTE, [*key, score, time_ms, place, stamp])
            now = "SELECT score FROM votes WHERE (listener, trial, stimulus) = (?, ?, ?)"
            (stored,) = self._database.execute(now, key).fetchone()
        return stored

    def scores_of(self, listener: str) -> dict[tuple[str, str], float]:
        """Return what a listener has given: (trial, stimulus) -> score."""
        wanted = "SELECT trial, stimulus, score FROM votes WHERE listener = ?"
        return {(t, s): score for t, s, score in self._database.execute(wanted, [listener])}

    def labels(self, who: str, trial: str) -> dict[str, str]:
        """Return label -> stimulus, in a random order that stays the same for a listener.

        Parameters
        ----------
        who : str
            Code of a listener, who gets letters; "room" gets numbers, the same for all.
        trial : str
            Name of a trial.
        """

        def mark(stimulus: str) -> bytes:
            text = json.dumps([who, trial, stimulus]).encode()
            return hmac.digest(self._secret, text, hashlib.sha256)

        names = "123456789" if who == "room" else "ABCDEFGHIJKL"
        names = [*names, "10", "11", "12"] if who == "room" else names
        return dict(zip(names, sorted(self.stimuli[trial], key=mark), strict=False))

    def counts(self) -> dict:
        """Count listeners, those who have rated everything, votes, and votes of each trial.

        The scores stay hidden, so that it can be shown while the class votes.
        """
        each = dict(
            self._database.execute("SELECT listener, COUNT(*) FROM votes GROUP BY listener")
        )
        trials = dict(self._database.execute("SELECT trial, COUNT(*) FROM votes GROUP BY trial"))
        whole = sum(map(len, self.stimuli.values()))
        return {
            "listeners": len(each),
            "finished": sum(count == whole for count in each.values()),
            "votes": sum(each.values()),
            "trials": {trial: trials.get(trial, 0) for trial in self.stimuli},
        }

    def reveal(self) -> list[Rating]:
        """End the vote, show the names on all phones, and return all ratings."""
        with self._writing():
            self._database.execute(
                "INSERT OR IGNORE INTO about VALUES ('revealed', ?)", [str(time.time())]
            )
        return self.ratings()

    def ratings(self) -> list[Rating]:
        """Return all ratings as rows with the columns of webMUSHRA, after the names are revealed.

        The comment of each row says where it was heard: "room" or "own".

        Raises
        ------
        ValueError
            If the vote still goes on: whoever sees scores by name is no longer blind.
        """
        if not self.revealed:
            raise ValueError("The names are not revealed yet; end the vote with votes.reveal().")
        rows = self._database.execute(
            "SELECT listener, trial, stimulus, score, time_ms, place FROM votes "
            "ORDER BY listener, trial, stimulus"
        )
        return [Rating(self.test, *row) for row in rows]

    def means(self) -> dict[str, dict[str, float]]:
        """Return the mean score of each stimulus of each trial, after the names are revealed."""
        given: dict[str, dict[str, list[float]]] = {trial: {} for trial in self.stimuli}
        for row in self.ratings():
            given[row.trial_id].setdefault(row.rating_stimulus, []).append(row.rating_score)
        return {
            trial: {stimulus: float(np.mean(scores)) for stimulus, scores in found.items()}
            for trial, found in given.items()
        }

    def save(self, path: str | os.PathLike) -> Path:
        """Write all ratings to a CSV file in webMUSHRA's columns, and return its path.

        Raises
        ------
        ValueError
            See :meth:`ratings`; also if there is no vote.
        """
        return ratings.save(self.ratings(), path)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Change the file as a whole or not at all."""
        if not self.path.exists():  # else votes would go to a file that nobody can find again
            raise sqlite3.OperationalError(f"{self.path} was moved or deleted")
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # some errors have ended it already
                self._database.execute("ROLLBACK")
            raise


def begin(folder: str | os.PathLike, test: ListeningTest, new: bool = False) -> Votes:
    """Go on with the newest votes of a folder, or begin a new file beside the others.

    A new one is begun if there is none, if the newest one is revealed or belongs to another test,
    or if a `new` one is wanted.

    Raises
    ------
    ValueError
        If the newest file is damaged and no new one is wanted.
    OSError
        If a file can't be made there.
    """
    folder = arguments.path(folder, "folder")
    newest = _newest(folder)
    if newest is not None and not new:
        votes = Votes(newest)
        if not votes.revealed and (votes.test, votes.stimuli) == (test.name, test.stimuli):
            return votes
        votes.close()
    number = 1 + (int(newest.stem.removeprefix("votes_")) if newest else 0)
    path = folder / f"votes_{number:03d}.sqlite"
    about = {
        "round": secrets.token_hex(8),
        "secret": secrets.token_hex(16),
        "key": secrets.token_urlsafe(12),
        "test": test.name,
        "stimuli": json.dumps(test.stimuli),
        "begun": str(time.time()),
    }
    part = folder / f".{path.name}.{about['round']}.part"
    try:
        with contextlib.closing(sqlite3.connect(part)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.executescript(_TABLES)
            with database:
                database.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        part.rename(path)  # whole or not at all
    except sqlite3.Error as error:
        raise OSError(
            f"No file of votes can be made in {folder} ({error}); free some space, or use a "
            "folder of your own."
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return Votes(path)


def latest(path: str | os.PathLike = FOLDER) -> Votes | None:
    """Return the newest votes of a folder, or None where nobody has voted yet. Notebook 09."""
    path = arguments.path(path)
    return Votes(path) if path.is_file() or _newest(path) is not None else None


def _newest(folder: Path) -> Path | None:
    found = [path for path in folder.glob("votes_*.sqlite") if path.stem[6:].isdigit()]
    return max(found, key=lambda path: int(path.stem[6:]), default=None)
