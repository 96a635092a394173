"""Listeners who exist only in the computer, with preferences that are known.

They show what an analysis can find before anybody has listened, and test it: the true order must
come out. They prove nothing about the sounds. Used by notebook 09.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lecture_utils import arguments
from lecture_utils.listening_test.ratings import REFERENCE, Rating


def simulate(
    opinions: Mapping[str, float],
    n_listeners: int,
    trial: str,
    test: str = "simulated",
    n_careless: int = 0,
    taste: float = 8.0,
    severity: float = 6.0,
    seed: int = 0,
) -> list[Rating]:
    """Let simulated listeners rate a trial.

    Each one is more or less severe than the mean, has a taste of his or her own about each system,
    and uses whole points from 0 to 100. The hidden reference is found, and gets 91 to 100.

    Parameters
    ----------
    opinions : mapping of str to float
        What listeners think of each stimulus in the mean, 0 to 100.
    n_listeners : int
        How many; their codes are "simulated-01" and so on, the same in every trial.
    trial, test : str
        Names of the page and of the test.
    n_careless : int
        How many of them, the last ones, rate without listening.
    taste, severity : float
        Standard deviations in points: one draw for each rating, one for each listener.
    seed : int
        Makes them repeatable.

    Returns
    -------
    list of Rating
    """
    if not isinstance(opinions, Mapping) or not opinions:
        raise TypeError("opinions: give a dict of stimulus: mean score, one or more.")
    for name, mean in opinions.items():
        arguments.number(mean, f"opinions[{name!r}]", 0, 100)
    trial, test = arguments.text(trial, "trial"), arguments.text(test, "test")
    n = arguments.number(n_listeners, "n_listeners", 1, 100_000, whole=True)
    n_careless = arguments.number(n_careless, "n_careless", 0, n, whole=True)
    taste, severity = (
        arguments.number(taste, "taste", 0, 100),
        arguments.number(severity, "severity", 0, 100),
    )

    rng = np.random.default_rng(arguments.seed(seed))
    shape = (n, len(opinions))
    scores = np.array([*opinions.values()]) + severity * rng.normal(size=(n, 1))
    scores = scores + taste * rng.normal(size=shape)
    if REFERENCE in opinions:
        below = np.minimum(9, np.abs(4 * rng.normal(size=n)))
        scores[:, [*opinions].index(REFERENCE)] = 100 - below
    careless = rng.uniform(0, 100, shape)
    scores[n - n_careless :] = careless[n - n_careless :]
    scores = np.clip(np.round(scores), 0, 100)
    return [
        Rating(test, f"simulated-{who + 1:02}", trial, stimulus, float(scores[who, k]))
        for who in range(n)
        for k, stimulus in enumerate(opinions)
    ]
