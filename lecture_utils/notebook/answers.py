"""What a student's function gives back, as plain numbers, and how far it is from what is wanted.

Lists, NumPy arrays and tensors of every kind count alike: what matters is the numbers.
Used by :mod:`lecture_utils.notebook.check` in every notebook.
"""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Iterable, Mapping

import numpy as np

#: An endless generator is read this far.
MAX_ITEMS = 10_000


def plain(value: object) -> object:
    """Return `value` with tensors and other arrays in it as NumPy arrays, iterators as lists.

    Text, numbers and what cannot be read as numbers stay as they are.
    """
    if value is None or value is ... or isinstance(value, (str, bytes, Mapping, bool, int, float)):
        return value
    torch = sys.modules.get("torch")  # no tensor can be here where torch was never imported
    if torch is not None and isinstance(value, torch.Tensor):
        return _from_tensor(value)
    if isinstance(value, np.ma.MaskedArray):
        return np.ma.filled(value.astype(np.result_type(value, float)), np.nan)
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if hasattr(value, "__array__"):
        return np.asarray(value)
    if inspect.iscoroutine(value):
        value.close()  # else Python warns that nobody waited for it
        return value
    if isinstance(value, Iterable):
        return [plain(item) for item in itertools.islice(value, MAX_ITEMS)]
    return value


def _from_tensor(tensor: object) -> object:
    tensor = tensor.detach()
    if tensor.is_meta or tensor.is_nested:  # has no numbers, or no shape
        return tensor
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    tensor = tensor.to_dense().resolve_conj().resolve_neg().cpu()
    try:
        return tensor.numpy()
    except TypeError:  # bfloat16 and smaller kinds are unknown to NumPy
        return tensor.cfloat().numpy() if tensor.is_complex() else tensor.float().numpy()


def rounding(value: object) -> float:
    """Return the relative error that the coarsest kind of number in `value` brings with it."""
    if isinstance(value, (list, tuple)):
        return max(map(rounding, value), default=0.0)
    kind = str(getattr(value, "dtype", ""))
    return 2.0**-6 if "bfloat16" in kind else 2.0**-9 if kind.endswith("float16") else 0.0


def numbers(value: object) -> np.ndarray | None:
    """Return `value` as an array of float64 or complex128, or None if it does not hold numbers."""
    try:
        array = np.asarray(plain(value))
        if array.dtype == object:  # fractions, or numbers of several kinds
            if None in array.ravel().tolist():  # else it became NaN
                return None
            array = array.astype(np.float64)
    except Exception:  # a ragged list, None in a list, or an object that refuses
        return None
    if array.dtype.kind not in "biufc":
        return None
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def close(got: object, want: object, tolerance: float = 1e-4) -> bool:
    """Tell whether two answers agree in shape and, relative to the largest value, in value.

    Whole numbers must agree exactly. What is infinite or NaN in one must be so in the other.
    One number may come in an array of its own.
    """
    if isinstance(want, tuple):
        several = isinstance(got, (tuple, list)) or (isinstance(got, np.ndarray) and got.ndim > 0)
        return (
            several
            and len(got) == len(want)
            and all(close(g, w, tolerance) for g, w in zip(got, want, strict=True))
        )
    if is_text(want):
        return is_text(got) and got == want
    whole = _is_whole(want)
    got, want = numbers(got), numbers(want)
    if got is None or want is None:
        return False
    if want.shape == () and got.size == 1:
        got = got.reshape(())
    finite = np.isfinite(want)
    if got.shape != want.shape or not (np.isfinite(got) == finite).all():
        return False
    largest = np.abs(want[finite]).max(initial=0)
    scale = largest if largest > 1e-12 else 1.0  # what is smaller is a rounded 0
    allowed = 1e-3 if whole else tolerance * scale
    return bool(np.abs(got[finite] - want[finite]).max(initial=0) <= allowed)


def is_text(value: object) -> bool:
    """Tell whether `value` is a list of words."""
    return isinstance(value, list) and len(value) > 0 and all(isinstance(v, str) for v in value)


def _is_whole(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biu"
    return isinstance(value, int)


def relation(found: list, wanted: list) -> str | None:
    """Say what all cases have in common: one factor, one offset, another order, or None."""
    got, want = [numbers(g) for g in found], [numbers(w) for w in wanted]
    pairs = list(zip(got, want, strict=True))
    if any(g is None or w is None or g.size != w.size for g, w in pairs):
        return None
    if all(close(g.T, w) for g, w in pairs):
        return "rows and columns are exchanged (transposed)"
    if all(close(g.ravel(), w.ravel()) for g, w in pairs):
        here, there = next((g.shape, w.shape) for g, w in pairs if g.shape != w.shape)
        return f"these are the right numbers in another shape: {here} instead of {there}"
    if any(g.shape != w.shape for g, w in pairs):
        return None
    if all(g.ndim and close(g[::-1], w) for g, w in pairs):
        return "these are the right numbers in reverse order"
    a, b = (np.concatenate([x.ravel() for x in xs]) for xs in (got, want))
    if len(b) < 3 or not np.isfinite(a).all():
        return None
    factor = np.vdot(b, a) / (np.vdot(b, b) or 1.0)
    if factor and abs(np.imag(factor)) < 1e-6 and _agree(got, [factor * w for w in want]):
        return f"right but for a factor: everything is {np.real(factor):.5g} times as large"
    offset = np.mean(a - b)
    if offset and np.imag(offset) == 0 and _agree(got, [w + offset for w in want]):
        side = "large" if np.real(offset) > 0 else "small"
        return f"everything is too {side} by {abs(np.real(offset)):.5g}"
    if all(close(np.sort(g, None), np.sort(w, None)) for g, w in pairs):
        return "these are the right numbers in another order"
    return None


def _agree(got: list, want: list) -> bool:
    return all(close(g, w) for g, w in zip(got, want, strict=True))


def difference(got: object, want: object, show: bool) -> str:
    """Say how one answer differs from what is wanted, which is told only if `show`."""
    if isinstance(want, tuple):
        if not isinstance(got, (tuple, list)) or len(got) != len(want):
            return f"return {len(want)} things, separated by commas"
        index = next(i for i, (g, w) in enumerate(zip(got, want, strict=True)) if not close(g, w))
        rest = difference(got[index], want[index], show)
        return f"of the {len(want)} things, number {index + 1}: {rest}"
    if is_text(want) or (isinstance(want, list) and not want):
        return _word_difference(got, want, show)
    array, target = numbers(got), numbers(want)
    if array is None and isinstance(got, list) and all(numbers(row) is not None for row in got):
        return "its rows have different lengths"
    if array is None:
        return f"numbers are wanted, this is {article(got)}"
    if array.shape != target.shape:
        wanted = f"{target.shape} is wanted" if target.shape else "a single number is wanted"
        return f"the shape is {array.shape}, {wanted}"
    if np.isnan(array).any():
        return "there are values that are no numbers (NaN): 0 / 0, or a root or log of less than 0"
    if not np.isfinite(array).all():
        return "there are infinite values: a division by 0, or the log of 0"
    if np.iscomplexobj(target) and not np.iscomplexobj(array):
        return "the values are real, complex ones are wanted"
    if np.iscomplexobj(array) and not np.iscomplexobj(target) and np.any(array.imag):
        return "the values are complex, real ones are wanted"
    errors = np.abs(array - target)
    worst = np.unravel_index(int(errors.argmax()), errors.shape)
    place = f"at [{', '.join(map(str, worst))}] " if worst else ""
    wanted = f"{target[worst]:.5g} is wanted" if show else _way_off(array[worst], target[worst])
    return f"{place}it gives {array[worst]:.5g}, {wanted}"


def _way_off(got: complex, want: complex) -> str:
    """Say in which direction a number is wrong, without telling the right one."""
    if np.iscomplexobj(got) or np.iscomplexobj(want):
        if abs(abs(got) - abs(want)) <= 1e-3 * abs(want):
            return "which has the right length, but a wrong direction"
        got, want = abs(got), abs(want)
        return f"which is too {'long' if got > want else 'short'}"
    return f"which is too {'large' if got > want else 'small'}"


def _word_difference(got: object, want: list, show: bool) -> str:
    if isinstance(got, list) and not got:
        return "it is empty"
    if isinstance(got, list) and not is_text(got):
        other = next(item for item in got if not isinstance(item, str))
        return f"a list of text is wanted, yours has {article(other)} in it"
    if not is_text(got):
        return f"a list of text is wanted, this is {article(got)}"
    for number, (g, w) in enumerate(zip(got, want, strict=False), start=1):
        if g != w:
            wanted = f"{w} is wanted" if show else "something else is wanted"
            return f"number {number} is {g}, {wanted}"
    return f"there are {len(got)}, {'too many' if len(got) > len(want) else 'some are missing'}"


def article(value: object) -> str:
    """Name the kind of `value`, with its article."""
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
