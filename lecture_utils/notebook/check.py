"""Check a student's answer and say in one line what is wrong with it.

In a notebook, below the stub that the student fills in::

    def keep_phase(spectrum, magnitude):
        ...  # one line: the given magnitude with the phase of spectrum

    check.exercise("griffin_lim.keep_phase", keep_phase)

prints "griffin_lim.keep_phase: not tried yet ..." until something is returned, then "correct" or a
diagnosis. It never raises, so Run All goes on. A stub may return None or ``...``, compute with
``...``, or raise NotImplementedError.

The exercise itself is one object in ``lecture_utils/exercises/griffin_lim.py``, looked up when it
is checked::

    keep_phase = Exercise(
        reference=lambda spectrum, magnitude: magnitude * np.exp(1j * np.angle(spectrum)),
        cases=lambda: [(noise_spectrum(seed=1), 2.0)],  # argument tuples, made when needed
        mistakes=[  # the first that fits is told
            ("your phase is conjugated; the sign in the exponent is +",
             lambda got, want, spectrum, magnitude: close(got, want.conj())),
        ],
        hint="np.angle gives the phase of a complex number.",
    )

For an answer that is a value and no function, leave `cases` out: ``check.exercise("x.y", 4096)``.
Used by every notebook.
"""

from __future__ import annotations

import contextvars
import copy
import ctypes
import difflib
import importlib
import pkgutil
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

NOT_TRIED, CORRECT, WRONG = "not tried yet", "correct", "not yet right"


@dataclass(frozen=True)
class Exercise:
    """What an exercise asks, and the mistakes that it knows.

    Parameters
    ----------
    reference : callable
        ``reference(*case)`` is the right answer: an array, number, text, or a tuple of them.
    cases : callable
        Returns a list of argument tuples; the default suits an answer that is a value.
    mistakes : sequence of (str, callable)
        Diagnosis, and ``fits(got, want, *case)``; exceptions in it count as False.
    hint : str
        Added when no diagnosis fits.
    accepts : callable, optional
        ``accepts(got, want, *case)`` instead of equality, where several answers are right.
    tolerance : float
        Largest error of an array or number, relative to the largest value of the right answer.
    seconds : float
        Longer than this in all, and the answer is called endless.
    """

    reference: Callable
    cases: Callable[[], list[tuple]] = lambda: [()]
    mistakes: Sequence[tuple[str, Callable]] = ()
    hint: str = ""
    accepts: Callable | None = None
    tolerance: float = 1e-4
    seconds: float = 10.0


@dataclass(frozen=True)
class Result:
    """What a check found: `status` is one of NOT_TRIED, CORRECT and WRONG."""

    name: str
    status: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [f"{self.name}: {self.status}.", self.message, self.hint]))

    def _ipython_display_(self) -> None:
        """Show nothing: :func:`exercise` has printed it."""


def exercise(name: str, answer: object) -> Result:
    """Check `answer`, print one line about it, and return the same as an object.

    Parameters
    ----------
    name : str
        ``"room.exercise"``, for example ``"griffin_lim.keep_phase"``.
    answer : callable or value
        The student's function, or the value asked for.

    Returns
    -------
    Result
        Nothing that `answer` does raises here, except the student's own interrupt.

    Raises
    ------
    ValueError
        If there is no exercise of that name.
    """
    result = judge(name, find(name), answer)
    print(result)
    return result


def find(name: str) -> Exercise:
    """Return the exercise ``"room.exercise"``; the nearest names are given if there is none."""
    room, _, which = str(name).partition(".")
    if room not in rooms():
        raise ValueError(f"No exercises called {name!r}; there are some for {', '.join(rooms())}.")
    known = in_room(room)
    if which not in known:
        near = difflib.get_close_matches(which, known, n=1, cutoff=0.3) or list(known)
        raise ValueError(f"No exercise {name!r}; did you mean {room}.{near[0]}?")
    return known[which]


def rooms() -> list[str]:
    """List the section rooms that have exercises."""
    from lecture_utils import exercises

    return sorted(module.name for module in pkgutil.iter_modules(exercises.__path__))


def in_room(room: str) -> dict[str, Exercise]:
    """Return the exercises of one room by name."""
    module = importlib.import_module(f"lecture_utils.exercises.{room}")
    return {key: value for key, value in vars(module).items() if isinstance(value, Exercise)}


def judge(name: str, task: Exercise, answer: object) -> Result:
    """Judge `answer` without printing."""
    cases = task.cases()
    if not callable(answer) and cases != [()]:
        if answer is None or answer is ...:
            return Result(name, NOT_TRIED, "Fill in the function above.")
        return Result(
            name,
            WRONG,
            f"A function is wanted, this is {_article(answer)}; pass the function's name without "
            "parentheses.",
        )
    answers, problem = _answers(task, answer, cases)
    for case, got in zip(cases, answers, strict=False):
        if _is_blank(got):
            return Result(
                name, NOT_TRIED, "Nothing comes back; when your code is there, end with return."
            )
        want = _plain(task.reference(*case))
        got = _plain(got, lists=not isinstance(want, tuple))
        if task.accepts is None:
            right = close(got, want, task.tolerance)
        else:
            right = _fits(task.accepts, got, want, case)
        if right:
            continue
        for diagnosis, fits in task.mistakes:
            if _fits(fits, got, want, case):
                return Result(name, WRONG, _sentence(diagnosis))
        return Result(name, WRONG, _sentence(_difference(got, want)), task.hint)
    if problem is None:
        return Result(name, CORRECT, "")
    return Result(name, *problem)


def close(got: object, want: object, tolerance: float = 1e-4) -> bool:
    """Tell whether two answers agree in shape and, relative to the largest value, in value."""
    if isinstance(want, tuple):
        return (
            isinstance(got, (tuple, list))
            and len(got) == len(want)
            and all(close(g, w, tolerance) for g, w in zip(got, want, strict=True))
        )
    if isinstance(want, str):
        return isinstance(got, str) and got.strip().lower() == want.strip().lower()
    got, want = _array(_plain(got)), _array(_plain(want))
    if got is None or want is None or got.shape != want.shape or not np.isfinite(got).all():
        return False
    scale = np.abs(want).max(initial=0) or 1.0
    return bool(np.abs(got - want).max(initial=0) <= tolerance * scale)


def _answers(
    task: Exercise, answer: object, cases: list[tuple]
) -> tuple[list, tuple[str, str] | None]:
    """Return what `answer` gives for the cases, and (status, message) if it broke off."""
    if not callable(answer):
        return [answer], None
    found, failures = [], []

    def work() -> None:
        try:
            for case in cases:
                found.append(answer(*copy.deepcopy(case)))  # a copy: it may change its input
        except BaseException as error:  # whatever it raises must not stop Run All
            failures.append(error)

    # A thread, because a loop without end must be left behind on every system.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
    thread.start()
    try:
        thread.join(task.seconds)
    finally:
        if thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            )
    if failures:
        return list(found), _failure(failures[0], answer)
    if len(found) < len(cases):
        return list(found), (
            WRONG,
            f"It still runs after {task.seconds:g} s; is there a loop that never ends?",
        )
    return found, None


def _failure(error: BaseException, answer: Callable) -> tuple[str, str]:
    text = str(error).splitlines()[0] if str(error) else "no message"
    if isinstance(error, NotImplementedError) or (
        isinstance(error, TypeError) and "ellipsis" in text.lower()
    ):
        return NOT_TRIED, "Replace the dots by your own code."
    own_file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == own_file]
    where = f" in line {lines[-1]} of the cell" if lines else ""
    return WRONG, _sentence(f"it raises {type(error).__name__}{where}: {text}")


def _difference(got: object, want: object) -> str:
    """Say how an answer differs that no known mistake explains."""
    if isinstance(want, tuple):
        if not isinstance(got, (tuple, list)) or len(got) != len(want):
            return f"return {len(want)} things, separated by commas"
        index = next(i for i, (g, w) in enumerate(zip(got, want, strict=True)) if not close(g, w))
        return f"of the {len(want)} things, number {index + 1}: " + _difference(
            _plain(got[index]), _plain(want[index])
        )
    numbers, target = _array(got), _array(want)
    if isinstance(want, str) or target is None:
        return f"{got!r} is not the answer"
    if numbers is None:
        return f"numbers are wanted, this is {_article(got)}"
    if numbers.shape != target.shape:
        turned = " (transposed?)" if numbers.shape == target.shape[::-1] else ""
        return f"the shape is {numbers.shape}, {target.shape} is wanted{turned}"
    if not np.isfinite(numbers).all():
        return "there are NaN or infinite values; is something divided by zero?"
    if np.iscomplexobj(target) and not np.iscomplexobj(numbers):
        return "the values are real, complex ones are wanted"
    if np.iscomplexobj(numbers) and not np.iscomplexobj(target):
        return "the values are complex, real ones are wanted"
    power = np.vdot(target, target).real
    factor = np.vdot(target, numbers) / power if power else 0.0
    # of one number no other can be said to be "right but for a factor"
    if (
        numbers.size > 1
        and factor
        and close(numbers, factor * target)
        and abs(np.imag(factor)) < 1e-6
    ):
        return f"right but for a factor: everything is {np.real(factor):.4g} times as large"
    errors = np.abs(numbers - target)
    worst = np.unravel_index(int(errors.argmax()), errors.shape)
    place = f"at {', '.join(map(str, worst))} " if worst else ""
    return f"{place}it gives {numbers[worst]:.5g}, {target[worst]:.5g} is wanted"


def _is_blank(value: object) -> bool:
    return value is None or value is ...


def _plain(value: object, lists: bool = False) -> object:
    """Return tensors, and `lists` of numbers if asked, as arrays; all else unchanged."""
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if lists and isinstance(value, (list, tuple)) and _array(value) is not None:
        return np.asarray(value)
    return value


def _array(value: object) -> np.ndarray | None:
    try:
        array = np.asarray(value)
    except Exception:  # a ragged list, or an object that refuses
        return None
    if array.dtype.kind not in "biufc":
        return None
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _fits(test: Callable, got: object, want: object, case: tuple) -> bool:
    try:
        with np.errstate(all="ignore"):
            return bool(test(got, want, *case))
    except Exception:  # the shape or type is one that the mistake never has
        return False


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _article(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
