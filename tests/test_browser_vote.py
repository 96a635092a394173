"""The vote of a class in a real browser: phones of 320 px, and the stage."""

import os
import time

import browser
import phones
import pytest
from playwright.sync_api import expect

#: Phones that vote at once; more with PHONES=60.
PHONES = int(os.environ.get("PHONES", "3"))


@pytest.fixture
def folder(tmp_path):
    return phones.folder_of_test(tmp_path / "test", seconds=20)  # none begins anew


class Phone:
    """A phone with a memory of its own; ``tab()`` opens the vote's page in it."""

    def __init__(self, chrome):
        self.context = chrome.new_context(viewport={"width": 320, "height": 640}, has_touch=True)
        self.context.set_default_timeout(15_000)
        self.errors, self.hosts = [], set()

    def tab(self, server, place="on this phone"):
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        page.goto(server.url)
        if place:
            page.get_by_label(place).check()
        return page

    def close(self, *servers):
        assert self.errors == []
        assert {host for host in self.hosts if host} == {s.url.split("/")[2] for s in servers}
        self.context.close()

    def code(self, page):
        return page.evaluate("listener()")


def slider(page, label):
    return page.get_by_role("slider", name=f"Rating of {label}, 0 to 100")


def rate(page, label, score):
    """Move a slider as a finger does: it tells its value when it is let go."""
    slider(page, label).evaluate(
        "(s, value) => { s.value = value; s.dispatchEvent(new Event('input')); "
        "s.dispatchEvent(new Event('change')); }",
        score,
    )


def play(page, label):
    button = page.get_by_role("button", name=f"Play {label}", exact=True)
    expect(button).to_be_enabled()
    button.click()


def until(page, script, timeout=15):
    """Wait until a script is true; Playwright's own way is refused by the page's policy."""
    end = time.monotonic() + timeout
    while not page.evaluate(script):
        assert time.monotonic() < end, script
        page.wait_for_timeout(20)


def stored(server, code):
    """What the server has of a listener: letter -> score of the first trial."""
    scores, names = server.votes.scores_of(code), server.votes.labels(code, "sentence")
    found = {label: scores.get(("sentence", name)) for label, name in names.items()}
    return {label: score for label, score in found.items() if score is not None}


def status(page, text):
    expect(page.locator("#status")).to_have_text(text)


def test_a_phone_plays_rates_reloads_and_opens_a_second_tab(chrome, folder):
    with phones.running(folder) as server:
        phone = Phone(chrome)
        page = phone.tab(server)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert not any(name in page.content() for name in phones.STIMULI[1:])
        expect(slider(page, "A")).to_be_disabled()  # play it first
        play(page, "A")
        expect(slider(page, "A")).to_be_enabled()
        expect(slider(page, "B")).to_be_disabled()
        until(page, "sounds.players.get('A').currentTime > 0.2")
        play(page, "B")  # goes on at the same moment, and A is silent
        until(page, "!sounds.players.get('B').paused")
        moment = page.evaluate("[...'AB'].map((l) => sounds.players.get(l).currentTime)")
        assert moment[1] >= moment[0] > 0.2 and page.evaluate("sounds.players.get('A').paused")
        pressed = page.get_by_role("button", pressed=True)
        assert pressed.all_inner_texts() == ["B"]
        rate(page, "A", 81)
        slider(page, "B").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        status(page, "2 of 8 rated and stored.")
        code = phone.code(page)
        assert stored(server, code) == {"A": 81, "B": 53}
        page.reload()
        status(page, "2 of 8 rated and stored.")
        expect(slider(page, "A")).to_have_value("81")
        expect(page.locator("#value-C")).to_have_text("not rated")
        second = phone.tab(server, place=None)
        expect(slider(second, "B")).to_have_value("53")
        rate(second, "A", 12)
        status(second, "2 of 8 rated and stored.")
        page.evaluate("look()")  # as when the first tab is looked at again
        expect(slider(page, "A")).to_have_value("12")
        assert phone.code(second) == code and stored(server, code) == {"A": 12, "B": 53}
        assert server.votes.counts()["listeners"] == 1
        phone.close(server)


def test_a_rating_waits_on_the_phone_while_the_server_is_away(chrome, folder):
    phone, other = Phone(chrome), Phone(chrome)
    with phones.running(folder) as server:
        page, stays = (one.tab(server, "room's loudspeakers") for one in (phone, other))
        rate(page, "Sound 1", 30)
        status(page, "1 of 8 rated and stored.")
    rate(stays, "Sound 1", 99)
    rate(page, "Sound 2", 64)
    rate(page, "Sound 2", 65)
    expect(page.locator("#trouble")).to_contain_text("The server does not answer.")
    status(page, "1 of your ratings waits to be stored.")
    page.close()  # the rating stays on the phone
    with phones.running(folder, port=server.port) as server:
        page = phone.tab(server, place=None)
        status(page, "2 of 8 rated and stored.")
        names, code = server.votes.labels("room", "sentence"), phone.code(page)
        wanted = {("sentence", names["1"]): 30, ("sentence", names["2"]): 65}
        assert server.votes.scores_of(code) == wanted
        expect(slider(page, "Sound 2")).to_have_value("65")
        waits = "Object.keys(localStorage).filter((key) => key.startsWith('[')).length"
        assert page.evaluate(waits) == 0
        status(stays, "1 of 8 rated and stored.")  # a page that stays open sends by itself
        phone.close(server), other.close(server)


def test_a_page_left_open_over_night_is_told_that_its_vote_is_over(chrome, folder):
    phone = Phone(chrome)
    with phones.running(folder) as server:
        page = phone.tab(server, "room's loudspeakers")
        rate(page, "Sound 1", 30)
        status(page, "1 of 8 rated and stored.")
    with phones.running(folder, port=server.port, new=True) as server:
        page.evaluate("look()")
        status(
            page,
            "This page belongs to a vote that is over. Load it again to take part in the present "
            "one.",
        )
        expect(slider(page, "Sound 1")).to_be_disabled()
        assert server.votes.counts()["votes"] == 0
        page.get_by_role("button", name="Load the page again").click()
        status(page, "Nothing rated yet.")
        rate(page, "Sound 1", 44)
        status(page, "1 of 8 rated and stored.")
        phone.close(server)


def test_the_stage_plays_counts_and_reveals(chrome, folder):
    with phones.running(folder) as server:
        phone, watched = Phone(chrome), browser.Watched(chrome, 1280, 720)
        page, stage = phone.tab(server, "room's loudspeakers"), watched.page
        stage.goto(f"{server.url}/stage?key={server.votes.key}")
        assert stage.url == f"{server.url}/stage"  # the class sees no key
        expect(stage.locator("#address")).to_have_text(f"{server.url}/")
        until(stage, "document.querySelector('.code img').naturalWidth > 0")
        stage.get_by_role("button", name="Play sound 3").first.click()
        expect(stage.get_by_role("button", pressed=True)).to_have_text("3")
        rate(page, "Sound 3", 90)
        expect(stage.locator("#status")).to_contain_text("Ratings: 1 (sentence 1, motif 0).")
        assert not any(name in stage.content() for name in phones.STIMULI[1:])
        expect(stage.locator("#closed")).to_be_visible()  # only this machine can open the page
        other = chrome.new_page()  # on this machine, too, but without the key
        other.goto(f"{server.url}/stage")
        expect(other.locator("#keyless")).to_be_visible()
        expect(other.locator("#reveal")).to_be_hidden()
        other.close()
        stage.on("dialog", lambda dialog: dialog.accept())
        stage.get_by_role("button", name="End the vote").click()
        name = server.votes.labels("room", "sentence")["3"]
        expect(stage.locator(".results").first).to_contain_text(f"3: {name}90")
        page.evaluate("look()")
        status(page, "The names are revealed, so votes are no longer taken. Thank you!")
        expect(page.get_by_text(f"Sound 3 is {name}, the class's mean is 90.")).to_be_visible()
        expect(slider(page, "Sound 3")).to_be_disabled()
        watched.check(), watched.close(), phone.close(server)


def test_phones_of_a_class(chrome, folder):
    """Every phone rates everything, each rating is there once."""
    with phones.running(folder) as server:
        if PHONES > 3:
            server.room.votes_of_address.rate = 1000  # all of them have one address here
        crowd = [Phone(chrome) for _ in range(PHONES)]
        pages = [phone.tab(server, "room's loudspeakers") for phone in crowd]
        wanted = {}
        for number, (phone, page) in enumerate(zip(crowd, pages, strict=True)):
            for index, trial in enumerate(server.votes.stimuli):
                names = server.votes.labels("room", trial)
                for place, label in enumerate(names):
                    score = (number + 10 * place + index) % 101
                    rate(page, f"Sound {label}", score)
                    wanted[phone.code(page), trial, names[label]] = score
                page.get_by_role("button", name="Next" if index == 0 else "Back").click()
        for page in pages:
            status(page, "All rated and stored. Thank you!")
        rows = server.votes.reveal()
        given = [((r.session_uuid, r.trial_id, r.rating_stimulus), r.rating_score) for r in rows]
        assert dict(given) == wanted and len(given) == len(wanted) == 8 * PHONES
        timing = (
            "performance.getEntriesByName(location.origin + '/api/vote').map((e) => e.duration)"
        )
        answers = sorted(sum((page.evaluate(timing) for page in pages), []))
        print(
            f"{PHONES} phones, {len(rows)} ratings, median answer {answers[len(answers) // 2]} ms"
        )
        for phone in crowd:
            phone.close(server)
