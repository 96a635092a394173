r"""Linear prediction: what "autoregressive" means in signal processing.

``x_t = a_1 x_{t-1} + ... + a_p x_{t-p} + e_t``: the next sample is a weighted sum of the last p,
plus a surprise e. The same idea as WaveNet with a straight line in place of a network
(Makhoul 1975). Used by notebook 03.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, signal, special

from lecture_utils import arguments
from lecture_utils.audio import as_audio
from lecture_utils.wavenet.mu_law import N_CODES, mu_law_decode, mu_law_encode


def fit(x: np.typing.ArrayLike, order: int = 32) -> np.ndarray:
    """Find the weights with the smallest squared surprise (autocorrelation method).

    Parameters
    ----------
    x : array_like
        Sound, shape ``(n,)``.
    order : int
        Samples looked back, p.

    Returns
    -------
    np.ndarray
        float64, shape ``(order,)``; the first weighs the latest sample.
    """
    order = arguments.count(order, "order")
    x = as_audio(x, min_samples=2 * order).astype(np.float64)

    size = 2 ** int(np.ceil(np.log2(2 * len(x))))
    correlation = np.fft.irfft(np.abs(np.fft.rfft(x, size)) ** 2)[: order + 1]
    if correlation[0] == 0:
        raise ValueError("audio: is silent; there is nothing to predict.")
    correlation[0] *= 1 + 1e-9  # keeps the equations solvable for a pure tone
    return linalg.solve_toeplitz(correlation[:-1], correlation[1:])


def predict(x: np.typing.ArrayLike, weights: np.ndarray) -> np.ndarray:
    """Predict each sample from those before it (zeros before the first), float64 ``(n,)``."""
    x, weights = as_audio(x).astype(np.float64), arguments.array(weights, "weights", ("order",))
    return signal.lfilter(np.concatenate([[0.0], weights]), [1.0], x)


def residual(x: np.typing.ArrayLike, weights: np.ndarray) -> np.ndarray:
    """Return the surprises ``x - predict(x)``, float64 ``(n,)``."""
    return as_audio(x) - predict(x, weights)


def synthesise(surprises: np.typing.ArrayLike, weights: np.ndarray) -> np.ndarray:
    """Run the prediction the other way: from surprises back to sound, float64 ``(n,)``."""
    weights = arguments.array(weights, "weights", ("order",))
    return signal.lfilter([1.0], np.concatenate([[1.0], -weights]), as_audio(surprises))


def bits_per_sample(
    x: np.typing.ArrayLike, weights: np.ndarray, deviation: float | np.ndarray
) -> float:
    """Mean surprise in bits when mu-law codes are predicted with a Gaussian around the line.

    Each of the 256 codes gets the probability of its interval, so that the result compares with
    WaveNet's. Past samples are the decoded codes, as WaveNet sees them. `deviation` is one number,
    or one for each sample.
    """
    codes = mu_law_encode(x)
    if hasattr(deviation, "__len__"):
        deviation = arguments.array(deviation, "deviation", ("n",))
        if deviation.shape != codes.shape or deviation.min() <= 0:
            raise ValueError(f"deviation: give one number above 0, or {len(codes)} of them.")
    else:
        deviation = arguments.number(deviation, "deviation", 1e-12)

    decoded = mu_law_decode(np.arange(N_CODES)).astype(np.float64)
    edges = np.concatenate([[-np.inf], (decoded[1:] + decoded[:-1]) / 2, [np.inf]])
    prediction = predict(decoded[codes], weights)
    low, high = edges[codes] - prediction, edges[codes + 1] - prediction
    # in the upper tail both probabilities are near one; mirrored, the difference keeps its digits
    low, high = np.where(low > 0, -high, low), np.where(low > 0, -low, high)
    probability = special.ndtr(high / deviation) - special.ndtr(low / deviation)
    return float(-np.mean(np.log2(np.maximum(probability, 1e-12))))


def fit_deviation(x: np.typing.ArrayLike, weights: np.ndarray) -> float:
    """Find the Gaussian's standard deviation that codes `x` in the fewest bits."""
    spread = max(1e-9, float(np.std(residual(x, weights))))
    tried = spread * np.geomspace(0.05, 5, 25)
    return float(tried[np.argmin([bits_per_sample(x, weights, s) for s in tried])])
