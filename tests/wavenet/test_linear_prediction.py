"""Linear prediction on processes whose weights and entropy are known."""

import numpy as np
import pytest
from scipy import signal

from lecture_utils.wavenet import linear_prediction as lp
from lecture_utils.wavenet.mu_law import mu_law_decode, mu_law_encode

WEIGHTS = np.array([1.6, -0.81])


def process(n=200_000, deviation=0.02, seed=0):
    surprises = np.random.default_rng(seed).normal(0, deviation, n)
    return signal.lfilter([1.0], np.concatenate([[1.0], -WEIGHTS]), surprises), surprises


def test_fit_finds_the_weights():
    x, surprises = process()
    found = lp.fit(x, 4)
    assert np.abs(found - [*WEIGHTS, 0, 0]).max() < 0.01
    assert np.std(lp.residual(x, found)) == pytest.approx(np.std(surprises), rel=1e-3)


def test_prediction_is_causal_and_synthesis_undoes_the_residual():
    x, _ = process(5000)
    weights = lp.fit(x, 8)
    changed = x.copy()
    changed[3000] += 0.1
    moved = np.nonzero(lp.predict(x, weights) != lp.predict(changed, weights))[0]
    assert moved.min() == 3001 and moved.max() == 3008
    assert np.abs(lp.synthesise(lp.residual(x, weights), weights) - x).max() < 1e-4


def test_bits_are_the_entropy_of_the_surprises():
    """White Gaussian noise: its entropy per code, computed without any prediction."""
    deviation = 0.1
    x = np.random.default_rng(0).normal(0, deviation, 100_000)
    codes = mu_law_encode(x)
    share = np.bincount(codes, minlength=256) / len(codes)
    entropy = -np.sum(share[share > 0] * np.log2(share[share > 0]))
    assert lp.bits_per_sample(x, np.zeros(1), deviation) == pytest.approx(entropy, abs=0.02)
    assert lp.bits_per_sample(x, np.zeros(1), 2 * deviation) > entropy + 0.2
    each = np.full(len(x), deviation)  # one for each sample
    assert lp.bits_per_sample(x, np.zeros(1), each) == lp.bits_per_sample(x, np.zeros(1), deviation)
    for wrong in (each[1:], -each):
        with pytest.raises(ValueError, match="one number above 0, or"):
            lp.bits_per_sample(x, np.zeros(1), wrong)
    assert lp.fit_deviation(x, np.zeros(1)) == pytest.approx(deviation, rel=0.15)


def test_probabilities_of_all_codes_sum_to_one():
    """Each code in turn after the same past: 2 ** -bits summed is one."""
    past, weights = np.full(40, 0.1), np.array([0.9])
    total = 0.0
    for code in range(256):
        x = np.append(past, mu_law_decode(np.array([code])))
        bits = (
            lp.bits_per_sample(x, weights, 0.05) * 41 - lp.bits_per_sample(past, weights, 0.05) * 40
        )
        total += 2**-bits
    assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lp.fit(np.zeros(1000)), "silent"),
        (lambda: lp.fit(np.ones(10)), "at least 64"),
        (lambda: lp.fit(np.ones(1000), 0), "order"),
        (lambda: lp.fit([np.nan] * 100), "is nan"),
    ],
)
def test_wrong_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("kind", ["clicks", "coarse codes"])
def test_deviation_is_searched_far_from_that_of_the_surprises(kind):
    """Rare clicks want a smaller one; codes coarser than the surprises want a larger one."""
    if kind == "clicks":
        x, weights = np.random.default_rng(0).normal(0, 0.004, 20_000), np.zeros(1)
        x[::1000] = 0.9
        low, high = 0.05, 0.3
    else:
        surprises, weights = np.random.default_rng(0).normal(0, 0.001, 20_000), [1.99, -0.995]
        x = lp.synthesise(surprises, np.array(weights))
        low, high = 2, 5
    found, spread = lp.fit_deviation(x, weights), np.std(lp.residual(x, weights))
    dense = min(lp.bits_per_sample(x, weights, s) for s in spread * np.geomspace(0.01, 20, 100))
    assert low < found / spread < high
    assert lp.bits_per_sample(x, weights, found) < dense + 0.02
