"""Move the sounds and pictures of a notebook's outputs into files beside the page.

A notebook holds them as base64, several megabytes of it, and each player with scripts of its own. A
page of the site has one script for all of them (``site.js``), which fetches a sound when it is
played.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from pathlib import Path

import numpy as np

from lecture_utils.notebook import live

#: Where the files are, seen from a page and from the top of the site.
FOLDER = "_media"

_SOUND = re.compile(r"src=(['\"])data:audio/wav;base64,([A-Za-z0-9+/=]*)\1")
_PICTURE = re.compile(
    r"(<img\b[^>]*?)src=(['\"])data:image/(png|webp|jpeg);base64,([A-Za-z0-9+/=]*)\2"
)
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
#: How the scripts end that ``site.js`` brings for all players.
_OURS = re.compile(
    r"mount(All\('lp-\w+'|Frames\(document\.currentScript\.parentElement)\);\}\)\(\)$"
)
#: A script that is longer, in bytes, comes from a file, when the reader gets near it.
LONGEST = 50_000
WIDGETS = "application/vnd.jupyter.widget-view+json"
#: Columns and rows of a preview: of the waveform, of the spectrogram.
COLUMNS, WAVE_ROWS, ROWS = 480, 54, 146


class Media:
    """A folder of sounds and pictures, each named by a hash of its content.

    Attributes
    ----------
    used : dict of str to set of str
        Page -> files that it names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.used = folder, {}
        folder.mkdir(parents=True, exist_ok=True)

    def sound(self, data: bytes) -> str:
        """Keep a WAV file as FLAC, and as a script that a page opened from a disk may load."""
        import soundfile

        name = hashlib.sha256(data).hexdigest()[:16]
        path = self.folder / f"{name}.flac"
        if not path.exists():
            samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
            buffer = io.BytesIO()
            soundfile.write(buffer, samples, rate, format="FLAC", subtype="PCM_16")
            text = base64.b64encode(buffer.getvalue()).decode()
            path.with_suffix(".js").write_text(f'lectureSound("{name}","{text}");\n')
            path.write_bytes(buffer.getvalue())
        return name

    def picture(self, data: bytes, kind: str) -> str:
        """Keep a picture; return the name of its file."""
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.{kind}"
        path = self.folder / name
        if not path.exists():
            path.write_bytes(data)
        return name

    def script(self, text: str) -> str:
        """Keep a script; return the name of its file."""
        name = hashlib.sha256(text.encode()).hexdigest()[:16] + ".js"
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def preview(self, data: bytes) -> str:
        """Draw waveform and spectrogram of a WAV file, as a player does once it has the sound."""
        import soundfile

        name = hashlib.sha256(data).hexdigest()[:16] + "_view.webp"
        path = self.folder / name
        if not path.exists():
            path.write_bytes(draw(*soundfile.read(io.BytesIO(data), dtype="float32")))
        return name


def lighten(page: str, media: Media) -> str:
    """Return the HTML of an output with its sounds and pictures as files of `media`."""
    first = []  # the first sound of each player, for its preview

    def sound(match: re.Match) -> str:
        data = base64.b64decode(match[2])
        name = media.sound(data)
        first.append(data)
        return f'src="{FOLDER}/{name}.flac" data-clip="{name}"'

    def picture(match: re.Match) -> str:
        data = base64.b64decode(match[4])
        name = media.picture(data, match[3])
        return f'{match[1]}{_room(match[1], data)}loading="lazy" src="{FOLDER}/{name}"'

    def host(match: re.Match) -> str:
        """One player: from its host to the next one, or the end."""
        first.clear()
        text = _SOUND.sub(sound, match[0])
        blind = "&quot;blind&quot;" in text.partition(">")[0]
        if not first or blind:
            return text
        view = f'data-view="{FOLDER}/{media.preview(first[0])}" '
        return text.replace('<div id="lp-', f'<div {view}id="lp-', 1)

    def script(match: re.Match) -> str:
        text = match[1]
        if _OURS.search(text):
            return ""
        if len(text) < LONGEST:
            return match[0]
        return f'<div class="lp-script" data-script="{FOLDER}/{media.script(text)}"></div>'

    page = _SCRIPT.sub(script, page)
    ours = {live.file(name)[:50] for name in ("player.css", "stored.css")}
    page = _STYLE.sub(lambda m: "" if m[0][7:57] in ours else m[0], page)
    page = re.sub(r'<div id="lp-.*?(?=<div id="lp-|\Z)', host, page, flags=re.DOTALL)
    return _PICTURE.sub(picture, _SOUND.sub(sound, page))


def _room(tag: str, data: bytes) -> str:
    """Return the attributes by which a page keeps room for a picture that comes later.

    Without them the page jumps when it comes, perhaps under a finger that presses a button.
    """
    from PIL import Image

    width, height = Image.open(io.BytesIO(data)).size
    if given := re.search(r'\bwidth="(\d+)"', tag):
        return f'height="{round(int(given[1]) * height / width)}" '
    return f'width="{width}" height="{height}" '


def lighten_outputs(outputs: list[dict], media: Media) -> list[dict]:
    """Return the outputs of a cell for the site: no live widgets, no base64."""
    kept = []
    for output in outputs:
        data = output.get("data", {})
        if WIDGETS in data:
            continue  # its stored copy is the output before it
        if "text/html" in data:
            page = lighten("".join(data["text/html"]), media)
            output = {**output, "data": {"text/html": page}}
        kept.append(output)
    return kept


def draw(samples: np.ndarray, rate: int) -> bytes:
    """Return waveform and spectrogram of a sound ``(n,)`` as WebP, as ``paint.js`` draws them."""
    from matplotlib import colormaps
    from PIL import Image

    size = 2 ** int(np.clip(round(np.log2(0.064 * rate)), 6, 12))
    middles = np.round((np.arange(COLUMNS) + 0.5) / COLUMNS * len(samples) - size / 2).astype(int)
    padded = np.pad(samples, size)
    columns = padded[middles[:, None] + size + np.arange(size)]
    power = np.abs(np.fft.rfft(columns * np.hanning(size + 1)[:-1], axis=1))[:, : size // 2] ** 2
    edges = np.arange(ROWS) * (size // 2) // ROWS
    levels = 10 * np.log10(np.maximum.reduceat(power, edges, axis=1) / size**2 + 1e-20)
    shade = np.clip(1 + (levels - max(levels.max(), -120)) / 80, 0, 1)  # silence is black
    spectrum = (colormaps["magma"](shade.T[::-1]) * 255).astype(np.uint8)

    wave = np.zeros((WAVE_ROWS, COLUMNS, 4), np.uint8)
    edges = np.arange(COLUMNS) * len(samples) // COLUMNS
    peak = max(np.abs(samples).max(), 1e-4)
    rows = np.arange(WAVE_ROWS)[:, None]
    top = (1 - 0.96 * np.maximum(np.maximum.reduceat(samples, edges), 0) / peak) * WAVE_ROWS / 2
    low = (1 - 0.96 * np.minimum(np.minimum.reduceat(samples, edges), 0) / peak) * WAVE_ROWS / 2
    wave[(rows >= np.floor(top)) & (rows <= np.ceil(low))] = (59, 139, 214, 255)
    buffer = io.BytesIO()
    gap = np.zeros((2, COLUMNS, 4), np.uint8)
    Image.fromarray(np.vstack([wave, gap, spectrum])).save(buffer, "webp", quality=50)
    return buffer.getvalue()
