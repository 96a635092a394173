"""Train the vocoder of notebook 10: the magnitude network by regression."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from lecture_utils import mel, weights
from lecture_utils.audio import SAMPLE_RATE, as_audio
from lecture_utils.build_data.training_sets import WATCH_SECONDS, training_set
from lecture_utils.fourier_vocoder import MagnitudeNetwork
from lecture_utils.fourier_vocoder.network import FLOOR
from lecture_utils.fourier_vocoder.spectrum import HOP, stft
from lecture_utils.train.descent import descend
from lecture_utils.train.run import Run, batch_of, device, has_fast_bf16, segments


@dataclass(frozen=True)
class MagnitudeRecipe:
    """A magnitude network: its size, its sounds, its steps."""

    sounds: tuple[str, ...] = ("speech",)
    start: str | None = None  # shipped weights to begin with
    channels: int = 160
    n_blocks: int = 5
    batch: int = 4
    batch_on_gpu: int = 16
    n_frames: int = 64
    gains_db: tuple[float, float] = (0.0, 0.0)  # a segment is made louder by one between these
    stored: str = "float16"
    n_steps: int = 100_000
    learning_rate: float = 1e-3
    decay: float = 1.0
    clip: float = 10.0
    average: float = 0.999
    watch_every: int = 500
    seed: int = 1234


class Sounds:
    """Training sounds, each with its end parted off: draws batches of all, equally often.

    Parameters
    ----------
    sounds : list of np.ndarray
        Each ``(n,)`` at 16 kHz.
    recipe
        With ``batch``, ``n_frames``, ``gains_db`` and ``seed``.
    """

    def __init__(self, sounds: list[np.ndarray], recipe: MagnitudeRecipe) -> None:
        self.recipe, self.known, self.watched = recipe, [], []
        for i, given in enumerate(sounds):
            x = as_audio(given, "sound", min_samples=2 * recipe.n_frames * HOP)
            n_watched = min(WATCH_SECONDS * SAMPLE_RATE, len(x) // 4)
            self.known.append(x[:-n_watched])
            if not any(given is earlier for earlier in sounds[:i]):  # a sound may be there twice
                self.watched.append(x[-n_watched:])

    def batch(self, step: int) -> torch.Tensor:
        """Cut segments ``(batch, n_frames * HOP)``, from one or more sounds, by the step alone."""
        r = self.recipe
        rng = np.random.default_rng([r.seed, step, 1])
        batch = batch_of(r)
        chosen = rng.permutation(np.arange(step, step + batch) % len(self.known))
        gains = 10 ** (rng.uniform(*r.gains_db, batch) / 20)
        cut = [
            segments(self.known[k], r.n_frames * HOP, 1, r.seed, step, place)[0] * float(gain)
            for place, (k, gain) in enumerate(zip(chosen, gains, strict=True))
        ]
        return torch.cat(cut).clamp(-1, 1).to(device())


def magnitude_loss(
    log_magnitude: torch.Tensor, wanted: torch.Tensor, log_mel: torch.Tensor
) -> torch.Tensor:
    """Compare magnitudes by their logarithm, by their energy, and in mel bands.

    Parameters
    ----------
    log_magnitude : torch.Tensor
        What the network gave, ``(batch, frames, bins)``.
    wanted : torch.Tensor
        The true magnitude, same shape.
    log_mel : torch.Tensor
        Of the true sound, ``(batch, frames, bands)``.
    """
    made = torch.exp(log_magnitude)
    in_log = F.l1_loss(log_magnitude, torch.log(wanted.clamp_min(FLOOR)))
    norms = [torch.linalg.vector_norm(m, dim=(1, 2)) for m in (made - wanted, wanted)]
    in_energy = (norms[0] / norms[1].clamp_min(1e-3)).clamp_max(2).mean()
    compressed = F.l1_loss(made.clamp_min(FLOOR) ** 0.3, wanted.clamp_min(FLOOR) ** 0.3)
    filters = mel.kept_front_end("course16k", made.device).filters
    in_bands = F.l1_loss(torch.log((made @ filters.T).clamp_min(FLOOR)), log_mel)
    return in_log + in_energy + compressed + 2 * in_bands


#: Of a recording to learn from, in seconds: the least, what is better, and the end to judge by.
RECORDING_LEAST, RECORDING_GOOD, RECORDING_END = 30, 120, 5


def own_recording(x: np.typing.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Part a recording into what a network may learn from and an end to judge it by.

    A warning tells if it is short, or clipped. Whether it is speech is not asked: the network
    learns music in the same way. Used by notebook 10.

    Parameters
    ----------
    x : array_like
        At 16 kHz, ``(n,)``: 30 seconds or more, better two minutes.

    Returns
    -------
    known, end : np.ndarray
        All but the last five seconds, and these, in whole frames.

    Raises
    ------
    ValueError
        If the recording is too short, silent, or mostly silent.
    """
    x = as_audio(x, "recording")
    seconds = len(x) / SAMPLE_RATE
    if seconds < RECORDING_LEAST:
        raise ValueError(
            f"recording: {seconds:.1f} s given, at least {RECORDING_LEAST} s are needed to learn "
            f"from and {RECORDING_GOOD} s are better; record more."
        )
    whole = len(x) // HOP * HOP
    loud = np.abs(x[:whole]).reshape(-1, HOP).max(1) > 0.01
    if loud.mean() < 0.1 or not loud[-RECORDING_END * SAMPLE_RATE // HOP :].any():
        raise ValueError(
            "recording: it is silent, or its end is; speak nearer to the microphone, and cut away "
            "the silence at the end."
        )
    if seconds < RECORDING_GOOD / 2:
        warnings.warn(
            f"recording: {seconds:.0f} s are little to learn from; {RECORDING_GOOD} s are better.",
            stacklevel=2,
        )
    if (clipped := float(np.mean(np.abs(x) >= 0.999))) > 1e-4:
        warnings.warn(
            f"recording: {clipped:.2%} of the samples are clipped, and the network learns that "
            "too; record again more softly.",
            stacklevel=2,
        )
    end = whole - RECORDING_END * SAMPLE_RATE // HOP * HOP
    return x[:end], x[end:whole]


def log_mel_of(x: torch.Tensor) -> torch.Tensor:
    """Return the log-mels ``(batch, frames, bands)`` of sounds ``(batch, n)``."""
    return mel.log_mel(x).transpose(1, 2)


def train_magnitude(
    name: str,
    recipe: MagnitudeRecipe,
    folder: Path,
    sounds: list[np.ndarray] | None = None,
    **limits: object,
) -> Run:
    """Train a magnitude network, as :func:`descent.descend` does within these `limits`.

    `sounds` are other training sounds than the recipe's, each ``(n,)`` at 16 kHz.
    """
    drawn = Sounds(sounds_of(recipe.sounds) if sounds is None else sounds, recipe)
    torch.manual_seed(recipe.seed)
    model, bf16 = MagnitudeNetwork(recipe.channels, recipe.n_blocks), has_fast_bf16()
    if recipe.start:
        model.load_state_dict(weights.load(recipe.start, MagnitudeNetwork).state_dict())

    def loss_of_sound(model: MagnitudeNetwork, x: torch.Tensor) -> torch.Tensor:
        log_mel = log_mel_of(x)
        with torch.autocast(device().type, torch.bfloat16, enabled=bf16):
            log_magnitude = model(log_mel)
        return magnitude_loss(log_magnitude, stft(x).abs(), log_mel)

    def watch(model: MagnitudeNetwork) -> dict[str, float]:
        with torch.no_grad():
            pieces = [
                torch.from_numpy(x[None, : len(x) // HOP * HOP]).to(device()) for x in drawn.watched
            ]
            return {"watched": float(np.mean([float(loss_of_sound(model, x)) for x in pieces]))}

    return descend(
        name, recipe, folder, model, lambda step: loss_of_sound(model, drawn.batch(step)), watch,
        {"sounds": recipe.sounds}, stored=recipe.stored, **limits,
    )  # fmt: skip


def sounds_of(names: tuple[str, ...]) -> list[np.ndarray]:
    """Load training sets by name; the same name gives the same array."""
    loaded = {name: training_set(name).audio for name in dict.fromkeys(names)}
    return [loaded[name] for name in names]
