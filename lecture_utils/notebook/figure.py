"""Figures for players and sliders, drawn beforehand, in which the place of each second is known.

A player moves its cursor over such a figure. Used by the modules ``listen``, ``explore`` and
``flipbook``.
"""

from __future__ import annotations

import base64
import gc
import html
import io
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from lecture_utils.notebook import plot

#: Width of every figure in inches, and its pixels an inch (a page shows 80, or more if it grows).
WIDTH, DPI = 11.0, 100


class Drawn(NamedTuple):
    """A figure as PNG.

    ``span`` says where time is: the places of the first and the last moment of the sound, as parts
    of the figure's width from its left edge. It is None if the figure has no time axis. ``midi`` is
    a MIDI file of the notes that it shows, if it shows some (``ax.lecture_midi``).
    """

    png: bytes
    span: tuple[float, float] | None
    midi: bytes | None = None


def check_figure(figure: Callable, alt: str) -> None:
    """Raise unless there is something to draw and a sentence about it."""
    if not callable(figure):
        raise TypeError("figure: give a function that draws on the axes it gets.")
    check_alt(figure, alt)


def check_alt(figure: Callable | None, alt: str) -> None:
    """Raise if a figure comes without a sentence about it."""
    if figure is not None and not (isinstance(alt, str) and alt.strip()):
        raise ValueError("alt: describe the figure in a sentence for readers who can't see it.")


def render(draw: Callable, height: float = 3.0, seconds: float | None = None) -> Drawn:
    """Draw on fresh axes, without pyplot (which would keep every figure).

    Parameters
    ----------
    draw : callable
        ``draw(ax)``.
    height : float
        Of the figure, in inches.
    seconds : float, optional
        Length of the sound. A time axis (see :func:`plot.time_axis`) is then as long as the sound.

    Returns
    -------
    Drawn
    """
    drawn = _draw(draw, height, seconds)
    gc.collect(1)  # a figure refers to itself: in 30 of them hundreds of MB would wait for Python
    return drawn


def _draw(draw: Callable, height: float, seconds: float | None) -> Drawn:
    from cycler import cycler
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=plot.PAPER)
    canvas = FigureCanvasAgg(figure)
    # Fixed margins: half the time of a constrained layout.
    figure.subplots_adjust(left=0.07, right=0.95, bottom=0.57 / height, top=1 - 0.33 / height)
    with rc_context({"font.size": 13, "axes.prop_cycle": cycler(color=plot.COLOURS)}):
        ax = figure.subplots()
        draw(ax)
        ends = plot.time_ends(ax, seconds) if seconds else None
        if ends is not None:
            ax.set_xlim(*ends)
        canvas.draw()
    png, midi = _to_png(canvas.buffer_rgba()), getattr(ax, "lecture_midi", None)
    if ends is None:
        return Drawn(png, None, midi)
    pixels = ax.transData.transform([(end, ax.get_ylim()[0]) for end in ends])[:, 0]
    first, last = pixels / figure.bbox.width
    return Drawn(png, (round(float(first), 5), round(float(last), 5)), midi)


def _to_png(pixels: memoryview) -> bytes:
    """Pack pixels with 64 colours, which takes a third of the room of all colours."""
    from PIL import Image

    image = Image.fromarray(np.asarray(pixels)).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(64, dither=Image.Dither.NONE).save(buffer, format="png", compress_level=6)
    return buffer.getvalue()


def to_source(png: bytes) -> str:
    """Return the picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def to_img(source: str, alt: str, key: str | None = None, width: int | None = None) -> str:
    """Return the picture of an address as HTML; with a `key` for scripts, or `width` in pixels."""
    size = plot.page_width(WIDTH) if width is None else f'width="{width}"'
    data = "" if key is None else f'data-key="{html.escape(key)}" '
    return f'<img class="lp-figure" {data}{size} alt="{html.escape(alt)}" src="{source}">'


def to_link(midi: str | None, index: int) -> str:
    """Return the MIDI file of picture number `index` as HTML, for pages without scripts, too."""
    return f'<a download="notes.mid" data-picture="{index}" href="{midi}">MIDI</a>' if midi else ""


def picture(draw: Callable, alt: str, height: float = 3.0, seconds: float | None = None) -> dict:
    """Return what a player needs of a figure: address, description, where time is, and its notes.

    The notes are the address of a MIDI file.
    """
    png, span, midi = render(draw, height, seconds)
    shown = {"source": to_source(png), "alt": alt, "span": span and list(span)}
    if midi is not None:
        shown["midi"] = f"data:audio/midi;base64,{base64.b64encode(midi).decode()}"
    return shown


def pictures(
    sounds: Mapping[object, np.typing.ArrayLike],
    seconds: float,
    figure: Callable,
    alt: str,
    height: float = 3.0,
    name: str = "",
) -> list[dict]:
    """Draw ``figure(ax, sound, key)`` for every sound, with the key in its description."""
    return [
        picture(
            lambda ax, x=x, key=key: figure(ax, x, key), f"{alt} ({f'{name} {key}'.strip()})",
            height, seconds,
        )
        for key, x in sounds.items()
    ]  # fmt: skip
