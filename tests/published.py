"""Published vocoder checkpoints, imitated: the same networks under the old normalisation API."""

import copy
import warnings

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import _SpectralNorm

from lecture_utils.vocoder import remove_weight_norm


def old_twin(module: nn.Module, gain: float = 2.0) -> nn.Module:
    """Copy a module with ``torch.nn.utils.weight_norm`` / ``spectral_norm``, as published code has.

    Weights are multiplied by `gain`, because those of a fresh network are so small that
    mistakes would hide.
    """
    twin = copy.deepcopy(module)
    layers = [m for m in twin.modules() if parametrize.is_parametrized(m, "weight")]
    spectral = [m for m in layers if isinstance(m.parametrizations.weight[0], _SpectralNorm)]
    remove_weight_norm(twin)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)
        for layer in layers:
            if layer in spectral:
                nn.utils.spectral_norm(layer)
                layer.weight_orig.mul_(gain)
            else:
                nn.utils.weight_norm(layer)
                layer.weight_g.mul_(gain)
                layer.weight_v.mul_(1.7)  # only its direction may count
    return twin.eval()


def folded(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return plain weights and biases of an old weight-normed state dict: ``w = g v / |v|``."""
    plain = {k: v for k, v in state.items() if not k.endswith(("weight_g", "weight_v"))}
    for key, v in state.items():
        if key.endswith("weight_v"):
            norm = v.flatten(1).norm(dim=1).view(-1, *[1] * (v.ndim - 1))
            plain[key[:-2]] = state[key[:-1] + "g"] * v / norm
    return plain


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
