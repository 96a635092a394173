"""A class votes: phones rate hidden sounds, each vote is stored at once. Notebook 09.

``make vote`` starts a small server on the instructor's machine. It shows a page to phones
(:mod:`.server`) and stores each vote in one SQLite file (:mod:`.votes`), which the instructor's
notebook reads.
"""

from lecture_utils.listening_test.vote.folder import ListeningTest, read_test, write_test
from lecture_utils.listening_test.vote.votes import Votes, latest
from lecture_utils.listening_test.vote.watch import watch

__all__ = ["ListeningTest", "Votes", "latest", "read_test", "watch", "write_test"]
