"""The WaveNet recipes: a piano without and with a score, a violin told by a mel spectrogram.

Run by ``python -m lecture_utils.train wavenet_piano`` (``wavenet_score``, ``wavenet_violin``);
notebook 03 plays the weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from lecture_utils import mel
from lecture_utils.audio import HOP_LENGTH, SAMPLE_RATE
from lecture_utils.build_data import renders
from lecture_utils.build_data.training_sets import training_set
from lecture_utils.instruments import piano
from lecture_utils.train import descent
from lecture_utils.train.run import Run, batch_of, device, has_fast_bf16
from lecture_utils.wavenet.mu_law import SILENCE, mu_law_encode
from lecture_utils.wavenet.network import WaveNet, stretch
from lecture_utils.wavenet.score_conditioning import N_KEYS, PIANO_RATE, SCORE_HOP, score_frames


@dataclass(frozen=True)
class WaveNetRecipe:
    """A WaveNet: which sound, told what, how large, how long."""

    sound: str
    conditioning_channels: int = 0  # 80 for log-mel, 176 for a score
    sample_rate: int = SAMPLE_RATE
    hop_length: int = HOP_LENGTH  # of the conditioning
    n_layers: int = 20
    n_stacks: int = 2
    residual_channels: int = 32
    skip_channels: int = 64
    n_steps: int = 40_000
    batch: int = 2
    batch_on_gpu: int = 16
    n_frames: int = 32  # a batch's length: of 256 samples at 16 kHz, half a second
    learning_rate: float = 2e-3
    decay: float = 0.5 ** (1 / 3000)  # halves every 3,000 steps
    clip: float = 1.0
    average: float = 0.999
    watch_every: int = 250
    seed: int = 1234


#: Twice the width of the paper's sketch: the kernel plays it faster than it sounds.
_WIDE = {
    "residual_channels": 64, "skip_channels": 128, "batch": 4,
    "learning_rate": 1e-3, "decay": 0.5 ** (1 / 20_000), "n_steps": 200_000,
}  # fmt: skip

#: At 8 kHz their memory is 0.5 s.
SCORE_RECIPE = WaveNetRecipe(
    "score", 2 * N_KEYS, PIANO_RATE, SCORE_HOP, n_layers=22, n_frames=128, **_WIDE
)
PIANO_RECIPE = WaveNetRecipe("practice", 0, PIANO_RATE, SCORE_HOP, 22, n_frames=128, **_WIDE)
VIOLIN_RECIPE = WaveNetRecipe("violin", conditioning_channels=80, **_WIDE)


@dataclass(frozen=True)
class Examples:
    """Codes ``(frames * hop,)`` and conditioning ``(rows, frames)`` of the same sound."""

    codes: np.ndarray
    frames: np.ndarray
    hop_length: int = HOP_LENGTH

    @classmethod
    def of(cls, audio: np.ndarray) -> Examples:
        """Encode a sound of 16 kHz with its log-mel, whole frames of it."""
        audio = audio[: len(audio) // HOP_LENGTH * HOP_LENGTH]
        return cls(mu_law_encode(audio), mel.log_mel(audio))

    @classmethod
    def of_scores(cls, performances: list[tuple[np.ndarray, np.ndarray]]) -> Examples:
        """Play notes and pedals on the sampler, one after the other, and keep what was played."""
        codes, frames = [], []
        for notes, pedal in performances:
            x = piano.render_piano(notes, pedal, PIANO_RATE)
            told = score_frames(notes, pedal)
            n_frames = min(len(x) // SCORE_HOP, told.shape[1])
            codes.append(mu_law_encode(x[: n_frames * SCORE_HOP]).astype(np.uint8))
            frames.append(told[:, :n_frames].astype(np.float16))  # an hour fits into memory
        return cls(np.concatenate(codes), np.concatenate(frames, 1), SCORE_HOP)

    def cut(self, starts: np.ndarray, n_frames: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return codes ``(batch, n)`` and frames ``(batch, rows, n_frames)`` from `starts` on."""
        hop = self.hop_length
        codes = np.stack([self.codes[hop * s : hop * (s + n_frames)] for s in starts])
        frames = np.stack([self.frames[:, s : s + n_frames] for s in starts])
        return torch.from_numpy(codes).long(), torch.from_numpy(frames).float()


def examples_of(recipe: WaveNetRecipe) -> tuple[Examples, Examples]:
    """Return what a recipe learns from, and what it is only watched on."""
    if recipe.sound in ("score", "practice"):
        seed, no_pedal = renders.TRAINING_SEED, np.zeros((0, 2))
        kinds = renders.PRACTICE if recipe.sound == "score" else renders.PRACTICE[1:]
        watched = renders.piano_practice(0.6, seed + 1, kinds), no_pedal
        if recipe.sound == "score":
            learned = [(renders.piano_practice(60, seed, kinds), no_pedal)]
            learned += renders.piano_performances(n_times=4)
        else:
            hours = [renders.piano_practice(60, seed + 2 + k, kinds) for k in range(4)]
            learned = [(notes, no_pedal) for notes in hours]
        return Examples.of_scores(learned), Examples.of_scores([watched])
    learned, watched = training_set(recipe.sound).parted()
    return Examples.of(learned.audio), Examples.of(watched.audio)


def fast_logits(
    model: WaveNet,
    codes: torch.Tensor,
    frames: torch.Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Compute what ``model(codes, conditioning)`` does, as few large matrix products.

    The same numbers, 1.6 times faster to train in bfloat16 on a processor with matrix units: time
    comes before channels, old sample, new sample and conditioning meet in one product a layer, and
    all skips in one at the end. The conditioning's own convolution is done before: `frames` is what
    ``model.frame_conditioning`` gives.

    Returns
    -------
    torch.Tensor
        Logits ``(batch, n, 256)``.
    """

    def weight(conv: torch.nn.Conv1d) -> torch.Tensor:
        return conv.weight.permute(0, 2, 1).flatten(1).to(dtype)  # oldest sample first

    n_samples, beside = codes.shape[1], []
    if frames is not None:
        beside = [stretch(frames, model.conditioning_hop, n_samples).transpose(1, 2).to(dtype)]
    x = model.embedding(F.pad(codes[:, :-1], (1, 0), value=SILENCE)).to(dtype)
    gated = []
    for layer in model.layers:
        older = F.pad(x, (0, 0, layer.conv.dilation[0], 0))[:, :n_samples]
        matrix = [weight(layer.conv)] + [weight(layer.conditioning) for _ in beside]
        gates = F.linear(
            torch.cat([older, x, *beside], -1), torch.cat(matrix, 1), layer.conv.bias.to(dtype)
        )
        filtered, gate = gates.chunk(2, -1)
        z = torch.tanh(filtered) * torch.sigmoid(gate)
        x = x + F.linear(z, weight(layer.residual), layer.residual.bias.to(dtype))
        gated.append(z)
    matrix = torch.cat([weight(layer.skip) for layer in model.layers], 1)
    bias = sum(layer.skip.bias for layer in model.layers).to(dtype)
    hidden = F.relu(F.linear(torch.cat(gated, -1), matrix, bias))
    for place in (1, 3):
        conv = model.output[place]
        hidden = F.linear(hidden, weight(conv), conv.bias.to(dtype))
        if place == 1:
            hidden = F.relu(hidden)
    return hidden


def bits_of(
    model: WaveNet,
    codes: torch.Tensor,
    frames: torch.Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Return the mean surprise in bits per sample; `frames` as for :func:`fast_logits`."""
    logits = fast_logits(model, codes, frames, dtype)
    return F.cross_entropy(logits.float().flatten(0, 1), codes.flatten()) / math.log(2)


def train_wavenet(name: str, recipe: WaveNetRecipe, folder: Path, **limits: object) -> Run:
    """Train a WaveNet, as :func:`descent.descend` does within these `limits`."""
    examples, watch = examples_of(recipe)
    is_conditioned = recipe.conditioning_channels > 0
    dtype = torch.bfloat16 if has_fast_bf16() else torch.float32
    torch.manual_seed(recipe.seed)
    model = WaveNet(
        recipe.n_layers, recipe.n_stacks, recipe.residual_channels, recipe.skip_channels,
        recipe.conditioning_channels, recipe.hop_length, *_spread(examples, recipe),
    )  # fmt: skip

    # a compiler joins what stands between two matrix products: on a GPU that is most of the time
    bits = torch.compile(bits_of) if device().type == "cuda" else bits_of

    def loss(step: int) -> torch.Tensor:
        rng = np.random.default_rng([recipe.seed, step])
        n_frames = examples.frames.shape[1]
        starts = rng.integers(0, n_frames - recipe.n_frames + 1, batch_of(recipe))
        codes, frames = (x.to(device()) for x in examples.cut(starts, recipe.n_frames))
        frames = model.frame_conditioning(frames, codes.shape[1]) if is_conditioned else None
        return bits(model, codes, frames, dtype)

    return descent.descend(
        name, recipe, folder, model, loss,
        lambda best: {"held_out_bits": held_out_bits(best, watch)},
        {"sound": recipe.sound}, stored="int8", **limits,
    )  # fmt: skip


def _spread(examples: Examples, recipe: WaveNetRecipe) -> tuple[float, float]:
    """Return mean and deviation by which the conditioning is normalised; a score is left as it is.

    Most of a score is zero, and zero should stay nothing.
    """
    if recipe.sound in ("score", "practice"):
        return 0.0, 1.0
    return float(examples.frames.mean()), float(examples.frames.std())


@torch.inference_mode()
def held_out_bits(model: WaveNet, examples: Examples, seconds: int = 5) -> float:
    """Return the mean surprise on all of `examples`, taken in pieces of some seconds."""
    step = seconds * SAMPLE_RATE // HOP_LENGTH
    bits = []
    for start in range(0, examples.frames.shape[1] - step + 1, step):
        place = model.embedding.weight.device
        codes, frames = (x.to(place) for x in examples.cut(np.array([start]), step))
        told = model.frame_conditioning(frames if model.conditioning else None, codes.shape[1])
        bits.append(float(bits_of(model, codes, told)))
    return float(np.mean(bits))
