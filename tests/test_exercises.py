"""Every exercise: in a notebook as a blank stub, right answers in every style accepted, and a
library of wrong ones that come near, all refused with a diagnosis that is true.

Right answers stand in ``tests/solutions/NOTEBOOK.py``, wrong ones in
``tests/near_misses/NOTEBOOK.py``.
"""

import ast
import re
import runpy

import notebook_rules as rules
import numpy as np
import pytest
import torch

from lecture_utils.notebook import check
from lecture_utils.notebook.answers import close, numbers, plain

TESTS = rules.ROOT / "tests"
EXERCISES = [f"{room}.{name}" for room in check.rooms() for name in check.in_room(room)]


def places():
    """(notebook, name, source of the cell) of every exercise in a notebook."""
    for path in rules.NOTEBOOKS:
        for cell in rules.code_cells(rules.read(path)):
            for name in rules.exercises(cell.source):
                yield path.stem, name, cell.source


NOTEBOOK = {name: notebook for notebook, name, _ in places()}


def right(name, style="SOLUTIONS"):
    return runpy.run_path(str(TESTS / "solutions" / f"{NOTEBOOK[name]}.py"))[style][name]


def wrong(name):
    return runpy.run_path(str(TESTS / "near_misses" / f"{NOTEBOOK[name]}.py"))["WRONG"][name]


def diagnoses(task):
    return {check._sentence(diagnosis) for diagnosis, *_ in [*task.mistakes, *task.signs]}


def test_exercises_and_notebooks_agree():
    names = [name for _, name, _ in places()]
    assert sorted(names) == sorted(EXERCISES)  # each in one place, none unknown
    for path in rules.NOTEBOOKS:
        assert 2 <= sum(path.stem == notebook for notebook, *_ in places()) <= 4, path.name


def is_blank(function):
    """Whether a function has nothing but a docstring, dots, pass or a NotImplementedError."""
    return all(
        isinstance(part, (ast.Pass, ast.Raise))
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        or (isinstance(part, ast.Return) and ast.unparse(part) in ("return", "return None"))
        for part in function.body
    )


@pytest.mark.parametrize("name", EXERCISES)
def test_stub_is_blank_and_not_tried_yet(name):
    source = next(source for _, other, source in places() if other == name)
    tree = ast.parse(source)
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) ==
             "check.exercise" and n.args[0].value == name]  # fmt: skip
    functions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
    stub = functions[ast.unparse(calls[0].args[1])]
    assert is_blank(stub), "the notebook gives the solution away"
    space = {}
    exec(ast.unparse(stub), space)
    assert check.judge(name, check.find(name), space[stub.name]).status == check.NOT_TRIED


def test_blank_is_told_from_solved():
    def blank(source):
        return is_blank(ast.parse(source).body[0])

    assert blank("def f(x):\n    'doc'\n    ...") and blank("def f(x):\n    return None")
    assert blank("def f(x):\n    raise NotImplementedError")
    assert not blank("def f(x):\n    return x") and not blank("def f(x):\n    y = 2 * x")


# ------------------------------------------------------------------------- right answers


def nested(value):
    if isinstance(value, (tuple, list)):
        return [nested(part) for part in value]
    return value.tolist() if hasattr(value, "tolist") else value


def as_doubles(value):
    if isinstance(value, (tuple, list)):
        return type(value)(as_doubles(part) for part in value)
    if isinstance(value, torch.Tensor):
        return value.double()
    return value if isinstance(value, str) or np.iscomplexobj(value) else np.float64(value)


def with_result(change):
    return lambda name: lambda *case: change(right(name)(*case))


STYLES = {
    "NumPy": right,
    "loops": lambda name: right(name, "LOOPS"),
    "torch": lambda name: right(name, "TORCH"),
    "lists": with_result(nested),
    "float64": with_result(as_doubles),
}


#: The penalty is a tensor that the critic learns from; a list has no slope.
UNNATURAL = {("gan.gradient_penalty", "lists")}


@pytest.mark.parametrize(
    ("name", "style"),
    [(name, style) for name in EXERCISES for style in STYLES if (name, style) not in UNNATURAL],
)
def test_right_answers_of_every_style_pass(name, style):
    result = check.judge(name, check.find(name), STYLES[style](name))
    assert result.status == check.CORRECT, str(result)


# ------------------------------------------------------------------------- wrong answers


@pytest.mark.parametrize("name", EXERCISES)
def test_cases_leave_no_gap(name):
    """Two or more, one with zeros or an edge; no known mistake is right in all of them."""
    task = check.find(name)
    cases = task.cases()
    wanted = [plain(task.reference(*case)) for case in cases.values()]
    assert len(cases) >= 2 and any(has_edge(case) for case in cases.values())
    assert any(not close(wanted[0], want) for want in wanted[1:])  # what is told can't be pasted
    for case, want in zip(cases.values(), wanted, strict=True):
        assert numbers(want) is None or np.isfinite(numbers(want)).all(), case


def has_edge(value):
    """Whether there is a zero, a one, or nothing at all somewhere in the arguments."""
    if isinstance(value, (list, tuple)):
        return not value or any(map(has_edge, value))
    array = numbers(value)
    return array is not None and bool(np.isin(array, (0, 1)).any())


@pytest.mark.parametrize("name", EXERCISES)
def test_every_known_mistake_is_told_as_such(name):
    """A model, taken as the answer, gets its own diagnosis, and not that of another one."""
    task = check.find(name)
    calm = check.Exercise(**{**vars(task), "read": None, "tensors": False})
    for diagnosis, *models in task.mistakes:
        assert models
        for model in models:
            result = check.judge(name, calm, model)
            assert (result.status, result.message) == (check.WRONG, check._sentence(diagnosis))


@pytest.mark.parametrize("name", EXERCISES)
def test_the_shown_value_pasted_is_refused(name):
    task = check.find(name)
    first = next(iter(task.cases().values()))
    pasted = task.reference(*first)
    result = check.judge(name, task, lambda *case: pasted)
    assert result.status == check.WRONG
    assert not re.search("it gives .* is wanted", result.message)  # no more to paste


def test_wrong_answers_that_come_near_are_refused_with_a_true_diagnosis(capsys):
    """Counted over all exercises; each has at least eight, and no sign goes unused."""
    own = general = 0
    accepted, misled = [], []
    for name in EXERCISES:
        task, told = check.find(name), set()
        answers = wrong(name)
        assert len(answers) >= 8, name
        for words, answer in answers:
            result = check.judge(name, task, answer)
            if result.status != check.WRONG:
                accepted.append((name, words, str(result)))
            elif words.lower() not in result.message.lower():
                misled.append((name, words, str(result)))
            elif result.message in diagnoses(task):
                own += 1
            else:
                general += 1
            told.add(result.message)
        assert {check._sentence(diagnosis) for diagnosis, _ in task.signs} <= told, name
    total = own + general + len(accepted) + len(misled)
    with capsys.disabled():
        print(f"\nnear misses: {total - len(accepted)} of {total} refused; {own} with their own "
              f"diagnosis, {general} with what differs, {len(misled)} misled "
              f"({100 * (own + general) / total:.1f} % true)")  # fmt: skip
    assert accepted == [] and misled == []


def test_hints_do_not_give_the_solution_away():
    """A hint is told in words: no call, product or power to copy."""
    for name in EXERCISES:
        task = check.find(name)
        assert task.hint.endswith((".", "?")) and len(task.hint) > 40
        assert not any(sign in task.hint for sign in ("np.", "torch.", "**", " * ")), name
