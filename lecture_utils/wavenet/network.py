r"""WaveNet: sound as a sequence, each sample drawn from what the past makes likely.

``P(x) = prod_t P(x_t | x_1 ... x_{t-1})`` with 256 classes a sample, from a stack of causal,
dilated, gated convolutions (van den Oord et al. 2016). Training looks at all samples at once;
the module ``generation`` draws sound from it. Used by notebook 03.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lecture_utils import arguments, mel
from lecture_utils.audio import HOP_LENGTH
from lecture_utils.wavenet.mu_law import N_CODES, SILENCE


class CausalConv1d(nn.Conv1d):
    """Convolution whose output at time t sees inputs up to t only: zeros are put on the left.

    ``(batch, in_channels, n) -> (batch, out_channels, n)``.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pad with ``dilation * (kernel_size - 1)`` zeros on the left, then convolve."""
        x = arguments.tensor(x, "x", ("batch", self.in_channels, "n"), like=self.weight)
        left = self.dilation[0] * (self.kernel_size[0] - 1)
        return super().forward(F.pad(x, (left, 0)))


class GatedResidualBlock(nn.Module):
    """One layer: ``z = tanh(W_f * x + V_f c) . sigmoid(W_g * x + V_g c)`` (equations 2 and 3).

    The residual ``x + W_r z`` goes to the next layer, the skip ``W_s z`` to the output.
    """

    def __init__(
        self, residual_channels: int, skip_channels: int, dilation: int, conditioning_channels: int
    ) -> None:
        super().__init__()
        gates = 2 * residual_channels  # filter and gate are computed by one convolution
        self.conv = CausalConv1d(residual_channels, gates, 2, dilation=dilation)
        self.residual = nn.Conv1d(residual_channels, residual_channels, 1)
        self.skip = nn.Conv1d(residual_channels, skip_channels, 1)
        self.conditioning = (
            nn.Conv1d(conditioning_channels, gates, 1, bias=False)
            if conditioning_channels
            else None
        )

    def forward(
        self, x: torch.Tensor, conditioning: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Map ``(batch, residual, n)`` to the next layer's input and the skip contribution."""
        gates = self.conv(x)
        if conditioning is not None:
            gates = gates + self.conditioning(conditioning)
        filtered, gate = gates.chunk(2, dim=1)
        z = torch.tanh(filtered) * torch.sigmoid(gate)
        return x + self.residual(z), self.skip(z)


class WaveNet(nn.Module):
    """The network: codes ``(batch, n)`` in, logits ``(batch, 256, n)`` out.

    Logit t is computed from codes up to t - 1 (the input is shifted by one, silence comes first),
    so the logits can be compared with the codes themselves.

    Parameters
    ----------
    n_layers, n_stacks : int
        Layers in all, in stacks in which the dilation doubles from 1 on.
    residual_channels, skip_channels : int
        Width of the layers and of the output.
    conditioning_channels : int
        Rows of the conditioning (80 mel bands, or 2 for f0 and dynamics); 0 for none.
    conditioning_hop : int
        Samples a column of the conditioning stands for.
    conditioning_mean, conditioning_deviation : float
        Of the conditioning over the training set: it is brought to mean 0 and deviation 1 first.
    """

    kind = "wavenet.WaveNet"
    #: The first and the last layers: rounded to int8 they would cost a tenth of a bit a sample.
    kept_float16 = ("embedding", "output")

    def __init__(
        self,
        n_layers: int = 20,
        n_stacks: int = 2,
        residual_channels: int = 32,
        skip_channels: int = 64,
        conditioning_channels: int = 0,
        conditioning_hop: int = HOP_LENGTH,
        conditioning_mean: float = 0.0,
        conditioning_deviation: float = 1.0,
    ) -> None:
        super().__init__()
        self.config = {
            "n_layers": n_layers,
            "n_stacks": n_stacks,
            "residual_channels": residual_channels,
            "skip_channels": skip_channels,
            "conditioning_channels": conditioning_channels,
            "conditioning_hop": conditioning_hop,
            "conditioning_mean": conditioning_mean,
            "conditioning_deviation": conditioning_deviation,
        }
        for name in ("n_layers", "n_stacks", "residual_channels", "skip_channels"):
            arguments.count(self.config[name], name)
        arguments.count(conditioning_hop, "conditioning_hop")
        arguments.number(conditioning_channels, "conditioning_channels", 0, whole=True)
        arguments.number(conditioning_mean, "conditioning_mean")
        arguments.number(conditioning_deviation, "conditioning_deviation", 1e-9)
        if n_layers % n_stacks:
            raise ValueError(
                f"n_layers={n_layers} can't be split into n_stacks={n_stacks} equal stacks."
            )
        self.dilations = [2 ** (i % (n_layers // n_stacks)) for i in range(n_layers)]
        self.conditioning_channels, self.conditioning_hop = conditioning_channels, conditioning_hop
        # a one-hot code through a 1x1 convolution is a table look-up
        self.embedding = nn.Embedding(N_CODES, residual_channels)
        # looks one frame ahead and back, before the frames are stretched to samples
        self.conditioning = (
            nn.Conv1d(conditioning_channels, 2 * residual_channels, 3, padding=1)
            if conditioning_channels
            else None
        )
        stretched = 2 * residual_channels if conditioning_channels else 0
        self.layers = nn.ModuleList(
            GatedResidualBlock(residual_channels, skip_channels, dilation, stretched)
            for dilation in self.dilations
        )
        self.output = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(skip_channels, skip_channels, 1),
            nn.ReLU(),
            nn.Conv1d(skip_channels, N_CODES, 1),
        )

    @property
    def receptive_field(self) -> int:
        """How many past samples a prediction sees: ``1 + sum of dilations``."""
        return receptive_field(self.dilations)

    def forward(
        self, codes: torch.Tensor, conditioning: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return logits ``(batch, 256, n)`` for codes ``(batch, n)``.

        ``conditioning`` has the shape ``(batch, channels, frames)`` with
        ``frames = ceil(n / conditioning_hop)`` or more.
        """
        codes = _check_codes(codes)
        past = F.pad(codes[:, :-1], (1, 0), value=SILENCE)
        x = self.embedding(past).transpose(1, 2)
        frames = self.frame_conditioning(conditioning, codes.shape[1])
        if frames is not None:
            if len(frames) != len(codes):
                raise ValueError(f"conditioning: {len(frames)} given for {len(codes)} sounds.")
            frames = stretch(frames, self.conditioning_hop, codes.shape[1])
        skips = 0
        for layer in self.layers:
            x, skip = layer(x, frames)
            skips = skips + skip
        return self.output(skips)

    def frame_conditioning(
        self, conditioning: torch.Tensor | None, n_samples: int
    ) -> torch.Tensor | None:
        """Check the conditioning and run its convolution, still one column a frame."""
        if (conditioning is None) != (self.conditioning is None):
            wanted = f"{self.conditioning_channels} rows" if self.conditioning else "none"
            raise ValueError(
                f"conditioning: this model takes {wanted}; "
                f"{'none' if conditioning is None else 'some'} given."
            )
        if conditioning is None:
            return None
        wanted = "batch", "rows", "frames"
        weight = self.conditioning.weight
        conditioning = arguments.tensor(conditioning, "conditioning", wanted, like=weight)
        need = -(-n_samples // self.conditioning_hop)
        rows, frames = conditioning.shape[-2:]
        if rows != self.conditioning_channels or frames < need:
            raise ValueError(
                f"conditioning: shape ({rows}, {frames}) given; {n_samples} samples at hop "
                f"{self.conditioning_hop} need ({self.conditioning_channels}, {need})."
            )
        if not torch.isfinite(conditioning).all():
            raise ValueError("conditioning: has NaN or infinite entries; remove them first.")
        if rows == mel.PRESETS["course16k"].n_mels:
            mel.warn_about_unit(conditioning.detach().cpu().numpy())
        mean, deviation = self.config["conditioning_mean"], self.config["conditioning_deviation"]
        return self.conditioning((conditioning - mean) / deviation)[..., :need]


def _check_codes(codes: torch.Tensor) -> torch.Tensor:
    """Return codes ``(batch, n)`` as int64, or say what is wrong with them."""
    arguments.tensor(codes, "codes", ("batch", "n"))
    if codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
        raise TypeError(f"codes: got {codes.dtype}; encode sound with mu_law_encode(x) first.")
    codes = codes.long()
    if codes.min() < 0 or codes.max() >= N_CODES:
        raise ValueError(
            f"codes: {codes.min()} to {codes.max()} found; codes lie in 0 .. {N_CODES - 1}."
        )
    return codes


def receptive_field(dilations: list[int], kernel_size: int = 2) -> int:
    """Return ``1 + (kernel_size - 1) * sum(dilations)``: samples that reach one output."""
    kernel_size = arguments.count(kernel_size, "kernel_size")
    return 1 + (kernel_size - 1) * sum(arguments.counts(dilations, "dilations"))


def stretch(frames: torch.Tensor, hop_length: int, n_samples: int) -> torch.Tensor:
    """Draw straight lines between frame centres: ``(batch, rows, frames)`` to ``(..., n_samples)``.

    Frame t is centred on sample ``(t + 1/2) * hop_length``, as in :mod:`lecture_utils.mel`.
    """
    long = F.interpolate(frames, scale_factor=hop_length, mode="linear", align_corners=False)
    return long[..., :n_samples]


def negative_log_likelihood(logits: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Return the mean surprise in bits per sample: 8 is guessing among 256."""
    codes = _check_codes(codes)
    wanted = len(codes), N_CODES, codes.shape[1]
    logits = arguments.tensor(logits, "logits", wanted, like=torch.zeros(()))
    return F.cross_entropy(logits, codes) / np.log(2)
