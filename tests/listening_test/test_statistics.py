"""What a test proves: checked against scipy, by hand, and with listeners whose opinion is known."""

import numpy as np
import pytest
from scipy import stats
from simulated_class import OPINIONS, coverage

from lecture_utils.listening_test import simulation, statistics
from lecture_utils.listening_test.ratings import Rating, Table


def test_fifty_listeners_find_the_true_order_and_intervals_hold_the_truth():
    """With 1,000 repeats in ``make bench``."""
    held, right = coverage(n_listeners=50, repeats=120)
    assert 0.93 <= held <= 0.97 and right == 1


def test_intervals_of_eight_listeners_are_wide_enough():
    held, right = coverage(n_listeners=8, repeats=150)
    assert 0.93 <= held <= 0.97 and right > 0.9


def test_intervals_agree_with_scipy():
    """At the confidence to which few listeners widen them; scipy draws on its own."""
    scores = np.random.default_rng(0).normal(60, 15, 20)
    tail = stats.norm.cdf(np.sqrt(20 / 19) * stats.t.ppf(0.025, 19))
    theirs = stats.bootstrap(
        (scores,),
        np.mean,
        confidence_level=1 - 2 * tail,
        n_resamples=40_000,
        method="percentile",
        random_state=1,
    ).confidence_interval
    ours = statistics.bootstrap_mean(scores, n_resamples=40_000)
    assert ours.mean == pytest.approx(scores.mean()) and ours.n == 20
    assert ours[1:3] == pytest.approx(theirs, abs=0.15)


def test_intervals_know_few_scores_and_none():
    assert statistics.bootstrap_mean([50, 50, 50])[:3] == (50, 50, 50)
    one = statistics.bootstrap_mean([40, np.nan])
    assert one.mean == 40 and one.n == 1 and np.isnan([one.low, one.high]).all()
    with pytest.raises(ValueError, match="none is a number"):
        statistics.bootstrap_mean([np.nan, np.nan])
    with pytest.raises(ValueError, match="confidence"):
        statistics.bootstrap_mean([1, 2], confidence=1)
    narrow, wide = (statistics.bootstrap_mean(np.arange(10), confidence=c) for c in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_difference_is_taken_listener_by_listener():
    severe = np.array([0.0, 30, 60, 10, 45])
    rated = Table(list("vwxyz"), ["a", "b"], np.stack([severe + 8, severe + [3, 5, 4, 3, 5]], 1))
    means = statistics.means(rated)
    assert means["a"].low < means["b"].high  # two intervals side by side can't tell them apart
    better = statistics.difference(rated, "a", "b")
    assert better.mean == pytest.approx(4) and better.low > 2
    assert statistics.difference(rated, "b", "a").mean == pytest.approx(-4)
    with pytest.raises(ValueError, match="'c' was not rated; there are: a, b"):
        statistics.difference(rated, "a", "c")
    with pytest.raises(TypeError, match="give a table"):
        statistics.means([1, 2])


def rated(who, trial, score, stimulus="reference"):
    return Rating("course", who, trial, stimulus, score)


def test_listeners_who_miss_the_reference_are_left_out():
    rows = [rated("good", f"page{k}", 90) for k in range(7)]
    rows += [rated("once", f"page{k}", 89.9 if k == 3 else 100) for k in range(7)]  # 14 %
    rows += [rated("twice", f"page{k}", 50 if k < 2 else 100) for k in range(7)]  # 29 %
    rows += [rated("twice", "page0", 80, "other"), rated("other", "page0", 10, "other")]
    kept, notes = statistics.post_screen(rows)
    assert {row.session_uuid for row in kept} == {"good", "once", "other"}
    assert len(kept) == 15 and len(notes) == 1
    assert notes[0].startswith("Listener twice is left out") and "2 of 7 pages" in notes[0]


def test_simulated_careless_listeners_are_found():
    pages = [simulation.simulate(OPINIONS, 20, t, n_careless=3, seed=k) for k, t in enumerate("xy")]
    kept, notes = statistics.post_screen([row for page in pages for row in page])
    assert [note.split()[1] for note in notes] == [f"simulated-{who}" for who in (18, 19, 20)]
    assert len({row.session_uuid for row in kept}) == 17


def test_sign_test_by_hand():
    assert statistics.sign_test(4, 4) == pytest.approx(1 / 16)
    assert statistics.sign_test(9, 10) == pytest.approx(11 / 1024)
    assert statistics.sign_test(0, 7) == 1
    with pytest.raises(ValueError, match="right=8: give a whole number from 0 to 7"):
        statistics.sign_test(8, 7)


def test_p_values_are_uniform_under_guessing():
    """They are steps: at most `p` of all guessers get `p` or less, exactly so at every step.

    A draw between each step and the one below makes them continuous, and then they must be
    uniform (Kolmogorov and Smirnov).
    """
    n, rng = 16, np.random.default_rng(0)
    p = np.array([statistics.sign_test(right, n) for right in range(n + 1)] + [0])
    hits = rng.binomial(n, 0.5, 4000)
    for right in range(5, 13):
        assert np.mean(p[hits] <= p[right]) == pytest.approx(p[right], abs=0.025)
    between = p[hits + 1] + rng.uniform(size=4000) * (p[hits] - p[hits + 1])
    assert stats.kstest(between, "uniform").pvalue > 0.05


def test_ranks_by_hand():
    ears = {"a": 90, "b": 60, "c": 40, "d": 10, "unheard": np.nan}
    same = statistics.rank_correlation(ears, {"a": 4, "b": 3, "c": 2, "d": 1, "unheard": 0})
    assert same == pytest.approx((1, 1, 4))
    far = {"d": 0.1, "c": 0.2, "b": 0.3, "a": 0.9, "more": 7}
    assert statistics.rank_correlation(ears, far, lower_is_better=True)[:2] == pytest.approx(
        (-1, -1)
    )
    swapped = statistics.rank_correlation(ears, {"a": 3, "b": 4, "c": 2, "d": 1})
    assert swapped == pytest.approx((0.8, 4 / 6, 4))
    assert np.isnan(statistics.rank_correlation(ears, dict.fromkeys("abcd", 1)).spearman)
    with pytest.raises(ValueError, match="2 systems have a number in both"):
        statistics.rank_correlation(ears, {"a": 1, "b": 2, "c": np.nan})


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 9, 12])
def test_orders_favour_no_place_and_no_predecessor(n):
    orders = statistics.williams_orders(n)
    assert orders.shape == (n if n % 2 == 0 or n == 1 else 2 * n, n)
    for lines in (orders, orders.T):
        counts = np.array([np.bincount(line, minlength=n) for line in lines])
        assert (counts == counts.mean()).all()
    follows = np.zeros((n, n), int)
    np.add.at(follows, (orders[:, :-1].ravel(), orders[:, 1:].ravel()), 1)
    assert set(follows[~np.eye(n, dtype=bool)]) <= {1 if n % 2 == 0 else 2}
    assert not follows.diagonal().any()


def test_simulation_refuses_what_is_no_opinion():
    with pytest.raises(TypeError, match="give a dict"):
        simulation.simulate({}, 3, "page")
    with pytest.raises(ValueError, match="opinions\\['a'\\]=101"):
        simulation.simulate({"a": 101}, 3, "page")
    with pytest.raises(ValueError, match="n_careless=4"):
        simulation.simulate({"a": 1}, 3, "page", n_careless=4)
