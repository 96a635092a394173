"""Weights on disk: safetensors with their configuration inside, and published checkpoints.

Nothing is unpickled: a file of weights can hold nothing but numbers and text. The functions are
used as ``weights.save`` and so on, by notebooks 03 and 06 to 08.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as as_bytes
from torch import nn

from lecture_utils import arguments, data

#: How numbers may lie in a file: as they are, in half the size, or in a quarter.
STORED = ("float32", "float16", "int8")
#: Ending of the name of the scales that belong to a matrix of int8.
SCALES = ":scales"
#: Ending of a file that is being written.
PARTIAL = ".partial"
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)


def save(path: str | Path, model: nn.Module, stored: str = "float32", **facts: object) -> Path:
    """Write a model's weights with its configuration as safetensors.

    Parameters
    ----------
    path : str or Path
        ``.../NAME.safetensors``.
    model : nn.Module
        With a ``config`` dict of its constructor's arguments, and a ``kind``: the name of the class
        in files of weights, which stays when the class moves to another module.
    stored : str
        ``"float32"``, ``"float16"`` or ``"int8"``: smaller files, a little less exact. In int8 each
        row of a matrix has a scale of its own; biases, other vectors and the parts that a class
        names in ``kept_float16`` stay float16.
    **facts
        Anything worth knowing later (steps, seed); kept as JSON.
    """
    if stored not in STORED:
        raise ValueError(f"stored={arguments.shown(stored)}: give one of {', '.join(STORED)}.")
    kept = getattr(model, "kept_float16", ())
    tensors = _packed(model.state_dict(), stored, kept)
    return replace_file(Path(path), tensors, _metadata(model, facts))


def _packed(
    tensors: dict[str, torch.Tensor], stored: str, kept: tuple[str, ...] = ()
) -> dict[str, torch.Tensor]:
    """Bring tensors to the type they are stored in; a part of a name in `kept` keeps float16."""
    packed = {}
    for name, value in tensors.items():
        value = value.contiguous().cpu()
        rounded = stored == "int8" and not set(kept) & set(name.split("."))
        if rounded and value.is_floating_point() and value.ndim > 1:
            rows = value.reshape(len(value), -1)
            scales = rows.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
            packed[name] = (rows / scales).round().to(torch.int8).reshape(value.shape)
            packed[name + SCALES] = scales[:, 0]
        elif stored != "float32" and value.is_floating_point():
            packed[name] = value.half()
        else:
            packed[name] = value
    return packed


def _unpacked(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Undo :func:`_packed`, but for what rounding lost."""
    return {
        name: value * tensors[name + SCALES].reshape(-1, *[1] * (value.ndim - 1))
        if name + SCALES in tensors
        else value
        for name, value in tensors.items()
        if not name.endswith(SCALES)
    }


def _metadata(model: nn.Module, facts: dict) -> dict[str, str]:
    return {
        "model": _kind(type(model)),
        "config": json.dumps(model.config),
        "facts": json.dumps(facts),
    }


def _kind(model_class: type[nn.Module]) -> str:
    """Return the name of a class in files of weights."""
    kind = getattr(model_class, "kind", None)
    if not isinstance(kind, str):
        raise TypeError(
            f"model: the class {model_class.__name__} has no `kind`; give it one, for example "
            f'kind = "mine.{model_class.__name__}".'
        )
    return kind


def load(name: str | Path, model_class: type[nn.Module]) -> nn.Module:
    """Build a model from shipped weights (by name, SHA-256 checked) or from a file.

    Returns
    -------
    nn.Module
        In evaluation mode, float32, with ``facts`` (dict) attached.

    Raises
    ------
    FileNotFoundError
        If there are no such weights.
    ValueError
        If the file was altered, is no safetensors file of this course or belongs to another model.
    """
    path, tensors, metadata = _read(name, model_class)
    return _build(path, tensors, metadata, model_class)


def save_snapshots(path: str | Path, models: dict[int, nn.Module], **facts: object) -> Path:
    """Write one model at several steps of its training into one file, in int8."""
    tensors = {
        f"{step}/{name}": value
        for step, model in models.items()
        for name, value in model.state_dict().items()
    }
    metadata = _metadata(next(iter(models.values())), facts)
    return replace_file(Path(path), _packed(tensors, "int8"), metadata)


def load_snapshots(name: str | Path, model_class: type[nn.Module]) -> dict[int, nn.Module]:
    """Load what :func:`save_snapshots` wrote: step -> model, in order; errors as for weights."""
    path, tensors, metadata = _read(name, model_class)
    parts: dict[str, dict] = {}
    for key, value in tensors.items():
        step, _, inner = key.partition("/")
        parts.setdefault(step, {})[inner] = value
    if not all(step.isdigit() for step in parts):
        raise ValueError(f"{path.name} holds one model, no snapshots; use load.")
    return {
        int(step): _build(path, parts[step], metadata, model_class)
        for step in sorted(parts, key=int)
    }


def _read(name: str | Path, model_class: type[nn.Module]) -> tuple[Path, dict, dict]:
    """Return the path, tensors and metadata of weights that belong to `model_class`."""
    if not isinstance(model_class, type):
        raise TypeError(f"model_class: give a class of a room, got {arguments.shown(model_class)}.")
    is_file = isinstance(name, Path) or str(name).endswith(".safetensors")
    path = Path(name) if is_file else data.path(name)
    if is_file and path.parent.resolve() == (data.ROOT / "weights").resolve():
        path = data.path(path.stem)  # shipped weights are compared with the manifest either way
    if not path.is_file():
        raise FileNotFoundError(f"No weights at {path}; train them or check the name.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = _unpacked(load_file(path))
    except SafetensorError as error:
        raise ValueError(
            f"{path.name} is not a readable safetensors file ({error}); get it anew."
        ) from None
    wanted = _kind(model_class)
    if metadata.get("model") != wanted:
        raise ValueError(
            f"{path.name} holds weights of {metadata.get('model', 'an unknown model')}, not of "
            f"{wanted}; give the other class, or another name."
        )
    if bad := next((key for key, value in tensors.items() if not value.isfinite().all()), None):
        raise ValueError(f"{path.name}: {bad} has NaN or infinite values; get the file anew.")
    return path, tensors, metadata


def _build(path: Path, tensors: dict, metadata: dict, model_class: type[nn.Module]) -> nn.Module:
    """Make the model of a file and give it its tensors."""
    wanted = metadata["model"]
    try:
        model = model_class(**json.loads(metadata["config"]))
        facts = json.loads(metadata.get("facts", "{}"))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path.name} has no usable configuration of {wanted} ({error})."
        ) from None
    if all(key.partition("/")[0].isdigit() for key in tensors):
        raise ValueError(f"{path.name} holds snapshots; use load_snapshots.")
    if problems := _misfits(model, tensors):
        raise ValueError(f"{path.name} does not fit its own configuration: {_listed(problems)}.")
    model.load_state_dict({key: value.float() for key, value in tensors.items()})
    model.facts = facts
    return model.eval()


def load_published(module: nn.Module, state_dict: dict) -> nn.Module:
    """Load a checkpoint in the layout of the published vocoder repositories, strictly.

    Takes the old names of weight normalisation (``weight_g``, ``weight_v``) and of spectral
    normalisation (``weight_orig``, ``weight_u``, ``weight_v``), and the outer key ``generator``,
    ``mpd`` or ``msd`` if there is one (other keys beside it, as of optimisers, are let alone).

    Returns
    -------
    nn.Module
        `module`, with the checkpoint's weights.

    Raises
    ------
    TypeError
        If `state_dict` is no dict.
    ValueError
        If tensors are missing, left over or of another shape; they are named, and `module` is left
        as it was.
    """
    if not isinstance(state_dict, dict):
        raise TypeError(
            f"checkpoint: expected a dict of tensors, got {type(state_dict).__name__}; read the "
            "file first."
        )

    inner = [state_dict.get(outer) for outer in ("generator", "mpd", "msd")]
    layouts = [_new_names(d) for d in [*inner, state_dict] if isinstance(d, dict)]
    # both discriminators of HiFi-GAN lie in one file, with like names: the best fit is meant
    renamed = min(layouts, key=lambda layout: len(_misfits(module, layout)))
    if problems := _misfits(module, renamed):
        kind = getattr(module, "kind", type(module).__name__)
        raise ValueError(
            f"checkpoint does not fit this {kind}: {_listed(problems)}; build the module with the "
            "checkpoint's own configuration."
        )
    module.load_state_dict(renamed)
    return module


def _new_names(state_dict: dict) -> dict:
    """Rename the tensors of old normalised layers to those of ``parametrizations``."""
    renamed = {}
    for key, value in state_dict.items():
        stem, _, leaf = str(key).rpartition(".")
        spectral = f"{stem}.weight_orig" in state_dict  # there weight_v is no direction
        leaf = {
            "weight_g": "parametrizations.weight.original0",
            "weight_v": f"parametrizations.weight.{'0._v' if spectral else 'original1'}",
            "weight_orig": "parametrizations.weight.original",
            "weight_u": "parametrizations.weight.0._u",
        }.get(leaf, leaf)
        renamed[f"{stem}.{leaf}" if stem else leaf] = value
    return renamed


def _misfits(module: nn.Module, tensors: dict) -> list[str]:
    """Name what is missing, left over or of another shape."""
    own = module.state_dict()
    missing = [f"missing {k}" for k in own if k not in tensors]
    left_over = [f"left over {k}" for k in tensors if k not in own]
    shapes = {
        k: tuple(tensors[k].shape) if isinstance(tensors[k], torch.Tensor) else ("no tensor",)
        for k in own
        if k in tensors
    }
    other = [
        f"{k} has shape {shape}, not {tuple(own[k].shape)}"
        for k, shape in shapes.items()
        if shape != tuple(own[k].shape)
    ]
    kinds = (missing, left_over, other)  # the first two of each kind come first
    return [p for kind in kinds for p in kind[:2]] + [p for kind in kinds for p in kind[2:]]


def _listed(problems: list[str]) -> str:
    more = f" and {len(problems) - 6} more" if len(problems) > 6 else ""
    return "; ".join(problems[:6]) + more


def replace_file(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> Path:
    """Write beside the old file, then swap: a crash never leaves half a file.

    The new file has the permissions that the user's umask gives (safetensors' own writer gives the
    owner alone the right to read, whatever the umask says).

    Raises
    ------
    OSError
        If it can't be written, for example on a full disk; the old file stays.
    """
    partial = path.with_suffix(PARTIAL)
    content = as_bytes(tensors, metadata)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        kept = "the one before it is kept" if path.is_file() else "there is none from before"
        need = f"; free {len(content) / 1e6:.0f} MB" if error.errno in _FULL else ""
        raise OSError(f"{path} was not saved ({error.strerror}), {kept}{need}.") from None
    return path


def sweep(folder: Path) -> None:
    """Delete what a save that was killed has left in `folder`."""
    for pattern in (f"*{PARTIAL}", ".tmp??????"):  # the second by safetensors' own writer
        for file in folder.glob(pattern):
            with contextlib.suppress(OSError):
                file.unlink()
