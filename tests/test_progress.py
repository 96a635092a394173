"""A bar that an interrupt ends cleanly: nothing made is lost, nothing stays changed."""

import os
import signal
import threading
import types

import pytest

from lecture_utils import progress


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_all_rounds_run_and_the_bar_is_text(capsys):
    bar = progress.bar(5, "learning")
    assert list(bar) == [0, 1, 2, 3, 4] and not bar.stopped
    shown = capsys.readouterr()
    assert "learning: 100%" in shown.out and "5/5" in shown.out and shown.err == ""
    assert list(progress.bar("ab")) == ["a", "b"]
    assert list(progress.bar(0)) == []


def test_in_a_notebook_the_bar_is_one_output_that_stays(monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(data["text/plain"])

    monkeypatch.setattr("IPython.get_ipython", lambda: types.SimpleNamespace(kernel=1))
    monkeypatch.setattr("IPython.display.display", lambda *data, **options: Handle())
    assert list(progress.bar(3, "learning")) == [0, 1, 2]
    assert shown[0].startswith("learning:   0%") and "3/3" in shown[-1]
    assert not any(set(line) & set("\r\n") for line in shown)
    list(progress.line(range(3), leave=False))
    assert shown[-1] == ""  # wiped out


def test_an_interrupt_ends_the_loop_after_its_round(capsys):
    before, made = signal.getsignal(signal.SIGINT), []
    bar = progress.bar(9, "learning")
    for step in bar:
        if step == 3:
            interrupt()
        made.append(step)  # the round goes on to its end
    assert made == [0, 1, 2, 3] and bar.stopped
    assert "Stopped after 4 of 9; what was made is kept." in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before
    assert list(bar) == list(range(9)) and not bar.stopped  # it can run again


def test_an_interrupt_in_the_last_round_stops_nothing(capsys):
    bar = progress.bar(2)
    for step in bar:
        if step == 1:
            interrupt()
    assert not bar.stopped and "Stopped" not in capsys.readouterr().out


def test_a_second_interrupt_breaks_off_at_once():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        for _ in progress.bar(3):
            interrupt()
            interrupt()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("way", ["break", "error"])
def test_a_loop_that_is_left_gives_the_interrupt_back(way):
    before = signal.getsignal(signal.SIGINT)
    try:
        for _ in progress.bar(3):
            if way == "break":
                break
            raise ValueError(way)
    except ValueError:
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_of_use_as_a_whole_breaks_off_with_one_line(monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    before, made = signal.getsignal(signal.SIGINT), []
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a kernel
    try:
        with pytest.raises(KeyboardInterrupt) as stop:
            for step in progress.line(range(4)):
                if step == 2:
                    interrupt()
                made.append(step)
        assert made == [0, 1]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        lines = stop.value._render_traceback_()
        assert lines == ["Stopped. Nothing of it is kept; run the cell again if you want it."]
        for step in progress.bar(3):  # inside a loop that ends cleanly, that loop decides
            for _ in progress.line(range(1)):
                interrupt()
            made.append(step)
        assert made == [0, 1, 0]
        for _ in progress.line(range(2)):
            break
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_no_signal_is_touched():
    made = []
    thread = threading.Thread(target=lambda: made.extend(progress.bar(3)))
    thread.start()
    thread.join()
    assert made == [0, 1, 2]


@pytest.mark.parametrize(
    ("loop", "items"), [(progress.bar, -1), (progress.bar, 2.5), (progress.bar, None),
                        (progress.line, -1), (progress.line, 2.5)],
)  # fmt: skip
def test_what_is_no_loop_gets_one_sentence(loop, items):
    with pytest.raises((TypeError, ValueError), match="items=.*: give"):
        loop(items)
