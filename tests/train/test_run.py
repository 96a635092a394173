"""Runs that stop and go on exactly, segments, averages."""

import csv
import errno
import os
import threading

import numpy as np
import pytest
import torch

from lecture_utils import weights
from lecture_utils.train import run as run_module
from lecture_utils.train.run import Average, Run, segments


def rows(folder):
    with open(folder / "log.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def simple_run(folder, resume=False):
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    return Run(folder, {"model": model, "optimizer": optimizer}, resume), model, optimizer


def stepper(model, optimizer, at=None, error=None):
    def step(i):
        if i == at and error is not None:
            raise error
        optimizer.zero_grad()
        loss = (model(torch.ones(1, 2) * i) ** 2).mean()
        loss.backward()
        optimizer.step()
        return {"loss": float("nan") if i == at else loss.item()}

    return step


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("no space left")])
def test_what_breaks_a_step_keeps_the_steps_before(tmp_path, error):
    run, model, optimizer = simple_run(tmp_path)
    if isinstance(error, KeyboardInterrupt):  # stops quietly
        run.loop(stepper(model, optimizer, 5, error), 9)
    else:
        with pytest.raises(OSError, match="no space left"):
            run.loop(stepper(model, optimizer, 5, error), 9)
    again, other, _ = simple_run(tmp_path, resume=True)
    assert run.step == again.step == 5 and torch.equal(other.weight, model.weight)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("no space left")])
def test_half_a_step_never_becomes_the_state(tmp_path, error, capsys):
    """Two optimisers step in turn; what breaks in between must not be resumed from."""
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 3)
    good = (tmp_path / "state.safetensors").read_bytes()

    def breaks_halfway(i):
        losses = stepper(model, optimizer)(i)
        if i == 4:
            raise error
        return losses

    if isinstance(error, KeyboardInterrupt):
        run.loop(breaks_halfway, 9)
    else:
        with pytest.raises(OSError, match="no space left"):
            run.loop(breaks_halfway, 9)
    assert (tmp_path / "state.safetensors").read_bytes() == good
    said = capsys.readouterr().out
    assert "Stopped in the middle of step 4; the state of step 3 is kept for --resume." in said


def test_a_full_disk_gets_a_sentence_and_keeps_the_last_state(tmp_path, monkeypatch, capsys):
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 3)
    good = (tmp_path / "state.safetensors").read_bytes()

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(weights.os, "fsync", full)
    with pytest.raises(OSError) as info:  # at the end of the run
        run.loop(stepper(model, optimizer), 5, save_minutes=0)
    said = capsys.readouterr().out
    for text in (str(info.value), said.splitlines()[0]):
        assert "state.safetensors was not saved (No space left" in text
        assert "the one before it is kept; free 0 MB." in text and "\n" not in text
    assert run.step == 5 and said.count("Training goes on") == 2  # it did not stop at the first
    assert (tmp_path / "state.safetensors").read_bytes() == good
    assert not list(tmp_path.glob("*.partial"))
    monkeypatch.undo()
    run.loop(stepper(model, optimizer), 6)
    assert simple_run(tmp_path, resume=True)[0].step == 6


def test_what_a_killed_save_left_is_swept_at_the_next_start(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 2)
    for name in ("state.partial", ".tmpAb3xYz", "notes.tmp"):
        (tmp_path / name).write_bytes(b"half")
    simple_run(tmp_path, resume=True)
    assert {f.name for f in tmp_path.iterdir()} == {"state.safetensors", "notes.tmp"}


def test_starting_anew_keeps_every_old_state_and_log(tmp_path, capsys):
    for _ in range(3):
        run, model, optimizer = simple_run(tmp_path)
        run.loop(stepper(model, optimizer), 2, every=[(1, lambda run=run: run.log(loss=1.0))])
    names = {file.name for file in tmp_path.iterdir()}
    assert {"state.old", "state.old2", "log.old", "log.old2"} <= names
    simple_run(tmp_path / "nowhere", resume=True)
    assert "No state in" in capsys.readouterr().out


def test_nan_stops_with_one_sentence_and_keeps_the_last_good_state(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    with pytest.raises(FloatingPointError, match="no state had been saved yet"):
        run.loop(stepper(model, optimizer, at=2), 9)
    assert not (tmp_path / "state.safetensors").exists()

    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 4)
    good = (tmp_path / "state.safetensors").read_bytes()
    with pytest.raises(FloatingPointError) as info:
        run.loop(stepper(model, optimizer, at=6), 9)
    assert str(info.value) == (
        "Step 6: the loss 'loss' is nan; the state of step 4 is kept for --resume; a smaller "
        "learning rate may help."
    )
    with torch.no_grad():  # the loss is still fine, but a gradient was not
        model.weight[0, 1] = float("inf")
    with pytest.raises(FloatingPointError, match="model/weight has NaN or infinite values"):
        run.save()
    assert (tmp_path / "state.safetensors").read_bytes() == good


def test_minutes_stop_the_run(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 30))  # half a minute goes by at every look
    monkeypatch.setattr(run_module.time, "monotonic", lambda: next(clock))
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 100, minutes=2)
    assert run.step == 5
    again, *_ = simple_run(tmp_path, resume=True)
    assert again.step == 5 and again.seconds == 150


def test_rows_later_than_the_state_are_written_again(tmp_path):
    run, *_ = simple_run(tmp_path)
    for run.step in (2, 4):
        run.log(loss=run.step)
    run.save()
    for run.step in (6, 8):  # then the power fails
        run.log(loss=run.step)
    again, *_ = simple_run(tmp_path, resume=True)
    again.step = 6
    again.log(loss=66)
    assert [(r["step"], r["loss"]) for r in rows(tmp_path)] == [("2", "2"), ("4", "4"), ("6", "66")]


def test_a_fresh_start_keeps_the_old_state_aside(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    run.loop(stepper(model, optimizer), 3)
    state = (tmp_path / "state.safetensors").read_bytes()
    assert simple_run(tmp_path)[0].step == 0
    assert (tmp_path / "state.old").read_bytes() == state


def test_a_run_in_another_thread_needs_no_signals(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    thread = threading.Thread(target=run.loop, args=(stepper(model, optimizer), 3))
    thread.start()
    thread.join()
    assert run.step == 3


def test_segments_depend_on_seed_step_and_process_alone():
    x = np.arange(5000, dtype=np.float32)
    first = segments(x, 100, 4, seed=1, step=2, process=0)
    assert first.shape == (4, 1, 100) and first.dtype == torch.float32
    assert (first.diff() == 1).all()  # each is a piece of x
    torch.manual_seed(5)
    assert torch.equal(first, segments(x, 100, 4, seed=1, step=2, process=0))
    for change in ({"seed": 2}, {"step": 3}, {"process": 1}):
        other = segments(x, 100, 4, **{"seed": 1, "step": 2, "process": 0, **change})
        assert not torch.equal(first, other)
    assert torch.equal(segments(x[:100], 100, 2, 0, 0)[0, 0], torch.tensor(x[:100]))
    starts = segments(x[:103], 100, 200, 0, 0)[:, 0, 0]
    assert set(starts.tolist()) == {0, 1, 2, 3}  # both ends are used
    with pytest.raises(ValueError, match="99 samples given, at least 100"):
        segments(x[:99], 100, 2, 0, 0)


def test_average_is_the_formula():
    model = torch.nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(1.0)
    average, expected = Average(model, decay=0.9), 1.0
    for step in range(100):
        model.weight.data.fill_(float(step))
        average.update(model, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
        assert average.model.weight.item() == pytest.approx(expected, rel=1e-5)
    assert not average.model.weight.requires_grad and not average.model.training
    assert model.weight.item() == 99


def test_the_state_is_saved_every_few_minutes(tmp_path, monkeypatch):
    clock = iter(range(0, 100_000, 30))  # half a minute goes by at every look
    monkeypatch.setattr(run_module.time, "monotonic", lambda: next(clock))
    run, model, optimizer = simple_run(tmp_path)
    saved = []
    monkeypatch.setattr(run, "save", lambda: saved.append(run.step))
    run.loop(stepper(model, optimizer), 25, save_minutes=5)
    assert saved == [11, 22, 25]


def test_values_are_logged_under_their_own_names(tmp_path):
    run, *_ = simple_run(tmp_path)
    run.log(loss=1, error=2)
    run.log(error=4, loss=3)
    assert [(r["loss"], r["error"]) for r in rows(tmp_path)] == [("1", "2"), ("3", "4")]
    with pytest.raises(ValueError, match="fields not in fieldnames: 'extra'"):
        run.log(loss=5, error=6, extra=7)
    assert len(rows(tmp_path)) == 2


def test_actions_may_come_from_a_generator(tmp_path):
    run, model, optimizer = simple_run(tmp_path)
    calls = []
    run.loop(stepper(model, optimizer), 6, every=((n, lambda n=n: calls.append(n)) for n in (2, 3)))
    assert calls == [2, 3, 2, 2, 3]
