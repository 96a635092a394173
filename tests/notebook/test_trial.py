"""What a student's function may do without stopping the notebook."""

import _thread
import itertools
import signal
import threading
import time

import numpy as np
import pytest

from lecture_utils.notebook import check, trial
from lecture_utils.notebook.check import WRONG, Exercise


def judge(answer, seconds=5.0):
    """Ask for the squares of some numbers, among them none at all."""
    task = Exercise(
        reference=lambda x: x**2,
        cases=lambda: {"numbers": (np.array([1.0, 2, 3]),), "nothing": (np.zeros(0),)},
        seconds=seconds,
    )
    return check.judge("room.task", task, answer)


def forever(x):
    while True:
        time.sleep(0.001)


def forever_swallowing(x):
    while True:
        try:
            time.sleep(0.001)
        except BaseException:
            pass


def forever_in_finally(x):
    while True:
        try:
            x = x + 1
        finally:
            continue  # noqa: B012


def endless_list(x):
    return list(itertools.takewhile(lambda n: n >= 0, (n for n in itertools.count())))


def endless_generator(x):
    while True:
        yield 1.0


def prints_forever(x):
    while True:
        print("here")


def prints_forever_and_swallows(x):
    while True:
        try:
            print("here")
        except BaseException:
            continue


def calls_itself(x):
    return calls_itself(x + 1)


def calls_itself_and_swallows(x):
    try:
        return calls_itself_and_swallows(x + 1)
    except BaseException:
        return calls_itself_and_swallows(x)


@pytest.mark.parametrize(
    ("answer", "words", "ends"),
    [
        (forever, "still runs after 1 s", True),
        (forever_swallowing, "still runs after 1 s", False),
        (forever_in_finally, "still runs after", False),
        (endless_list, "still runs after", False),  # a generator may hold an exception up
        (prints_forever, "prints without end", True),
        (prints_forever_and_swallows, "prints without end", False),
        (calls_itself, "calls itself without end", True),
        (calls_itself_and_swallows, "calls itself without end", False),
    ],
)
def test_what_never_ends_is_left_behind(answer, words, ends, capsys):
    before, started = set(threading.enumerate()), time.monotonic()
    result = judge(answer, seconds=0.3)
    assert result.status == WRONG and words in str(result) and "restart" not in str(result)
    assert time.monotonic() - started < 5 and len(result.printed) < 3000
    left = [thread for thread in threading.enumerate() if thread not in before]
    if ends:
        assert not left
    else:  # it sleeps: neither output nor work goes on
        used = time.process_time()
        time.sleep(0.1)
        assert time.process_time() - used < 0.05 and capsys.readouterr().out == ""


def test_the_limit_is_work_not_waiting(monkeypatch):
    """On a busy machine an answer waits for the processor; only an endless one works on."""

    def slow(x):
        time.sleep(0.15)
        return x**2

    assert judge(slow, seconds=0.3).status == check.CORRECT  # three calls: 0.45 s
    clock = itertools.count(step=100)
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    started = time.monotonic()
    assert "still runs" in str(judge(forever, seconds=20)) and time.monotonic() - started < 10


def test_endless_generator_is_read_to_a_limit():
    result = judge(endless_generator)
    assert "the shape is (10000,), (3,) is wanted" in str(result)


def test_growing_memory_is_noticed(monkeypatch):
    monkeypatch.setattr(trial, "MAX_GROWTH", 50_000_000)
    kept = []

    def grows(x):
        while True:
            kept.append(np.ones(500_000))
            time.sleep(0.001)

    assert "more and more memory" in str(judge(grows))


def test_the_students_interrupt_ends_both():
    before = set(threading.enumerate())
    # a shell lets what it starts in the background ignore interrupts; a kernel never does
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Timer(0.2, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            judge(forever, seconds=20)
    finally:
        signal.signal(signal.SIGINT, ours)
    assert not {t for t in threading.enumerate() if not isinstance(t, threading.Timer)} - before
