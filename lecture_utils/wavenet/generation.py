"""Drawing sound from a WaveNet, sample by sample: naively, and with everything remembered.

:func:`generate` keeps what each layer has seen in a ring buffer and computes every number once
(the caching of Paine et al. 2016). Used by notebook 03 as ``wavenet.generate``.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lecture_utils import arguments
from lecture_utils.progress import line, noted_interrupts
from lecture_utils.wavenet.mu_law import N_CODES, SILENCE, check_codes, mu_law_decode

if TYPE_CHECKING:
    from tqdm import tqdm

    from lecture_utils.wavenet.network import WaveNet

#: Samples between two looks at the clock and the interrupt: a tenth of a second at 16 kHz, a fifth
#: at 8 kHz.
BLOCK = 1600


@torch.no_grad()
def generate_naive(
    model: WaveNet, n_samples: int, temperature: float = 1.0, seed: int | None = None
) -> np.ndarray:
    """Generate codes ``(n_samples,)`` by running the whole network for every sample: the lesson.

    Each step computes logits for all samples so far and uses the last. :func:`generate` gives the
    same codes for the same seed, hundreds of times faster.
    """
    n_samples, _ = _check_request(model, n_samples, temperature, None)
    uniform = np.random.default_rng(arguments.seed(seed)).random(n_samples, dtype=np.float32)
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
        Of the random numbers that draw codes.
    callback : callable, optional
        Gets the newest codes, every :data:`BLOCK` of them.
    return_codes : bool
        Return codes instead of sound.
    progress : bool
        Show a progress bar, and say beforehand what will take long.

    Returns
    -------
    np.ndarray
        Sound, float32 ``(n_samples,)`` (or codes, int64). After an interrupt, what was made so far.
    """
    n_samples, prime = _check_request(model, n_samples, temperature, prime)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback={arguments.shown(callback)}: give a function of codes.")
    generator = Generator(model, conditioning, n_samples)
    if arguments.flag(progress, "progress"):
        _announce_compilation()
    uniform = np.random.default_rng(arguments.seed(seed)).random(n_samples, dtype=np.float32)
    codes, done = np.zeros(n_samples, np.int64), 0
    codes[: len(prime)] = prime
    bar = line(total=n_samples, unit=" samples", disable=not progress, leave=False)
    # an interrupt is noted, not raised: what the callback got and what is returned stay the same
    try:
        with bar, noted_interrupts(signal.SIGINT) as interrupts:
            while done < n_samples and not interrupts:
                end = min(done + BLOCK, n_samples)
                generator.advance(
                    codes[done:end], uniform[done:end], temperature, len(prime) - done
                )
                fresh, done = codes[done:end], end
                bar.update(len(fresh))
                if progress and done == 10 * BLOCK:
                    _announce_length(bar)
                if callback is not None:
                    callback(fresh)
    except KeyboardInterrupt:  # the second one: nobody wants to wait for the block
        pass
    if done < n_samples:
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
        from lecture_utils.wavenet import inner_loop  # numba takes a second: only when needed

        inner_loop.advance(
            *self.weights, self.dilations, self.offsets, self.rings, self.state,
            self.gates, self.hop_length, codes, uniform, np.float32(temperature), n_forced, keep,
        )  # fmt: skip


def _announce_compilation() -> None:
    """Say why the first call on a machine takes longer."""
    from lecture_utils.wavenet import inner_loop

    kept = Path(inner_loop.advance.stats.cache_path).glob("*.advance-*.nbi")
    if not inner_loop.advance.signatures and not any(kept):
        print("The first sound takes some seconds more: its loop is compiled, then kept on disk.")


def _announce_length(bar: tqdm) -> None:
    """After ten blocks, say how long the rest will take if it is long."""
    elapsed = bar.format_dict["elapsed"]
    left = elapsed / bar.n * (bar.total - bar.n)
    if left > 60:
        bar.write(
            f"{bar.total:,} samples will take about {left / 60:.0f} minutes; "
            "interrupt when you have enough, what was made is kept."
        )


def _check_request(
    model: WaveNet, n_samples: int, temperature: float, prime: np.typing.ArrayLike | None
) -> tuple[int, np.ndarray]:
    if not hasattr(model, "frame_conditioning"):
        raise TypeError(f"model: expected a WaveNet, got {type(model).__name__}.")
    n_samples = arguments.count(n_samples, "n_samples")
    if arguments.number(temperature, "temperature") <= 0:
        raise ValueError(
            f"temperature={temperature!r}: give a number above 0 (0.001 takes the likeliest)."
        )
    prime = np.empty(0, np.int64) if prime is None else check_codes(prime)
    if len(prime) > n_samples:
        raise ValueError(
            f"prime: {len(prime)} codes are more than the {n_samples} samples wanted in all."
        )
    return n_samples, prime


def _gate_conditioning(
    model: WaveNet, conditioning: np.ndarray | None, n_samples: int
) -> np.ndarray:
    """Return each layer's share of the conditioning per frame, ``(frames, layers, 2 residual)``."""
    with torch.inference_mode():
        if conditioning is not None:
            conditioning = arguments.array(conditioning, "conditioning", ("rows", "frames"))
            conditioning = torch.as_tensor(conditioning, dtype=torch.float32)[None]
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
