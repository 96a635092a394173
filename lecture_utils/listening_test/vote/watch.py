"""The votes of a class as they arrive, in the instructor's notebook. Notebook 09."""

from __future__ import annotations

import asyncio
import html
import os
import sqlite3
import time

import ipywidgets as widgets

from lecture_utils.listening_test.vote.votes import FOLDER, Votes, latest
from lecture_utils.notebook import live

#: How to begin, for a notebook that nobody has started a vote for.
HOW = (
    "No votes yet. In a terminal, in the course's folder, run <code>make vote OPEN=1</code>; show "
    "the page with the QR code on the projector; then run this cell again."
)


def watch(path: str | os.PathLike = FOLDER, seconds: float = 1.0) -> None:
    """Show how many votes have arrived, again and again, with a button that reveals the names.

    The scores stay hidden until then. Without a vote it says how to start one.

    Parameters
    ----------
    path : str or path
        A file of votes, or a folder: then its newest one. By default the folder of ``make vote``.
    seconds : float
        How often it looks for new votes.
    """
    votes = latest(path)
    text = widgets.HTML(HOW if votes is None else picture(votes))
    reveal = widgets.Button(description="End the vote and reveal the names")
    reveal.layout.width = "auto"
    hide = votes is None or votes.revealed
    reveal.layout.display = "none" if hide else ""
    box = live.Box([text, reveal])

    def end(_button: widgets.Button) -> None:
        votes.reveal()
        text.value, reveal.layout.display = picture(votes), "none"

    async def follow() -> None:
        while box.comm is not None and not votes.revealed:
            await asyncio.sleep(seconds)
            try:
                text.value = picture(votes)
            except sqlite3.Error as error:  # busy for a moment, or gone: the next look tells
                text.value = f"The votes can't be read now ({html.escape(str(error))})."
        reveal.layout.display = "none"

    reveal.on_click(end)
    box.show(text.value, "The votes of a class, as they arrive.")
    if not hide:
        try:
            task = asyncio.get_running_loop().create_task(follow())
            _following.add(task)
            task.add_done_callback(_following.discard)
        except RuntimeError:  # no notebook: shown once
            pass


#: Tasks that run; without a reference to it, a task may be cleared away.
_following: set[asyncio.Task] = set()


def picture(votes: Votes) -> str:
    """Return HTML with the number of votes as bars; after the reveal, the mean scores by name."""
    counts = votes.counts()
    begun = time.strftime("%d %B, %H:%M", time.localtime(votes.begun))
    parts = [
        f"<p>Vote of {begun}. Listeners: {counts['listeners']}; of these, with everything rated: "
        f"{counts['finished']}. Ratings: {counts['votes']}.</p>"
    ]
    for trial, count in counts["trials"].items():
        full = max(1, counts["listeners"] * len(votes.stimuli[trial]))
        parts.append(_bar(trial, count / full, str(count)))
    if votes.revealed:
        for trial, means in votes.means().items():
            if not means:
                continue
            parts.append(f"<p><b>{html.escape(trial)}: mean scores</b></p>")
            ranked = sorted(means.items(), key=lambda item: -item[1])
            parts += [_bar(name, mean / 100, f"{mean:.0f}") for name, mean in ranked]
    return "".join(parts)


def _bar(name: str, share: float, number: str) -> str:
    return (
        '<div style="display:grid;grid-template-columns:10em 20em 3em;gap:0.6em">'
        f"<span>{html.escape(name)}</span><span style='background:#0b5c94;height:1em;"
        f"width:{100 * min(1, share):.0f}%'></span><span>{number}</span></div>"
    )
