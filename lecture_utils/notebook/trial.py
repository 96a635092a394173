"""Call a student's function so that nothing that it does can stop the notebook.

The function runs in a thread that the caller can leave behind. When its time is over, a trace
function ends it at its next line. That needs no signal and no second process, so it works in a
kernel on every system. Used by :mod:`lecture_utils.notebook.check`.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import functools
import inspect
import io
import sys
import threading
import time
import traceback
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import psutil

from lecture_utils.notebook.answers import plain, rounding

#: Characters of output: shown, and the most before a loop is called endless.
SHOWN, MAX_WRITTEN = 2_000, 100_000
#: Calls within calls, below Python's own limit of 1000.
MAX_DEPTH = 700
#: Bytes by which the process may grow meanwhile.
MAX_GROWTH = 1_000_000_000


@dataclass
class Outcome:
    """What one call gave: a value, or the sentence that says how it failed.

    `blank` if it ran into dots or a NotImplementedError that the student left in the stub.
    """

    value: object = None
    error: BaseException | None = None
    problem: str = ""
    blank: bool = False
    rounding: float = 0.0


@dataclass
class Trial:
    """What all calls gave. `again` repeats the first call, `ended` tells what cut them short."""

    outcomes: list[Outcome] = field(default_factory=list)
    again: Outcome | None = None
    printed: str = ""
    ended: str = ""


class _Ended(BaseException):
    """Ends a student's function from outside; no `except Exception` holds it."""


def run(
    answer: Callable, cases: list[tuple], read: Callable | None = None, seconds: float = 10.0
) -> Trial:
    """Call `answer` with copies of the `cases`, and with the first one again.

    Parameters
    ----------
    answer : callable
        Any function; it may raise, print or run without end.
    cases : list of tuple
        Its arguments, call by call.
    read : callable, optional
        ``read(value, *case)`` is what is judged instead of the value itself.
    seconds : float
        Of the processor's time, for all calls together; asleep, three times as long.

    Returns
    -------
    Trial
        With fewer outcomes than cases if the calls were ended.
    """
    watch, trial = _Watch(answer), Trial()
    paper = _Paper(watch)

    def work() -> None:
        sys.settrace(watch.trace)
        try:
            with np.errstate(all="ignore"):
                for case in cases:
                    trial.outcomes.append(_call(answer, case, read))
                paper.muted = True
                trial.again = _call(answer, cases[0], read)
        except _Ended:
            pass
        finally:
            watch.done.set()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
    paper.thread = thread
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.redirect_stdout(paper))
        stack.enter_context(contextlib.redirect_stderr(paper))
        try:
            thread.start()
            trial.ended = _wait(watch, paper, seconds)
        finally:  # also when the student interrupts the kernel
            watch.over = True
            watch.done.wait(1.0)
    if not watch.done.is_set():
        trial.ended += ", and it can't be stopped from here: restart the kernel"
    trial.printed = paper.text()
    return trial


def _wait(watch: _Watch, paper: _Paper, seconds: float) -> str:
    """Wait for the end, and return why there was none."""
    began, worked, before = time.monotonic(), time.process_time(), None
    while not watch.done.wait(0.05):
        if watch.too_deep:
            return "it calls itself without end"
        if paper.written > MAX_WRITTEN:
            return "it prints without end; is there a loop that never ends?"
        waited = time.monotonic() - began
        # the processor's time, so that a busy machine fails no answer; or else it only sleeps
        if time.process_time() - worked > seconds or waited > 3 * seconds:
            return f"it still runs after {waited:.0f} s; is there a loop that never ends?"
        memory = psutil.Process().memory_info().rss
        before = before or memory
        if memory - before > MAX_GROWTH:
            return "it takes more and more memory; does a list grow without end?"
    return "it calls itself without end" if watch.too_deep else ""


def _call(answer: Callable, case: tuple, read: Callable | None) -> Outcome:
    case = copy.deepcopy(case)  # the function may change its input
    try:
        value = answer(*case)
        coarse = rounding(value)
        if read is not None and value is not None and value is not ...:
            with contextlib.suppress(Exception):  # what can't be read is judged as it is
                value = read(value, *case)
        return Outcome(plain(value), blank=value is ..., rounding=coarse)
    except _Ended:
        raise
    except BaseException as error:  # whatever it raises must not stop Run All
        return Outcome(error=error, problem=_tell(error, answer), blank=_is_blank(error))


class _Watch:
    """Follows the lines of the student's own code, and ends it when the time is over."""

    def __init__(self, answer: Callable) -> None:
        self.own, self.depth = _globals(answer), 0
        self.over = self.too_deep = False
        self.done = threading.Event()  # it has returned, or it sleeps

    def trace(self, frame: types.FrameType, event: str, _arg: object) -> Callable | None:
        if frame.f_globals is not self.own:
            return None  # a library's code; to stop in it might leave a lock behind
        self.depth += (event == "call") - (event == "return")
        self.too_deep |= self.depth > MAX_DEPTH
        if self.over or self.too_deep:
            self.end(frame)
        return self.trace

    def end(self, frame: types.FrameType) -> None:
        """Raise, or sleep for ever where a try or with of the student's might hold that up."""
        while frame is not None:
            if frame.f_globals is self.own and frame.f_code.co_exceptiontable:
                self.done.set()
                threading.Event().wait()
            frame = frame.f_back
        raise _Ended


class _Paper(io.TextIOBase):
    """Keeps the beginning of what the watched function prints; others print as always."""

    def __init__(self, watch: _Watch) -> None:
        self.watch, self.screen, self.muted = watch, sys.stdout, False
        self.written, self.kept, self.thread = 0, [], None

    def write(self, text: str) -> int:
        """Keep `text` while there is room."""
        if threading.current_thread() is not self.thread:
            return self.screen.write(text)
        if not self.muted:
            self.kept.append(text[: max(0, SHOWN - self.written)])
            self.written += len(text)
        return len(text)

    def text(self) -> str:
        """Return what is shown."""
        cut = "\n... (the rest is left out)\n" if self.written > SHOWN else ""
        return "".join(self.kept) + cut


def _globals(answer: Callable) -> dict | None:
    """Return the names of the notebook in which `answer` was written."""
    while isinstance(answer, functools.partial):
        answer = answer.func
    answer = inspect.unwrap(answer)
    return getattr(answer, "__globals__", getattr(type(answer).__call__, "__globals__", None))


def _is_blank(error: BaseException) -> bool:
    """Tell whether the stub itself raised: its own NotImplementedError, or a use of its dots."""
    if isinstance(error, NotImplementedError):  # torch has some of its own
        code = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
        return "NotImplementedError" in code.co_names
    return isinstance(error, (TypeError, AttributeError)) and "ellipsis" in str(error).lower()


def _tell(error: BaseException, answer: Callable) -> str:
    """Say in one line what was raised, and where."""
    try:
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    except Exception:  # an error that can't say what it is
        text = ""
    if isinstance(error, RecursionError):
        return "it calls itself without end"
    if isinstance(error, KeyError):
        text = f"the dictionary has no entry {text}"
    own_file = getattr(getattr(inspect.unwrap(answer), "__code__", None), "co_filename", None)
    steps = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in steps if frame.f_code.co_filename == own_file]
    where = f" in line {lines[-1]} of the cell" if lines else ""
    return f"it raises {type(error).__name__}{where}" + (f": {text[:200]}" if text else "")
