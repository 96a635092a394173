"""Generator against discriminators: one step of GAN training, the same for every vocoder.

Used by :mod:`lecture_utils.train` and notebook 06.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Adversarial:
    """One step of GAN training, the same for every vocoder of the course.

    First the discriminators learn to tell real sound from made sound. Then the generator learns to
    fool them (Goodfellow et al. 2014), to excite them as real sound does (feature matching), and to
    hit the target (`target_loss`, for example on mel spectrograms).

    Parameters
    ----------
    generator : nn.Module
        Conditioning to sound.
    discriminators : list of nn.Module
        Each maps sound to (scores, feature maps).
    optimizers : tuple
        Of the generator and of all discriminators.
    discriminator_loss, fool_loss, feature_loss, target_loss : callable
        ``(real scores, fake scores)``, ``(fake scores)``, ``(real maps, fake maps)``,
        ``(real, fake)``; the last may be None.
    bf16 : bool
        Compute convolutions in bfloat16; losses stay in float32.
    accelerator : accelerate.Accelerator, optional
        When several processes train together.
    """

    generator: nn.Module
    discriminators: list[nn.Module]
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer]
    discriminator_loss: Callable
    fool_loss: Callable
    feature_loss: Callable
    target_loss: Callable | None = None
    bf16: bool = False
    accelerator: object | None = None

    def step(
        self, conditioning: torch.Tensor, real: torch.Tensor, with_discriminators: bool = True
    ) -> dict[str, float]:
        """Update all networks on one batch; without discriminators only the target counts."""
        losses = self.update(conditioning, real, with_discriminators)
        return {name: float(value) for name, value in losses.items()}

    def update(
        self, conditioning: torch.Tensor, real: torch.Tensor, with_discriminators: bool = True
    ) -> dict[str, torch.Tensor]:
        """Do what :meth:`step` does, and leave the losses where they are, perhaps on a GPU."""
        optimizer_g, optimizer_d = self.optimizers
        with self._autocast(real):
            fake = self.generator(conditioning)
        fake, losses, total = fake.float(), {}, 0.0
        if with_discriminators:
            losses["critic"] = loss = self._discriminator_loss(real, fake.detach())
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
        return {name: value.detach() for name, value in losses.items()}

    def _discriminator_loss(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        both, loss = torch.cat([real, fake]), 0.0
        for discriminator in self.discriminators:
            with self._autocast(real):
                scores, _ = discriminator(both)
            real_scores, fake_scores = zip(*(s.float().chunk(2) for s in scores), strict=True)
            loss = loss + self.discriminator_loss(real_scores, fake_scores)
        return loss

    def _generator_losses(
        self, real: torch.Tensor, fake: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        fool, features = 0.0, 0.0
        for discriminator in self.discriminators:
            # no averaging of gradients nobody uses
            discriminator = getattr(discriminator, "module", discriminator)
            discriminator.requires_grad_(False)
            with self._autocast(real):
                with torch.no_grad():
                    _, real_maps = discriminator(real)
                scores, fake_maps = discriminator(fake)
            discriminator.requires_grad_(True)
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


class Graphed:
    """A training step of fixed shapes, replayed as one CUDA graph.

    On a processor, or on several GPUs, it is done as it is.

    A GPU is slowed by the launch of the thousands of small kernels that a step of a small network
    consists of, not by their work. The optimisers must be made by :func:`optimizer_for`.

    Parameters
    ----------
    update : callable
        Tensors to a dict of losses.
    """

    def __init__(self, update: Callable) -> None:
        self.update, self.graph, self.n_warm = update, None, 0

    def __call__(self, *inputs: torch.Tensor) -> dict[str, float]:
        """Do a step; returns its losses."""
        if inputs[0].device.type != "cuda" or torch.distributed.is_initialized():
            return {name: float(value) for name, value in self.update(*inputs).items()}
        if self.graph is None and self.n_warm < 3:  # real steps, which make the optimisers' state
            self.n_warm += 1
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                losses = self.update(*inputs)
            torch.cuda.current_stream().wait_stream(beside)
            return {name: float(value) for name, value in losses.items()}
        if self.graph is None:
            self.inputs, self.graph = [x.clone() for x in inputs], torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):  # notes the kernels down, runs none
                self.losses = self.update(*self.inputs)
        for kept, given in zip(self.inputs, inputs, strict=True):
            kept.copy_(given)
        self.graph.replay()
        return {name: float(value) for name, value in self.losses.items()}


def optimizer_for(
    parameters: list[nn.Parameter], rate: float, betas: tuple[float, float]
) -> torch.optim.AdamW:
    """Make AdamW, on a GPU such that a graph may hold its step."""
    if parameters[0].device.type != "cuda":
        return torch.optim.AdamW(parameters, rate, betas)
    rate = torch.tensor(rate, device=parameters[0].device)
    return torch.optim.AdamW(parameters, rate, betas, capturable=True)
