"""Figures to step through or to play, drawn beforehand, with a slider that needs no kernel.

Used as ``explore.flipbook``, and by the module ``explore`` for every figure it draws.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping

from lecture_utils import arguments
from lecture_utils.notebook import live
from lecture_utils.notebook.figure import check_figure, render, to_img, to_source

#: Most positions of :func:`explore.steps`; each of them is in the page as sound (and picture).
MAX_STEPS = 33


def flipbook(
    figures: Mapping[object, Callable], alt: str, name: str = "step", height: float = 3.0
) -> Flipbook:
    """Step through figures drawn beforehand, with a slider that needs no kernel.

    Parameters
    ----------
    figures : mapping
        Position -> ``draw(ax)``, for example training step -> function; at most 33.
    alt : str
        What the figures show, in a sentence.
    name : str
        What is stepped through.
    height : float
        Of each figure, in inches.

    Returns
    -------
    Flipbook
        Shown by the notebook as the last line of a cell. It begins with the first figure.
    """
    if not isinstance(figures, Mapping) or not 1 <= len(figures) <= MAX_STEPS:
        raise ValueError(
            f"flipbook: give a dict of position: draw(ax) with 1 to {MAX_STEPS} of them."
        )

    for draw in figures.values():
        check_figure(draw, alt)
    height = arguments.number(height, "height", 1, 12)
    pngs = {str(key): render(draw, height).png for key, draw in figures.items()}
    return Flipbook(pngs, alt, name)


class Flipbook:
    """Figures, a slider and a play button as plain HTML, made by :func:`flipbook`."""

    def __init__(self, pngs: dict[str, bytes], alt: str, name: str) -> None:
        self.pngs, self.alt, self.name = pngs, alt, name

    def _repr_html_(self) -> str:
        name = html.escape(self.name)
        # Without scripts the figures stand beside each other, each with its position.
        pictures = "".join(
            f"<figure>{to_img(to_source(png), f'{self.alt} ({self.name} {key})', key, 430)}"
            f"<figcaption>{name} {html.escape(key)}</figcaption></figure>"
            for key, png in self.pngs.items()
        )
        return (
            f"<style>{live.file('player.css')}</style>"
            f'<div class="lp-frames" data-name="{name}">{pictures}'
            f"<script>(() => {{{live.file('flipbook.js')}"
            "mountFrames(document.currentScript.parentElement);})()</script></div>"
        )

    def __repr__(self) -> str:
        return f"Figures at {self.name} {', '.join(self.pngs)}"
