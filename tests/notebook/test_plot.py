"""Plotters draw where they are told, and nothing is shown without a description."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from lecture_utils import mel
from lecture_utils.notebook import plot

# 500 Hz is the centre of bin 32 at 16 kHz and n_fft 1024
X = 0.1 * np.sin(2 * np.pi * 500 / 16000 * np.arange(16000)).astype(np.float32)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot.waveform(X, 16000, ax=ax, title="title"),
        lambda ax: plot.spectrogram(X, 16000, ax=ax, title="title", f_max=4000),
        lambda ax: plot.spectrogram(np.zeros(16000), 16000, ax=ax, title="title"),
        lambda ax: plot.phase(np.zeros((513, 40)), 16000, ax=ax, title="title"),
        lambda ax: plot.image(np.eye(513, 40), 16000, ax=ax, title="title", unit="Hz"),
        lambda ax: plot.mel(np.zeros((80, 40)), 16000, ax=ax, title="title", limits=(-11, 1)),
    ],
)
def test_plotters_take_and_return_axes(draw):
    _, ax = plot.subplots()
    assert draw(ax) is ax and ax.get_title() == "title"
    assert "time (s)" in ax.get_xlabel() and ax.get_ylabel()
    assert plot.time_ends(ax, 2.5) == (0, 2.5)
    assert draw(None) is not ax
    plt.close("all")


def test_spectrogram_puts_a_tone_at_its_frequency_on_a_given_scale():
    ax = plot.spectrogram(X, 16000, reference=1000.0)
    picture = ax.images[0]
    level, extent = picture.get_array(), picture.get_extent()
    row = np.asarray(level).mean(1).argmax()
    kilohertz = extent[2] + (row + 0.5) / level.shape[0] * (extent[3] - extent[2])
    assert kilohertz == pytest.approx(0.5, abs=0.02)
    assert level.max() == pytest.approx(20 * np.log10(0.1 * 256 / 1000), abs=0.1)
    plt.close("all")


def test_mel_bands_have_their_frequencies():
    log_mel = mel.log_mel(0.1 * np.sin(2 * np.pi * 1000 / 16000 * np.arange(16000)))
    ax = plot.mel(log_mel, 16000)
    named = {t.get_text(): y for t, y in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)}
    assert list(named) == ["250", "500", "1,000", "2,000", "4,000", "8,000"]
    assert named["1,000"] == pytest.approx(log_mel.mean(1).argmax() + 0.5, abs=1)
    assert named["250"] == pytest.approx(named["500"] / 2, abs=1)  # even below 1 kHz
    plt.close("all")


def test_show_describes_escapes_and_closes(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    figure, _ = plot.subplots()
    plot.show(figure, alt='a "quoted" <line>')
    html = shown[0].data
    assert 'alt="a &quot;quoted&quot; &lt;line&gt;"' in html and "data:image/png;base64," in html
    assert not plt.fignum_exists(figure.number)
    with pytest.raises(ValueError, match="alt"):
        plot.show(figure, alt=" ")


def test_time_axis_counts_in_any_unit():
    _, ax = plot.subplots()
    assert plot.time_ends(ax, 3) is None
    plot.time_axis(ax, 1, 5, seconds=8)  # four bars of two seconds
    assert plot.time_ends(ax, 9) == (1, 5.5)
    with pytest.raises(ValueError, match="first=2 must lie before last=2"):
        plot.time_axis(ax, 2, 2)
    plt.close("all")
