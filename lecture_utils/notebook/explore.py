"""Sliders that are heard: a live form for a running notebook, a stored form for a page without one.

:func:`sound` joins ipywidgets to a function, a figure and a player; with no kernel its default is
still seen and heard. :func:`steps` computes every position beforehand, so that its slider works in
a static page too. :func:`picture` and :func:`flipbook` are the same for figures without sound.
:func:`keyboard` plays learned instruments in the page.
Widgets change through their traits only (no ``interact``, no ``Output``), which is fast and cannot
hang a notebook that runs unattended. Used by every notebook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import ipywidgets as widgets
import numpy as np

from lecture_utils import arguments
from lecture_utils.notebook import listen
from lecture_utils.notebook.explorer import Explorer, check_controls
from lecture_utils.notebook.figure import check_alt, check_figure, pictures
from lecture_utils.notebook.flipbook import MAX_STEPS, flipbook
from lecture_utils.notebook.keyboard import keyboard
from lecture_utils.notebook.record import record

__all__ = [
    "Explorer", "choice", "flipbook", "keyboard", "picture", "record", "slider", "sound", "steps",
]  # fmt: skip

_WIDE = {"description_width": "initial"}


def slider(
    minimum: float, maximum: float, step: float, value: float, label: str = ""
) -> widgets.FloatSlider | widgets.IntSlider:
    """Return a slider for :func:`sound` that answers when it is let go.

    Parameters
    ----------
    minimum, maximum, step, value : float
        Range, grid and start; whole numbers all give a slider of whole numbers.
    label : str
        Shown beside it; the parameter's name by default.

    Raises
    ------
    ValueError
        If the range is empty, the step not positive, or the start outside.
    """
    numbers = (minimum, maximum, step, value)
    for number, called in zip(numbers, ("minimum", "maximum", "step", "value"), strict=True):
        arguments.number(number, called)
    if not all(np.isfinite(numbers)) or not minimum <= value <= maximum or minimum == maximum:
        raise ValueError(
            f"slider: {value} does not lie in {minimum} .. {maximum}, or that is empty."
        )
    if step <= 0:
        raise ValueError(f"slider: step={step}; give a positive one.")
    kind = widgets.IntSlider if all(isinstance(v, int) for v in numbers) else widgets.FloatSlider
    return kind(
        value, min=minimum, max=maximum, step=step, description=label, style=_WIDE,
        continuous_update=False, layout={"width": "100%", "max_width": "46rem"},
    )  # fmt: skip


def choice(options: Iterable, value: object = None, label: str = "") -> widgets.ToggleButtons:
    """Return buttons for :func:`sound`, one for each of `options`; the first is chosen by default.

    Raises
    ------
    ValueError
        If there are no options or `value` is not among them.
    """
    if not isinstance(options, Iterable) or isinstance(options, (str, bytes)):
        raise TypeError("choice: give a list of options.")

    options = list(options)
    value = options[0] if value is None and options else value
    if value not in options:
        raise ValueError(f"choice: {value!r} is not among {options}.")
    return widgets.ToggleButtons(options=options, value=value, description=label, style=_WIDE)


def sound(
    render: Callable[..., np.ndarray | Mapping[str, np.ndarray]],
    sample_rate: int,
    figure: Callable | None = None,
    alt: str = "",
    caption: str | None = None,
    height: float = 3.0,
    **controls: widgets.ValueWidget,
) -> Explorer:
    """Hear (and see) what a function makes of its parameters.

    Parameters
    ----------
    render : callable
        ``render(**values)`` returns a sound ``(n,)`` or a dict of label -> sound. What it raises is
        shown as one line, and the last good sound stays.
    sample_rate : int
        Of the sounds, in Hz.
    figure : callable, optional
        ``figure(ax, result, **values)`` draws what `render` returned.
    alt : str
        What the figure shows, in a sentence; needed with `figure`.
    caption : str, optional
        What to listen for.
    height : float
        Of the figure, in inches.
    **controls
        For every parameter a :func:`slider`, a :func:`choice` or another value widget.

    Returns
    -------
    Explorer
        Shown by the notebook as the last line of a cell.

    Raises
    ------
    TypeError
        If a control is no widget.
    ValueError
        If there is no control, or a figure without `alt`. What `render` and `figure` raise for the
        default values comes through.

    Examples
    --------
    >>> explore.sound(render, 16000, mix=explore.slider(0, 1, 0.05, 0.5, "random phase"))
    """
    if not callable(render):
        raise TypeError("render: give a function of the controls that returns a sound.")
    check_controls(controls, "sound")
    check_alt(figure, alt)
    height = arguments.number(height, "height", 1, 12)
    return Explorer(render, sample_rate, figure, alt, caption, controls, height)


def picture(
    figure: Callable, alt: str, height: float = 3.0, **controls: widgets.ValueWidget
) -> Explorer:
    """See what a function draws with its parameters: :func:`sound` without the sound.

    Parameters
    ----------
    figure : callable
        ``figure(ax, **values)``.
    alt : str
        What the figure shows, in a sentence.
    height : float
        Of the figure, in inches.
    **controls
        For every parameter a :func:`slider`, a :func:`choice` or another value widget.

    Returns
    -------
    Explorer
        Shown by the notebook as the last line of a cell.
    """
    check_figure(figure, alt)
    check_controls(controls, "picture")
    height = arguments.number(height, "height", 1, 12)

    def draw(ax: object, _none: None, **values: object) -> None:
        figure(ax, **values)

    return Explorer(None, 0, draw, alt, None, controls, height)


def steps(
    sounds: Mapping[object, np.ndarray] | Iterable[np.ndarray],
    sample_rate: int,
    name: str = "step",
    figure: Callable | None = None,
    alt: str = "",
    caption: str | None = None,
    height: float = 3.0,
    start: Mapping[object, str] | None = None,
    loop: Mapping[object, str] | None = None,
) -> listen.Player:
    """Step through sounds computed beforehand, with slider and buttons that need no kernel.

    Parameters
    ----------
    sounds : mapping or iterable
        Position -> sound ``(n,)``, for example iterations -> signal; a list is numbered from 0. At
        most 33. They share one gain, as in :func:`lecture_utils.notebook.listen.compare`.
    sample_rate : int
        Of all sounds, in Hz.
    name : str
        What is stepped through, for example "iterations".
    figure : callable, optional
        ``figure(ax, x, position)`` draws the picture of one position.
    alt : str
        What the figures show, in a sentence; needed with `figure`.
    caption : str, optional
        What to listen for.
    height : float
        Of each figure, in inches.
    start, loop : mapping, optional
        The parts of an algorithm, number -> words: those that come once, and those of its loop.
        They stand above the picture, joined by arrows, and the part of the moment is marked. The
        positions lead through `start` with the first sound, then through `loop` with every sound.

    Returns
    -------
    listen.Player
        Shown by the notebook as the last line of a cell.

    Raises
    ------
    ValueError
        As :func:`lecture_utils.notebook.listen.compare`, or if a figure has no `alt`.
    """
    check_alt(figure, alt)
    if not isinstance(sounds, Iterable) or isinstance(sounds, (str, bytes)):
        raise TypeError("sounds: give a dict of position: sound, or a list of sounds.")

    sounds = sounds if isinstance(sounds, Mapping) else dict(enumerate(sounds))
    spec, wavs = listen.prepare(sounds, sample_rate, caption, most=MAX_STEPS)
    spec |= {"mode": "steps", "step_name": name}
    if start is not None or loop is not None:
        spec |= {"start": _parts(start or {}, "start"), "loop": _parts(loop, "loop")}
    if figure is not None:
        height = arguments.number(height, "height", 1, 12)
        seconds = max(spec["seconds"])
        spec["pictures"] = pictures(sounds, seconds, figure, alt, height, name)
    return listen.Player(spec, wavs)


def _parts(words: Mapping[object, str], name: str) -> list[list[str]]:
    """Return the parts of an algorithm as pairs of number and words."""
    if not isinstance(words, Mapping):
        raise TypeError(f"{name}={arguments.shown(words)}: give a dict of number: words.")
    return [[str(number), arguments.text(text, name)] for number, text in words.items()]
