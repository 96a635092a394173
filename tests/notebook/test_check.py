"""The exercise checker: what it says about every kind of answer."""

import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from lecture_utils.notebook import check
from lecture_utils.notebook.check import CORRECT, NOT_TRIED, WRONG, Exercise, close

SPECTRUM = np.exp(1j * np.arange(6.0)).reshape(2, 3) * np.arange(1, 7).reshape(2, 3)
TASK = Exercise(
    reference=lambda spectrum, gain: gain * spectrum,
    cases=lambda: [(SPECTRUM, 2.0), (SPECTRUM[:, :2], 0.5)],
    mistakes=[
        ("your phase is conjugated", lambda got, want, s, gain: close(got, want.conj())),
        ("the gain is missing", lambda got, want, s, gain: close(got, s)),
    ],
    hint="Multiply.",
    seconds=5,
)


def judge(answer, task=TASK):
    return check.judge("room.task", task, answer)


def stub(spectrum, gain): ...


def unfinished(spectrum, gain):
    result = ...
    return result * gain


def raises_not_implemented(spectrum, gain):
    raise NotImplementedError


@pytest.mark.parametrize("answer", [stub, unfinished, raises_not_implemented, None, ...])
def test_stubs_are_not_tried_yet(answer):
    result = judge(answer)
    assert result.status == NOT_TRIED and "not tried yet" in str(result)


@pytest.mark.parametrize(
    "answer",
    [
        lambda s, g: g * s,
        lambda s, g: torch.as_tensor(s) * g,
        lambda s, g: (g * s).tolist(),
        lambda s, g: np.multiply(s, g, out=s),  # in place: on a copy
    ],
)
def test_right_answers(answer):
    assert judge(answer).status == CORRECT
    assert np.abs(SPECTRUM).max() == pytest.approx(6)


def one_argument(spectrum):
    return spectrum


def divides_by_zero(spectrum, gain):
    nothing = 0
    return spectrum / (1 / nothing)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda s, g: (g * s).conj(), "Your phase is conjugated."),
        (lambda s, g: s, "The gain is missing."),
        (lambda s, g: torch.as_tensor(s.copy()), "The gain is missing."),
        (lambda s, g: s.tolist(), "The gain is missing."),
        (lambda s, g: (g * s).T, "(3, 2), (2, 3) is wanted (transposed?)"),
        (lambda s, g: (g * s)[:1], "shape is (1, 3)"),
        (lambda s, g: g * s * np.nan, "NaN or infinite"),
        (lambda s, g: (g * s).real, "complex ones are wanted"),
        (lambda s, g: -3 * g * s, "everything is -3 times"),
        (lambda s, g: g * s + (s == s[1, 1]), "At 1, 1 it gives"),
        (lambda s, g: g * s + (s == s[1, 1]), "Multiply."),
        (lambda s, g: 2.0 * s, "everything is 4 times"),  # right for the first case only
        (lambda s, g: "loud", "umbers are wanted, this is a str"),
        (lambda s, g: [[1], [2, 3]], "umbers are wanted, this is a list"),
        (lambda s, g: (s, g), "umbers are wanted"),
        (lambda s, g: np, "this is a module"),
        (lambda s, g: [None], "umbers are wanted"),
        (lambda s, g: np.array([]), "shape is (0,)"),
        (one_argument, "takes 1 positional argument but 2 were given"),
        (divides_by_zero, "ZeroDivisionError in line 69 of the cell: division by zero."),
        (lambda s, g: sys.exit(3), "SystemExit"),
        (lambda s, g: answer_to_everything, "NameError"),  # noqa: F821
        (np.ones(3), "pass the function's name"),
    ],
)
def test_wrong_answers_get_one_clear_line(answer, words):
    result = judge(answer)
    assert result.status == WRONG and words in str(result)
    assert "\n" not in str(result) and len(str(result)) < 200


def test_line_number_is_right():
    assert "1 / nothing" in open(__file__).read().splitlines()[69 - 1]


def forever(spectrum, gain):
    while True:
        try:
            time.sleep(0.001)
        except ValueError:
            pass


def test_endless_loop_is_left_behind():
    import threading

    task = Exercise(TASK.reference, TASK.cases, seconds=0.2)
    before, started = set(threading.enumerate()), time.monotonic()
    assert "never ends" in str(judge(forever, task)) and time.monotonic() - started < 2
    deadline = time.monotonic() + 2
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before  # it does not go on eating the processor


def test_values_texts_and_tuples():
    number = Exercise(lambda: 4093, mistakes=[("without the 1", lambda got, want: got == 4092)])
    assert judge(4093, number).status == CORRECT
    assert judge(np.float32(4093), number).status == CORRECT
    assert judge(..., number).status == NOT_TRIED
    assert "Without the 1." in str(judge(4092, number))
    assert "It gives 1, 4093 is wanted" in str(judge(1, number))
    text = Exercise(lambda: "phase")
    assert judge(" Phase ", text).status == CORRECT
    assert "'magnitude' is not the answer" in str(judge("magnitude", text))
    pair = Exercise(lambda: (np.ones(3), torch.tensor(2.0)))
    assert judge([np.ones(3), 2], pair).status == CORRECT
    assert "Return 2 things" in str(judge(np.ones(3), pair))
    assert "number 2" in str(judge((np.ones(3), 3), pair))


def test_several_right_answers():
    task = Exercise(
        reference=lambda x: None,
        cases=lambda: [(np.arange(3.0),)],
        accepts=lambda got, want, x: np.allclose(np.abs(got), x),
    )
    assert judge(lambda x: -x, task).status == judge(lambda x: x, task).status == CORRECT
    assert judge(lambda x: x + 1, task).status == WRONG


def test_names_are_looked_up(tmp_path, monkeypatch, capsys):
    from lecture_utils import exercises

    (tmp_path / "toy.py").write_text(
        "from lecture_utils.notebook.check import Exercise\ndouble = Exercise(lambda: 2)\n"
    )
    monkeypatch.setattr(exercises, "__path__", [*exercises.__path__, str(tmp_path)])
    result = check.exercise("toy.double", 2)
    assert result.status == CORRECT and capsys.readouterr().out == "toy.double: correct.\n"
    assert "toy" in check.rooms() and list(check.in_room("toy")) == ["double"]
    with pytest.raises(ValueError, match=r"did you mean toy\.double\?"):
        check.exercise("toy.duoble", 2)
    with pytest.raises(ValueError, match="there are some for .*toy"):
        check.exercise("toi", 2)
    del sys.modules["lecture_utils.exercises.toy"]


def test_check_needs_no_torch():
    code = (
        "import sys, lecture_utils.notebook.check; "
        "assert not {'torch', 'librosa'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_factor_is_named_for_many_numbers_but_not_for_one():
    assert "factor: everything is 0.3 times" in str(judge(lambda s, g: 0.3 * g * s))
    one = Exercise(reference=lambda: 3.0, hint="Three.")
    assert "It gives 7, 3 is wanted" in str(judge(lambda: 7.0, one))
