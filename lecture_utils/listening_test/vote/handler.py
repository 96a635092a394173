"""What all requests of a vote share: the checks of who asks, and errors as one sentence."""

from __future__ import annotations

import hmac
import re
import sqlite3
import sys
from dataclasses import dataclass, field

import tornado.web

from lecture_utils.listening_test.vote import address, guard
from lecture_utils.listening_test.vote.folder import KINDS, ListeningTest
from lecture_utils.listening_test.vote.votes import PLACES, Votes

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; media-src blob:; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass
class Room:
    """What all requests share: the test, its votes, the limits, and what phones call this machine.

    A listener may send 5 votes a second, an address 60: behind one address there may be a class.
    """

    test: ListeningTest
    votes: Votes
    url: str
    is_open: bool = False
    names: set[str] = field(default_factory=address.names)
    requests: guard.Limit = field(default_factory=lambda: guard.Limit(200, 3000))
    votes_of_address: guard.Limit = field(default_factory=lambda: guard.Limit(60, 900))
    votes_of_listener: guard.Limit = field(default_factory=lambda: guard.Limit(5, 40))

    def __post_init__(self) -> None:
        self.sounds = {
            (trial, stimulus): (path.read_bytes(), KINDS[path.suffix.lower()])
            for trial, sounds in self.test.trials.items()
            for stimulus, path in sounds.items()
        }
        self._told = ""

    def tell(self, sentence: str) -> None:
        """Print what is wrong, once; with an empty sentence: it is right again."""
        if sentence and sentence != self._told:
            print(sentence, file=sys.stderr, flush=True)
        elif self._told and not sentence:
            print("Votes are stored again.", file=sys.stderr, flush=True)
        self._told = sentence


class Refusal(tornado.web.HTTPError):
    """Ends a request with a status and one sentence for who reads the page."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status)
        self.sentence = sentence


class Handler(tornado.web.RequestHandler):
    """What holds for every request."""

    def initialize(self, room: Room) -> None:
        """Take what all requests share."""
        self.room, self.votes = room, room.votes

    def set_default_headers(self) -> None:
        """Allow the page its own files only."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def prepare(self) -> None:
        """Refuse foreign hosts and sites, and whoever asks too often."""
        if not guard.own_host(self.request.host, self.room.names):
            raise Refusal(403, "This is not the address of the vote; use the one on the screen.")
        if not self.room.requests.allows(self.request.remote_ip):
            raise Refusal(429, "Too many requests; wait a moment.")
        is_page = not self.request.path.startswith(("/api/", "/stage/"))
        is_image = self.request.path.endswith(".svg")  # to which a page can add no header
        asks_itself = guard.same_site(self.request.headers, self.request.host)
        if not (is_page or is_image or asks_itself):
            raise Refusal(403, "Only the vote's own page may ask this.")

    def write_error(self, _status: int, **options: object) -> None:
        """Answer an error with one sentence as JSON; 503 if the votes' file can't be used."""
        error = options.get("exc_info", (None, None))[1]
        sentence = getattr(error, "sentence", None)
        if isinstance(error, (sqlite3.Error, OSError)):
            self.set_status(503)
            sentence = f"The votes can't be stored ({error}); yours is kept on this phone for now."
            self.room.tell(f"{self.votes.path}: {error}. Votes wait on the phones.")
        if self.get_status() in (429, 503):
            self.set_header("Retry-After", "2")
        self.finish({"sentence": sentence or f"This can't be done ({self._reason})."})

    def log_exception(self, kind: type, error: BaseException, trace: object) -> None:
        """Print only what is a mistake in this program."""
        if not isinstance(error, (tornado.web.HTTPError, sqlite3.Error, OSError)):
            super().log_exception(kind, error, trace)

    @property
    def listener(self) -> str:
        """The random code of the phone."""
        code = self.request.headers.get("X-Listener", "")
        if not re.fullmatch(r"[0-9a-f]{16}", code):
            raise Refusal(400, "The page has no code of its own; load it again.")
        return code

    @property
    def place(self) -> str:
        """Where the listener hears the sounds."""
        place = self.request.headers.get("X-Place", "")
        if place not in PLACES:
            raise Refusal(400, f"The place is {' or '.join(PLACES)}.")
        return place

    @property
    def is_instructor(self) -> bool:
        """Whether the request has the key, which the stage's cookie holds."""
        given = self.get_cookie("vote", "") or self.get_query_argument("key", "")
        return hmac.compare_digest(given.encode(), self.votes.key.encode())

    def need_stage(self) -> None:
        """Refuse whoever has neither the key nor sits at this machine."""
        if not self.is_instructor and self.request.remote_ip != address.LOOPBACK:
            raise Refusal(403, "This page is for the instructor; its address is in the terminal.")
