"""Draw a piano roll on one axis. Used by notebooks 00, 01 and 02."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import arguments
from lecture_utils.notebook import plot
from lecture_utils.pianoroll.midi import offer
from lecture_utils.pianoroll.roll import PianoRoll, check_roll

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(
    roll: PianoRoll,
    ax: Axes | None = None,
    title: str = "",
    labels: tuple[str, ...] = (),
    keys: tuple[int, int] | None = None,
) -> Axes:
    """Draw a roll: a bar for each note, a colour for each track, lines between the bars of music.

    Parameters
    ----------
    roll : PianoRoll
        What to draw.
    ax, title
        Where, and what it is called.
    labels : tuple of str
        A name for each track, for a legend.
    keys : tuple of int, optional
        Lowest and highest key of the axis, to draw several rolls on one scale; by default those of
        this roll.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `roll` is not a PianoRoll, or `keys` are not two MIDI numbers, the lower one first.
    """
    from matplotlib.patches import Patch

    check_roll(roll)

    ax = plot.subplots()[1] if ax is None else ax
    rows, per_bar = roll.notes(), roll.steps_per_bar
    heard = (rows[:, 3].min(), rows[:, 3].max()) if len(rows) else (60, 72)
    low, high = heard if keys is None else _ends(keys)
    thick = max(0.9, (high - low) / 50)  # with many keys on the axis, bars still are seen
    for track in range(len(roll.programs)):
        _, start, stop, pitch = rows[rows[:, 0] == track].T
        ax.barh(
            pitch, (stop - start) / per_bar, left=1 + start / per_bar, height=thick,
            color=plot.COLOURS[track % len(plot.COLOURS)], edgecolor="white", linewidth=0.7,
        )  # fmt: skip
    bars = int(np.ceil(roll.steps / per_bar))
    ax.set_xticks(np.arange(1, bars + 2, max(1, bars // 16)))
    named = _named(ax, low - 2, high + 2)
    ax.set_yticks(named, [f"{'C.D.E..G.A'[key % 12]}{key // 12 - 1}" for key in named])
    ax.set(xlim=(1, 1 + roll.steps / per_bar), ylim=(low - 2, high + 2))
    ax.set(xlabel="bar", ylabel="key", title=title)
    ax.grid(alpha=0.3)
    ax.set_axisbelow(True)
    plot.time_axis(ax, 1, 1 + roll.steps / per_bar, roll.seconds)
    offer(roll, ax)
    if labels:
        patches = [Patch(color=c, label=n) for c, n in zip(plot.COLOURS, labels, strict=False)]
        ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        if ax.figure.get_layout_engine() is None:  # else it makes room for the names by itself
            ax.figure.subplots_adjust(right=min(0.87, ax.figure.subplotpars.right))
    return ax


def _named(ax: Axes, low: int, high: int) -> list[int]:
    """Return the keys that get their names: as many of an octave as have room on the axis."""
    points = 72 * ax.figure.get_figheight() * ax.get_position().height / (high - low)
    tick = ax.yaxis.get_major_ticks(1)[0]  # there even where its name is hidden
    size = 1.3 * tick.label1.get_size()
    choices = (((0, 2, 4, 7, 9), 2), ((0, 4, 7), 3), ((0, 7), 5))  # steps of an octave, least gap
    fitting = (steps for steps, gap in choices if high - low <= 22 and gap * points >= size)
    steps = next(fitting, (0,))
    return [key for key in range(low, high + 1) if key % 12 in steps]


def _ends(keys: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(keys, (tuple, list)) or len(keys) != 2:
        raise TypeError(f"keys={arguments.shown(keys)}: give the lowest and the highest key.")
    low = arguments.number(keys[0], "keys[0]", 0, 127, whole=True)
    return low, arguments.number(keys[1], "keys[1]", low, 127, whole=True)
