"""Worked solutions of notebook 01, and typical wrong answers with a word of their diagnosis."""

import numpy as np
import torch
from torch.nn.functional import softplus


def distances(points, places):
    return torch.cdist(points, places)


def count_modes(points, places):
    return ((distances(points, places) < 0.2).float().mean(0) >= 0.02).sum()


def nearest_only(points, places):
    counts = np.bincount(distances(points, places).argmin(1), minlength=len(places))
    return np.sum(counts >= 0.02 * len(points))


def sizes(critic, real, fake, mix, graph=True, total=torch.sum, dim=1):
    points = (mix[:, None] * real + (1 - mix[:, None]) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(total(critic(points)), points, create_graph=graph)
    return slope.norm(dim=dim)


def gradient_penalty(critic, real, fake, mix):
    return ((sizes(critic, real, fake, mix) - 1) ** 2).mean()


SOLUTIONS = {
    "gan.count_modes": count_modes,
    "gan.critic_loss": lambda real, fake: fake.mean() - real.mean(),
    "gan.gradient_penalty": gradient_penalty,
}

WRONG = {
    "gan.count_modes": {
        "count the points": lambda p, c: (distances(p, c) < 0.2).sum(),
        "stray points": lambda p, c: (distances(p, c) < 0.2).any(0).sum(),
        "far from it": nearest_only,
        "add them up": lambda p, c: (distances(p, c) < 0.2).float().mean(0) >= 0.02,
    },
    "gan.critic_loss": {
        "no abs": lambda r, f: abs(f.mean() - r.mean()),
        "sign is turned": lambda r, f: r.mean() - f.mean(),
        "take means": lambda r, f: f.sum() - r.sum(),
        "generator's loss": lambda r, f: -f.mean(),
        "forgeries are missing": lambda r, f: -r.mean(),
        "loss of section 4": lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        "tells who is rated": lambda r, f: (f.mean() - r.mean()) ** 2,
    },
    "gan.gradient_penalty": {
        "create_graph": lambda *case: ((sizes(*case, graph=False) - 1) ** 2).mean(),
        "without the 10": lambda *case: 10 * gradient_penalty(*case),
        "norm of its own": lambda *case: ((sizes(*case, dim=0) - 1) ** 2).mean(),
        "square is missing": lambda *case: (sizes(*case) - 1).mean(),
        "at the real points": lambda c, r, f, m: gradient_penalty(c, r, r, m),
        "at the fakes": lambda c, r, f, m: gradient_penalty(c, f, f, m),
        "wrong way round": lambda c, r, f, m: gradient_penalty(c, f, r, m),
        "sum grows": lambda *case: ((sizes(*case) - 1) ** 2).sum(),
        "*sum* of the scores": lambda *case: ((sizes(*case, total=torch.mean) - 1) ** 2).mean(),
        "norm of the whole batch": lambda *case: (sizes(*case).norm() - 1) ** 2,
        "is 1, not 0": lambda *case: (sizes(*case) ** 2).mean(),
    },
}
