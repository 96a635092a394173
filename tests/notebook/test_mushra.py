"""Pages of a listening test from Python: what they hold, hide and refuse, and what comes back."""

import base64
import json
import re

import numpy as np
import pytest

from lecture_utils.listening_test import Rating, of_page
from lecture_utils.notebook import listen, mushra

SR = 16000
TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(SR) / SR).astype(np.float32)
SOUNDS = {"secret1": 0.1 * TONE, "reference": TONE, "secret2": 0.5 * TONE}


def page(**options):
    return mushra.rate(SOUNDS, SR, "course", "sentence", "How good?", **options)


def test_levels_are_matched_to_the_reference_and_names_hidden():
    made = page(seed=5)
    assert json.loads(base64.b64decode(made.spec["hidden"][::-1])) == [
        *("reference", "secret1", "secret2")
    ]
    text = made.static()._repr_html_()
    assert "secret" not in text and "secret" not in repr(made)
    levels = [np.abs(x).max() for x, _ in listen.clips(text)]
    assert levels == pytest.approx([0.3] * 3, abs=2e-3)
    spec = {key: made.spec[key] for key in ("blind", "test", "trial", "seed", "training")}
    assert spec == {"blind": "mushra", "test": "course", "trial": "sentence", "seed": 5,
                    "training": False}  # fmt: skip
    assert repr(made).startswith("TestPage: How good?")


def test_practice_page_has_its_names_where_it_does_not_run():
    assert "secret1: " in page(training=True).static()._repr_html_()


def test_nothing_comes_from_elsewhere():
    text = page().static()._repr_html_()
    assert re.findall(r"https?://|<script src|@import|url\(", text) == []


def test_what_the_page_reports_becomes_ratings():
    made = page()
    made.rows = [["course", "ab12", "sentence", "reference", 97, 61000, ""]]
    assert of_page(made) == [Rating("course", "ab12", "sentence", "reference", 97.0, 61000.0)]
    made.rows = [["course", "ab12", "sentence", "reference", 197, 61000, ""]]
    with pytest.raises(ValueError, match="out of range"):
        of_page(made)
    made.close()
    assert made.clips == []


def test_pairs_tell_how_many_are_by_people():
    made = mushra.pairs({"p": TONE}, {"m": TONE, "n": TONE}, SR, "course", "people", "Which?")
    assert made.spec["people"] == 1 and made.spec["blind"] == "pairs" and len(made.clips) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sounds": [TONE]}, "give a dict of version: sound"),
        ({"sounds": {"a": TONE, "b": TONE, "c": TONE}}, "no 'reference' among them"),
        ({"sounds": {"reference": TONE, "b": TONE}}, "2 versions given; a page takes 3 to 12"),
        ({"sounds": {"reference": TONE} | {str(k): TONE for k in range(12)}}, "13 versions given"),
        ({"sounds": SOUNDS | {"secret1": [np.nan]}}, "'secret1': sample 0 is nan"),
        ({"test": ""}, "test='': give a name of letters"),
        ({"trial": "a/b"}, "trial='a/b': give a name of letters"),
        ({"test": 3}, "test=3: give a name as text"),
        ({"seed": -1}, "seed=-1"),
        ({"training": "yes"}, "training='yes': give True or False"),
    ],
)
def test_bad_input_gets_one_sentence(change, message):
    good = {"sounds": SOUNDS, "sample_rate": SR, "test": "t", "trial": "p", "caption": "How good?"}
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as error:
        mushra.rate(**good | change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("people", "machines", "message"),
    [
        ({}, {"m": TONE}, "people: give a dict of name: sound"),
        ({"p": TONE}, [TONE], "machines: give a dict of name: sound"),
        ({"p": TONE, "q": TONE}, {"q": TONE}, "['q'] stand on both sides"),
    ],
)
def test_bad_pairs_get_one_sentence(people, machines, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        mushra.pairs(people, machines, SR, "course", "people", "Which?")
