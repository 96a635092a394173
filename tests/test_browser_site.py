"""Pages of the site in a browser: opened from the disk, served, and without scripts."""

import numpy as np
import play_site
import pytest
from browser import SoundPlayer, Watched, served

from lecture_utils.notebook import explore, listen, mushra
from lecture_utils.setup.site import course, states
from lecture_utils.setup.site.media import Media, lighten

SR = 16000
T = np.arange(2 * SR) / SR
LOW, HIGH = (0.15 * np.sin(2 * np.pi * f * T).astype(np.float32) for f in (400, 800))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page with one of everything, as the builder makes it, but without the theme."""
    folder, patch = tmp_path_factory.mktemp("site"), pytest.MonkeyPatch()
    patch.setattr(explore.Explorer, "page", states.page)

    def draw(ax, *_rest, k=1):
        ax.plot([0, k])

    explorer = explore.sound(
        lambda f: 0.1 * np.sin(2 * np.pi * f * T), SR, figure=lambda ax, x, f: draw(ax, k=f),
        alt="A line", f=explore.slider(200, 600, 100, 400), caption="A tone",
    )  # fmt: skip
    picture = explore.picture(draw, "A line", k=explore.choice([1, 2], label="slope"))
    sounds = {"reference": LOW, "a": HIGH, "b": 0.5 * LOW}
    parts = [
        listen.compare({"low": LOW, "high": HIGH}, SR, caption="Two tones")._repr_html_(),
        explore.steps({1: LOW, 2: HIGH}, SR, figure=draw, alt="A line")
        ._repr_html_(),
        listen.compare({"low": LOW, "high": HIGH}, SR, blind=True, seed=1)._repr_html_(),
        mushra.rate(sounds, SR, "tones", "1", "Rate", seed=1).static()._repr_html_(),
        explorer.page(), picture.page(),
        explore.flipbook({1: draw, 2: draw}, "A line")._repr_html_(),
    ]  # fmt: skip
    patch.undo()
    media = Media(folder / "_media")
    body = "\n".join(lighten(part, media) for part in parts)
    (folder / "course.css").write_text(course.style_sheet())
    (folder / "course.js").write_text(course.script())
    head = '<link rel="stylesheet" href="course.css"><script defer src="course.js"></script>'
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>{head}{body}'
    (folder / "page.html").write_text(page)
    return folder


def test_every_player_of_a_page_plays(chrome, site):
    """As `make play` plays the whole site."""
    watched = Watched(chrome)
    found = play_site.play_page(watched, site / "page.html")
    assert found["problems"] == [] and (found["players"], found["states"]) == (5, 2)
    assert found["before"] < 120e3 < found["bytes"]
    watched.close()


def test_sounds_come_late_and_exact(chrome, site):
    watched, requested = Watched(chrome), []
    watched.page.on("request", lambda request: requested.append(request.url))
    with served(site) as address:
        watched.page.goto(f"{address}/page.html")
        player = SoundPlayer(watched.page)
        assert not [url for url in requested if "_media" in url and url.endswith((".js", ".flac"))]
        watched.page.keyboard.press("Tab")
        player.play()
        level, frequency = player.rms()
        assert level == pytest.approx(0.15 / np.sqrt(2), rel=0.05) and abs(frequency - 400) < 15
        player.root.press("2")
        player.wait(lambda state: state["gains"][1] > 0.999)
        assert abs(player.rms()[1] - 800) < 15
        samples = player.run(
            "return [...new Int16Array(p.transport.wavs[0], 44)]"  # before the browser resamples
        )
        assert samples == np.round(LOW * 32768).astype(int).tolist()
    watched.check()
    watched.close()


def test_states_change_while_they_play(chrome, site):
    watched = Watched(chrome)
    watched.page.goto((site / "page.html").as_uri())
    host = watched.page.locator(".lp-states").first
    player = SoundPlayer(watched.page, root=host.locator(".lp:not(.lp-controls)"))
    slider = host.get_by_role("slider", name="f", exact=True)
    assert slider.get_attribute("aria-valuetext") == "400"
    source = player.root.locator(".lp-image").get_attribute("src")
    slider.fill("0")  # before anything is loaded
    assert "f 200" in host.locator(".lp-setting").inner_text()
    player.play()
    assert abs(player.rms()[1] - 200) < 15
    slider.fill("4")
    player.wait(lambda state: state["playing"])
    watched.page.wait_for_timeout(400)
    assert abs(player.rms()[1] - 600) < 15
    assert player.root.locator(".lp-image").get_attribute("src") != source
    other = watched.page.locator(".lp-states").nth(1)
    before = other.locator("img").get_attribute("src")
    other.get_by_role("button", name="2").click()
    assert other.locator("img").get_attribute("src") != before
    watched.check()
    watched.close()


def test_without_scripts_sounds_and_pictures_remain(chrome, site):
    context = chrome.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "page.html").as_uri())
    assert page.locator("audio:visible").count() == 2 + 2 + 2 + 3 + 1
    assert page.locator("img:visible").count() == 2 + 1 + 1 + 2
    sources = [a.get_attribute("src") for a in page.locator("audio").all()]
    assert all((site / source).read_bytes()[:4] == b"fLaC" for source in sources)
    context.close()


def test_a_page_out_of_its_folder_says_what_to_do(chrome, site, tmp_path):
    """As when it is opened inside a ZIP file."""
    for name in ("page.html", "course.js", "course.css"):
        (tmp_path / name).write_bytes((site / name).read_bytes())
    watched = Watched(chrome)
    watched.page.goto((tmp_path / "page.html").as_uri())
    root = watched.page.locator(".lp").first
    root.locator(".lp-play").click()
    trouble = root.locator(".lp-trouble")
    trouble.wait_for()
    assert "unpack the whole folder" in trouble.inner_text()
    assert root.locator(".lp-play").inner_text().endswith("play")
    watched.check()
    watched.close()
