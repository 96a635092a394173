r"""WaveNet: sound as a sequence, each sample drawn from what the past makes likely.

``P(x) = prod_t P(x_t | x_1 ... x_{t-1})`` with 256 classes a sample, from a stack of causal,
dilated, gated convolutions (van den Oord et al. 2016). Training looks at all samples at once;
:func:`generate` keeps what each layer has seen in a ring buffer and computes every number once
(the caching of Paine et al. 2016). Used by notebook 03.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from lecture_utils.audio import HOP_LENGTH
from lecture_utils.mu_law import N_CODES, SILENCE, check_codes, mu_law_decode, mu_law_encode

__all__ = [
    "CausalConv1d",
    "GatedResidualBlock",
    "Generator",
    "WaveNet",
    "generate",
    "generate_naive",
    "mu_law_decode",
    "mu_law_encode",
    "negative_log_likelihood",
    "receptive_field",
]

#: Samples between two looks at the clock and the interrupt: a tenth of a second at 16 kHz.
BLOCK = 1600


class CausalConv1d(nn.Conv1d):
    """Convolution whose output at time t sees inputs up to t only: zeros are put on the left.

    ``(batch, in_channels, n) -> (batch, out_channels, n)``.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pad with ``dilation * (kernel_size - 1)`` zeros on the left, then convolve."""
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
        if n_stacks < 1 or n_layers < 1 or n_layers % n_stacks:
            raise ValueError(
                f"n_layers={n_layers} can't be split into n_stacks={n_stacks} equal stacks."
            )
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
        past = F.pad(codes[:, :-1], (1, 0), value=SILENCE)
        x = self.embedding(past).transpose(1, 2)
        frames = self.frame_conditioning(conditioning, codes.shape[1])
        if frames is not None:
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
        need = -(-n_samples // self.conditioning_hop)
        rows, frames = conditioning.shape[-2:]
        if rows != self.conditioning_channels or frames < need:
            raise ValueError(
                f"conditioning: shape ({rows}, {frames}) given; {n_samples} samples at hop "
                f"{self.conditioning_hop} need ({self.conditioning_channels}, {need})."
            )
        if not torch.isfinite(conditioning).all():
            raise ValueError("conditioning: has NaN or infinite entries; remove them first.")
        mean, deviation = self.config["conditioning_mean"], self.config["conditioning_deviation"]
        return self.conditioning((conditioning - mean) / deviation)[..., :need]


def receptive_field(dilations: list[int], kernel_size: int = 2) -> int:
    """Return ``1 + (kernel_size - 1) * sum(dilations)``: samples that reach one output."""
    return 1 + (kernel_size - 1) * sum(dilations)


def stretch(frames: torch.Tensor, hop_length: int, n_samples: int) -> torch.Tensor:
    """Draw straight lines between frame centres: ``(batch, rows, frames)`` to ``(..., n_samples)``.

    Frame t is centred on sample ``(t + 1/2) * hop_length``, as in :mod:`lecture_utils.mel`.
    """
    long = F.interpolate(frames, scale_factor=hop_length, mode="linear", align_corners=False)
    return long[..., :n_samples]


def negative_log_likelihood(logits: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Return the mean surprise in bits per sample: 8 is guessing among 256."""
    return F.cross_entropy(logits, codes) / np.log(2)


def generate_naive(
    model: WaveNet, n_samples: int, temperature: float = 1.0, seed: int | None = None
) -> np.ndarray:
    """Generate codes ``(n_samples,)`` by running the whole network for every sample: the lesson.

    Each step computes logits for all samples so far and uses the last. :func:`generate` gives the
    same codes for the same seed, hundreds of times faster.
    """
    uniform = np.random.default_rng(seed).random(n_samples, dtype=np.float32)
    codes = torch.empty(1, 0, dtype=torch.long)
    for u in uniform:
        recent = codes[:, -model.receptive_field :]
        # one place more: its logits are computed from what stands before it
        logits = model(F.pad(recent, (0, 1), value=SILENCE))[0, :, -1]
        weights = torch.softmax(logits.double() / temperature, 0).cumsum(0)
        code = int(torch.searchsorted(weights, float(u) * float(weights[-1])))
        codes = F.pad(codes, (0, 1), value=min(code, N_CODES - 1))
    return codes[0].numpy()


def generate(
    model: WaveNet,
    n_samples: int,
    conditioning: np.ndarray | None = None,
    temperature: float = 1.0,
    prime: np.typing.ArrayLike | None = None,
    seed: int | None = None,
    callback: Callable[[np.ndarray], None] | None = None,
    return_codes: bool = False,
    progress: bool = True,
) -> np.ndarray:
    """Draw sound from the model, sample by sample, each layer remembering what it needs.

    Parameters
    ----------
    model : WaveNet
        Trained or not.
    n_samples : int
        Samples wanted, the prime included.
    conditioning : np.ndarray, optional
        Shape ``(channels, frames)``, for a conditioned model.
    temperature : float
        Divides the logits: below 1 plays safe, above 1 takes risks. Greater than 0.
    prime : array_like of int, optional
        Codes to begin with; the model continues them.
    seed : int, optional
        For the dice.
    callback : callable, optional
        Gets the newest codes ten times a second of sound.
    return_codes : bool
        Return codes instead of sound.
    progress : bool
        Show a progress bar.

    Returns
    -------
    np.ndarray
        Sound, float32 ``(n_samples,)`` (or codes, int64). After an interrupt, what was made so far.
    """
    n_samples, prime = _check_request(n_samples, temperature, prime)
    generator = Generator(model, conditioning, n_samples)
    uniform = np.random.default_rng(seed).random(n_samples, dtype=np.float32)
    codes, done = np.zeros(n_samples, np.int64), 0
    codes[: len(prime)] = prime
    with tqdm(total=n_samples, unit=" samples", disable=not progress, leave=False) as bar:
        try:
            while done < n_samples:
                end = min(done + BLOCK, n_samples)
                generator.advance(
                    codes[done:end], uniform[done:end], temperature, len(prime) - done
                )
                fresh, done = codes[done:end], end
                bar.update(len(fresh))
                if callback is not None:
                    callback(fresh)
        except KeyboardInterrupt:
            print(f"Stopped after {done} of {n_samples} samples; they are kept.")
    codes = codes[:done]
    return codes if return_codes or not done else mu_law_decode(codes)


class Generator:
    """What generation remembers: one ring buffer per layer, holding its last ``dilation`` inputs.

    A layer at time t needs its input now and ``dilation`` samples ago. Both were computed when
    their time came; nothing is ever computed twice, so a sample costs the same however long the
    sound already is.
    """

    def __init__(self, model: WaveNet, conditioning: np.ndarray | None, n_samples: int) -> None:
        self.weights = _weights(model)
        self.dilations = np.array(model.dilations)
        self.offsets = np.concatenate([[0], np.cumsum(self.dilations)[:-1]])
        residual = self.weights[0].shape[1]
        self.rings = np.zeros((self.dilations.sum(), residual), np.float32)
        self.state = np.array([0, SILENCE])  # samples made so far, the code before
        self.hop_length = model.conditioning_hop
        self.gates = _gate_conditioning(model, conditioning, n_samples)

    def advance(
        self,
        codes: np.ndarray,
        uniform: np.ndarray,
        temperature: float = 1.0,
        n_forced: int = 0,
        logits: np.ndarray | None = None,
    ) -> None:
        """Fill `codes` in place; the first `n_forced` of them are given, not drawn.

        ``logits`` ``(n, 256)``, if given, receives what each code was drawn from.
        """
        keep = np.empty((0, N_CODES), np.float32) if logits is None else logits
        from lecture_utils import wavenet_kernel  # numba takes a second: only when needed

        wavenet_kernel.advance(
            *self.weights, self.dilations, self.offsets, self.rings, self.state,
            self.gates, self.hop_length, codes, uniform, np.float32(temperature), n_forced, keep,
        )  # fmt: skip


def _check_request(
    n_samples: int, temperature: float, prime: np.typing.ArrayLike | None
) -> tuple[int, np.ndarray]:
    if isinstance(n_samples, bool) or not isinstance(n_samples, (int, np.integer)) or n_samples < 1:
        raise ValueError(f"n_samples={n_samples!r}: give a whole number of samples, 1 or more.")
    if not 0 < temperature < np.inf:
        raise ValueError(
            f"temperature={temperature!r}: give a number above 0 (0.001 takes the likeliest)."
        )
    prime = np.empty(0, np.int64) if prime is None else check_codes(prime)
    if len(prime) > n_samples:
        raise ValueError(
            f"prime: {len(prime)} codes are more than the {n_samples} samples wanted in all."
        )
    return int(n_samples), prime


def _gate_conditioning(
    model: WaveNet, conditioning: np.ndarray | None, n_samples: int
) -> np.ndarray:
    """Return each layer's share of the conditioning per frame, ``(frames, layers, 2 residual)``."""
    with torch.inference_mode():
        if conditioning is not None:
            conditioning = torch.as_tensor(np.asarray(conditioning), dtype=torch.float32)[None]
        frames = model.frame_conditioning(conditioning, n_samples)
        if frames is None:
            return np.zeros((0, len(model.layers), 1), np.float32)
        shares = torch.stack([layer.conditioning(frames)[0].T for layer in model.layers], 1)
    return np.ascontiguousarray(shares.float().numpy())


def _weights(model: WaveNet) -> tuple[np.ndarray, ...]:
    """Return float32 weights, inputs first, so that the kernel's inner loops are contiguous."""

    def linear(conv: nn.Conv1d) -> torch.Tensor:
        return conv.weight[:, :, 0].T

    layers, hidden, logits = model.layers, model.output[1], model.output[3]
    tensors = (
        model.embedding.weight,  # (256, residual)
        # (layers, 2 residual, 2 residual): rows of the older sample, then of the present one
        torch.stack([torch.cat([*layer.conv.weight.permute(2, 1, 0)]) for layer in layers]),
        torch.stack([layer.conv.bias for layer in layers]),
        # (layers, residual, residual + skip): the two 1x1 convolutions side by side
        torch.stack([torch.cat([linear(b.residual), linear(b.skip)], 1) for b in layers]),
        torch.stack([torch.cat([b.residual.bias, b.skip.bias]) for b in layers]),
        linear(hidden), hidden.bias, linear(logits), logits.bias,
    )  # fmt: skip
    return tuple(np.ascontiguousarray(t.detach().cpu().float().numpy()) for t in tensors)
