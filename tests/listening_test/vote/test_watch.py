"""The votes in the notebook: how to begin without any, then their number, then the names."""

import asyncio

import ipywidgets
import phones
import pytest

from lecture_utils.listening_test.vote import read_test, watch
from lecture_utils.listening_test.vote.votes import begin

module = watch.__globals__


@pytest.fixture
def shown(monkeypatch):
    """The boxes that a cell shows, and the HTML of their copies."""
    boxes = []
    monkeypatch.setattr(
        module["live"].Box, "show", lambda box, page, text: boxes.append((box, page))
    )
    return boxes


@pytest.fixture
def votes(tmp_path):
    made = begin(tmp_path, read_test(phones.folder_of_test(tmp_path)))
    yield made
    made.close()


def test_without_votes_it_says_how_to_begin(tmp_path, shown):
    assert watch(tmp_path) is None
    ((box, page),) = shown
    assert "make vote OPEN=1" in page and box.children[1].layout.display == "none"


def test_votes_arrive_and_the_button_reveals(votes, shown):
    async def lesson():
        watch(votes.path, seconds=0.01)
        ((box, page),) = shown
        text, button = box.children[:2]
        assert isinstance(button, ipywidgets.Button) and "Ratings: 0." in page
        votes.vote("a", "sentence", "MelGAN", 83, 0, "own", 1)
        votes.vote("a", "motif", "reference", 7, 0, "own", 2)
        for _ in range(300):
            if "Listeners: 1;" in text.value:
                break
            await asyncio.sleep(0.01)
        assert "Ratings: 2." in text.value and "83" not in text.value and "MelGAN" not in text.value
        assert not votes.revealed
        button.click()
        assert votes.revealed and "MelGAN" in text.value and ">83<" in text.value
        for _ in range(300):
            if not module["_following"]:
                break
            await asyncio.sleep(0.01)
        assert not module["_following"] and button.layout.display == "none"  # the loop has ended

    asyncio.run(lesson())


def test_names_are_shown_as_text(tmp_path):
    folder = phones.folder_of_test(tmp_path, trials=["<i>one"], stimuli=["<b>x", "y"])
    votes = begin(folder, read_test(folder))
    votes.vote("a", "<i>one", "<b>x", 5, 0, "own", 1)
    votes.reveal()
    page = module["picture"](votes)
    assert "&lt;b&gt;x" in page and "<b>x" not in page and "<i>" not in page
    votes.close()
