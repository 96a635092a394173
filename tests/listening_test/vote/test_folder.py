"""A listening test on disk: written whole, read again; what is broken gets a sentence."""

import json

import numpy as np
import phones
import pytest

from lecture_utils import audio
from lecture_utils.listening_test.vote import read_test, write_test

RATE = 8000
X = (0.1 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype("f4")


def test_what_is_written_is_read(tmp_path):
    folder = write_test(
        tmp_path / "new", {"a ": {"reference": X, "soft and short": 0.1 * X[:4000]}}, RATE,
        name="mine", title="Which?",
    )  # fmt: skip
    test = read_test(folder)
    assert (test.name, test.title) == ("mine", "Which?")
    assert test.stimuli == {"a": ["reference", "soft and short"]}
    loud, soft = (audio.read(path)[0] for path in test.trials["a"].values())
    assert len(loud) == len(soft) == len(X)  # the length must not tell them apart
    assert not soft[4000:].any()
    assert audio.level_db(soft[:4000]) == pytest.approx(audio.level_db(loud), abs=2)  # not 20
    assert all(path.name.startswith("trial1_") for path in test.trials["a"].values())


def test_a_second_test_replaces_the_first_and_keeps_votes(tmp_path):
    write_test(tmp_path, {"a": {"x": X, "y": X}}, RATE)
    (tmp_path / "votes_001.sqlite").write_text("kept")
    write_test(tmp_path, {"b": {"x": X, "y": X, "z": X}}, RATE)
    assert read_test(tmp_path).stimuli == {"b": ["x", "y", "z"]}
    assert (tmp_path / "votes_001.sqlite").read_text() == "kept"


@pytest.mark.parametrize(
    ("trials", "error", "words"),
    [
        ([1], TypeError, "a dict of trials"),
        ({"a": X}, TypeError, "a dict of trials"),
        ({}, ValueError, "0 given"),
        ({"a": {"x": X}}, ValueError, "1 stimuli; give 2"),
        ({"a": {str(n): X for n in range(13)}}, ValueError, "13 stimuli"),
        ({str(n): {"x": X, "y": X} for n in range(13)}, ValueError, "13 given"),
        ({"a": {"x": X, "x ": X}}, ValueError, "the same name"),
        ({"a": {"x": X, "y": X}, "a ": {"x": X, "y": X}}, ValueError, "the same name"),
        ({"": {"x": X, "y": X}}, ValueError, "1 to 80 characters"),
        ({"a": {"x\n": X, "y\0": X}}, ValueError, "1 to 80 characters"),
        ({"a": {3: X, "y": X}}, TypeError, "a name as text"),
        ({"a": {"x": X, "y": X[:0]}}, ValueError, "'y'"),
        ({"a": {"x": X, "y": X * np.nan}}, ValueError, "'y'"),
    ],
)
def test_what_is_no_test_is_refused(tmp_path, trials, error, words):
    with pytest.raises(error) as caught:
        write_test(tmp_path / "t", trials, RATE)
    sentence = str(caught.value)
    assert words in sentence and "\n" not in sentence
    assert not (tmp_path / "t").exists()  # nothing half written


def damaged(folder, change):
    phones.folder_of_test(folder)
    about = json.loads((folder / "test.json").read_text())
    change(folder, about)
    (folder / "test.json").write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda f, a: a.pop("trials"), ValueError, "is damaged"),
        (lambda f, a: a.update(test=7), ValueError, "is damaged"),
        (lambda f, a: a.update(trials={"a": [1, 2]}), ValueError, "is damaged"),
        (lambda f, a: a["trials"]["motif"].update(MelGAN="../x.wav"), ValueError, "in .* itself"),
        (lambda f, a: a["trials"]["motif"].update(MelGAN="x.mp3"), ValueError, "WAV or FLAC"),
        (lambda f, a: a["trials"]["motif"].update(MelGAN=3), ValueError, "WAV or FLAC"),
        (lambda f, a: (f / "motif_2.wav").unlink(), FileNotFoundError, "motif_2.wav is missing"),
        (lambda f, a: (f / "motif_2.wav").write_text("text"), ValueError, "no WAV or FLAC file"),
    ],
)
def test_a_damaged_folder_gets_a_sentence(tmp_path, change, error, words):
    damaged(tmp_path, change)
    with pytest.raises(error, match=words):
        read_test(tmp_path)


def test_no_test_and_broken_json(tmp_path):
    with pytest.raises(FileNotFoundError, match="write one with vote.write_test"):
        read_test(tmp_path)
    (tmp_path / "test.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        read_test(tmp_path)


def test_sounds_too_large_for_a_network_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("lecture_utils.listening_test.vote.folder.MOST_BYTES", 60_000)
    phones.folder_of_test(tmp_path)  # eight sounds of 8 kB
    with pytest.raises(ValueError, match="at most"):
        read_test(tmp_path)
