"""Wrong answers of notebook 01 that come near, and words of the diagnosis that each must get."""

import numpy as np
import torch
from torch.nn import functional as F


def distances(points, places):
    return (points[:, None] - places).pow(2).sum(-1).sqrt()


def share(points, places, radius=0.2):
    return (distances(points, places) < radius).float().mean(0)


def nearest_only(points, places):
    counts = torch.bincount(distances(points, places).argmin(1), minlength=len(places))
    return (counts >= 0.02 * len(points)).sum()


def nearest_within_reach(points, places):
    found = [0] * len(places)
    for away in distances(points, places):
        if away.min() < 0.2:
            found[int(away.argmin())] += 1
    return sum(n >= 0.02 * len(points) for n in found)


def of_near(points, places):
    near = (distances(points, places) < 0.2).sum(0)
    return sum(1 for n in near if n > 0 and n / near.sum() >= 0.02)


def looped(points, places, least):
    found = 0
    for place in places.tolist():
        near = sum(np.hypot(x - place[0], y - place[1]) < 0.2 for x, y in points.tolist())
        found += least(near, len(points))
    return found


def at(critic, points, graph=True, total=torch.sum):
    points = points.clone().requires_grad_()
    return torch.autograd.grad(total(critic(points)), points, create_graph=graph)[0]


def slopes(critic, real, fake, mix, **how):
    return at(critic, mix[:, None] * real + (1 - mix[:, None]) * fake, **how)


def sizes(*case, **how):
    return slopes(*case, **how).norm(dim=1)


def penalty(sizes):
    return ((sizes - 1) ** 2).mean()


def by_backward(critic, real, fake, mix):
    points = (mix[:, None] * real + (1 - mix[:, None]) * fake).requires_grad_()
    critic(points).sum().backward()
    return penalty(points.grad.norm(dim=1))


def mixed_in_columns(critic, real, fake, mix):
    return penalty(at(critic, mix * real + (1 - mix) * fake).norm(dim=1))


WRONG = {
    "gan.count_modes": [
        ("count the points", lambda p, c: (distances(p, c) < 0.2).sum()),
        ("count the points", lambda p, c: (
            (distances(p, c) < 0.2).float().mean(1) >= 0.02).sum()),
        ("stray points", lambda p, c: (distances(p, c) < 0.2).any(0).sum()),
        ("far from it", nearest_only),
        ("add them up", lambda p, c: share(p, c) >= 0.02),
        ("squared distance", lambda p, c: (
            ((p[:, None] - c) ** 2).sum(-1).lt(0.2).float().mean(0) >= 0.02).sum()),
        ("square around", lambda p, c: (
            ((p[:, None] - c).abs() < 0.2).all(-1).float().mean(0) >= 0.02).sum()),
        ("square around", lambda p, c: (
            (torch.cdist(p, c, p=float("inf")) < 0.2).float().mean(0) >= 0.02).sum()),
        ("differences are added", lambda p, c: (
            ((p[:, None] - c).abs().sum(-1) < 0.2).float().mean(0) >= 0.02).sum()),
        ("not of the points near", of_near),
        ("2 % is enough", lambda p, c: (share(p, c) > 0.02).sum()),
        ("2 % is enough", lambda p, c: looped(p, c, lambda near, n: near > 0.02 * n)),
        ("it gives", lambda p, c: (share(p, c).mul(100).round() >= 2).sum()),
        ("it gives", lambda p, c: ((distances(p, c) < 0.2).sum(0) >= 2).sum()),
        ("not 0.2", lambda p, c: (share(p, c) >= 0.2).sum()),
        ("no place is found", lambda p, c: (share(p, c) >= 2).sum()),
        ("missed", lambda p, c: (share(p, c) < 0.02).sum()),
        ("share of the places", lambda p, c: (share(p, c) >= 0.02).float().mean()),
        ("shares of each place", share),
        ("may be", lambda p, c: (share(p, c, 0.04) >= 0.02).sum()),
        ("cases): it gives", lambda p, c: (share(p, c, 0.25) >= 0.02).sum()),
        ("2 % is a share", lambda p, c: ((distances(p, c) < 0.2).sum(0) >= 20).sum()),
        ("don't round", lambda p, c: (
            (distances(p, c) < 0.2).sum(0) >= max(1, len(p) // 50)).sum()),
        ("don't round", lambda p, c: ((distances(p, c) < 0.2).sum(0) >= round(len(p) / 50)).sum()),
        ("the nearest alone", nearest_within_reach),
        ("< instead of <=", lambda p, c: ((distances(p, c) <= 0.2).float().mean(0) >= 0.02).sum()),
    ],
    "gan.critic_loss": [
        ("no absolute value", lambda r, f: abs(f.mean() - r.mean())),
        ("sign is turned", lambda r, f: r.mean() - f.mean()),
        ("take means", lambda r, f: f.sum() - r.sum()),
        ("generator's loss", lambda r, f: -f.mean()),
        ("fakes are missing", lambda r, f: -r.mean()),
        ("real data are missing", lambda r, f: f.mean()),
        ("loss of section 4", lambda r, f: F.softplus(-r).mean() + F.softplus(f).mean()),
        ("no square", lambda r, f: (f.mean() - r.mean()) ** 2),
        ("halved", lambda r, f: 0.5 * (f.mean() - r.mean())),
        ("two means are added", lambda r, f: f.mean() + r.mean()),
        ("hinge", lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean()),
        ("sigmoid", lambda r, f: torch.sigmoid(f).mean() - torch.sigmoid(r).mean()),
        ("must match", lambda r, f: (f - r).mean()),
        ("not medians", lambda r, f: f.median() - r.median()),
        ("not of all scores together", lambda r, f: torch.cat([f, -r]).mean()),
        ("not medians", lambda r, f: np.median(f) - np.median(r)),
        ("it gives", lambda r, f: f.max() - r.max()),
        ("10 times", lambda r, f: 10 * (f.mean() - r.mean())),
        ("not of pairs", lambda r, f: np.mean([b - a for a, b in zip(r, f, strict=False)])),
        ("no border at 0", lambda r, f: F.relu(f.mean() - r.mean())),
        ("not drawn to 1 and 0", lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean()),
    ],
    "gan.gradient_penalty": [
        ("create_graph", lambda *case: penalty(sizes(*case, graph=False))),
        ("create_graph", by_backward),
        ("create_graph", lambda *case: penalty(sizes(*case).detach())),
        ("leave the 10 out", lambda *case: 10 * penalty(sizes(*case))),
        ("norm of its own", lambda *case: penalty(slopes(*case).norm(dim=0))),
        ("square is missing", lambda *case: (sizes(*case) - 1).mean()),
        ("not the absolute value", lambda *case: (sizes(*case) - 1).abs().mean()),
        ("slopes below 1", lambda *case: (F.relu(sizes(*case) - 1) ** 2).mean()),
        ("slopes above 1", lambda *case: (F.relu(1 - sizes(*case)) ** 2).mean()),
        ("then take the mean", lambda *case: (sizes(*case).mean() - 1) ** 2),
        ("at the real points", lambda c, r, f, m: penalty(at(c, r).norm(dim=1))),
        ("at the fakes", lambda c, r, f, m: penalty(at(c, f).norm(dim=1))),
        ("half-way", lambda c, r, f, m: penalty(at(c, (r + f) / 2).norm(dim=1))),
        ("wrong way round", lambda c, r, f, m: penalty(sizes(c, f, r, m))),
        ("sum grows", lambda *case: ((sizes(*case) - 1) ** 2).sum()),
        ("*sum* of the scores", lambda *case: penalty(sizes(*case, total=torch.mean))),
        ("norm of the whole batch", lambda *case: (slopes(*case).norm() - 1) ** 2),
        ("is 1, not 0", lambda *case: (sizes(*case) ** 2).mean()),
        ("is its length", lambda *case: penalty(slopes(*case))),
        ("take its root", lambda *case: penalty((slopes(*case) ** 2).sum(1))),
        ("absolute values", lambda *case: penalty(slopes(*case).abs().sum(1))),
        ("take the mean", lambda *case: (sizes(*case) - 1) ** 2),
        ("size of tensor", mixed_in_columns),
        ("the first for all", lambda c, r, f, m: penalty(sizes(c, r, f, m[:1].expand(len(m))))),
        ("is its length", lambda *case: penalty(slopes(*case).abs())),
    ],
}  # fmt: skip
