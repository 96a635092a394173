"""The votes' file: the newest vote of each counts, nothing is doubled, overwritten or lost."""

import sqlite3

import phones
import pytest

from lecture_utils.listening_test import ratings
from lecture_utils.listening_test.vote import Votes, latest, read_test
from lecture_utils.listening_test.vote import votes as module
from lecture_utils.listening_test.vote.votes import VoteRefused, begin


@pytest.fixture
def votes(tmp_path):
    made = begin(tmp_path, read_test(phones.folder_of_test(tmp_path)))
    yield made
    made.close()


def vote(votes, listener="a", score=50.0, stamp=1, trial="sentence", stimulus="MelGAN"):
    return votes.vote(listener, trial, stimulus, score, 1000, "own", stamp)


def test_the_newest_vote_counts_in_whatever_order_they_come(votes):
    assert vote(votes, score=10, stamp=5) == 10
    assert vote(votes, score=10, stamp=5) == 10  # sent again
    assert vote(votes, score=30, stamp=7) == 30
    assert vote(votes, score=20, stamp=6) == 30  # an older one that was held up
    assert vote(votes, "b", 1, 1) == 1
    assert votes.scores_of("a") == {("sentence", "MelGAN"): 30}
    assert votes.counts() == {
        "listeners": 2, "finished": 0, "votes": 2, "trials": {"sentence": 2, "motif": 0}
    }  # fmt: skip


def test_counts_who_has_rated_everything(votes):
    for trial, stimuli in votes.stimuli.items():
        for stimulus in stimuli:
            assert votes.counts()["finished"] == 0
            vote(votes, trial=trial, stimulus=stimulus)
    assert votes.counts()["finished"] == 1


def test_after_the_reveal_no_vote_is_taken_not_even_by_another_program(votes):
    vote(votes, score=40)
    with pytest.raises(ValueError, match=r"votes.reveal\(\)"):
        votes.ratings()
    notebook = Votes(votes.path)
    rows = notebook.reveal()
    assert rows == [ratings.Rating("tones", "a", "sentence", "MelGAN", 40.0, 1000, "own")]
    assert votes.revealed and votes.reveal() == rows
    with pytest.raises(VoteRefused, match="no longer taken"):
        vote(votes, score=90, stamp=9)
    assert votes.ratings() == rows and votes.means() == {"sentence": {"MelGAN": 40}, "motif": {}}
    notebook.close()


def test_ratings_are_saved_in_the_columns_of_the_course(votes, tmp_path):
    for listener, score in (("a", 40), ("b", 60.5)):
        vote(votes, listener, score)
        vote(votes, listener, 100, stimulus="reference")
    rows = votes.reveal()
    assert ratings.read(votes.save(tmp_path / "class.csv"), "tones") == rows
    assert votes.means()["sentence"] == {"MelGAN": 50.25, "reference": 100}


def test_letters_are_random_for_each_and_stay(votes, tmp_path):
    codes = [f"{n:016x}" for n in range(40)]
    orders = {code: votes.labels(code, "sentence") for code in codes}
    assert all(list(order) == ["A", "B", "C", "D"] for order in orders.values())
    assert all(sorted(o.values()) == sorted(phones.STIMULI) for o in orders.values())
    assert len({tuple(order.values()) for order in orders.values()}) > 10
    first = [list(order.values()).index("reference") for order in orders.values()]
    assert set(first) == {0, 1, 2, 3}
    assert votes.labels("room", "motif").keys() == {"1", "2", "3", "4"}
    again = Votes(votes.path)  # as after a restart
    assert again.labels(codes[0], "sentence") == orders[codes[0]] and again.key == votes.key
    other = begin(tmp_path, read_test(tmp_path), new=True)
    assert any(other.labels(code, "sentence") != orders[code] for code in codes)
    again.close(), other.close()


def test_a_new_class_gets_a_new_file(votes, tmp_path):
    test = read_test(tmp_path)
    vote(votes)
    same = begin(tmp_path, test)
    assert same.round == votes.round and same.counts()["votes"] == 1
    same.reveal(), same.close()
    second = begin(tmp_path, test)
    assert (second.path.name, second.counts()["votes"]) == ("votes_002.sqlite", 0)
    third = begin(tmp_path, test, new=True)
    phones.folder_of_test(tmp_path, stimuli=["x", "y"])
    fourth = begin(tmp_path, read_test(tmp_path))
    assert fourth.path.name == "votes_004.sqlite" and fourth.stimuli["motif"] == ["x", "y"]
    assert len({one.round for one in (votes, second, third, fourth)}) == 4
    newest = latest(tmp_path)
    assert newest.round == fourth.round
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".votes")] == []
    for one in (second, third, fourth, newest):
        one.close()


def test_what_cannot_be_stored_changes_nothing(votes):
    vote(votes, score=40)
    (pages,) = votes._database.execute("PRAGMA page_count").fetchone()
    votes._database.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own full disk
    stored, error = 1, None
    while error is None:
        try:
            vote(votes, f"listener {stored}")
            stored += 1
        except sqlite3.OperationalError as found:
            error = found
    assert "full" in str(error) and votes.counts()["votes"] == stored
    votes._database.execute("PRAGMA max_page_count=1000")
    assert vote(votes, "later", 7) == 7 and votes.counts()["votes"] == stored + 1


def test_a_file_that_was_moved_takes_no_vote(votes):
    votes.path.rename(votes.path.with_name("elsewhere"))
    with pytest.raises(sqlite3.OperationalError, match="moved or deleted"):
        vote(votes)


def test_no_vote_leaves_a_transaction_open(votes):
    with pytest.raises(sqlite3.IntegrityError):
        vote(votes, score=101)
    assert votes.counts()["votes"] == 0 and vote(votes) == 50


def test_a_prank_does_not_fill_the_disk(votes, monkeypatch):
    monkeypatch.setattr(module, "MOST_LISTENERS", 3)
    for listener in "abc":
        vote(votes, listener)
    with pytest.raises(VoteRefused, match="no more fit in"):
        vote(votes, "d")
    assert vote(votes, "a", 70, 2) == 70


def test_no_votes_and_no_file_of_votes(tmp_path):
    assert latest(tmp_path) is None and latest(tmp_path / "nowhere") is None
    with pytest.raises(FileNotFoundError, match="make vote OPEN=1"):
        Votes(tmp_path)
    (tmp_path / "votes_007.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(ValueError, match="can't be read as votes"):
        Votes(tmp_path)
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE x (y)").connection.close()
    with pytest.raises(ValueError, match="left as it is"):
        Votes(tmp_path / "other.sqlite")


def test_a_damaged_file_is_kept_and_a_new_one_begun(votes, tmp_path):
    for n in range(300):
        vote(votes, f"listener {n}")
    votes.close()
    content = bytearray(votes.path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    votes.path.write_bytes(content)
    test = read_test(tmp_path)
    with pytest.raises(ValueError, match="NEW=1"):
        begin(tmp_path, test)
    new = begin(tmp_path, test, new=True)
    assert new.path.name == "votes_002.sqlite" and votes.path.read_bytes() == content
    new.close()


def test_a_folder_that_takes_no_file_gets_a_sentence(tmp_path):
    test = read_test(phones.folder_of_test(tmp_path))
    with pytest.raises(OSError, match="use a folder of your own"):
        begin(tmp_path / "nowhere", test)
