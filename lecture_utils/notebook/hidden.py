"""What a page is told about a blind test, with the labels out of sight. Used by ``listen``."""

from __future__ import annotations

import base64
import json

import numpy as np


def hide(
    spec: dict, blind: bool | str, reference: str | None, trials: int, seed: int | None
) -> None:
    """Turn `spec` into that of a blind test, with the labels out of sight."""
    labels = spec.pop("labels")
    spec.pop("credits", None)
    mode = ("abx" if len(labels) == 2 else "rate") if blind is True else blind
    if mode not in ("abx", "rate"):
        raise ValueError(f'blind: {blind!r} is unknown; give True, "abx" or "rate".')
    if mode == "abx" and len(labels) != 2:
        raise ValueError(
            f'blind: A/B/X compares two versions, got {len(labels)}; use blind="rate".'
        )
    if reference is not None and (mode != "rate" or reference not in labels):
        raise ValueError(f'reference: {reference!r} must be one of {labels}, with blind="rate".')
    for name, value, top in (("trials", trials, 50), ("seed", seed, 2**32 - 1)):
        if value is None and name == "seed":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name}: expected a whole number, got {value!r}.")
        if not (name == "trials") <= value <= top:
            raise ValueError(f"{name}: {value} is out of range; give at most {top}.")
    encoded = base64.b64encode(json.dumps(labels).encode()).decode()
    spec |= {
        "blind": mode,
        "hidden": encoded[::-1],
        "trials": int(trials),
        "seed": None if seed is None else int(seed),
        "reference": None if reference is None else labels.index(reference),
    }
