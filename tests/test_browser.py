"""What a student does, in a real browser: static pages first, then JupyterLab."""

import csv
import html
import re
from math import comb
from pathlib import Path

import browser
import firefox
import numpy as np
import pytest
import soundfile
from browser import SoundPlayer, Watched
from firefox import Firefox

from lecture_utils import data, pianoroll
from lecture_utils.listening_test import ratings
from lecture_utils.notebook import explore, listen, mushra, plot

SR = 16000
T = np.arange(2 * SR) / SR
PEAK = 0.15  # -20 LUFS: quiet enough for the player to start at 0 dB
LOW, HIGH = (PEAK * np.sin(2 * np.pi * f * T).astype(np.float32) for f in (400, 800))
NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
PACKAGE = Path(listen.__file__).parent

# What VS Code allows in a notebook's output: inline scripts, but no strings turned into pages.
STRICT = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "require-trusted-types-for 'script'\">"
)


@pytest.fixture
def static(chrome, tmp_path):
    """Open HTML as a file of its own, under the strict rules; return its players' page."""
    watched = Watched(chrome)

    def show(content):
        text = content if isinstance(content, str) else content._repr_html_()
        path = tmp_path / "page.html"
        path.write_text(f"<!doctype html><meta charset='utf-8'>{STRICT}{text}", encoding="utf-8")
        watched.page.goto(path.as_uri())
        watched.page.locator(".lp").first.wait_for()
        return watched.page

    yield show
    watched.check()
    watched.close()


def test_versions_run_in_step_and_only_one_is_heard(static):
    page = static(listen.compare({"low": LOW, "high": 0.5 * HIGH, "short": LOW[:800]}, SR))
    player = SoundPlayer(page)
    assert not player.state["playing"] and player.state["gains"] == []
    player.play()
    clock = player.run("return p.transport.start")
    level, frequency = player.rms()
    assert level == pytest.approx(PEAK / np.sqrt(2), rel=0.05) and abs(frequency - 400) < 15
    before = player.state["position"]
    page.keyboard.press("2")
    after = player.wait(lambda state: state["gains"][1] > 0.999)
    assert after["gains"] == pytest.approx([0, 1, 0], abs=1e-3)
    assert before < after["position"] < before + 1
    assert player.run("return p.transport.start") == clock  # nothing was started anew
    level, frequency = player.rms()
    assert level == pytest.approx(PEAK / 2 / np.sqrt(2), rel=0.05) and abs(frequency - 800) < 15
    page.keyboard.press("3")
    player.wait(lambda state: state["gains"][2] > 0.999)
    assert player.rms()[0] < 1e-4  # the short one has ended
    ended = player.wait(lambda state: not state["playing"])
    assert ended["position"] == 0 and ended["duration"] == 2


def test_seek_loop_volume_and_keys(static):
    page = static(listen.compare({"low": LOW, "high": HIGH}, SR, caption="Two tones"))
    player = SoundPlayer(page)
    box = player.root.locator(".lp-area").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 30)
    assert player.state["position"] == pytest.approx(1.5, abs=0.02)
    page.keyboard.press("l")
    page.keyboard.press("ArrowRight")
    assert player.state["position"] == pytest.approx(2.0, abs=0.02) and player.state["loop"]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    player.wait(lambda state: 0.05 < state["position"] < 1 and state["playing"])  # went round
    page.keyboard.press(" ")
    assert not player.state["playing"]
    volume = player.root.locator(".lp-volume input")
    volume.fill("-20")
    player.play()
    assert player.rms()[0] == pytest.approx(PEAK / 10 / np.sqrt(2), rel=0.05)
    slider = player.root.get_by_role("slider", name="position")
    assert slider.get_attribute("aria-valuemax") == "2.0"
    assert "low" in slider.get_attribute("aria-label")
    pressed = [b.get_attribute("aria-pressed") for b in player.root.locator(".lp-version").all()]
    assert pressed == ["true", "false"]


def test_one_player_at_a_time(static):
    page = static(listen.play(LOW, SR)._repr_html_() + listen.play(HIGH, SR)._repr_html_())
    first, second = SoundPlayer(page, 0), SoundPlayer(page, 1)
    first.run("p.transport.setLoop(true)")
    first.play()
    second.play()
    assert not first.state["playing"] and second.state["playing"]


def test_one_player_at_a_time_across_frames(chrome, tmp_path):
    """Frames that share nothing: sandboxed, of different origins, one inside another."""
    one = html.escape(listen.play(LOW, SR)._repr_html_())
    inner = f'<iframe sandbox="allow-scripts" srcdoc="{one}"></iframe>'
    nested = f'<iframe sandbox="allow-scripts" srcdoc="{html.escape(inner)}"></iframe>'
    watched, path = Watched(chrome), tmp_path / "page.html"
    path.write_text(
        f"<!doctype html><meta charset='utf-8'>{inner}{nested}{listen.play(HIGH, SR)._repr_html_()}"
    )
    watched.page.goto(path.as_uri())
    watched.page.locator(".lp").wait_for()
    frames = [f for f in watched.page.frames if f.locator(".lp").count()]
    assert len(frames) == 3
    players = [SoundPlayer(frame) for frame in frames]
    for player in players:
        player.run("p.transport.setLoop(true)")  # none ends by itself
    for player in (*players, players[1], players[0]):
        player.play()
        for other in players:
            other.wait(lambda state, want=other is player: state["playing"] == want)
    watched.check()
    watched.close()


def test_other_tabs_fall_silent(chrome, tmp_path):
    path = listen.play(LOW, SR).to_html(tmp_path / "page.html")
    with browser.served(tmp_path) as url:
        context = chrome.new_context()
        players = []
        for _ in range(2):
            page = context.new_page()
            page.goto(f"{url}/{path.name}")
            players.append(SoundPlayer(page))
            players[-1].run("p.transport.setLoop(true)")
        players[0].play()
        players[1].play()
        players[0].wait(lambda state: not state["playing"])
        context.close()


def test_sounds_end_and_go_round_without_a_click(static):
    loud = np.full(SR // 2, 0.3, np.float32)  # ends at its peak
    page = static(listen.compare({"whole": loud, "short": loud[: SR // 4]}, SR))
    player = SoundPlayer(page)
    player.run("p.transport.setLoop(true)")
    player.play()
    rate = player.run("return p.transport.context.sampleRate")
    for index, seconds in ((0, 0.5), (1, 0.25)):  # the short one ends in the middle
        x = np.array(
            player.run(f"return [...p.transport.voices[{index}].source.buffer.getChannelData(0)]")
        )
        n, ends = round(0.005 * rate), round(seconds * rate)
        assert np.abs(x[[0, ends - 1]]).max() < 0.005 and not x[ends + 5 :].any()
        for part in (x[: n + 20], x[ends - n - 20 : ends]):
            assert np.abs(np.diff(part)).max() < 2 * 0.3 / n  # a ramp, no step
        assert np.abs(x[n + 40 : ends - n - 40] - 0.3).max() < 0.02


def test_without_an_output_a_sentence_says_so(chrome, tmp_path):
    watched = Watched(chrome)
    watched.page.add_init_script(
        "window.real = AudioContext.prototype.resume;"
        "AudioContext.prototype.resume = () => new Promise((done) => { window.plugIn = done; });"
    )
    watched.page.goto(listen.play(LOW, SR).to_html(tmp_path / "page.html").as_uri())
    player = SoundPlayer(watched.page)
    alert = player.root.get_by_role("alert")
    player.root.locator(".lp-play").click()
    assert not alert.is_visible()
    alert.wait_for()
    assert "No sound output found. Connect headphones" in alert.inner_text()
    watched.page.evaluate("plugIn()")  # the output comes late: nothing starts by itself
    alert.wait_for(state="hidden")
    watched.page.wait_for_timeout(200)
    assert not player.state["playing"]
    watched.page.evaluate("() => { AudioContext.prototype.resume = window.real; }")
    player.play()
    assert player.rms()[0] == pytest.approx(PEAK / np.sqrt(2), rel=0.05)
    watched.check()
    watched.close()


def test_firefox_without_a_device_says_so(tmp_path):
    """It never answers when asked for sound. What it does with a device is seen by hand."""

    async def press_play():
        async with Firefox(tmp_path / "profile", firefox.SILENT) as page:
            await page.open(listen.play(LOW, SR).to_html(tmp_path / "page.html"))
            await page.until("document.querySelector('.lp-play')")
            await page.run("document.querySelector('.lp-play').click()")
            await page.until("!document.querySelector('.lp-trouble').hidden")
            return await page.run("return document.querySelector('.lp-trouble').innerText")

    text = firefox.beside(press_play())
    assert "No sound output found. Connect headphones" in text


def test_pictures_are_right_and_on_one_scale(chrome):
    rng = np.random.default_rng(0)
    x = (0.1 * rng.standard_normal(SR)).astype(np.float32)
    watched = Watched(chrome)
    for name in ("fft.js", "paint.js"):
        watched.page.add_script_tag(content=(PACKAGE / name).read_text(encoding="utf-8"))
    levels = watched.page.evaluate(
        f"x => [...spectrogram(Float32Array.from(x), {SR}, x.length)]", x.tolist()
    )
    columns, rows = watched.page.evaluate("[COLUMNS, ROWS]")
    levels = np.reshape(levels, (columns, rows))
    for column in (100, 300, 500):
        first = round((column + 0.5) / columns * SR - 512)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
        power = np.abs(np.fft.rfft(window * x[first : first + 1024])) ** 2
        pairs = power[:512].reshape(rows, 2).max(1)
        np.testing.assert_allclose(levels[column], 10 * np.log10(pairs / 1024**2), atol=0.05)
    watched.check()
    watched.close()


def test_quieter_version_looks_quieter(static):
    page = static(listen.compare({"loud": LOW, "soft": 0.01 * LOW}, SR))
    player = SoundPlayer(page)

    def brightness():
        return player.run(
            """const c = root.querySelector('.lp-spectrum');
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let top = 0; for (let i = 0; i < d.length; i += 4) top = Math.max(top, d[i + 1]);
            return top;"""
        )

    page.wait_for_timeout(100)
    loud = brightness()
    page.keyboard.press("Tab")
    player.run("p.select(1)")
    assert loud == 253 and brightness() < 100


def mulberry32(state):
    """Tommy Ettinger's generator, as published, with Python's integers."""
    while True:
        state = (state + 0x6D2B79F5) % 2**32
        t = (state ^ state >> 15) * (1 | state) % 2**32
        t = ((t + (t ^ t >> 7) * (61 | t)) % 2**32) ^ t
        yield (t ^ t >> 14) / 2**32


def test_hidden_orders_and_chances(chrome):
    watched = Watched(chrome)
    for name in ("player.js", "blind.js"):
        watched.page.add_script_tag(content=(PACKAGE / name).read_text(encoding="utf-8"))
    run = watched.page.evaluate
    for seed in (0, 1, 2**32 - 1):
        numbers = run(f"(() => {{ const r = randomNumbers({seed}); return [r(), r(), r()]; }})()")
        generator = mulberry32(seed)
        assert numbers == [next(generator) for _ in range(3)]
    orders = run("[...Array(6000)].map(() => shuffled(3, randomNumbers(null)).join(''))")
    counts = [orders.count(order) for order in ("012", "021", "102", "120", "201", "210")]
    assert sum(counts) == 6000 and all(850 < count < 1150 for count in counts)  # five sigma
    for trials in (1, 7, 50):
        for right in range(trials + 1):
            chance = run(f"coinChance({trials}, {right})")
            assert chance == pytest.approx(coin_chance(trials, right), rel=1e-9)
    watched.check()
    watched.close()


def test_without_scripts_the_sounds_are_still_there(chrome, tmp_path):
    path = listen.compare({"low": LOW, "high": HIGH}, SR).to_html(tmp_path / "page.html")
    page = chrome.new_page(java_script_enabled=False)
    page.goto(path.as_uri())
    assert page.locator("audio").count() == 2 and page.locator("audio").first.is_visible()
    assert page.locator("li").all_inner_texts()[1].startswith("high: 2.00 s, -19.9 LUFS")
    page.close()


def coin_chance(trials, right):
    return sum(comb(trials, k) for k in range(right, trials + 1)) / 2**trials


def test_abx_keeps_score_and_reveals(static):
    sounds = {'the, "secret" one': LOW, "high": HIGH}
    page = static(listen.compare(sounds, SR, blind=True, trials=4, seed=1, caption="ABX"))
    player = SoundPlayer(page)
    assert [text.split()[-1] for text in player.labels()] == ["A", "B", "X"]
    assert "secret" not in page.locator("body").inner_html().split("<script>")[0]
    answer = player.root.locator(".lp-answer")
    answer.nth(0).click()
    assert "Play X first" in player.root.locator(".lp-status").inner_text()
    frequencies, right = {}, 0
    for trial in range(4):
        heard = []
        player.run("if (!p.transport.playing) p.toggle(); p.seek(0.01)")
        player.wait(lambda state: state["playing"] and state["position"] > 0.05)
        for voice in "123":
            page.keyboard.press(voice)
            heard.append(round(player.rms(0.2)[1], -2))
        frequencies |= {"A": heard[0], "B": heard[1]}
        same = 0 if heard[2] == heard[0] else 1
        wrong_on_purpose = trial == 2
        answer.nth(1 - same if wrong_on_purpose else same).click()
        right += not wrong_on_purpose
    text = player.root.locator(".lp-status").inner_text()
    chance = float(re.search(r"p = (\S+)\.", text)[1])
    assert f"{right} of 4 right" in text and chance == pytest.approx(
        coin_chance(4, right), abs=6e-4
    )
    assert "no sign that the two can be told apart" in text
    lines = player.root.locator(".lp-csv").input_value().splitlines()
    assert lines[0] == "trial,A,B,X,answer,correct" and len(lines) == 5
    assert [line[-1] for line in lines[1:]] == ["1", "1", "0", "1"]
    first = (
        '"the, ""secret"" one",high' if frequencies["A"] == 400 else 'high,"the, ""secret"" one"'
    )
    assert all(line.split(",", 1)[1].startswith(first) for line in lines[1:])
    assert {line.split(",")[-3] for line in lines[1:]} <= {"A", "B"}
    link = player.root.locator("a[download]").get_attribute("href")
    assert link.startswith("data:text/csv") and "trial%2CA" in link
    assert any("secret" in text and "LUFS" in text for text in player.labels())


def test_rating_waits_until_all_is_heard_and_rated(static):
    sounds = {"one": LOW, "two": HIGH, "three": 0.5 * LOW}
    page = static(listen.compare(sounds, SR, blind="rate", reference="one", seed=7))
    player = SoundPlayer(page)
    assert [t.split()[-1] for t in player.labels()] == ["reference", "A", "B", "C"]
    finish, status = player.root.locator(".lp-finish"), player.root.locator(".lp-status")
    finish.click()
    assert "Play and rate A, B, C first" in status.inner_text()
    player.run("p.transport.setLoop(true)")
    player.play()
    for voice, rating in ((2, 20), (3, 90), (4, 55)):
        page.keyboard.press(str(voice))
        page.wait_for_timeout(60)
        player.root.locator(".lp-rating input").nth(voice - 2).fill(str(rating))
    finish.click()
    rows = player.root.locator(".lp-csv").input_value().splitlines()
    assert rows[0] == "version,label,rating" and [r.split(",")[2] for r in rows[1:]] == [
        *("20", "90", "55")
    ]
    assert sorted(row.split(",")[1] for row in rows[1:]) == sorted(sounds)
    assert status.inner_text().startswith(f"Your ratings: {rows[2].split(',')[1]} (B) 90")


MUSHRA = {"reference": LOW, "anchor35": 0.5 * LOW, "one": HIGH, "two": HIGH[:SR]}


def rating_page(**options):
    return mushra.rate(MUSHRA, SR, "course", "sentence", "How good?", seed=3, **options).static()


def reloaded(page):
    page.reload()
    page.locator(".lp").first.wait_for()
    return SoundPlayer(page)


def scores(player):
    return player.root.locator(".lp-score").all_inner_texts()


def test_mushra_by_keyboard_survives_a_reload_and_is_exported(static, tmp_path):
    page = static(rating_page())
    assert "anchor" not in page.locator("body").inner_html().split("<script>")[0]
    player = SoundPlayer(page)
    assert [t.split()[:2] for t in player.labels()] == [
        ["0", "reference"], ["1", "A"], ["2", "B"], ["3", "C"], ["4", "D"],
    ]  # fmt: skip
    assert scores(player) == ["not rated"] * 4
    player.root.focus()
    page.keyboard.press("ArrowUp")  # the reference can't be rated
    assert scores(player) == ["not rated"] * 4
    page.keyboard.press("l")
    page.keyboard.press(" ")
    player.wait(lambda state: state["playing"] and state["position"] > 0.05)
    heard = []
    for voice, presses in (("1", 3), ("2", 1), ("3", 5)):
        page.keyboard.press(voice)
        levels = []
        for _ in range(3):  # "two" ends after a second, which is soon on a busy machine
            page.keyboard.press("Home")
            levels.append(player.rms(0.2)[0])
        heard.append(max(levels))
        for _ in range(presses):
            page.keyboard.press("Shift+ArrowUp")
        page.keyboard.press("ArrowDown")
    assert scores(player) == ["79", "59", "99", "not rated"]
    assert heard == pytest.approx(heard[:1] * 3, rel=0.1) and heard[0] > 0.02
    page.keyboard.press("n")
    assert player.state["active"] == 4
    finish, status = player.root.locator(".lp-finish"), player.root.locator(".lp-status")
    player = reloaded(page)  # nothing is lost, and A is the same as before
    assert scores(player) == ["79", "59", "99", "not rated"]
    finish.click()
    assert "Play and rate D first" in status.inner_text()
    player.root.locator(".lp-rating input").nth(3).fill("0")
    player.run("p.transport.setLoop(true)")
    player.play()
    page.keyboard.press("4")
    page.wait_for_timeout(100)
    finish.click()
    rows = list(csv.DictReader(player.root.locator(".lp-csv").input_value().splitlines()))
    assert [row["rating_score"] for row in rows] == ["79", "59", "99", "0"]
    assert sorted(row["rating_stimulus"] for row in rows) == sorted(MUSHRA)
    assert status.inner_text().startswith("Your scores: ")
    player = reloaded(page)  # finished stays finished
    with page.expect_download() as download:
        player.root.locator("a[download]").click()
    name = download.value.suggested_filename
    listener = rows[0]["session_uuid"]
    assert name == f"course_{listener}.csv" and re.fullmatch("[0-9a-f]{16}", listener)
    download.value.save_as(tmp_path / name)
    read = ratings.read(tmp_path / name, "course")
    assert {r.rating_stimulus: r.rating_score for r in read} == {
        row["rating_stimulus"]: float(row["rating_score"]) for row in rows
    }
    assert {r.trial_id for r in read} == {"sentence"} and all(r.rating_time > 200 for r in read)


def test_mushra_next_listener_keeps_what_the_first_one_rated(static):
    page = static(rating_page())
    player = SoundPlayer(page)
    sliders = player.root.locator(".lp-rating input")
    player.run("p.transport.setLoop(true)")
    player.play()
    for value in (10, 20):
        for k in range(4):
            page.keyboard.press(str(k + 1))
            page.wait_for_timeout(60)
            sliders.nth(k).fill(str(value))
        player.root.locator(".lp-finish").click()
        lines = player.root.locator(".lp-csv").input_value().splitlines()
        player.root.locator(".lp-next").click()
        assert scores(player) == ["not rated"] * 4
    rows = list(csv.DictReader(lines))
    assert len({row["session_uuid"] for row in rows}) == 2 and len(rows) == 8
    assert sorted(row["rating_score"] for row in rows) == ["10"] * 4 + ["20"] * 4


def test_mushra_sliders_speak_and_choose_what_is_heard(static):
    page = static(rating_page())
    player = SoundPlayer(page)
    slider = player.root.get_by_role("slider", name="score of B, 0 bad to 100 excellent")
    assert slider.get_attribute("aria-valuetext") == "not rated"
    assert player.root.locator(".lp-area").bounding_box()["height"] < 60  # a time line, no picture
    slider.focus()
    assert player.state["active"] == 2
    page.keyboard.press("ArrowRight")  # a slider's own key, not half a second
    assert slider.get_attribute("aria-valuetext") == "51, fair" and player.state["position"] == 0
    page.keyboard.press("3")
    assert player.state["active"] == 3
    assert player.root.locator(".lp-panel").get_by_role("status").count() == 1


def test_mushra_loops_the_chosen_seconds_without_a_click(static):
    page = static(rating_page())
    player = SoundPlayer(page)
    player.run("p.seek(0.5)")
    player.root.focus()
    page.keyboard.press("i")
    player.run("p.seek(0.8)")
    page.keyboard.press("o")
    assert player.root.locator(".lp-loop span").all_inner_texts() == ["0.5 s", "0.8 s"]
    player.play()
    seen = [player.state["position"] for _ in range(60)]
    assert player.state["playing"] and 0.49 < min(seen) < max(seen) < 0.81
    x = np.array(
        player.run(
            "const s = p.transport.voices[0].source; const b = s.buffer, r = b.sampleRate;"
            "return [s.loopStart, s.loopEnd, ...b.getChannelData(0)"
            ".slice(Math.round(0.5 * r), Math.round(0.8 * r))]"
        )
    )
    assert x[:2] == pytest.approx([0.5, 0.8], abs=0.02)
    assert np.abs(x[[2, -1]]).max() < 1e-3 and np.abs(x[2:]).max() > 0.9 * PEAK
    player.root.locator(".lp-whole").click()
    player.wait(lambda state: state["position"] > 0.9)


def test_training_shows_the_names_and_keeps_nothing(static):
    page = static(rating_page(training=True))
    player = SoundPlayer(page)
    assert "anchor, 3.5 kHz" in player.root.inner_text() and "one" in player.labels()[3]
    player.root.locator(".lp-rating input").first.fill("70")
    assert scores(player)[0] == "70" and not player.root.locator(".lp-finish").count()
    assert scores(reloaded(page)) == ["not rated"] * 4


def test_mushra_works_where_nothing_can_be_kept(chrome, tmp_path):
    inner = html.escape(rating_page()._repr_html_())
    path = tmp_path / "page.html"
    path.write_text(f'<meta charset="utf-8"><iframe sandbox="allow-scripts" srcdoc="{inner}">')
    watched = Watched(chrome)
    watched.page.goto(path.as_uri())
    frame = watched.page.frame_locator("iframe")
    assert "can't keep your answers: export them" in frame.locator(".lp-status").inner_text()
    frame.locator(".lp-rating input").first.fill("70")
    assert frame.locator(".lp-score").first.inner_text() == "70"
    watched.check()
    watched.close()


def test_two_tabs_show_the_same_ratings(chrome, tmp_path):
    (tmp_path / "page.html").write_text(f"<meta charset='utf-8'>{rating_page()._repr_html_()}")
    with browser.served(tmp_path) as url:
        context = chrome.new_context()
        pages = [context.new_page() for _ in range(2)]
        for page in pages:
            page.goto(f"{url}/page.html")
        first, second = map(SoundPlayer, pages)
        first.root.locator(".lp-rating input").nth(1).fill("33")
        second.root.get_by_text("33", exact=True).wait_for()
        second.root.locator(".lp-rating input").nth(2).fill("44")
        first.root.get_by_text("44", exact=True).wait_for()
        assert scores(first) == scores(second) == ["not rated", "33", "44", "not rated"]
        context.close()


def test_pairs_count_what_was_right(static):
    tones = {f"{hz} Hz": PEAK * np.sin(2 * np.pi * hz * T).astype(np.float32) for hz in (500, 700)}
    page = static(mushra.pairs(tones, {"m1": LOW, "m2": HIGH, "m3": LOW}, SR, "course", "people",
                               "Which?", seed=1).static())  # fmt: skip
    player = SoundPlayer(page)
    answers, status = player.root.locator(".lp-answer"), player.root.locator(".lp-status")
    answers.nth(0).click()
    assert "Play both first" in status.inner_text()
    for k in range(3):
        player.run("p.transport.setLoop(true)")
        if not player.state["playing"]:
            player.play()
        heard = []
        for voice in "12":
            page.keyboard.press(voice)
            page.wait_for_timeout(80)
            heard.append(round(player.rms(0.2)[1], -2))
        person = int(heard[1] in (500, 700))
        answers.nth(person if k != 1 else 1 - person).click()
    assert status.inner_text().startswith("2 of 3 right")
    assert f"p = {coin_chance(3, 2):.3f}" in status.inner_text()
    rows = list(csv.DictReader(player.root.locator(".lp-csv").input_value().splitlines()))
    assert [row["choice_answer"] for row in rows] == ["correct", "incorrect", "correct"]
    assert sorted(row["choice_non_reference"] for row in rows) == ["m1", "m2", "m3"]
    assert {row["choice_reference"] for row in rows} <= set(tones)


def test_steps_slider_works_without_a_kernel(static):
    def draw(ax, x, count):
        ax.bar([0], [count])

    sounds = {count: LOW * (1 - count / 40) for count in (0, 1, 2, 4, 8, 16, 32)}
    page = static(explore.steps(sounds, SR, "iterations", figure=draw, alt="A bar", caption="Hear"))
    player = SoundPlayer(page)
    image, slider = player.root.locator(".lp-image"), player.root.locator(".lp-steps input")
    assert image.get_attribute("alt") == "A bar (iterations 0)"
    source = image.get_attribute("src")
    player.play()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    state = player.wait(lambda state: state["gains"][6] > 0.999)
    assert state["active"] == 6 and state["playing"] and image.get_attribute("src") != source
    assert image.get_attribute("alt") == "A bar (iterations 32)"
    assert slider.get_attribute("aria-valuetext") == "32"
    assert player.rms()[0] == pytest.approx(0.2 * PEAK / np.sqrt(2), rel=0.05)


def test_steps_lead_round_the_loop_of_an_algorithm(static):
    sounds = {count: LOW * (1 - count / 10) for count in (0, 1, 8)}
    loop = {3: "nearest sound", 4: "keep the phase"}
    page = static(explore.steps(sounds, SR, "rounds", start={2: "random phase"}, loop=loop))
    player = SoundPlayer(page)

    def moment():
        (marked,) = player.root.locator('[aria-current="step"]').all()
        told = player.root.locator(".lp-step").inner_text()
        assert told.split(" (")[0] == player.root.locator(".lp-steps input").get_attribute(
            "aria-valuetext"
        )
        return marked.inner_text(), told.split(" (")[0], int(np.argmax(player.state["gains"]))

    player.run("p.transport.setLoop(true)")
    started = player.play()
    player.root.locator(".lp-on").click()
    player.wait(lambda state: state["active"] == 1)
    assert moment() == ("3 nearest sound", "0, step 3", 0)
    for key, wanted in [
        ("p", ("2 random phase", "0, step 2", 0)),
        ("p", ("2 random phase", "0, step 2", 0)),  # there is none before
        ("n", ("3 nearest sound", "0, step 3", 0)),
        ("n", ("4 keep the phase", "0, step 4", 0)),
        ("n", ("3 nearest sound", "1, step 3", 1)),
        ("n", ("4 keep the phase", "1, step 4", 1)),
        ("n", ("3 nearest sound", "8, step 3", 2)),
    ]:
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        assert moment() == wanted
    assert player.state["position"] != started["position"] and player.state["playing"]
    walk = player.root.locator(".lp-walk")
    walk.click()
    assert moment()[1] == "8, step 4" and "stop" in walk.inner_text()
    page.wait_for_function("() => document.querySelector('.lp-walk').textContent.includes('all')")
    walk.click()  # from the beginning
    assert moment()[1] == "0, step 2"
    player.wait(lambda state: state["active"] == 1)
    player.root.locator(".lp-back").click()
    page.wait_for_timeout(2200)  # a step by hand has ended it
    assert moment()[1] == "0, step 2"


def test_flipbooks_begin_at_the_first_figure_and_play(chrome, tmp_path):
    def frames(name):
        figures = {k: lambda ax, k=k: ax.plot([0, k]) for k in (1, 2, 3)}
        return explore.flipbook(figures, "A line", name)._repr_html_()

    watched, path = Watched(chrome), tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset='utf-8'>{STRICT}{frames('a')}{frames('b')}")
    watched.page.goto(path.as_uri())
    first, second = (watched.page.locator(".lp-frames").nth(k) for k in (0, 1))
    for root, name in ((first, "a"), (second, "b")):
        assert root.locator("img").get_attribute("alt") == f"A line ({name} 1)"
        slider = root.get_by_role("slider", name=name)
        assert slider.get_attribute("aria-valuetext") == "1"
        slider.focus()
        watched.page.keyboard.press("End")
        assert root.locator("img").get_attribute("alt") == f"A line ({name} 3)"
        assert root.locator("output").text_content() == "3"
    play = first.get_by_role("button")
    assert "play" in play.inner_text()
    play.focus()
    watched.page.keyboard.press(" ")  # from the last figure it begins anew
    assert "pause" in play.inner_text()
    assert first.locator("output").text_content() == "1"
    watched.page.wait_for_function(
        "() => document.querySelector('.lp-frames output').value === '2'", timeout=2000
    )
    play.click()
    watched.page.wait_for_timeout(1000)
    assert first.locator("output").text_content() == "2" and "play" in play.inner_text()
    play.click()
    first.get_by_text("\u25b6 play").wait_for(timeout=2000)  # it stops by itself at the end
    assert first.locator("output").text_content() == "3"
    assert second.locator("output").text_content() == "3"
    watched.check()
    watched.close()


def test_without_scripts_all_figures_are_shown(chrome, tmp_path):
    path = tmp_path / "page.html"
    figures = {k: lambda ax, k=k: ax.plot([0, k]) for k in (1, 2, 3)}
    path.write_text(explore.flipbook(figures, "A line")._repr_html_(), encoding="utf-8")
    page = chrome.new_page(java_script_enabled=False)
    page.goto(path.as_uri())
    assert page.locator("figure").all_inner_texts() == ["step 1", "step 2", "step 3"]
    assert page.locator("img").last.bounding_box()["width"] > 300
    assert page.locator("button").count() == 0  # none that does nothing
    page.close()


def taken(page, text):
    """Click *save WAV* or *save MIDI*; return the name and the path of what is downloaded."""
    with page.expect_download() as caught:
        page.get_by_role("link", name=text).first.click()
    return caught.value.suggested_filename, caught.value.path()


def info_of(path):
    """Return the tags of a WAV file's INFO chunk."""
    file = path.read_bytes()
    assert int.from_bytes(file[4:8], "little") == len(file) - 8
    tags, rest = {}, file[file.index(b"LIST") + 12 :]
    while rest:
        size = int.from_bytes(rest[4:8], "little")
        tags[rest[:4].decode()] = rest[8 : 8 + size].rstrip(b"\0").decode()
        rest = rest[8 + size + size % 2 :]
    return tags


def test_the_saved_wav_is_what_is_heard(static):
    """Also as loud, with soft ends as in the player, and with the name of who made it."""
    voice = data.load("sentence", SR)[0][: 2 * SR]
    sounds = {"said": voice, "a/b: <b>\u00e9</b>": 2 * LOW}
    player = listen.compare(sounds, SR, caption="A voice?")
    page = static(player)
    SoundPlayer(page).run("p.transport.setVolume(0)")
    heard = [x.copy() for x, _ in listen.clips(player._repr_html_())]
    ramp = np.arange(80) / 80  # 5 ms
    for index, gain_db in ((0, 0), (1, -6)):
        SoundPlayer(page).run(f"p.select({index}); p.transport.setVolume({gain_db})")
        name, path = taken(page, "save WAV")
        x, rate = soundfile.read(path, dtype="float32")
        wanted = heard[index] * 10 ** (gain_db / 20)
        wanted[:80], wanted[-80:] = wanted[:80] * ramp, wanted[-80:] * ramp[::-1]
        assert rate == SR and np.abs(x - wanted).max() < 0.51 / 32768
        tags = info_of(path)
        if index == 0:
            assert name == "A voice_ - said (CC-BY-SA-3.0).wav"
            assert (tags["IART"], tags["ICOP"]) == (
                "Allison Smith, for Digium (2003-2010)",
                "CC-BY-SA-3.0",
            )
            assert "vm-tmpexists.g722" in tags["ICMT"]
        else:  # made from it, perhaps: it is named
            assert name == "A voice_ - a_b_ _b_\u00e9__b_.wav" and "ICOP" not in tags
            assert tags["INAM"] == "A voice?: a/b: <b>\u00e9</b>"
            assert "heard beside: The spoken sentence of the course; Allison" in tags["ICMT"]


def test_the_saved_midi_is_the_roll(static, tmp_path):
    rolls = {
        name: pianoroll.from_notes([(0, 0, 4, key), (1, 4, 8, 38)], 16, (0, 128), tempo=90)
        for name, key in (("one", 60), ("two", 72))
    }
    sounds = {name: pianoroll.play(roll) for name, roll in rolls.items()}
    how = {"caption": "Two", "alt": "Notes as bars", "figure": pianoroll.lanes(rolls)}
    page = static(listen.compare(sounds, SR, **how))
    for index, (name, roll) in enumerate(rolls.items()):
        SoundPlayer(page).run(f"p.select({index})")
        file, path = taken(page, "save MIDI")
        assert file == f"Two - {name}.mid" and pianoroll.from_midi(path) == roll
    assert not static(listen.play(LOW, SR)).get_by_text("save MIDI").is_visible()


def test_a_blind_test_gives_nothing_away_by_its_files(static):
    page = static(listen.compare({"a": LOW, "b": HIGH}, SR, blind=True, trials=1, seed=1))
    link = page.get_by_text("save WAV")
    assert link.is_hidden()
    SoundPlayer(page).run("p.heard.add(2)")
    page.get_by_role("button", name="X is A").click()
    assert link.is_visible() and taken(page, "save WAV")[0][:10] == "Sound - a."


def bright_columns(ax, x, label):
    """A white stripe at 0.75 s on black; the axis counts half seconds from 10."""
    ax.set_facecolor("black")
    ax.axvspan(11.49, 11.51, color="white")
    ax.set_yticks([])
    plot.time_axis(ax, 10, 12, seconds=1)
    if label == "low":
        ax.figure.subplots_adjust(left=0.2)  # another place of the axis in each version


def test_cursor_moves_over_the_picture_and_a_click_seeks(static):
    page = static(
        listen.compare(
            {"high": HIGH, "low": LOW}, SR, figure=bright_columns, alt="A stripe", caption="Stripe"
        )
    )
    player = SoundPlayer(page)
    picture = player.root.locator(".lp-picture")
    assert picture.locator("img").get_attribute("alt") == "A stripe (high)"
    for label, index in (("high", 0), ("low", 1)):
        player.run(f"p.select({index})")
        assert picture.locator("img").get_attribute("alt") == f"A stripe ({label})"
        box = picture.bounding_box()
        # where the stripe lies, from the pixels that the page shows
        stripe = player.run(
            """const image = root.querySelector('.lp-picture img'); await image.decode();
            const c = document.createElement('canvas');
            [c.width, c.height] = [image.naturalWidth, image.naturalHeight];
            const g = c.getContext('2d'); g.drawImage(image, 0, 0);
            const row = g.getImageData(0, c.height / 2, c.width, 1).data, found = [];
            for (let i = 0, inside = false; i < c.width; i++) {
                if (row[4 * i] < 50) inside = true;
                else if (inside && row[4 * i] > 200) found.push(i + 0.5);
            }
            return found.filter((i) => i < c.width * 0.9).map((i) => i / c.width);"""
        )
        stripe = [place for place in stripe if place < stripe[0] + 0.05]
        wanted = box["x"] + np.mean(stripe) * box["width"]
        player.run("p.seek(0.75)")
        for cursor in player.root.locator(".lp-cursor").all():  # over picture and plot alike
            line = cursor.bounding_box()
            assert line["x"] + line["width"] / 2 == pytest.approx(wanted, abs=1)
        player.run("p.seek(0)")
        page.mouse.click(wanted, box["y"] + box["height"] / 2)
        assert player.state["position"] == pytest.approx(0.75, abs=2 * 2 / box["width"])
    page.mouse.click(box["x"] + 2, box["y"] + 20)  # left of the axis: the beginning
    assert player.state["position"] == 0


def test_pictures_without_time_have_no_cursor(static):
    page = static(
        listen.play(LOW, SR, figure=lambda ax, x, label: ax.bar([0], [1]), alt="A bar", caption="B")
    )
    player = SoundPlayer(page)
    box = player.root.locator(".lp-picture").bounding_box()
    assert not player.root.locator(".lp-picture .lp-cursor").is_visible()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert player.state["position"] == 0


def test_frequency_axis_has_more_than_two_labels(chrome, tmp_path):
    watched = Watched(chrome)
    for rate, wanted in (
        (16000, ["0", "2", "4", "6", "8 kHz"]),
        (22050, ["0", "2.5", "5", "7.5", "10 kHz"]),
        (4000, ["0", "0.5", "1", "1.5", "2 kHz"]),
        (96000, ["0", "10", "20", "30", "40 kHz"]),
    ):
        drawn = {"figure": bright_columns, "alt": "A stripe"} if rate == 16000 else {}  # less room
        path = listen.play(LOW[: rate // 2], rate, **drawn).to_html(tmp_path / f"{rate}.html")
        watched.page.goto(path.as_uri())
        labels = watched.page.locator(".lp-axis div:last-child span")
        assert labels.all_inner_texts() == wanted
        axis = watched.page.locator(".lp-spectrum").bounding_box()
        bottom, ends = axis["y"] + axis["height"], np.inf
        for text, label in zip(wanted, labels.all(), strict=True):
            box = label.bounding_box()
            top, end = box["y"], box["y"] + box["height"]
            place = bottom - axis["height"] * float(text.split()[0]) / (rate / 2000)
            assert top - 1 <= place <= end + 1 and axis["y"] - 1 <= top and end <= bottom + 1
            assert end <= ends + 1  # above the label before
            ends = top
    watched.check()
    watched.close()


# One notebook for the tests in JupyterLab and in nbconvert's page.
CELLS = [
    "import numpy as np\nfrom lecture_utils.notebook import explore, listen, plot\n"
    "t = 2 * np.pi * np.arange(32000) / 16000\n"
    "low, high = 0.15 * np.sin(400 * t), 0.15 * np.sin(800 * t)",
    "listen.compare({'low': low, 'high': high}, 16000, caption='Two tones')",
    "listen.compare({'low': low, 'high': high}, 16000, blind=True, seed=1, caption='Blind')",
    "def render(mix):\n"
    "    assert mix < 0.9, 'mix is too large'\n"
    "    return (1 - mix) * low + mix * high\n\n"
    "explore.sound(render, 16000, figure=lambda ax, x, mix: plot.spectrogram(x, 16000, ax=ax),\n"
    "              alt='Two lines', mix=explore.slider(0, 1, 0.1, 0.0, 'share of high'))",
    "explore.flipbook({k: lambda ax, k=k: ax.plot([0, k]) for k in (1, 2, 3)}, 'Lines', 'line')",
    "explore.record(lambda x: {'mine': x}, 16000, low, 'Your sound', seconds=3)",
    "explore.steps([low, high], 16000, 'tone', caption='Steps',\n"
    "              figure=lambda ax, x, k: ax.plot(x[:99]), alt='A wave')",
]


def test_page_made_by_nbconvert_plays(chrome, tmp_path):
    import nbclient
    import nbconvert
    import nbformat

    browser.write_notebook(tmp_path / "made.ipynb", CELLS)
    notebook = nbformat.read(tmp_path / "made.ipynb", 4)
    nbclient.NotebookClient(notebook, timeout=60, store_widget_state=False).execute()
    page, _ = nbconvert.HTMLExporter(
        mathjax_url="", require_js_url="", jquery_url=""
    ).from_notebook_node(notebook)
    (tmp_path / "made.html").write_text(page, encoding="utf-8")
    assert len(listen.clips(page)) == 2 + 2 + 1 + 1 + 2  # live players store their default too
    watched = Watched(chrome)
    watched.page.goto((tmp_path / "made.html").as_uri())
    assert watched.page.locator(".lp:visible").count() == 5
    for index in range(5):
        SoundPlayer(watched.page, index).play()
    assert watched.page.get_by_alt_text("Two lines (share of high 0.0)").is_visible()
    watched.check()
    watched.close()


@pytest.fixture(scope="module")
def notebook(lab):
    lab.open_notebook(CELLS)
    lab.run_all()
    return lab


def test_lab_player_takes_its_keys_to_itself(notebook):
    player = SoundPlayer(notebook.page, 0)
    started = player.play()
    notebook.page.keyboard.press("2")
    state = player.wait(lambda state: state["gains"][1] > 0.999)
    assert state["gains"] == pytest.approx([0, 1], abs=1e-3)
    assert state["position"] > started["position"]
    for key in ("1", "b", "2", " ", "x"):  # heading, insert cell, scroll, cut: JupyterLab's own
        notebook.page.keyboard.press(key)
    assert not player.state["playing"] and player.state["active"] == 1
    assert [c["cell_type"] for c in notebook.cells()] == ["code"] * len(CELLS)
    blind = SoundPlayer(notebook.page, 1)
    assert [text.split()[-1] for text in blind.labels()] == ["A", "B", "X"]
    notebook.check()


def move_slider(page, key, presses=1):
    """Press a key on the notebook's first live slider."""
    handle = page.locator(".widget-slider .noUi-handle").first
    handle.scroll_into_view_if_needed()
    handle.focus()
    for _ in range(presses):
        page.keyboard.press(key)


def live_player(page):
    """Return the first player under live controls."""
    return SoundPlayer(page, root=page.locator(".lp-explore .lp:visible").first)


def test_lab_slider_changes_picture_and_sound_while_it_plays(notebook):
    page = notebook.page
    player = live_player(page)
    player.run("p.transport.setLoop(true)")
    player.play()
    assert abs(player.rms()[1] - 400) < 15
    image = page.locator(".lp-explore img.lp-image").first
    source, drawn = image.get_attribute("src"), player.picture()
    clock = "return p.transport.context.currentTime - p.state.position"
    started = player.run(clock)
    move_slider(page, "ArrowRight", 8)  # 0.8: mostly the high tone
    shown = "document.querySelector('.lp-explore img.lp-image')"
    page.wait_for_function(f"old => {shown}.src !== old", arg=source)
    page.wait_for_function(f"() => {shown}.alt.includes('0.8')")
    page.wait_for_timeout(200)
    state = player.state
    assert state["playing"] and player.picture() != drawn
    drift = (player.run(clock) - started) % 2  # the sound is 2 s long and goes round
    assert min(drift, 2 - drift) < 0.03  # every new sound took over at the old one's position
    level, frequency = player.rms()
    assert abs(frequency - 800) < 15
    assert level == pytest.approx(PEAK * np.hypot(0.8, 0.2) / np.sqrt(2), rel=0.05)
    move_slider(page, "End")  # 1.0: the function raises
    error = page.locator(".lp-explore .lp-error")
    error.wait_for()
    assert "mix is too large" in error.inner_text() and "last good one" in error.inner_text()
    assert player.state["playing"] and abs(player.rms()[1] - 800) < 15
    move_slider(page, "Home")
    error.wait_for(state="detached")
    player.run("p.toggle()")
    notebook.check()


def test_lab_saves_what_a_slider_made(notebook):
    """A live player too; JupyterLab has its own ideas about links."""
    page = notebook.page
    live = live_player(page)
    with page.expect_download() as caught:
        live.root.get_by_text("save WAV").click()
    x, rate = soundfile.read(caught.value.path())
    assert (len(x), rate) == (32000, 16000)
    assert np.abs(x).max() == pytest.approx(PEAK, rel=0.01)
    notebook.check()


def test_lab_sliders_have_names(notebook):
    slider = notebook.page.get_by_role("slider", name="share of high")
    slider.wait_for()
    assert slider.get_attribute("aria-valuetext") == "0"
    # or Jupyter Notebook takes its arrow keys
    assert slider.get_attribute("data-lm-suppress-shortcuts") == "true"
    notebook.check()


@pytest.mark.parametrize(
    ("setting", "size", "usual"),
    [("font-size", "20px", 16), ("--jp-content-font-size1", "20px", 14)],  # browser, JupyterLab
)
def test_lab_figures_grow_with_the_font(notebook, setting, size, usual):
    page = notebook.page
    page.set_viewport_size({"width": 2000, "height": 1000})
    figure, sound = page.locator(".lp-frames > img"), live_player(page).root
    figure.scroll_into_view_if_needed()
    widths = [figure.bounding_box()["width"], sound.bounding_box()["width"]]
    assert widths[0] == pytest.approx(880, abs=1)
    set_ = "([name, value]) => document.documentElement.style.setProperty(name, value)"
    page.evaluate(set_, [setting, size])
    factor = 20 / usual
    assert figure.bounding_box()["width"] == pytest.approx(factor * widths[0], rel=0.01)
    assert sound.bounding_box()["width"] == pytest.approx(factor * widths[1], rel=0.01)
    page.evaluate(set_, [setting, ""])
    page.set_viewport_size({"width": 1200, "height": 1000})


def test_lab_steps(notebook):
    count = notebook.page.locator(".lp:visible").count()
    player = SoundPlayer(notebook.page, count - 1)
    player.play()
    steps = player.root.locator(".lp-steps input")
    steps.fill("1")
    player.wait(lambda state: state["gains"][1] > 0.999)
    steps.press("ArrowLeft")  # JupyterLab would take the key
    player.wait(lambda state: state["gains"][0] > 0.999)
    volume = player.root.locator(".lp-volume input")
    before = float(volume.input_value())
    volume.press("ArrowLeft")
    assert float(volume.input_value()) == before - 1
    notebook.check()


def test_lab_shows_the_stored_copy_of_a_notebook_without_its_kernel(notebook):
    page = notebook.page
    notebook.command("docmanager:save")
    saved = next(notebook.folder.glob("made_*.ipynb"))
    for trusted in (True, False):  # a signed notebook keeps its signature, an edited one loses it
        text = saved.read_text(encoding="utf-8")
        path = saved.with_name(f"again_{trusted}.ipynb")
        path.write_text(text if trusted else text.replace("import numpy", "import  numpy"))
        page.goto(f"{notebook.url}/lab/tree/{path.name}?reset&token={notebook.token}")
        page.locator("text=Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
        stored = page.locator(".lp-stored").first
        stored.wait_for()
        stored.scroll_into_view_if_needed()
        page.wait_for_timeout(2000)
        assert "Stored at share of high" in stored.inner_text()
        assert not page.get_by_text("Error displaying widget").locator("visible=true").count()
        assert page.locator(".lp-frames input").count() == trusted  # none that does nothing
        if trusted:
            SoundPlayer(page, root=stored.locator(".lp")).play()
        else:
            assert stored.locator("audio").is_visible()
    notebook.check()


def test_lab_memory_stays_when_a_cell_runs_again(lab):
    """Each run would leave its sounds behind, in the page and in the kernel."""
    lab.open_notebook(
        [
            CELLS[0],
            *CELLS[1:4:2],
            "import ipywidgets; print(len(ipywidgets.widgets.widget._instances))",
        ]
    )
    counts = []
    for _ in range(5):
        lab.run_all()
        for index in range(2):
            player = SoundPlayer(lab.page, index)
            player.run("p.toggle()")
            player.wait(lambda state: state["playing"])
        kernel = int(lab.cells()[-1]["outputs"][0]["text"])
        counts.append((kernel, *lab.objects("AudioBuffer", "HTMLCanvasElement")))
    assert counts[1:] == [counts[0]] * 4 and counts[0][0] > 10
    lab.check()


# Everything that has a player: each cell shows one.
TALL = [
    "import numpy as np\nfrom lecture_utils.notebook import explore, listen, mushra, plot\n"
    "x = 0.15 * np.sin(2 * np.pi * 200 * np.arange(32000) / 16000)\n"
    "names = ['Griffin-Lim 1984', *(f'version {k}' for k in range(8))]\n"
    "twelve = {'reference': x, 'anchor35': x, 'anchor70': x} | {name: x for name in names}\n"
    "def draw(ax, x, *label, **values):\n"
    "    plot.spectrogram(x, 16000, ax=ax)\n",
    "mushra.rate(twelve, 16000, 'tall', 'page', 'How near to the reference?', seed=1)",
    "mushra.rate(twelve, 16000, 'tall', 'first', 'How do they differ?', training=True)",
    "nine = {name: x / (1 + k) for k, name in enumerate(names)}\n"
    "listen.compare(nine, 16000, 'Nine', figure=draw, alt='A line')",
    "listen.compare(nine, 16000, 'Nine')",
    "listen.compare(dict.fromkeys(names, x), 16000, 'How natural?', blind='rate')",
    "listen.compare(dict.fromkeys(names[:2], x), 16000, 'Which is X?', blind=True)",
    "explore.steps({k: x / (1 + k) for k in range(8)}, 16000, 'rounds', draw, 'A line', 'A loop',\n"
    "              start={2: 'random phase'}, loop={3: 'the nearest sound', 4: 'keep its phase'})",
    "explore.sound(lambda a, b, c: x, 16000, draw, 'A line', 'Three controls',\n"
    "              a=explore.choice([0, 1, 2, 4, 8, 16, 32], label='rounds'),\n"
    "              b=explore.choice([256, 512, 1024, 2048, 4096], label='window'),\n"
    "              c=explore.slider(0, 1, 0.1, 0.5, 'share'))",
]


def test_lab_players_fit_on_one_screen(lab):
    """With JupyterLab's panels open: from the caption to the end of what is seen and rated."""
    page = lab.page
    page.set_viewport_size({"width": 1280, "height": 720})
    lab.open_notebook(TALL)
    lab.run_all()
    room = page.locator(".jp-Notebook").bounding_box()
    assert room["height"] == pytest.approx(600, abs=10)
    cells = page.locator(".jp-CodeCell")
    for index in range(1, len(TALL)):
        shown = cells.nth(index).locator(".lp-explore:visible, .lp:visible").first
        shown.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        live = "explore.sound" in TALL[index]  # its player's own picture may lie below
        last = shown.locator(".lp-picture" if live else ".lp-plot, .lp-panel > *").last
        end = last.bounding_box()
        needed = end["y"] + end["height"] - shown.bounding_box()["y"]
        assert needed <= room["height"], f"{TALL[index][:60]}: {needed:.0f} pixels"
    for percent in (100, 150, 200):
        page.evaluate("p => { document.documentElement.style.fontSize = `${p}%`; }", percent)
        wide = page.evaluate("""() => [...document.querySelectorAll('.lp')].filter((p) =>
            p.clientWidth && p.scrollWidth > p.clientWidth + 1).map((p) => p.textContent)""")
        assert wide == []
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size({"width": 1200, "height": 1000})
    lab.check()


def test_lab_ratings_reach_python(lab):
    lab.open_notebook([
        "import numpy as np\n"
        "from lecture_utils.notebook import mushra\n"
        "x = 0.2 * np.sin(np.arange(16000) / 5)\n"
        "sounds = {'reference': x, 'a': x, 'b': x}\n"
        "test_page = mushra.rate(sounds, 16000, 'lab', 'page', 'How good?', seed=1)\n"
        "test_page",
        "print(sorted(row[3:5] for row in test_page.rows))",
    ])  # fmt: skip
    lab.run_all()
    page = lab.page
    player = SoundPlayer(page, root=page.locator(".lp-explore .lp:visible").first)
    player.run("p.transport.setLoop(true)")
    player.play()
    for k in range(3):
        page.keyboard.press(str(k + 1))
        page.wait_for_timeout(100)
        page.keyboard.press("ArrowUp")
    player.root.locator(".lp-finish").click()
    player.root.locator(".lp-csv").wait_for()
    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    lab.command("notebook:run-cell")
    page.get_by_text("[['a', 51], ['b', 51], ['reference', 51]]").wait_for()
    lab.check()


@pytest.mark.parametrize("name", ["05_griffin_lim"])
def test_lab_runs_the_griffin_lim_notebook(lab, name):
    path = NOTEBOOKS / f"{name}.ipynb"
    if not path.is_file():
        pytest.skip(f"notebooks/{name}.ipynb is not written yet")
    lab.open_notebook(path)
    lab.run_all()
    page = lab.page
    players = [SoundPlayer(page, i) for i in range(page.locator(".lp:visible").count())]
    assert players, "the notebook shows no player"
    several = next(p for p in players if p.root.locator(".lp-version").count() > 1)
    several.root.scroll_into_view_if_needed()
    started = several.play()
    page.keyboard.press("2")
    state = several.wait(lambda state: state["gains"] and state["gains"][1] > 0.999)
    assert sum(state["gains"]) == pytest.approx(1, abs=1e-3)
    assert state["position"] > started["position"]
    if page.locator(".widget-slider").count():
        image = page.locator(".lp-explore img.lp-image").first
        player, source = live_player(page), image.get_attribute("src")
        drawn = player.picture()
        move_slider(page, "ArrowRight", 2)
        page.wait_for_function(
            "old => document.querySelector('.lp-explore img.lp-image').src !== old", arg=source
        )
        page.wait_for_timeout(300)
        assert player.picture() != drawn
    else:  # a stored slider
        player = next(p for p in players if p.root.locator(".lp-steps").count())
        player.root.scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        drawn = player.picture()
        player.root.locator(".lp-steps input").fill("5")
        assert player.picture() != drawn
    player.play()
    lab.check()
