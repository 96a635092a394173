"""WaveNet generation in plain PyTorch with a cache: the fair peer of the compiled loop.

Rings allocated once, one matrix product where the taps meet, all skips in one product at the end,
no autograd: as fast as separate PyTorch calls get. Used by ``make bench`` and the tests.
"""

import numpy as np
import torch
from torch.nn import functional as F

from lecture_utils.wavenet.mu_law import SILENCE


@torch.inference_mode()
def generate(model, n_samples, conditioning=None, temperature=1.0, seed=None):
    """Draw codes ``(n_samples,)`` with the same random numbers as ``wavenet.generate``."""
    uniform = np.random.default_rng(seed).random(n_samples, dtype=np.float32)
    shares = None
    if conditioning is not None:  # every layer's share for every sample, made in advance
        frames = model.frame_conditioning(torch.as_tensor(conditioning)[None], n_samples)
        wide = F.interpolate(frames, scale_factor=model.conditioning_hop, mode="linear")
        shares = torch.stack([layer.conditioning(wide)[0].T for layer in model.layers])
    layers = []
    for layer in model.layers:
        taps = layer.conv.weight.permute(0, 2, 1).flatten(1).contiguous()
        ring = torch.zeros(layer.conv.dilation[0], taps.shape[1] // 2)
        layers.append((taps, layer.conv.bias, ring, layer.residual.weight[:, :, 0].contiguous(),
                       layer.residual.bias))  # fmt: skip
    skip = torch.cat([layer.skip.weight[:, :, 0] for layer in model.layers], 1)
    skip_bias = sum(layer.skip.bias for layer in model.layers)
    (hidden, hidden_bias), (last, last_bias) = (
        (model.output[i].weight[:, :, 0].contiguous(), model.output[i].bias) for i in (1, 3)
    )
    code, codes = SILENCE, np.empty(n_samples, np.int64)
    for t in range(n_samples):
        x, gated = model.embedding.weight[code], []
        for i, (taps, bias, ring, residual, residual_bias) in enumerate(layers):
            slot = ring[t % len(ring)]
            gates = torch.addmv(bias, taps, torch.cat([slot, x]))
            if shares is not None:
                gates += shares[i, t]
            slot.copy_(x)
            filtered, gate = gates.chunk(2)
            z = torch.tanh(filtered) * torch.sigmoid(gate)
            gated.append(z)
            x = x + torch.addmv(residual_bias, residual, z)
        deep = torch.addmv(skip_bias, skip, torch.cat(gated)).relu_()
        deep = torch.addmv(hidden_bias, hidden, deep).relu_()
        scores = torch.addmv(last_bias, last, deep).numpy().astype(np.float64) / temperature
        ladder = np.cumsum(np.exp(scores - scores.max()))
        code = min(int(np.searchsorted(ladder, uniform[t] * ladder[-1], "right")), len(ladder) - 1)
        codes[t] = code
    return codes
