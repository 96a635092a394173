"""Lanes show every note in the lane of its instrument, on the row of its key, at its time."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from lecture_utils import pianoroll
from lecture_utils.notebook import plot
from lecture_utils.pianoroll import BAND, DRUMS, from_notes, lane

BASS_AND_DRUMS = [
    (0, 0, 4, 60), (0, 4, 8, 67), (0, 8, 16, 72), (1, 0, 8, 36), (1, 8, 16, 43),
    (2, 0, 1, 36), (2, 4, 5, 38), (2, 8, 9, 42), (2, 12, 13, 49), (2, 14, 15, 76),
]  # fmt: skip


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def band(notes=BASS_AND_DRUMS, **grid):
    return from_notes(notes, 32, (0, 33, DRUMS), **grid)


def bars(ax):
    """(left, right, middle) of every note's bar, a list for each track from the bottom up."""
    return [
        [(b.get_x(), b.get_x() + b.get_width(), b.get_y() + b.get_height() / 2) for b in group]
        for group in ax.containers
    ]


def rows(ax):
    """Name of a row -> its height on the axis."""
    return dict(zip([t.get_text() for t in ax.get_yticklabels()], ax.get_yticks(), strict=True))


def texts(ax):
    return {text.get_text(): text.get_position() for text in ax.texts}


def test_every_note_lies_in_its_lane_at_its_time():
    ax = pianoroll.draw_lanes(band())
    drums, bass, piano = bars(ax)  # the drums at the bottom
    names = texts(ax)
    for notes, name in ((drums, "drums"), (bass, "bass"), (piano, "piano")):
        middles = [middle for _, _, middle in notes]
        assert max(abs(m - names[name][1]) for m in middles) < 1.1
    assert max(m for *_, m in drums) < min(m for *_, m in bass)
    assert max(m for *_, m in bass) < min(m for *_, m in piano)
    assert [(left, right) for left, right, _ in piano] == [(1, 1.25), (1.25, 1.5), (1.5, 2)]
    assert [m for *_, m in piano] == sorted(m for *_, m in piano)
    step = (piano[2][2] - piano[1][2]) / 5  # from G4 to C5
    assert piano[1][2] - piano[0][2] == pytest.approx(7 * step)


def test_rows_have_names():
    ax = pianoroll.draw_lanes(band())
    drums, _, piano = bars(ax)
    named = rows(ax)
    kit = ["kick", "snare", "hi-hat", "cymbal", "other"]
    assert [middle for *_, middle in drums] == pytest.approx([named[name] for name in kit])
    for name, (*_, middle) in zip(("C4", "G4", "C5"), piano, strict=True):
        assert named.get(name, middle) == pytest.approx(middle)
    assert sum(name[-1].isdigit() for name in named) >= 4  # two in each lane
    assert set(texts(pianoroll.draw_lanes(band([(1, 0, 1, 36)])))) == {"bass"}  # nobody else plays
    assert set(texts(pianoroll.draw_lanes(band([])))) == {"piano", "bass", "drums"}
    few = pianoroll.draw_lanes(band([(2, 0, 1, 36), (0, 0, 1, 60)]))
    assert [name for name in rows(few) if not name[-1].isdigit()] == ["kick", "snare", "hi-hat"]


def test_key_names():
    assert [lane.key_name(key) for key in (60, 61, 69, 71, 0, 127)] == [
        "C4",
        "C#4",
        "A4",
        "B4",
        "C-1",
        "G9",
    ]


def test_time_is_known_to_the_player():
    ax = pianoroll.draw_lanes(band(tempo=60))  # 32 sixteenths: two bars of 4 s
    assert plot.time_ends(ax, 8) == (1, 3) and plot.time_ends(ax, 10) == (1, 3.5)
    waltz = pianoroll.draw_lanes(from_notes([], 24, tempo=90, meter=(3, 4)))
    assert plot.time_ends(waltz, 4) == pytest.approx((1, 3))
    assert plot.time_ends(pianoroll.draw(band(tempo=60)), 10) == (1, 3.5)


def test_sections_stand_over_their_bars():
    song = from_notes([(0, 0, 4, 60)], 16 * 24)
    ax = pianoroll.draw_lanes(song, sections=[("A", 8), ("B", 4), ("A'", 12), ("C", 8)])
    found = {name: x for name, (x, _) in texts(ax).items()}
    assert found == {"piano": 1.008, "A": 5, "B": 11, "A'": 19}  # C lies beyond the end
    lines = [line.get_xdata()[0] for line in ax.lines]
    assert lines == [1, 9, 13]


def test_several_rolls_share_their_lanes():
    rolls = {"one": band(), "two": band([(0, 0, 4, 96), (2, 0, 1, 57)])}
    draw, axes = pianoroll.lanes(rolls), {}
    for name in rolls:
        _, axes[name] = plot.subplots()
        draw(axes[name], None, name)
    assert rows(axes["one"]) == rows(axes["two"])
    assert any(name[-1] == "6" for name in rows(axes["one"]))  # of the other roll's high C7
    assert axes["one"].get_ylim() == axes["two"].get_ylim()
    with pytest.raises(ValueError, match="none for 'three'"):
        draw(axes["one"], None, "three")


@pytest.mark.parametrize("part", ["train", "test"])
def test_any_phrase_of_the_band_is_drawn(part):
    cells = pianoroll.corpus(part)[0][::150]
    for phrase in cells:
        roll = pianoroll.PianoRoll(phrase, programs=tuple(BAND.values()))
        _, ax = plot.subplots(height=3.2)
        pianoroll.draw_lanes(roll, ax)
        assert sum(map(len, bars(ax))) == len(roll.notes())
        heard = {name for name, track in zip(BAND, phrase, strict=True) if track.any()}
        assert set(texts(ax)) == heard
        low, high = ax.get_ylim()
        assert all(low < middle < high for lane in bars(ax) for *_, middle in lane)
        points = ax.get_window_extent().height / ax.figure.dpi * 72 / (high - low)
        assert points * np.diff(sorted(ax.get_yticks())).min() > 10  # names 13 points high
        plt.close("all")


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: pianoroll.draw_lanes(None), TypeError, "make a pianoroll.PianoRoll"),
        (lambda: pianoroll.draw_lanes(band(), labels=("a",)), ValueError, "1 for 3 tracks"),
        (lambda: pianoroll.draw_lanes(band(), sections=[("A", 0)]), ValueError, "section"),
        (lambda: pianoroll.lanes([band()]), TypeError, "dict of label: roll"),
        (lambda: pianoroll.lanes({}), TypeError, "dict of label: roll"),
        (lambda: pianoroll.lanes({"a": 1}), TypeError, "make a pianoroll.PianoRoll"),
    ],
)
def test_bad_input_gets_one_sentence(make, error, words):
    with pytest.raises(error, match=words) as info:
        make()
    assert "\n" not in str(info.value)
