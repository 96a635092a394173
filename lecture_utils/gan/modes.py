"""Counting modes: does a generator make everything there is? Used by notebook 01."""

from __future__ import annotations

import torch

from lecture_utils import arguments


def modes_found(
    points: torch.Tensor, places: torch.Tensor, radius: float = 0.2, share: float = 0.02
) -> int:
    """Return how many of `places` ``(k, n)`` are met by `share` or more of `points` ``(m, n)``.

    Met means nearer than `radius`. TypeError or ValueError if these are no tensors of such shapes.
    """
    radius, share = arguments.number(radius, "radius", 0), arguments.number(share, "share", 0, 1)
    points, places = (
        arguments.tensor(x, name, like=torch.zeros(()))
        for name, x in (("points", points), ("places", places))
    )
    if points.ndim != 2 or places.ndim != 2 or points.shape[1] != places.shape[1]:
        raise ValueError(f"points {tuple(points.shape)}, places {tuple(places.shape)}: expected "
                         "(m, n) and (k, n), one row for each with as many numbers.")  # fmt: skip

    near = torch.cdist(points, places) < radius
    return int((near.float().mean(0) >= share).sum())
