"""Figures to step through, drawn beforehand, with a slider that needs no kernel.

Used as ``explore.flipbook``, and by the module ``explore`` for every figure it draws.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable, Mapping

from lecture_utils import arguments
from lecture_utils.notebook import live, plot

#: Most positions of :func:`steps`; each of them is in the page as sound (and picture).
MAX_STEPS = 33

#: Width of every figure in inches.
WIDTH = 11.0


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
        Shown by the notebook as the last line of a cell, the last figure first.
    """
    if not isinstance(figures, Mapping) or not 1 <= len(figures) <= MAX_STEPS:
        raise ValueError(
            f"flipbook: give a dict of position: draw(ax) with 1 to {MAX_STEPS} of them."
        )

    for draw in figures.values():
        check_figure(draw, alt)
    height = arguments.number(height, "height", 1, 12)
    return Flipbook({str(key): to_png(draw, height) for key, draw in figures.items()}, alt, name)


class Flipbook:
    """Figures and a slider as plain HTML, made by :func:`flipbook`."""

    def __init__(self, pngs: dict[str, bytes], alt: str, name: str) -> None:
        self.pngs, self.alt, self.name = pngs, alt, name

    def _repr_html_(self) -> str:
        last, name = list(self.pngs)[-1], html.escape(self.name)
        pictures = [[key, to_source(png), f"{self.alt} ({self.name} {key})"]
                    for key, png in self.pngs.items()]  # fmt: skip
        return (
            f'<div class="lp-frames" data-name="{name}" '
            f'data-frames="{html.escape(json.dumps(pictures))}"><p>{name} {html.escape(last)} '
            f"(the last of {len(pictures)}; run the cell to step through them)</p>"
            f"{to_img(self.pngs[last], pictures[-1][2])}"
            f"<script>{{{live.file('flipbook.js')}}}</script></div>"
        )

    def __repr__(self) -> str:
        return f"Figures at {self.name} {', '.join(self.pngs)}"


def check_figure(figure: Callable, alt: str) -> None:
    """Raise unless there is something to draw and a sentence about it."""
    if not callable(figure):
        raise TypeError("figure: give a function that draws on the axes it gets.")
    check_alt(figure, alt)


def check_alt(figure: Callable | None, alt: str) -> None:
    """Raise if a figure comes without a sentence about it."""
    if figure is not None and not (isinstance(alt, str) and alt.strip()):
        raise ValueError("alt: describe the figure in a sentence for readers who can't see it.")


def to_png(draw: Callable, height: float = 3.0) -> bytes:
    """Draw on fresh axes, without pyplot (which would keep every figure)."""
    from cycler import cycler
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Fixed margins and fast compression: half the time of a constrained layout.
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.07, right=0.95, bottom=0.57 / height, top=1 - 0.33 / height)
    with rc_context({"font.size": 12, "axes.prop_cycle": cycler(color=plot.COLOURS)}):
        draw(figure.subplots())
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", dpi=80, facecolor="white", pil_kwargs={"compress_level": 1}
        )
    return buffer.getvalue()


def to_source(png: bytes) -> str:
    """Return the picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def to_img(png: bytes, alt: str) -> str:
    """Return the picture as HTML."""
    width, alt = plot.page_width(WIDTH), html.escape(alt)
    return f'<img class="lp-figure" {width} alt="{alt}" src="{to_source(png)}">'
