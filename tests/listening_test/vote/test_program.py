"""``make vote`` as a program: who reaches it, what it says, and what a kill -9 leaves behind."""

import os
import signal
import subprocess
import threading
import time

import numpy as np
import phones
import psutil
import pytest
from notebook_rules import ROOT

from lecture_utils.listening_test.vote import Votes, __main__, address, course_test, read_test


@pytest.fixture
def folder(tmp_path):
    return phones.folder_of_test(tmp_path / "test")


def test_killed_in_the_middle_it_loses_no_vote_and_goes_on(folder):
    answered, threads = [], []

    def keep_voting(phone):
        test, stamp = phone.test(), 0
        code = phone.headers["X-Listener"]
        cells = [(t["trial"], label) for t in test["trials"] for label in t["scores"]]
        try:
            while True:
                trial, label = cells[stamp % len(cells)]
                stamp += 1
                if phone.vote(stamp % 101, trial, label, stamp)[0] == 200:
                    answered.append((code, trial, label, stamp % 101, stamp, 0.0))
                time.sleep(0.02)
        except OSError:  # the server is dead
            pass

    with phones.process(folder) as server:
        crowd = [phones.Phone(server) for _ in range(5)]
        threads = [threading.Thread(target=keep_voting, args=[phone]) for phone in crowd]
        for thread in threads:
            thread.start()
        while len(answered) < 60:
            time.sleep(0.01)
        os.kill(server.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
    votes = Votes(folder)
    assert len(answered) >= 60 and phones.lost(votes, answered) == []
    before = votes.counts()
    with phones.process(folder) as server:
        assert f"goes on with {before['votes']} votes of 5 listeners" in "".join(server.lines)
        phone = crowd[0]
        phone.host = server.url.removeprefix("http://")
        assert phone.test()["round"] == votes.round  # the same vote, the same letters
        _code, trial, label, score, stamp, _ = next(
            a for a in reversed(answered) if a[0] == phone.headers["X-Listener"]
        )
        assert phone.vote(score, trial, label, stamp) == (200, {"stored": score})  # sent again
        assert votes.counts() == before
    votes.close()


@pytest.mark.parametrize(("options", "host"), [([], "127.0.0.1"), (["--open"], "0.0.0.0")])
def test_only_on_purpose_it_is_open_to_the_room(folder, options, host):
    with phones.process(folder, *options) as server:
        listening = psutil.Process(server.pid).net_connections("inet")
        assert {c.laddr.ip for c in listening if c.status == psutil.CONN_LISTEN} == {host}
        assert ("make vote OPEN=1" in "".join(server.lines)) == (not options)
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert "Its votes are in" in server.stdout.read()


@pytest.fixture
def course(folder, monkeypatch):
    """The folder that stands in for the course's own, so that no test writes there."""
    monkeypatch.setattr(__main__, "FOLDER", folder)
    return folder


def said(capsys, *arguments):
    assert __main__.main(list(map(str, arguments))) == 1
    text = capsys.readouterr().err.strip()
    assert text.startswith("No vote: ") and "\n" not in text and text.endswith(".")
    return text


def test_a_port_that_is_taken_gets_a_sentence(folder, capsys):
    (taken,) = address.sockets(0, is_open=False)
    port = taken.getsockname()[1]
    text = said(capsys, folder, "--port", port)
    assert f"Port {port} is taken" in text and "make vote PORT=" in text
    taken.close()
    assert list(folder.glob("*.sqlite")) == []  # and no class was begun


def test_what_is_no_folder_of_a_test_gets_a_sentence(tmp_path, folder, capsys):
    assert "No test in" in said(capsys, tmp_path / "nowhere", "--port", 0)
    (folder / "votes_001.sqlite").write_bytes(b"x" * 5000)
    assert "NEW=1" in said(capsys, folder, "--port", 0)
    assert (folder / "votes_001.sqlite").read_bytes() == b"x" * 5000


def test_a_folder_that_cannot_be_written_gets_a_sentence(course, capsys, monkeypatch):
    def refuse(_folder):
        raise PermissionError(13, "Permission denied", "/course/runs/vote")

    monkeypatch.setattr(course_test, "course_test", refuse)
    assert "a folder of your own" in said(capsys, "--port", 0)


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none_gets_a_sentence(port, capsys):
    with pytest.raises(SystemExit):
        __main__.main(["--port", port])
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ([], ""),
        (["OPEN=1", "NEW=1"], "--open --new"),
        (["PORT=8801", "TEST=my test"], "'my test' --port 8801"),
        (["ADDRESS=1.2.3.4"], "--address 1.2.3.4"),
    ],
)
def test_make_vote_hands_on_what_is_wished(given, options):
    done = subprocess.run(
        ["make", "-n", "--old-file=install", "vote", *given],
        cwd=ROOT, capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    _before, line = done.stdout.replace("\\\n", "").strip().split("listening_test.vote")
    assert " ".join(line.split()) == options


def test_the_addresses_are_the_machine_s_own():
    found = address.in_the_room()
    assert "127.0.0.1" not in found and len(set(found)) == len(found)
    assert all(part.isdigit() for one in found for part in one.split("."))
    assert "localhost" in address.names()


def test_the_course_s_test_is_made_once(tmp_path, monkeypatch):
    folder = tmp_path / "course"
    test = read_test(course_test.course_test(folder))
    assert list(test.trials) == ["sentence", "motif"]
    for sounds in test.stimuli.values():
        assert {"reference", "anchor35", "Griffin-Lim", "HiFi-GAN"} < set(sounds)
    made = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    course_test.course_test(folder)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == made
    (folder / "trial2_03.wav").unlink()
    tone = {name: lambda: np.ones(8000, "f4") for name in "xy"}
    monkeypatch.setattr(course_test, "_systems", lambda trial: tone)
    course_test.course_test(folder)  # something is missing: it is made anew
    assert read_test(folder).stimuli == {"sentence": ["x", "y"], "motif": ["x", "y"]}
