"""Odd values for arguments, and the rule about them: a right answer, or a sentence of ours."""

import traceback
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch

#: Words of a library's own complaint: our sentences say what to do instead.
FOREIGN = (
    "ufunc", "broadcast", "inhomogeneous", "ambiguous", "not supported between", "unsupported",
    "bad operand", "not iterable", "not subscriptable", "has no attribute", "could not convert",
    "cannot convert", "unhashable", "object is not", "has no len", "SeedSequence", "zero-size",
    "must be Tensor", "invalid data type", "zip()", "Expected all tensors", "index out of range",
)  # fmt: skip


def works_or_says(function, *arguments, **options):
    """Call it; a complaint must be one line, of the expected kind, and written by this project."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(mixed down|cancel|clipped|Empty filters).*")
        warnings.filterwarnings("ignore", message="(mel|source|x).*: .*(takes|no single pitch)")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        try:
            return function(*arguments, **options)
        except (ValueError, TypeError, FileNotFoundError) as error:
            sentence, where = str(error), traceback.extract_tb(error.__traceback__)[-1].filename
            assert "lecture_utils" in where, f"raised in {where}: {sentence}"
            assert "\n" not in sentence and len(sentence) < 250, sentence
            assert not any(word in sentence for word in FOREIGN), sentence
        finally:
            plt.close("all")


ODD = [
    None, True, "16000", b"x", "", -1, 0, 1, 3.5, 1e9, np.nan, np.inf, -np.inf, 2 + 1j, [1, 2], (),
    {}, np.array([1, 2]), np.float32(0.5), np.int16(64), torch.tensor(3), [[1.0], [1.0, 2.0]],
    object(),
]  # fmt: skip


def relatives(value):
    """Values that were nearly right: another shape, kind or library, with holes or turned."""
    if isinstance(value, torch.Tensor):
        with torch.no_grad():
            near = [
                value.numpy(), value.tolist(), value[None], value[..., None], value[:0],
                value[..., :0], value.flatten(), value.double(), value.half(), value.long(),
                value > 0, value + 0j, value.mT if value.ndim > 1 else value[:-1], value[..., :-1],
                torch.cat([value, value]), value.repeat_interleave(2, -1), value[0],
            ]  # fmt: skip
            if value.is_floating_point():
                near += [value * torch.nan, value + torch.inf, value * 1e30]
            return [*near, value + 1000, -1 - value.float().abs()]
    if isinstance(value, np.ndarray):
        near = [torch.from_numpy(value), value.tolist(), value[None], value[..., None], value[:0],
                value.ravel(), value.T, value[..., :-1], value.astype(float), value > 0,
                value.astype("f2"), value + 0j, value.astype(int), value.astype(object),
                value.astype(str)]  # fmt: skip
        return near + [value * np.nan, value + np.inf] if value.dtype.kind == "f" else near
    if isinstance(value, (list, tuple)):
        return [value[:-1], [*value, *value], [None] * len(value), ["a"], [-1] * len(value)]
    return []
