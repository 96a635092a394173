"""The critic of the small MuseGAN: it judges phrases for a band of five. Used by notebook 01."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional as F

from lecture_utils.gan.muse_gan import (
    BAR_STEPS,
    N_BARS,
    N_PITCHES,
    N_TRACKS,
    check_phrases,
    joined,
    names,
    steps_of,
)

SLOPE = 0.2
#: Of what the critic knows of a phrase, so much is hidden in training: it learns less by heart.
DROPOUT = 0.2


def intervals(struck: torch.Tensor) -> torch.Tensor:
    """Count how each struck note moves on from the last ones: ``(..., steps, keys)`` to 26 counts.

    From 12 semitones down to 12 up, and farther: ``(..., steps, 26)``. What was struck last is kept
    until something new is: every note counts with the product of the silences since.
    """
    kept = torch.log(1.001 - struck.amax(-1)).cumsum(-1)
    since = F.pad(kept, (1, -1))[..., :, None] - kept[..., None, :]
    earlier = torch.ones_like(since, dtype=torch.bool).tril(-1)
    last = since.masked_fill(~earlier, float("-inf")).exp() @ struck
    moved = _apart(last, struck, 96).roll(12, -1)[..., :25]  # 84 keys + 12: none meets another
    far = last.sum(-1, keepdim=True) * struck.sum(-1, keepdim=True) - moved.sum(-1, keepdim=True)
    return torch.cat([moved, far], -1)


def _apart(one: torch.Tensor, other: torch.Tensor, n: int) -> torch.Tensor:
    """Count pairs of notes ``(..., keys)`` by how far the other lies above, modulo `n`."""
    return torch.fft.irfft(torch.fft.rfft(one, n).conj() * torch.fft.rfft(other, n), n)


class Critic(nn.Module):
    """Score phrases ``(batch, 5, 64, 84)``: one number each, ``(batch,)``, larger is more real.

    It looks at each step: at its keys, at the names of the notes (folded to pitch classes), at
    those just struck, and at their intervals from the ones before. It sums up beats and bars, lays
    every two bars side by side, and judges each bar and the phrase of four as a whole.
    """

    kind = "gan.Critic"

    def __init__(self, hidden: int = 56) -> None:
        super().__init__()
        self.config = {"hidden": hidden}
        self.steps = nn.Linear(N_TRACKS * (N_PITCHES + 2 * 12) + 26 * (N_TRACKS - 1), 2 * hidden)
        self.eighths = nn.Linear(2 * 2 * hidden, 2 * hidden)
        self.beats = nn.Linear(2 * 2 * hidden, 2 * hidden)
        self.bars = nn.Linear(4 * 2 * hidden, 4 * hidden)
        self.bar_score = nn.Linear(4 * hidden, 1)
        n_pairs = N_BARS * (N_BARS - 1) // 2
        self.pairs = nn.Linear(N_TRACKS * (n_pairs * (2 * BAR_STEPS + 2) + N_BARS), 2 * hidden)
        self.phrase = nn.Linear((N_BARS * 4 + 2) * hidden, 2 * hidden)
        self.phrase_score = nn.Linear(2 * hidden, 1)
        for layer in self.children():
            nn.init.kaiming_uniform_(layer.weight, SLOPE)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores; TypeError or ValueError if `x` holds no phrases."""
        x = check_phrases(x, "x")
        struck = F.relu(x - F.pad(x, (0, 0, 1, 0))[:, :, :-1])
        pairs = F.leaky_relu(self.pairs(_side_by_side(x, struck)), SLOPE)
        cells = steps_of(torch.cat([x, names(x), names(struck)], -1))
        x = torch.cat([cells, steps_of(intervals(struck[:, 1:]))], -1)
        layers = ((self.steps, 1), (self.eighths, 2), (self.beats, 2), (self.bars, 4))
        for layer, length in layers:
            x = F.leaky_relu(layer(joined(x, length)), SLOPE)
        whole = F.dropout(torch.cat([x.flatten(1), pairs], -1), DROPOUT, self.training)
        phrase = F.leaky_relu(self.phrase(whole), SLOPE)
        return self.bar_score(x).mean((1, 2)) + self.phrase_score(phrase)[:, 0]


def _side_by_side(x: torch.Tensor, struck: torch.Tensor) -> torch.Tensor:
    """Compare every two bars of each track, step by step, in cells and strokes: ``(batch, n)``."""
    bars, hits = (c.unflatten(2, (N_BARS, -1)) for c in (x, struck.amax(-1)))
    pairs = list(itertools.combinations(range(N_BARS), 2))
    cells = torch.stack([(bars[:, :, i] - bars[:, :, k]).abs().sum(-1) for i, k in pairs], 2)
    rhythm = torch.stack([(hits[:, :, i] - hits[:, :, k]).abs() for i, k in pairs], 2)
    apart = cells.sum(-1)
    parts = [cells, rhythm, torch.exp(-apart / 2), torch.exp(-apart / 16), bars.mean((3, 4)) * 16]
    return torch.cat([part.flatten(1) for part in parts], -1)


def begun(x: torch.Tensor) -> torch.Tensor:
    """Return how much each cell ``(..., steps, keys)`` rises: 1 where a note is struck.

    In a silence its slope is that of a note that comes, where that of a ReLU is 0: a generator is
    also told what a new note would change. Else tunes could lose notes, but not move.
    """
    before = F.pad(x, (0, 0, 1, 0))[..., :-1, :]
    rest = torch.where(x > before, before, before.detach())
    return (x - rest) * ((x >= before) & (before < 1))


def highest(struck: torch.Tensor) -> torch.Tensor:
    """Keep the highest of the notes ``(..., keys)`` that are struck together: a chord's tune.

    Every note counts with the product of the silences above it.
    """
    silent = torch.log1p(-0.999 * struck).flip(-1).cumsum(-1)
    return struck * F.pad(silent, (1, -1)).flip(-1).exp()


def moves(x: torch.Tensor) -> torch.Tensor:
    """Return how the tunes of phrases ``(batch, 5, 64, 84)`` move: ``(4, 26)``, a share each.

    For each pitched track, how many of all moves of its highest notes are each of the
    :func:`intervals`. A generator that is also trained to make these shares those of real music
    (*feature matching*, Salimans et al. 2016) need not wait until its critic has learned them. (If
    all notes counted, thick chords would hold every small interval, and no tune would move by one.)
    See :class:`lecture_utils.train.muse_gan.Matched`.
    """
    counts = intervals(highest(begun(check_phrases(x, "x")[:, 1:]))).sum((0, 2))
    return counts / counts.sum(-1, keepdim=True).clamp(min=1)


def harmonies(x: torch.Tensor) -> torch.Tensor:
    """Return which intervals sound between tracks of phrases: ``(6, 12)``, a share each.

    For every two of the four pitched tracks: the semitones from a note of one up to a note of the
    other that sounds at the same time, without octaves. 0 is the same name, 7 a fifth. Matched as
    :func:`moves` are; else tunes that are made to move by real intervals leave the harmony.
    """
    tracks = names(check_phrases(x, "x")[:, 1:]).unbind(1)
    pairs = itertools.combinations(tracks, 2)
    counts = torch.stack([_apart(one, other, 12).sum((0, 1)) for one, other in pairs])
    return counts / counts.sum(-1, keepdim=True).clamp(min=1)


def amounts(x: torch.Tensor) -> torch.Tensor:
    """Return how much each track of phrases plays: strokes, and cells, in a beat: ``(2, 5)``.

    Matched as :func:`moves` are; else a generator gets rid of wrong intervals by fewer and shorter
    notes.
    """
    x = check_phrases(x, "x")
    return 4 * torch.stack([begun(x).sum(-1).mean((0, 2)), x.sum(-1).mean((0, 2))])
