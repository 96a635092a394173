"""Exercises of notebook 01."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.check import Exercise

# -------------------------------------------------------------------------- count_modes


def _rings() -> dict[str, tuple]:
    """Return points around eight places: near and far ones, few of them, and none."""
    angle = np.arange(8) * np.pi / 4
    places = np.stack([np.cos(angle), np.sin(angle)], 1)
    rng = np.random.default_rng(0)

    def around(which: list[int], counts: list[int], radius: float) -> np.ndarray:
        """Points on a circle around some places."""
        turn = rng.uniform(0, 2 * np.pi, sum(counts))
        return np.repeat(places[which], counts, 0) + radius * np.stack(
            [np.cos(turn), np.sin(turn)], 1
        )

    middle = 0.5 * places[rng.integers(0, 8, 60)] + rng.uniform(-0.05, 0.05, (60, 2))
    three = np.concatenate([around([0, 1, 4, 6], [100, 60, 30, 5], 0.1), middle])
    # 0.2 and farther away in one direction or both, and near ones that are far in sum
    diagonal = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) / np.sqrt(2)
    corners = np.concatenate([
        around([0], [30], 0.3), around([5], [30], 0.42),
        np.repeat(places[[3]], 20, 0) + 0.23 * np.tile([[1, 0], [0, 1], [-1, 0], [0, -1]], (5, 1)),
        np.repeat(places[[2]], 20, 0) + 0.25 * np.tile(diagonal, (5, 1)),
        np.repeat(places[[6, 7]], 20, 0) + 0.18 * np.tile(diagonal, (10, 1)),
    ])  # fmt: skip
    # of 400 points, 8 are exactly 2 %
    scarce = np.concatenate([
        around([0, 1, 2, 3, 4, 5], [8, 8, 8, 7, 7, 4], 0.1), np.zeros((358, 2)),
    ])  # fmt: skip
    spread = around(list(range(8)), [50, 30, 20, 15, 9, 5, 2, 1], 0.03)
    # a place at (0, 0), from which the distance 0.2 comes out exactly, in single precision, too
    moved = places - places[0]
    border = np.repeat([[0.2, 0], [0, -0.2], moved[4] + 0.1, [5, 5]], [10, 10, 20, 20], 0)
    dense = 0.3 * places  # neighbours are 0.23 apart
    between = np.repeat([0.6 * dense[0] + 0.4 * dense[1], [5, 5]], [20, 80], 0)
    return {
        "points at three places, and some between": (three, places),
        "points about 0.2 away": (corners, places),
        "places with exactly 2 % of the points": (scarce, places),
        "points that are all far from every place": (np.zeros((50, 2)), places),
        "a thousand points, few of them near": (np.append(spread, np.zeros((868, 2)), 0), places),
        "points exactly 0.2 away": (border, moved),
        "points near to two places": (between, dense),
        "points at all places": (around(list(range(8)), [30] * 8, 0.15), places),
    }


def _shares(
    points: np.ndarray, places: np.ndarray, radius: float = 0.2, order: float = 2
) -> np.ndarray:
    away = np.linalg.norm(points[:, None] - places, ord=order, axis=-1)
    return (away < radius - 1e-9).mean(0)


def _found(points: np.ndarray, places: np.ndarray, share: float = 0.02, **away: float) -> int:
    return int((_shares(points, places, **away) >= share - 1e-9).sum())


def _near(points: np.ndarray, places: np.ndarray, least: float) -> int:
    return int((_shares(points, places) * len(points) >= least - 1e-9).sum())


def _of_near(points: np.ndarray, places: np.ndarray) -> int:
    near = _shares(points, places)
    return int((near >= 0.02 * near.sum()).sum()) if near.any() else 0


def _nearest(points: np.ndarray, places: np.ndarray) -> int:
    best = np.linalg.norm(points[:, None] - places, axis=-1).argmin(1)
    return int((np.bincount(best, minlength=len(places)) >= 0.02 * len(points)).sum())


def _one_each(points: np.ndarray, places: np.ndarray) -> int:
    away = np.linalg.norm(points[:, None] - places, axis=-1)
    near = (away < 0.2 - 1e-9) & (away == away.min(1, keepdims=True))
    return int((near.mean(0) >= 0.02 - 1e-9).sum())


count_modes = Exercise(
    reference=_found,
    cases=_rings,
    tensors=True,
    mistakes=[
        ("you count the points; count the places that have enough of them",
         lambda p, c: round(_shares(p, c).sum() * len(p)),
         lambda p, c: sum(_shares(point[None], c).any() for point in p)),
        ("a few stray points are not enough: a place needs 2 % of all points",
         lambda p, c: _found(p, c, share=1e-6)),
        ("every point has a nearest place, but it may be far from it: the distance must be below "
         "0.2",
         _nearest),
        ("a point may lie near to two places: it counts for both, not for the nearest alone",
         _one_each),
        ("that is the squared distance; take its root, or compare it with 0.2 ** 2",
         lambda p, c: _found(p, c, radius=0.2**0.5)),
        ("you compare the distance with 0.2 ** 2; only a squared distance may be",
         lambda p, c: _found(p, c, radius=0.04)),
        ("that is a square around each place; the distance is the root of the sum of squares",
         lambda p, c: _found(p, c, order=np.inf)),
        ("the two differences are added; the distance is the root of the sum of their squares",
         lambda p, c: _found(p, c, order=1)),
        ("2 % of *all* points are wanted, not of the points near a place",
         _of_near),
        ("2 % is a share: how many points it is depends on how many there are",
         *[lambda p, c, least=least: _near(p, c, least) for least in (20, 10, 5)]),
        ("don't round the number of points: 2 % of 255 points are 5.1, so 5 are too few",
         lambda p, c: _near(p, c, len(p) // 50)),
        ("a point exactly 0.2 away is not nearer than 0.2: < instead of <=",
         lambda p, c: _found(p, c, radius=0.2 + 1e-6)),
        ("2 % is enough: at least 0.02, not more than 0.02",
         lambda p, c: int((_shares(p, c) > 0.02 + 1e-9).sum())),
        ("2 % is 0.02, not 0.2",
         lambda p, c: _found(p, c, share=0.2)),
        ("no place is found in any of the cases; is 2 % written as 0.02?",
         lambda p, c: 0),
        ("you count the places that are missed",
         lambda p, c: len(c) - _found(p, c)),
        ("that is the share of the places; their number is wanted",
         lambda p, c: _found(p, c) / len(c)),
        ("this is yes or no for each place; add them up",
         lambda p, c: _shares(p, c) >= 0.02),
        ("these are the shares of each place; how many of them are large enough?",
         _shares),
    ],
    hint="Begin with the distances of all points to all places, (points, 8). Which are small "
    "enough? What is their share in each column?",
)  # fmt: skip

# -------------------------------------------------------------------------- critic_loss


def _scores() -> dict[str, tuple]:
    good, bad = np.array([1.0, 3.0, 2.5]), np.array([0.0, -1.0, 0.5, -2.5])
    return {
        "a critic that is wrong": (bad[:3], good),
        "a good critic": (good, bad),
        "scores of 0 alone": (np.zeros(4), np.zeros(4)),
        "one score each": (np.array([-0.75]), np.array([-4.0])),
        "batches of different sizes": (np.array([0.25, 0.5]), np.array([4.0, -8, 0.5, 0.75, 1])),
    }


def _logistic(real: np.ndarray, fake: np.ndarray) -> float:
    return np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()


critic_loss = Exercise(
    reference=lambda real, fake: fake.mean() - real.mean(),
    cases=_scores,
    tensors=True,
    mistakes=[
        ("no absolute value: the sign tells who is rated higher",
         lambda r, f: abs(f.mean() - r.mean())),
        ("the sign is turned: training makes a loss small, and real data should score high",
         lambda r, f: r.mean() - f.mean()),
        ("a sum grows with the batch; take means",
         lambda r, f: f.sum() - r.sum(),
         lambda r, f: r.sum() - f.sum()),
        ("this is the generator's loss; the critic looks at real data, too",
         lambda r, f: -f.mean()),
        ("real data are missing: the scores could fall for ever",
         lambda r, f: f.mean()),
        ("fakes are missing: the scores could rise for ever",
         lambda r, f: -r.mean()),
        ("the two means are added; the critic is to raise one of them and lower the other",
         lambda r, f: f.mean() + r.mean()),
        ("that is the discriminator's loss of section 4; a critic's scores go in as they are",
         _logistic),
        ("no square: the sign tells who is rated higher",
         lambda r, f: (f.mean() - r.mean()) ** 2),
        ("nothing is halved here",
         lambda r, f: (f.mean() - r.mean()) / 2),
        ("means are wanted, not medians",
         *[lambda r, f, method=method: np.quantile(f, 0.5, method=method) - np.quantile(
               r, 0.5, method=method) for method in ("linear", "lower")]),  # torch.median: lower
        ("take the mean of each group, not of all scores together",
         lambda r, f: np.concatenate([f, -r]).mean()),
        ("the scores have no border here; leave the maximum with 0 out (that is the hinge loss)",
         lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean()),
        ("a critic's scores have no border at 0: leave the maximum out",
         lambda r, f: max(f.mean() - r.mean(), 0.0)),
        ("scores are not drawn to 1 and 0 here; they go in as they are",
         lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean()),
        ("take the mean of each group, not of pairs: there may be more of one than of the other",
         lambda r, f: (f[: min(len(r), len(f))] - r[: min(len(r), len(f))]).mean()),
        ("scores are not squeezed to 0 .. 1: leave the sigmoid out",
         lambda r, f: (1 / (1 + np.exp(-f))).mean() - (1 / (1 + np.exp(-r))).mean()),
    ],
    hint="Which of the two groups should get high scores? A loss is something that training makes "
    "small.",
)  # fmt: skip

# --------------------------------------------------------------------- gradient_penalty


class _Critic:
    """Scores w . x + v . x^2 / 2, with the slope w + v x, and parameters that could learn."""

    def __init__(self, w: list[float], v: list[float]) -> None:
        import torch

        self.w, self.v = (torch.tensor(p, requires_grad=True) for p in (w, v))

    def __call__(self, x: object) -> object:
        return (self.w * x + self.v * x**2 / 2).sum(-1)

    def slope(self, x: np.ndarray) -> np.ndarray:
        return self.w.detach().numpy() + self.v.detach().numpy() * x


def _critics() -> dict[str, tuple]:
    rng = np.random.default_rng(0)
    curved = _Critic([0.6, -0.3, 0.9, 0.2], [0.5, 0.1, -0.4, 0.3])
    gentle = _Critic([0.1, -0.2], [0.2, 0.1])
    return {
        "a curved critic": (curved, *_between(rng, (3, 4)), np.array([0.2, 0.9, 0.5])),
        "a gentle critic, with slopes below 1": (
            gentle, *_between(rng, (5, 2)), rng.uniform(0, 1, 5)),
        "a linear critic": (_Critic([3.0, 4.0], [0.0, 0.0]), *_between(rng, (4, 2)),
                            np.array([0.0, 1.0, 0.5, 0.25])),
        "as many examples as numbers in each": (
            curved, *_between(rng, (4, 4)), rng.uniform(0, 1, 4)),
    }  # fmt: skip


def _between(rng: np.random.Generator, shape: tuple) -> np.ndarray:
    real, fake = rng.normal(size=(2, *shape))
    return real + 1, fake - 1


def _sizes(critic: _Critic, real: np.ndarray, fake: np.ndarray, mix: np.ndarray) -> np.ndarray:
    return np.linalg.norm(_slopes(critic, real, fake, mix), axis=1)


def _slopes(critic: _Critic, real: np.ndarray, fake: np.ndarray, mix: np.ndarray) -> np.ndarray:
    mix = mix[:, None]
    return critic.slope(mix * real + (1 - mix) * fake)


def _penalty(sizes: np.ndarray) -> float:
    return float(((sizes - 1) ** 2).mean())


_TEACHES_NOTHING = "a number that the critic can't learn from"


def _can_teach(value: object, critic: _Critic, *_case: object) -> object:
    """Return `value` if the critic can learn from it, else something that no answer is."""
    import torch

    if isinstance(value, torch.Tensor) and value.requires_grad:
        slope = torch.autograd.grad(value.sum(), [critic.v], allow_unused=True, retain_graph=True)
        if slope[0] is not None:
            return value
    return (_TEACHES_NOTHING,)


gradient_penalty = Exercise(
    reference=lambda *case: _penalty(_sizes(*case)),
    cases=_critics,
    read=_can_teach,
    tensors=True,
    mistakes=[
        ("leave the 10 out: the weight belongs to training",
         lambda *case: 10 * _penalty(_sizes(*case))),
        ("each example is a row and needs a norm of its own; yours are of columns",
         lambda *case: _penalty(np.linalg.norm(_slopes(*case), axis=0))),
        ("the square is missing: slopes above and below one would cancel",
         lambda *case: (_sizes(*case) - 1).mean()),
        ("take the square, not the absolute value",
         lambda *case: abs(_sizes(*case) - 1).mean()),
        ("slopes below 1 make the loss larger, too: no maximum with 0",
         lambda *case: _penalty(np.maximum(_sizes(*case), 1))),
        ("slopes above 1 make the loss larger, too: no minimum with 0",
         lambda *case: _penalty(np.minimum(_sizes(*case), 1))),
        ("square the differences first, then take the mean",
         lambda *case: (_sizes(*case).mean() - 1) ** 2),
        ("you take the slope at the real points; it is wanted between real and fake",
         lambda c, r, f, m: _penalty(_sizes(c, r, r, m))),
        ("you take the slope at the fakes; it is wanted between real and fake",
         lambda c, r, f, m: _penalty(_sizes(c, f, f, m))),
        ("you take the slope half-way; `mix` tells how far between real and fake",
         lambda c, r, f, m: _penalty(_sizes(c, r, f, 0 * m + 0.5))),
        ("every example has its own number in `mix`; you use the first for all",
         lambda c, r, f, m: _penalty(_sizes(c, r, f, 0 * m + m[0]))),
        ("real and fake are mixed the wrong way round: `mix` is the share of the real data",
         lambda c, r, f, m: _penalty(_sizes(c, f, r, m))),
        ("a sum grows with the batch; take the mean of the squares",
         lambda *case: _penalty(_sizes(*case)) * len(case[-1])),
        ("differentiate the *sum* of the scores: a mean divides every slope by the batch",
         lambda *case: _penalty(_sizes(*case) / len(case[-1]))),
        ("one slope for each example, not the norm of the whole batch",
         lambda *case: (np.linalg.norm(_sizes(*case)) - 1) ** 2),
        ("the wanted slope is 1, not 0: subtract it before you square",
         lambda *case: (_sizes(*case) ** 2).mean()),
        ("the norm of each slope is missing: 1 is its length, not each of its numbers",
         lambda *case: ((_slopes(*case) - 1) ** 2).mean(),
         lambda *case: ((np.abs(_slopes(*case)) - 1) ** 2).mean()),
        ("that is the squared norm; take its root",
         lambda *case: _penalty(_sizes(*case) ** 2)),
        ("that is the norm with absolute values; take the root of the sum of squares",
         lambda *case: _penalty(np.abs(_slopes(*case)).sum(1))),
        ("this is one for each example; take the mean",
         lambda *case: (_sizes(*case) - 1) ** 2),
    ],
    signs=[
        ("the penalty is a mere number that the critic can't learn from: `torch.autograd.grad` "
         "needs create_graph=True, and no item() or detach() may follow",
         lambda got, want, *case: got == (_TEACHES_NOTHING,)),
    ],
    hint="You need points between real and fake that PyTorch follows (requires_grad_()), and the "
    "slope of the score at each. How long is each slope, and how far is that from 1?",
)  # fmt: skip
