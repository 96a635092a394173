"""Train a GAN vocoder: a generator against its discriminators, on segments of a sound."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from lecture_utils import hifi_gan, mel, metrics, vocoder, weights
from lecture_utils.audio import SAMPLE_RATE, as_audio
from lecture_utils.build_data.training_sets import TrainingSet, training_set
from lecture_utils.train import adversarial
from lecture_utils.train import run as runs
from lecture_utils.train.run import Average, Run, annealed, has_fast_bf16, segments

#: Steps at which the generator is kept, so that a class hears it improve.
SNAPSHOTS = (0, 1000, 2000, 5000, 10_000, 20_000, 40_000, 80_000, 160_000)

#: Steps that new discriminators learn before a generator from shipped weights goes on.
DISCRIMINATORS_ALONE = 500


@dataclass(frozen=True)
class VocoderRecipe:
    """A GAN vocoder: which networks, losses and sounds."""

    sound: str
    generator: Callable[[], torch.nn.Module]
    discriminators: Callable[[], list[torch.nn.Module]]
    losses: object
    target: Callable | None = hifi_gan.mel_loss
    n_steps: int = 200_000
    batch: int = 4
    batch_on_gpu: int = 16  # as published
    n_samples: int = 8192
    learning_rate: float = 5e-4
    discriminators_share: float = 1.0  # of the learning rate
    decay: float = 0.5 ** (1 / 20_000)  # halves every 20,000 steps
    betas: tuple[float, float] = (0.8, 0.99)
    discriminators_from: int = 500
    watch_every: int = 500
    snapshots: tuple[int, ...] = SNAPSHOTS
    stored: str = "float16"
    seed: int = 1234


def train_vocoder(
    name: str,
    recipe: VocoderRecipe,
    folder: Path,
    minutes: float | None = None,
    resume: bool = False,
    n_steps: int | None = None,
    sound: np.ndarray | None = None,
    bf16: bool | None = None,
    from_weights: bool = False,
) -> Run:
    """Train a vocoder; returns the run, whose folder holds state, log, snapshots and weights.

    Parameters
    ----------
    name, recipe
        An entry of :data:`lecture_utils.train.recipes.RECIPES`.
    folder : Path
        Where state and log live.
    minutes, resume, n_steps
        As for :func:`lecture_utils.train.descent.descend`.
    sound : np.ndarray, optional
        Other training sound, ``(n,)`` at 16 kHz.
    bf16 : bool, optional
        bfloat16 convolutions; by default where the processor is fast at them.
    from_weights : bool
        Where there is no state to resume: go on from the shipped weights. Discriminators are not
        shipped; new ones learn alone for :data:`DISCRIMINATORS_ALONE` steps, which do not count.
    """
    accelerator = _accelerator()
    process = accelerator.process_index if accelerator else 0
    device = accelerator.device if accelerator else runs.device()
    n_steps = recipe.n_steps if n_steps is None else n_steps
    x, watch = _split(training_set(recipe.sound).audio if sound is None else sound, recipe)

    torch.manual_seed(recipe.seed)
    generator = recipe.generator().to(device)
    discriminators = [discriminator.to(device) for discriminator in recipe.discriminators()]
    average, optimizers, parts = opponents(generator, discriminators, recipe)
    run = Run(folder, parts, resume, is_main=process == 0)
    wrapped_g, wrapped_d = generator, discriminators
    if accelerator:
        wrapped_g, *wrapped_d = accelerator.prepare(generator, *discriminators)
    losses = recipe.losses
    game = adversarial.Adversarial(
        wrapped_g, wrapped_d, optimizers, losses.discriminator_loss, losses.generator_loss,
        losses.feature_loss, recipe.target,
        bf16=has_fast_bf16() if bf16 is None else bf16, accelerator=accelerator,
    )  # fmt: skip
    graphed = [
        adversarial.Graphed(functools.partial(game.update, with_discriminators=each))
        for each in (False, True)
    ]
    latest: dict[str, float] = {}

    def one_step(step: int, generator_share: float = 1.0) -> dict[str, float]:
        rate = recipe.learning_rate * recipe.decay**step * annealed(run.progress)
        shares = (generator_share, recipe.discriminators_share)
        for optimizer, share in zip(optimizers, shares, strict=True):
            runs.set_rate(optimizer, share * rate)
        batch = runs.batch_of(recipe)
        real = segments(x, recipe.n_samples, batch, recipe.seed, step, process)
        real = real.to(device)
        log_mel = mel.log_mel(real[:, 0])
        values = graphed[step >= recipe.discriminators_from](log_mel, real)
        if generator_share:
            average.update(generator, step)
        latest.update(values)
        return values

    def watched() -> None:
        log_losses(run, latest, distances_of(average.model, watch))

    def snapshot() -> None:
        if run.step in recipe.snapshots:
            file = folder / "snapshots" / f"{name}_{run.step}.safetensors"
            weights.save(file, average.model, stored="int8", step=run.step)

    if from_weights and run.step == 0:
        run.go_on_from(weights.load(name, type(generator)), generator, average.model)
        if not discriminators_alone(run, one_step):
            return run
        if run.is_main:
            watched()
    if run.step == 0 and run.is_main:
        snapshot()
    run.loop(one_step, n_steps, minutes, ((recipe.watch_every, watched), (1, snapshot)))
    if run.is_main:
        run.save_weights(name, average.model, recipe.stored, seed=recipe.seed, sound=recipe.sound)
    if accelerator:
        accelerator.end_training()  # or a process may abort on its way out
    return run


def opponents(
    generator: torch.nn.Module, discriminators: list[torch.nn.Module], recipe: object
) -> tuple[Average, tuple[torch.optim.Optimizer, ...], dict]:
    """Return the generator's average, the optimisers of both sides, and the parts of a run."""
    both = list(generator.parameters()), [p for d in discriminators for p in d.parameters()]
    average, optimizers = (
        Average(generator),
        tuple(adversarial.optimizer_for(one, recipe.learning_rate, recipe.betas) for one in both),
    )
    parts = {"generator": generator, "average": average.model, "optimizer_g": optimizers[0]}
    # "critic": the name that states on disk have
    parts |= {f"critic{i}": discriminator for i, discriminator in enumerate(discriminators)}
    return average, optimizers, parts | {"optimizer_d": optimizers[1]}


def log_losses(run: Run, latest: dict[str, float], distances: dict[str, float]) -> None:
    """Write a row of the log: the losses of the last step, NaN for one not there, and distances."""
    losses = {k: latest.get(k, float("nan")) for k in ("critic", "fool", "features", "target")}
    run.log(**{k: round(v, 4) for k, v in (losses | distances).items()})


def discriminators_alone(run: Run, one_step: Callable) -> bool:
    """Let new discriminators learn for some steps; False if they were interrupted.

    At rate 0 the generator stays, while its optimiser gets to know the new discriminators. Without
    these steps the game runs off, for they know nothing and the generator much.
    """
    alone = range(run.step, run.step + DISCRIMINATORS_ALONE)
    try:
        for step in tqdm(alone, "discriminators", disable=not run.is_main):
            one_step(step, generator_share=0.0)
    except KeyboardInterrupt:
        print("Stopped while new discriminators learned alone; the generator had not moved yet.")
        return False
    return True


def _split(x: np.ndarray, recipe: VocoderRecipe) -> tuple[np.ndarray, np.ndarray]:
    """Part the sound to train on from the end, which is only watched."""
    x = as_audio(x, "sound", min_samples=2 * recipe.n_samples)
    learned, watched = TrainingSet(x, SAMPLE_RATE).parted()
    if not watched.audio.any():
        raise ValueError(
            f"sound: the last {len(watched.audio) / SAMPLE_RATE:g} s are silent; progress is "
            "watched on them, cut them off."
        )
    return learned.audio, watched.audio


def distances_of(generator: torch.nn.Module, x: np.ndarray) -> dict[str, float]:
    """Measure copy-synthesis of `x`."""
    return distances_between(x, vocoder.vocode(mel.log_mel(x), generator.eval()))


def distances_between(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return log-mel L1 and multi-resolution STFT distance of `y` to as much of the original."""
    x = x[: len(y)]
    return {
        "log_mel_l1": metrics.log_mel_l1(x, y),
        "multi_resolution_stft": metrics.multi_resolution_stft(x, y),
    }


def _accelerator() -> object | None:
    """Return an Accelerator when started by ``accelerate launch``, otherwise None."""
    import os

    n_processes = int(os.environ.get("WORLD_SIZE", "1"))
    if n_processes < 2 and "ACCELERATE_MIXED_PRECISION" not in os.environ:
        return None
    from accelerate import Accelerator

    # several processes without a GPU count as such only when the processor is asked for
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    accelerator.print(f"{accelerator.num_processes} process(es), {accelerator.device.type}")
    return accelerator
