"""What every training run shares: exact resumption, averages, weights.

A run lives in a folder (``runs/NAME``): ``state.safetensors`` to resume from, ``log.csv``, and
``snapshots/``. State is replaced in one step and saved every few minutes and on an interrupt, so
nothing is lost. Used by ``python -m lecture_utils.train`` and live cells of notebooks 06 and 10.
"""

from __future__ import annotations

import copy
import csv
import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from lecture_utils import weights
from lecture_utils.progress import noted_interrupts

Tensors = dict[str, torch.Tensor]

# ------------------------------------------------------------------------------- state


def pack(parts: dict[str, nn.Module | torch.optim.Optimizer]) -> Tensors:
    """Copy modules and optimisers to one dict of tensors, ``part/name``."""
    tensors = {}
    for part, item in parts.items():
        if isinstance(item, nn.Module):
            flat = item.state_dict()
        else:
            moments = item.state_dict()["state"]
            flat = {
                f"{i}.{k}": torch.as_tensor(v) for i, s in moments.items() for k, v in s.items()
            }
        tensors |= {f"{part}/{key}": v.detach().clone().cpu() for key, v in flat.items()}
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
        Go on from the saved state; otherwise start anew (an old state is kept as ``.old``, as are
        all before it).
    is_main : bool
        False in all processes but the first of a run on several: only that one writes.
    """

    def __init__(
        self, folder: str | Path, parts: dict, resume: bool = False, is_main: bool = True
    ) -> None:
        self.folder, self.parts, self.is_main = Path(folder), parts, is_main
        self.step, self.seconds = 0, 0.0
        self.progress = 0.0  # how much of this loop is over: of its minutes, if it has a limit
        file = self.folder / "state.safetensors"
        if is_main:
            weights.sweep(self.folder)
        if resume and file.is_file():
            self._restore(file)
        elif is_main and file.is_file():
            for path in (file, self.folder / "log.csv"):
                if path.is_file():
                    os.replace(path, _unused(path))
        elif resume and is_main:
            print(f"No state in {self.folder}; starting anew.")
        self.saved_step = self.step

    def _restore(self, file: Path) -> None:
        try:
            with safe_open(file, "pt") as opened:
                facts = json.loads(opened.metadata()["facts"])
            # copies: what load_file gives is a map of the file, which is replaced at every save
            unpack(self.parts, {key: value.clone() for key, value in load_file(file).items()})
        except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"{file} is no state of this run ({str(error).splitlines()[0]}); start without "
                "--resume, which keeps it as .old."
            ) from None
        self.step, self.seconds = facts["step"], facts["seconds"]
        log = self.folder / "log.csv"
        if self.is_main and log.is_file():  # rows later than the state will be written again
            head, *rows = log.read_text(encoding="utf-8").splitlines(keepends=True)
            rows = [row for row in rows if int(row.split(",")[0]) <= self.step]
            log.write_text("".join([head, *rows]), encoding="utf-8")

    def go_on_from(self, shipped: nn.Module, *models: nn.Module) -> None:
        """Take over weights, step and time of a shipped model."""
        for model in models:
            model.load_state_dict(shipped.state_dict())
        self.step, self.seconds = shipped.facts["step"], float(shipped.facts["seconds"])

    def save_weights(self, name: str, model: nn.Module, stored: str, **facts: object) -> None:
        """Write ``NAME.safetensors`` into the folder, as :func:`lecture_utils.weights.save` does.

        Step and seconds of the run stand among its facts.
        """
        facts = {"step": self.step, "seconds": round(self.seconds)} | facts
        weights.save(self.folder / f"{name}.safetensors", model, stored=stored, **facts)

    def save(self) -> None:
        """Write the state, unless weights have become NaN: then the last state stays."""
        if not self.is_main:
            return
        tensors = pack(self.parts)
        if bad := next((k for k, v in tensors.items() if not v.isfinite().all()), None):
            raise self._gone_wrong(f"{bad} has NaN or infinite values")
        facts = json.dumps({"step": self.step, "seconds": self.seconds})
        weights.replace_file(self.folder / "state.safetensors", tensors, {"facts": facts})
        self.saved_step = self.step

    def _save_on_the_way(self) -> None:
        """Save, but let a full disk stop nothing: there may be room again at the next save."""
        try:
            self.save()
        except OSError as error:
            print(f"Step {self.step}: {error} Training goes on and will try again.")

    def _gone_wrong(self, what: str) -> FloatingPointError:
        return FloatingPointError(
            f"Step {self.step}: {what}; {self._kept()}; a smaller learning rate may help."
        )

    def _kept(self) -> str:
        if not self.saved_step:
            return "no state had been saved yet"
        return f"the state of step {self.saved_step} is kept for --resume"

    def log(self, **values: float) -> None:
        """Append one row to ``log.csv``; its columns are those of the first row.

        Raises
        ------
        ValueError
            If a value has another name than those of the first row.
        """
        file = self.folder / "log.csv"
        self.folder.mkdir(parents=True, exist_ok=True)
        row = {"step": self.step, "seconds": round(self.seconds), **values}
        with file.open("a+", newline="", encoding="utf-8") as log:
            log.seek(0)
            names = next(csv.reader(log), None)
            writer = csv.DictWriter(log, names or row)
            if names is None:
                writer.writeheader()
            writer.writerow(row)

    def loop(
        self,
        one_step: Callable[[int], dict[str, float]],
        n_steps: int,
        minutes: float | None = None,
        every: Iterable[tuple[int, Callable[[], None]]] = (),
        save_minutes: float = 5.0,
    ) -> dict[str, float]:
        """Call ``one_step(step)`` until `n_steps` or `minutes` are over or the user interrupts.

        Shows progress with the time left. Each ``(period, action)`` of `every` is called whenever
        the step is a multiple of the period. Only the main process saves, shows and acts.

        Ctrl-C (or a polite kill) lets the step end, so that the state is exact; a second one stops
        at once. What breaks off a step after an optimiser has moved weights leaves the last saved
        state as it is: half a step is never saved.

        Returns
        -------
        dict
            The losses of the last step.

        Raises
        ------
        FloatingPointError
            If a loss is NaN or infinite; the last good state is kept.
        """
        from tqdm.auto import tqdm

        every, interrupted, moved = tuple(every), False, []
        optimizers = [x for x in self.parts.values() if isinstance(x, torch.optim.Optimizer)]
        hooks = [x.register_step_post_hook(lambda *_: moved.append(1)) for x in optimizers]
        begun = last = saved = time.monotonic()
        losses: dict[str, float] = {}
        bar = tqdm(
            total=n_steps, initial=self.step, unit="step", mininterval=0.5, disable=not self.is_main
        )
        try:
            with bar, noted_interrupts(signal.SIGINT, signal.SIGTERM) as interrupts:
                while self.step < n_steps:
                    losses = one_step(self.step)
                    if bad := next((k for k, v in losses.items() if not math.isfinite(v)), None):
                        raise self._gone_wrong(f"the loss {bad!r} is {losses[bad]}")
                    self.step += 1
                    moved.clear()
                    now = time.monotonic()
                    if minutes is not None:
                        self.progress = min(1.0, (now - begun) / (60 * minutes))
                    self.seconds, last = self.seconds + now - last, now
                    bar.update()
                    if self.step % 10 == 0:
                        shown = {k: f"{v:.3g}" for k, v in losses.items()}
                        if minutes is not None:  # the bar's own time left is that of all steps
                            shown["stops in"] = f"{max(0.0, minutes - (now - begun) / 60):.0f} min"
                        bar.set_postfix(shown, refresh=False)
                    for period, action in every:
                        if self.step % period == 0 and self.is_main:
                            action()
                    if now - saved > 60 * save_minutes:
                        self._save_on_the_way()
                        saved = now
                    is_over = minutes is not None and now - begun > 60 * minutes
                    if _any_process(is_over or bool(interrupts)):
                        break
                interrupted = bool(interrupts)
        except FloatingPointError:
            raise
        except BaseException as error:
            if not moved:
                self.save()
                interrupted = True
            elif self.is_main:
                print(f"Stopped in the middle of step {self.step}; {self._kept()}.")
            if not isinstance(error, KeyboardInterrupt):
                raise
        else:
            self.save()
        finally:
            for hook in hooks:
                hook.remove()
        if interrupted and self.is_main:
            print(
                f"Stopped after step {self.step}; the state is kept, --resume goes on from there."
            )
        return losses


def _unused(path: Path) -> Path:
    """Return the first of ``.old``, ``.old2``, ``.old3`` ... that is not there yet."""
    old, number = path.with_suffix(".old"), 1
    while old.exists():
        number += 1
        old = path.with_suffix(f".old{number}")
    return old


def _any_process(stop: bool) -> bool:
    """Say whether any process of the run wants to stop: all must leave after the same step."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return stop
    wishes = [stop] * distributed.get_world_size()
    distributed.all_gather_object(wishes, stop)
    return any(wishes)


def device() -> torch.device:
    """Return where recipes train: on the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def batch_of(recipe: object) -> int:
    """Return how many examples a step of a recipe takes; a GPU takes more of them at once."""
    return recipe.batch_on_gpu if torch.cuda.is_available() else recipe.batch


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate; a graph of GPU kernels reads it from a tensor."""
    for group in optimizer.param_groups:
        if torch.is_tensor(group["lr"]):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def has_fast_bf16() -> bool:
    """Say whether bfloat16 is worth it: on a GPU, or on a processor that computes in it itself."""
    units = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return torch.cuda.is_available() or any(getattr(torch.cpu, unit, bool)() for unit in units)


def annealed(progress: float, share: float = 0.3) -> float:
    """Give a factor on the learning rate: 1, then over the last `share` of a run down to 0.02.

    The last small steps bring more than the same time at a full rate. `progress` goes from 0 to 1.
    """
    left = min(1.0, (1 - progress) / share)
    return 0.02 + 0.98 * 0.5 * (1 - math.cos(math.pi * left))


# ------------------------------------------------------------------------------- averages


class Average:
    """Exponential moving average of a model's weights, which sounds better than the weights."""

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.model, self.decay = copy.deepcopy(model).eval().requires_grad_(False), decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards `model`; faster in the first steps, when there is little to average."""
        decay = min(self.decay, (1 + step) / (10 + step))
        mine, theirs = list(self.model.parameters()), list(model.parameters())
        torch._foreach_lerp_(mine, theirs, 1 - decay)


def segments(
    x: np.ndarray, n_samples: int, batch: int, seed: int, step: int, process: int = 0
) -> torch.Tensor:
    """Cut a random batch ``(batch, 1, n_samples)`` that depends on seed, step and process alone.

    So a resumed run sees what the uninterrupted one would have seen.
    """
    if len(x) < n_samples:
        raise ValueError(f"sound: {len(x)} samples given, at least {n_samples} needed for a batch.")

    rng = np.random.default_rng([seed, step, process])
    starts = rng.integers(0, len(x) - n_samples + 1, batch)
    return torch.from_numpy(np.stack([x[s : s + n_samples] for s in starts]))[:, None]
