"""The pitch is drawn in Hz at its time, and its distance in cents."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from lecture_utils.notebook import figure, pitch_curve, plot

SR, RATE = 16000, 100
SECONDS = np.arange(2 * SR) / SR
X = 0.1 * np.sin(2 * np.pi * 500 * SECONDS).astype(np.float32)
TRUTH = np.full(200, 500.0)
FOUND = TRUTH * 2 ** (np.repeat([0, 30, -50, 1200], 50) / 1200)  # the last quarter: an octave
FOUND[:10] = 0  # no pitch


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_curve_lies_on_the_partial_and_cents_below():
    ax = pitch_curve.draw(X, SR, FOUND, RATE, TRUTH, title="title")
    main, below = ax.figure.axes
    assert ax is main and ax.get_title() == "title" and "Hz" in ax.get_ylabel()
    picture = ax.images[0]
    level, (_, _, low, high) = np.asarray(picture.get_array()), picture.get_extent()
    row = level.mean(1).argmax()
    assert low + (row + 0.5) * (high - low) / len(level) == pytest.approx(500, abs=8)
    truth, found = ax.lines
    assert np.isnan(found.get_ydata()[:10]).all() and (truth.get_ydata() == 500).all()
    assert found.get_xdata()[150] == 1.5 and found.get_ydata()[150] == pytest.approx(1000)
    cents = below.lines[1].get_ydata()
    assert cents[[20, 60, 120, 160]] == pytest.approx([0, 30, -50, 100])  # far off: at the edge
    assert np.isnan(cents[:10]).all() and "cents" in below.get_ylabel()
    assert list(below.get_yticks()) == [-100, 0, 100]


def test_both_parts_have_the_sounds_time_axis():
    axes = []

    def draw(ax):
        axes.extend([ax, pitch_curve.draw(X, SR, FOUND, RATE, TRUTH, ax=ax)])
        axes.append(ax.figure.axes[1])

    drawn = figure.render(draw, height=3, seconds=2.5)
    assert drawn.span == (0.07, 0.95) and axes[0] is axes[1]
    assert axes[0].get_xlim() == axes[2].get_xlim() == (0, 2.5)
    left, right = (ax.get_window_extent() for ax in (axes[0], axes[2]))
    assert (left.x0, left.x1) == pytest.approx((right.x0, right.x1)) and right.y1 < left.y0


def test_without_truth_there_is_one_axis():
    ax = pitch_curve.draw(X, SR, FOUND, RATE)
    assert ax.figure.axes == [ax] and len(ax.lines) == 1 and plot.time_ends(ax, 2) == (0, 2)


def test_a_sure_curve_is_thick_and_opaque_and_a_doubtful_one_thin():
    sure = np.linspace(0, 1, len(FOUND))
    ax = pitch_curve.draw(X, SR, FOUND, RATE, sureness=sure)
    (pieces,) = ax.collections
    drawn = np.isfinite(np.where(FOUND > 0, FOUND, np.nan))
    assert len(pieces.get_segments()) == (drawn[1:] & drawn[:-1]).sum()
    widths, alphas = np.array(pieces.get_linewidths()), pieces.get_colors()[:, 3]
    assert min(np.diff(widths)) > 0 and min(np.diff(alphas)) > 0
    assert widths[-1] > 4 * widths[0] and alphas[-1] > 2 * alphas[0] and not ax.lines
    assert ax.get_ylim()[1] == 1500 and plot.time_ends(ax, 2) == (0, 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": []}, "0 samples"),
        ({"f0_hz": "high"}, "f0_hz"),
        ({"f0_hz": np.ones((2, 2))}, "f0_hz"),
        ({"frame_rate": 0}, "frame_rate=0"),
        ({"f_max": 9000}, "f_max=9000"),
        ({"truth_hz": np.ones((2, 2))}, "truth_hz"),
        ({"sureness": np.ones(3)}, "sureness"),
        ({"sureness": 2 * np.ones(len(FOUND))}, "sureness=2"),
    ],
)
def test_bad_input_gets_one_sentence(change, words):
    given = {"x": X, "sample_rate": SR, "f0_hz": FOUND, "frame_rate": RATE, "truth_hz": TRUTH}
    with pytest.raises((TypeError, ValueError), match=words) as info:
        pitch_curve.draw(**given | change)
    assert "\n" not in str(info.value)
