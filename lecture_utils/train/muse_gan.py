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
    hidden: int = 80
    critic_hidden: int = 56
    n_steps: int = 26_000  # or less, if --minutes are over before
    batch: int = 16
    batch_on_gpu: int = 64
    critic_steps: int = 2  # for each of the generator's
    rate_generator: float = 3e-4
    rate_critic: float = 1e-3
    penalty: float = 10.0
    matching: float = 0.5  # of what is in MATCHED
    transpose: int = 3  # semitones down, and up
    share_given: float = 0.5  # of the phrases that are made around a given track
    shades: float = 0.25  # of the training; then the critic hears rounded notes
    average: float = 0.998
    watch_every: int = 250
    snapshots: tuple[float, ...] = (0.002, 0.005, 0.01, 0.03, 0.1, 0.25, 0.4, 0.6, 0.8)
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


#: What is matched to real music, besides what the critic hears.
MATCHED = {"moves": gan.moves, "harmonies": gan.harmonies, "amounts": gan.amounts}


class Matched(torch.nn.Module):
    """A loss that brings measures to those of real music, in the mean of many batches.

    Not in each batch: 16 real phrases are 2.0 away from all phrases (their :func:`gan.moves`, the
    sum over tracks and intervals). A generator that had to be nearer in every batch put all
    intervals into every phrase. So the measures of about a hundred batches are averaged. What was
    too large in them is made smaller in this batch, and what was too small larger, with full force
    from one hundredth on.

    Parameters
    ----------
    real : torch.Tensor
        The measure of real music, by one of :data:`MATCHED`.
    newest : float
        Weight of the newest batch in the average.
    """

    def __init__(self, real: torch.Tensor, newest: float = 0.01) -> None:
        super().__init__()
        self.real, self.newest = real, newest
        self.register_buffer("average", real.clone())  # so it begins as if nothing were missed

    def forward(self, made: torch.Tensor) -> torch.Tensor:
        """Take in the measure of a batch, and return the loss; its slope is what counts."""
        self.average.lerp_(made.detach(), self.newest)
        too_large = ((self.average - self.real) / 0.01).clamp(-1, 1)
        return (too_large * made).sum()

    def missed(self) -> torch.Tensor:
        """Return how far the average is from real music, the sum over all numbers."""
        return (self.average - self.real).abs().sum()


def train_gan(
    name: str,
    recipe: GanRecipe,
    folder: Path,
    minutes: float | None = None,
    resume: bool = False,
    n_steps: int | None = None,
    from_weights: bool = False,
) -> Run:
    """Train a MuseGAN; the run's folder holds state, log, snapshots and weights.

    Parameters
    ----------
    name, recipe, folder, minutes, resume, n_steps
        As for :func:`lecture_utils.train.descent.descend`.
    from_weights : bool
        Go on from the shipped generator and critic where there is no state; notes are rounded.
    """
    phrases, validation = Phrases(), Phrases("validation")
    with torch.no_grad():
        real = phrases.cells.float()
        matched = {what: Matched(measure(real)) for what, measure in MATCHED.items()}
        del real  # 120 MB
    batch = batch_of(recipe)
    torch.manual_seed(recipe.seed)
    generator = gan.Generator(recipe.noise, recipe.hidden).to(device())
    critic = gan.Critic(recipe.critic_hidden).to(device())
    if from_weights:
        for file, model in ((name, generator), (f"{name}_critic", critic)):
            snapshots = weights.load_snapshots(file, type(model))
            model.load_state_dict(snapshots[max(snapshots)].state_dict())
    average = Average(generator, recipe.average)
    rates = (recipe.rate_generator, recipe.rate_critic)
    optimizers = [
        optimizer_for(list(part.parameters()), rate, (0.5, 0.9))
        for part, rate in zip((generator, critic), rates, strict=True)
    ]
    parts = {"generator": generator, "average": average.model, "critic": critic}
    parts |= {"optimizer_g": optimizers[0], "optimizer_d": optimizers[1]}
    parts |= matched
    run = Run(folder, parts, resume)
    latest: dict[str, float] = {}
    goes_on = from_weights or (minutes is not None and run.step > 0)  # then notes stay rounded

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
        matching_loss = sum(matched[what](measure(fake)) for what, measure in MATCHED.items())
        (gan.generator_loss(critic(fake)) + recipe.matching * matching_loss).backward()
        optimizers[0].step()
        critic.requires_grad_(True)
        return {
            "distance": distance.detach(),
            "penalty": penalty.detach(),
            **{f"missed_{what}": each.missed() for what, each in matched.items()},
        }

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

    to_come = [moment for moment in recipe.snapshots if moment > progress(run.step)]

    def snapshot() -> None:
        if to_come and progress(run.step) >= to_come[0]:
            del to_come[0]
            settle()
            for what, model in (("generator", average.model), ("critic", critic)):
                file = folder / "snapshots" / f"{name}_{what}_{run.step}.safetensors"
                weights.save(file, model, stored="int8", step=run.step)

    run.loop(
        one_step, recipe.n_steps if n_steps is None else n_steps, minutes,
        ((recipe.watch_every, watched), (1, snapshot)),
    )  # fmt: skip
    settle()
    calibrate(average.model, phrases.cells)
    for file, model in ((name, average.model), (f"{name}_critic", critic)):
        run.save_weights(file, model, "float16", seed=recipe.seed)
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


@torch.no_grad()
def calibrate(model: gan.Generator, cells: torch.Tensor, n: int = 1024, rounds: int = 10) -> None:
    """Let bars 2, 3 and 4 be bar 1 again as often as in real phrases, by numbers for each track.

    The critic learns this slowly: bars that are equal, and ought not to be, are each as good as any
    other. The numbers are added to the odds of the first vector: in the shared temporal generator
    so that no track has too little, then in the private ones. They are found by halving intervals,
    with `n` phrases of the same noise.
    """
    noise, wanted = model.noise(n, seed=0), pianoroll.bars_again(cells.cpu().numpy())[:, :3]
    for part in (model.shared_in_time, model.private_in_time):
        bias = part.choice.bias
        before, high = bias.clone(), np.full((len(bias), 3), 20.0)
        low = -high
        for _ in range(rounds):
            middle = (low + high) / 2
            more = np.zeros((len(bias), gan.N_BARS, gan.N_BARS))
            more[:, 1:, 0] = middle
            bias.copy_(before + torch.from_numpy(more.reshape(bias.shape)).to(bias))
            lack = wanted - pianoroll.bars_again(gan.generate(model, noise))[:, :3]
            lack = lack.max(0, keepdims=True) if len(bias) == 1 else lack
            low, high = np.where(lack > 0, middle, low), np.where(lack > 0, high, middle)
