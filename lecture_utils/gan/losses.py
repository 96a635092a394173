"""Wasserstein losses and the gradient penalty (Gulrajani et al. 2017). Used by notebook 01."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lecture_utils import arguments


def critic_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Wasserstein (Arjovsky et al. 2017): raise the scores of real data, lower those of fakes."""
    return _scores(fake, "fake").mean() - _scores(real, "real").mean()


def generator_loss(fake: torch.Tensor) -> torch.Tensor:
    """Wasserstein: raise the critic's score."""
    return -_scores(fake, "fake").mean()


def _scores(value: torch.Tensor, name: str) -> torch.Tensor:
    value = arguments.tensor(value, name, like=torch.zeros(()))
    if not value.numel():
        raise ValueError(f"{name}: there are no scores in it.")
    return value


def gradient_penalty(
    critic: Callable[[torch.Tensor], torch.Tensor],
    real: torch.Tensor,
    fake: torch.Tensor,
    mix: torch.Tensor | None = None,
) -> torch.Tensor:
    r"""Return how far the critic's slope is from one (Gulrajani et al. 2017, equation 3).

    ``mean((|d critic(x) / dx| - 1)^2)`` at points x between real and fake data,
    ``x = mix * real + (1 - mix) * fake``. For a linear critic ``w . x`` it is ``(|w| - 1)^2``.

    Parameters
    ----------
    critic : callable
        Scores ``(batch,)`` or ``(batch, 1)`` of data ``(batch, ...)``.
    real, fake : torch.Tensor
        Data of one shape.
    mix : torch.Tensor, optional
        Shape ``(batch,)``, 0..1; drawn evenly if not given.

    Returns
    -------
    torch.Tensor
        One number, with a gradient for the critic's weights; the weight (10 in the paper) is not
        in it.

    Raises
    ------
    TypeError
        If they are no tensors.
    ValueError
        If the shapes differ, or the critic gives other than one score each.
    """
    real = arguments.tensor(real, "real", like=torch.zeros(()))
    fake = arguments.tensor(fake, "fake", like=torch.zeros(()))
    mix = mix if mix is None else arguments.tensor(mix, "mix", like=torch.zeros(()))
    if real.shape != fake.shape or real.ndim < 2 or not len(real):
        raise ValueError(
            f"real {tuple(real.shape)} and fake {tuple(fake.shape)}: one shape (batch, ...) needed."
        )
    mix = torch.rand(len(real), device=real.device) if mix is None else mix
    if mix.shape != (len(real),):
        raise ValueError(f"mix: one number for each of the {len(real)} examples is needed.")
    mix = mix.reshape(-1, *[1] * (real.ndim - 1)).to(real)
    between = (mix * real + (1 - mix) * fake).detach().requires_grad_()
    if not callable(critic):
        raise TypeError(f"critic={arguments.shown(critic)}: give a function of data.")
    scores = arguments.tensor(critic(between), "critic's scores")
    if scores.numel() != len(real):
        raise ValueError(f"critic: {tuple(scores.shape)} scores for {len(real)} examples.")
    slope = None  # for a critic that does not look at its data
    if scores.requires_grad:
        total = scores.sum()
        (slope,) = torch.autograd.grad(total, between, create_graph=True, allow_unused=True)
    slope = torch.zeros_like(between) if slope is None else slope
    return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
