"""Pages of a listening test: ratings of hidden versions (MUSHRA), and pairs by people or machine.

The same player as :mod:`lecture_utils.notebook.listen`, as a widget that hands the answers to
Python, and as plain HTML. Answers stay in the browser until they are exported as CSV, in the
columns of webMUSHRA. Used by notebook 09.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Mapping

import anywidget
import numpy as np
import traitlets

from lecture_utils import arguments
from lecture_utils.notebook import listen, live

#: The original among the versions, heard openly and hidden.
REFERENCE = "reference"
#: Most versions of a page (ITU-R BS.1534 asks for no more than 12), and most sounds of pairs.
MOST, MOST_PAIRED = 12, 40


class TestPage(anywidget.AnyWidget):
    """A page of a test, made by :func:`rate` and :func:`pairs`.

    Attributes
    ----------
    rows : list of list
        What was finished on this page, by all listeners at this browser: the lines of its CSV.
    """

    __test__ = False  # no test of the package, whatever its name says

    _esm = (
        "".join(map(live.file, listen.SCRIPTS["mushra"]))
        + "\nexport default { render: renderTest };\n"
    )
    _css = live.file("player.css")
    spec = traitlets.Dict().tag(sync=True)
    clips = traitlets.List(traitlets.Bytes()).tag(sync=True)
    rows = traitlets.List().tag(sync=True)

    def static(self) -> listen.Player:
        """Return the page as plain HTML, which needs no kernel."""
        return listen.Player(dict(self.spec), list(self.clips))

    def close(self) -> None:
        """Close the widget; its sounds leave the page's memory, too."""
        self.clips, self.spec = [], {}
        super().close()

    def _ipython_display_(self) -> None:
        live.Box([self]).show(self.static()._repr_html_(), repr(self))

    def __repr__(self) -> str:
        return repr(self.static()).replace("Player", "TestPage", 1)


def rate(
    sounds: Mapping[str, np.typing.ArrayLike],
    sample_rate: int,
    test: str,
    trial: str,
    caption: str,
    training: bool = False,
    seed: int | None = None,
) -> TestPage:
    """Rate hidden versions of a sound from 0 to 100, beside the open reference (ITU-R BS.1534).

    Levels are matched to the reference, names hidden and the order drawn anew for each listener.
    Any seconds can be looped; keys do everything.

    Parameters
    ----------
    sounds : mapping of str to array_like
        Version -> sound ``(n,)``; "reference" is the original. Three to twelve; anchors among them
        are called "anchor35" and "anchor70".
    sample_rate : int
        Of all versions, in Hz.
    test, trial : str
        Names of the test and of this page, as they stand in the CSV.
    caption : str
        What to judge.
    training : bool
        Show the names and keep nothing: to learn the page and how the versions differ.
    seed : int, optional
        Makes the order repeatable.

    Returns
    -------
    TestPage
        Shown by the notebook as the last line of a cell.

    Raises
    ------
    ValueError
        If there is no "reference", fewer than three versions or more than twelve, or a sound that
        can't be played.
    """
    if not isinstance(sounds, Mapping):
        raise TypeError("sounds: give a dict of version: sound.")
    if REFERENCE not in sounds:
        raise ValueError(f"sounds: no {REFERENCE!r} among them; call the original so.")
    if not 3 <= len(sounds) <= MOST:
        raise ValueError(f"sounds: {len(sounds)} versions given; a page takes 3 to {MOST}.")
    sounds = {REFERENCE: sounds[REFERENCE], **sounds}  # the first one gives the level
    spec, wavs = listen.prepare(
        sounds, sample_rate, arguments.text(caption, "caption"), match_levels=True, most=MOST
    )
    options = {"blind": "mushra", "reference": 0, "training": arguments.flag(training, "training")}
    if training:
        options["names"] = list(spec["labels"])  # open, also where the page does not run
    return _page(spec, wavs, test, trial, seed, options)


def pairs(
    people: Mapping[str, np.typing.ArrayLike],
    machines: Mapping[str, np.typing.ArrayLike],
    sample_rate: int,
    test: str,
    trial: str,
    caption: str,
    seed: int | None = None,
) -> TestPage:
    """Hear pairs, one sound by people and one by a machine, and say which is which.

    Every sound of `machines` is one pair; its partner from `people` and the order are drawn.

    Parameters
    ----------
    people, machines : mapping of str to array_like
        Name -> sound ``(n,)``; one or more of each, forty in all. No name stands in both.
    sample_rate : int
        Of all sounds, in Hz.
    test, trial : str
        Names of the test and of this page, as they stand in the CSV.
    caption : str
        What to judge.
    seed : int, optional
        Makes partners and order repeatable.

    Returns
    -------
    TestPage
        Shown by the notebook as the last line of a cell.

    Raises
    ------
    ValueError
        If one side is empty, a name stands twice, or a sound can't be played.
    """
    for name, sounds in (("people", people), ("machines", machines)):
        if not isinstance(sounds, Mapping) or not sounds:
            raise ValueError(f"{name}: give a dict of name: sound, one or more.")
    if both := sorted(set(people) & set(machines)):
        raise ValueError(f"pairs: {both} stand on both sides; give every sound a name of its own.")
    sounds, caption = {**people, **machines}, arguments.text(caption, "caption")
    spec, wavs = listen.prepare(sounds, sample_rate, caption, match_levels=True, most=MOST_PAIRED)
    return _page(spec, wavs, test, trial, seed, {"blind": "pairs", "people": len(people)})


def _page(
    spec: dict, wavs: list[bytes], test: str, trial: str, seed: int | None, options: dict
) -> TestPage:
    for name, value in (("test", test), ("trial", trial)):
        if not arguments.text(value, name).strip() or set(value) - _ALLOWED:
            raise ValueError(f"{name}={value!r}: give a name of letters, digits, spaces, - and _.")
    spec.pop("credits", None)
    encoded = base64.b64encode(json.dumps(spec.pop("labels")).encode()).decode()
    spec |= {"hidden": encoded[::-1], "test": test, "trial": trial, "seed": arguments.seed(seed)}
    return TestPage(spec=spec | options, clips=wavs)


_ALLOWED = set(string.ascii_letters + string.digits + " -_")
