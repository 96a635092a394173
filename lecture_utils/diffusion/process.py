"""Denoising diffusion: noise schedules, forward and reverse steps, sampling and inpainting.

Steps count from 0 (hardly any noise) to ``n_steps - 1`` (nearly nothing else), as in the papers'
code. Used by notebook 02.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from lecture_utils import arguments

# ------------------------------------------------------------------------------- schedules


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """How much noise each step adds (Ho et al. 2020, section 2).

    Parameters
    ----------
    betas : np.ndarray
        Shape ``(n_steps,)``, the variance that each step adds, 0..1.

    Raises
    ------
    ValueError
        If betas are not one row of numbers between 0 and 1.
    """

    betas: np.ndarray

    def __post_init__(self) -> None:
        """Check the betas."""
        betas = arguments.array(self.betas, "betas", ("steps",)).astype(np.float64)
        if not ((betas > 0) & (betas < 1)).all():
            raise ValueError("betas: each must lie between 0 and 1, ends excluded.")
        object.__setattr__(self, "betas", betas)

    @classmethod
    def linear(
        cls, n_steps: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02
    ) -> NoiseSchedule:
        """Betas on a straight line (Ho et al. 2020)."""
        return cls(np.linspace(*_ends(beta_start, beta_end), _count(n_steps), dtype=np.float64))

    @classmethod
    def scaled_linear(
        cls, n_steps: int = 1000, beta_start: float = 0.00085, beta_end: float = 0.012
    ) -> NoiseSchedule:
        """Betas whose square roots are on a straight line (latent diffusion; Wang et al. 2024)."""
        ends = np.sqrt(_ends(beta_start, beta_end))
        return cls(np.linspace(*ends, _count(n_steps), dtype=np.float64) ** 2)

    @classmethod
    def cosine(cls, n_steps: int = 1000, offset: float = 0.008) -> NoiseSchedule:
        """Let the signal's share fall as a cosine squared (Nichol and Dhariwal 2021, eq. 17)."""
        offset = arguments.number(offset, "offset", 0, 1)

        u = np.arange(_count(n_steps) + 1) / n_steps
        share = np.cos((u + offset) / (1 + offset) * np.pi / 2) ** 2
        return cls(np.minimum(1 - share[1:] / share[:-1], 0.999))

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(self.betas)

    @property
    def alphas_cumprod(self) -> np.ndarray:
        """What is left of the data's variance after each step, alpha bar: ``(n_steps,)``."""
        return np.cumprod(1 - self.betas)

    @property
    def posterior_variance(self) -> np.ndarray:
        """Variance of step t-1 when step t and the clean data are known (equation 7)."""
        left = self.alphas_cumprod
        return self.betas * (1 - np.append(1.0, left[:-1])) / (1 - left)

    # ------------------------------------------------------------------------- one step

    def q_sample(
        self, x0: torch.Tensor, t: int | torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """Jump from clean data to step t (equation 4): sqrt(ab) x0 + sqrt(1 - ab) noise.

        Parameters
        ----------
        x0, noise : torch.Tensor
            Of one shape ``(batch, ...)``.
        t : int or torch.Tensor
            A step, or one for each example ``(batch,)``.

        Raises
        ------
        ValueError
            If t is out of range, or shapes differ.
        """
        of_data, of_noise = self._shares(t, x0)
        _same_shape(x0, noise, "noise")
        return of_data * x0 + of_noise * noise

    def predict_x0(
        self, x_t: torch.Tensor, t: int | torch.Tensor, predicted_noise: torch.Tensor
    ) -> torch.Tensor:
        """Solve equation 4 for the clean data."""
        of_data, of_noise = self._shares(t, x_t)
        _same_shape(x_t, predicted_noise, "predicted_noise")
        return (x_t - of_noise * predicted_noise) / of_data

    def p_sample(
        self, x_t: torch.Tensor, t: int, predicted_noise: torch.Tensor, noise: torch.Tensor,
        variance: str = "small", clip: bool = False,
    ) -> torch.Tensor:  # fmt: skip
        """Go one step back, from t to t-1 (algorithm 2); at t = 0 no noise is added.

        Parameters
        ----------
        x_t : torch.Tensor
            Data at step t.
        t : int
            The step.
        predicted_noise : torch.Tensor
            What the network takes for the noise in `x_t`.
        noise : torch.Tensor
            Fresh noise of the same shape.
        variance : str
            Of the fresh noise: "small" is the posterior variance, "large" is beta (section 3.2).
        clip : bool
            Keep the guess of the clean data in -1..1, as the authors' code does.
        """
        t = self._step(t)
        guess = self.predict_x0(x_t, t, predicted_noise)
        _same_shape(x_t, noise, "noise")
        guess = guess.clamp(-1, 1) if clip else guess
        left, beta = self.alphas_cumprod, self.betas[t]
        before = left[t - 1] if t else 1.0
        mean = np.sqrt(before) * beta / (1 - left[t]) * guess
        mean = mean + np.sqrt(1 - beta) * (1 - before) / (1 - left[t]) * x_t
        variances = {"small": self.posterior_variance[t], "large": beta}
        if not isinstance(variance, str) or variance not in variances:
            raise ValueError(f'variance={arguments.shown(variance)}: give "small" or "large".')
        return mean + np.sqrt(variances[variance]) * noise if t else mean

    def ddim_sample(
        self, x_t: torch.Tensor, t: int, predicted_noise: torch.Tensor, t_next: int | None = None,
        clip: bool = False,
    ) -> torch.Tensor:  # fmt: skip
        """Go back from t to `t_next` in one jump without fresh noise (Song et al. 2021, eq. 12).

        `t_next` is t - 1 if not given; -1 is the clean data.
        """
        t = self._step(t)
        t_next = arguments.number(
            t - 1 if t_next is None else t_next, "t_next", -1, t - 1, whole=True
        )
        guess = self.predict_x0(x_t, t, predicted_noise)
        if clip:
            guess = guess.clamp(-1, 1)
            left = self.alphas_cumprod[t]
            predicted_noise = (x_t - np.sqrt(left) * guess) / np.sqrt(1 - left)
        left = self.alphas_cumprod[t_next] if t_next >= 0 else 1.0
        return np.sqrt(left) * guess + np.sqrt(1 - left) * predicted_noise

    def _step(self, t: int) -> int:
        return arguments.number(t, "t", 0, self.n_steps - 1, whole=True)

    def _shares(self, t: int | torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return sqrt(ab) and sqrt(1 - ab) at t (checked), shaped to multiply `x`."""
        _check_float(x, "data")
        left = torch.from_numpy(self.alphas_cumprod)
        if isinstance(t, torch.Tensor) and t.ndim:
            if t.shape != x.shape[:1] or t.dtype not in (torch.int64, torch.int32):
                raise ValueError(f"t: one whole number for each of the {len(x)} examples.")
            if t.min() < 0 or t.max() >= self.n_steps:
                raise ValueError(f"t: steps go from 0 to {self.n_steps - 1}; got {t.tolist()}.")
            left = left[t].reshape(-1, *[1] * (x.ndim - 1))
        else:
            left = left[self._step(t.item() if isinstance(t, torch.Tensor) else t)]
        return left.sqrt().to(x.dtype), (1 - left).sqrt().to(x.dtype)


def _count(n_steps: int) -> int:
    return arguments.number(n_steps, "n_steps", 1, 100_000, whole=True)


def _ends(start: float, end: float) -> tuple[float, float]:
    return arguments.number(start, "beta_start", 0, 1), arguments.number(end, "beta_end", 0, 1)


def _check_float(x: torch.Tensor, name: str) -> None:
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        raise TypeError(f"{name}: expected a float tensor, got {arguments.shown(x)}.")


def _same_shape(x: torch.Tensor, other: torch.Tensor, name: str) -> None:
    if not isinstance(other, torch.Tensor):
        raise TypeError(f"{name}: expected a tensor, got {arguments.shown(other)}.")
    if other.shape != x.shape:
        raise ValueError(f"{name}: shape {tuple(other.shape)}, the data has {tuple(x.shape)}.")


# ------------------------------------------------------------------------------- sampling


@torch.inference_mode()
def sample(
    schedule: NoiseSchedule,
    predict: Callable[[torch.Tensor, int], torch.Tensor],
    start: torch.Tensor,
    n_steps: int | None = None,
    seed: int | None = None,
    variance: str = "small",
    clip: bool = False,
    known: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    on_step: Callable[[int, torch.Tensor], None] | None = None,
) -> torch.Tensor:
    """Turn noise into data, step by step.

    Parameters
    ----------
    schedule : NoiseSchedule
        The one of the training.
    predict : callable
        ``predict(x_t, t)``, the noise in `x_t`.
    start : torch.Tensor
        Noise ``(batch, ...)``, the data of the last step.
    n_steps : int, optional
        All steps, with fresh noise (DDPM), if not given; otherwise so many jumps without (DDIM).
    seed : int, optional
        Of DDPM's fresh noise, and of the noise on what is known.
    variance, clip
        See :meth:`NoiseSchedule.p_sample`.
    known, mask : torch.Tensor, optional
        Data that is to stay, and where (bool, the same shape): inpainting. The known cells are put
        back at the noise of each step that is reached, and in the end exactly as they are.
    on_step : callable, optional
        Told ``(t, x)`` of every step reached, -1 at the end: for trajectories.

    Returns
    -------
    torch.Tensor
        Data of the shape of `start`.

    Raises
    ------
    TypeError, ValueError
        If there is no schedule or no function, or what is given or predicted does not fit in shape.
    """
    if not isinstance(schedule, NoiseSchedule):
        raise TypeError(f"schedule={arguments.shown(schedule)}: give NoiseSchedule.linear(), say.")

    for name, function in (("predict", predict), ("on_step", on_step or predict)):
        if not callable(function):
            raise TypeError(
                f"{name}={arguments.shown(function)}: give a function of two arguments."
            )
    _check_float(start, "start")
    if not start.isfinite().all():
        raise ValueError("start: has NaN or infinite entries; draw it with torch.randn.")
    if (known is None) != (mask is None):
        raise ValueError("known, mask: give both or none of them.")
    if known is not None:
        _same_shape(start, known, "known")
        _same_shape(start, mask, "mask")
        mask = mask.bool()

    generator = torch.Generator().manual_seed(
        int(np.random.SeedSequence(arguments.seed(seed)).generate_state(1)[0])
    )
    last = schedule.n_steps - 1
    if n_steps is None:
        steps = list(range(last, -1, -1))
    else:
        n_steps = arguments.number(n_steps, "n_steps", 1, schedule.n_steps, whole=True)
        steps = np.round(np.linspace(last, 0, n_steps)).astype(int).tolist()
    x = _put_back(schedule, start, last, known, mask, generator)
    for t, t_next in zip(steps, [*steps[1:], -1], strict=True):
        predicted = predict(x, t)
        if n_steps is None:
            noise = torch.randn(x.shape, generator=generator)
            x = schedule.p_sample(x, t, predicted, noise, variance, clip)
        else:
            x = schedule.ddim_sample(x, t, predicted, t_next, clip)
        x = _put_back(schedule, x, t_next, known, mask, generator)
        if on_step is not None:
            on_step(t_next, x)
    return x


def _put_back(
    schedule: NoiseSchedule, x: torch.Tensor, t: int, known: torch.Tensor | None,
    mask: torch.Tensor | None, generator: torch.Generator,
) -> torch.Tensor:  # fmt: skip
    if known is None:
        return x
    if t >= 0:
        known = schedule.q_sample(known, t, torch.randn(x.shape, generator=generator))
    return torch.where(mask, known, x)
