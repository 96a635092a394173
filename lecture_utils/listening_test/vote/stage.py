"""The page for the projector: QR code, the room's loudspeakers, votes arriving, the reveal."""

from __future__ import annotations

import io
from pathlib import Path

import segno

from lecture_utils.listening_test.ratings import REFERENCE
from lecture_utils.listening_test.vote.handler import Handler, Refusal
from lecture_utils.listening_test.vote.sound import RoomSound

_PAGE = Path(__file__).parent / "stage.html"


class Stage(Handler):
    """The page itself."""

    def get(self) -> None:
        """Send the page. A key in the address moves to a cookie: the class sees the address."""
        self.need_stage()
        if self.get_query_argument("key", ""):
            if self.is_instructor:
                key = self.votes.key
                self.set_cookie("vote", key, path="/stage", httponly=True, samesite="Strict")
            self.redirect("/stage")
            return
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(_PAGE.read_bytes())


class Progress(Handler):
    """How many votes there are; after the reveal, also the mean scores."""

    def get(self) -> None:
        """Answer the page, which asks every second."""
        self.need_stage()
        votes = self.votes
        room = {trial: list(votes.labels("room", trial)) for trial in votes.stimuli}
        self.finish({
            "title": self.room.test.title,
            "url": self.room.url,
            "open": self.room.is_open,
            "counts": votes.counts(),
            "most": {trial: len(stimuli) for trial, stimuli in votes.stimuli.items()},
            "numbers": room,
            "reference": [trial for trial, names in votes.stimuli.items() if REFERENCE in names],
            "may_reveal": self.is_instructor,
            "means": votes.means() if votes.revealed else None,
            "names": {t: votes.labels("room", t) for t in room} if votes.revealed else None,
        })  # fmt: skip


class Code(Handler):
    """The address of the phones' page as a QR code."""

    def get(self) -> None:
        """Send the picture."""
        self.need_stage()
        picture = io.BytesIO()
        code = segno.make(self.room.url, error="m", micro=False)
        code.save(picture, kind="svg", border=4, light="#fff", omitsize=True)
        self.set_header("Content-Type", "image/svg+xml")
        self.finish(picture.getvalue())


class Reveal(Handler):
    """Ends the vote."""

    def post(self) -> None:
        """Reveal the names; only with the key, also on this machine."""
        if not self.is_instructor:
            raise Refusal(403, "Only the instructor reveals; open the address in the terminal.")
        self.votes.reveal()
        self.finish({"revealed": True})


ROUTES = [
    (r"/stage", Stage),
    (r"/stage/progress", Progress),
    (r"/stage/code.svg", Code),
    (r"/stage/reveal", Reveal),
    (r"/stage/sound/(\d{1,3})/(\w+)", RoomSound),
]
