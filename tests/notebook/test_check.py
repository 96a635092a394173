"""The exercise checker: what it says about every kind of answer, and what it survives."""

import functools
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch

from lecture_utils.notebook import answers, check
from lecture_utils.notebook.check import CORRECT, NOT_TRIED, WRONG, Exercise, close

SPECTRUM = np.exp(1j * np.arange(6.0)).reshape(2, 3) * np.arange(1, 7).reshape(2, 3)
TASK = Exercise(
    reference=lambda spectrum, gain: gain * spectrum,
    cases=lambda: {
        "two rows": (SPECTRUM, 2.0),
        "two columns": (SPECTRUM[:, :2], 0.5),
        "silence": (np.zeros((1, 3), complex), 1.0),
    },
    mistakes=[
        ("your phase is conjugated", lambda spectrum, gain: gain * spectrum.conj()),
        ("the gain is missing", lambda spectrum, gain: spectrum),
        ("0 / 0", lambda spectrum, gain: gain * spectrum * spectrum / spectrum),
    ],
    signs=[("the phase is lost", lambda got, want, *case: close(got, np.abs(want)))],
    hint="Multiply.",
    seconds=5,
)


def judge(answer, task=TASK, **how):
    return check.judge("room.task", task, answer, **how)


def real_task(**changes):
    """Square some numbers, among them none at all."""
    first = dict(
        reference=lambda x: x**2,
        cases=lambda: {"numbers": (np.array([1.1, 2, 3]),), "nothing": (np.zeros(0),)},
        seconds=5,
    )
    return Exercise(**{**first, **changes})


# ------------------------------------------------------------------------ not tried yet


def stub(spectrum, gain): ...


def stub_with_words(spectrum, gain):
    """Return something."""


def stub_with_result(spectrum, gain):
    result = ...
    return result


def unfinished(spectrum, gain):
    result = ...
    return result * gain


def raises_not_implemented(spectrum, gain):
    raise NotImplementedError


@pytest.mark.parametrize(
    "answer",
    [stub, stub_with_words, stub_with_result, unfinished, raises_not_implemented, None, ...,
     lambda s, g: None, lambda s, g: ...],
)  # fmt: skip
def test_stubs_are_not_tried_yet(answer):
    result = judge(answer)
    assert result.status == NOT_TRIED and "not tried yet" in str(result)


def no_return(spectrum, gain):
    spectrum * gain


def no_return_in_a_branch(spectrum, gain):
    if gain > 1:
        return spectrum * gain


def torch_does_not_know(spectrum, gain):
    return torch.zeros(2, device="meta").cpu()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (no_return, "Nothing comes back: end the function with return."),
        (no_return_in_a_branch, "Nothing comes back for two columns: does every branch"),
        (torch_does_not_know, "NotImplementedError"),  # not the student's own
    ],
)
def test_code_that_gives_nothing_is_not_called_a_stub(answer, words):
    result = judge(answer)
    assert result.status == WRONG and words in str(result)


# ------------------------------------------------------------------------ right answers


def negative_bit(x):
    """Tensors that PyTorch keeps as "minus" and "conjugated", without new numbers."""
    x = torch.as_tensor(x)
    return torch.complex(torch.zeros_like(x), -(x**2)).conj().imag


def generated(x):
    for value in x:
        yield value**2


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x**2,
        lambda x: np.multiply(x, x, out=x),  # in place: on a copy
        lambda x: torch.as_tensor(x) ** 2,
        lambda x: (torch.as_tensor(x) ** 2).to(torch.bfloat16),
        lambda x: (torch.as_tensor(x) ** 2).half(),
        lambda x: (torch.as_tensor(x) ** 2).to_sparse(),
        lambda x: torch.as_tensor(x).clone().requires_grad_() ** 2,
        negative_bit,
        lambda x: torch.nn.functional.mse_loss(x, torch.zeros_like(x), reduction="none"),
        lambda x: torch.from_numpy(x) * torch.ones(len(x)).mul(torch.from_numpy(x)),
        lambda x: [torch.as_tensor(v) ** 2 for v in x],
        lambda x: [Fraction(float(v)) ** 2 for v in x],
        lambda x: np.longdouble(x) ** 2,
        lambda x: np.ma.masked_array(x**2, mask=False),
        lambda x: (x**2).astype(np.float16),
        lambda x: x**2 + 0j,
        lambda x: (v * v for v in x),
        lambda x: map(lambda v: v * v, x),
        lambda x: {i: v * v for i, v in enumerate(x)}.values(),
        lambda x: tuple(x**2),
        generated,
        np.square,
        functools.partial(lambda power, x: x**power, 2),
        torch.no_grad()(lambda x: torch.as_tensor(x) ** 2),
    ],
)
def test_right_answers_of_every_kind(answer):
    assert judge(answer, real_task()).status == CORRECT


def test_conjugated_tensors_and_unchanged_input():
    assert judge(lambda s, g: torch.as_tensor(g * s).conj().resolve_conj().conj()).status == CORRECT
    assert judge(lambda s, g: torch.polar(s.abs() * g, -s.angle()).conj()).status == CORRECT
    assert judge(lambda s, g: np.multiply(s, g, out=s)).status == CORRECT
    assert np.abs(SPECTRUM).max() == pytest.approx(6)


def test_one_number_may_come_in_an_array():
    one = Exercise(lambda n: 3.0 * n, lambda: {"1": (1,), "0": (0,)})
    for answer in (
        lambda n: 3 * n,
        lambda n: np.array([3.0 * n]),
        lambda n: torch.tensor([[3 * n]]),
        lambda n: str,
    ):
        assert (judge(answer, one).status == CORRECT) == (answer(1) is not str)


def test_whole_numbers_are_exact():
    many = Exercise(lambda n: n * 10_000, lambda: {"3": (3,), "0": (0,)})
    assert judge(lambda n: 1e4 * n, many).status == CORRECT
    assert judge(lambda n: 10_000 * n + (n > 0), many).status == WRONG


def test_tensors_or_arrays_are_handed_over_as_the_answer_needs():
    assert judge(lambda x: x.square(), real_task()).status == CORRECT  # tensors only
    backwards = real_task(cases=lambda: {"a": (np.arange(3.0)[::-1],), "b": (np.ones(2)[::-1],)})
    assert judge(lambda x: torch.from_numpy(x) ** 2, backwards).status == CORRECT
    first = real_task(tensors=True)
    assert judge(lambda x: x.square(), first).status == CORRECT
    assert judge(lambda x: np.concatenate([x[:0], x]).astype(float) ** 2, first).status == CORRECT
    # single precision from the start, which meets PyTorch's own
    assert judge(lambda x: (torch.from_numpy(x) @ torch.eye(len(x))) ** 2, real_task()).status == (
        CORRECT
    )
    # nothing is rounded until it is right
    above = real_task(reference=lambda x: (x > 2) * 1.0)
    assert judge(lambda x: (x + 1e-9 > 2) * 1.0, above).status == WRONG
    result = judge(lambda x: x.nonsense(), real_task())
    assert "'numpy.ndarray' object has no attribute 'nonsense'" in str(result)
    assert str(result).endswith("(NumPy arrays are handed over.)")


# ------------------------------------------------------------------------ wrong answers


def one_argument(spectrum):
    return spectrum


def divides_by_zero(spectrum, gain):
    nothing = 0
    return spectrum / (1 / nothing)


LINE = divides_by_zero.__code__.co_firstlineno + 2


class Wordless(Exception):
    def __str__(self):
        raise ValueError


def raises(error):
    def answer(*case):
        raise error

    return answer


RAISES = raises.__code__.co_firstlineno + 2


def remembers(spectrum, gain, seen=[]):  # noqa: B006
    seen.append(1)
    return spectrum * gain * len(seen)


CALLS = []


def right_at_first(spectrum, gain):
    CALLS.append(1)
    return spectrum * gain if len(CALLS) <= 3 else 0 * spectrum


async def waits(spectrum, gain):
    return spectrum * gain


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda s, g: (g * s).conj(), "Your phase is conjugated."),
        (lambda s, g: s, "The gain is missing."),
        (lambda s, g: torch.as_tensor(s.copy()), "The gain is missing."),
        (lambda s, g: s.tolist(), "The gain is missing."),
        (lambda s, g: g * s**2 / s, "0 / 0."),
        (lambda s, g: [[g * v * v / v for v in row] for row in s.tolist()], "0 / 0."),
        (lambda s, g: abs(g * s), "The phase is lost."),
        (lambda s, g: (g * s).T, "Rows and columns are exchanged (transposed)."),
        (lambda s, g: (g * s).ravel(), "in another shape: (6,) instead of (2, 3)"),
        (lambda s, g: (g * s)[:, ::-1], "in another order"),
        (lambda s, g: (g * s)[:1], "the shape is (1, 3), (2, 3) is wanted"),
        (lambda s, g: g * s * np.nan, "no numbers (NaN)"),
        (lambda s, g: g * abs(s) / (g < 1) if s.any() else s, "infinite values"),
        (lambda s, g: (g * s).real, "complex ones are wanted"),
        (lambda s, g: -3 * g * s, "everything is -3 times"),
        (lambda s, g: g * s + 0.25, "Everything is too large by 0.25."),
        (lambda s, g: g * s + (s == s[-1, -1]), "For two rows: at [1, 2] it gives"),
        (lambda s, g: 2.0 * s, "For two columns (right in 2 of 3 cases): at [1, 1] it gives"),
        (lambda s, g: "loud", "umbers are wanted, this is a str"),
        (lambda s, g: [[1], [2, 3]], "its rows have different lengths"),
        (lambda s, g: (s, g), "umbers are wanted"),
        (lambda s, g: {"real": s}, "this is a dict"),
        (lambda s, g: np, "this is a module"),
        (lambda s, g: [None], "umbers are wanted"),
        (lambda s, g: np.array([]), "shape is (0,)"),
        (lambda s, g: torch.zeros(3, device="meta"), "this is a Tensor"),
        (waits, "this is a coroutine"),
        (one_argument, "takes 1 positional argument but 2 were given"),
        (divides_by_zero, f"ZeroDivisionError in line {LINE} of the cell: division by zero."),
        (lambda s, g: sys.exit(3), "SystemExit"),
        (lambda s, g: answer_to_everything, "NameError"),  # noqa: F821
        (lambda s, g: {}[g], "the dictionary has no entry 2.0"),
        (raises(AssertionError()), f"it raises AssertionError in line {RAISES} of the cell."),
        (raises(ValueError("\n \n")), f"it raises ValueError in line {RAISES} of the cell."),
        (raises(ValueError("\nfirst words\nsecond")), "of the cell: first words."),
        (raises(Wordless()), f"it raises Wordless in line {RAISES} of the cell."),
        (raises(KeyboardInterrupt()), f"it raises KeyboardInterrupt in line {RAISES} of the cell."),
        (right_at_first, "The same call gives something else the second time"),
        (remembers, "The same call gives something else the second time"),
        (lambda s, g: g * s * np.random.default_rng().normal(), "something else the second time"),
        (np.ones(3), "pass the function's name"),
        (3, "A function is wanted, this is an int"),
    ],
)  # fmt: skip
def test_wrong_answers_get_one_clear_line(answer, words):
    result = judge(answer)
    assert result.status == WRONG and words.lower() in str(result).lower(), str(result)
    assert "\n" not in str(result) and len(str(result)) < 300


def test_a_diagnosis_must_explain_every_case():
    """Conjugated in the first case alone: no conjugation then, but what differs."""
    result = judge(lambda s, g: (s.conj() if g == 2 else s * 7) * g)
    assert "conjugated" not in str(result) and "it gives" in str(result)
    result = judge(lambda s, g: abs(g * s) if g == 2 else 7 * s)
    assert "phase is lost" not in str(result)


def test_the_right_value_is_told_of_the_first_case_only():
    one = Exercise(lambda n: n * 7, lambda: {"n = 1": (1,), "n = 0": (0,), "n = 5": (5,)})
    assert "For n = 1 (right in 1 of 3 cases): it gives 2, 7 is wanted." in str(
        judge(lambda n: 2 * n**2, one)
    )
    pasted = judge(lambda n: 7, one)
    assert pasted.message == "For n = 0 (right in 1 of 3 cases): it gives 7, which is too large."


def test_where_the_right_value_is_not_told_the_way_off_is():
    def told(second):
        arrow = Exercise(lambda n: np.array([n, 1j * n]), lambda: {"n = 0": (0,), "n = 2": (2,)})
        return judge(lambda n: np.array([n, second * n]), arrow).message

    place = "For n = 2 (right in 1 of 2 cases): at [1] it gives "
    assert told(-1j) == place + "0-2j, which has the right length, but a wrong direction."
    assert told(0.5j) == place + "0+1j, which is too short."
    assert told(3j) == place + "0+6j, which is too long."
    number = Exercise(lambda n: n * 7, lambda: {"n = 0": (0,), "n = 1": (1,), "n = 2": (2,)})
    assert "gives 1, which is too small." in judge(lambda n: n**3, number).message


def test_two_numbers_have_no_factor_in_common():
    one = Exercise(lambda n: n * 7, lambda: {"n = 1": (1,), "n = 0": (0,)})
    assert "For n = 1 (right in 1 of 2 cases): it gives 21, 7" in str(judge(lambda n: 21 * n, one))


def test_words_and_tuples():
    text = Exercise(lambda n: ["on", "off"] * n, lambda: {"one": (1,), "none": (0,)})
    assert judge(lambda n: ["on", "off"] * n, text).status == CORRECT
    assert "number 2 is of, off is wanted" in str(judge(lambda n: ["on", "of"] * n, text))
    assert "there are 3, too many" in str(judge(lambda n: ["on", "off", "on"], text))
    assert "there are 1, some are missing" in str(judge(lambda n: ["on"] * n, text))
    assert "it is empty" in str(judge(lambda n: [], text))
    assert "this is an int" in str(judge(lambda n: n, text))
    assert "yours has a tuple in it" in str(judge(lambda n: [("on", 1)], text))
    pair = Exercise(lambda n: (np.ones(3), n), lambda: {"2": (2,), "0": (0,)})
    assert judge(lambda n: [np.ones(3), n], pair).status == CORRECT
    assert "return 2 things" in str(judge(lambda n: np.ones(3), pair))
    assert "of the 2 things, number 2: it gives 3" in str(judge(lambda n: (np.ones(3), 3), pair))


def test_code_keeps_its_case_at_the_beginning_of_a_sentence():
    assert check._sentence("the sign is turned") == "The sign is turned."
    assert check._sentence("a sum grows") == "A sum grows."
    assert check._sentence("don't round") == "Don't round."
    for text in ("np.angle is missing", "norm(dim=1) is wanted", "k taps", "`y` is right"):
        assert check._sentence(text) == text + "."


# ------------------------------------------------------------- output and hints


def test_what_the_answer_prints_is_shown_once_and_cut(capsys, monkeypatch):
    def talks(x):
        print("x is", x)
        return x**2

    monkeypatch.setattr(check, "find", lambda name: real_task())
    assert check.exercise("room.task", talks).status == CORRECT
    assert capsys.readouterr().out == (
        "Your function prints:\nx is [1.1 2.  3. ]\nx is []\nroom.task: correct.\n"
    )

    def talks_much(x):
        for n in range(2000):
            print("line", n)
        return x**2

    result = check.exercise("room.task", talks_much)
    shown = capsys.readouterr().out
    assert result.status == CORRECT and len(shown) < 2200 and "the rest is left out" in shown


def test_hints_come_with_the_second_miss(monkeypatch, capsys):
    monkeypatch.setattr(check, "find", lambda name: TASK)

    def told(answer):
        check.exercise("room.hinted", answer)
        return "Multiply." in capsys.readouterr().out

    def wrong(s, g):
        return g * s + g

    assert [told(stub), told(wrong), told(wrong), told(wrong)] == [False, False, True, True]
    assert not told(lambda s, g: s)  # a diagnosis needs no hint
    assert not told(lambda s, g: g * s) and not told(wrong)  # after success, from the beginning


# ------------------------------------------------------------------ finding an exercise


def test_names_are_looked_up(tmp_path, monkeypatch, capsys):
    from lecture_utils import exercises

    (tmp_path / "toy.py").write_text(
        "from lecture_utils.notebook.check import Exercise\n"
        "double = Exercise(lambda n: 2 * n, lambda: {'1': (1,), '0': (0,)})\n"
    )
    monkeypatch.setattr(exercises, "__path__", [*exercises.__path__, str(tmp_path)])
    result = check.exercise("toy.double", lambda n: n + n)
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


def test_answers_are_read_as_numbers():
    assert answers.numbers("3") is None and answers.numbers([1, [2]]) is None
    assert answers.numbers([True, Fraction(1, 2)]).tolist() == [1, 0.5]
    assert close([1, np.nan], [1, np.nan]) and not close([1, 2], [1, np.nan])
    assert not close(np.ones((2, 1)), np.ones(2)) and close(1.00005, 1.0) and not close(1.001, 1.0)
    assert re.match("a list", answers.article([])) and answers.article(3) == "an int"


class Refuses:
    """Fails at whatever is asked of it."""

    def __array__(self, *args, **how):
        raise RuntimeError("no array")

    def __eq__(self, other):
        raise ValueError

    def __repr__(self):
        raise ValueError

    __hash__ = None
    __str__ = __repr__


ENDLESS_LIST = []
ENDLESS_LIST.append(ENDLESS_LIST)


@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, of kinds that it calls new
@pytest.mark.parametrize(
    "name", ["pianoroll.notes_to_events", "wavenet.cached_step", "phase.delay"]
)
def test_strange_values_are_refused_in_words(name):
    """Text, an array and a tuple are wanted: none of these values is one, none raises."""
    strange = [
        Refuses(), [Refuses()], ENDLESS_LIST, b"abc", np.datetime64("2020-01-01"), np.void(b"abc"),
        np.zeros(3, dtype=[("a", int)]), complex("nan"), 10**400, object(), type, ValueError("x"),
        NotImplemented, [None], (None, None), {}, {1: 2}, set(), "", ["a", 1], [[]], [[], []],
        np.array(None), np.ma.masked, np.array([[1, 2], [3]], dtype=object), torch.tensor([]),
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), torch.nn.Linear(2, 2),
        torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), torch.float32, sys, print,
        torch.ones(3, dtype=torch.complex32), torch.ones(2, dtype=torch.float8_e4m3fn),
    ]  # fmt: skip
    for value in strange:
        result = check.judge(name, check.find(name), lambda *case, value=value: value)
        assert result.status == WRONG and "\n" not in str(result) and len(str(result)) < 300
