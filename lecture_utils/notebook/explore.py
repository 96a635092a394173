"""Sliders that are heard: a live form for a running notebook, a stored form for a page without one.

:func:`sound` joins ipywidgets to a function, a figure and a player; with no kernel its default is
still seen and heard. :func:`steps` computes every position beforehand, so that its slider works in
a static page too. :func:`picture` and :func:`flipbook` are the same for figures without sound.
:func:`keyboard` plays learned instruments in the page.
Widgets change through their traits only (no ``interact``, no ``Output``), which is fast and cannot
hang a notebook that runs unattended. Used by every notebook.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping

import ipywidgets as widgets
import numpy as np

from lecture_utils import arguments
from lecture_utils.notebook import listen, live
from lecture_utils.notebook.figure import check_alt, check_figure, pictures, to_img
from lecture_utils.notebook.figure import picture as to_picture
from lecture_utils.notebook.flipbook import MAX_STEPS, flipbook
from lecture_utils.notebook.keyboard import keyboard
from lecture_utils.notebook.upload import upload

__all__ = [
    "Explorer", "choice", "flipbook", "keyboard", "picture", "slider", "sound", "steps", "upload",
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
    _check_controls(controls, "sound")
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
    _check_controls(controls, "picture")
    height = arguments.number(height, "height", 1, 12)

    def draw(ax: object, _none: None, **values: object) -> None:
        figure(ax, **values)

    return Explorer(None, 0, draw, alt, None, controls, height)


class Explorer:
    """Controls, figure and player joined to a function; :func:`picture` has no player."""

    def __init__(
        self,
        render: Callable | None,
        sample_rate: int,
        figure: Callable | None,
        alt: str,
        caption: str | None,
        controls: dict[str, widgets.ValueWidget],
        height: float = 3.0,
    ) -> None:
        self._render, self._sample_rate, self._figure = render, sample_rate, figure
        self._alt, self._caption, self.controls = alt, caption, controls
        self._height = height
        for name, control in controls.items():
            control.description = control.description or name
        sounds, shown = self._compute()
        self.player = (
            listen.LivePlayer(sounds, sample_rate, caption, pictures=shown) if render else None
        )
        self.picture = None if render else widgets.HTML(_page(shown))
        self.message = widgets.HTML()
        parts = [*controls.values(), self.message, self.picture, self.player]
        self.box = live.Box(part for part in parts if part is not None)
        for control in controls.values():
            control.observe(self._update, "value")

    def _values(self) -> dict[str, object]:
        return {name: control.value for name, control in self.controls.items()}

    def _setting(self) -> str:
        return ", ".join(f"{c.description} {c.value}" for c in self.controls.values())

    def _compute(self) -> tuple[Mapping[str, np.ndarray], list[dict]]:
        """Return the sounds, and one picture for all of them."""
        values = self._values()
        result = self._render(**values) if self._render else None
        sounds = result if isinstance(result, Mapping) else {"sound": result}
        if self._figure is None:
            return sounds, []
        lengths = [max(np.shape(x), default=0) for x in sounds.values()]
        seconds = max(lengths, default=0) / self._sample_rate if self._render else None
        alt = f"{self._alt} ({self._setting()})"
        shown = to_picture(
            lambda ax: self._figure(ax, result, **values), alt, self._height, seconds
        )
        return sounds, [shown]

    def _update(self, _change: object) -> None:
        try:
            sounds, shown = self._compute()
            if self.player:
                self.player.replace(sounds, self._sample_rate, self._caption, pictures=shown)
        # whatever a student's function raises must not stop the class, nor an interrupt
        except (Exception, KeyboardInterrupt) as error:
            text = html.escape(f"{type(error).__name__}: {error}".splitlines()[0]).rstrip(".: ")
            self.message.value = (
                f'<p role="alert" class="lp-error">No {"sound" if self.player else "picture"} for '
                f"{html.escape(self._setting())}: "
                f"{text}. The last good one stays.</p>"
            )
        else:
            if self.picture:
                self.picture.value = _page(shown)
            self.message.value = ""

    def page(self) -> str:
        """Return what a page without a kernel shows: the default, with its sound and picture."""
        note = f"Stored at {self._setting()}; run the cell for live controls."
        player = self.player.static()._repr_html_() if self.player else ""
        shown = self.picture.value if self.picture else ""
        return f"<p>{html.escape(note)}</p>{shown}{player}"

    def _ipython_display_(self) -> None:
        self.box.show(self.page(), repr(self))

    def __repr__(self) -> str:
        return f"Explorer at {self._setting()}" + (f"\n{self.player!r}" if self.player else "")


def steps(
    sounds: Mapping[object, np.ndarray] | Iterable[np.ndarray],
    sample_rate: int,
    name: str = "step",
    figure: Callable | None = None,
    alt: str = "",
    caption: str | None = None,
    height: float = 3.0,
) -> listen.Player:
    """Step through sounds computed beforehand, with a slider that needs no kernel.

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
    if figure is not None:
        height = arguments.number(height, "height", 1, 12)
        seconds = max(spec["seconds"])
        spec["pictures"] = pictures(sounds, seconds, figure, alt, height, name)
    return listen.Player(spec, wavs)


def _page(pictures: list[dict]) -> str:
    """Return pictures as HTML."""
    return "".join(to_img(p["source"], p["alt"]) for p in pictures)


def _check_controls(controls: dict[str, object], called: str) -> None:
    if not controls:
        raise ValueError(f"{called}: no control; give one for each parameter, or use listen.play.")
    for name, control in controls.items():
        if not isinstance(control, widgets.ValueWidget):
            raise TypeError(f"{name}: {control!r} is no control; use explore.slider or choice.")
