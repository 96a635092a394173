"""A student's own sound: recorded in the notebook, or a file, through any function.

Used as ``explore.record`` by notebooks 03 to 08 and 10.
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

from lecture_utils import arguments, audio, sound_file
from lecture_utils.notebook import listen, live
from lecture_utils.notebook.explorer import Explorer, check_controls
from lecture_utils.notebook.figure import check_alt

#: Largest file that is taken, in bytes: twenty minutes of a CD.
LIMIT = 200_000_000

#: Longest recording, in seconds.
LONGEST = 30.0

#: A sound softer than the first is raised to the second (LUFS): microphones without automatic gain
#: are soft, and the networks have learned from sounds of usual loudness.
SOFT_LUFS, USUAL_LUFS = -30.0, -23.0


class Recorder(anywidget.AnyWidget):
    """Buttons for microphone and file (``record.js``), which hand on 16-bit mono sound.

    What the browser can't decode comes as a file, is decoded here, and goes back to the page: there
    the student chooses the part that is used.

    Parameters
    ----------
    rate : int
        Of the sound that is wanted, in Hz.
    seconds : float
        How much of it is used.
    use : callable
        ``use(x, name, notes, start)`` gets the sound ``(n,)``, what it is called, what is to be
        said about it, and where it began in the whole, in seconds.
    fail : callable
        Gets the error if a file can't be kept or decoded.
    """

    _esm = (
        "".join(map(live.file, [*listen.SCRIPTS[None], "take.js", "record.js"]))
        + "\nexport default { render: renderRecorder };\n"
    )
    rate = traitlets.Int().tag(sync=True)
    seconds = traitlets.Float().tag(sync=True)
    most = traitlets.Float(LONGEST).tag(sync=True)
    limit = traitlets.Int(LIMIT).tag(sync=True)
    accept = traitlets.Unicode("audio/*,video/mp4,video/webm,.flac,.aif,.aiff").tag(sync=True)
    #: Name of the sound that is worked on; empty when the work is done.
    working = traitlets.Unicode().tag(sync=True)

    def __init__(self, rate: int, seconds: float, use: Callable, fail: Callable) -> None:
        super().__init__(rate=rate, seconds=seconds)
        self._use, self._fail, self._about = use, fail, None
        self.on_msg(self._heard)

    def _heard(self, _widget: widgets.Widget, message: dict, pieces: list[memoryview]) -> None:
        try:
            if message["kind"] == "begin":
                self._about, self._got = message, 0
                self._folder = tempfile.TemporaryDirectory()  # the one before goes away
                self._path = Path(self._folder.name) / safe_name(message["name"])
                self._path.touch()
            elif self._about and (message["turn"], message["from"]) == (
                self._about["turn"],
                self._got,
            ):
                with self._path.open("ab") as file:
                    self._got += file.write(pieces[0])
            else:  # a piece of a sound that was given up for another one
                return
        except OSError as error:
            self._about = None
            self._fail(error)
            return
        about = self._about
        if self._got < about["size"]:
            self.send({"turn": about["turn"], "from": self._got})
            return
        self._about = None
        with self._folder:
            if about["what"] == "file":
                self._decode(about["turn"], about["seconds"])
            else:
                x = np.fromfile(self._path, "<i2").astype(np.float32) / 32768
                self._use(x, self._path.name, about["notes"], about["start"])

    def _decode(self, turn: int, seconds: float) -> None:
        """Send a file's sound to the page, which thinks that it lasts so long."""
        self.working = name = self._path.name
        minutes = f"{name} lasts {seconds / 60:.0f} minutes"
        is_long = seconds > sound_file.MAX_SECONDS
        try:
            x, notes = read(self._path, self.rate)
        except (Exception, KeyboardInterrupt) as error:  # a wrong file must not stop the class
            if "not a readable sound file" in str(error):
                known = f"{name}: neither the browser nor Python can read it, or it is damaged"
                error = ValueError(
                    f"{minutes}; cut it to 20."
                    if is_long
                    else f"{known}; save it as WAV, FLAC, MP3 or M4A."
                )
            self._fail(error)
        else:
            notes += [f"{minutes}; choose among the first 20."] if is_long else []
            samples = np.clip(np.round(32768 * x), -32768, 32767).astype("<i2").tobytes()
            self.send({"turn": turn, "name": name, "notes": notes}, [samples])
        finally:
            self.working = ""


def read(
    path: Path, rate: int, start: float = 0.0, seconds: float = sound_file.MAX_SECONDS
) -> tuple[np.ndarray, list[str]]:
    """Return a file's sound ``(n,)``, and what is to be said about it."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        x, _ = audio.read(path, rate, start, seconds)
    said = [str(note.message) for note in notes if note.category is UserWarning]
    return x, [note.removeprefix(f"{path.name}: ") for note in said]


def safe_name(name: str) -> str:
    """Return a file's name as it can be shown and written to any disk, whatever it was."""
    name = re.split(r"[/\\]", name.encode("utf-8", "replace").decode())[-1]
    name = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", name).strip()
    if len(name) > 60:
        name = f"{name[:40]}...{name[-17:]}"
    return name if name.strip(".") else "file without a name"


class Recording:
    """Recorder, controls, message, picture and player, made by :func:`record`.

    Attributes
    ----------
    sound : np.ndarray
        What is used, ``(n,)``: the example, until there is a recording or a file.
    """

    def __init__(
        self,
        render: Callable[..., np.ndarray | Mapping[str, np.ndarray]],
        sample_rate: int,
        example: np.typing.ArrayLike,
        seconds: float,
        **explorer: object,
    ) -> None:
        self.sound = audio.as_audio(example, "example")
        self._sample_rate, self._seconds = sample_rate, seconds
        self.recorder = Recorder(sample_rate, seconds, self._use, self._tell)
        self.explorer = Explorer(
            lambda **values: render(self.sound, **values), sample_rate, above=[self.recorder],
            **explorer,
        )  # fmt: skip
        self.player, self.message = self.explorer.player, self.explorer.message

    def open(self, path: str | Path, start: float = 0.0) -> None:
        """Play what `render` makes of a file, from `start` (seconds) on.

        What can't be read or rendered is told in one line; the last good sound stays.
        """
        path = arguments.path(path)
        try:
            x, notes = read(path, self._sample_rate, start, self._seconds)
        except Exception as error:
            self._tell(error)
        else:
            self._use(x, safe_name(path.name), notes, start)

    def _use(self, x: np.ndarray, name: str, notes: list[str], start: float) -> None:
        self.recorder.working = name  # out of sight goes the old result
        before = self.sound
        try:
            if np.abs(x).max(initial=0) < 1e-4:
                raise ValueError(f"{name}: these seconds are silent; choose others.")
            self.sound, raised = _raise(x, self._sample_rate)
            self.explorer.renew()
        except (Exception, KeyboardInterrupt) as error:  # a wrong sound must not stop the class
            self.sound = before
            self._tell(error)
        else:
            told = f"{name}: {len(x) / self._sample_rate:.1f} s used"
            told += f", from {start:.1f} s on." if start else "."
            told = _paragraph(" ".join([told, *raised, *notes]), "lp-note") + self.explorer.note
            self.message.value = told
            self.explorer.box.store(told + self.player.static()._repr_html_())
        finally:
            self.recorder.working = ""

    def _tell(self, error: BaseException) -> None:
        is_stop = isinstance(error, KeyboardInterrupt)
        text = "Stopped." if is_stop else str(error).strip() or f"{type(error).__name__}."
        text = f"{text.splitlines()[0]} The last good sound stays."
        self.message.value = _paragraph(text, "lp-error")

    def page(self) -> str:
        """Return what a page without a kernel shows: the example."""
        told = "Run the cell to record yourself, or to choose a file; this is the example."
        alone = f"{self.explorer.note}{self.player.static()._repr_html_()}"
        return f"<p>{told}</p>{self.explorer.page() if self.explorer.controls else alone}"

    def _ipython_display_(self) -> None:
        self.explorer.box.show(self.page(), repr(self.player))


def _paragraph(text: str, kind: str) -> str:
    return f'<p role="status" class="{kind}">{html.escape(text)}</p>'


def _raise(x: np.ndarray, sample_rate: int) -> tuple[np.ndarray, list[str]]:
    """Bring a soft sound to a usual loudness, without clipping, and say so."""
    level = audio.loudness_lufs(x, sample_rate)
    gain_db = min(USUAL_LUFS - level, -1 - 20 * float(np.log10(np.abs(x).max())))
    if level > SOFT_LUFS or gain_db < 1:
        return x, []
    return x * np.float32(10 ** (gain_db / 20)), [f"It was soft: made {gain_db:.0f} dB louder."]


def record(
    render: Callable[..., np.ndarray | Mapping[str, np.ndarray]],
    sample_rate: int,
    example: np.typing.ArrayLike,
    caption: str,
    seconds: float = 10.0,
    match_levels: bool = False,
    figure: Callable | None = None,
    alt: str = "",
    height: float = 3.0,
    **controls: widgets.ValueWidget,
) -> Recording:
    """Let a function be heard on what a student records, or on a file.

    A recording lasts up to 30 s and is heard before it is used. A file may have any format that the
    browser or Python decodes (M4A, WebM, MP3, WAV, FLAC, OGG, AIFF), and 200 MB. Of both, a part of
    `seconds` is chosen. What is soft is made louder, and that is said.

    Parameters
    ----------
    render : callable
        ``render(x, **values)`` returns a sound, or label -> sound, for the sound ``(n,)``, mono.
    sample_rate : int
        To which the sound is brought, Hz.
    example : array_like
        The sound until there is one of one's own.
    caption : str
        What to listen for.
    seconds : float
        How much of the sound is used.
    match_levels : bool
        Bring every version to the loudness of the first, as in
        :func:`lecture_utils.notebook.listen.compare`.
    figure, alt, height, **controls
        As for :func:`lecture_utils.notebook.explore.sound`, but there may be no control.

    Returns
    -------
    Recording
        Shown by the notebook as the last line of a cell; ``.open(path)`` does without the button,
        and ``.sound`` is what is used.

    Raises
    ------
    TypeError
        If `render` is no function, or a control no widget.
    ValueError
        If `seconds` is out of range, or a figure has no `alt`. What `render` raises for the example
        comes through.
    """
    if not callable(render):
        raise TypeError("render: give a function of a sound that returns sound.")
    if controls:
        check_controls(controls, "record")
    check_alt(figure, alt)
    seconds = arguments.number(seconds, "seconds", 0.1, 600)
    height = arguments.number(height, "height", 1, 12)
    return Recording(
        render, sample_rate, example, seconds, figure=figure, alt=alt, caption=caption,
        controls=controls, height=height, match_levels=match_levels,
    )  # fmt: skip
