"""The recipes of the cascade: one diffusion model for each level (Wang et al. 2024).

Run by ``python -m lecture_utils.train cascade_melody`` and so on; used by notebook 02.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from lecture_utils import arguments
from lecture_utils.diffusion import cascade, songs, unet
from lecture_utils.train import descent
from lecture_utils.train.run import Run, batch_of, device, has_fast_bf16


@dataclass(frozen=True)
class DiffusionRecipe:
    """A level of the cascade, or the flat model: how large, how long."""

    level: str
    width: int = 32
    n_steps: int = 100_000
    batch: int = 16
    batch_on_gpu: int = 64
    learning_rate: float = 1e-3
    decay: float = 0.5 ** (1 / 2000)  # halves every 2,000 steps
    share_untold: float = 0.1  # examples that are told nothing of the levels above
    clip: float = 1.0
    average: float = 0.998
    watch_every: int = 250
    seed: int = 1234


def draw(level: str, batch: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Write new songs, and cut a window of the level and of what is above it from each.

    Songs by rule cost next to nothing, so no song is ever seen twice. Windows begin where sections
    may: every fourth bar.

    Raises
    ------
    TypeError, ValueError
        For an unknown level, or no whole number of examples.
    """
    images, told = [], []
    size = cascade.WINDOW_BARS[cascade.check_level(level)]
    for _ in range(arguments.count(batch, "batch")):
        levels = songs.write_song(rng).levels
        image, above = cascade.image(level, levels), cascade.condition(level, levels)
        bars = image.shape[2] // cascade.PER_BAR[level]
        bar = 4 * int(rng.integers(0, max(0, bars - size) // 4 + 1))
        images.append(cascade.window(image, level, bar))
        told.append(cascade.window(above, level, bar))
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(told))


def train_diffusion(name: str, recipe: DiffusionRecipe, folder: Path, **limits: object) -> Run:
    """Train a level, as :func:`descent.descend` does within these `limits`."""
    torch.manual_seed(recipe.seed)
    model = cascade.model_for(recipe.level, recipe.width)
    low = torch.autocast(device().type, torch.bfloat16, enabled=has_fast_bf16())

    def loss(step: int) -> torch.Tensor:
        rng = np.random.default_rng([recipe.seed, step])
        x0, told = draw(recipe.level, batch_of(recipe), rng)
        told[torch.from_numpy(rng.random(len(x0)) < recipe.share_untold)] = -1
        t = torch.from_numpy(rng.integers(0, cascade.SCHEDULE.n_steps, len(x0)))
        noise = torch.from_numpy(rng.standard_normal(x0.shape, np.float32))
        noisy = cascade.SCHEDULE.q_sample(x0, t, noise)
        noisy, t, told, noise = (x.to(device()) for x in (noisy, t, told, noise))
        with low:
            predicted = model(noisy, t, told)
        return F.mse_loss(predicted.float(), noise)

    return descent.descend(
        name, recipe, folder, model, loss, lambda best: {"held_out": error(best, recipe.level)},
        {"level": recipe.level}, stored="float16", **limits,
    )  # fmt: skip


@torch.inference_mode()
def error(model: unet.UNet, level: str, batch: int = 64) -> float:
    """Return the mean squared error of the predicted noise on songs that were not learned from."""
    rng = np.random.default_rng(0)
    x0, told = draw(level, batch, rng)
    t = torch.from_numpy(rng.integers(0, cascade.SCHEDULE.n_steps, batch))
    noise = torch.from_numpy(rng.standard_normal(x0.shape, np.float32))
    noisy, place = cascade.SCHEDULE.q_sample(x0, t, noise), model.out[-1].weight.device
    predicted = model(noisy.to(place), t.to(place), told.to(place))
    return float(F.mse_loss(predicted, noise.to(place)))
