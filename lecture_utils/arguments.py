"""Checks of arguments: one clear sentence in place of a traceback from inside a library.

Each returns the value in its plain form, or says what came, where, and what to give instead.
Used by every room.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def shown(value: object) -> str:
    """Return what an error calls a value: a number or a short text as it is, all else by type."""
    text = repr(value)
    is_short = isinstance(value, (str, int, float, complex, np.generic, tuple)) and len(text) < 60
    return text if is_short or value is None else f"<{type(value).__name__}>"


def number(
    value: float, name: str, low: float = -np.inf, high: float = np.inf, whole: bool = False
) -> int | float:
    """Return a finite number in ``low .. high``, as int if it must be `whole`.

    Raises
    ------
    TypeError
        If it is not a number (or not a whole one); True and False do not count as numbers.
    ValueError
        If it is NaN, infinite or out of range.
    """
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    wanted = "a whole number" if whole else "a number"
    if low > -np.inf and high < np.inf:
        wanted += f" from {low:g} to {high:g}"
    elif low > -np.inf:
        wanted += f", {low:g} or more"
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(f"{name}={shown(value)}: give {wanted}.")
    if not np.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name}={shown(value)}: give {wanted}.")
    return int(value) if whole else float(value)


def array(
    values: np.typing.ArrayLike,
    name: str,
    shape: tuple[str, ...] | None = None,
    kinds: str = "fiu",
    finite: bool = True,
) -> np.ndarray:
    """Return `values` as a NumPy array of numbers (a torch tensor loses its gradient).

    Parameters
    ----------
    values : array_like or torch.Tensor
        What came in.
    name : str
        What it is called in an error.
    shape : tuple of str, optional
        Names of the axes, for example ``("bins", "frames")``; each must hold something.
    kinds : str
        Allowed kinds of ``dtype.kind``: "fiu" real numbers, "c" complex ones.
    finite : bool
        Refuse NaN and infinite entries.

    Raises
    ------
    TypeError
        If it holds no numbers, or not of these kinds.
    ValueError
        If it is ragged, empty, not finite, or has other axes.
    """
    if hasattr(values, "detach"):  # a torch tensor, without importing torch for it
        values = values.detach().cpu().numpy()
    try:
        values = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name}: rows of different lengths; give a full array.") from None
    axes = "" if shape is None else f" ({', '.join(shape)})"
    if values.dtype.kind not in kinds:
        if values.dtype.kind == "c":
            raise TypeError(f"{name}: got complex numbers; use np.abs() or np.angle() first.")
        wanted = "complex" if kinds == "c" else "real" if "c" not in kinds else "an array of"
        raise TypeError(f"{name}: expected {wanted} numbers{axes}, got {values.dtype}.")
    if shape is not None and values.ndim != len(shape):
        raise ValueError(f"{name}: expected shape{axes}, got {values.shape}.")
    if shape is not None and not values.size:
        nothing = shape[values.shape.index(0)]
        raise ValueError(f"{name}: shape {values.shape} has no {nothing}; give one or more.")
    if finite and not np.isfinite(values).all():
        raise ValueError(f"{name}: has NaN or infinite entries; remove them first.")
    return values


def seed(value: int | None) -> int | None:
    """Return a seed for ``np.random.default_rng``: a whole number of 0 or more, or None."""
    return None if value is None else number(value, "seed", 0, whole=True)


def path(value: str | os.PathLike, name: str = "path") -> Path:
    """Return a path made from a name or another path."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name}: expected the name of a file, got {type(value).__name__}.")
    return Path(value)


def warn(message: str) -> None:
    """Warn, and name the line that called the package, however deep inside we are."""
    level, frame = 1, sys._getframe()
    inside = str(Path(__file__).parent), f"{os.sep}torch{os.sep}"
    while frame.f_back and any(part in frame.f_code.co_filename for part in inside):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def count(value: int, name: str) -> int:
    """Return a whole number of 1 or more."""
    return number(value, name, 1, whole=True)


def counts(values: Sequence[int], name: str) -> tuple[int, ...]:
    """Return a tuple of whole numbers of 1 or more, one at least."""
    is_row = isinstance(values, (list, tuple)) or getattr(values, "ndim", 0) == 1
    if not is_row or not len(values):
        error = ValueError if is_row else TypeError
        raise error(f"{name}={shown(values)}: give a list of whole numbers, one or more.")
    return tuple(count(value, name) for value in values)


def text(value: str, name: str) -> str:
    """Return a text, such as the name of a sound."""
    if not isinstance(value, str):
        raise TypeError(f"{name}={shown(value)}: give a name as text.")
    return value


def flag(value: bool, name: str) -> bool:
    """Return True or False."""
    if not isinstance(value, (bool, np.bool_, int)):
        raise TypeError(f"{name}={shown(value)}: give True or False.")
    return bool(value)


def generator(value: np.random.Generator, name: str = "rng") -> np.random.Generator:
    """Return a random generator of NumPy."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(f"{name}={shown(value)}: give a generator, as np.random.default_rng(0).")
    return value


def tensor(
    value: torch.Tensor,
    name: str,
    shape: tuple[int | str, ...] | None = None,
    real: bool = False,
    like: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return a torch tensor.

    Parameters
    ----------
    value : torch.Tensor
        What came in.
    name : str
        What it is called in an error.
    shape : tuple, optional
        Sizes of the axes; a word stands for any size of 1 or more.
    real : bool
        Refuse NaN, infinite and complex entries; what is not float64 becomes float32. An array or
        a list is taken as well.
    like : torch.Tensor, optional
        A weight of the network that it is for, whose kind of number it gets; complex ones are
        refused.

    Raises
    ------
    TypeError
        If it is no tensor, or complex.
    ValueError
        If its shape is another, or entries are not finite.
    """
    import torch

    if real and not torch.is_tensor(value):
        found = array(value, name)
        value = torch.as_tensor(found if isinstance(value, np.ndarray) else found.astype("f4"))
    if not torch.is_tensor(value):
        kind = type(value).__name__
        raise TypeError(f"{name}: expected a torch tensor, got {kind}; use torch.as_tensor(...).")
    if (real or like is not None) and value.is_complex():
        raise TypeError(f"{name}: complex numbers given; real ones are needed.")
    if shape is not None and not _fits(tuple(value.shape), shape):
        wanted = ", ".join(map(str, shape))
        raise ValueError(f"{name}: shape ({wanted}) needed, {tuple(value.shape)} given.")
    if real and not torch.isfinite(value).all():
        raise ValueError(f"{name}: has NaN or infinite values; remove them first.")
    if like is not None:
        return value.to(like.dtype)
    return value.float() if real and value.dtype != torch.float64 else value


def both(real: Sequence, fake: Sequence) -> list[tuple]:
    """Pair what each discriminator says of real and of made sound.

    Raises
    ------
    TypeError, ValueError
        If these are no lists, empty or of different lengths.
    """
    for name, found in (("real", real), ("fake", fake)):
        if not isinstance(found, (list, tuple)):
            kind = type(found).__name__
            raise TypeError(
                f"{name}: expected a list, one entry for each discriminator, not {kind}."
            )
    if len(real) != len(fake) or not real:
        raise ValueError(
            f"real has {len(real)} entries and fake {len(fake)}: one for each discriminator needed."
        )
    return list(zip(real, fake, strict=True))


def _fits(sizes: tuple[int, ...], wanted: tuple[int | str, ...]) -> bool:
    return len(sizes) == len(wanted) and all(
        size > 0 if isinstance(want, str) else size == want
        for size, want in zip(sizes, wanted, strict=True)
    )
