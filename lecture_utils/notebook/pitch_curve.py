"""Draw the pitch of a sound over its spectrogram, in Hz, and how far it is off, in cents.

Used by notebooks 07 and 08.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lecture_utils import arguments
from lecture_utils.audio import as_audio, check_sample_rate, stft
from lecture_utils.notebook import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Furthest deviation that is drawn, in cents; what is further off lies at the edge.
MOST_CENTS = 100

_N_FFT, _HOP, _TOP_DB = 2048, 256, 70


def draw(
    x: np.typing.ArrayLike,
    sample_rate: int,
    f0_hz: np.typing.ArrayLike,
    frame_rate: float,
    truth_hz: np.typing.ArrayLike | None = None,
    ax: Axes | None = None,
    title: str = "",
    f_max: float = 1500.0,
    sureness: np.typing.ArrayLike | None = None,
) -> Axes:
    """Draw a spectrogram with a pitch curve over it; below, its distance from the true pitch.

    Parameters
    ----------
    x : array_like
        Sound, shape ``(n,)``.
    sample_rate : int
        Of `x`, in Hz.
    f0_hz : array_like
        Pitch in Hz, shape ``(frames,)``; 0 or NaN where there is none.
    frame_rate : float
        Values of the pitch a second.
    truth_hz : array_like, optional
        True pitch, with as many values a second. The distance is drawn in cents where both have a
        pitch; a distance above 100 cents is drawn at the edge.
    ax, title
        Where, and what it is called.
    f_max : float
        Highest frequency shown, in Hz.
    sureness : array_like, optional
        How sure the tracker was of each value, 0 to 1: the surer, the thicker and the less
        transparent is the curve.

    Returns
    -------
    Axes
        That of the spectrogram, with Hz upwards.

    Raises
    ------
    TypeError, ValueError
        If an array is no sound or no curve, or a number is out of range.
    """
    x, sample_rate = as_audio(x), check_sample_rate(sample_rate)
    frame_rate = arguments.number(frame_rate, "frame_rate", 1, sample_rate)
    f_max = arguments.number(f_max, "f_max", 100, sample_rate / 2)
    f0 = _curve(f0_hz, "f0_hz")

    ax = plot.subplots()[1] if ax is None else ax
    magnitude = np.abs(stft(x, _N_FFT, _HOP))
    level = 20 * np.log10(np.maximum(magnitude / max(magnitude.max(), 1e-9), 1e-6))
    extent = (0, level.shape[1] * _HOP / sample_rate, 0, sample_rate / 2)
    ax.imshow(
        level, origin="lower", aspect="auto", cmap="magma", vmin=-_TOP_DB, vmax=0, extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    if truth_hz is not None:
        truth = _curve(truth_hz, "truth_hz")
        ax.plot(np.arange(len(truth)) / frame_rate, truth, color="white", linewidth=6, alpha=0.6)
    if sureness is None:
        ax.plot(np.arange(len(f0)) / frame_rate, f0, color=plot.COLOURS[5], linewidth=3)
    else:
        sure = arguments.array(sureness, "sureness", ("frames",))
        arguments.number(float(sure.min()), "sureness", 0)
        arguments.number(float(sure.max()), "sureness", 0, 1)
        if len(sure) != len(f0):
            raise ValueError(f"sureness: {len(sure)} values for {len(f0)} of f0_hz; give one each.")
        _draw_sure(ax, np.arange(len(f0)) / frame_rate, f0, sure)
    ax.set(ylim=(0, f_max), ylabel="frequency (Hz)", xlabel="time (s)", title=title)
    plot.time_axis(ax)
    if truth_hz is not None:
        _draw_cents(ax, f0, truth, frame_rate)
    return ax


def _draw_sure(ax: Axes, seconds: np.ndarray, f0: np.ndarray, sure: np.ndarray) -> None:
    """Draw each piece of a curve as thick and as opaque as it is sure."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgb

    points = np.stack([seconds, f0], axis=1)
    pieces = np.stack([points[:-1], points[1:]], axis=1)
    is_drawn, sure = np.isfinite(pieces).all((1, 2)), (sure[:-1] + sure[1:]) / 2
    sure = sure[is_drawn]
    colours = [(*to_rgb(plot.COLOURS[5]), 0.3 + 0.7 * share) for share in sure]
    ax.add_collection(
        LineCollection(pieces[is_drawn], linewidths=1 + 5 * sure, colors=colours, capstyle="butt")
    )


def _curve(values: np.typing.ArrayLike, name: str) -> np.ndarray:
    """Return a pitch curve with NaN where there is no pitch."""
    curve = arguments.array(values, name, ("frames",), finite=False).astype(np.float64)
    return np.where(curve > 0, curve, np.nan)


def _draw_cents(ax: Axes, f0: np.ndarray, truth: np.ndarray, frame_rate: float) -> None:
    """Draw the distance of two curves on axes of its own, under `ax` and as wide."""
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    n = min(len(f0), len(truth))
    cents = 1200 * np.log2(f0[:n] / truth[:n])
    below = make_axes_locatable(ax).append_axes("bottom", size="45%", pad=0.12, sharex=ax)
    below.axhline(0, color="0.6", linewidth=1)
    below.plot(
        np.arange(n) / frame_rate, np.clip(cents, -MOST_CENTS, MOST_CENTS), ".",
        markersize=3, color=plot.COLOURS[0],
    )  # fmt: skip
    below.set(xlabel="time (s)", ylabel="cents", ylim=(-1.1 * MOST_CENTS, 1.1 * MOST_CENTS))
    below.set_yticks([-MOST_CENTS, 0, MOST_CENTS])
    below.set_yticks([-MOST_CENTS / 2, MOST_CENTS / 2], minor=True)
    below.grid(axis="y", which="both", alpha=0.4)
    ax.set_xlabel("")
    ax.tick_params(labelbottom=False)
