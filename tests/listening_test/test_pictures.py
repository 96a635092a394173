"""Pictures show the numbers that they are given, the best on top."""

import numpy as np
import pytest

from lecture_utils.listening_test import draw_listeners, draw_means
from lecture_utils.listening_test.ratings import Table
from lecture_utils.listening_test.statistics import Mean

MEANS = {
    "reference": Mean(97, 95, 99, 9),
    "new": Mean(60, 52, 66, 9),
    "one": Mean(9, np.nan, np.nan, 1),
}


def test_means_lie_in_rows_from_the_top():
    ax = draw_means(MEANS, title="The sentence")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["hidden original", "new", "one"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is on top
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [(p.get_xdata()[0], p.get_ydata()[0]) for p in points] == [(97, 0), (60, 1), (9, 2)]
    bars = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2]
    assert any(np.array_equal(bar, [52, 66]) for bar in bars)
    assert "70\ngood" in [t.get_text() for t in ax.get_xticklabels()]
    assert ax.get_xlabel() == "score (points)" and ax.get_title() == "The sentence"


def test_each_listener_has_a_line_and_the_own_one_is_thick():
    scores = np.array([[10.0, 90, 50], [20, 80, np.nan], [30, 70, 40]])
    ax = draw_listeners(Table(["x", "y", "me"], ["a", "reference", "b"], scores), own="me")
    names = [t.get_text() for t in ax.get_xticklabels()]
    assert names == ["hidden original", "b", "a"]
    lines = {tuple(line.get_ydata()): line for line in ax.lines if len(line.get_ydata()) == 3}
    assert lines[(70, 40, 30)].get_linewidth() > lines[(90, 50, 10)].get_linewidth()
    with pytest.raises(ValueError, match="no such listener"):
        draw_listeners(Table(["x"], ["a"], scores[:1, :1]), own="me")
    with pytest.raises(TypeError, match="give what listening_test.means"):
        draw_means({})
