"""What the server answers: to phones, to the stage, and to whoever sends something else."""

import json
import time

import phones
import pytest

from lecture_utils.listening_test.vote import guard, handler
from lecture_utils.listening_test.vote.handler import Room


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with phones.running(phones.folder_of_test(tmp_path_factory.mktemp("test"))) as running:
        running.room.votes_of_listener.burst = running.room.requests.burst = 10_000
        yield running


@pytest.fixture
def phone(served):
    return phones.Phone(served)


def sentence(answer, status):
    """The sentence of an answer that refuses."""
    assert answer[0] == status, answer
    text = answer[1]["sentence"]
    assert text.endswith(".") and "\n" not in text and len(text) < 160
    return text


def test_a_phone_votes_and_sees_its_votes_again(served, phone):
    test = phone.test()
    assert test["title"] == "Which is best?" and not test["revealed"]
    assert [t["trial"] for t in test["trials"]] == ["sentence", "motif"]
    assert test["trials"][0]["scores"] == dict.fromkeys("ABCD") and test["trials"][0]["reference"]
    assert test["trials"][0]["names"] is None and test["trials"][0]["means"] is None
    assert phone.vote(30, stamp=1) == (200, {"stored": 30})
    assert phone.vote(30, stamp=1) == (200, {"stored": 30})
    assert phone.vote(72.5, stamp=2) == (200, {"stored": 72.5})
    assert phone.vote(0, trial="motif", label="D", stamp=3) == (200, {"stored": 0})
    name = served.votes.labels(phone.headers["X-Listener"], "sentence")["A"]
    code = phone.headers["X-Listener"]
    assert served.votes.scores_of(code)["sentence", name] == 72.5
    again = phones.Phone(served, code=code).test()  # loaded again, or a second tab
    assert again["trials"][0]["scores"] == {"A": 72.5, "B": None, "C": None, "D": None}
    assert phones.Phone(served).test()["trials"][0]["scores"]["A"] is None


def test_in_the_room_all_have_the_same_numbers(served):
    room = served.votes.labels("room", "sentence")
    for _ in range(3):
        phone = phones.Phone(served, place="room")
        assert list(phone.test()["trials"][0]["scores"]) == ["1", "2", "3", "4"]
        assert phone.vote(11, label="3")[0] == 200
        assert served.votes.scores_of(phone.headers["X-Listener"]) == {("sentence", room["3"]): 11}
    assert "no such sound" in sentence(phone.vote(11, label="A"), 400)


def test_sounds_come_without_their_names(served, phone):
    names = served.votes.labels(phone.headers["X-Listener"], "motif")
    for label, name in [*names.items(), ("reference", "reference")]:
        status, sound = phone.ask("GET", f"/api/sound/1/{label}")
        assert status == 200 and sound == served.room.test.trials["motif"][name].read_bytes()
    for path in ("/api/sound/2/A", "/api/sound/0/E", "/api/sound/0/MelGAN", "/api/sound/-1/A"):
        sentence(phone.ask("GET", path), 404)
    sentence(phone.ask("GET", "/api/sound/9999999999999999999/A"), 404)
    for path in ("/test.json", "/votes_001.sqlite", "/../test.json", "/server.py", "/page.html"):
        sentence(phone.ask("GET", path), 404)


BAD = [
    ({"score": 100.5}, "score: give a number from 0 to 100"),
    ({"score": -1}, "score"),
    ({"score": "50"}, "score"),
    ({"score": True}, "score"),
    ({"score": None}, "score"),
    ({"score": [50]}, "score"),
    ({"score": float("nan")}, "no readable JSON"),
    ({"score": float("inf")}, "no readable JSON"),
    ({"score": 10**400}, "score"),
    ({"trial": "other"}, "no such trial"),
    ({"trial": ["sentence"]}, "no such trial"),
    ({"trial": None}, "no such trial"),
    ({"label": "Z"}, "no such sound"),
    ({"label": "MelGAN"}, "no such sound"),
    ({"label": {"A": 1}}, "label"),
    ({"time_ms": -1}, "time_ms"),
    ({"time_ms": 1.5}, "time_ms"),
    ({"time_ms": 10**9}, "time_ms"),
    ({"stamp": 2**54}, "stamp"),
    ({"stamp": None}, "stamp"),
]


@pytest.mark.parametrize(("change", "words"), BAD, ids=lambda value: str(value)[:20])
def test_a_vote_that_is_none_is_refused(served, phone, change, words):
    assert words in sentence(phone.vote(**change), 400)
    assert served.votes.scores_of(phone.headers["X-Listener"]) == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("7", 400),
        (b"\xff\xfe", 400),
        ("[" * 2000, 400),
        ('{"score": 1e999}', 409),  # no round
        ("x" * 2049, 413),
        (b" " * 60_000, 413),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_a_body_that_is_none_is_refused(phone, body, status):
    sentence(phone.ask("POST", "/api/vote", body), status)


def test_a_very_large_body_is_not_read(served, phone):
    begun = time.monotonic()
    try:
        status = phone.ask("POST", "/api/vote", b" " * 5_000_000)[0]
    except ConnectionError:
        status = 400
    assert status == 400 and time.monotonic() - begun < 5
    assert phone.vote()[0] == 200


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Host": "evil.example"}, 403, "the address of the vote"),
        ({"Origin": "http://evil.example"}, 403, "own page"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "own page"),
        ({"X-Vote": None}, 403, "own page"),
        ({"X-Listener": None}, 400, "code"),
        ({"X-Listener": "a' OR 1=1 --"}, 400, "code"),
        ({"X-Place": "elsewhere"}, 400, "room or own"),
        ({"Content-Type": "text/plain"}, 415, "application/json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
    ],
    ids=str,
)
def test_other_senders_are_refused(served, phone, headers, status, words):
    assert words in sentence(phone.vote(headers=headers), status)
    assert served.votes.scores_of(phone.headers["X-Listener"]) == {}


def test_other_addresses_and_methods_are_refused(phone):
    sentence(phone.ask("GET", "/nothing"), 404)
    sentence(phone.ask("POST", "/"), 405)
    sentence(phone.ask("GET", "/api/vote"), 405)
    sentence(phone.ask("PUT", "/api/vote"), 405)
    sentence(phone.ask("OPTIONS", "/api/vote"), 405)  # so no other site may set X-Vote


def test_the_pages_name_no_other_host_and_allow_none(served):
    import urllib.request

    for name in ("", "page.js", "page.css", "sounds.js", "stage.js"):
        with urllib.request.urlopen(f"{served.url}/{name}") as answer:
            text, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
        assert "//" not in text.replace("// ", "") and "default-src 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_too_many_votes_at_once_wait(served):
    phone = phones.Phone(served)
    phone.test()
    served.room.votes_of_listener = guard.Limit(0.001, 3)
    answers = [phone.vote(n, stamp=n)[0] for n in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    assert phones.Phone(served).vote()[0] == 200  # another phone
    served.room.votes_of_listener = guard.Limit(1000, 1000)
    served.room.votes_of_address = guard.Limit(0.001, 2)  # another code each time helps nobody
    assert [phones.Phone(served).vote()[0] for _ in range(3)] == [200, 200, 429]
    served.room.votes_of_address = guard.Limit(1000, 1000)
    before, served.room.requests = served.room.requests, guard.Limit(0.001, 2)
    assert [phone.ask("GET", "/api/state")[0] for _ in range(3)] == [200, 200, 429]
    served.room.requests = before


def stage(served, key=None, **headers):
    phone = phones.Phone(served)
    del phone.headers["X-Listener"], phone.headers["X-Place"]
    phone.headers |= headers | ({"Cookie": f"vote={key}"} if key else {})
    return phone


def test_the_stage_shows_counts_but_no_scores(served, phone):
    phone.vote(37)
    status, found = stage(served).ask("GET", "/stage/progress")
    assert status == 200 and found["counts"] == served.votes.counts()
    assert found["means"] is found["names"] is None and not found["may_reveal"]
    text = json.dumps(found["numbers"])
    assert not any(name in text for name in phones.STIMULI) and served.votes.key not in str(found)
    assert stage(served, served.votes.key).ask("GET", "/stage/progress")[1]["may_reveal"]
    status, code = stage(served).ask("GET", "/stage/code.svg", headers={"X-Vote": None})
    assert status == 200 and code.startswith(b"<?xml")
    names = served.votes.labels("room", "motif")
    sound = stage(served).ask("GET", "/stage/sound/1/2")[1]
    assert sound == served.room.test.trials["motif"][names["2"]].read_bytes()


def test_the_key_moves_from_the_address_to_a_cookie(served):
    phone = stage(served)
    import http.client

    connection = http.client.HTTPConnection(phone.host)
    connection.request("GET", f"/stage?key={served.votes.key}")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (302, "/stage")
    cookie = answer.getheader("Set-Cookie")
    assert served.votes.key in cookie and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    connection.close()
    connection.request("GET", "/stage?key=wrong")
    answer = connection.getresponse()
    assert answer.status == 302 and answer.getheader("Set-Cookie") is None
    connection.close()


def test_from_another_machine_the_stage_needs_the_key(served, monkeypatch):
    monkeypatch.setattr(handler.address, "LOOPBACK", "none")
    for path in ("/stage", "/stage/progress", "/stage/code.svg", "/stage/sound/0/1"):
        assert "for the instructor" in sentence(stage(served).ask("GET", path), 403)
        assert "for the instructor" in sentence(stage(served, "wrong").ask("GET", path), 403)
        assert stage(served, served.votes.key).ask("GET", path)[0] == 200


def test_a_full_disk_is_answered_and_nothing_is_lost(served, capfd):
    database, stored = served.votes._database, []
    served.room.votes_of_address = guard.Limit(1000, 1000)
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count={pages}")
    for _ in range(500):
        phone = phones.Phone(served)
        answer = phone.vote(61)
        if answer[0] != 200:
            break
        stored.append(phone.headers["X-Listener"])
    assert "full" in sentence(answer, 503) and "kept on this phone" in answer[1]["sentence"]
    assert phones.Phone(served).vote()[0] == 503
    assert all(61 in served.votes.scores_of(code).values() for code in stored) and stored
    database.execute("PRAGMA max_page_count=10000")
    assert phone.vote(61) == (200, {"stored": 61})
    told = capfd.readouterr().err
    assert told.count("database or disk is full") == 1 and told.count("stored again") == 1


def test_a_file_that_is_damaged_meanwhile_is_answered_and_kept(tmp_path, capfd):
    folder = phones.folder_of_test(tmp_path)
    with phones.running(folder) as running:
        for n in range(300):
            running.votes.vote(f"{n:016x}", "sentence", "MelGAN", 5, 0, "own", 1)
        running.votes._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(running.votes.path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        running.votes.path.write_bytes(content)
        running.votes._database.execute("PRAGMA shrink_memory")  # it reads the file again
        phone = phones.Phone(running)
        phone.round = running.votes.round
        assert "malformed" in sentence(phone.vote(), 503)
        sentence(phone.ask("GET", "/api/test"), 503)
        assert running.votes.path.read_bytes() == content
    assert "malformed" in capfd.readouterr().err


def test_votes_after_the_reveal_and_of_another_vote(tmp_path):
    folder = phones.folder_of_test(tmp_path)
    with phones.running(folder) as first:
        phone, other = phones.Phone(first), phones.Phone(first)
        phone.vote(40, stamp=1), other.vote(60, stamp=1)
        sentence(stage(first).ask("POST", "/stage/reveal"), 403)  # no key, though on this machine
        sentence(stage(first, "wrong").ask("POST", "/stage/reveal"), 403)
        host = stage(first, first.votes.key, Origin="http://evil.example")
        sentence(host.ask("POST", "/stage/reveal"), 403)
        assert not first.votes.revealed
        assert stage(first, first.votes.key).ask("POST", "/stage/reveal")[0] == 200
        assert "no longer taken" in sentence(phone.vote(90, stamp=2), 409)
        assert "no longer taken" in sentence(phones.Phone(first).vote(90), 409)
        test = phone.test()
        code = phone.headers["X-Listener"]
        assert test["revealed"] and test["trials"][0]["scores"]["A"] == 40
        assert test["trials"][0]["names"] == first.votes.labels(code, "sentence")
        found = stage(first).ask("GET", "/stage/progress")[1]
        assert found["means"] == first.votes.means() and found["names"]
    with phones.running(folder) as second:  # the next class; the first one's page is still open
        phone.host = second.url.removeprefix("http://")
        assert "a vote that is over" in sentence(phone.vote(90, stamp=3), 409)
        assert second.votes.counts()["votes"] == 0
        assert phone.ask("GET", "/api/state")[1] == {"round": second.votes.round, "revealed": False}


def test_sixty_phones_at_once(served):
    import asyncio

    served.room.votes_of_address = guard.Limit(10_000, 10_000)
    codes, answered = [f"{n:016x}" for n in range(60)], []
    assert asyncio.run(phones.crowd(served.url, codes, 1, answered, pause=0.01)) == []
    assert len(answered) >= 60 * 8 and phones.lost(served.votes, answered) == []
    stored = [len(served.votes.scores_of(code)) for code in codes]
    assert stored == [8] * 60


def test_a_room_holds_all_sounds(served):
    sounds = Room(served.room.test, served.votes, "").sounds
    assert {kind for _sound, kind in sounds.values()} == {"audio/wav"} and len(sounds) == 8
