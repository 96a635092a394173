"""The cascade: a diffusion model for each level of a song, each told what the levels above hold.

After Wang et al. (2024), made small: form and key, then a sketch of reduced melody and chords, then
the melody, then the accompaniment (:mod:`lecture_utils.diffusion.songs` tells what the images
hold). A level is made in windows that slide by half of their length, the first half being what is
there already.
Beside it a flat model that makes melody and accompaniment at once, told nothing. Used by notebook
02.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import torch

from lecture_utils import arguments
from lecture_utils.diffusion import process, songs, unet

#: Levels from the top down.
LEVELS = ("form", "sketch", "melody", "accompaniment")

#: What each model is told. "flat" makes the two lower levels in one image.
ABOVE = {level: LEVELS[:k] for k, level in enumerate(LEVELS)} | {"flat": ()}

#: Bars that a model sees at once.
WINDOW_BARS = {"form": 32, "sketch": 32, "melody": 8, "accompaniment": 8, "flat": 8}

#: Columns a bar, and channels, with the flat model's.
PER_BAR = songs.PER_BAR | {"flat": 8}
N_CHANNELS = {level: len(names) for level, names in songs.CHANNELS.items()}
N_CHANNELS |= {"flat": N_CHANNELS["melody"] + N_CHANNELS["accompaniment"]}

#: The noise schedule of all levels: 700 of Ho's 1000 steps. At its end 0.7 % of the data's variance
#: is left, next to nothing. Later an error of the guessed noise counts up to 157 times in the
#: guessed image, and whole levels would come out black.
SCHEDULE = process.NoiseSchedule(process.NoiseSchedule.linear().betas[:700])

#: How far the guess of the noise goes beyond what the levels above make of it (1: no further).
#: Chosen on other songs than the cards' figures are from.
GUIDANCE = {"form": 1.0, "sketch": 2.0, "melody": 1.5, "accompaniment": 2.0, "flat": 1.0}


def check_level(level: str) -> str:
    """Return the name of a level (or "flat").

    Raises
    ------
    ValueError
        With those that there are.
    """
    if not isinstance(level, str) or level not in N_CHANNELS:
        raise ValueError(f"level={arguments.shown(level)}: one of {', '.join(N_CHANNELS)}.")
    return level


def model_for(level: str, width: int = 32) -> unet.UNet:
    """Build the untrained network of a level (or "flat")."""
    return unet.UNet(N_CHANNELS[check_level(level)], condition_channels(level), width)


def condition_channels(level: str) -> int:
    """Return how many channels tell a model about the levels above."""
    return sum(N_CHANNELS[name] for name in ABOVE[check_level(level)])


def image(level: str, levels: dict[str, np.ndarray]) -> np.ndarray:
    """Return the image that a model is to make, ``(channels, rows, columns)``, -1..1.

    Raises
    ------
    TypeError, ValueError
        If the level is missing, or is no image of its kind.
    """
    names = ("melody", "accompaniment") if check_level(level) == "flat" else (level,)
    if missing := [name for name in names if name not in _check_levels(levels)]:
        raise ValueError(f"levels: {missing[0]!r} is missing.")
    parts = [_part(levels[name], name) for name in names]
    if len({part.shape[2] for part in parts}) > 1:
        raise ValueError("levels: melody and accompaniment differ in length.")
    return 2 * np.concatenate(parts).astype(np.float32) - 1


def condition(level: str, levels: dict[str, np.ndarray]) -> np.ndarray:
    """Return the levels above on the grid of `level`, ``(channels, rows, columns)``, -1..1.

    Pitch classes of the form are repeated for every octave, columns as often as the finer grid
    needs.

    Raises
    ------
    TypeError, ValueError
        If a level above is missing or no image of its kind, or they differ in length.
    """
    parts, bars = [], None
    for name in ABOVE[check_level(level)]:
        if name not in _check_levels(levels):
            raise ValueError(f"{level} needs the level above: {name!r} is missing.")
        part = _part(levels[name], name)
        if bars not in (None, part.shape[2] // PER_BAR[name]):
            raise ValueError(f"{name}: {part.shape[2] // PER_BAR[name]} bars, others have {bars}.")
        bars = part.shape[2] // PER_BAR[name]
        if name == "form":
            part = part[:, (songs.LOWEST + np.arange(songs.N_ROWS)) % 12]
        parts.append(np.repeat(part, PER_BAR[level] // PER_BAR[name], axis=2))
    if not parts:
        return np.zeros((0, songs.N_ROWS if level == "flat" else 12, 0), np.float32)
    return 2 * np.concatenate(parts).astype(np.float32) - 1


def window(x: np.ndarray, level: str, bar: int) -> np.ndarray:
    """Cut a model's window from an image or condition; beyond the end nothing (-1) is lit."""
    per_bar = PER_BAR[check_level(level)]
    x, bar = arguments.array(x, "x", kinds="biuf"), arguments.number(bar, "bar", 0, whole=True)
    if x.ndim != 3:
        raise ValueError(f"x: expected shape (channels, rows, columns), got {x.shape}.")
    x = x[..., bar * per_bar : (bar + WINDOW_BARS[level]) * per_bar]
    missing = WINDOW_BARS[level] * per_bar - x.shape[-1]
    return np.pad(x, ((0, 0), (0, 0), (0, missing)), constant_values=-1)


def generate(
    model: unet.UNet,
    level: str,
    above: dict[str, np.ndarray] | None = None,
    bars: int | None = None,
    seed: int = 0,
    n_steps: int = 15,
    known: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    told: bool = True,
    same_noise: bool = True,
    guidance: float | None = None,
) -> np.ndarray:
    """Make one level of a song.

    Parameters
    ----------
    model : UNet
        Of this level.
    level : str
        One of :data:`LEVELS`, or "flat".
    above : dict, optional
        The levels above, as in :class:`lecture_utils.diffusion.songs.Song`. The flat model is told
        nothing; given a form, it only gets the noise of its letters.
    bars : int, optional
        Length, where no level above decides it (a form always has 32 bars, the rest unlit).
    seed : int
        For the noise.
    n_steps : int
        DDIM jumps for each window.
    known, keep : np.ndarray, optional
        An image of this level, and bool for each of its columns, which are to stay: inpainting.
        A gap is filled in a window that sees what follows it.
    told : bool
        False hides the levels above from the model, which it has met in training: an ablation.
    same_noise : bool
        Whether sections of one letter get the same noise, and so come back; and the drums of all
        bars of a section, whose pattern then repeats.
    guidance : float, optional
        Classifier-free guidance (Ho and Salimans 2022): the noise is guessed with and without the
        levels above, and the difference counts so many times. From :data:`GUIDANCE` if not given.

    Returns
    -------
    np.ndarray
        The level's image: bool, or float32 0..1 for a form.

    Raises
    ------
    TypeError, ValueError
        If the model is another level's, or what is given does not fit in shape.
    """
    _check_model(model, level)
    above = _check_levels({} if above is None else above)

    guidance = arguments.number(GUIDANCE[level] if guidance is None else guidance, "guidance", 0)
    told_all = condition(level, above)
    per_bar, size = PER_BAR[level], WINDOW_BARS[level]
    decided = size if level == "form" else None
    form = above.get("form") if level != "form" else None
    if ABOVE[level]:
        decided = told_all.shape[2] // per_bar
    elif form is not None:
        decided = _part(form, "form").shape[2]
    if bars is not None:
        bars = arguments.number(bars, "bars", 1, songs.MAX_BARS, whole=True)
    if bars not in (None, decided) and decided is not None:
        raise ValueError(f"bars={bars}: this {level} has {decided} bars; leave it out.")
    bars = arguments.number(decided or bars, "bars", 1, songs.MAX_BARS, whole=True)
    rows = 12 if level == "form" else songs.N_ROWS
    shape = (N_CHANNELS[level], rows, per_bar * bars)
    made, is_made = _start(shape, known, keep)
    whole = max(bars, size)
    seed = arguments.number(seed, "seed", 0, whole=True)
    noise = _noise(level, form if same_noise else None, shape, whole + size, seed)
    start = SCHEDULE.q_sample(average(level).expand(noise.shape), SCHEDULE.n_steps - 1, noise)
    for k, bar in enumerate(range(0, whole - size + 1 + (size // 2 - 1), size // 2)):
        here, after = (_columns(first, level, bars) for first in (bar, bar + size // 2))
        is_last = bar + size >= bars
        if is_made[here].all() or (
            keep is not None and not is_last and is_made[here.start : after.start].all()
        ):
            continue  # nothing is missing here, or the next window sees more of what follows
        part = torch.from_numpy(window(told_all, level, bar))[None] if ABOVE[level] else None
        if part is not None and not told:
            part = torch.full_like(part, -1)
        mask = np.ones((1, *shape[:2], size * per_bar), bool)  # beyond the end: nothing, known
        mask[..., : here.stop - here.start] = is_made[here]
        x = start[None, ..., bar * per_bar : (bar + size) * per_bar]
        x = process.sample(
            SCHEDULE,
            _guess(model, part, guidance if told else 1.0),
            x, n_steps, seed + k, clip=True,
            known=torch.from_numpy(window(made, level, bar))[None], mask=torch.from_numpy(mask),
        )[0].numpy()[..., : here.stop - here.start]  # fmt: skip
        made[..., here] = x if level == "form" else np.where(_lit(x, level, form, here), 1, -1)
        is_made[here] = True
    return (made + 1) / 2 if level == "form" else made > 0


def _guess(model: unet.UNet, part: torch.Tensor | None, guidance: float) -> Callable:
    """Return the function of noisy image and step that guesses the noise, told `part`."""

    def guess(x: torch.Tensor, t: int) -> torch.Tensor:
        return model(x, torch.full((len(x),), t), part)

    def guided(x: torch.Tensor, t: int) -> torch.Tensor:
        both = torch.cat([part, torch.full_like(part, -1)])
        told, untold = model(torch.cat([x, x]), torch.full((2,), t), both).chunk(2)
        return untold + guidance * (told - untold)

    return guess if part is None or guidance == 1 else guided


def _lit(x: np.ndarray, level: str, form: np.ndarray | None, here: slice) -> np.ndarray:
    """Return the cells of a finished image that are lit.

    A sketch has one reduced note in each half bar, its brightest cell, but for an intro.
    """
    lit = x > 0
    if level == "sketch":
        is_intro = form[songs.CHANNELS["form"].index("i")].mean(0) > 0.25
        rests = np.repeat(is_intro, PER_BAR[level])[here]
        lit[0] = (x[0] == x[0].max(0)) & (x[0] > -1) & ~rests
    return lit


def average(level: str) -> torch.Tensor:
    """Return the mean of each channel over many songs by rule, ``(channels, 1, 1)``.

    The schedule does not destroy it quite (see :data:`SCHEDULE`), so generation begins with it.
    """
    return _average(check_level(level))


@functools.cache
def _average(level: str) -> torch.Tensor:
    rng = np.random.default_rng(0)
    images = [window(image(level, songs.write_song(rng).levels), level, 0) for _ in range(64)]
    return torch.from_numpy(np.mean(images, axis=(0, 2, 3), keepdims=True)[0])


def _check_levels(levels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if not isinstance(levels, dict):
        raise TypeError(
            f"levels: expected a dict of images by name, got {arguments.shown(levels)}."
        )
    return levels


def _part(part: np.ndarray, name: str) -> np.ndarray:
    """Return one level's image, checked."""
    part = arguments.array(part, name, ("channels", "rows", "columns"), kinds="biuf")
    rows = 12 if name == "form" else songs.N_ROWS
    if part.shape[:2] != (N_CHANNELS[name], rows) or part.shape[2] % PER_BAR[name]:
        raise ValueError(f"{name}: shape {part.shape} is no image of this level.")
    return part


def _check_model(model: unet.UNet, level: str) -> None:
    if not hasattr(model, "config"):
        raise TypeError(f"model: the network of the level {check_level(level)!r} is needed.")
    wanted = {
        "channels": N_CHANNELS[check_level(level)],
        "condition_channels": condition_channels(level),
    }
    fits = all(model.config.get(key) == value for key, value in wanted.items())
    made_for = getattr(model, "facts", {}).get("level", level)
    if not fits or made_for != level:
        raise ValueError(f"model: not one for the level {level!r}.")


def _columns(bar: int, level: str, bars: int) -> slice:
    """Return the columns of the window that begins at `bar`, as far as the song goes."""
    per_bar = PER_BAR[level]
    return slice(bar * per_bar, min(bar + WINDOW_BARS[level], bars) * per_bar)


def _noise(
    level: str, form: np.ndarray | None, shape: tuple[int, int, int], bars: int, seed: int
) -> torch.Tensor:
    """Draw the noise of a whole level; sections of one letter get the same.

    DDIM draws nothing on its way: its noise and what it is told decide what it makes. So the same
    letter comes back as nearly the same music, and drums that have the same noise in every bar of a
    section come back from bar to bar. (With this noise in all channels chords would break.)
    """
    per_bar = PER_BAR[level]
    rng = np.random.default_rng([seed, 0])
    noise = rng.standard_normal((*shape[:2], bars * per_bar), np.float32)
    column = 0
    for letter in "" if form is None else songs.read_form(form)[0]:
        rng = np.random.default_rng([seed, ord(letter)])
        part = rng.standard_normal((*shape[:2], songs.BARS[letter] * per_bar), np.float32)
        if level in ("accompaniment", "flat"):
            part[-1] = np.tile(part[-1, :, :per_bar], songs.BARS[letter])  # the drums
        part = part[..., : noise.shape[2] - column]
        noise[..., column : column + part.shape[2]] = part
        column += part.shape[2]
    return torch.from_numpy(noise)


def _start(
    shape: tuple[int, int, int], known: np.ndarray | None, keep: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the image to fill in, and which of its columns are there already."""
    made, is_made = np.full(shape, -1, np.float32), np.zeros(shape[2], bool)
    if (known is None) != (keep is None):
        raise ValueError("known, keep: give both or none of them.")
    if known is not None:
        known = arguments.array(known, "known", kinds="biuf")
        keep = arguments.array(keep, "keep", ("columns",), kinds="b")
        if known.shape != shape or keep.shape != shape[2:]:
            raise ValueError(
                f"known {known.shape}, keep {keep.shape}: expected {shape}, {shape[2:]}."
            )
        is_made |= keep
        made[..., keep] = 2 * known[..., keep].astype(np.float32) - 1
    return made, is_made
