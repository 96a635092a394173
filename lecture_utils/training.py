"""What every training run shares: exact resumption, weights without pickle, the adversarial loop.

A run lives in a folder (``runs/NAME``): ``state.safetensors`` to resume from, ``log.csv``, and
``snapshots/``. State is replaced in one step and saved every few minutes and on an interrupt, so
nothing is lost. Used by ``python -m lecture_utils.train`` and the live cells of notebooks 03 to 08.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

Tensors = dict[str, torch.Tensor]

# ------------------------------------------------------------------------------- weights


def save_weights(path: str | Path, model: nn.Module, half: bool = False, **facts: object) -> Path:
    """Write a model's weights with its configuration as safetensors.

    Parameters
    ----------
    path : str or Path
        ``.../NAME.safetensors``.
    model : nn.Module
        With a ``config`` dict of its constructor's arguments.
    half : bool
        Store float16: half the size, for snapshots.
    **facts
        Anything worth knowing later (steps, seed); kept as JSON.
    """
    tensors = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous().cpu()
        for name, value in model.state_dict().items()
    }
    metadata = {
        "model": f"{type(model).__module__.split('.')[-1]}.{type(model).__name__}",
        "config": json.dumps(model.config),
        "facts": json.dumps(facts),
    }
    return _replace(Path(path), tensors, metadata)


def load_weights(name: str | Path, model_class: type[nn.Module]) -> nn.Module:
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
    from lecture_utils import data

    path = name if isinstance(name, Path) else data.path(name)
    if not path.is_file():
        raise FileNotFoundError(f"No weights at {path}; train them or check the name.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path.name} is not a readable safetensors file ({error}).") from None
    wanted = f"{model_class.__module__.split('.')[-1]}.{model_class.__name__}"
    if metadata.get("model") != wanted:
        raise ValueError(
            f"{path.name} holds weights of {metadata.get('model', 'an unknown model')}, "
            f"not of {wanted}."
        )
    model = model_class(**json.loads(metadata["config"]))
    try:
        model.load_state_dict({key: value.float() for key, value in tensors.items()})
    except RuntimeError as error:
        raise ValueError(f"{path.name} does not fit its own configuration: {error}") from None
    model.facts = json.loads(metadata.get("facts", "{}"))
    return model.eval()


def load_published(module: nn.Module, state_dict: dict) -> nn.Module:
    """Load a checkpoint in the layout of the published vocoder repositories, strictly.

    Takes the old names of weight normalisation (``weight_g``, ``weight_v``) and of spectral
    normalisation (``weight_orig``, ``weight_u``, ``weight_v``), and the outer key ``generator``,
    ``mpd`` or ``msd`` if there is one.

    Raises
    ------
    ValueError
        If tensors are missing, left over or of another shape; they are named.
    """
    keys = list(state_dict)
    for outer in ("generator", "mpd", "msd"):
        fits = outer in state_dict and isinstance(state_dict[outer], dict)
        if fits and (len(keys) == 1 or _overlap(module, state_dict[outer])):
            state_dict = state_dict[outer]
            break
    renamed = {}
    for key, value in state_dict.items():
        stem, _, leaf = key.rpartition(".")
        spectral = f"{stem}.weight_orig" in state_dict
        leaf = {
            "weight_g": "parametrizations.weight.original0",
            "weight_v": (
                "parametrizations.weight.0._v" if spectral else "parametrizations.weight.original1"
            ),
            "weight_orig": "parametrizations.weight.original",
            "weight_u": "parametrizations.weight.0._u",
        }.get(leaf, leaf)
        renamed[f"{stem}.{leaf}" if stem else leaf] = value
    own = module.state_dict()
    problems = [f"missing {k}" for k in own if k not in renamed]
    problems += [f"left over {k}" for k in renamed if k not in own]
    problems += [
        f"{k} has shape {tuple(v.shape)}, not {tuple(own[k].shape)}"
        for k, v in renamed.items()
        if k in own and v.shape != own[k].shape
    ]
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ValueError(
            f"checkpoint does not fit {type(module).__name__}: {'; '.join(problems[:5])}{more}."
        )
    module.load_state_dict(renamed)
    return module


def _overlap(module: nn.Module, state_dict: dict) -> bool:
    first = {key.split(".")[0] for key in module.state_dict()}
    return bool(first & {key.split(".")[0] for key in state_dict})


def _replace(path: Path, tensors: Tensors, metadata: dict[str, str]) -> Path:
    """Write beside the old file, then swap: a crash never leaves half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata=metadata)
    os.replace(partial, path)
    return path


# ------------------------------------------------------------------------------- state


def pack(parts: dict[str, nn.Module | torch.optim.Optimizer]) -> Tensors:
    """Flatten modules and optimisers to one dict of tensors, ``part/name``."""
    tensors = {}
    for part, item in parts.items():
        if isinstance(item, nn.Module):
            flat = item.state_dict()
        else:
            moments = item.state_dict()["state"]
            flat = {
                f"{i}.{k}": torch.as_tensor(v) for i, s in moments.items() for k, v in s.items()
            }
        tensors |= {f"{part}/{key}": value.detach().clone().cpu() for key, value in flat.items()}
    return tensors


def unpack(parts: dict[str, nn.Module | torch.optim.Optimizer], tensors: Tensors) -> None:
    """Bring modules and optimisers back to what :func:`pack` saw."""
    for part, item in parts.items():
        flat = {
            k.removeprefix(f"{part}/"): v for k, v in tensors.items() if k.startswith(f"{part}/")
        }
        if isinstance(item, nn.Module):
            item.load_state_dict(flat)
            continue
        state = item.state_dict()
        moments: dict[int, dict] = {}
        for key, value in flat.items():
            index, _, name = key.partition(".")
            moments.setdefault(int(index), {})[name] = value
        item.load_state_dict({**state, "state": moments})


class Run:
    """A folder that a training run can be stopped in and resumed from, exactly.

    Parameters
    ----------
    folder : str or Path
        Made if missing.
    parts : dict
        Name -> module or optimiser: all that has state.
    resume : bool
        Go on from the saved state; otherwise start anew (an old state is kept as ``.old``).
    """

    def __init__(self, folder: str | Path, parts: dict, resume: bool = False) -> None:
        self.folder, self.parts = Path(folder), parts
        self.step, self.seconds = 0, 0.0
        file = self.folder / "state.safetensors"
        if resume and file.is_file():
            with safe_open(file, "pt") as opened:
                facts = json.loads(opened.metadata()["facts"])
            unpack(parts, load_file(file))
            self.step, self.seconds = facts["step"], facts["seconds"]
        elif file.is_file():
            os.replace(file, file.with_suffix(".old"))
            (self.folder / "log.csv").unlink(missing_ok=True)

    def save(self) -> None:
        """Write the state."""
        facts = json.dumps({"step": self.step, "seconds": self.seconds})
        _replace(self.folder / "state.safetensors", pack(self.parts), {"facts": facts})

    def log(self, **values: float) -> None:
        """Append one row to ``log.csv``; columns are those of the first row."""
        file = self.folder / "log.csv"
        self.folder.mkdir(parents=True, exist_ok=True)
        row = {"step": self.step, "seconds": round(self.seconds), **values}
        is_new = not file.is_file()
        with file.open("a", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, row)
            if is_new:
                writer.writeheader()
            writer.writerow(row)

    def loop(
        self,
        one_step: Callable[[int], dict[str, float]],
        n_steps: int,
        minutes: float | None = None,
        every: Iterable[tuple[int, Callable[[], None]]] = (),
        save_minutes: float = 5.0,
        is_main: bool = True,
    ) -> dict[str, float]:
        """Call ``one_step(step)`` until `n_steps` or `minutes` are over or the user interrupts.

        Shows progress with the time left. Each ``(period, action)`` of `every` is called whenever
        the step is a multiple of the period. Only the main process saves and shows.
        """
        from tqdm.auto import tqdm

        begun = last = saved = time.monotonic()
        losses: dict[str, float] = {}
        bar = tqdm(total=n_steps, initial=self.step, unit="step", disable=not is_main)
        try:
            while self.step < n_steps:
                losses = one_step(self.step)
                self.step += 1
                now = time.monotonic()
                self.seconds, last = self.seconds + now - last, now
                bar.update()
                if self.step % 10 == 0:
                    bar.set_postfix({k: f"{v:.3g}" for k, v in losses.items()}, refresh=False)
                for period, action in every:
                    if self.step % period == 0 and is_main:
                        action()
                if is_main and now - saved > 60 * save_minutes:
                    self.save()
                    saved = now
                if minutes is not None and now - begun > 60 * minutes:
                    break
        except KeyboardInterrupt:
            print(
                f"Stopped after step {self.step}; the state is kept, --resume goes on from there."
            )
        finally:
            bar.close()
            if is_main:
                self.save()
        return losses


# ------------------------------------------------------------------------------- averages


class Average:
    """Exponential moving average of a model's weights, which sounds better than the weights."""

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        import copy

        self.model, self.decay = copy.deepcopy(model).eval().requires_grad_(False), decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards `model`; faster in the first steps, when there is little to average."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for mine, theirs in zip(self.model.parameters(), model.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)


def segments(
    x: np.ndarray, n_samples: int, batch: int, seed: int, step: int, process: int = 0
) -> torch.Tensor:
    """Cut a random batch ``(batch, 1, n_samples)`` that depends on seed, step and process alone.

    So a resumed run sees what the uninterrupted one would have seen.
    """
    rng = np.random.default_rng([seed, step, process])
    starts = rng.integers(0, len(x) - n_samples, batch)
    return torch.from_numpy(np.stack([x[s : s + n_samples] for s in starts]))[:, None]


# ------------------------------------------------------------------------------- adversarial


@dataclass
class Adversarial:
    """One step of GAN training, the same for every vocoder of the course.

    First the critics learn to tell real sound from made sound, then the generator learns to fool
    them (Goodfellow et al. 2014), to excite them as real sound does (feature matching), and to
    hit the target (`target_loss`, for example on mel spectrograms).

    Parameters
    ----------
    generator : nn.Module
        Conditioning to sound.
    critics : list of nn.Module
        Each maps sound to (scores, feature maps).
    optimizers : tuple
        Of the generator and of all critics.
    critic_loss, fool_loss, feature_loss, target_loss : callable
        ``(real scores, fake scores)``, ``(fake scores)``, ``(real maps, fake maps)``,
        ``(real, fake)``; the last may be None.
    bf16 : bool
        Compute convolutions in bfloat16; losses stay in float32.
    accelerator : accelerate.Accelerator, optional
        When several processes train together.
    """

    generator: nn.Module
    critics: list[nn.Module]
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer]
    critic_loss: Callable
    fool_loss: Callable
    feature_loss: Callable
    target_loss: Callable | None = None
    bf16: bool = False
    accelerator: object | None = None

    def step(
        self, conditioning: torch.Tensor, real: torch.Tensor, with_critics: bool = True
    ) -> dict[str, float]:
        """Update critics and generator on one batch; without critics only the target counts."""
        optimizer_g, optimizer_d = self.optimizers
        with self._autocast(real):
            fake = self.generator(conditioning)
        fake, losses, total = fake.float(), {}, 0.0
        if with_critics:
            losses["critic"] = loss = self._critic_loss(real, fake.detach())
            optimizer_d.zero_grad(set_to_none=True)
            self._backward(loss)
            optimizer_d.step()
            fool, features = self._generator_losses(real, fake)
            losses |= {"fool": fool, "features": features}
            total = fool + features
        if self.target_loss is not None:
            losses["target"] = target = self.target_loss(real, fake)
            total = total + target
        optimizer_g.zero_grad(set_to_none=True)
        self._backward(total)
        optimizer_g.step()
        return {name: float(value.detach()) for name, value in losses.items()}

    def _critic_loss(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        both, loss = torch.cat([real, fake]), 0.0
        for critic in self.critics:
            with self._autocast(real):
                scores, _ = critic(both)
            real_scores, fake_scores = zip(*(s.float().chunk(2) for s in scores), strict=True)
            loss = loss + self.critic_loss(real_scores, fake_scores)
        return loss

    def _generator_losses(
        self, real: torch.Tensor, fake: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        fool, features = 0.0, 0.0
        for critic in self.critics:
            critic = getattr(critic, "module", critic)  # no averaging of gradients nobody uses
            critic.requires_grad_(False)
            with self._autocast(real):
                with torch.no_grad():
                    _, real_maps = critic(real)
                scores, fake_maps = critic(fake)
            critic.requires_grad_(True)
            fool = fool + self.fool_loss([s.float() for s in scores])
            floats = [[[m.float() for m in maps] for maps in d] for d in (real_maps, fake_maps)]
            features = features + self.feature_loss(*floats)
        return fool, features

    def _autocast(self, x: torch.Tensor) -> torch.autocast:
        return torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16)

    def _backward(self, loss: torch.Tensor) -> None:
        if self.accelerator is None:
            loss.backward()
        else:
            self.accelerator.backward(loss)
