"""Songs written by rule, with every level labelled: form, sketch, melody, accompaniment.

Each song is composed from the top down, as the cascade of Wang et al. (2024) composes: a form and a
key, then for each letter of the form chords and a reduced melody (one note each half bar), then the
melody that ornaments it, then chords, bass and drums. All are images ``(channels, rows, columns)``
of keys by time, so that a model can be asked for one level given those above. Used by notebook 02.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lecture_utils import arguments, pianoroll

#: Bars of the sections that a form is written of: intro, three different sections, outro.
BARS = {"i": 4, "A": 8, "B": 8, "C": 8, "o": 4}

#: Longest form, in bars.
MAX_BARS = 128

#: The rows of a level's image are 32 keys from E3 on; the bass is written two octaves up.
LOWEST, N_ROWS, BASS_DOWN = 52, 32, 24

#: Rows of the drum channel and the kit's keys.
DRUM_ROWS = {2: 36, 10: 38, 18: 42, 26: 49}

#: Columns a bar of each level: bars, half bars, eighths, eighths.
PER_BAR = {"form": 1, "sketch": 2, "melody": 8, "accompaniment": 8}

#: Channels of each level's image.
CHANNELS = {
    "form": ("tonic", "scale", *BARS),
    "sketch": ("reduced melody", "chord"),
    "melody": ("struck", "sounding"),
    "accompaniment": ("chord struck", "chord", "bass struck", "bass", "drums"),
}

_SCALES = {False: (0, 2, 4, 5, 7, 9, 11), True: (0, 2, 3, 5, 7, 8, 10)}
_MAJOR = {
    "I": (0, 4, 7), "ii": (2, 5, 9), "iii": (4, 7, 11), "IV": (5, 9, 0), "V": (7, 11, 2),
    "vi": (9, 0, 4),
}  # fmt: skip
_MINOR = {
    "i": (0, 3, 7), "III": (3, 7, 10), "iv": (5, 8, 0), "V": (7, 11, 2), "VI": (8, 0, 3),
    "VII": (10, 2, 5),
}  # fmt: skip
#: Which chords may follow which.
_NEXT = {
    "I": "IV V vi ii iii", "ii": "V IV", "iii": "vi IV", "IV": "I V ii", "V": "I vi IV",
    "vi": "ii IV V iii",
    "i": "iv VI VII III", "III": "VI iv VII", "iv": "i V VII", "VI": "III VII iv", "VII": "III i",
}  # fmt: skip
#: Rhythms of a half bar: the eighths at which a note begins. All begin with the sketch's note.
_CELLS = ((0,), (0, 2), (0, 2, 3), (0, 3), (0, 1, 2), (0, 1, 2, 3))


@dataclass(frozen=True)
class Song:
    """A song: its form and key as words, and an image for each level (bool; "form" float).

    ``levels`` holds "form" ``(7, 12, bars)``, "sketch" ``(2, 32, 2 * bars)``, "melody"
    ``(2, 32, 8 * bars)`` and "accompaniment" ``(5, 32, 8 * bars)``.
    """

    form: str
    key: int
    minor: bool
    levels: dict[str, np.ndarray]


def check_form(form: str) -> str:
    """Return a form; only letters of :data:`BARS`, and no more than :data:`MAX_BARS` bars.

    Raises
    ------
    TypeError, ValueError
        With what to write instead.
    """
    letters = ", ".join(f"{letter} ({bars} bars)" for letter, bars in BARS.items())
    if not isinstance(form, str):
        raise TypeError(f'form={arguments.shown(form)}: give a text such as "iAABA".')
    if unknown := sorted(set(form) - set(BARS)):
        raise ValueError(
            f"form={arguments.shown(form)}: unknown {unknown[0]!r}; letters are {letters}."
        )
    if not 0 < sum(BARS[letter] for letter in form) <= MAX_BARS:
        raise ValueError(f"form={arguments.shown(form)}: from 1 to {MAX_BARS} bars; {letters}.")
    return form


def form_image(form: str, key: int, minor: bool) -> np.ndarray:
    """Draw a form and a key: ``(7, 12, bars)``, float32, 0..1.

    The tonic and the scale are lit at their pitch classes; a section's letter fades from 1 to 1/2,
    so that every bar knows its place in the section.
    """
    form, key = check_form(form), arguments.number(key, "key", 0, 11, whole=True)

    image = np.zeros((len(CHANNELS["form"]), 12, sum(BARS[letter] for letter in form)), np.float32)
    image[0, key] = 1
    image[1, [(key + step) % 12 for step in _SCALES[arguments.flag(minor, "minor")]]] = 1
    bar = 0
    for letter in form:
        n = BARS[letter]
        image[CHANNELS["form"].index(letter), :, bar : bar + n] = 1 - np.arange(n) / (2 * n)
        bar += n
    return image


def read_form(image: np.ndarray) -> tuple[str, int, bool]:
    """Read the form, key and mode off an image, perhaps a blurred one: what fits best.

    ValueError says if it is no form image, or holds no section.
    """
    image = arguments.array(image, "image", ("channels", "pitch classes", "bars"))
    if image.shape[:2] != (len(CHANNELS["form"]), 12):
        raise ValueError(f"image: expected shape (7, 12, bars), got {image.shape}.")

    lit, names, form, bar = image[2:].mean(1), list(BARS), "", 0
    while bar < lit.shape[1] and lit[:, bar].max() > 0.25:
        here = [lit[k, bar : bar + BARS[name]].mean() for k, name in enumerate(names)]
        form += names[int(np.argmax(here))]
        bar += BARS[form[-1]]
    if not form:
        raise ValueError("image: no section is lit in its first bar.")
    bars = image[:2, :, : min(bar, image.shape[2])].mean(-1)
    key = int(np.argmax(bars[0]))
    fits = [bars[1, [(key + k) % 12 for k in _SCALES[minor]]].sum() for minor in (False, True)]
    return form, key, bool(fits[1] > fits[0])


def random_form(rng: np.random.Generator, max_bars: int = 32) -> str:
    """Draw a form: perhaps an intro, sections from A on, perhaps an outro."""
    arguments.generator(rng)
    max_bars = arguments.number(max_bars, "max_bars", BARS["i"] + BARS["A"], MAX_BARS, whole=True)

    form = "i" * int(rng.random() < 0.4) + "A"
    while True:
        known = sorted(set(form) & set("ABC"))
        new = [letter for letter in "ABC" if letter not in known][:1]
        longer = form + str(rng.choice(known + new * 2))
        if sum(BARS[letter] for letter in longer) > max_bars:
            break
        form = longer
        if len(form.strip("i")) > 1 and rng.random() < 0.2:
            break
    room = max_bars - sum(BARS[letter] for letter in form)
    return form + "o" * int(room >= BARS["o"] and rng.random() < 0.6)


def write_song(
    rng: np.random.Generator, form: str | None = None, key: int | None = None,
    minor: bool | None = None,
) -> Song:  # fmt: skip
    """Compose a song by rule; what is not given is drawn.

    Parameters
    ----------
    rng : np.random.Generator
        What draws.
    form : str, optional
        Letters of :data:`BARS`.
    key : int, optional
        Pitch class of the tonic, 0 is C.
    minor : bool, optional
        Natural minor (with a major dominant).

    Raises
    ------
    TypeError, ValueError
        For an unknown letter or key, or if `rng` is no generator.
    """
    arguments.generator(rng)

    form = random_form(rng) if form is None else check_form(form)

    key = int(rng.integers(12)) if key is None else key
    minor = bool(rng.random() < 0.4) if minor is None else arguments.flag(minor, "minor")
    levels = {"form": form_image(form, key, minor)}
    style = rng.integers(4), rng.integers(3)
    parts = {x: _section(rng, x, key, minor, style) for x in sorted(set(form))}
    for level in ("sketch", "melody", "accompaniment"):
        levels[level] = np.concatenate([parts[letter][level] for letter in form], -1)
    return Song(form, key, minor, levels)


def _section(
    rng: np.random.Generator, letter: str, key: int, minor: bool, style: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Compose one section, level by level."""
    bars, chords = BARS[letter], _MINOR if minor else _MAJOR
    names = _progression(rng, bars, minor)
    tones = [[(key + tone) % 12 for tone in chords[name]] for name in names]
    scale = [(key + step) % 12 for step in _SCALES[minor]]
    strong = _reduced_melody(rng, letter, key, tones) if letter != "i" else []
    images = {
        level: np.zeros((len(CHANNELS[level]), N_ROWS, bars * PER_BAR[level]), bool)
        for level in ("sketch", "melody", "accompaniment")
    }
    for half, pitch in enumerate(strong):
        images["sketch"][0, pitch - LOWEST, half] = True
    for bar, chord in enumerate(tones):
        images["sketch"][1, [(tone - LOWEST) % 12 for tone in chord], 2 * bar : 2 * bar + 2] = True
    cells = [_CELLS[k] for k in rng.choice(len(_CELLS), 6, p=(0.1, 0.3, 0.2, 0.15, 0.15, 0.1))]
    motif = [*cells[:2], *cells[2:4], *cells[:2], *cells[4:]] * 2  # bars a b a c, twice
    for half, pitch in enumerate(strong):
        is_end = half >= len(strong) - 2 or letter == "o"
        following = pitch if is_end else strong[half + 1]
        onsets = (0,) if is_end else motif[half]
        _ornament(images["melody"][..., 4 * half : 4 * half + 4], pitch, following, onsets, scale)
    _accompany(images["accompaniment"], letter, tones, style)
    return images


def _progression(rng: np.random.Generator, bars: int, minor: bool) -> list[str]:
    """Chords for each bar: from the tonic, by the dominant in the middle, back to the tonic."""
    tonic = "i" if minor else "I"
    names = [tonic]
    while len(names) < bars:
        names.append(str(rng.choice((_NEXT.get(names[-1]) or tonic).split())))
        if minor and names[-1] not in _MINOR:
            names[-1] = tonic
    names[bars // 2 - 1], names[bars // 2], names[-2:] = "V", tonic, ["V", tonic]
    return names


def _reduced_melody(
    rng: np.random.Generator, letter: str, key: int, tones: list[list[int]]
) -> list[int]:
    """Choose a chord tone for each half bar along a line that returns in the second half."""
    centre = 54 + (key - 6) % 12 + {"A": 9, "B": 13, "C": 5, "o": 9}[letter]
    line = np.cumsum(rng.choice([-4, -2, -2, 0, 2, 2, 4], len(tones)))
    line = np.tile(line - np.round(line.mean()), 2)
    out = []
    for half, step in enumerate(np.clip(line, -5, 5)):
        wanted = centre + step
        here = [key] if half >= 2 * len(tones) - 2 else tones[half // 2]
        keys = [p for p in range(LOWEST + 3, LOWEST + N_ROWS) if p % 12 in here]
        out.append(int(min(keys, key=lambda p: (abs(p - wanted), p))))
    return out


def _ornament(
    image: np.ndarray, pitch: int, following: int, onsets: tuple[int, ...], scale: list[int]
) -> None:
    """Fill a half bar ``(2, 32, 4)``: from the sketch's note towards the next, along the scale."""
    keys = [p for p in range(LOWEST, LOWEST + N_ROWS) if p % 12 in scale]
    last = pitch
    for onset, stop in zip(onsets, (*onsets[1:], 4), strict=True):
        if onset:
            wanted = pitch + (following - pitch) * onset / 4
            others = [p for p in keys if p != last]  # a neighbour where the line stands still
            last = min(others, key=lambda p: (abs(p - wanted), -p))
        image[0, last - LOWEST, onset] = True
        image[1, last - LOWEST, onset:stop] = True


def _accompany(
    image: np.ndarray, letter: str, tones: list[list[int]], style: tuple[int, int]
) -> None:
    """Write chords, bass and drums ``(5, 32, columns)`` in a style, fuller in section B."""
    pattern, beat = int(style[0] + (letter == "B")) % 4, int(style[1])
    kick, snare, hat, crash = DRUM_ROWS
    for bar, chord in enumerate(tones):
        now = image[..., 8 * bar : 8 * bar + 8]
        rows = [(tone - LOWEST) % 12 for tone in chord]
        onsets, length = [((0,), 8), ((0, 2, 4, 6), 2), ((1, 3, 5, 7), 1), (range(8), 1)][pattern]
        for k, onset in enumerate(onsets):
            struck = [sorted(rows)[k % 3]] if pattern == 3 else rows
            now[0, struck, onset] = True
            now[1, struck, onset : onset + length] = True
        onsets = ((0, 4), (0, 3, 4, 7), (0, 2, 4, 6))[beat]
        for onset, stop in zip(onsets, (*onsets[1:], 8), strict=True):
            row = rows[0] + 7 * (onset == 4)  # the fifth in the middle of the bar
            now[2, row, onset] = True
            now[3, row, onset:stop] = True
        if (letter == "o" and bar == len(tones) - 1) or (letter == "i" and bar < 2):
            continue
        now[4, kick, ([0, 4], [0, 3, 5], [0, 2, 4, 6])[beat]] = True
        now[4, snare, [2, 6]] = True
        now[4, hat, (slice(None), slice(0, 8, 2), slice(1, 8, 2))[beat]] = True
        if bar == len(tones) - 1:  # a fill into the next section
            now[4, hat, 4:], now[4, snare, 4:] = False, True
        if bar == 0:
            now[4, crash, 0] = True


def to_roll(
    melody: np.ndarray | None = None, accompaniment: np.ndarray | None = None, tempo: float = 140
) -> pianoroll.PianoRoll:
    """Make a piano roll of the lower two levels, to hear and to draw.

    Parameters
    ----------
    melody, accompaniment : np.ndarray, optional
        Images ``(2, 32, columns)`` and ``(5, 32, columns)``; a cell counts where it is above 0.5.
    tempo : float
        Beats a minute.

    Returns
    -------
    PianoRoll
        Flute, piano, bass and drums, in eighths; what is not given is silent.

    Raises
    ------
    ValueError
        If shapes differ or nothing is given.
    """
    given = [x for x in (melody, accompaniment) if x is not None]
    if not given:
        raise ValueError("melody, accompaniment: give at least one of them.")
    steps = (arguments.array(given[0], "melody, accompaniment", kinds="biuf").shape or (0,))[-1]
    images = {}
    for name, image in (("melody", melody), ("accompaniment", accompaniment)):
        shape = (len(CHANNELS[name]), N_ROWS, steps)
        image = np.zeros(shape) if image is None else arguments.array(image, name, kinds="biuf")
        if image.shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, got {image.shape}.")
        images[name] = image > 0.5
    m, a = images["melody"], images["accompaniment"]
    struck, sounding = np.zeros((2, 4, steps, 84), bool)
    for track, (on, down, lowest) in enumerate(
        [(m[0], m[1], LOWEST), (a[0], a[1], LOWEST), (a[2], a[3], LOWEST - BASS_DOWN)]
    ):
        keys = slice(lowest - 24, lowest - 24 + N_ROWS)
        struck[track, :, keys], sounding[track, :, keys] = on.T, (on | down).T
    for row, key in DRUM_ROWS.items():
        sounding[3, :, key - 24] = a[4, row - 2 : row + 3].any(0)
    struck[3] = sounding[3]
    struck |= pianoroll.starts(sounding)
    return pianoroll.PianoRoll(
        sounding, struck, (73, 0, 33, pianoroll.DRUMS), steps_per_beat=2, tempo=tempo
    )


def sketch_roll(sketch: np.ndarray, tempo: float = 140) -> pianoroll.PianoRoll:
    """Make a piano roll of a sketch ``(2, 32, half bars)``: reduced melody and block chords."""
    sketch = arguments.array(sketch, "sketch", ("channels", "rows", "half bars"), kinds="biuf")
    if sketch.shape[:2] != (2, N_ROWS):
        raise ValueError(f"sketch: expected shape (2, {N_ROWS}, half bars), got {sketch.shape}.")

    cells = np.repeat(sketch > 0.5, 4, axis=-1)
    struck = np.zeros_like(cells)
    struck[..., ::4] = cells[..., ::4]
    accompaniment = np.zeros((5, N_ROWS, cells.shape[-1]), bool)
    accompaniment[0], accompaniment[1] = struck[1], cells[1]
    return to_roll(np.stack([struck[0], cells[0]]), accompaniment, tempo)
