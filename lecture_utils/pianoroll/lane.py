"""Draw a piano roll in lanes, one for each instrument, for a player whose cursor moves over it.

Drums have a row for each part of the kit, with its name; the other lanes have note names. Used by
notebooks 00, 01 and 02.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import arguments
from lecture_utils.notebook import plot
from lecture_utils.pianoroll.midi import offer
from lecture_utils.pianoroll.roll import BAND, DRUMS, PianoRoll, check_roll

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Rows of a drum kit from the bottom up, and the keys of General MIDI that belong to each.
KIT = {
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "tom": (41, 43, 45, 47, 48, 50),
    "hi-hat": (42, 44, 46),
    "cymbal": (49, 51, 52, 53, 55, 57, 59),
}
_OTHER = "other"  # shakers, bells and the like
_USUAL = ("kick", "snare", "hi-hat")  # rows that are always there

#: What an instrument is called: General MIDI has 16 families of 8 programs.
_FAMILIES = (
    "piano", "bells", "organ", "guitar", "bass", "strings", "strings", "brass", "reed", "flute",
    "lead", "pad", "effects", "world", "percussion", "sounds",
)  # fmt: skip

#: Sets of note names for an axis, from many names to few.
_NAMES = ("C.D.EF.G.A.B", "C...E..G....", "C......G....", "C...........")
_GAP = 0.18  # between lanes, as part of a lane
_SIZE = 13  # of the text, in points


def names_of(programs: Iterable[int]) -> list[str]:
    """Return what the instruments of a roll are called, for example drums, piano, bass."""
    return ["drums" if p == DRUMS else _FAMILIES[p // 8] for p in programs]


def key_name(key: int) -> str:
    """Return the name of a MIDI key: 60 is C4, 61 is C#4."""
    return f"{'C C#D D#E F F#G G#A A#B '[2 * (key % 12) :][:2].strip()}{key // 12 - 1}"


def lanes(
    rolls: Mapping[object, PianoRoll],
    labels: Iterable[str] = (),
    sections: Iterable[tuple[str, int]] = (),
) -> Callable:
    """Return the figure of several rolls for a player: a lane has the same keys in all of them.

    Parameters
    ----------
    rolls : mapping
        Label of a sound -> its roll.
    labels, sections
        As for :func:`draw_lanes`.

    Returns
    -------
    callable
        ``draw(ax, x, label)``, the `figure` of ``listen.compare`` and ``explore.steps``.

    Examples
    --------
    >>> sounds = {name: pianoroll.play(roll) for name, roll in rolls.items()}
    >>> listen.compare(sounds, 16000, figure=pianoroll.lanes(rolls), alt="Two phrases as bars")
    """
    if not isinstance(rolls, Mapping) or not rolls:
        raise TypeError("rolls: give a dict of label: roll, with the labels of the sounds.")
    for roll in rolls.values():
        check_roll(roll)
    labels, sections = list(labels), list(sections)

    def draw(ax: Axes, _sound: np.ndarray, label: object) -> None:
        if label not in rolls:
            raise ValueError(f"rolls: none for {label!r}; give one for each sound.")
        draw_lanes(rolls[label], ax, labels=labels, sections=sections, like=rolls.values())

    return draw


def draw_lanes(
    roll: PianoRoll,
    ax: Axes | None = None,
    title: str = "",
    labels: Iterable[str] = (),
    sections: Iterable[tuple[str, int]] = (),
    like: Iterable[PianoRoll] = (),
) -> Axes:
    """Draw a roll with a lane for each track that plays, the drums at the bottom.

    Parameters
    ----------
    roll : PianoRoll
        What to draw.
    ax, title
        Where, and what it is called.
    labels : iterable of str
        A name for each track; by default what its program is called.
    sections : iterable of (str, int)
        Names of the sections of a song and how many bars each has, for example ``("A", 8)``.
    like : iterable of PianoRoll
        Other rolls that the same lanes must hold, to draw several rolls on one scale.

    Returns
    -------
    Axes
        Its x axis counts bars, and is known as time to a player.

    Raises
    ------
    TypeError, ValueError
        If `roll` is not a PianoRoll, there is not one label a track, or a section has no bars.
    """
    check_roll(roll)
    ax = plot.subplots()[1] if ax is None else ax
    labels, sections = list(labels) or _band_names(roll.programs), list(sections)
    if len(labels) != len(roll.programs):
        raise ValueError(f"labels: {len(labels)} for {len(roll.programs)} tracks; give one each.")

    if ax.figure.get_layout_engine() is None:  # else it makes room for the names by itself
        inch = 1 / ax.figure.get_figheight()
        above = 0.33 if title or sections else 0.1
        ax.figure.subplots_adjust(right=0.91, bottom=0.32 * inch, top=1 - above * inch)
    keys = _common_keys([roll, *like])
    shown = [track for track, program in enumerate(roll.programs) if program in keys]
    order = sorted(shown or range(len(labels)), key=lambda track: roll.programs[track] == DRUMS)
    tops = _lane_tops([roll.programs[track] for track in order], keys)
    rows, per_bar = roll.notes(), roll.steps_per_bar
    points = ax.get_window_extent().height / ax.figure.dpi * 72 / tops[-1]  # of a lane
    bottom, ticks = 0.0, []
    for track, top in zip(reversed(order), tops, strict=True):
        colour = plot.COLOURS[track % len(plot.COLOURS)]
        place, thick, named = _rows(roll.programs[track], keys, top - bottom, points)
        _, start, stop, pitch = rows[rows[:, 0] == track].T
        ax.axhspan(bottom, top, color=colour, alpha=0.08, linewidth=0)
        ax.barh(
            [bottom + place(key) for key in pitch.tolist()], (stop - start) / per_bar,
            left=1 + start / per_bar, height=thick, color=colour, edgecolor="white", linewidth=0.5,
        )  # fmt: skip
        ax.text(
            1.008, (bottom + top) / 2, labels[track], transform=ax.get_yaxis_transform(),
            va="center", size=_SIZE, color=colour, weight="bold",
        )  # fmt: skip
        ticks += [(bottom + place(key), name) for key, name in named.items()]
        bottom = top + _GAP
    ax.set_yticks(*zip(*ticks, strict=True), size=_SIZE)
    ax.set(ylim=(0, bottom - _GAP), title=title)
    _mark_bars(ax, roll, sections)
    offer(roll, ax)
    return ax


def _band_names(programs: tuple[int, ...]) -> list[str]:
    """Return the names of the course's band if it is that, or those of the programs."""
    return list(BAND) if programs == tuple(BAND.values()) else names_of(programs)


def _kit_row(key: int) -> str:
    return next((name for name, keys in KIT.items() if key in keys), _OTHER)


def _common_keys(rolls: Iterable[PianoRoll]) -> dict[int, list]:
    """Return program -> sorted keys, or parts of the kit, that sound in any of the rolls."""
    heard = {}
    for roll in rolls:
        for track, _, _, key in roll.notes().tolist():
            heard.setdefault(roll.programs[track], set()).add(key)
    found = {program: sorted(keys) for program, keys in heard.items()}
    if DRUMS in found:
        played = {_kit_row(key) for key in found[DRUMS]} | set(_USUAL)
        found[DRUMS] = [name for name in (*KIT, _OTHER) if name in played]
    return found


def _lane_tops(programs: list[int], keys: Mapping[int, list]) -> list[float]:
    """Return the upper edge of each lane from the bottom up; a lane is 1 high, drums need more."""
    drums = [max(1.0, 0.45 * len(keys.get(DRUMS, _USUAL)))] if DRUMS in programs else []
    heights = drums + [1.0] * (len(programs) - len(drums))
    return (np.cumsum(heights) + _GAP * np.arange(len(heights))).tolist()


def _rows(
    program: int, keys: Mapping[int, list], size: float, points: float
) -> tuple[Callable, float, dict[int, str]]:
    """Return where a key lies in a lane, how thick its bar is, and the keys with a name.

    `size` is the height of the lane, and `points` how many points of the page are 1 of it.
    """
    if program == DRUMS:
        rows = list(keys.get(DRUMS, _USUAL))
        named = {(*KIT[name], 0)[0] if name in KIT else 0: name for name in rows}
        return (
            lambda key: (rows.index(_kit_row(key)) + 0.5) * size / len(rows),
            0.6 * size / len(rows),
            named,
        )
    heard = keys.get(program, [60, 72])
    lowest, highest = min(heard), max(heard)
    low, high = lowest - 1, highest + 1
    middle = (low + high) // 2
    low, high = min(low, middle - 4), max(high, middle + 4)  # one key alone is no thick block

    def place(key: int) -> float:
        return (key - low + 0.5) * size / (high - low + 1)

    edge = 0.3 * _SIZE / points  # a name stays inside of its lane
    inside = [k for k in range(lowest, highest + 1) if edge <= place(k) <= size - edge]
    natural = [key for key in inside if _NAMES[0][key % 12] != "."] or [middle]
    choices = [[key for key in natural if names[key % 12] != "."] for names in _NAMES]
    choices += [choices[-1][::2], sorted({natural[0], natural[-1]})]
    apart = 1.1 * _SIZE / points
    fitting = [c for c in choices if c and min(np.diff([place(k) for k in c]), default=99) >= apart]
    named = max(fitting, key=len, default=natural[:1])  # of equal ones the first
    thick = max(size / (high - low + 1), 2.5 / points)  # with many keys, bars still are seen
    return place, thick, {key: key_name(key) for key in named}


def _mark_bars(ax: Axes, roll: PianoRoll, sections: list[tuple[str, int]]) -> None:
    """Draw lines between the bars, and the names of the sections above them."""
    per_bar = roll.steps_per_bar
    bars = int(np.ceil(roll.steps / per_bar))
    numbers = np.arange(1, bars + 2, max(1, -(-bars // 16)))
    ax.set_xticks(numbers, [f"bar {n}" if n == 1 else f"{n}" for n in numbers])
    ax.set_xlim(1, 1 + roll.steps / per_bar)
    ax.grid(axis="x", alpha=0.5)
    ax.set_axisbelow(True)
    plot.time_axis(ax, 1, 1 + roll.steps / per_bar, roll.seconds)
    bar = 1
    for name, length in sections:
        length = arguments.number(length, "bars of a section", 1, 1000, whole=True)
        if bar > bars:
            break
        ax.axvline(bar, color="black", linewidth=1.5)
        middle = min(bar + length, bars + 1) / 2 + bar / 2
        ax.text(
            middle, 1.02, name, transform=ax.get_xaxis_transform(), ha="center", va="bottom",
            size=_SIZE + 2, weight="bold",
        )  # fmt: skip
        bar += length
