"""Train the repair network of notebook 10: after Griffin-Lim, with discriminators."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lecture_utils import hifi_gan, weights
from lecture_utils.fourier_vocoder import MagnitudeNetwork, RepairNetwork, vocode
from lecture_utils.fourier_vocoder.discriminators import MultiSpectrogramDiscriminator
from lecture_utils.fourier_vocoder.phase_search import griffin_lim
from lecture_utils.fourier_vocoder.spectrum import istft, stft
from lecture_utils.train import adversarial, vocoders
from lecture_utils.train.fourier_vocoder import Sounds, log_mel_of, sounds_of
from lecture_utils.train.run import Run, annealed, device, has_fast_bf16, set_rate
from lecture_utils.vocoder import Features


@dataclass(frozen=True)
class RepairRecipe:
    """A repair network: the magnitude network before it, its size, its sounds, its steps."""

    magnitude: str
    sounds: tuple[str, ...] = ("speech",)
    start: str | None = None  # shipped weights to begin with
    channels: int = 192
    n_blocks: int = 5
    n_rounds: int = 16
    batch: int = 4
    batch_on_gpu: int = 16
    n_frames: int = 40
    gains_db: tuple[float, float] = (0.0, 0.0)  # a segment is made louder by one between these
    stored: str = "float16"
    n_steps: int = 50_000
    learning_rate: float = 5e-4
    betas: tuple[float, float] = (0.8, 0.99)
    discriminators_from: int = 1200
    watch_every: int = 500
    seed: int = 1234


class Repaired(nn.Module):
    """The repair network as a generator: Griffin-Lim's spectrum and the magnitude to sound."""

    def __init__(self, network: RepairNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, given: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Return sounds ``(batch, 1, n)``."""
        return istft(self.network(*given))[:, None]


class Middle(nn.Module):
    """A discriminator that hears the middle half of a segment: half the work, and no edges."""

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], Features]:
        """Return scores and feature maps."""
        quarter = x.shape[-1] // 4
        return self.discriminator(x[..., quarter:-quarter])


def periods_and_spectrograms() -> list[nn.Module]:
    """Return the untrained discriminators of the repair network, of Vocos and of HiFi-GAN's end."""
    return [
        Middle(hifi_gan.MultiPeriodDiscriminator(1 / 8)),
        Middle(MultiSpectrogramDiscriminator()),
    ]


def spectral_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Compare sounds ``(batch, 1, n)`` in mel bands, and by STFTs with four window lengths."""
    return 30 / 45 * hifi_gan.mel_loss(real, fake) + 30 * stft_loss(real[:, 0], fake[:, 0])


def stft_loss(
    real: torch.Tensor, fake: torch.Tensor, n_ffts: tuple[int, ...] = (256, 512, 1024, 2048)
) -> torch.Tensor:
    """Return spectral convergence plus log-magnitude L1, the mean over window lengths.

    As :func:`lecture_utils.metrics.multi_resolution_stft`, for batches and with gradients.
    """
    total = 0.0
    for n_fft in n_ffts:
        window = torch.hann_window(n_fft, device=real.device)
        x, y = (
            torch.stft(z, n_fft, n_fft // 4, window=window, return_complex=True)
            for z in (real, fake)
        )
        x, y = (torch.sqrt(z.real**2 + z.imag**2 + 1e-10) for z in (x, y))
        norms = [torch.linalg.vector_norm(z, dim=(1, 2)) for z in (x - y, x)]
        total = total + (norms[0] / norms[1].clamp_min(1e-2)).clamp_max(2).mean()
        total = total + F.l1_loss(torch.log(y), torch.log(x))
    return total / len(n_ffts)


def train_repair(
    name: str,
    recipe: RepairRecipe,
    folder: Path,
    minutes: float | None = None,
    resume: bool = False,
    n_steps: int | None = None,
    sounds: list[np.ndarray] | None = None,
    from_weights: bool = False,
    magnitude: MagnitudeNetwork | None = None,
) -> Run:
    """Train a repair network; the run's folder holds state, log and weights.

    Parameters
    ----------
    name, recipe, folder, minutes, resume, n_steps, from_weights
        As for :func:`lecture_utils.train.vocoders.train_vocoder`.
    sounds : list of np.ndarray, optional
        Other training sounds, each ``(n,)`` at 16 kHz.
    magnitude : MagnitudeNetwork, optional
        The recipe's shipped one by default.
    """
    magnitude = magnitude or weights.load(recipe.magnitude, MagnitudeNetwork)
    magnitude.requires_grad_(False).to(device())
    drawn = Sounds(sounds_of(recipe.sounds) if sounds is None else sounds, recipe)
    bf16 = has_fast_bf16()
    torch.manual_seed(recipe.seed)
    network = RepairNetwork(recipe.channels, recipe.n_blocks, recipe.n_rounds)
    if recipe.start:
        network.load_state_dict(weights.load(recipe.start, RepairNetwork).state_dict())
    discriminators = periods_and_spectrograms()
    for part in (network, *discriminators):
        part.to(device())
    average, optimizers, parts = vocoders.opponents(network, discriminators, recipe)
    run = Run(folder, parts, resume)
    game = adversarial.Adversarial(
        Repaired(network), discriminators, optimizers, hifi_gan.discriminator_loss,
        hifi_gan.generator_loss, hifi_gan.feature_loss, spectral_loss, bf16=bf16,
    )  # fmt: skip
    graphed = adversarial.Graphed(lambda found, log, x: game.update((found, log), x))
    latest: dict[str, float] = {}

    def one_step(step: int, generator_share: float = 1.0) -> dict[str, float]:
        for optimizer, share in zip(optimizers, (generator_share, 1.0), strict=True):
            set_rate(optimizer, share * recipe.learning_rate * annealed(run.progress, 0.4))
        x = drawn.batch(step)
        with torch.no_grad():
            with torch.autocast(device().type, torch.bfloat16, enabled=bf16):
                log_magnitude = magnitude(log_mel_of(x))
            wanted = torch.exp(log_magnitude)
            found = stft(istft(wanted * griffin_lim(wanted, recipe.n_rounds)))
        if step < recipe.discriminators_from:
            values = game.step((found, log_magnitude), x[:, None], with_discriminators=False)
        else:
            values = graphed(found, log_magnitude, x[:, None])
        if generator_share:
            average.update(network, step)
        latest.update(values)
        return values

    def watched() -> None:
        before, after = (copy.deepcopy(model).cpu() for model in (magnitude, average.model))
        distances = []
        for x in drawn.watched:
            y = vocode(log_mel_of(torch.from_numpy(x[None]))[0].T, before, after)
            distances.append(vocoders.distances_between(x, y))
        means = {name: float(np.mean([d[name] for d in distances])) for name in distances[0]}
        vocoders.log_losses(run, latest, means)

    if from_weights and run.step == 0:
        run.go_on_from(weights.load(name, RepairNetwork), network, average.model)
        if not vocoders.discriminators_alone(run, one_step):
            return run
    n_steps = recipe.n_steps if n_steps is None else n_steps
    run.loop(one_step, n_steps, minutes, ((recipe.watch_every, watched),))
    run.save_weights(name, average.model, recipe.stored, seed=recipe.seed, sounds=recipe.sounds)
    return run
