"""Keys, MIDI keyboards and voices that play a learned instrument in the page, without a kernel.

The network runs in JavaScript (``ddsp.js``), with the numbers of the weights inside the page. Used
as ``explore.keyboard`` by notebook 08.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import zlib
from collections.abc import Mapping

import numpy as np

from lecture_utils import arguments
from lecture_utils.notebook import live

#: What runs in the page, and what runs beside it, where the sound is made.
SCRIPTS = ("sound.js", "player.js", "instrument.js", "keyboard.js")
ENGINE = ("fft.js", "ddsp.js", "tracker.js", "played.js")
#: What the page's instruments are: Hz, samples a frame, no z.
FIXED = {"sample_rate": 16000, "hop_length": 64, "n_z": 0}


def pack(model: object) -> dict:
    """Return what ``ddsp.js`` needs of a ``ddsp.Autoencoder``: configuration, facts and weights.

    The weights are float16, as they are shipped: first all low bytes, then all high ones (which
    deflate shortens), in base64. About 0.73 MB for a third of a million numbers.
    """
    config, facts = getattr(model, "config", {}), getattr(model, "facts", {})
    if any(config.get(name) != value for name, value in FIXED.items()):
        raise ValueError(
            "keyboard: it plays a ddsp.Autoencoder at 16000 Hz with a hop of 64 and without z."
        )
    if not {"lowest_hz", "highest_hz", "loud_db"} <= facts.keys():
        raise ValueError("keyboard: the weights do not tell where they play; load shipped ones.")
    tensors = {k: v.detach().cpu().half().numpy().ravel() for k, v in model.state_dict().items()}
    planes = np.concatenate(list(tensors.values())).astype("<f2").view(np.uint8).reshape(-1, 2).T
    return {
        "config": config,
        "facts": facts,
        "sizes": [[name, x.size] for name, x in tensors.items()],
        "numbers": base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode(),
    }


class Keyboard:
    """A piano keyboard as plain HTML, made by :func:`keyboard`; notebooks show it by themselves."""

    def __init__(self, instruments: dict[str, dict], caption: str) -> None:
        self.instruments, self.caption = instruments, caption

    def _repr_html_(self) -> str:
        spec = {"caption": self.caption, "instruments": self.instruments}
        text = json.dumps(spec).replace("</", "<\\/")
        key = f"lp-keys-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        names = " or ".join(self.instruments)
        return (
            f"<style>{live.file('player.css')}</style>"
            f'<div id="{key}" style="min-height:24.3em">'  # room for the keys: no jump of the page
            f"<p>{html.escape(self.caption)}</p>{_PICTURE}"
            "<p>Here keys, mouse, touch, a MIDI keyboard or your voice play the "
            f"{html.escape(names)}. If you only see a picture: in JupyterLab choose <i>Trust "
            "Notebook</i> (Command Palette, Ctrl+Shift+C), or run the cell.</p></div>"
            f"<script>(() => {{{''.join(map(live.file, SCRIPTS))}"
            f"for (const host of document.querySelectorAll('#{key}')) "
            f"if (!host.querySelector('.lp')) mountKeyboard(host, {text}, "
            f"() => {{{''.join(map(live.file, ENGINE))}}});}})()</script>"
        )

    def __repr__(self) -> str:
        return f"Keyboard: {self.caption} ({', '.join(self.instruments)})"


def keyboard(models: Mapping[str, object], caption: str = "Play it yourself") -> Keyboard:
    """Play learned instruments with computer keys, mouse, touch, a MIDI keyboard, or the voice.

    Six notes at once. The sound is made in the page, so it needs no kernel.

    Parameters
    ----------
    models : mapping of str to ddsp.Autoencoder
        Name -> loaded weights, without z; their ``facts`` tell range and loudness.
    caption : str
        What to do.

    Returns
    -------
    Keyboard
        Shown by the notebook as the last line of a cell.
    """
    if not isinstance(models, Mapping) or not 1 <= len(models) <= 4:
        raise ValueError("models: give a dict of name: loaded DDSP weights, one to four.")
    packed = {arguments.text(name, "models"): pack(model) for name, model in models.items()}
    return Keyboard(packed, arguments.text(caption, "caption"))


def _picture() -> str:
    """Return three octaves of a piano as an image, for print and for pages without scripts."""
    white = "".join(f'<rect x="{24 * k}" y="0" width="24" height="110"/>' for k in range(22))
    black = "".join(
        f'<rect x="{24 * k - 7}" y="0" width="14" height="68" fill="#222"/>'
        for k in range(1, 22)
        if k % 7 not in (0, 3)
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 530 112" width="530" height="112">'
        f'<g fill="#fff" stroke="#222">{white}{black}</g></svg>'
    )
    source = base64.b64encode(svg.encode()).decode()
    alt = "Three octaves of a piano keyboard; in the running page they play the learned instruments"
    return f'<img alt="{alt}" width="530" src="data:image/svg+xml;base64,{source}">'


_PICTURE = _picture()
