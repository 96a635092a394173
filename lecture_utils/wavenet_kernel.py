"""The inner loop of WaveNet generation, compiled by numba: one sample after the other.

Called by :func:`lecture_utils.wavenet.generate`, which explains the ring buffers.
"""
# numba infers the types of the arguments
# ruff: noqa: ANN001, ANN201, ANN202

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
    gates, both = np.empty(2 * residual, np.float32), np.empty(residual + skip, np.float32)
    skips, deep = np.empty(skip, np.float32), np.empty(skip, np.float32)
    scores = np.empty(N_CODES, np.float32)
    one, zero, n_frames = np.float32(1), np.float32(0), len(conditioning)
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
            for i in range(residual):
                old, new = rings[slot, i], x[i]
                for j in range(2 * residual):
                    gates[j] += taps[layer, i, j] * old + taps[layer, residual + i, j] * new
                rings[slot, i] = new
            for i in range(residual):
                z[i] = math.tanh(gates[i]) / (one + math.exp(-gates[residual + i]))
            both[:] = out_bias[layer]
            for i in range(residual):
                for j in range(residual + skip):
                    both[j] += out[layer, i, j] * z[i]
            for j in range(residual):
                x[j] += both[j]
            for j in range(skip):
                skips[j] += both[residual + j]
        deep[:] = hidden_bias
        for i in range(skip):
            value = max(skips[i], zero)
            for j in range(skip):
                deep[j] += hidden[i, j] * value
        scores[:] = logit_bias
        for i in range(skip):
            value = max(deep[i], zero)
            for j in range(N_CODES):
                scores[j] += logit[i, j] * value
        if len(keep):
            keep[n] = scores
        if n >= n_forced:
            codes[n] = _draw(scores, temperature, uniform[n])
        previous = codes[n]
        t += 1
    state[0], state[1] = t, previous


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
