"""Worked solutions of notebook 02, each also in plain loops and in PyTorch."""

import math

import numpy as np
import torch


def q_sample(x0, t, noise, alphas_cumprod):
    left = alphas_cumprod[t]
    return np.sqrt(left) * x0 + np.sqrt(1 - left) * noise


def reverse_step(x_t, t, predicted, noise, betas):
    left = np.cumprod(1 - betas)[t]
    mean = (x_t - betas[t] / np.sqrt(1 - left) * predicted) / np.sqrt(1 - betas[t])
    return mean if t == 0 else mean + np.sqrt(betas[t]) * noise


def looped(x_t, t, predicted, noise, betas):
    left = 1.0
    for beta in betas[: t + 1]:
        left *= 1 - beta
    new = []
    for x, guess, fresh in zip(x_t, predicted, noise, strict=True):
        value = (x - betas[t] * guess / math.sqrt(1 - left)) / math.sqrt(1 - betas[t])
        if t > 0:
            value += math.sqrt(betas[t]) * fresh
        new.append(value)
    return new


def by_clean_data(x_t, t, predicted, noise, betas):
    """Guess the clean data, then the mean of the posterior: the same step."""
    left = torch.cumprod(1 - betas.double(), 0)
    before = left[t - 1] if t else torch.ones(())
    clean = (x_t - torch.sqrt(1 - left[t]) * predicted) / torch.sqrt(left[t])
    mean = betas[t] * torch.sqrt(before) / (1 - left[t]) * clean
    mean = mean + (1 - before) * torch.sqrt(1 - betas[t]) / (1 - left[t]) * x_t
    return mean + torch.sqrt(betas[t]) * noise * (t > 0)


SOLUTIONS = {"diffusion.q_sample": q_sample, "diffusion.reverse_step": reverse_step}

LOOPS = {
    "diffusion.q_sample": lambda x0, t, noise, left: [
        math.sqrt(left[t]) * x + math.sqrt(1 - left[t]) * z for x, z in zip(x0, noise, strict=True)
    ],
    "diffusion.reverse_step": looped,
}

TORCH = {
    "diffusion.q_sample": lambda x0, t, noise, left: torch.addcmul(
        left[t].sqrt() * x0, (1 - left[t]).sqrt(), noise
    ),
    "diffusion.reverse_step": by_clean_data,
}
