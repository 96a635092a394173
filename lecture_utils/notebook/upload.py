"""A student's own sound file: a button in the notebook, or a path, through any function.

Used as ``explore.upload`` by notebook 08.
"""

from __future__ import annotations

import html
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from lecture_utils import arguments, audio
from lecture_utils.notebook import listen

KINDS = ".wav,.flac,.ogg,.mp3,.aiff,.aif"


class Upload:
    """Button, message and player, made by :func:`upload`."""

    def __init__(
        self,
        render: Callable[[np.ndarray], Mapping[str, np.ndarray]],
        sample_rate: int,
        example: Mapping[str, np.ndarray],
        caption: str,
        seconds: float,
    ) -> None:
        self._render, self._sample_rate, self._seconds = render, sample_rate, seconds
        self.button = widgets.FileUpload(accept=KINDS, multiple=False, description="your file")
        self.message, self._caption = widgets.HTML(), caption
        self.player = listen.LivePlayer(example, sample_rate, caption)
        self.box = widgets.VBox([self.button, self.message, self.player])
        self.button.observe(self._received, "value")

    def open(self, path: str | Path) -> None:
        """Read a file, at most its first seconds, and play what `render` makes of it.

        What can't be read or rendered is told in one line; the last good sound stays.
        """
        try:
            with warnings.catch_warnings(record=True) as notes:
                warnings.simplefilter("always")
                x, _ = audio.read(path, self._sample_rate, duration=self._seconds)
                sounds = self._render(x)
            self.player.replace(sounds, self._sample_rate, self._caption)
        except Exception as error:  # a wrong file must not stop the class
            self._say(f"{error}".splitlines()[0] or type(error).__name__, "lp-error")
        else:
            told = [f"{Path(path).name}: {len(x) / self._sample_rate:.1f} s used."]
            self._say(" ".join([*told, *(str(note.message) for note in notes)]), "lp-note")

    def _say(self, text: str, kind: str) -> None:
        self.message.value = f'<p role="status" class="{kind}">{html.escape(text)}</p>'

    def _received(self, change: dict) -> None:
        for file in change["new"]:  # one, or none after a reset
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / Path(file["name"]).name
                path.write_bytes(bytes(file["content"]))
                self.open(path)

    def _repr_mimebundle_(self, **_options: object) -> dict[str, object]:
        bundle = dict(self.box._repr_mimebundle_())
        page = "<p>Run the cell to choose a file of your own; this is the example.</p>"
        page += self.player.static()._repr_html_()
        return bundle | {"text/plain": repr(self.player), "text/html": page}


def upload(
    render: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    sample_rate: int,
    example: Mapping[str, np.ndarray],
    caption: str,
    seconds: float = 10.0,
) -> Upload:
    """Let a function be heard on a file that a student chooses.

    Parameters
    ----------
    render : callable
        ``render(x)`` returns label -> sound for the file's sound ``(n,)``, mono.
    sample_rate : int
        To which the file is brought, Hz.
    example : mapping
        Label -> sound, heard until there is a file.
    caption : str
        What to listen for.
    seconds : float
        How much of the file is used.

    Returns
    -------
    Upload
        Shown by the notebook as the last line of a cell; ``.open(path)`` does without the button.
    """
    if not callable(render):
        raise TypeError("render: give a function of a sound that returns label: sound.")
    return Upload(
        render, sample_rate, example, caption, arguments.number(seconds, "seconds", 0.1, 600)
    )
