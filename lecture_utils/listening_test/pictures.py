"""How the ratings of a class look: means with their intervals, and every listener.

Plotters take ``ax=None`` and return the axes. Used by notebook 09.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import arguments
from lecture_utils.listening_test.ratings import ANCHORS, REFERENCE, Table
from lecture_utils.listening_test.statistics import Mean
from lecture_utils.notebook import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The five labels of the scale, each for twenty points (ITU-R BS.1534).
LABELS = ("bad", "poor", "fair", "good", "excellent")
#: What the hidden stimuli are called in a picture.
HIDDEN = {
    REFERENCE: "hidden original",
    ANCHORS[0]: "anchor, 3.5 kHz",
    ANCHORS[1]: "anchor, 7 kHz",
}


def draw_means(means: Mapping[str, Mean], title: str = "", ax: Axes | None = None) -> Axes:
    """Draw mean scores with their intervals, one row a system, the first one on top.

    Parameters
    ----------
    means : mapping of str to Mean
        As from :func:`lecture_utils.listening_test.means`.
    title : str
        What was rated.
    ax : Axes, optional
        Where to draw.
    """
    if not isinstance(means, Mapping) or not means:
        raise TypeError("means: give what listening_test.means(table) returns.")
    ax = plot.subplots(height=0.8 + 0.38 * len(means))[1] if ax is None else ax
    for row, (name, mean) in enumerate(means.items()):
        colour = "0.45" if name in HIDDEN else plot.COLOURS[0]
        ax.plot([mean.low, mean.high], [row, row], color=colour, linewidth=4, alpha=0.45)
        ax.plot(mean.mean, row, "o", color=colour, markersize=9)
    ax.set_yticks(range(len(means)), [HIDDEN.get(name, name) for name in means])
    ax.set_ylim(len(means) - 0.5, -0.5)
    _scale(ax.set_xlim, ax.set_xticks, ax.axvline)
    ax.set(xlabel="score (points)", title=title)
    return ax


def draw_listeners(
    table: Table, own: str | None = None, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw the scores of every listener as a line over the systems, the best system first.

    Parameters
    ----------
    table : Table
        Ratings of one trial.
    own : str, optional
        Code of a listener whose line is drawn thick.
    title : str
        What was rated.
    ax : Axes, optional
        Where to draw.
    """
    if not isinstance(table, Table):
        raise TypeError("table: give the ratings of one trial, from listening_test.table(...).")
    if own is not None and arguments.text(own, "own") not in table.listeners:
        raise ValueError(f"own={own!r}: no such listener; there are: {', '.join(table.listeners)}.")
    ax = plot.subplots(height=4.2)[1] if ax is None else ax
    order = np.argsort(-np.nanmean(table.scores, axis=0))
    for listener, scores in zip(table.listeners, table.scores[:, order], strict=True):
        is_own = listener == own
        style = {"color": plot.COLOURS[1], "linewidth": 3} if is_own else {"color": "0.6"}
        ax.plot(scores, "o-", markersize=4, alpha=1 if is_own else 0.5, zorder=2 + is_own, **style)
    names = [HIDDEN.get(table.stimuli[k], table.stimuli[k]) for k in order]
    ax.set_xticks(range(len(names)), names, rotation=25, ha="right")
    _scale(ax.set_ylim, ax.set_yticks, ax.axhline)
    ax.set(ylabel="score (points)", title=title)
    return ax


def _scale(set_limits: Callable, set_ticks: Callable, line: Callable) -> None:
    """Give an axis the scale of 0 to 100, with the five labels in the middle of their ranges."""
    set_limits(-2, 102)
    for edge in range(0, 101, 20):
        line(edge, color="0.88", linewidth=1, zorder=0)
    set_ticks(range(10, 101, 20), [f"{10 + 20 * k}\n{label}" for k, label in enumerate(LABELS)])
