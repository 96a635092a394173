"""Live widgets in a cell's output, and beside them a copy for whoever opens the page without them.

A notebook that is opened the next day, or exported, has no running widgets; then the copy is shown,
sound and picture included. Used by :mod:`lecture_utils.explore` and :mod:`lecture_utils.listen`.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Iterable
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets

_HERE = Path(__file__).parent

#: Widgets by the cell that shows them: what a cell showed before it ran again is closed.
_shown: dict[str, tuple[str, list[widgets.Widget]]] = {}


@functools.cache
def file(name: str) -> str:
    """Return a script or style sheet of the package."""
    return (_HERE / name).read_text(encoding="utf-8")


class Companion(anywidget.AnyWidget):
    """Works in the page for the widgets beside it: names sliders, hides the copy (``live.js``)."""

    _esm = file("live.js")
    _css = file("player.css")
    key = traitlets.Unicode().tag(sync=True)
    sliders = traitlets.Int(0).tag(sync=True)


class Box(widgets.VBox):
    """Widgets below each other, with a copy of them as plain HTML.

    Parameters
    ----------
    parts : iterable of widgets
        From top to bottom.
    """

    def __init__(self, parts: Iterable[widgets.DOMWidget]) -> None:
        parts = list(parts)
        sliders = sum(hasattr(part, "readout") for part in parts)
        self.companion = Companion(sliders=sliders)
        self.companion.key = self.companion.model_id or ""
        super().__init__([*parts, self.companion])
        self._stored = None  # the copy that is displayed
        self.add_class("lp-explore")
        _close_earlier(self)

    def show(self, page: str, text: str) -> None:
        """Display the copy `page`, and the widgets, which hide it where they run."""
        from IPython.display import display

        copy = {"text/html": self._copy(page), "text/plain": text}
        self._stored = display(copy, raw=True, display_id=True)
        view = "application/vnd.jupyter.widget-view+json"
        bundle = {view: dict(self._repr_mimebundle_())[view], "text/html": ""}
        display(bundle, raw=True)

    def store(self, page: str) -> None:
        """Replace the copy, so that what was made by hand is there when the notebook is opened."""
        if self._stored is not None:
            self._stored.update({"text/html": self._copy(page)}, raw=True)

    def _copy(self, page: str) -> str:
        key = html.escape(self.companion.key)
        style = f"<style>{file('stored.css')}</style>"
        return f'{style}<div class="lp-stored" data-stored="{key}">{page}</div>'

    def close(self) -> None:
        """Close the box and all that is in it, in the kernel and in the page."""
        for part in self.children:
            for owned in (getattr(part, "style", None), part.layout, part):
                if isinstance(owned, widgets.Widget):
                    owned.close()
        self.layout.close()
        super().close()


def _close_earlier(box: Box) -> None:
    """Close what the running cell showed when it ran before, or memory grows with every run."""
    from IPython import get_ipython

    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")
    run = parent.get("header", {}).get("msg_id")
    if not cell or parent["header"].get("msg_type") != "execute_request":
        return
    last_run, boxes = _shown.get(cell, (run, []))
    if last_run != run:
        for earlier in boxes:
            earlier.close()
        boxes = []
    _shown[cell] = (run, [*boxes, box])
