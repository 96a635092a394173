"""Ratings: written whole, read in the columns of webMUSHRA, merged; what is broken is told."""

import os

import numpy as np
import pytest

from lecture_utils.listening_test import merging, ratings
from lecture_utils.listening_test.ratings import Rating


def page(listener="a1", scores=(100, 20, 60), test="course", trial="sentence"):
    stimuli = ("reference", "anchor35", "HiFi-GAN, ours")
    return [
        Rating(test, listener, trial, stimulus, score, 4000, "")
        for stimulus, score in zip(stimuli, scores, strict=True)
    ]


def saved(folder, name, rows, when=None):
    path = ratings.save(rows, folder / name)
    if when is not None:
        os.utime(path, (when, when))
    return path


def test_what_is_saved_is_read_again(tmp_path):
    rows = page(scores=(99.5, 0, 100))
    rows[2] = rows[2]._replace(rating_comment='hoarse, "like" wind\nand rain')
    path = saved(tmp_path, "a.csv", rows)
    assert path.read_text().splitlines()[:2] == [
        "session_test_id,session_uuid,trial_id,rating_stimulus,rating_score,rating_time,"
        "rating_comment",
        "course,a1,sentence,reference,99.5,4000,",
    ]
    read = ratings.read(path, "course")
    assert read[:2] == rows[:2] and read[2].rating_comment == 'hoarse, "like" wind and rain'
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_files_of_webmushra_and_of_windows_are_read(tmp_path):
    header = "session_test_id,email,age,session_uuid,trial_id,rating_stimulus,rating_score,"
    header += "rating_time,rating_comment"
    text = f"\ufeff{header}\r\ncourse,x@y.z,20,a1,motif,reference,88,,\r\n\r\n"
    (tmp_path / "w.csv").write_text(text, newline="")
    assert ratings.read(tmp_path / "w.csv") == [Rating("course", "a1", "motif", "reference", 88.0)]


GOOD = ratings.to_csv(page())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        (GOOD[: len(GOOD) // 2], "the last line is cut off"),
        (GOOD[:-1], "the last line is cut off"),
        (GOOD[: len(GOOD) // 2] + "\n", "the file is cut off or was changed"),
        (GOOD.split("\n")[0] + "\n", "has no rating in it"),
        (GOOD.replace(",", ";"), "It uses semicolons"),
        (GOOD.replace("rating_score", "points"), "no column rating_score"),
        ("trial,A,B\n1,2,3\n", "no column session_test_id"),
        (GOOD.replace(",100,", ",101,"), "rating_score: 101 is out of range"),
        (GOOD.replace(",100,", ",-1,"), "out of range"),
        (GOOD.replace(",100,", ",nan,"), "'nan' is not a number"),
        (GOOD.replace(",100,", ",good,"), "line 2: rating_score: 'good' is not a number"),
        (GOOD.replace(",4000,", ",-5,"), "rating_time: -5 is negative"),
        (GOOD.replace("a1,", ",", 1), "session_uuid: give a name"),
        (GOOD.replace("anchor35", "x" * 81), "rating_stimulus: give a name of 1 to 80"),
        (GOOD.replace("anchor35", "reference"), "'reference' in 'sentence' is rated twice by a1"),
        (GOOD.replace("course,", "other,"), "belongs to the test 'other', not to 'course'"),
        (GOOD.replace("sentence", '"sent', 1), "no CSV table"),
    ],
)
def test_broken_files_are_refused_with_one_sentence(tmp_path, text, words):
    (tmp_path / "broken.csv").write_text(text, newline="")
    with pytest.raises(ValueError, match="broken.csv") as error:
        ratings.read(tmp_path / "broken.csv", "course")
    assert words in str(error.value) and "\n" not in str(error.value)


def test_files_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "sound.csv").write_bytes(b"RIFF\xff\xfe\x00")
    with pytest.raises(ValueError, match="no text in UTF-8"):
        ratings.read(tmp_path / "sound.csv")
    (tmp_path / "large.csv").write_bytes(b"x" * (ratings.MAX_BYTES + 1))
    with pytest.raises(ValueError, match="larger than 5 MB"):
        ratings.read(tmp_path / "large.csv")
    with pytest.raises(FileNotFoundError, match="No file"):
        ratings.read(tmp_path / "none.csv")


def test_nothing_is_saved_by_halves(tmp_path):
    with pytest.raises(ValueError, match="no rating to save"):
        ratings.save([], tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError, match="make it first"):
        ratings.save(page(), tmp_path / "none" / "a.csv")
    bad = [*page(), Rating("course", "a1", "motif", "reference", 200)]
    with pytest.raises(ValueError, match="out of range"):
        ratings.save(bad, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_ratings_of_others_are_not_overwritten(tmp_path):
    path = saved(tmp_path, "a.csv", page("a1"))
    with pytest.raises(ValueError, match="holds ratings of others"):
        ratings.save(page("b2"), path)
    ratings.save([*page("a1", (90, 1, 2)), *page("b2")], path)  # the same and more
    assert {row.session_uuid for row in ratings.read(path)} == {"a1", "b2"}


def test_a_folder_is_merged_and_what_is_broken_is_told(tmp_path):
    for k in range(4):
        saved(tmp_path, f"{k}.csv", page(f"listener{k}"))
    saved(tmp_path, "other.csv", page("e5", test="other"))
    (tmp_path / "half.csv").write_text(GOOD[:150])
    (tmp_path / "notes.txt").write_text("not a table")
    merged = merging.merge(tmp_path, "course")
    assert len(merged.ratings) == 12
    assert len(merged.notes) == 2
    assert any("half.csv: the last line is cut off" in note for note in merged.notes)
    assert any("other.csv, line 2: it belongs to the test 'other'" in n for n in merged.notes)


def test_the_newer_of_two_files_counts(tmp_path):
    saved(tmp_path, "z.csv", page("a1", (1, 2, 3)), when=1_000)
    saved(tmp_path, "b.csv", [*page("a1", (100, 50, 0)), *page("b2")], when=2_000)
    merged = merging.merge(tmp_path, "course")
    scores = {r.rating_stimulus: r.rating_score for r in merged.ratings if r.session_uuid == "a1"}
    assert scores == {"reference": 100, "anchor35": 50, "HiFi-GAN, ours": 0}
    assert merged.notes[0] == (
        "Two files of listener a1: b.csv is newer and counts, z.csv does not."
    )


def test_few_listeners_and_missing_scores_are_told(tmp_path):
    saved(tmp_path, "a.csv", [*page("a1"), *page("b2"), *page("c3")[:2]])
    notes = merging.merge(tmp_path, "course").notes
    assert notes[0] == "Listener c3 rated 2 of 3 stimuli of 'sentence'; they are kept."
    assert notes[1].startswith("Only 3 listeners: this proves nothing.")
    assert merging.too_few(4) == [] and "1 listener:" in merging.too_few(1)[0]


def test_empty_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no CSV file in this folder"):
        merging.merge(tmp_path, "course")
    with pytest.raises(FileNotFoundError, match="No folder"):
        merging.merge(tmp_path / "none", "course")
    (tmp_path / "a.csv").write_text("")
    merged = merging.merge(tmp_path, "course")  # all broken: nothing is left, and that is said
    assert merged.ratings == [] and merged.notes[1].startswith("Only 0 listeners")


def test_a_trial_becomes_a_table():
    rows = [*page("a1", (100, 20, 60)), *page("b2", (90, 10, 50))[::-1][:2]]
    listeners, stimuli, scores = ratings.table(rows, "sentence")
    assert listeners == ["a1", "b2"] and stimuli == ["reference", "anchor35", "HiFi-GAN, ours"]
    np.testing.assert_array_equal(scores, [[100, 20, 60], [np.nan, 10, 50]])
    with pytest.raises(ValueError, match="no ratings of it; there are: sentence"):
        ratings.table(rows, "motif")
    with pytest.raises(ValueError, match="give 7 values"):
        ratings.checked(("course", "a1"))
