"""The inner loop of WaveNet generation, compiled by numba: one sample after the other.

Called by :func:`lecture_utils.wavenet.generate`, which explains the ring buffers.
"""
# numba infers the types of the arguments
# ruff: noqa: ANN001, ANN201

import math

import numba
import numpy as np

N_CODES = 256


@numba.njit(fastmath=True, cache=True, error_model="numpy")
def advance(
    embedding, taps, gate_bias, out, out_bias, hidden, hidden_bias, logit, logit_bias,
    dilations, offsets, rings, state, conditioning, hop_length,
    codes, uniform, temperature, n_forced, keep,
):  # fmt: skip
    """Compute ``len(codes)`` samples. Plain loops: numba turns the inner ones into vector code."""
    n_layers, residual, skip = len(taps), embedding.shape[1], len(hidden)
    x, z = np.empty(residual, np.float32), np.empty(residual, np.float32)
    taken = np.empty(2 * residual, np.float32)
    gates, both = np.empty(2 * residual, np.float32), np.empty(residual + skip, np.float32)
    skips, deep = np.empty(skip, np.float32), np.empty(skip, np.float32)
    scores = np.empty(N_CODES, np.float32)
    half, zero, n_frames = np.float32(0.5), np.float32(0), len(conditioning)
    t, previous = state[0], state[1]
    for n in range(len(codes)):
        x[:] = embedding[previous]
        skips[:] = zero
        if n_frames:  # between which two frame centres are we, and how far along?
            place = (t + 0.5) / hop_length - 0.5
            before = int(math.floor(place))
            along = np.float32(place - before)
            after = min(max(before + 1, 0), n_frames - 1)
            before = min(max(before, 0), n_frames - 1)
        for layer in range(n_layers):
            slot = offsets[layer] + t % dilations[layer]
            if n_frames:
                for j in range(2 * residual):
                    a, b = conditioning[before, layer, j], conditioning[after, layer, j]
                    gates[j] = gate_bias[layer, j] + a + along * (b - a)
            else:
                gates[:] = gate_bias[layer]
            taken[:residual] = rings[slot]
            taken[residual:] = x
            rings[slot] = x
            _add_product(gates, taps[layer], taken)
            for i in range(residual):
                z[i] = _tanh(gates[i]) * (half + half * _tanh(half * gates[residual + i]))
            both[:] = out_bias[layer]
            _add_product(both, out[layer], z)
            for j in range(residual):
                x[j] += both[j]
            for j in range(skip):
                skips[j] += both[residual + j]
        deep[:] = hidden_bias
        _add_product(deep, hidden, np.maximum(skips, zero))
        scores[:] = logit_bias
        _add_product(scores, logit, np.maximum(deep, zero))
        if len(keep):
            keep[n] = scores
        if n >= n_forced:
            codes[n] = _draw(scores, temperature, uniform[n])
        previous = codes[n]
        t += 1
    state[0], state[1] = t, previous


@numba.njit(fastmath=True, cache=True, error_model="numpy")
def _add_product(total, matrix, x):
    """Add ``x @ matrix``, four rows at a time: so the total is fetched and stored less often."""
    n_whole = len(x) // 4 * 4
    for i in range(0, n_whole, 4):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        for j in range(len(total)):
            first_two = matrix[i, j] * a + matrix[i + 1, j] * b
            total[j] += first_two + matrix[i + 2, j] * c + matrix[i + 3, j] * d
    for i in range(n_whole, len(x)):
        for j in range(len(total)):
            total[j] += matrix[i, j] * x[i]


@numba.njit(fastmath=True, cache=True, error_model="numpy")
def _tanh(x):
    """Hyperbolic tangent to 3e-7 by arithmetic alone, which a processor does for 16 x at a time.

    Lambert's continued fraction is exact enough for tanh(x / 4) = p / q; the double angle
    ``tanh 2y = 2 tanh y / (1 + tanh^2 y)`` brings it to x in two steps, with one division.
    """
    y = min(max(x, np.float32(-9)), np.float32(9)) * np.float32(0.25)
    u = y * y
    p = y * (
        np.float32(1) + u * (np.float32(17325 / 135135) + u * (np.float32(378 / 135135)
        + u * np.float32(1 / 135135)))
    )  # fmt: skip
    q = np.float32(1) + u * (
        np.float32(62370 / 135135) + u * (np.float32(3150 / 135135) + u * np.float32(28 / 135135))
    )
    p, q = np.float32(2) * p * q, p * p + q * q
    return np.float32(2) * p * q / (p * p + q * q)


@numba.njit(fastmath=True, cache=True, error_model="numpy")
def _draw(scores, temperature, u):
    """Draw a code with probability proportional to ``exp(score / temperature)``."""
    top, total = scores.max(), 0.0
    for j in range(N_CODES):
        scores[j] = math.exp((scores[j] - top) / temperature)
        total += scores[j]
    level, running = u * total, 0.0
    for j in range(N_CODES):
        running += scores[j]
        if running > level:
            return j
    return N_CODES - 1
