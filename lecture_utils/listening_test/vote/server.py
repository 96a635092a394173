"""The vote's server: the page of the phones, the sounds, and the votes. ``make vote``."""

from __future__ import annotations

import json
from pathlib import Path

import tornado.httpserver
import tornado.web

from lecture_utils.listening_test.ratings import REFERENCE
from lecture_utils.listening_test.vote import stage
from lecture_utils.listening_test.vote.handler import Handler, Refusal, Room
from lecture_utils.listening_test.vote.sound import Sound
from lecture_utils.listening_test.vote.votes import VoteRefused

#: Largest vote in bytes; a real one has about 150. Beyond the second limit nothing is read at all.
MOST_BYTES, MOST_BYTES_READ = 2048, 65_536
#: Milliseconds in a day: nobody rates for longer.
DAY_MS = 86_400_000

_HERE = Path(__file__).parent
_FILES = {
    "page.js": "text/javascript",
    "sounds.js": "text/javascript",
    "stage.js": "text/javascript",
    "page.css": "text/css",
}


class Page(Handler):
    """The page of the phones, and what belongs to it."""

    def get(self, name: str = "") -> None:
        """Send a file of the page."""
        self.set_header("Content-Type", f"{_FILES.get(name, 'text/html')}; charset=utf-8")
        self.finish((_HERE / (name or "page.html")).read_bytes())


class State(Handler):
    """Tells whether it is still the same vote, and whether the names are revealed."""

    def get(self) -> None:
        """Answer the page, which asks every few seconds."""
        self.finish({"round": self.votes.round, "revealed": self.votes.revealed})


class Ballot(Handler):
    """What a listener is to rate, under letters of their own."""

    def get(self) -> None:
        """Send trials, labels, the ratings so far, and the names once they are revealed."""
        votes, revealed = self.votes, self.votes.revealed
        given = votes.scores_of(self.listener)
        means = votes.means() if revealed else {}
        trials = []
        for trial, stimuli in votes.stimuli.items():
            labels = votes.labels("room" if self.place == "room" else self.listener, trial)
            scores = {label: given.get((trial, s)) for label, s in labels.items()}
            trials.append({
                "trial": trial,
                "reference": REFERENCE in stimuli,
                "scores": scores,
                "names": labels if revealed else None,
                "means": means.get(trial),
            })  # fmt: skip
        title = {"title": self.room.test.title, "round": votes.round, "revealed": revealed}
        self.finish(title | {"trials": trials})


class Vote(Handler):
    """Takes a vote."""

    def post(self) -> None:
        """Store a vote, then acknowledge it."""
        who, place = self.listener, self.place
        if not self.room.votes_of_listener.allows(who) or not self.room.votes_of_address.allows(
            self.request.remote_ip
        ):
            raise Refusal(429, "Too many votes at once; they are sent a little later.")
        trial, label, score, time_ms, stamp = self.read()
        stimulus = self.votes.labels("room" if place == "room" else who, trial).get(label)
        if stimulus is None:
            raise Refusal(400, "label: there is no such sound in this trial.")
        try:
            stored = self.votes.vote(who, trial, stimulus, score, time_ms, place, stamp)
        except VoteRefused as error:
            raise Refusal(409, str(error)) from None
        self.room.tell("")
        self.finish({"stored": stored})

    def read(self) -> tuple[str, str, float, int, int]:
        """Return the fields of the vote, checked."""
        if len(self.request.body) > MOST_BYTES:
            raise Refusal(413, f"A vote has at most {MOST_BYTES} bytes.")
        if self.request.headers.get("Content-Type", "").split(";")[0] != "application/json":
            raise Refusal(415, "A vote is sent as application/json.")
        try:
            vote = json.loads(self.request.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise Refusal(400, "The vote is no readable JSON.") from None
        if not isinstance(vote, dict):
            raise Refusal(400, "The vote is no JSON object.")
        if vote.get("round") != self.votes.round:
            raise Refusal(409, "This page belongs to a vote that is over; load it again.")
        trial, label = vote.get("trial"), vote.get("label")
        if not isinstance(trial, str) or trial not in self.votes.stimuli:
            raise Refusal(400, "trial: there is no such trial.")
        if not isinstance(label, str):
            raise Refusal(400, "label: give the letter or number of a sound.")
        score = self.number(vote, "score", 100, (int, float))
        times = (self.number(vote, "time_ms", DAY_MS), self.number(vote, "stamp", 2**53))
        return trial, label, float(score), *times

    def number(self, vote: dict, name: str, high: int, kinds: tuple[type, ...] = (int,)) -> float:
        """Return a number from 0 to `high`."""
        value = vote.get(name)
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= high:  # NaN is in no range
            raise Refusal(400, f"{name}: give a number from 0 to {high}.")
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def application(room: Room) -> tornado.web.Application:
    """Return the pages of the vote."""
    share = {"room": room}
    routes = [
        (r"/", Page, share),
        (rf"/({'|'.join(_FILES)})", Page, share),
        (r"/api/state", State, share),
        (r"/api/test", Ballot, share),
        (r"/api/sound/(\d{1,3})/(\w+)", Sound, share),
        (r"/api/vote", Vote, share),
        *((path, handler, share) for path, handler in stage.ROUTES),
    ]
    return tornado.web.Application(
        routes, default_handler_class=Missing, default_handler_args=share, log_function=_log
    )


class Missing(Handler):
    """Any other address."""

    def get(self, *_parts: str) -> None:
        """Say that there is nothing."""
        raise Refusal(404, "There is no such page; use the address on the screen.")

    post = put = delete = patch = head = options = get


def _log(_handler: tornado.web.RequestHandler) -> None:
    """Keep no record of who asked for what: the listeners are anonymous."""


def serve(room: Room, sockets: list) -> tornado.httpserver.HTTPServer:
    """Start to answer on `sockets`; needs a running asyncio loop."""
    server = tornado.httpserver.HTTPServer(
        application(room),
        max_header_size=8192,
        max_body_size=MOST_BYTES_READ,
        body_timeout=10,
        idle_connection_timeout=60,
    )
    server.add_sockets(sockets)
    return server
