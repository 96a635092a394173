"""Figures of phrases by hand, and the sets that they are compared with."""

import numpy as np
import pytest

from lecture_utils import pianoroll
from lecture_utils.pianoroll import phrases


def hand_made():
    """Drums on eighths in bar 1; guitar holds C and E in bars 1 and 2; strings hold C sharp."""
    cells = np.zeros((2, 5, 64, 84), bool)
    cells[:, 0, :16:2, 12] = True
    cells[:, 2, :32, [36, 40]] = True
    cells[0, 4, :32:2, 49] = True
    return cells


def test_figures_by_hand():
    found = phrases.describe(hand_made())
    assert found["empty bars"].tolist() == [0.75, 1, 0.5, 1, 0.75]
    np.testing.assert_array_equal(found["used pitch classes"], [np.nan, 2, np.nan, 1])
    np.testing.assert_array_equal(found["qualified notes"], [np.nan, 1, np.nan, 0])
    assert found["drum pattern"].tolist() == [1]
    # notes C, E and 16 times C sharp: D major, say, holds only E and C sharp
    assert found["scale consistency"] == pytest.approx([(17 / 18 + 1) / 2])
    distance = pianoroll.tonal_distance(hand_made()[0, 2], hand_made()[0, 4])
    np.testing.assert_allclose(found["tonal distance"], [np.nan] * 4 + [distance, np.nan])


def test_habits_by_hand():
    cells = np.zeros((2, 5, 64, 84), bool)
    for step, key in ((0, 40), (4, 42), (8, 41), (12, 48), (20, 60), (24, 60)):
        cells[0, 4, step, key] = True  # moves 2, 1, 7, 12, 0
    cells[0, 4, 0, 20] = True  # below the tune
    cells[1, 2, :16, 30] = True  # held: no move, and none from the strings of phrase 0
    cells[0, 0, [0, 8, 32, 40], 12] = True
    cells[1, 0, [0, 8, 32, 41], 12] = True
    found = pianoroll.habits(cells)
    assert found == {
        "leaps": 1 / 5,
        "small intervals": 2 / 5,
        "drums again": 1 / 2,
        "drones": 2 / 3,
    }
    assert all(np.isnan(x) for x in pianoroll.habits(np.zeros((1, 5, 64, 84), bool)).values())


def test_bars_again_by_hand():
    cells = np.zeros((2, 5, 64, 84), bool)
    cells[0, 0, [0, 16, 32, 49], 12] = True  # A A A B
    cells[1, 0, [0, 17, 32, 49], 12] = True  # A B A B
    cells[0, 1, 16, 12] = cells[0, 1, 48, 12] = True  # silent, A, silent, A
    found = pianoroll.bars_again(cells)
    assert found[:2].tolist() == [[1 / 2, 1, 0, 1 / 2, 1 / 2, 0], [0, 0, 0, 0, 1, 0]]
    assert not found[2:].any()


def test_differences_are_means_over_tracks():
    cells, other = hand_made()[:1], hand_made()[:1]
    other[:, 0, 16:32:2, 12] = True  # drums in two bars
    found = phrases.differences(other, cells)
    assert found["empty bars"] == pytest.approx(0.25 / 5)
    assert found["drum pattern"] == found["scale consistency"] == 0


def test_shuffled_keeps_the_number_of_cells_and_nothing_else():
    cells = pianoroll.corpus("test")[0][:20]
    mixed = phrases.shuffled(cells, seed=0)
    assert np.array_equal(mixed.sum((1, 2, 3)), cells.sum((1, 2, 3)))
    assert phrases.nearest(mixed, cells).min() > 0.8
    assert np.array_equal(mixed, phrases.shuffled(cells, seed=0))


def test_random_is_as_dense_by_track():
    cells = pianoroll.corpus("test")[0]
    noise = phrases.random_like(cells, seed=0)
    np.testing.assert_allclose(noise.mean((0, 2, 3)), cells.mean((0, 2, 3)), rtol=0.03)


def test_nearest_by_hand():
    one, other = np.zeros((2, 1, 5, 64, 84), bool)
    one[0, 0, 0, :4] = True
    other[0, 0, 0, 2:8] = True  # two of eight cells in common
    both = np.concatenate([one, other])
    assert phrases.nearest(one, other) == pytest.approx([0.75])
    assert phrases.nearest(both, both) == pytest.approx([0, 0])


def test_a_copy_in_another_key_is_found():
    cells = pianoroll.corpus("test")[0][:5]
    moved = phrases.transposed(cells, 2)
    assert np.array_equal(moved[:, 0], cells[:, 0])  # drums stay
    assert phrases.nearest(moved, cells).min() > 0.1
    assert phrases.nearest(moved, cells, transpose=2) == pytest.approx(np.zeros(5))


def test_transposed_leaves_out_what_leaves_the_keyboard():
    cells = np.zeros((5, 64, 84), bool)
    cells[1, 0, 0] = cells[1, 1, 83] = True
    assert np.argwhere(phrases.transposed(cells, 2)).tolist() == [[1, 0, 2]]
    assert np.argwhere(phrases.transposed(cells, -2)).tolist() == [[1, 1, 81]]


@pytest.mark.parametrize("shape", [(5, 64, 84), (2, 4, 64, 84), (0, 5, 64, 84)])
def test_wrong_shapes_get_one_sentence(shape):
    for call in (phrases.describe, phrases.shuffled, phrases.random_like):
        with pytest.raises(ValueError, match="cells: ") as error:
            call(np.zeros(shape, bool))
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="0 or 1"):
        phrases.nearest(np.full((1, 5, 64, 84), 0.5), hand_made())
