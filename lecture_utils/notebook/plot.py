"""Figures that can be read from the last row and by a screen reader.

Plotters take ``ax=None`` and return the axes; :func:`show` puts a finished figure on the page with
its description. Colour maps are safe for colour-blind readers (magma, viridis; phase, which wraps
around, gets the cyclic twilight). Used by every notebook.
"""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import arguments
from lecture_utils.audio import HOP_LENGTH, N_FFT, as_audio, check_sample_rate, stft

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

#: The eight colours of Okabe and Ito (2008), told apart by all common kinds of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")

#: What a figure is drawn on: the light card of the course's diagrams.
PAPER = "#fdfdfb"

_STYLE = {
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.6,
}


def subplots(
    n_rows: int = 1, n_columns: int = 1, height: float = 3.0, width: float = 11.0, **options: object
) -> tuple[Figure, np.ndarray | Axes]:
    """Make a figure in the course's style; `height` in inches is that of one row.

    Returns
    -------
    figure : Figure
    axes : Axes or np.ndarray of Axes
        One, or an array as from ``matplotlib.pyplot.subplots``.
    """
    import matplotlib.pyplot as plt
    from cycler import cycler

    n_rows = arguments.number(n_rows, "n_rows", 1, 20, whole=True)
    n_columns = arguments.number(n_columns, "n_columns", 1, 20, whole=True)
    height, width = (
        arguments.number(height, "height", 0.5, 40),
        arguments.number(width, "width", 0.5, 40),
    )
    with plt.rc_context({**_STYLE, "axes.prop_cycle": cycler(color=COLOURS)}):
        return plt.subplots(
            n_rows,
            n_columns,
            figsize=(width, height * n_rows),
            layout="constrained",
            **options,
        )


def to_png(figure: Figure, dpi: int = 120) -> bytes:
    """Return `figure` as PNG bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor=PAPER)
    return buffer.getvalue()


def page_width(inches: float) -> str:
    """Return the attributes of a figure in a page: 5 em an inch, so that it grows with the font.

    The font is the browser's or that of JupyterLab's settings, whichever is larger. Where no such
    style is allowed (in a notebook that is not trusted), the figure has 80 pixels an inch.
    """
    em, lab = f"{5 * inches:.4g}rem", f"{5 * inches * 16 / 14:.4g}"
    style = f"width:max({em}, {lab} * var(--jp-content-font-size1, 0px));max-width:100%"
    return f'width="{80 * inches:.0f}" style="{style}"'


def show(figure: Figure, alt: str) -> None:
    """Display `figure` with a description for those who can't see it, and close it.

    Parameters
    ----------
    figure : Figure
        As from :func:`subplots`.
    alt : str
        What is to be seen, in one or two sentences.

    Raises
    ------
    ValueError
        If `alt` is missing.
    """
    import matplotlib.pyplot as plt
    from IPython.display import HTML, display

    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("alt: describe the figure in a sentence for readers who can't see it.")
    if not hasattr(figure, "savefig"):
        raise TypeError(f"figure: got {type(figure).__name__}; give the figure of plot.subplots.")

    for legend in filter(None, (ax.get_legend() for ax in figure.axes)):
        for text in legend.get_texts():
            text.set_size(_STYLE["font.size"])
    source = base64.b64encode(to_png(figure)).decode()
    width = page_width(figure.get_figwidth())
    plt.close(figure)
    display(
        HTML(
            f'<figure style="margin:0"><img class="lp-figure" alt="{escape(alt, quote=True)}" '
            f'{width} src="data:image/png;base64,{source}"></figure>'
        )
    )


def time_axis(ax: Axes, first: float = 0.0, last: float = 1.0, seconds: float = 1.0) -> None:
    """Say that the x axis of a figure is time, so that a player moves its cursor over it.

    The plotters of this module say so by themselves.

    Parameters
    ----------
    ax : Axes
        Where the figure is drawn.
    first, last : float
        Two places on the x axis: at the beginning of the sound, and `seconds` later. By default
        the axis counts seconds.
    seconds : float
        Time between the two.

    Raises
    ------
    ValueError
        If no time lies between the two places.
    """
    first, last = arguments.number(first, "first"), arguments.number(last, "last")
    seconds = arguments.number(seconds, "seconds", 1e-6)
    if not first < last:
        raise ValueError(f"time_axis: first={first:g} must lie before last={last:g}.")
    ax.lecture_time = (first, (last - first) / seconds)


def time_ends(ax: Axes, seconds: float) -> tuple[float, float] | None:
    """Return where a sound of `seconds` begins and ends on the x axis; None if that is not time."""
    if not hasattr(ax, "lecture_time"):
        return None
    first, per_second = ax.lecture_time
    return first, first + per_second * seconds


def waveform(
    x: np.typing.ArrayLike,
    sample_rate: int,
    ax: Axes | None = None,
    title: str = "",
    **line: object,
) -> Axes:
    """Draw sound ``(n,)`` against time in seconds."""
    x, sample_rate, ax = as_audio(x), check_sample_rate(sample_rate), _axes(ax)
    ax.plot(np.arange(len(x)) / sample_rate, x, **{"linewidth": 0.8, **line})
    ax.set(xlabel="time (s)", ylabel="amplitude", title=title)
    ax.margins(x=0)
    time_axis(ax)
    return ax


def spectrogram(
    x: np.ndarray,
    sample_rate: int,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    ax: Axes | None = None,
    title: str = "",
    top_db: float = 80.0,
    reference: float | None = None,
    f_max: float | None = None,
) -> Axes:
    """Draw a magnitude in dB; of a sound ``(n,)`` or of a spectrogram ``(bins, frames)``.

    Parameters
    ----------
    x : np.ndarray
        Sound, complex STFT or magnitude.
    sample_rate, n_fft, hop_length : int
        In Hz and samples; `n_fft` is read off a spectrogram's shape.
    ax, title
        Where, and what it is called.
    top_db : float
        Range of the colours.
    reference : float, optional
        Magnitude of the brightest colour, to draw several pictures on one scale; the largest
        value by default.
    f_max : float, optional
        Highest frequency shown, in Hz.
    """
    top_db = arguments.number(top_db, "top_db", 1)
    x = arguments.array(x, "spectrogram", kinds="fiuc")

    shown = stft(x, n_fft, hop_length) if x.ndim == 1 else x
    magnitude = np.abs(arguments.array(shown, "spectrogram", ("bins", "frames"), kinds="fiuc"))
    reference = (
        magnitude.max() if reference is None else arguments.number(reference, "reference", 0)
    )
    reference = reference if reference > 0 else 1.0
    level = 20 * np.log10(np.maximum(magnitude / reference, 10 ** (-top_db / 20)))
    ax = _axes(ax)
    return _image(ax, level, sample_rate, hop_length, title, "magma", (-top_db, 0), "dB", f_max)


def phase(
    angle: np.ndarray,
    sample_rate: int,
    hop_length: int = HOP_LENGTH,
    ax: Axes | None = None,
    title: str = "",
    f_max: float | None = None,
) -> Axes:
    """Draw phases in radians, shape ``(bins, frames)``, on a colour circle."""
    angle = arguments.array(angle, "phase", ("bins", "frames"))

    ax, limits = _axes(ax), (-np.pi, np.pi)
    wrapped = np.angle(np.exp(1j * angle))
    return _image(ax, wrapped, sample_rate, hop_length, title, "twilight", limits, "rad", f_max)


def image(
    values: np.ndarray,
    sample_rate: int,
    hop_length: int = HOP_LENGTH,
    ax: Axes | None = None,
    title: str = "",
    limits: tuple[float, float] | None = None,
    unit: str = "",
    f_max: float | None = None,
    cmap: str = "viridis",
) -> Axes:
    """Draw any quantity given per bin and frame, shape ``(bins, frames)``; NaN stays white."""
    values = arguments.array(values, "image", ("bins", "frames"), finite=False)

    ax, limits = _axes(ax), _limits(values, limits)
    return _image(ax, values, sample_rate, hop_length, title, cmap, limits, unit, f_max)


def mel(
    log_mel: np.ndarray,
    sample_rate: int,
    hop_length: int = HOP_LENGTH,
    ax: Axes | None = None,
    title: str = "",
    limits: tuple[float, float] | None = None,
    f_max: float | None = None,
) -> Axes:
    """Draw a log-mel spectrogram ``(n_mels, frames)`` against time and frequency in Hz.

    The bands lie evenly, from 0 Hz to `f_max` (by default half the sample rate).
    """
    import librosa

    log_mel = arguments.array(log_mel, "mel", ("n_mels", "frames"))
    f_max = arguments.number(sample_rate / 2 if f_max is None else f_max, "f_max", 1)

    ax, limits = _axes(ax), _limits(log_mel, limits)
    bands, frames = log_mel.shape
    seconds = _seconds(frames, hop_length, sample_rate)
    picture = ax.imshow(
        log_mel, origin="lower", aspect="auto", cmap="magma", vmin=limits[0], vmax=limits[1],
        extent=(0, seconds, 0, bands), interpolation="nearest",
    )  # fmt: skip
    _scale(picture, ax, "log mel")
    ax.set(xlabel="time (s)", ylabel="frequency (Hz, mel scale)", title=title)
    centres = librosa.mel_frequencies(bands + 2, fmin=0, fmax=f_max)[1:-1]
    named = [hz for hz in (250, 500, 1000, 2000, 4000, 8000) if hz <= f_max]
    ax.set_yticks(np.interp(named, centres, np.arange(bands) + 0.5), [f"{hz:,}" for hz in named])
    time_axis(ax)
    return ax


def _axes(ax: Axes | None) -> Axes:
    return subplots()[1] if ax is None else ax


def _limits(
    values: np.ndarray, limits: tuple[float, float] | None
) -> tuple[float, float] | tuple[None, None]:
    """Return the ends of the colour scale: those given, or the smallest and largest value."""
    if limits is None:
        known = values[np.isfinite(values)]
        return (known.min(), known.max()) if known.size else (None, None)
    if not isinstance(limits, (tuple, list)) or len(limits) != 2:
        raise TypeError(f"limits={arguments.shown(limits)}: give the lowest and the highest value.")
    return arguments.number(limits[0], "limits"), arguments.number(limits[1], "limits")


def _seconds(frames: int, hop_length: int, sample_rate: int) -> float:
    hop_length = arguments.count(hop_length, "hop_length")
    return frames * hop_length / check_sample_rate(sample_rate)


def _scale(picture: AxesImage, ax: Axes, unit: str) -> None:
    bar = ax.figure.colorbar(picture, ax=ax, pad=0.01)
    bar.set_label(unit, size=_STYLE["font.size"])
    bar.ax.tick_params(labelsize=_STYLE["font.size"])


def _image(
    ax: Axes,
    values: np.ndarray,
    sample_rate: int,
    hop_length: int,
    title: str,
    cmap: str,
    limits: tuple[float, float],
    unit: str,
    f_max: float | None,
) -> Axes:
    seconds = _seconds(values.shape[1], hop_length, sample_rate)
    nyquist = sample_rate / 2
    picture = ax.imshow(
        values, origin="lower", aspect="auto", cmap=cmap, vmin=limits[0], vmax=limits[1],
        extent=(0, seconds, 0, nyquist / 1000), interpolation="nearest",
    )  # fmt: skip
    _scale(picture, ax, unit)
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)", title=title)
    ax.locator_params(axis="x", nbins=6)
    time_axis(ax)
    if f_max is not None:
        ax.set_ylim(0, arguments.number(f_max, "f_max", 1) / 1000)
    return ax
