"""Worked solutions of notebook 01, each also in plain loops and in NumPy."""

import math
import statistics

import numpy as np
import torch


def count_modes(points, places):
    return ((torch.cdist(points, places) < 0.2).float().mean(0) >= 0.02).sum()


def counted(points, places):
    found = 0
    for x, y in places:
        near = 0
        for point in points:
            if math.hypot(point[0] - x, point[1] - y) < 0.2:
                near += 1
        if near >= len(points) / 50:
            found += 1
    return found


def by_numpy(points, places):
    away = np.linalg.norm(np.asarray(points)[:, None] - np.asarray(places), axis=2)
    return np.count_nonzero(np.count_nonzero(away < 0.2, axis=0) >= 0.02 * len(points))


def gradient_penalty(critic, real, fake, mix):
    points = (mix[:, None] * real + (1 - mix[:, None]) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return ((slope.norm(dim=1) - 1) ** 2).mean()


def one_by_one(critic, real, fake, mix):
    total = 0
    for r, f, m in zip(real, fake, mix, strict=True):
        point = (m * r + (1 - m) * f).requires_grad_()
        slope = torch.autograd.grad(critic(point[None])[0], point, create_graph=True)[0]
        total = total + (sum(s**2 for s in slope) ** 0.5 - 1) ** 2
    return total / len(real)


def by_backward(critic, real, fake, mix):
    mix = mix.unsqueeze(1).expand_as(real)
    points = torch.lerp(fake, real, mix).requires_grad_(True)
    critic(points).sum().backward(create_graph=True)
    return torch.nn.functional.mse_loss(points.grad.norm(2, dim=-1), torch.ones(len(real)))


SOLUTIONS = {
    "gan.count_modes": count_modes,
    "gan.critic_loss": lambda real, fake: fake.mean() - real.mean(),
    "gan.gradient_penalty": gradient_penalty,
}

LOOPS = {
    "gan.count_modes": counted,
    "gan.critic_loss": lambda real, fake: (
        statistics.fmean(fake.tolist()) - statistics.fmean(real.tolist())
    ),
    "gan.gradient_penalty": one_by_one,
}

TORCH = {
    "gan.count_modes": by_numpy,
    "gan.critic_loss": lambda real, fake: np.mean(fake, axis=0) - np.mean(real, axis=0),
    "gan.gradient_penalty": by_backward,
}
