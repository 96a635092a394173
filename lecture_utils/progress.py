"""A progress bar for live cells whose interrupt ends the loop cleanly, and what it is made of.

Training in the notebooks runs for a fixed number of steps: a slow machine takes longer, it does not
learn less. Used by the live cells of notebooks 01 to 08 and by every training run.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lecture_utils import arguments

if TYPE_CHECKING:
    from tqdm import tqdm


def bar(items: Iterable | int, label: str = "") -> Bar:
    """Go through `items` with a progress bar; an interrupt lets the present round end, then stops.

    Nothing that the loop has made is lost: there is no traceback, the rest of the cell runs. A
    second interrupt breaks off at once, as usual.

    Parameters
    ----------
    items : iterable or int
        What to go through; a number stands for ``range(number)``.
    label : str
        Shown before the bar.

    Returns
    -------
    Bar
        To loop over. Its ``stopped`` is True after an interrupt: what is asserted of the whole loop
        then need not hold.

    Raises
    ------
    TypeError, ValueError
        If `items` is no number of 0 or more and nothing to go through.

    Examples
    --------
    >>> learning = progress.bar(300, "learning")
    >>> for step in learning:
    ...     history.append(one_step())
    >>> assert learning.stopped or history[-1] < history[0]
    """
    return Bar(_checked(items), label)


def _checked(items: Iterable | int) -> Iterable:
    if isinstance(items, int):
        items = range(arguments.number(items, "items", 0, whole=True))
    if not isinstance(items, Iterable):
        raise TypeError(f"items={arguments.shown(items)}: give a number of steps, or a list.")
    return items


def line(items: Iterable | int | None = None, label: str = "", **options: object) -> tqdm:
    """Go through `items` with the same bar, but let an interrupt break off at once.

    For what is of use as a whole only. A notebook shows one line then, and no traceback; the cells
    after it do not run. The bar is plain text, so that a saved notebook and a page still show how
    it ended. `options` are those of ``tqdm``.
    """
    from tqdm import tqdm

    file = InPlace() if _in_notebook() else sys.stdout
    if items is not None:
        items = _checked(items)
        options.setdefault("total", len(items) if hasattr(items, "__len__") else None)
        items = _until_stopped(items)
    return tqdm(items, desc=label or None, file=file, mininterval=0.3, **options)


class Stopped(KeyboardInterrupt):
    """An interrupt by the student's own wish: a notebook shows its words only."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [str(self)]


def _until_stopped(items: Iterable) -> Iterator:
    before = signal.getsignal(signal.SIGINT)
    is_free = before is signal.default_int_handler
    if not is_free or threading.current_thread() is not threading.main_thread():
        yield from items
        return

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, before)
        raise Stopped("Stopped. Nothing of it is kept; run the cell again if you want it.")

    signal.signal(signal.SIGINT, stop)
    try:
        yield from items
    finally:
        signal.signal(signal.SIGINT, before)


def _in_notebook() -> bool:
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


class InPlace:
    """A stream that shows the latest line that was written to it, as one output of the cell."""

    encoding = "utf-8"  # else tqdm draws its bar with number signs

    def __init__(self) -> None:
        from IPython.display import display

        self._shown = display({"text/plain": ""}, raw=True, display_id=True)

    def write(self, text: str) -> None:
        """Show `text` instead of the line before; spaces, with which tqdm wipes out, clear it."""
        if line := text.strip("\r\n"):
            self._shown.update({"text/plain": line.rstrip()}, raw=True)

    def flush(self) -> None:
        """Do nothing: what is written is shown."""


class Bar:
    """A loop with a progress bar, made by :func:`bar`."""

    def __init__(self, items: Iterable, label: str) -> None:
        self.items, self.label, self.stopped = items, label, False

    def __iter__(self) -> Iterator:
        self.stopped, done = False, 0
        shown = line(self.items, self.label)
        with noted_interrupts(signal.SIGINT) as interrupts:
            for item in shown:
                yield item
                done += 1
                if interrupts and done != shown.total:
                    self.stopped = True
                    break
        if self.stopped:
            shown.close()
            total = "" if shown.total is None else f" of {shown.total}"
            print(f"Stopped after {done}{total}; what was made is kept.")


@contextlib.contextmanager
def noted_interrupts(*signals: signal.Signals) -> Iterator[list[int]]:
    """Note signals in a list instead of breaking off; a second one raises KeyboardInterrupt.

    Signals arrive in the main thread only; in any other, nothing is noted.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return

    def note(number: int, _frame: object) -> None:
        if noted:
            raise KeyboardInterrupt
        noted.append(number)

    before = {s: signal.signal(s, note) for s in signals}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
