"""How often intervals hold the truth, over many classes of simulated listeners."""

import numpy as np

from lecture_utils.listening_test import simulation, statistics
from lecture_utils.listening_test.ratings import table

OPINIONS = {"a": 30.0, "b": 42.0, "c": 50.0, "d": 61.0, "e": 75.0, "reference": 100.0}


def coverage(n_listeners, repeats, n_resamples=999):
    """Share of 95 % intervals that hold the true mean, and of repeats with the true order."""
    everybody = table(simulation.simulate(OPINIONS, 20_000, "page", seed=10**6), "page")
    truth = dict(zip(everybody.stimuli, everybody.scores.mean(axis=0), strict=True))
    order, held, right = sorted(truth, key=truth.get, reverse=True), [], []
    for seed in range(repeats):
        rated = table(simulation.simulate(OPINIONS, n_listeners, "page", seed=seed), "page")
        found = statistics.means(rated, n_resamples=n_resamples, seed=seed)
        right.append([*found] == order)
        held.append([mean.low <= truth[name] <= mean.high for name, mean in found.items()])
    return np.mean(held), np.mean(right)
