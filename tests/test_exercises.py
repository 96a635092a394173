"""Every exercise: in a notebook as a blank stub, with a solution that passes and wrong answers
that each get their own diagnosis. Solutions stand in ``tests/solutions/NOTEBOOK.py``.
"""

import ast
import runpy

import notebook_rules as rules
import pytest

from lecture_utils.notebook import check

SOLUTIONS = rules.ROOT / "tests" / "solutions"
EXERCISES = [f"{room}.{name}" for room in check.rooms() for name in check.in_room(room)]


def places():
    """(notebook, name, source of the cell) of every exercise in a notebook."""
    for path in rules.NOTEBOOKS:
        for cell in rules.code_cells(rules.read(path)):
            for name in rules.exercises(cell.source):
                yield path.stem, name, cell.source


NOTEBOOK = {name: notebook for notebook, name, _ in places()}


def solved(name):
    return runpy.run_path(str(SOLUTIONS / f"{NOTEBOOK[name]}.py"))


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
    answer = ast.unparse(calls[0].args[1])
    functions = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
    if answer in functions:
        assert is_blank(functions[answer]), "the notebook gives the solution away"
        space = {}
        exec(ast.unparse(functions[answer]), space)
        stub = space[answer]
    else:  # a value
        stub = ast.literal_eval(answer if answer in ("None", "...") else ast.unparse(
            next(a.value for a in tree.body if isinstance(a, ast.Assign)
                 and ast.unparse(a.targets[0]) == answer)))  # fmt: skip
    assert check.judge(name, check.find(name), stub).status == check.NOT_TRIED


@pytest.mark.parametrize("name", EXERCISES)
def test_solution_passes(name):
    result = check.judge(name, check.find(name), solved(name)["SOLUTIONS"][name])
    assert result.status == check.CORRECT, str(result)


@pytest.mark.parametrize("name", EXERCISES)
def test_wrong_answers_get_their_own_diagnosis(name):
    """At least three, and no diagnosis of the exercise that never comes up."""
    task, told = check.find(name), []
    for words, wrong in solved(name)["WRONG"][name].items():
        result = check.judge(name, task, wrong)
        assert result.status == check.WRONG and words.lower() in result.message.lower(), str(result)
        told.append(result.message)
    assert len(told) >= 3
    assert sorted(told) == sorted(check._sentence(diagnosis) for diagnosis, _ in task.mistakes)


def test_blank_is_told_from_solved():
    def blank(source):
        return is_blank(ast.parse(source).body[0])

    assert blank("def f(x):\n    'doc'\n    ...") and blank("def f(x):\n    return None")
    assert blank("def f(x):\n    raise NotImplementedError")
    assert not blank("def f(x):\n    return x") and not blank("def f(x):\n    y = 2 * x")
