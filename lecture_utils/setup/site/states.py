"""Positions of live sliders, computed while a notebook runs, so that they work without a kernel.

A cell that the site's builder puts first calls :func:`install`. ``explore.sound`` and
``explore.picture`` then store some states of their sliders and buttons in place of the default
alone; ``site.js`` makes sliders of them.

The notebooks' tests run the cells for the site, too (``make notebooks SITE=1``). They call
:func:`mark`, measure a cell as students run it, call :func:`give`, and :func:`fill` in the states.
"""

from __future__ import annotations

import html
import itertools
import json
import re
import time
from collections.abc import Callable, Mapping

import ipywidgets as widgets

from lecture_utils.notebook import explore

#: Most states of one explorer, seconds to compute them, and megabytes of sound (as WAV).
MOST, SECONDS, MEGABYTES = 20, 15.0, 4.0
#: Positions of a slider: the most that still fit are taken.
POSITIONS = (9, 7, 5, 4, 3)


#: Explorers whose states are still to be computed, by the number of their mark.
_waiting: dict[str, explore.Explorer] = {}


def install() -> None:
    """Let explorers store their states from now on, in this kernel."""
    explore.Explorer.page = page


def mark() -> None:
    """Let explorers store their default as ever, between marks, and wait for :func:`give`."""
    stored, numbers = explore.Explorer.page, map(str, itertools.count())

    def marked(explorer: explore.Explorer) -> str:
        number = next(numbers)
        _waiting[number] = explorer
        return f"<!--states {number}-->{stored(explorer)}<!--end {number}-->"

    explore.Explorer.page = marked


def give() -> None:
    """Compute the states of all explorers that wait; show them as an output for programs."""
    from IPython.display import display

    pages = {number: page(explorer) for number, explorer in _waiting.items()}
    _waiting.clear()
    display({"application/json": pages}, raw=True)


def fill(text: str, pages: Mapping[str, str]) -> str:
    """Return the HTML of an output with states in place of what stands between marks."""
    marks = re.compile(r"<!--states (\d+)-->.*?<!--end \1-->", re.DOTALL)
    return marks.sub(lambda found: pages[found[1]], text)


def page(explorer: explore.Explorer) -> str:
    """Return what a page without a kernel shows of an explorer: some states of it.

    Only the default state is shown without scripts.
    """
    controls = list(explorer.controls.values())
    default = tuple(control.value for control in controls)
    start = time.monotonic()
    explorer._update(None)
    seconds = time.monotonic() - start
    size = sum(map(len, explorer.player.clips)) / 1e6 if explorer.player else 0.0
    most = min(MOST, int(SECONDS / max(seconds, 1e-3)), int(MEGABYTES / max(size, 1e-3)))
    grid, wanted = combinations(controls, most)
    at_default, put_back = _shown(explorer), _keeper(explorer)
    parts = []
    for at in wanted:
        values = tuple(column[k] for column, k in zip(grid, at, strict=True))
        if values != default:
            _set(explorer, values)
            explorer._update(None)
        shown = at_default if values == default else _shown(explorer)
        hidden = "" if values == default else " hidden"
        parts.append(
            f'<div class="lp-state" data-at="{" ".join(map(str, at))}"{hidden}>{shown}</div>'
        )
    _set(explorer, default)
    put_back()
    spec = {
        "names": [control.description for control in controls],
        "values": [[_text(value) for value in column] for column in grid],
        "buttons": [hasattr(control, "options") for control in controls],
    }
    note = f"Here at {explorer._setting()}. In a notebook these controls take every value."
    return (
        f'<div class="lp-states" data-grid="{html.escape(json.dumps(spec))}">'
        f'<p class="lp-setting">{html.escape(note)}</p>{"".join(parts)}</div>'
    )


def combinations(
    controls: list[widgets.ValueWidget], most: int
) -> tuple[list[list], list[tuple[int, ...]]]:
    """Return the values of each control, and the places among them to compute, at most `most`.

    All combinations if at least three positions of each slider fit; else one control at a time
    moves away from the default; else there is the default alone.
    """
    for count in POSITIONS:
        grid = [_positions(control, count) for control in controls]
        places = list(itertools.product(*(range(len(column)) for column in grid)))
        if len(places) <= most:
            return grid, places
    for count in POSITIONS:
        grid = [_positions(control, count) for control in controls]
        at = tuple(column.index(c.value) for column, c in zip(grid, controls, strict=True))
        moved = [(*at[:k], i, *at[k + 1 :]) for k in range(len(at)) for i in range(len(grid[k]))]
        if len(set(moved)) <= most:
            return grid, sorted(set(moved))
    return [[control.value] for control in controls], [(0,) * len(controls)]


def _positions(control: widgets.ValueWidget, count: int) -> list:
    """Return `count` values of a slider or a choice, its ends and the default among them."""
    if hasattr(control, "options"):
        values = list(control.options)
    elif hasattr(control, "step"):
        steps = round((control.max - control.min) / control.step)
        values = [round(control.min + k * control.step, 6) for k in range(steps + 1)]
    else:
        return [control.value]
    default = min(range(len(values)), key=lambda k: _distance(values[k], control.value))
    values[default] = control.value
    if len(values) <= count:
        return values
    picked = {round(k * (len(values) - 1) / (count - 1)) for k in range(count)}
    inside = picked - {0, len(values) - 1}
    if default not in picked:
        picked -= {min(inside, key=lambda k: abs(k - default))}
    return [values[k] for k in sorted(picked | {default})]


def _distance(value: object, wanted: object) -> float:
    numbers = isinstance(value, (int, float)) and not isinstance(value, bool)
    return abs(value - wanted) if numbers else float(value != wanted)


def _set(explorer: explore.Explorer, values: tuple) -> None:
    """Move all controls at once; nothing is computed."""
    for control, value in zip(explorer.controls.values(), values, strict=True):
        control.unobserve(explorer._update, "value")
        control.value = value
        control.observe(explorer._update, "value")


def _keeper(explorer: explore.Explorer) -> Callable[[], None]:
    """Return a function that shows again what an explorer shows now, without computing it."""
    traits = {explorer.player: ("spec", "clips"), explorer.picture: ("value",)}
    traits[explorer.message] = ("value",)
    kept = [(part, name, getattr(part, name)) for part in traits if part for name in traits[part]]

    def put_back() -> None:
        for part, name, value in kept:
            setattr(part, name, value)

    return put_back


def _shown(explorer: explore.Explorer) -> str:
    """Return what an explorer shows now as HTML: a message, or else its sound or picture."""
    if explorer.message.value:
        return explorer.message.value
    if explorer.player:
        return explorer.player.static()._repr_html_()
    return explorer.picture.value


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
