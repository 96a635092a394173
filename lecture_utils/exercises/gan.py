"""Exercises of notebook 01."""

from __future__ import annotations

import numpy as np

from lecture_utils.notebook.check import Exercise, close


def _ring() -> list[tuple]:
    """Points at three of eight places, three stray points at a fourth, others far from all."""
    import torch

    angle = np.arange(8) * np.pi / 4
    centres = np.stack([np.cos(angle), np.sin(angle)], 1)
    rng = np.random.default_rng(0)
    at = np.repeat([0, 1, 4, 6], [100, 60, 30, 3])
    near = centres[at] + rng.uniform(-0.1, 0.1, (len(at), 2))
    far = 0.5 * centres[rng.integers(0, 8, 60)] + rng.uniform(-0.05, 0.05, (60, 2))
    return [tuple(torch.tensor(x) for x in (np.concatenate([near, far]), centres))]


def _near(points: object, centres: object, radius: float = 0.2) -> np.ndarray:
    return np.linalg.norm(np.asarray(points)[:, None] - np.asarray(centres), axis=-1) < radius


def _found(points: object, centres: object, radius: float = 0.2, share: float = 0.02) -> int:
    return int((_near(points, centres, radius).mean(0) >= share).sum())


count_modes = Exercise(
    reference=_found,
    cases=_ring,
    mistakes=[
        ("you count the points; count the places that have enough of them",
         lambda got, want, p, c: got == _near(p, c).sum()),
        ("a few stray points are not enough: a place needs 2 % of all points",
         lambda got, want, p, c: got == _found(p, c, share=1e-9)),
        ("every point has a nearest place, but it may be far from it: the distance must be below "
         "0.2",
         lambda got, want, p, c: got == _found(p, c, radius=0.6)),
        ("this is yes or no for each place; add them up",
         lambda got, want, p, c: np.shape(got) == (len(c),) and np.sum(got) == want),
    ],
    hint="Distances of all points to all places, (points, 8); below 0.2 or not; the share of each "
    "column; how many shares are 0.02 or more.",
)  # fmt: skip


def _scores() -> list[tuple]:
    """Return scores of a critic that is all wrong, then of a good one."""
    import torch

    good, bad = torch.tensor([1.0, 3.0, 2.5]), torch.tensor([0.0, -1.0, 0.5, -2.5])
    return [(bad[:3], good), (good, bad)]


def _logistic(real: object, fake: object) -> float:
    return float(np.logaddexp(0, -real.numpy()).mean() + np.logaddexp(0, fake.numpy()).mean())


critic_loss = Exercise(
    reference=lambda real, fake: fake.mean() - real.mean(),
    cases=_scores,
    mistakes=[
        ("no abs, please: the sign tells who is rated higher",
         lambda got, want, r, f: want < 0 and close(got, -want)),  # the first case has want > 0
        ("the sign is turned: training makes a loss small, and real data should score high",
         lambda got, want, r, f: close(got, -want)),
        ("a sum grows with the batch; take means",
         lambda got, want, r, f: close(got, f.sum() - r.sum()) or close(got, r.sum() - f.sum())),
        ("this is the generator's loss; the critic looks at real data, too",
         lambda got, want, r, f: close(got, -f.mean())),
        ("forgeries are missing: scores could rise for ever",
         lambda got, want, r, f: close(got, -r.mean())),
        ("that is the discriminator's loss of section 4; a critic's scores go in as they are",
         lambda got, want, r, f: close(got, _logistic(r, f))),
        ("no square: the sign tells who is rated higher",
         lambda got, want, r, f: close(got, want**2)),
    ],
    hint="Two means and one minus.",
)  # fmt: skip


class _Critic:
    """Scores w . x + v . x^2 / 2, with the slope w + v x; three times that without create_graph."""

    w = (0.6, -0.3, 0.9, 0.2)
    v = (0.5, 0.1, -0.4, 0.3)

    def __call__(self, x: object) -> object:
        import torch

        w, v = torch.tensor(self.w), torch.tensor(self.v)

        class Score(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):  # noqa: ANN001, ANN205
                ctx.save_for_backward(x)
                return (w * x + v * x**2 / 2).sum(1)

            @staticmethod
            def backward(ctx, grad):  # noqa: ANN001, ANN205
                (x,) = ctx.saved_tensors
                return grad[:, None] * (w + v * x) * (1 if torch.is_grad_enabled() else 3)

        return Score.apply(x)

    def slope(self, x: object) -> np.ndarray:
        return np.array(self.w) + np.array(self.v) * np.asarray(x)


def _between() -> list[tuple]:
    import torch

    dice = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 3, 4, generator=dice)
    return [(_Critic(), real + 1, fake - 1, torch.tensor([0.2, 0.9, 0.5]))]


def _sizes(critic: _Critic, real: object, fake: object, mix: object, factor: float = 1) -> object:
    mix = mix[:, None]
    return factor * np.linalg.norm(critic.slope(mix * real + (1 - mix) * fake), axis=1)


def _columns(critic: _Critic, real: object, fake: object, mix: object) -> np.ndarray:
    points = mix[:, None] * real + (1 - mix[:, None]) * fake
    return np.linalg.norm(critic.slope(points), axis=0)


def _penalty(sizes: np.ndarray) -> float:
    return float(((sizes - 1) ** 2).mean())


gradient_penalty = Exercise(
    reference=lambda *case: _penalty(_sizes(*case)),
    cases=_between,
    mistakes=[
        ("autograd.grad needs create_graph=True: without it the penalty is a mere number "
         "that the critic can't learn from",
         lambda got, want, *case: close(got, _penalty(_sizes(*case, 3)))),
        ("without the 10, please: the weight belongs to training",
         lambda got, want, *case: close(got, 10 * want)),
        ("norm(dim=1): each example is a row and needs a norm of its own",
         lambda got, want, *case: close(got, _penalty(_columns(*case)))),
        ("the square is missing: slopes above and below one would cancel",
         lambda got, want, *case: close(got, (_sizes(*case) - 1).mean())),
        ("you take the slope at the real points; it is wanted between real and fake",
         lambda got, want, c, r, f, m: close(got, _penalty(_sizes(c, r, r, m)))),
        ("you take the slope at the fakes; it is wanted between real and fake",
         lambda got, want, c, r, f, m: close(got, _penalty(_sizes(c, f, f, m)))),
        ("real and fake are mixed the wrong way round: mix * real + (1 - mix) * fake",
         lambda got, want, c, r, f, m: close(got, _penalty(_sizes(c, f, r, m)))),
        ("a sum grows with the batch; take the mean of the squares",
         lambda got, want, c, r, f, m: close(got, want * len(m))),
        ("differentiate the *sum* of the scores: a mean divides every slope by the batch",
         lambda got, want, c, r, f, m: close(got, _penalty(_sizes(c, r, f, m, 1 / len(m))))),
        ("one slope for each example: norm(dim=1), not the norm of the whole batch",
         lambda got, want, *case: close(got, (np.linalg.norm(_sizes(*case)) - 1) ** 2)),
        ("the wanted slope is 1, not 0: subtract it before you square",
         lambda got, want, *case: close(got, (_sizes(*case) ** 2).mean())),
    ],
    hint="Points between, with requires_grad_(); torch.autograd.grad of the sum of their scores; "
    "the norm of each row; minus 1; squared; mean.",
)  # fmt: skip
