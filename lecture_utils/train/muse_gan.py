"""The MuseGAN recipe: four-bar phrases from noise, or around a given track (Dong et al. 2018).

Run by ``python -m lecture_utils.train muse_gan``; used by notebook 01.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lecture_utils import gan, pianoroll, weights
from lecture_utils.train.adversarial import Graphed, optimizer_for
from lecture_utils.train.run import Average, Run, annealed, batch_of, device, set_rate


@dataclass(frozen=True)
class GanRecipe:
    """A MuseGAN on the training songs: how large, how long."""

    noise: int = 24
    hidden: int = 192
    critic_hidden: int = 64
    n_steps: int = 40_000  # or less, if --minutes are over before
    batch: int = 16
    batch_on_gpu: int = 64
    critic_steps: int = 2  # for each of the generator's
    rate_generator: float = 3e-4
    rate_critic: float = 1e-3
    penalty: float = 10.0
    transpose: int = 3  # semitones down, and up
    share_given: float = 0.5  # of the phrases that are made around a given track
    shades: float = 0.25  # of the training; then the critic hears rounded notes
    average: float = 0.999
    watch_every: int = 250
    # when phrases of the same noise are kept, for the picture of how it learned; and whole networks
    snapshots: tuple[float, ...] = (0.002, 0.005, 0.01, 0.03, 0.1, 0.25, 0.4, 0.7)
    networks: tuple[float, ...] = (0.1, 0.4, 0.7)
    seed: int = 1234


class Phrases:
    """The training songs, each phrase moved to another key every time it is drawn.

    Every sixth of them is kept back to choose by (`part` "validation"); the test songs are for the
    last measurement only.
    """

    def __init__(self, part: str = "train") -> None:
        cells, song = pianoroll.corpus("test" if part == "test" else "train")
        if part != "test":
            is_kept_back = np.isin(song, np.unique(song)[2::6])
            cells = cells[is_kept_back == (part == "validation")]
        self.cells = torch.from_numpy(cells).to(device())

    def draw(self, batch: int, transpose: int) -> torch.Tensor:
        """Return float phrases ``(batch, 5, 64, 84)``; drums keep their keys."""
        cells = self.cells
        rows = cells[torch.randint(len(cells), (batch,), device=cells.device)].float()
        shifts = torch.randint(-transpose, transpose + 1, (batch, 1), device=cells.device)
        keys = torch.arange(cells.shape[-1], device=cells.device) - shifts
        is_there = (keys >= 0) & (keys < cells.shape[-1])
        keys = keys.clamp(0, cells.shape[-1] - 1)[:, None, None].expand_as(rows[:, 1:])
        rows[:, 1:] = rows[:, 1:].gather(-1, keys) * is_there[:, None, None]
        return rows


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
    phrases, validation = Phrases(), Phrases("validation")
    batch = batch_of(recipe)
    torch.manual_seed(recipe.seed)
    generator = gan.Generator(recipe.noise, recipe.hidden).to(device())
    critic = gan.Critic(recipe.critic_hidden).to(device())
    average = Average(generator, recipe.average)
    rates = (recipe.rate_generator, recipe.rate_critic)
    optimizers = [
        optimizer_for(list(part.parameters()), rate, (0.5, 0.9))
        for part, rate in zip((generator, critic), rates, strict=True)
    ]
    parts = {"generator": generator, "average": average.model, "critic": critic}
    parts |= {"optimizer_g": optimizers[0], "optimizer_d": optimizers[1]}
    run = Run(folder, parts, resume)
    latest: dict[str, float] = {}
    goes_on = minutes is not None and run.step > 0  # with rounded notes, for so many minutes more

    def progress(step: int) -> float:
        """Return how much of the training is over: of its steps, or of its minutes."""
        return max(step / recipe.n_steps, run.progress)

    def fakes(model: gan.Generator, given: torch.Tensor, rounded: bool = False) -> torch.Tensor:
        """Make phrases, part of them around one track of real ones."""
        is_given = torch.eye(gan.N_TRACKS, device=given.device)
        is_given = is_given[torch.randint(gan.N_TRACKS, (len(given),), device=given.device)]
        is_given *= torch.rand(len(given), 1, device=given.device) < recipe.share_given
        soft = model(model.noise(len(given)), given, is_given)
        return gan.binary(soft) if rounded else soft

    def update(rounded: bool, drawn: torch.Tensor) -> dict[str, torch.Tensor]:
        """Train the critic on each two sets of phrases, then the generator."""
        for real, given in drawn.unflatten(0, (recipe.critic_steps, 2, batch)):
            fake = fakes(generator, given, rounded)
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
        return {"distance": distance.detach(), "penalty": penalty.detach()}

    updates = [Graphed(functools.partial(update, rounded)) for rounded in (False, True)]

    def one_step(step: int) -> dict[str, float]:
        torch.manual_seed(recipe.seed * 1_000_003 + step)  # phrases, noise, points of the penalty
        for optimizer, rate in zip(optimizers, rates, strict=True):
            set_rate(optimizer, rate * annealed(progress(step), 0.4))
        drawn = phrases.draw(2 * recipe.critic_steps * batch, recipe.transpose)
        latest.update(updates[goes_on or progress(step) >= recipe.shades](drawn))
        average.update(generator, step)
        return latest

    @torch.no_grad()
    def settle() -> None:
        """Give the averaged weights the statistics of a large batch of their own."""
        average.model.train()
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            fakes(average.model, phrases.draw(512, recipe.transpose))
        average.model.eval()

    def watched() -> None:
        settle()
        run.log(
            **{k: round(v, 4) for k, v in latest.items()},
            validation_distance=round(distance_to(critic, average.model, validation.cells), 4),
        )

    def keep_phrases() -> None:
        """Keep 3 and 200 phrases of the same noise, as bits."""
        settle()
        made = [
            gan.generate(average.model, average.model.noise(n, k)) for k, n in ((0, 3), (1, 200))
        ]
        file = folder / "snapshots" / f"{name}_{run.step}.npz"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, cells=np.packbits(np.concatenate(made), -1))

    to_come = [moment for moment in recipe.snapshots if moment > progress(run.step)]

    def snapshot() -> None:
        if not to_come or progress(run.step) < to_come[0]:
            return
        keep_phrases()
        if to_come.pop(0) in recipe.networks:
            for what, model in (("generator", average.model), ("critic", critic)):
                file = folder / "snapshots" / f"{name}_{what}_{run.step}.safetensors"
                weights.save(file, model, stored="int8", step=run.step)

    if run.step == 0:
        keep_phrases()
    run.loop(
        one_step, recipe.n_steps if n_steps is None else n_steps, minutes,
        ((recipe.watch_every, watched), (1, snapshot)),
    )  # fmt: skip
    keep_phrases()
    for what, model in (("", average.model), ("_critic", critic)):
        weights.save(
            folder / f"{name}{what}.safetensors", model, stored="float16",
            step=run.step, seconds=round(run.seconds), seed=recipe.seed,
        )  # fmt: skip
    return run


@torch.inference_mode()
def distance_to(critic: gan.Critic, generator: gan.Generator, cells: torch.Tensor) -> float:
    """Return how much higher the critic scores real phrases ``(n, 5, 64, 84)`` than made notes."""
    fake = gan.binary(generator(generator.noise(256, seed=0)))
    was_training = critic.training
    critic.eval()
    distance = float(critic(cells[:256].float()).mean() - critic(fake).mean())
    critic.train(was_training)
    return distance
