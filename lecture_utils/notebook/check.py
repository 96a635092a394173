"""Check a student's answer and say in one line what is wrong with it.

In a notebook, below the stub that the student fills in::

    def keep_phase(spectrum, magnitude):
        ...  # one line: the given magnitude with the phase of spectrum

    check.exercise("griffin_lim.keep_phase", keep_phase)

prints "griffin_lim.keep_phase: not tried yet ..." until there is code, then "correct" or a
diagnosis. It never raises, so Run All goes on. A stub may return None or ``...``, compute with
``...``, or raise NotImplementedError.

The exercise itself is one object in ``lecture_utils/exercises/griffin_lim.py``, looked up when it
is checked::

    keep_phase = Exercise(
        reference=lambda spectrum, magnitude: magnitude * np.exp(1j * np.angle(spectrum)),
        cases=lambda: {"noise": (noise_spectrum(seed=1), 2.0), "silence": (np.zeros(5), 1.0)},
        mistakes=[  # what an answer with this mistake returns
            ("your phase is conjugated; the sign in the exponent is +",
             lambda spectrum, magnitude: magnitude * np.exp(-1j * np.angle(spectrum))),
        ],
        hint="`np.angle` gives the phase of a complex number.",
    )

An answer is called with NumPy arrays and, if it fails with them, with tensors: students may write
either. What it returns may be a list, an array or a tensor. A diagnosis is told only if it
explains what the answer gives in *every* case. The right values are told of the first case only,
so none can be copied for the others. Used by every notebook.
"""

from __future__ import annotations

import collections
import difflib
import dis
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lecture_utils.notebook.answers import article, close, difference, numbers, plain, relation
from lecture_utils.notebook.trial import Outcome, Trial, run

__all__ = ["CORRECT", "NOT_TRIED", "WRONG", "Exercise", "Result", "close", "exercise", "judge"]

NOT_TRIED, CORRECT, WRONG = "not tried yet", "correct", "not yet right"

#: Wrong answers in a row, by exercise: the second brings the hint.
_misses: collections.Counter = collections.Counter()


#: What the bytecode of a function does that has no more than constants, dots or pass in it.
_STUB_STEPS = {
    "COPY_FREE_VARS", "LOAD_CONST", "NOP", "POP_TOP", "RESUME", "RETURN_CONST", "RETURN_VALUE",
    "STORE_FAST",
}  # fmt: skip


@dataclass(frozen=True)
class Exercise:
    """What an exercise asks, and the mistakes that it knows.

    Parameters
    ----------
    reference : callable
        ``reference(*case)`` is the right answer: an array, a number, a list of words, or a tuple.
    cases : callable
        Returns a dictionary of argument tuples, NumPy arrays in them. The key completes "for ...".
        At least two; zeros, edges and ties belong there.
    mistakes : sequence of (str, callable, ...)
        Diagnosis, and its models; ``model(*case)`` is what an answer with this mistake returns or
        raises.
    signs : sequence of (str, callable)
        Diagnosis, and ``fits(got, want, *case)``, for mistakes of many forms; asked after all
        models. It must hold in every case that failed.
    hint : str
        Told from the second wrong answer on, where no diagnosis fits.
    read : callable, optional
        ``read(value, *case)`` is judged instead of what the answer returns.
    tolerance : float
        Largest error of an array or number, relative to the largest value of the right answer.
    tensors : bool
        Whether arrays are handed over as tensors first.
    seconds : float
        Of the processor's time, for all cases; an answer that takes longer is called endless.
    """

    reference: Callable
    cases: Callable[[], dict[str, tuple]]
    mistakes: Sequence[tuple] = ()
    signs: Sequence[tuple[str, Callable]] = ()
    hint: str = ""
    read: Callable | None = None
    tolerance: float = 1e-4
    tensors: bool = False
    seconds: float = 10.0


@dataclass(frozen=True)
class Result:
    """What a check found: `status` is one of NOT_TRIED, CORRECT and WRONG."""

    name: str
    status: str
    message: str = ""
    hint: str = ""
    printed: str = ""

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
    answer : callable
        The student's function.

    Returns
    -------
    Result
        Nothing that `answer` does raises here, except the student's own interrupt.

    Raises
    ------
    ValueError
        If there is no exercise of that name.
    """
    result = judge(name, find(name), answer, hint=_misses[name] > 0)
    _misses[name] = _misses[name] + 1 if result.status == WRONG else 0
    if result.printed:
        print("Your function prints:", result.printed.rstrip("\n"), sep="\n")
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


def judge(name: str, task: Exercise, answer: object, hint: bool = False) -> Result:
    """Judge `answer` without printing; `hint` says whether the exercise's hint may be told."""
    if answer is None or answer is ... or (callable(answer) and _is_stub(answer)):
        return Result(name, NOT_TRIED, "Fill in the function above.")
    if not callable(answer):
        return Result(
            name,
            WRONG,
            f"A function is wanted, this is {article(answer)}; pass the function's name without "
            "parentheses.",
        )
    cases = task.cases()
    wanted = [plain(task.reference(*case)) for case in cases.values()]
    trials = []
    for kind in ("tensors", "arrays") if task.tensors else ("arrays", "tensors", "float32"):
        if trials and "torch" not in sys.modules:
            break  # an answer that needs tensors has imported torch
        if trials and all(outcome.error is None for outcome in trials[0].outcomes):
            kind += ", exact"  # what arrays can be used for is not helped by coarser numbers
        handed = [_as(kind, case) for case in cases.values()]
        trial = run(answer, handed, task.read, task.seconds)
        if _all_right(task, trial, wanted):
            return Result(name, CORRECT, printed=trial.printed)
        trials.append(trial)
        if trial.ended:
            break
    trial = next((t for t in trials if not _wrong_kind(t)), trials[0])
    if any(outcome.blank for outcome in trial.outcomes):
        return Result(name, NOT_TRIED, "Replace the dots by your own code.")
    message, known = _explain(task, cases, wanted, trial)
    if _wrong_kind(trial):
        message += f" ({'Tensors' if task.tensors else 'NumPy arrays'} are handed over.)"
    return Result(
        name, WRONG, _sentence(message), task.hint if hint and not known else "", trial.printed
    )


def _is_stub(answer: Callable) -> bool:
    """Tell whether a function does nothing but return a constant or pass."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    if code is None:
        return False
    steps = {step.opname for step in dis.get_instructions(code)}
    return steps <= _STUB_STEPS and set(code.co_consts) <= {None, ..., answer.__doc__}


def _as(kind: str, value: object) -> object:
    """Return `value` with its arrays turned into `kind`, also those in lists and tuples.

    Tensors have single precision, as in the notebooks, unless they are to be exact.
    """
    if isinstance(value, (list, tuple)):
        return type(value)(_as(kind, item) for item in value)
    if not isinstance(value, np.ndarray):
        return value
    value = np.array(value, order="C")  # PyTorch takes no array that runs backwards
    if kind != "arrays" and "exact" not in kind:
        single = {"f": np.float32, "c": np.complex64}
        value = value.astype(single.get(value.dtype.kind, value.dtype))
    if "tensors" in kind:
        import torch

        return torch.from_numpy(value)
    return value


def _is_right(task: Exercise, outcome: Outcome, want: object) -> bool:
    return outcome.error is None and close(
        outcome.value, want, max(task.tolerance, outcome.rounding)
    )


def _all_right(task: Exercise, trial: Trial, wanted: list) -> bool:
    return (
        not trial.ended
        and all(_is_right(task, o, w) for o, w in zip(trial.outcomes, wanted, strict=True))
        and _is_right(task, trial.again, wanted[0])
    )


def _wrong_kind(trial: Trial) -> bool:
    """Tell whether a call failed because an array came for a tensor, or the other way round."""
    signs = {TypeError: "ndarray|Tensor", AttributeError: "ndarray|Tensor",
             RuntimeError: "dtype|scalar type"}  # fmt: skip
    return any(
        isinstance(outcome.error, kind) and re.search(sign, outcome.problem)
        for outcome in trial.outcomes
        for kind, sign in signs.items()
    )


def _explain(task: Exercise, cases: dict, wanted: list, trial: Trial) -> tuple[str, bool]:
    """Return what is wrong, and whether that is a mistake which the exercise knows."""
    labels, found = list(cases), trial.outcomes
    if trial.ended:
        return f"for {labels[min(len(found), len(labels) - 1)]} {trial.ended}", True
    if all(o.value is None and o.error is None for o in found):
        return "nothing comes back: end the function with return", True
    bad = [i for i, o in enumerate(found) if not _is_right(task, o, wanted[i])]
    if not bad or _differ(found[0], trial.again):
        return ("the same call gives something else the second time: does it keep a list from one "
                "call to the next, or use random numbers?"), True  # fmt: skip
    empty = [labels[i] for i in bad if found[i].value is None and found[i].error is None]
    if empty:
        return f"nothing comes back for {empty[0]}: does every branch end with return?", True
    for diagnosis, *models in task.mistakes:
        for model in models:
            if all(_alike(o, model, c) for o, c in zip(found, cases.values(), strict=True)):
                return diagnosis, True
    failed = [(found[i].value, wanted[i], *list(cases.values())[i]) for i in bad]
    if all(found[i].error is None for i in bad):
        for diagnosis, fits in task.signs:
            if all(_fits(fits, *case) for case in failed):
                return diagnosis, True
    first = bad[0]
    others = f" (right in {len(found) - len(bad)} of {len(found)} cases)" if len(bad) < len(
        found) else ""  # fmt: skip
    if found[first].error is not None:
        return f"for {labels[first]} {found[first].problem}{others}", False
    if all(o.error is None for o in found):
        common = relation([o.value for o in found], wanted)
        if common:
            return common, False
    what = difference(found[first].value, wanted[first], show=first == 0)
    return f"for {labels[first]}{others}: {what}", False


def _alike(outcome: Outcome, model: Callable, case: tuple) -> bool:
    """Tell whether an answer does in this case what a known mistake does."""
    try:
        with np.errstate(all="ignore"):
            expected = plain(model(*case))
    except Exception as error:
        return type(outcome.error) is type(error)
    if isinstance(outcome.error, ArithmeticError) or (
        isinstance(outcome.error, ValueError) and re.search("math domain|NaN", outcome.problem)
    ):  # plain Python raises where NumPy gives NaN or infinity
        parts = [
            numbers(part) for part in (expected if isinstance(expected, tuple) else [expected])
        ]
        return any(part is not None and not np.isfinite(part).all() for part in parts)
    return outcome.error is None and close(outcome.value, expected, max(1e-4, outcome.rounding))


def _fits(test: Callable, *case: object) -> bool:
    try:
        with np.errstate(all="ignore"):
            return bool(test(*case))
    except Exception:  # the shape or type is one that the mistake never has
        return False


def _differ(first: Outcome, again: Outcome) -> bool:
    """Tell whether two calls with the same input gave different answers."""
    if first.error is not None or again.error is not None:
        return (first.error is None) != (again.error is None)
    return close(first.value, first.value) and not close(again.value, first.value)


def _sentence(text: str) -> str:
    """End with a full stop, and begin with a capital unless the first word is code."""
    first = text.split(" ", 1)[0]
    if re.fullmatch(r"[a-z]{2,}('t)?[,:]?|a", first):
        text = text[0].upper() + text[1:]
    return text + ("" if text.endswith((".", "!", "?", ".)")) else ".")
