"""A student's own sound file: a button in the notebook, or a path, through any function.

Used as ``explore.upload`` by notebook 08.
"""

from __future__ import annotations

import html
import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

from lecture_utils import arguments, audio
from lecture_utils.notebook import listen, live

KINDS = ".wav,.flac,.ogg,.mp3,.aiff,.aif"

#: Largest file that is taken, in bytes: half an hour of a CD.
LIMIT = 300_000_000


class FileButton(anywidget.AnyWidget):
    """A button that takes a file in pieces (``upload.js``) and hands it on when it is complete.

    Parameters
    ----------
    receive : callable
        Gets the path, under which the file lies until the call is over.
    fail : callable
        Gets the error if the file can't be kept, for example on a full disk.
    """

    _esm = live.file("upload.js")
    accept = traitlets.Unicode(KINDS).tag(sync=True)
    limit = traitlets.Int(LIMIT).tag(sync=True)
    #: Name of the file that is worked on; empty when the work is done.
    working = traitlets.Unicode().tag(sync=True)

    def __init__(self, receive: Callable[[Path], None], fail: Callable[[OSError], None]) -> None:
        super().__init__()
        self._receive, self._fail, self._turn = receive, fail, None
        self.on_msg(self._heard)

    def _heard(self, _widget: widgets.Widget, message: dict, pieces: list[memoryview]) -> None:
        try:
            if message["kind"] == "begin":
                self._turn, self._size, self._got = message["turn"], message["size"], 0
                self._folder = tempfile.TemporaryDirectory()  # the one before goes away
                self._path = Path(self._folder.name) / safe_name(message["name"])
                self._path.touch()
            elif (message["turn"], message["from"]) == (self._turn, self._got):
                with self._path.open("ab") as file:
                    self._got += file.write(pieces[0])
            else:  # a piece of a file that was given up for another one
                return
        except OSError as error:
            self._turn = None
            self._fail(error)
            return
        if self._got < self._size:
            self.send({"turn": self._turn, "from": self._got})
            return
        self._turn = None
        with self._folder:
            self._receive(self._path)


def safe_name(name: str) -> str:
    """Return a file's name as it can be shown and written to any disk, whatever it was."""
    name = re.split(r"[/\\]", name.encode("utf-8", "replace").decode())[-1]
    name = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", name).strip()
    if len(name) > 60:
        name = f"{name[:40]}...{name[-17:]}"
    return name if name.strip(".") else "file without a name"


class Upload:
    """Button, message and player, made by :func:`upload`."""

    def __init__(
        self,
        render: Callable[[np.ndarray], Mapping[str, np.ndarray]],
        sample_rate: int,
        example: Mapping[str, np.ndarray],
        caption: str,
        seconds: float,
        match_levels: bool,
    ) -> None:
        self._render, self._sample_rate, self._seconds = render, sample_rate, seconds
        self.button, self.message = FileButton(self.open, self._tell), widgets.HTML()
        self._player = {"caption": caption, "match_levels": match_levels}
        self.player = listen.LivePlayer(example, sample_rate, **self._player)
        self.box = live.Box([self.button, self.message, self.player])

    def open(self, path: str | Path) -> None:
        """Read a file, at most its first seconds, and play what `render` makes of it.

        What can't be read or rendered is told in one line; the last good sound stays.
        """
        self.button.working = safe_name(str(path))  # out of sight goes the old result
        try:
            with warnings.catch_warnings(record=True) as notes:
                warnings.simplefilter("always")
                x, _ = audio.read(path, self._sample_rate, duration=self._seconds)
                sounds = self._render(x)
            self.player.replace(sounds, self._sample_rate, **self._player)
        except (Exception, KeyboardInterrupt) as error:  # a wrong file must not stop the class
            self._tell(error)
        else:
            told = [f"{Path(path).name}: {len(x) / self._sample_rate:.1f} s used."]
            told += [str(note.message) for note in notes if note.category is UserWarning]
            self._say(" ".join(told), "lp-note")
        finally:
            self.button.working = ""

    def _tell(self, error: BaseException) -> None:
        is_stop = isinstance(error, KeyboardInterrupt)
        text = "Stopped." if is_stop else str(error).strip() or f"{type(error).__name__}."
        self._say(f"{text.splitlines()[0]} The last good sound stays.", "lp-error")

    def _say(self, text: str, kind: str) -> None:
        self.message.value = f'<p role="status" class="{kind}">{html.escape(text)}</p>'

    def page(self) -> str:
        """Return what a page without a kernel shows: the example."""
        note = "Run the cell to choose a file of your own; this is the example."
        return f"<p>{note}</p>{self.player.static()._repr_html_()}"

    def _ipython_display_(self) -> None:
        self.box.show(self.page(), repr(self.player))


def upload(
    render: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    sample_rate: int,
    example: Mapping[str, np.ndarray],
    caption: str,
    seconds: float = 10.0,
    match_levels: bool = False,
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
    match_levels : bool
        Bring every version to the loudness of the first, as in
        :func:`lecture_utils.notebook.listen.compare`.

    Returns
    -------
    Upload
        Shown by the notebook as the last line of a cell; ``.open(path)`` does without the button.
    """
    if not callable(render):
        raise TypeError("render: give a function of a sound that returns label: sound.")
    seconds = arguments.number(seconds, "seconds", 0.1, 600)
    return Upload(render, sample_rate, example, caption, seconds, match_levels)
