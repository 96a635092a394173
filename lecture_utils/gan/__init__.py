"""Generative adversarial networks, and a small MuseGAN. Used by notebook 01."""

from lecture_utils.gan.critic import Critic, amounts, harmonies, moves
from lecture_utils.gan.losses import critic_loss, generator_loss, gradient_penalty
from lecture_utils.gan.modes import modes_found
from lecture_utils.gan.muse_gan import (
    N_BARS,
    N_TRACKS,
    NOISE,
    Generator,
    PerTrackNorm,
    binary,
    generate,
    interpolate,
)

__all__ = [
    "NOISE", "N_BARS", "N_TRACKS", "Critic", "Generator", "PerTrackNorm", "amounts", "binary",
    "critic_loss", "generate", "generator_loss", "gradient_penalty", "harmonies", "interpolate",
    "modes_found", "moves",
]  # fmt: skip
