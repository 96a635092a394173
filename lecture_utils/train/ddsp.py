"""The DDSP recipe: an instrument learned from ten minutes of it (Engel et al. 2020).

Run by ``python -m lecture_utils.train ddsp_violin``; used by notebook 08 for its live training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lecture_utils import ddsp
from lecture_utils.build_data.training_sets import training_set
from lecture_utils.ddsp.timbre_transfer import hold_pitch
from lecture_utils.train import descent
from lecture_utils.train.run import Run, batch_of, device


@dataclass(frozen=True)
class DdspRecipe:
    """An autoencoder of f0 and loudness: which instrument, how large, how long."""

    sound: str
    hidden: int = 128
    n_steps: int = 20_000
    batch: int = 8
    batch_on_gpu: int = 32
    n_frames: int = 250  # one second
    learning_rate: float = 1e-3
    decay: float = 0.5 ** (1 / 4000)  # halves every 4,000 steps
    clip: float = 3.0
    average: None = None
    watch_every: int = 250
    seed: int = 1234


@dataclass(frozen=True)
class Examples:
    """Sound and its controls, to cut pieces from.

    ``audio`` ``(frames * 64,)``, ``f0_hz`` and ``loudness_db`` ``(frames,)``, all float32.
    """

    audio: np.ndarray
    f0_hz: np.ndarray
    loudness_db: np.ndarray

    @classmethod
    def of(cls, audio: np.ndarray, f0_hz: np.ndarray) -> Examples:
        """Measure the loudness, and let the pitch of each note last while it rings out."""
        n_frames = min(len(f0_hz), len(audio) // ddsp.CONTROL_HOP)
        audio = audio[: n_frames * ddsp.CONTROL_HOP]
        return cls(audio, hold_pitch(f0_hz[:n_frames]), ddsp.loudness(audio))

    def cut(self, starts: np.ndarray, n_frames: int) -> tuple[torch.Tensor, ...]:
        """Return f0, loudness and sound of pieces ``(batch, ...)`` beginning at these frames."""
        hop = ddsp.CONTROL_HOP
        controls = (
            np.stack([curve[s : s + n_frames] for s in starts])
            for curve in (self.f0_hz, self.loudness_db)
        )
        sounds = np.stack([self.audio[hop * s : hop * (s + n_frames)] for s in starts])
        return (*map(torch.from_numpy, controls), torch.from_numpy(sounds))


def train_ddsp(name: str, recipe: DdspRecipe, folder: Path, **limits: object) -> Run:
    """Train an instrument, as :func:`descent.descend` does within these `limits`."""
    sounds = training_set(recipe.sound).parted()
    examples, watch = (Examples.of(sound.audio, sound.f0_hz) for sound in sounds)
    torch.manual_seed(recipe.seed)
    model = ddsp.Autoencoder(recipe.hidden)

    def loss(step: int) -> torch.Tensor:
        rng = np.random.default_rng([recipe.seed, step])
        starts = rng.integers(0, len(examples.f0_hz) - recipe.n_frames, batch_of(recipe))
        f0_hz, loudness_db, real = examples.cut(starts, recipe.n_frames)
        noise = torch.from_numpy(rng.uniform(-1, 1, real.shape).astype(np.float32))
        f0_hz, loudness_db, noise, real = (
            x.to(device()) for x in (f0_hz, loudness_db, noise, real)
        )
        return ddsp.multi_scale_spectral_loss(real, model(f0_hz, loudness_db, noise=noise))

    return descent.descend(
        name, recipe, folder, model, loss, lambda best: {"held_out_loss": loss_of(best, watch)},
        {"sound": recipe.sound, **where_it_plays(examples)}, stored="float16", **limits,
    )  # fmt: skip


def where_it_plays(examples: Examples) -> dict[str, float]:
    """Return the range of pitch and the loud end, to which timbre transfer fits other tunes."""
    pitch = examples.f0_hz[examples.f0_hz > 0]
    loud = np.percentile(examples.loudness_db[examples.f0_hz > 0], 95)
    facts = {"lowest_hz": pitch.min(), "highest_hz": pitch.max(), "loud_db": loud}
    return {name: round(float(value), 1) for name, value in facts.items()}


@torch.inference_mode()
def loss_of(model: ddsp.Autoencoder, examples: Examples) -> float:
    """Return the multi-scale spectral loss of playing all of `examples` in one go."""
    f0_hz, loudness_db, real = examples.cut(np.array([0]), len(examples.f0_hz))
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.uniform(-1, 1, real.shape).astype(np.float32))
    place = next(model.parameters()).device
    f0_hz, loudness_db, noise, real = (x.to(place) for x in (f0_hz, loudness_db, noise, real))
    return float(ddsp.multi_scale_spectral_loss(real, model(f0_hz, loudness_db, noise=noise)))
