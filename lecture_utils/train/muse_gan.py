"""The MuseGAN recipe: four-bar phrases from noise, or around a given track (Dong et al. 2018).

Run by ``python -m lecture_utils.train muse_gan``; used by notebook 01.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lecture_utils import gan, pianoroll, weights
from lecture_utils.pianoroll import phrases as phrase_figures
from lecture_utils.train.run import Average, Run


@dataclass(frozen=True)
class GanRecipe:
    """A MuseGAN on the training songs: how large, how long."""

    noise: int = 24
    hidden: int = 80
    critic_hidden: int = 56
    n_steps: int = 26_000  # in two rounds, see schedule()
    batch: int = 16
    critic_steps: int = 2  # for each of the generator's
    rate_generator: float = 3e-4
    rate_critic: float = 1e-3
    penalty: float = 10.0
    transpose: int = 3  # semitones down, and up
    share_given: float = 0.5  # of the phrases that are made around a given track
    average: float = 0.998
    watch_every: int = 250
    snapshots: tuple[int, ...] = (100, 300, 1000, 3000, 10_000, 13_000)
    seed: int = 1234


class Phrases:
    """The training songs, each phrase moved to another key every time it is drawn."""

    def __init__(self, part: str = "train") -> None:
        self.cells, _ = pianoroll.corpus(part)

    def draw(self, batch: int, transpose: int, rng: np.random.Generator) -> torch.Tensor:
        """Return float phrases ``(batch, 5, 64, 84)``; drums keep their keys."""
        rows = self.cells[rng.integers(0, len(self.cells), batch)].astype(np.float32)
        shifts = rng.integers(-transpose, transpose + 1, batch)
        moved = [phrase_figures.transposed(*pair) for pair in zip(rows, shifts, strict=True)]
        return torch.from_numpy(np.stack(moved))


def schedule(step: int, n_steps: int) -> tuple[bool, float]:
    """Return whether notes are rounded at this step, and the share of the learning rates.

    There are two rounds. In the first the critic hears the generator's shades between a note and
    none, in the second rounded notes. The rates stay for half a round, then fall to nothing.
    """
    is_second, part = divmod(2 * step / n_steps, 1)
    return bool(is_second), min(1, 2 - 2 * part)


def train_gan(
    name: str,
    recipe: GanRecipe,
    folder: Path,
    minutes: float | None = None,
    resume: bool = False,
    n_steps: int | None = None,
) -> Run:
    """Train a MuseGAN; the run's folder holds state, log, snapshots and weights.

    Parameters
    ----------
    name, recipe
        An entry of :data:`lecture_utils.train.RECIPES`.
    folder : Path
        Where state and log live.
    minutes, n_steps : float, int, optional
        When to stop; the recipe's number of steps by default.
    resume : bool
        Go on from the saved state.
    """
    phrases, held_out = Phrases(), Phrases("test")
    torch.manual_seed(recipe.seed)
    generator = gan.Generator(recipe.noise, recipe.hidden)
    critic = gan.Critic(recipe.critic_hidden)
    average = Average(generator, recipe.average)
    rates = (recipe.rate_generator, recipe.rate_critic)
    optimizers = [
        torch.optim.Adam(part.parameters(), rate, betas=(0.5, 0.9))
        for part, rate in zip((generator, critic), rates, strict=True)
    ]
    parts = {"generator": generator, "average": average.model, "critic": critic}
    parts |= {"optimizer_g": optimizers[0], "optimizer_d": optimizers[1]}
    run = Run(folder, parts, resume)
    latest: dict[str, float] = {}

    def fakes(
        model: gan.Generator, batch: int, rng: np.random.Generator, rounded: bool = False
    ) -> torch.Tensor:
        """Make phrases, part of them around one track of real ones."""
        real = phrases.draw(batch, recipe.transpose, rng)
        is_given = np.eye(gan.N_TRACKS)[rng.integers(0, gan.N_TRACKS, len(real))]
        is_given *= rng.random((len(real), 1)) < recipe.share_given
        soft = model(model.noise(len(real)), real, torch.from_numpy(is_given))
        return gan.binary(soft) if rounded else soft

    def one_step(step: int) -> dict[str, float]:
        rng = np.random.default_rng([recipe.seed, step])
        torch.manual_seed(int(rng.integers(2**31)))  # for the noise and the points of the penalty
        rounded, share = schedule(step, recipe.n_steps)
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * share
        for _ in range(recipe.critic_steps):
            real = phrases.draw(recipe.batch, recipe.transpose, rng)
            fake = fakes(generator, recipe.batch, rng, rounded)
            distance = -gan.critic_loss(critic(real), critic(fake.detach()))
            penalty = gan.gradient_penalty(critic, real, fake.detach())
            optimizers[1].zero_grad(set_to_none=True)
            (recipe.penalty * penalty - distance).backward()
            optimizers[1].step()
        critic.requires_grad_(False)
        optimizers[0].zero_grad(set_to_none=True)
        gan.generator_loss(critic(fake)).backward()
        optimizers[0].step()
        critic.requires_grad_(True)
        average.update(generator, step)
        latest.update(distance=float(distance.detach()), penalty=float(penalty.detach()))
        return latest

    @torch.no_grad()
    def settle() -> None:
        """Give the averaged weights the statistics of a large batch of their own."""
        average.model.train()
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            fakes(average.model, 512, np.random.default_rng(recipe.seed))
        average.model.eval()

    def watched() -> None:
        settle()
        run.log(
            **{k: round(v, 4) for k, v in latest.items()},
            held_out_distance=round(distance_to(critic, average.model, held_out.cells), 4),
        )

    def snapshot() -> None:
        if run.step in recipe.snapshots:
            settle()
            for what, model in (("generator", average.model), ("critic", critic)):
                file = folder / "snapshots" / f"{name}_{what}_{run.step}.safetensors"
                weights.save(file, model, stored="float16", step=run.step)

    run.loop(
        one_step, recipe.n_steps if n_steps is None else n_steps, minutes,
        ((recipe.watch_every, watched), (1, snapshot)),
    )  # fmt: skip
    settle()
    for what, model in (("", average.model), ("_critic", critic)):
        weights.save(
            folder / f"{name}{what}.safetensors", model, stored="float16",
            step=run.step, seconds=round(run.seconds), seed=recipe.seed,
        )  # fmt: skip
    return run


@torch.inference_mode()
def distance_to(critic: gan.Critic, generator: gan.Generator, cells: np.ndarray) -> float:
    """Return how much higher the critic scores real phrases ``(n, 5, 64, 84)`` than made notes."""
    fake = gan.binary(generator(generator.noise(256, seed=0)))
    real = torch.from_numpy(cells[:256].astype(np.float32))
    return float(critic(real).mean() - critic(fake).mean())
