"""Published vocoder checkpoints, imitated: the same networks under the old normalisation API."""

import copy
import warnings

import torch
from torch import nn
from torch.nn import functional as F
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


def hifi_gan_written_out(w, x, c):
    """Compute HiFi-GAN's generator with bare convolutions, from folded weights and sizes."""

    def conv(key, x, dilation=1):
        kernel = w[f"{key}.weight"].shape[-1]
        return F.conv1d(x, w[f"{key}.weight"], w[f"{key}.bias"], dilation=dilation,
                        padding=dilation * (kernel - 1) // 2)  # fmt: skip

    x, block = conv("conv_pre", x), 0
    for stage, (rate, kernel) in enumerate(zip(c["rates"], c["kernels"], strict=True)):
        x = F.conv_transpose1d(F.leaky_relu(x, 0.1), w[f"ups.{stage}.weight"],
                               w[f"ups.{stage}.bias"], rate, (kernel - rate) // 2)  # fmt: skip
        total = 0
        for dilations in c["dilations"]:
            y = x
            for i, dilation in enumerate(dilations):
                key = f"resblocks.{block}.convs"
                if c["pairs"]:
                    z = conv(f"{key}1.{i}", F.leaky_relu(y, 0.1), dilation)
                    y = y + conv(f"{key}2.{i}", F.leaky_relu(z, 0.1))
                else:
                    y = y + conv(f"{key}.{i}", F.leaky_relu(y, 0.1), dilation)
            total, block = total + y, block + 1
        x = total / len(c["dilations"])
    return torch.tanh(conv("conv_post", F.leaky_relu(x, 0.01)))


def melgan_written_out(w, x):
    """Compute MelGAN's generator with bare convolutions, from folded weights."""

    def conv(key, x, pad=0, dilation=1):
        x = F.pad(x, (pad, pad), mode="reflect") if pad else x
        return F.conv1d(x, w[f"model.{key}.weight"], w[f"model.{key}.bias"], dilation=dilation)

    x, i = conv(1, x, 3), 3  # 0 is padding, 2 an activation
    for rate in (8, 8, 2, 2):
        x = F.conv_transpose1d(F.leaky_relu(x, 0.2), w[f"model.{i}.weight"], w[f"model.{i}.bias"],
                               rate, rate // 2)  # fmt: skip
        for j, dilation in enumerate((1, 3, 9), start=i + 1):
            y = conv(f"{j}.block.2", F.leaky_relu(x, 0.2), dilation, dilation)
            x = conv(f"{j}.shortcut", x) + conv(f"{j}.block.4", F.leaky_relu(y, 0.2))
        i += 5
    return torch.tanh(conv(i + 1, F.leaky_relu(x, 0.2), 3))


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
