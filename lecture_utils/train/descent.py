"""One network, one loss: the training run of every recipe without discriminators.

Used by the recipes of WaveNet, DDSP and the cascade, which differ in network, examples and loss.
:mod:`lecture_utils.train.adversarial` is its counterpart for generator against discriminators.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch

from lecture_utils import weights
from lecture_utils.train.run import Average, Run, annealed, device, set_rate


class Recipe(Protocol):
    """What :func:`descend` wants to know."""

    n_steps: int
    learning_rate: float
    decay: float  # of the learning rate, every step
    clip: float  # of the gradient's norm
    average: float | None  # of the weights, see Average; None for none
    watch_every: int
    seed: int


def descend(
    name: str,
    recipe: Recipe,
    folder: Path,
    model: torch.nn.Module,
    loss_of: Callable[[int], torch.Tensor],
    watch: Callable[[torch.nn.Module], dict[str, float]],
    facts: dict[str, object],
    minutes: float | None = None,
    resume: bool = False,
    n_steps: int | None = None,
    stored: str = "float32",
    from_weights: bool = False,
) -> Run:
    """Train with Adam; the run's folder holds state, log and weights.

    Parameters
    ----------
    name : str
        Of the recipe, and of the file of weights.
    recipe : Recipe
        How long and how fast.
    folder : Path
        Where state and log live.
    model : nn.Module
        Just made, from the recipe's seed; it is moved to the GPU if there is one.
    loss_of : callable
        Step -> loss; draws its batch from the step alone, so that a resumed run sees the same.
    watch : callable
        Model -> columns of the log beside the loss, measured on what is not trained on.
    facts : dict
        Saved with the weights, beside step, seconds and seed.
    minutes, n_steps : float, int, optional
        When to stop; the recipe's number of steps by default.
    resume : bool
        Go on from the saved state.
    stored : str
        How the numbers lie in the file of weights, as for :func:`lecture_utils.weights.save`.
    from_weights : bool
        Where there is no state to resume: go on from the shipped weights.

    Returns
    -------
    Run
        After its last step, saved.
    """
    model.to(device())
    optimizer = torch.optim.Adam(model.parameters(), recipe.learning_rate)
    parts, best = {"model": model, "optimizer": optimizer}, model
    if recipe.average is not None:
        average = Average(model, recipe.average)
        parts["average"] = best = average.model
    run = Run(folder, parts, resume)
    if from_weights and run.step == 0:
        run.go_on_from(weights.load(name, type(model)), model, best)
    latest: dict[str, float] = {}

    def one_step(step: int) -> dict[str, float]:
        rate = recipe.learning_rate * recipe.decay**step * annealed(run.progress)
        set_rate(optimizer, rate)
        loss = loss_of(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        if recipe.average is not None:
            average.update(model, step)
        latest["loss"] = float(loss.detach())
        return latest

    def watched() -> None:
        run.log(**{column: round(value, 5) for column, value in (latest | watch(best)).items()})

    n_steps = recipe.n_steps if n_steps is None else n_steps
    run.loop(one_step, n_steps, minutes, ((recipe.watch_every, watched),))
    run.save_weights(name, best, stored, seed=recipe.seed, **facts)
    return run
