"""The network of the diffusion models: a small conditional U-Net with attention along time.

Used by notebook 02.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lecture_utils import arguments


def time_embedding(t: torch.Tensor, size: int) -> torch.Tensor:
    """Write steps ``(batch,)`` as sines and cosines of falling frequency, ``(batch, size)``."""
    if not isinstance(t, torch.Tensor) or t.ndim != 1:
        raise TypeError(f"t: expected a tensor of steps, one for each example; got {_shown(t)}.")
    t = arguments.tensor(t, "t", like=torch.zeros(()))
    if arguments.number(size, "size", 4, whole=True) % 2:
        raise ValueError(f"size={size}: half of them are sines, half cosines; give an even number.")

    rates = torch.exp(-np.log(10_000) * torch.arange(size // 2, device=t.device) / (size // 2 - 1))
    angles = t.float()[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


def _shown(value: object) -> str:
    shape = getattr(value, "shape", None)
    return arguments.shown(value) if shape is None else f"shape {tuple(shape)}"


class ResidualBlock(nn.Module):
    """Two convolutions with a shortcut; the time comes in between them."""

    def __init__(self, inputs: int, outputs: int, time: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(8, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1)
        )
        self.time = nn.Linear(time, outputs)
        self.second = nn.Sequential(
            nn.GroupNorm(8, outputs), nn.SiLU(), nn.Conv2d(outputs, outputs, 3, padding=1)
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.second[-1].weight)  # each block begins as its shortcut
        nn.init.zeros_(self.second[-1].bias)

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Apply the block to ``(batch, inputs, rows, columns)``."""
        y = self.first(x) + self.time(time)[:, :, None, None]
        return self.shortcut(x) + self.second(y)


class TimeAttention(nn.Module):
    """Each row looks along its own time line, as far as the window goes.

    In a window that holds several sections, one can be copied from its like.
    """

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(8, channels)
        self.into = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend over the columns of ``(batch, channels, rows, columns)``."""
        qkv = self.into(self.norm(x)).unflatten(1, (3, self.heads, -1))  # b, 3, h, c, rows, cols
        q, k, v = qkv.permute(1, 0, 4, 2, 5, 3)  # each b, rows, h, cols, c
        y = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(y.permute(0, 2, 4, 1, 3).flatten(1, 2))


class UNet(nn.Module):
    """Small conditional U-Net: noisy image, step and condition to the noise (Ho et al. 2020).

    Three sizes of the image: full, half and quarter; on the smaller two, attention along time.

    Parameters
    ----------
    channels : int
        Of the image ``(batch, channels, rows, columns)``; rows and columns are multiples of 4.
    condition_channels : int
        Of an image of the same rows and columns that is seen, not made: the level above.
    width : int
        Features at full size, a multiple of 8; twice as many at the smaller sizes.
    """

    kind = "unet.UNet"

    def __init__(self, channels: int, condition_channels: int = 0, width: int = 32) -> None:
        super().__init__()
        channels = arguments.count(channels, "channels")
        told = arguments.number(condition_channels, "condition_channels", 0, whole=True)
        if arguments.number(width, "width", 8, whole=True) % 8:
            raise ValueError(f"width={width}: a multiple of 8 is needed.")
        self.config = {
            "channels": channels, "condition_channels": told, "width": width,
        }  # fmt: skip
        time, wide = 4 * width, 2 * width
        self.time = nn.Sequential(
            nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time), nn.SiLU()
        )
        self.into = nn.Conv2d(channels + told, width, 3, padding=1)
        self.down = nn.ModuleList(
            [ResidualBlock(width, width, time), ResidualBlock(width, wide, time),
             ResidualBlock(wide, wide, time)]
        )  # fmt: skip
        self.up = nn.ModuleList(
            [ResidualBlock(2 * wide, wide, time), ResidualBlock(2 * wide, wide, time),
             ResidualBlock(wide + width, width, time)]
        )  # fmt: skip
        self.middle = ResidualBlock(wide, wide, time)
        self.attention = nn.ModuleList([TimeAttention(wide) for _ in range(4)])
        self.out = nn.Sequential(
            nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, channels, 3, padding=1)
        )
        nn.init.zeros_(self.out[-1].weight)
        nn.init.zeros_(self.out[-1].bias)

    def forward(
        self, x: torch.Tensor, t: torch.Tensor, condition: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Predict the noise in `x` at steps `t` ``(batch,)``.

        Raises
        ------
        TypeError, ValueError
            If these are no tensors, channels are not those of the configuration, or the sizes are
            no multiples of 4.
        """
        for name, image in (("x", x), ("condition", x if condition is None else condition)):
            if not isinstance(image, torch.Tensor) or image.ndim != 4:
                raise TypeError(
                    f"{name}: expected a tensor (batch, channels, rows, columns), "
                    f"got {_shown(image)}."
                )
        x = arguments.tensor(x, "x", like=self.into.weight)
        if condition is not None:
            condition = arguments.tensor(condition, "condition", like=self.into.weight)
        wanted = self.config["channels"], self.config["condition_channels"]
        given = x.shape[1], 0 if condition is None else condition.shape[1]
        if given != wanted or x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError(
                f"Expected {wanted[0]} channels, a condition of {wanted[1]}, rows and columns in "
                f"fours; got {given[0]}, {given[1]} and {tuple(x.shape[2:])}."
            )
        if condition is not None and (len(condition), *condition.shape[2:]) != (
            len(x), *x.shape[2:]
        ):  # fmt: skip
            raise ValueError(f"condition: {_shown(condition)} does not fit x, {_shown(x)}.")
        time = self.time(time_embedding(t, self.config["width"]))
        x = x if condition is None else torch.cat([x, condition], 1)
        full = self.down[0](self.into(x), time)
        half = self.attention[0](self.down[1](F.avg_pool2d(full, 2), time))
        quarter = self.attention[1](self.down[2](F.avg_pool2d(half, 2), time))
        x = self.attention[2](self.middle(quarter, time))
        x = self.up[0](torch.cat([x, quarter], 1), time)
        x = F.interpolate(x, scale_factor=2)
        x = self.attention[3](self.up[1](torch.cat([x, half], 1), time))
        x = F.interpolate(x, scale_factor=2)
        return self.out(self.up[2](torch.cat([x, full], 1), time))
