"""Controls, figure and player joined to a function. Used through :mod:`explore`."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable, Iterable, Mapping

import ipywidgets as widgets
import numpy as np

from lecture_utils.notebook import listen, live
from lecture_utils.notebook.figure import picture as to_picture
from lecture_utils.notebook.figure import to_img


class Explorer:
    """Controls, figure and player joined to a function; :func:`explore.picture` has no player."""

    def __init__(
        self,
        render: Callable | None,
        sample_rate: int,
        figure: Callable | None,
        alt: str,
        caption: str | None,
        controls: dict[str, widgets.ValueWidget],
        height: float = 3.0,
        match_levels: bool = False,
        above: Iterable[widgets.DOMWidget] = (),
    ) -> None:
        self._render, self._sample_rate, self._figure = render, sample_rate, figure
        self._alt, self.controls, self._height = alt, controls, height
        self._player = {"caption": caption, "match_levels": match_levels}
        for name, control in controls.items():
            control.description = control.description or name
        sounds, shown = self._compute()
        self.player = (
            listen.LivePlayer(sounds, sample_rate, pictures=shown, **self._player)
            if render
            else None
        )
        self.picture = None if render else widgets.HTML(_page(shown))
        self.message = widgets.HTML(self.note)
        parts = [*above, *controls.values(), self.message, self.picture, self.player]
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
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = self._render(**values) if self._render else None
        told = dict.fromkeys(str(w.message) for w in caught if w.category is UserWarning)
        self.note = "".join(f'<p class="lp-error">{html.escape(text)}</p>' for text in told)
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

    def renew(self) -> None:
        """Show the sound and the picture of the values as they are now."""
        sounds, shown = self._compute()
        if self.player:
            self.player.replace(sounds, self._sample_rate, pictures=shown, **self._player)
        if self.picture:
            self.picture.value = _page(shown)
        self.message.value = self.note

    def _update(self, _change: object) -> None:
        try:
            self.renew()
        # whatever a student's function raises must not stop the class, nor an interrupt
        except (Exception, KeyboardInterrupt) as error:
            text = html.escape(f"{type(error).__name__}: {error}".splitlines()[0]).rstrip(".: ")
            self.message.value = (
                f'<p role="alert" class="lp-error">No {"sound" if self.player else "picture"} for '
                f"{html.escape(self._setting())}: "
                f"{text}. The last good one stays.</p>"
            )

    def page(self) -> str:
        """Return what a page without a kernel shows: the default, with its sound and picture."""
        told = f"Stored at {self._setting()}; run the cell for live controls."
        player = self.player.static()._repr_html_() if self.player else ""
        shown = self.picture.value if self.picture else ""
        return f"<p>{html.escape(told)}</p>{self.note}{shown}{player}"

    def _ipython_display_(self) -> None:
        self.box.show(self.page(), repr(self))

    def __repr__(self) -> str:
        return f"Explorer at {self._setting()}" + (f"\n{self.player!r}" if self.player else "")


def _page(pictures: list[dict]) -> str:
    """Return pictures as HTML."""
    return "".join(to_img(p["source"], p["alt"]) for p in pictures)


def check_controls(controls: dict[str, object], called: str) -> None:
    """Refuse what is no control, and none at all."""
    if not controls:
        raise ValueError(f"{called}: no control; give one for each parameter, or use listen.play.")
    for name, control in controls.items():
        if not isinstance(control, widgets.ValueWidget):
            raise TypeError(f"{name}: {control!r} is no control; use explore.slider or choice.")
