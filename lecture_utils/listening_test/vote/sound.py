"""The sounds of the test, without their names."""

from __future__ import annotations

from lecture_utils.listening_test.ratings import REFERENCE
from lecture_utils.listening_test.vote.handler import Handler, Refusal


class Sound(Handler):
    """A sound by its letter for this listener."""

    def get(self, trial: str, label: str) -> None:
        """Send the file of a trial, counted from 0."""
        self.send(self.listener, trial, label)

    def send(self, who: str, trial: str, label: str) -> None:
        """Send what `who` hears under a label, or the open reference."""
        if int(trial) >= len(self.votes.stimuli):
            raise Refusal(404, "There is no such trial.")
        name = list(self.votes.stimuli)[int(trial)]
        stimulus = REFERENCE if label == REFERENCE else self.votes.labels(who, name).get(label)
        if (name, stimulus) not in self.room.sounds:
            raise Refusal(404, "There is no such sound.")
        sound, kind = self.room.sounds[name, stimulus]
        self.set_header("Content-Type", kind)
        self.finish(sound)

    def compute_etag(self) -> None:
        """Send no mark of the content, which two phones could compare."""


class RoomSound(Sound):
    """A sound by its number, for the room's loudspeakers."""

    def get(self, trial: str, label: str) -> None:
        """Send the file to the stage's page only."""
        self.need_stage()
        self.send("room", trial, label)
