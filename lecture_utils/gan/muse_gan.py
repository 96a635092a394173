"""A small MuseGAN: noise to phrases for a band of five.

Music here is a phrase of four bars for five tracks, cells ``(batch, 5, 64, 84)`` of 0 and 1, as
from :func:`lecture_utils.pianoroll.corpus`. Used by notebook 01.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lecture_utils import arguments
from lecture_utils.pianoroll import roll_metrics
from lecture_utils.pianoroll.phrases import PHRASE

#: Tracks and keys of a phrase, and its steps: bars of sixteenths.
N_TRACKS, _, N_PITCHES = PHRASE
N_BARS, BAR_STEPS = 4, 16

#: The four parts of the noise: for all tracks or each its own, for the phrase or for each bar.
NOISE = ("shared", "shared_in_time", "private", "private_in_time")

# A convolution whose stride is its kernel is one matrix for every piece of its input. Written as
# such it is several times faster on a processor, above all in the penalty's second derivative.


class PerTrack(nn.Module):
    """A linear layer for each track: ``(5, rows, inputs)`` to ``(5, rows, outputs)``.

    Its weights begin as large as keeps the signal's size (He et al. 2015); if they begin smaller,
    the noise dies on its way and all phrases start as one.
    """

    def __init__(self, inputs: int, outputs: int, tracks: int = N_TRACKS) -> None:
        super().__init__()
        bound = (6 / inputs) ** 0.5
        self.weight = nn.Parameter(torch.empty(tracks, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(tracks, 1, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply each track's layer to its rows."""
        return torch.baddbmm(self.bias, x, self.weight)


class PerTrackNorm(nn.Module):
    """Bring every feature ``(5, rows, n)`` to mean 0 and deviation 1 over the rows of a batch.

    So no feature can be the same for all phrases (Ioffe and Szegedy 2015). In evaluation mode the
    mean and variance of the last batch seen in training mode are used.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(N_TRACKS, 1, features))
        self.bias = nn.Parameter(torch.zeros(N_TRACKS, 1, features))
        self.register_buffer("mean", torch.zeros(N_TRACKS, 1, features))
        self.register_buffer("variance", torch.ones(N_TRACKS, 1, features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise."""
        mean, variance = self.mean, self.variance
        if self.training:
            variance, mean = torch.var_mean(x, 1, keepdim=True, correction=0)
            self.mean.copy_(mean.detach())  # in place: a graph of GPU kernels knows the place
            self.variance.copy_(variance.detach())
        return (x - mean) * (self.gain * torch.rsqrt(variance + 1e-5)) + self.bias


def joined(x: torch.Tensor, length: int) -> torch.Tensor:
    """Join every `length` neighbours: ``(batch, n, c)`` to ``(batch, n / length, length * c)``."""
    return x.unflatten(1, (-1, length)).flatten(2)


def steps_of(cells: torch.Tensor) -> torch.Tensor:
    """Put the tracks of each step side by side: ``(batch, 5, n, c)`` to ``(batch, n, 5 * c)``."""
    return cells.transpose(1, 2).flatten(2)


def names(cells: torch.Tensor) -> torch.Tensor:
    """Fold keys to the names of their notes: ``(..., 84)`` to ``(..., 12)``."""
    return cells.unflatten(-1, (7, 12)).sum(-2)


def _each_bar(x: torch.Tensor) -> torch.Tensor:
    """Repeat vectors ``(..., n)`` for each bar: ``(..., 4, n)``."""
    return x[..., None, :].expand(*x.shape[:-1], N_BARS, -1)


class TemporalGenerator(nn.Module):
    """Unroll one vector for each track ``(tracks, rows, inputs)``: ``(tracks, rows, 4, size)``.

    It makes four vectors, and chooses for each bar one of those up to its own: bar 2 has the first
    or the second, say. So a bar can come again exactly (a phrase A B A C), which it never would if
    each had a vector of its own. The choice is hard; its slope is that of the odds
    (straight-through).
    """

    def __init__(self, inputs: int, size: int, tracks: int) -> None:
        super().__init__()
        self.hidden = PerTrack(inputs, 4 * size, tracks)
        self.fresh = PerTrack(4 * size, N_BARS * size, tracks)
        self.choice = PerTrack(4 * size, N_BARS * N_BARS, tracks)
        later = torch.ones(N_BARS, N_BARS, dtype=torch.bool).triu(1)
        self.register_buffer("later", later, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the vectors of the bars."""
        x = F.relu(self.hidden(x))
        fresh = self.fresh(x).unflatten(-1, (N_BARS, -1))
        odds = self.choice(x).unflatten(-1, (N_BARS, N_BARS))
        odds = odds.masked_fill(self.later, float("-inf")).softmax(-1)
        chosen = F.one_hot(odds.argmax(-1), N_BARS).to(odds)
        return (odds - odds.detach() + chosen) @ fresh


class BarGenerators(nn.Module):
    """What is to be in a bar ``(5, rows, inputs)`` to logits of its cells ``(5, rows, 16, 84)``.

    Each track has its own. Time grows first, from 4 beats to 8 and 16 steps, by transposed
    convolutions; then every step gets its 84 keys.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.beats = PerTrack(inputs, 4 * hidden)
        self.eighths = PerTrack(hidden, 2 * hidden)
        self.sixteenths = PerTrack(hidden, 2 * hidden)
        self.norms = nn.ModuleList(PerTrackNorm(hidden) for _ in range(3))
        self.keys = PerTrack(hidden, N_PITCHES)
        with torch.no_grad():
            self.keys.weight *= 0.5
            self.keys.bias -= 3  # few keys are down, from the start

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        rows = x.shape[1]
        layers = (self.beats, self.eighths, self.sixteenths)
        for layer, norm, parts in zip(layers, self.norms, (4, 2, 2), strict=True):
            x = F.relu(norm(layer(x).unflatten(-1, (parts, -1)).flatten(1, 2)))
        return self.keys(x).reshape(N_TRACKS, rows, BAR_STEPS, N_PITCHES)


class Generator(nn.Module):
    """Small MuseGAN (Dong et al. 2018, the hybrid model): noise to phrases.

    Every bar of every track is made by the track's own bar generator from four vectors: what all
    tracks share, and what is the track's own, both constant or unrolled in time. If a track is
    given (the paper's accompaniment), what it plays takes the place of the shared noise.
    """

    kind = "gan.Generator"

    def __init__(self, noise: int = 24, hidden: int = 80) -> None:
        super().__init__()
        self.config = {"noise": noise, "hidden": hidden}
        self.shared_in_time = TemporalGenerator(noise, noise, 1)
        self.private_in_time = TemporalGenerator((1 + N_BARS) * noise, noise, N_TRACKS)
        self.reader = nn.Linear(N_TRACKS * (N_PITCHES + 12), hidden // 2)
        self.bar_reader = nn.Linear(BAR_STEPS * (hidden // 2), hidden)
        self.phrase_reader = nn.Linear(N_BARS * hidden, N_BARS * 2 * noise)
        self.as_noise = nn.LayerNorm(2 * noise)
        self.bars = BarGenerators(len(NOISE) * noise + N_TRACKS, hidden)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def noise(self, batch: int, seed: int | None = None) -> dict[str, torch.Tensor]:
        """Draw the noise of `batch` phrases: a tensor for each part of :data:`NOISE`.

        Shapes are ``(batch, noise)`` for the shared parts, ``(batch, 5, noise)`` for the others.
        """
        batch, seed = arguments.count(batch, "batch"), arguments.seed(seed)

        device = self.bars.keys.weight.device
        shapes = self._noise_shapes(batch).items()
        if seed is None:
            return {part: torch.randn(shape, device=device) for part, shape in shapes}
        generator = torch.Generator().manual_seed(seed)  # the same numbers on any device
        return {part: torch.randn(x, generator=generator).to(device) for part, x in shapes}

    def _noise_shapes(self, batch: int) -> dict[str, tuple[int, ...]]:
        size = self.config["noise"]
        shapes = [(batch, size)] * 2 + [(batch, N_TRACKS, size)] * 2
        return dict(zip(NOISE, shapes, strict=True))

    def forward(
        self,
        noise: dict[str, torch.Tensor],
        given: torch.Tensor | None = None,
        is_given: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Make phrases.

        Parameters
        ----------
        noise : dict
            As from :meth:`noise`.
        given : torch.Tensor, optional
            Phrases ``(batch, 5, 64, 84)`` of which some tracks are to be accompanied.
        is_given : torch.Tensor, optional
            Which: ``(batch, 5)``, 0 or 1. These come back unchanged.

        Returns
        -------
        torch.Tensor
            Shape ``(batch, 5, 64, 84)``, from 0 to 1; :func:`generate` rounds.

        Raises
        ------
        TypeError, ValueError
            If the noise is not of this model, or `given` and `is_given` do not fit it.
        """
        if (given is None) != (is_given is None):
            raise ValueError("given, is_given: give both or none of them.")

        batch = _batch_of(noise)
        if _shapes(noise) != self._noise_shapes(batch):
            raise ValueError("noise: not of this model; start from model.noise(batch, seed).")
        if given is not None:
            given = check_phrases(given, "given", batch)
            is_given = arguments.tensor(is_given, "is_given", (batch, N_TRACKS), like=given)

        in_time = self.shared_in_time(noise["shared_in_time"][None])[0]
        shared = torch.cat([_each_bar(noise["shared"]), in_time], -1)
        mask = shared.new_zeros(batch, N_TRACKS) if given is None else is_given.to(given)
        if given is not None:
            given = given * mask[..., None, None]
            heard = given.sum((1, 2, 3)) > 0  # a track that rests tells nothing
            shared = torch.where(heard[:, None, None], self.read(given), shared)
        common = torch.cat([shared, _each_bar(mask)], -1).expand(N_TRACKS, -1, -1, -1)
        in_time = shared[..., self.config["noise"] :].flatten(1).expand(N_TRACKS, -1, -1)
        in_time = torch.cat([noise["private_in_time"].transpose(0, 1), in_time], -1)
        own = [_each_bar(noise["private"].transpose(0, 1)), self.private_in_time(in_time)]
        logits = self.bars(torch.cat([common, *own], -1).flatten(1, 2))
        soft = torch.sigmoid(logits.unflatten(1, (batch, N_BARS)).flatten(2, 3).transpose(0, 1))
        return soft if given is None else torch.where(mask[..., None, None] > 0, given, soft)

    def read(self, given: torch.Tensor) -> torch.Tensor:
        """Put what the given tracks play into the form of shared noise, ``(batch, 4, 2 noise)``."""
        x = F.relu(self.reader(steps_of(torch.cat([given, names(given)], -1))))
        x = F.relu(self.bar_reader(joined(x, BAR_STEPS)))
        return self.as_noise(self.phrase_reader(x.flatten(1)).unflatten(-1, (N_BARS, -1)))


def binary(soft: torch.Tensor) -> torch.Tensor:
    """Round to 0 or 1, but hand the slope through as if nothing had been rounded.

    With these *binary neurons* (deterministic, straight-through; Dong and Yang 2018) a critic hears
    the notes that will be played, not shades between a note and none.
    """
    soft = arguments.tensor(soft, "soft", like=torch.zeros(()))
    return soft + ((soft > 0.5).to(soft) - soft).detach()


@torch.inference_mode()
def generate(
    model: Generator,
    noise: dict[str, torch.Tensor],
    given: np.ndarray | None = None,
    track: int | None = None,
) -> np.ndarray:
    """Make phrases of notes.

    Parameters
    ----------
    model : Generator
        With its weights.
    noise : dict
        As from ``model.noise(batch, seed)``.
    given : np.ndarray, optional
        Phrases ``(batch, 5, 64, 84)``, of which one track is to be accompanied.
    track : int, optional
        Which one, 0..4.

    Returns
    -------
    np.ndarray
        Shape ``(batch, 5, 64, 84)``, bool.

    Raises
    ------
    ValueError
        If arguments do not fit, or the model is in training mode.
    """
    batch = _batch_of(noise)
    if not isinstance(model, Generator):
        raise TypeError(f"model: expected a gan.Generator, got {type(model).__name__}.")
    if model.training:  # else phrases would depend on what else is in the batch
        raise ValueError("model: it is being trained; call model.eval() first.")
    if (given is None) != (track is None):
        raise ValueError("given, track: give both phrases and the number of their track, or none.")
    conditions = None
    if given is not None:
        track = arguments.number(track, "track", 0, N_TRACKS - 1, whole=True)
        given = roll_metrics.as_cells(given, "given")
        if given.shape != (batch, *PHRASE):
            raise ValueError(
                f"given: {given.shape} does not fit noise for {batch} phrases of 5x64x84."
            )
        is_given = torch.zeros(batch, N_TRACKS)
        is_given[:, track] = 1
        conditions = torch.from_numpy(given), is_given
    made = []
    for some in torch.arange(batch).split(16):  # little memory
        told = [x[some].float() for x in conditions] if conditions else []
        made.append(model({part: x[some] for part, x in noise.items()}, *told).cpu().numpy() > 0.5)
    return np.concatenate(made)


def interpolate(
    start: dict[str, torch.Tensor], end: dict[str, torch.Tensor], way: float
) -> dict[str, torch.Tensor]:
    """Return noise on the way from `start` (0) to `end` (1), along the arc, of its usual length."""
    way = arguments.number(way, "way", 0, 1)
    if _batch_of(start) != _batch_of(end) or _shapes(start) != _shapes(end):
        raise ValueError("start, end: noise of one model and for as many phrases is needed.")
    return {
        part: x * float(np.cos(way * np.pi / 2)) + end[part] * float(np.sin(way * np.pi / 2))
        for part, x in start.items()
    }


def check_phrases(x: object, name: str, batch: int | None = None) -> torch.Tensor:
    """Return `batch` phrases (or any number of them), which must be floats."""
    arguments.tensor(x, name, ("batch" if batch is None else batch, *PHRASE))
    if not x.is_floating_point():
        raise TypeError(f"{name}: expected floats, got {x.dtype}; use .float() first.")
    return x.float()


def _shapes(noise: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {part: tuple(x.shape) for part, x in noise.items()}


def _batch_of(noise: object) -> int:
    """Check that `noise` is a set of tensors for as many phrases each, and return how many."""
    is_set = isinstance(noise, dict) and noise and all(map(torch.is_tensor, noise.values()))
    batch = {len(x) for x in noise.values() if x.ndim} if is_set else ()
    if len(batch) != 1:
        raise ValueError("noise: start from model.noise(batch, seed).")
    return batch.pop()
