"""Players that compare sounds honestly: in step, at one gain, loudness measured, blind if wanted.

:func:`play` and :func:`compare` return plain HTML with the sound inside: no kernel, no network, the
same in JupyterLab, Notebook, VS Code and a static page. :class:`LivePlayer` is the same player as a
widget whose sound Python replaces. Used by every notebook.
"""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from lecture_utils import arguments, data
from lecture_utils.audio import as_audio, check_sample_rate, loudness_lufs
from lecture_utils.notebook import figure as figures
from lecture_utils.notebook import hidden, live
from lecture_utils.notebook.wav import clips, pack

__all__ = ["LivePlayer", "Player", "clips", "compare", "play", "prepare"]

#: Longest sound of a player in seconds, and the most text that one player puts into a page.
MAX_SECONDS, MAX_BYTES = 60.0, 20e6

#: Louder than this (as loud as music services play), and the player starts with its volume turned
#: down to it.
COMFORTABLE_LUFS = -14.0

#: Scripts that a page needs, by the kind of its blind test.
_BLIND = ["sound.js", "fft.js", "paint.js", "save.js", "player.js", "blind.js"]
_KEPT = [*_BLIND, "kept.js", "mushra.js"]
SCRIPTS = {None: _BLIND[:5], "abx": _BLIND, "rate": _BLIND, "mushra": _KEPT, "pairs": _KEPT}


def play(
    x: np.typing.ArrayLike,
    sample_rate: int,
    label: str = "sound",
    caption: str | None = None,
    figure: Callable | None = None,
    alt: str = "",
    height: float = 3.0,
) -> Player:
    """Play one sound: :func:`compare` with a single version."""
    return compare({label: x}, sample_rate, caption=caption, figure=figure, alt=alt, height=height)


def compare(
    sounds: Mapping[str, np.typing.ArrayLike],
    sample_rate: int,
    caption: str | None = None,
    match_levels: bool = False,
    blind: bool | str = False,
    reference: str | None = None,
    trials: int = 10,
    seed: int | None = None,
    figure: Callable | None = None,
    alt: str = "",
    height: float = 3.0,
) -> Player:
    """Compare up to nine versions of a sound: switch at the same position, at one shared gain.

    No version is ever normalised on its own: if one would clip, all are turned down by the same
    amount, which is said, as are loudness differences above 1 dB (see `match_levels`).

    Parameters
    ----------
    sounds : mapping of str to array_like
        Label -> sound of shape ``(n,)``. Shorter ones end in silence, which is said.
    sample_rate : int
        Of all versions, in Hz.
    caption : str, optional
        What to listen for.
    match_levels : bool
        Bring every version to the loudness of the first (ITU-R BS.1770), and say by how much.
    blind : bool or {"abx", "rate"}
        Hide the labels until the end. "abx": is X version A or B? (two versions, `trials` rounds,
        score and chance level); "rate": 0 to 100 for each hidden version. True means "abx" for two
        versions, otherwise "rate". Results can be copied as CSV.
    reference : str, optional
        With ``blind="rate"``: a label that can also be heard openly.
    trials : int
        Rounds of an A/B/X test, 1 to 50 (fewer than five prove nothing at p < 0.05).
    seed : int, optional
        Makes the hidden order repeatable; drawn anew in the browser by default.
    figure : callable, optional
        ``figure(ax, x, label)`` draws the picture of one version. If its x axis is time, the
        cursor moves over it: the plotters of ``plot`` and ``pianoroll`` say so
        (:func:`lecture_utils.notebook.plot.time_axis`).
    alt : str
        What the pictures show, in a sentence; needed with `figure`.
    height : float
        Of each picture, in inches.

    Returns
    -------
    Player
        Shown by the notebook as the last line of a cell.

    Raises
    ------
    TypeError
        If `sounds` is no mapping or a sound holds no numbers.
    ValueError
        If there is no sound, more than nine, a label twice, a sound that is empty, not finite or
        longer than 60 s, an unknown `blind` or `reference`, or a figure without `alt` or in a blind
        test.
    """
    if figure is not None:
        figures.check_figure(figure, alt)
        if blind:
            raise ValueError("figure: a picture would tell which version is which; leave it out.")
    spec, wavs = prepare(sounds, sample_rate, caption, match_levels)
    if figure is not None:
        seconds, height = max(spec["seconds"]), arguments.number(height, "height", 1, 12)
        spec["pictures"] = figures.pictures(sounds, seconds, figure, alt, height)
    if blind:
        hidden.hide(spec, blind, reference, trials, seed)
    elif reference is not None:
        raise ValueError('reference: only a rating has one; add blind="rate".')
    return Player(spec, wavs)


def prepare(
    sounds: Mapping[str, np.typing.ArrayLike],
    sample_rate: int,
    caption: str | None = None,
    match_levels: bool = False,
    most: int = 9,
) -> tuple[dict, list[bytes]]:
    """Check up to `most` sounds, give them one gain, measure them, pack them as 16-bit WAV.

    Returns
    -------
    spec : dict
        What the page needs beside the sounds: labels, levels in LUFS, seconds, notes, volume.
    wavs : list of bytes
        One WAV file a version.
    """
    if not isinstance(sounds, Mapping):
        raise TypeError("sounds: give a dict of label: sound; a single sound goes to listen.play.")
    if len(sounds) > most:
        raise ValueError(f"sounds: {len(sounds)} versions given, {most} fit; show fewer.")
    sample_rate = check_sample_rate(sample_rate)
    if not 3000 <= sample_rate <= 192_000:
        raise ValueError(
            f"sample_rate: browsers play 3000 to 192000 Hz, not {sample_rate}; use audio.resample."
        )

    labels = [str(label).strip() for label in sounds]
    if not labels:
        raise ValueError("sounds: nothing to play; give at least one sound.")
    if len(set(labels)) < len(labels) or "" in labels:
        raise ValueError(f"sounds: every version needs a label of its own, got {labels}.")
    audio = {
        label: as_audio(x, repr(label)) for label, x in zip(labels, sounds.values(), strict=True)
    }
    _check_size([len(x) for x in audio.values()], sample_rate)

    notes, gains = [], None
    levels = [loudness_lufs(x, sample_rate) for x in audio.values()]
    if match_levels:
        gains = [levels[0] - level if np.isfinite(levels[0] - level) else 0.0 for level in levels]
        audio = {
            label: x * np.float32(10 ** (gain / 20))
            for (label, x), gain in zip(audio.items(), gains, strict=True)
        }
        levels = [level + gain for level, gain in zip(levels, gains, strict=True)]
        notes.append("Loudness matched to the first version.")
    peak = max(float(np.abs(x).max()) for x in audio.values())
    if peak > 1:
        audio = {label: x / np.float32(peak) for label, x in audio.items()}
        levels = [level - 20 * np.log10(peak) for level in levels]
        notes.append(
            f"All versions turned down by {20 * np.log10(peak):.1f} dB, so that none clips."
        )
    sounding = [level for level in levels if np.isfinite(level)]
    spread = max(sounding) - min(sounding) if sounding else 0.0
    if spread > 1:
        notes.append(f"Loudness differs by {spread:.1f} dB: the louder version tends to win.")
    seconds = [len(x) / sample_rate for x in audio.values()]
    if max(seconds) - min(seconds) > 0.01:
        notes.append(
            f"Lengths differ ({min(seconds):.2f} to {max(seconds):.2f} s): shorter versions end in "
            "silence."
        )
    spec = {
        "caption": caption or "",
        "labels": labels,
        "levels": [round(level, 2) if np.isfinite(level) else None for level in levels],
        "gains": gains and [round(gain, 2) for gain in gains],
        "seconds": [round(second, 3) for second in seconds],
        "notes": notes,
        "volume": -max(0, int(np.ceil(max(sounding, default=-99) - COMFORTABLE_LUFS))),
    }
    names = [data.name_of(x) for x in sounds.values()]
    if any(names):  # goes into a WAV file that is taken home
        told = ("title", "author", "licence", "source")
        spec["credits"] = [n and {key: data.entry(n).get(key, "") for key in told} for n in names]
    return spec, [pack(x, sample_rate) for x in audio.values()]


def _check_size(lengths: list[int], sample_rate: int) -> None:
    megabytes = sum(lengths) * 2 * 4 / 3 / 1e6
    longest = max(lengths) / sample_rate
    if longest > MAX_SECONDS or megabytes > MAX_BYTES / 1e6:
        raise ValueError(
            f"sounds: {longest:.1f} s at the longest and {megabytes:.1f} MB in the page; a player "
            f"takes {MAX_SECONDS:.0f} s and {MAX_BYTES / 1e6:.0f} MB, so cut the sound."
        )


class Player:
    """A player as plain HTML, made by :func:`compare`; notebooks show it by themselves."""

    def __init__(self, spec: dict, wavs: list[bytes]) -> None:
        self.spec, self.wavs = spec, wavs

    def _repr_html_(self) -> str:
        pictures = self.spec.get("pictures", [])
        everything = json.dumps(self.spec, sort_keys=True).encode() + b"".join(self.wavs)
        digest = hashlib.sha256(everything).hexdigest()[:12]
        # The script takes the pictures, like the sounds, from the list below.
        without = [{k: p[k] for k in ("alt", "span")} for p in pictures]
        spec = json.dumps(self.spec | {"pictures": without}, sort_keys=True)
        # Without scripts these stand in: a list of native players (no labels in a blind test).
        images = [
            figures.to_img(p["source"], p["alt"]) + figures.to_link(p.get("midi"), i)
            for i, p in enumerate(pictures)
        ]
        items = "".join(
            f"<li>{html.escape(line)} <audio controls preload='none' "
            f"src='data:audio/wav;base64,{base64.b64encode(wav).decode()}'></audio>{image}</li>"
            for line, wav, image in itertools.zip_longest(
                self._lines(), self.wavs, images, fillvalue=""
            )
        )
        script = "".join(map(live.file, SCRIPTS[self.spec.get("blind")]))
        return (
            f"<style>{live.file('player.css')}</style>"
            f'<div id="lp-{digest}" data-spec="{html.escape(spec)}">'
            f"<p>{html.escape(self.spec['caption'])}</p><ul>{items}</ul></div>"
            f"<script>(() => {{{script}mountAll('lp-{digest}');}})()</script>"
        )

    def __repr__(self) -> str:
        return "\n".join([f"Player: {self.spec['caption']}".rstrip(": "), *self._lines()])

    def _lines(self) -> list[str]:
        seconds, levels = self.spec["seconds"], self.spec["levels"]
        if self.spec.get("blind"):
            names = self.spec.get("names") or ["hidden version"] * len(seconds)
            return [f"{name}: {s:.2f} s" for name, s in zip(names, seconds, strict=True)]
        words = ["silent" if level is None else f"{level:.1f} LUFS" for level in levels]
        return [
            f"{label}: {duration:.2f} s, {word}"
            for label, duration, word in zip(self.spec["labels"], seconds, words, strict=True)
        ]

    def to_html(self, path: str | Path) -> Path:
        """Write the player as a page of its own, playable without a network."""
        path = Path(path)
        if not path.parent.is_dir():
            raise FileNotFoundError(f"No folder {path.parent}; make it first.")
        title = html.escape(self.spec["caption"] or "Player")
        path.write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
            f"{self._repr_html_()}</html>",
            encoding="utf-8",
        )
        return path


class LivePlayer(anywidget.AnyWidget):
    """The same player as a widget: :meth:`replace` changes the sound and keeps the position.

    Parameters
    ----------
    sounds, sample_rate, caption, match_levels
        As for :func:`compare`.
    pictures : list of dict, optional
        One for each version or one for all, as from ``figure.picture``.
    """

    _esm = "".join(map(live.file, SCRIPTS[None])) + "\nexport default { render: renderLive };\n"
    _css = live.file("player.css")
    spec = traitlets.Dict().tag(sync=True)
    clips = traitlets.List(traitlets.Bytes()).tag(sync=True)
    count = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        sounds: Mapping[str, np.typing.ArrayLike],
        sample_rate: int,
        caption: str | None = None,
        match_levels: bool = False,
        pictures: list[dict] | None = None,
    ) -> None:
        spec, wavs = prepare(sounds, sample_rate, caption, match_levels)
        super().__init__(spec=spec | {"pictures": pictures or []}, clips=wavs)

    def replace(
        self,
        sounds: Mapping[str, np.typing.ArrayLike],
        sample_rate: int,
        caption: str | None = None,
        match_levels: bool = False,
        pictures: list[dict] | None = None,
    ) -> None:
        """Play other sounds from now on, at the same position; nothing changes if they are bad."""
        spec, wavs = prepare(sounds, sample_rate, caption, match_levels)
        spec |= {"pictures": pictures or []}
        with self.hold_sync():  # one message: the page reloads when the count changes
            self.spec, self.clips, self.count = spec, wavs, self.count + 1

    def close(self) -> None:
        """Close the widget; its sounds leave the page's memory, too."""
        self.clips = []
        self.spec = {}  # the page remembers the values before the last change, too
        super().close()

    def static(self) -> Player:
        """Return the current sound as a plain HTML player."""
        return Player(dict(self.spec), list(self.clips))

    def _ipython_display_(self) -> None:
        page = f"<p>Run the cell to hear this live.</p>{self.static()._repr_html_()}"
        live.Box([self]).show(page, repr(self))

    def __repr__(self) -> str:
        return repr(self.static()).replace("Player", "LivePlayer", 1)
